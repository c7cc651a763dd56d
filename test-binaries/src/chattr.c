// Attributes of files by FS_IOC_SETFLAGS: immutable, append-only, nodump, and what each forbids whom. Not checked: compression,
// encryption, project quotas.
#include "t.h"
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <utime.h>
#define GETFLAGS _IOR('f', 1, long)
#define SETFLAGS _IOW('f', 2, long)
enum { IMMUTABLE = 0x10, APPEND = 0x20, NODUMP = 0x40, NOATIME = 0x80 };
static long set(const char *path, int flags) {
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return -1;
  long r = ioctl(fd, SETFLAGS, &flags);
  close(fd);
  return r;
}
static long get(const char *path) {
  int fd = open(path, O_RDONLY | O_NONBLOCK), flags = -1;
  if (fd < 0) return -1;
  long r = ioctl(fd, GETFLAGS, &flags);
  close(fd);
  return r ? r : flags;
}
static long opens(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

static void all(const char *what) {
  show("file", "%s", what);
  R(opens("f", O_RDONLY));
  R(opens("f", O_WRONLY));
  R(opens("f", O_WRONLY | O_APPEND));
  R(opens("f", O_RDWR | O_TRUNC | O_APPEND));
  R(opens("f", O_RDONLY | O_TRUNC));
  R(truncate("f", 3));
  R(chmod("f", 0600));
  R(chown("f", 1, 1));
  R(utime("f", 0));
  R(utime("f", &(struct utimbuf){1, 2}));
  R(setxattr("f", "user.x", "1", 1, 0));
  R(access("f", W_OK));
  R(access("f", R_OK));
  R(link("f", "g"));
  R(rename("f", "g"));
  R(rename("other", "f"));
  R(unlink("f"));
}

static void directory(const char *what) {
  show("directory", "%s", what);
  R(opens("d/new", O_CREAT | O_WRONLY));
  R(opens("d/old", O_WRONLY));
  R(opens("d/old", O_CREAT | O_WRONLY));
  R(mkdir("d/sub", 0755));
  R(symlink("x", "d/link"));
  R(mkfifo("d/fifo", 0644));
  R(link("other", "d/hard"));
  R(unlink("d/old"));
  R(rename("d/old", "d/renamed"));
  R(rename("other", "d/in"));
  R(rename("d/in", "other"));
  R(rmdir("d/sub"));
  R(chmod("d", 0700));
  R(rmdir("d"));
  R(access("d", W_OK));
}

int main(void) {
  scratch();

  put("f", "0123456789");
  put("other", "x");
  mkdir("d", 0755);
  put("d/old", "x");
  chmod(scratch_path, 0755);
  R(get("f"));
  R(get("d"));
  R(set("f", NODUMP));
  R(get("f"));
  R(set("f", 0x20000000));
  R(set("f", 0));
  R(set("f", IMMUTABLE));
  R(get("f"));
  all("immutable");
  R(set("f", APPEND));
  all("append-only");
  int fd = open("f", O_WRONLY | O_APPEND);
  R(write(fd, "more", 4));
  R(fcntl(fd, F_SETFL, 0));
  R(ftruncate(fd, 2));
  R(fallocate(fd, 0, 0, 100));
  R(fallocate(fd, 1, 0, 100));
  R(fallocate(fd, 3, 0, 100));
  close(fd);
  fd = open("f", O_RDWR | O_APPEND);
  R(mmap(0, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  R(mmap(0, 10, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  close(fd);
  R(set("f", 0));
  fd = open("f", O_RDWR);
  set("f", IMMUTABLE);
  R(pwrite(fd, "x", 1, 0));
  R(fchmod(fd, 0600));
  R(ftruncate(fd, 2));
  R(fallocate(fd, 0, 0, 100));
  close(fd);
  set("f", 0);
  R(set("d", IMMUTABLE));
  directory("immutable");
  R(set("d", APPEND));
  directory("append-only");
  R(set("d", 0));
  struct { uint32_t mask, blksize; uint64_t attributes, rest[40]; } sx;
  set("f", IMMUTABLE | APPEND | NODUMP);
  syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &sx);
  show("statx", "%lx", (long)sx.attributes);
  set("f", 0);
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    chown("f", 1000, 1000);
    setresuid(1000, 1000, 1000);
    R(set("f", NODUMP));
    R(set("f", IMMUTABLE));
    R(set("f", APPEND));
    R(set("other", NODUMP));
    R(get("other"));
    _exit(0);
  }
  waitpid(p, 0, 0);
  int flags = 0, pipes[2];
  pipe(pipes);
  R(ioctl(pipes[0], GETFLAGS, &flags));
  R(ioctl(open("/dev/null", O_RDWR), GETFLAGS, &flags));
  R(ioctl(open("/proc/self/status", O_RDONLY), GETFLAGS, &flags));
  R(ioctl(open("f", O_RDONLY), GETFLAGS, (void *)1));
  set("d", 0);
  scratch_remove();
  return 0;
}
