// open(2), openat(2), openat2(2), creat(2): flags and the order of errors, O_TMPFILE, O_PATH, RESOLVE_*, limits of
// descriptors. Not checked: devices other than /dev/null, O_DIRECT's alignment, mandatory quotas.
#include "t.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/mman.h>
static long opened(const char *what, long fd) {
  ok(what, fd);
  if (fd >= 0) close((int)fd);
  return fd;
}
#define O(call) opened(#call, (call))
struct open_how {
  uint64_t flags, mode, resolve;
};
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16, CACHED = 32 };
static long openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {flags, mode, resolve};
  return syscall(SYS_openat2, dir, path, &how, sizeof how);
}
static int flagsof(int fd) { return fcntl(fd, F_GETFL); }
static void mode_of(const char *what, int fd) {
  struct stat s;
  fstat(fd, &s);
  show(what, "%o nlink %d", s.st_mode, (int)s.st_nlink);
}

static void basic(void) {
  char long_name[300], long_path[5000];
  memset(long_name, 'n', 255);
  long_name[255] = 0;
  O(open(long_name, O_CREAT | O_RDWR, 0600));
  long_name[255] = 'n';
  long_name[256] = 0;
  O(open(long_name, O_CREAT | O_RDWR, 0600));
  memset(long_path, '/', sizeof long_path);
  strcpy(long_path + 4090, "f");
  O(open(long_path, O_RDONLY));
  strcpy(long_path + 4094, "f");
  O(open(long_path, O_RDONLY));
  memset(long_path, '/', sizeof long_path);
  strcpy(long_path + 4095, "f");
  O(open(long_path, O_RDONLY));
  O(open("", O_RDONLY));
  O(open((char *)1, O_RDONLY));
  O(open(0, O_RDONLY));
  O(open("f", O_RDONLY));
  O(open("d", O_RDONLY));
  O(open("d", O_WRONLY));
  O(open("d", O_RDWR));
  O(open("d", O_RDONLY | O_TRUNC));
  O(open("d", O_CREAT, 0644));
  O(open("d", O_CREAT | O_EXCL, 0644));
  O(open("d", O_DIRECTORY));
  O(open("f", O_DIRECTORY));
  O(open("f/", O_RDONLY));
  O(open("f/x", O_RDONLY));
  O(open("new/", O_CREAT | O_RDWR, 0644));
  O(open("new", O_CREAT | O_DIRECTORY, 0755));
  O(open("d", O_CREAT | O_DIRECTORY, 0755));
  O(open("f", O_CREAT | O_EXCL, 0644));
  O(open("missing", O_EXCL));
  O(open("missing/x", O_CREAT, 0644));
  O(open("l", O_RDONLY | O_NOFOLLOW));
  O(open("l", O_RDONLY));
  O(open("l", O_CREAT | O_EXCL, 0644));
  O(open("ld/f", O_RDONLY | O_NOFOLLOW));
  O(open("ld", O_DIRECTORY | O_NOFOLLOW));
  O(open("ld/", O_DIRECTORY | O_NOFOLLOW));
  O(open("dangling", O_RDONLY));
  O(open("dangling", O_CREAT | O_EXCL, 0644));
  O(open("dangling", O_CREAT | O_NOFOLLOW, 0644));
  O(open("dangling", O_CREAT | O_RDWR, 0644));
  R(access("target", F_OK));
  O(open("loop1", O_RDONLY));
  O(open("loop1/x", O_RDONLY));
  O(open("loop1", O_CREAT, 0644));
  O(open("selflink", O_RDONLY));
  int fd = open("f", O_RDWR | O_APPEND | O_NONBLOCK | O_SYNC | O_CREAT | O_TRUNC | O_EXCL * 0 | O_CLOEXEC, 0644);
  show("flags kept", "%o", flagsof(fd) & ~O_LARGEFILE);
  R(fcntl(fd, F_GETFD));
  close(fd);
  fd = open("f", 3);
  K(fd);
  show("access mode 3", "%o", flagsof(fd) & O_ACCMODE);
  char c;
  R(read(fd, &c, 1));
  R(write(fd, "x", 1));
  close(fd);
  fd = open("f", O_RDONLY | O_TRUNC);
  R(lseek(fd, 0, SEEK_END));
  close(fd);
  fd = open("f", O_RDONLY);
  R(write(fd, "x", 1));
  close(fd);
  fd = open("f", O_WRONLY);
  R(read(fd, &c, 1));
  close(fd);
  fd = creat("created", 0640);
  mode_of("creat", fd);
  show("creat's flags", "%o", flagsof(fd) & ~O_LARGEFILE);
  close(fd);
  umask(077);
  fd = open("masked", O_CREAT | O_RDWR, 06777);
  mode_of("umask 077", fd);
  close(fd);
  umask(0);
  fd = open("unmasked", O_CREAT | O_RDWR, 07777);
  mode_of("umask 0", fd);
  close(fd);
  umask(022);
  fd = open("readonly", O_CREAT | O_RDWR, 0400);
  R(write(fd, "x", 1));
  close(fd);
  O(openat(-1, "f", O_RDONLY));
  O(openat(-1, scratch_path, O_RDONLY));
  fd = open("f", O_RDONLY);
  O(openat(fd, "x", O_RDONLY));
  close(fd);
  fd = open("d", O_RDONLY);
  O(openat(fd, "f", O_RDONLY));
  O(openat(fd, "../f", O_RDONLY));
  O(openat(fd, "", O_RDONLY));
  O(openat(fd, ".", O_RDONLY));
  close(fd);
  O(open("fifo", O_WRONLY | O_NONBLOCK));
  O(open("fifo", O_RDONLY | O_NONBLOCK));
  O(open("fifo", O_RDWR));
  O(open("sock", O_RDONLY));
  O(open("nodev", O_RDONLY));
  O(open("/dev/null", O_RDWR | O_TRUNC | O_CREAT, 0644));
  O(open("/dev/null", O_DIRECTORY));
  O(open("f", O_RDONLY | 0x80000000));
}

static void lowest(void) {
  int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
  close(a);
  int c = open("f", O_RDONLY);
  yes("the lowest descriptor", a == c);
  close(b);
  close(c);
  struct rlimit old, few = {(rlim_t)a, 100};
  getrlimit(RLIMIT_NOFILE, &old);
  few.rlim_max = old.rlim_max;
  setrlimit(RLIMIT_NOFILE, &few);
  O(open("f", O_RDONLY));
  O(open("unmade", O_CREAT | O_RDONLY, 0644));
  R(access("unmade", F_OK));
  R(dup(0));
  R(dup2(0, a));
  R(dup2(0, 0));
  R(fcntl(0, F_DUPFD, a));
  R(fcntl(0, F_DUPFD, 0));
  int p[2];
  R(pipe(p));
  setrlimit(RLIMIT_NOFILE, &old);
}

static void temporary(void) {
  O(open(".", O_TMPFILE | O_RDONLY, 0600));
  O(open("f", O_TMPFILE | O_RDWR, 0600));
  O(open("missing", O_TMPFILE | O_RDWR, 0600));
  O(open("/proc", O_TMPFILE | O_RDWR, 0600));
  O(open(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
  O(open(".", O_TMPFILE | O_CREAT | O_RDWR, 0600));
  int fd = open(".", O_TMPFILE | O_RDWR, 0666);
  mode_of("O_TMPFILE", fd);
  R(write(fd, "hello", 5));
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  mode_of("named", fd);
  R(linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
  mode_of("named twice", fd);
  R(unlink("named"));
  R(unlink("named2"));
  mode_of("without a name again", fd);
  R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  close(fd);
  fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  R(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  close(fd);
}

static void path_only(void) {
  int fd = open("f", O_PATH | O_RDWR);
  char c;
  struct stat s;
  show("O_PATH flags", "%o", flagsof(fd) & ~O_LARGEFILE);
  R(read(fd, &c, 1));
  R(write(fd, "x", 1));
  R(lseek(fd, 0, SEEK_SET));
  R(fstat(fd, &s));
  R(fchmod(fd, 0600));
  R(fchown(fd, 0, 0));
  R(ftruncate(fd, 0));
  R(fsync(fd));
  R(fcntl(fd, F_SETFL, O_NONBLOCK));
  R(fcntl(fd, F_GETFD));
  R(fcntl(fd, F_GETLK, 0));
  R(ioctl(fd, 0x541b, &c));
  R(mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
  struct pollfd pfd = {fd, POLLIN, 0};
  R(poll(&pfd, 1, 0));
  show("revents", "%x", pfd.revents);
  K(dup(fd));
  close(fd + 1);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  O(open(name, O_RDWR));
  R(fchdir(fd));
  close(fd);
  fd = open("d", O_PATH);
  R(fchdir(fd));
  R(fchdir(fd) || chdir(scratch_path));
  O(openat(fd, "f", O_RDONLY));
  R(syscall(SYS_getdents64, fd, &s, sizeof s));
  close(fd);
  fd = open("l", O_PATH | O_NOFOLLOW);
  fstat(fd, &s);
  show("a link itself", "%o", s.st_mode & S_IFMT);
  char text[10] = {0};
  R(readlinkat(fd, "", text, 9));
  R(fchmodat(fd, "", 0600, 0));
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  O(open(name, O_RDONLY));
  close(fd);
  O(open("l", O_PATH | O_NOFOLLOW | O_DIRECTORY));
  O(open("f", O_PATH | O_DIRECTORY));
  O(open("newpath", O_PATH | O_CREAT, 0600));
  O(open("sock", O_PATH));
  O(open("nodev", O_PATH));
  O(open("f", O_PATH | O_TRUNC | O_WRONLY));
  fd = open("f", O_PATH);
  fcntl(fd, F_SETFD, 0);
  R(fchownat(fd, "", 0, 0, AT_EMPTY_PATH));
  R(fstatat(fd, "", &s, AT_EMPTY_PATH));
  R(faccessat(fd, "", R_OK, 0));
  R(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
  R(linkat(fd, "", AT_FDCWD, "by-path", AT_EMPTY_PATH));
  R(unlink("by-path"));
  close(fd);
}

static void resolve(void) {
  struct {
    struct open_how how;
    uint64_t more;
  } big = {{O_RDONLY, 0, 0}, 0};
  R(syscall(SYS_openat2, AT_FDCWD, "f", &big, 23));
  R(syscall(SYS_openat2, AT_FDCWD, "f", &big, 0));
  O(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof big));
  big.more = 1;
  R(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof big));
  R(syscall(SYS_openat2, AT_FDCWD, "f", &big, 5000));
  R(syscall(SYS_openat2, AT_FDCWD, "f", 0, sizeof(struct open_how)));
  R(syscall(SYS_openat2, AT_FDCWD, 0, &big, sizeof(struct open_how)));
  O(openat2(AT_FDCWD, "f", 1ull << 40, 0, 0));
  O(openat2(AT_FDCWD, "f", 0x80000000, 0, 0));
  O(openat2(AT_FDCWD, "f", O_RDONLY, 0600, 0));
  O(openat2(AT_FDCWD, "f", O_CREAT, 010000, 0));
  O(openat2(AT_FDCWD, "f", O_CREAT, 0600, 0));
  O(openat2(AT_FDCWD, "f", O_RDONLY, 0, 64));
  O(openat2(AT_FDCWD, "f", O_RDONLY, 0, BENEATH | IN_ROOT));
  O(openat2(AT_FDCWD, "f", O_PATH | O_RDWR, 0, 0));
  O(openat2(AT_FDCWD, "f", O_PATH | O_TRUNC, 0, 0));
  O(openat2(AT_FDCWD, "f", O_PATH | O_CLOEXEC | O_NOFOLLOW, 0, 0));
  O(openat2(-1, "f", O_RDONLY, 0, 0));
  int d = open("d", O_PATH);
  O(openat2(d, "../f", O_RDONLY, 0, 0));
  O(openat2(d, "../f", O_RDONLY, 0, BENEATH));
  O(openat2(d, "../f", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, "../../../../f", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, "/f", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, "/f", O_RDONLY, 0, BENEATH));
  O(openat2(d, "/nosuch", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, "up", O_RDONLY, 0, 0));
  O(openat2(d, "up", O_RDONLY, 0, BENEATH));
  O(openat2(d, "up", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, "abs", O_RDONLY, 0, BENEATH));
  O(openat2(d, "abs", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, "in", O_RDONLY, 0, BENEATH));
  O(openat2(d, "sub/../f", O_RDONLY, 0, BENEATH));
  O(openat2(d, "in", O_RDONLY, 0, NO_SYMLINKS));
  O(openat2(d, "in", O_RDONLY | O_NOFOLLOW, 0, NO_SYMLINKS));
  O(openat2(d, "in", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS));
  O(openat2(d, "sublink/f", O_RDONLY, 0, NO_SYMLINKS));
  O(openat2(d, "sublink/f", O_RDONLY, 0, BENEATH));
  O(openat2(d, "new-beneath", O_CREAT | O_RDWR, 0600, BENEATH));
  O(openat2(d, "../new-above", O_CREAT | O_RDWR, 0600, BENEATH));
  O(openat2(d, "/new-in-root", O_CREAT | O_RDWR, 0600, IN_ROOT));
  R(access("d/new-in-root", F_OK));
  O(openat2(d, ".", O_RDONLY, 0, BENEATH));
  O(openat2(d, "..", O_RDONLY, 0, BENEATH));
  O(openat2(d, "..", O_RDONLY, 0, IN_ROOT));
  O(openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, NO_MAGICLINKS));
  O(openat2(AT_FDCWD, "/proc/self/fd", O_RDONLY, 0, NO_MAGICLINKS));
  O(openat2(AT_FDCWD, "/proc/self/root/proc", O_RDONLY, 0, NO_MAGICLINKS));
  O(openat2(AT_FDCWD, "/proc/self/exe", O_PATH | O_NOFOLLOW, 0, NO_MAGICLINKS));
  O(openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, BENEATH));
  O(openat2(AT_FDCWD, "/proc", O_RDONLY, 0, NO_XDEV));
  O(openat2(AT_FDCWD, "/proc/self", O_RDONLY, 0, NO_XDEV));
  int proc = open("/proc", O_PATH);
  O(openat2(proc, "self", O_RDONLY, 0, NO_XDEV));
  O(openat2(proc, "..", O_RDONLY, 0, NO_XDEV));
  O(openat2(proc, "self/cwd", O_RDONLY, 0, NO_XDEV));
  O(openat2(proc, "self/exe", O_RDONLY, 0, IN_ROOT));
  O(openat2(proc, "self/fd", O_RDONLY, 0, IN_ROOT));
  close(proc);
  O(openat2(d, "loop", O_RDONLY, 0, IN_ROOT));
  O(openat2(d, ".", O_TMPFILE | O_RDWR, 0600, BENEATH));
  O(openat2(AT_FDCWD, "f", O_CREAT | O_RDWR, 0600, CACHED));
  O(openat2(AT_FDCWD, "f", O_RDWR | O_TRUNC, 0, CACHED));
  O(openat2(AT_FDCWD, "f", O_RDWR, 0, CACHED));
  close(d);
}

int main(void) {
  scratch();
  put("f", "0123456789");
  mkdir("d", 0755);
  put("d/f", "below");
  mkdir("d/sub", 0755);
  put("d/sub/f", "deep");
  symlink("f", "l");
  symlink("d", "ld");
  symlink("target", "dangling");
  symlink("loop2", "loop1");
  symlink("loop1", "loop2");
  symlink("selflink", "selflink");
  symlink("../f", "d/up");
  symlink("/f", "d/abs");
  symlink("f", "d/in");
  symlink("sub", "d/sublink");
  symlink("/loop", "d/loop");
  mkfifo("fifo", 0644);
  mknod("sock", S_IFSOCK | 0644, 0);
  mknod("nodev", S_IFCHR | 0644, (250 << 8) | 250);
  basic();
  lowest();
  temporary();
  path_only();
  resolve();
  scratch_remove();
  return 0;
}
