/*
 * Runs memory system calls on the real kernel, for comparison. Each line of standard input is a sequence: operations
 * separated by ';', each a letter and numbers. For each operation one line is printed: the result or -errno, then the mappings inside
 * the window. A blank line ends a sequence; the window is cleared between sequences.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BASE 0x20000000ul
#define SIZE 0x100000ul

static sigjmp_buf jump;
static int files[4] = {-1, -1, -1, -1};

static void on_signal(int sig, siginfo_t *info, void *context) {
  (void)context;
  siglongjmp(jump, (sig << 8) | (info->si_code & 0xff));
}

static void reset_files(void) {
  char path[] = "/tmp/ops.XXXXXX";
  static const int modes[4] = {-1, O_RDONLY, O_WRONLY, O_RDWR};
  for (int i = 1; i < 4; i++) close(files[i]);
  int fd = mkstemp(path);
  static unsigned char bytes[4096 * 3 + 100];
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(1 + i / 4096 * 16 + i % 13);
  if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes) exit(1);
  for (int i = 1; i < 4; i++) files[i] = open(path, modes[i]);
  close(fd);
  unlink(path);
}

static void print_maps(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  while (fgets(line, sizeof line, maps)) {
    unsigned long start, end, offset;
    char perms[8];
    if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, perms, &offset) != 4) continue;
    if (start < BASE || end > BASE + SIZE) continue;
    printf(" %lx-%lx:%s:%lx", start - BASE, end - BASE, perms, offset);
  }
  fclose(maps);
}

static long outside(long result, unsigned long length) {
  unsigned long at = (unsigned long)result;
  if (result < 0 && result > -4096) return result;
  if (at >= BASE && at < BASE + SIZE) return (long)(at - BASE);
  syscall(SYS_munmap, at, (length + 4095) & ~4095ul);
  return -9999; /* somewhere else, which depends on the rest of the address space */
}

static long sys(long result) { return result < 0 ? -errno : result; }

int main(int argc, char **argv) {
  (void)argc;
  // The heap begins anywhere within a gigabyte of the program, so in the window sometimes.
  int persona = personality(0xffffffff);
  if (persona >= 0 && !(persona & ADDR_NO_RANDOMIZE) && personality(persona | ADDR_NO_RANDOMIZE) >= 0)
    execv("/proc/self/exe", argv);
  static char line[1 << 20];
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  while (fgets(line, sizeof line, stdin)) {
    syscall(SYS_munmap, BASE, 2 * SIZE);
    reset_files();
    for (char *op = strtok(line, ";\n"); op; op = strtok(0, ";\n")) {
      char kind = 0;
      unsigned long a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
      sscanf(op, " %c %lu %lu %lu %lu %lu %lu", &kind, &a, &b, &c, &d, &e, &f);
      unsigned long at = a + BASE;
      long result = 0;
      int caught = sigsetjmp(jump, 1);
      if (caught) result = -100000 - caught;
      else
        switch (kind) {
          case 'm': result = outside(sys(syscall(SYS_mmap, at, b, c, d, files[e & 3], f)), b); break;
          case 'u': result = sys(syscall(SYS_munmap, at, b)); break;
          case 'p': result = sys(syscall(SYS_mprotect, at, b, c)); break;
          case 'r': result = outside(sys(syscall(SYS_mremap, at, b, c, d, e + BASE)), c); break;
          case 'a': result = sys(syscall(SYS_madvise, at, b, c)); break;
          case 's': result = sys(syscall(SYS_msync, at, b, c)); break;
          case 'w': *(volatile unsigned char *)at = (unsigned char)b; break;
          case 'g': result = *(volatile unsigned char *)at; break;
          case 'f': { /* the byte as read(2) sees it */
            unsigned char byte = 0;
            result = pread(files[3], &byte, 1, (off_t)a) == 1 ? byte : -1;
            break;
          }
          case 'F': { /* write(2) */
            unsigned char byte = (unsigned char)b;
            result = pwrite(files[3], &byte, 1, (off_t)a);
            break;
          }
          default: result = -12345;
        }
      printf("%ld", result);
      print_maps();
      printf("\n");
    }
    printf("\n");
  }
  return 0;
}
