// Calls that few programs make: ustat(2), sysfs(2), process_mrelease(2), memfd_secret(2), acct(2), lsm_list_modules(2) and its
// kin; vm.memfd_noexec. Not checked: times in the records of acct(5), which security modules there are.
#include "t.h"
#include <sched.h>
#include <sys/acct.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>

static void ustats(void) {
  struct { int tfree; unsigned long tinode; char fname[6], fpack[6]; } u;
  struct stat st;
  struct statfs fs;
  stat("/tmp", &st);
  statfs("/tmp", &fs);
  memset(&u, 0xff, sizeof u);
  R(syscall(SYS_ustat, (unsigned)st.st_dev, &u));
  yes("blocks", (unsigned)u.tfree == (unsigned)fs.f_bfree);
  yes("inodes", u.tinode == fs.f_ffree);
  show("names", "%d %d", u.fname[0], u.fpack[0]);
  R(syscall(SYS_ustat, 0xffff, &u));
  R(syscall(SYS_ustat, (unsigned)st.st_dev, 0));
  R(syscall(SYS_ustat, (unsigned)st.st_dev, 1));
}

static void types(void) {
  char name[64] = "";
  long tmpfs = syscall(SYS_sysfs, 1, "tmpfs"), n = syscall(SYS_sysfs, 3);
  yes("how many", n > 3 && tmpfs >= 0 && tmpfs < n);
  R(syscall(SYS_sysfs, 2, tmpfs, name));
  show("name", "%s", name);
  R(syscall(SYS_sysfs, 1, "nosuchfs"));
  R(syscall(SYS_sysfs, 1, 0));
  R(syscall(SYS_sysfs, 2, n, name));
  R(syscall(SYS_sysfs, 2, tmpfs, 0));
  R(syscall(SYS_sysfs, 0));
  R(syscall(SYS_sysfs, 4));
}

static void releases(void) {
  pid_t c = fork();
  if (c == 0) {
    pause();
    _exit(0);
  }
  int fd = (int)syscall(SYS_pidfd_open, c, 0);
  R(syscall(448, fd, 0));
  R(syscall(448, fd, 1));
  R(syscall(448, -1, 0));
  R(syscall(448, 0, 0));
  kill(c, SIGKILL);
  msleep(20);
  R(syscall(448, fd, 0));
  waitpid(c, 0, 0);
  R(syscall(448, fd, 0));
}

static void modules(void) {
  uint64_t ids[32];
  uint32_t size = sizeof ids;
  long n = syscall(461, ids, &size, 0);
  yes("modules", n > 0 && size == 8 * (uint32_t)n);
  int known = 0;
  for (long i = 0; i < n; i++) known += ids[i] == 100 || ids[i] == 110;
  show("capability and landlock", "%d", known);
  size = 4;
  R(syscall(461, ids, &size, 0));
  yes("the size that it takes", size == 8 * (uint32_t)n);
  R(syscall(461, ids, &size, 1));
  R(syscall(461, ids, 0, 0));
  R(syscall(461, 0, &size, 0));
  char text[256] = "";
  size = sizeof text;
  R(syscall(459, 0, text, &size, 0));
  R(syscall(459, 100, text, &size, 0));
  R(syscall(459, 100, text, &size, 2));
  R(syscall(459, 100, 0, &size, 1));
  R(syscall(459, 100, text, 0, 0));
  R(syscall(460, 100, text, 8, 0));
  R(syscall(460, 100, text, 32, 1));
  R(syscall(460, 100, text, 5000, 0));
  R(syscall(460, 100, text, 256, 0));
  R(syscall(460, 100, 0, 32, 0));
}

static void secrets(void) {
  R(syscall(447, 1));
  int fd = (int)syscall(447, O_CLOEXEC);
  yes("a descriptor", fd >= 0);
  show("flags", "%x %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
  struct stat st;
  fstat(fd, &st);
  show("it is", "%o, %lld bytes", st.st_mode, (long long)st.st_size);
  char link[64] = "", path[32], buffer[8] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  readlink(path, link, 63);
  show("its name", "%s", link);
  R(read(fd, buffer, 8));
  R(write(fd, buffer, 8));
  R(pread(fd, buffer, 8, 0));
  R(lseek(fd, 0, SEEK_END));
  yes("private", mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
  show("error", "%s", errname(errno));
  R(fallocate(fd, 0, 0, 4096));
  R(ftruncate(fd, 8192));
  R(ftruncate(fd, 4096));
  R(ftruncate(fd, 16384));
  char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  yes("shared", p != MAP_FAILED);
  strcpy(p, "secret");
  char *q = mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 0);
  show("the same", "%s", q);
  int pipes[2];
  pipe(pipes);
  R(write(pipes[1], p, 7));
  read(pipes[0], buffer, 7);
  show("the kernel copies it out", "%s", buffer);
  struct iovec mine = {buffer, 6}, theirs = {p, 6}, there = {p, 6};
  R(process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0));
  R(vmsplice(pipes[1], &there, 1, 0));
  int mem = open("/proc/self/mem", O_RDONLY);
  R(pread(mem, buffer, 6, (off_t)(uintptr_t)p));
  pid_t c = fork();
  if (c == 0) {
    p[0] = 'S';
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(c, 0, 0);
  show("shared with children", "%s", p);
  errno = 0;
  R(ptrace(PTRACE_PEEKDATA, c, p, 0));
  ptrace(PTRACE_CONT, c, 0, 0);
  waitpid(c, 0, 0);
  R(munlock(p, 8192));
  struct rlimit l = {4096, 4096};
  fflush(stdout);
  if (fork() == 0) {
    setrlimit(RLIMIT_MEMLOCK, &l);
    prctl(PR_SET_NAME, "limited", 0, 0, 0);
    if (setresuid(1000, 1000, 1000)) _exit(98);
    int f = (int)syscall(447, 0);
    ftruncate(f, 8192);
    show("beyond the limit", "%s", mmap(0, 8192, PROT_READ, MAP_SHARED, f, 0) == MAP_FAILED ? errname(errno) : "mapped");
    show("within", "%s", mmap(0, 4096, PROT_READ, MAP_SHARED, f, 0) == MAP_FAILED ? errname(errno) : "mapped");
    fflush(stdout);
    _exit(0);
  }
  wait(0);
}

static int sysctl(const char *text) {
  int fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY);
  int r = fd < 0 ? -1 : (int)write(fd, text, strlen(text));
  int e = errno;
  close(fd);
  errno = e;
  return r;
}
static void memfd(const char *what, unsigned flags) {
  int fd = (int)syscall(SYS_memfd_create, "x", flags);
  struct stat st;
  if (fd < 0) {
    show(what, "-1 %s", errname(errno));
    return;
  }
  fstat(fd, &st);
  show(what, "%o seals %x", st.st_mode & 0777, fcntl(fd, F_GET_SEALS));
  close(fd);
}
static int noexec(void *unused) {
  (void)unused;
  memfd("by default", 0);
  memfd("sealable", 2);
  R(sysctl("1\n"));
  memfd("1: by default", 0);
  memfd("1: sealable", 2);
  memfd("1: MFD_EXEC", 0x10);
  memfd("1: MFD_NOEXEC_SEAL", 8);
  R(sysctl("2\n"));
  memfd("2: by default", 0);
  memfd("2: MFD_EXEC", 0x10);
  memfd("2: MFD_NOEXEC_SEAL", 8);
  R(sysctl("3\n"));
  R(sysctl("-1\n"));
  R(sysctl("1\n"));
  memfd("1 again", 0);
  fflush(stdout);
  pid_t c = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
  if (c == 0) {
    memfd("inside", 0);
    R(sysctl("0\n"));
    R(sysctl("2\n"));
    memfd("inside: 2", 0x10);
    R(sysctl("1\n"));
    _exit(0);
  }
  waitpid(c, 0, 0);
  memfd("outside", 0x10);
  fflush(stdout);
  return 0;
}

struct record {
  uint8_t flag, version; uint16_t tty; uint32_t code, uid, gid, pid, ppid, btime; float etime;
  uint16_t utime, stime, mem, io, rw, minflt, majflt, swaps; char comm[16];
};
static int keep(void *unused) {
  (void)unused;
  scratch();
  put("accounts", "");
  mkdir("dir", 0755);
  R(acct("none"));
  R(acct("dir"));
  R(acct("/dev/null"));
  R(acct((char *)1));
  R(acct("accounts"));
  pid_t pids[4];
  time_t now = time(0);
  fflush(stdout);
  for (int i = 0; i < 3; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      prctl(PR_SET_NAME, i == 0 ? "a rather long name of a process" : "short", 0, 0, 0);
      if (i == 1) setresgid(7, 7, 7), setresuid(1000, 1000, 1000);
      if (i == 2) raise(SIGTERM);
      _exit(i + 3);
    }
    waitpid(pids[i], 0, 0);
  }
  pids[3] = fork();
  if (pids[3] == 0) execl("/bin/true", "true", (char *)0);
  waitpid(pids[3], 0, 0);
  R(acct(0));
  R(acct(0));
  if (fork() == 0) _exit(0);
  wait(0);
  struct record r;
  int fd = open("accounts", O_RDONLY), n = 0;
  while (read(fd, &r, sizeof r) == sizeof r) {
    show("record", "of %s: %s, flags %x, version %d, exit %x, uid %d gid %d", n < 4 && r.pid == (uint32_t)pids[n] ? "the child" : "?", r.comm,
         r.flag & ~2, r.version, r.code, r.uid, r.gid);
    show("  ", "parent %d, time %d, elapsed %d", r.ppid == (uint32_t)getpid(), r.btime + 2 >= now && r.btime <= now + 2, r.etime < 200);
    n++;
  }
  show("records", "%d", n);
  fflush(stdout);
  if (fork() == 0) {
    if (setresuid(1000, 1000, 1000)) _exit(98);
    R(acct("accounts"));
    R(acct(0));
    _exit(0);
  }
  wait(0);
  scratch_remove();
  fflush(stdout);
  return 0;
}

// With a /proc of its own, in a PID namespace: what is changed there ends with it.
static void inside(int (*f)(void *)) {
  fflush(stdout);
  pid_t c = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (c == 0) {
    mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
    mount("proc", "/proc", "proc", 0, 0);
    _exit(f(0));
  }
  int s;
  waitpid(c, &s, 0);
  status("inside", s);
}

int main(void) {
  ustats();
  types();
  releases();
  modules();
  secrets();
  inside(noexec);
  inside(keep);
  return 0;
}
