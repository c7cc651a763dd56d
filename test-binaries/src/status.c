// stat(2), statx(2), utimensat(2), faccessat2(2), getdents64(2), extended attributes, inotify(7) in the corners: masks and
// flags, times, order of errors. Not checked: access control lists, fanotify, automounts.
#include "t.h"
#include <dirent.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <sys/mman.h>
#include <utime.h>

struct sx_time { int64_t sec; uint32_t nsec; int32_t pad; };
struct sx {
  uint32_t mask, blksize;
  uint64_t attributes;
  uint32_t nlink, uid, gid;
  uint16_t mode, pad;
  uint64_t ino, size, blocks, attributes_mask;
  struct sx_time atime, btime, ctime, mtime;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t mnt_id, rest[13];
};
static long sx(int dir, const char *path, int flags, unsigned mask, struct sx *b) { return syscall(SYS_statx, dir, path, flags, mask, b); }

static void times(void) {
  struct stat s;
  int fd = open("f", O_RDWR);
  struct timespec t[2] = {{100, 1}, {-5, 999999999}};
  R(utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &s);
  show("times", "%ld.%09ld %ld.%09ld", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  t[0].tv_nsec = UTIME_OMIT;
  t[1].tv_sec = 7;
  t[1].tv_nsec = 0;
  R(futimens(fd, t));
  stat("f", &s);
  show("times", "%ld %ld", (long)s.st_atim.tv_sec, (long)s.st_mtim.tv_sec);
  t[0].tv_nsec = 1000000000;
  R(futimens(fd, t));
  t[0].tv_nsec = -1;
  R(futimens(fd, t));
  t[0].tv_nsec = UTIME_NOW;
  t[1].tv_nsec = UTIME_OMIT;
  R(futimens(fd, t));
  stat("f", &s);
  yes("now", s.st_atim.tv_sec > 1000000000 && s.st_mtim.tv_sec == 7);
  R(utimensat(AT_FDCWD, "missing", t, 0));
  R(utimensat(AT_FDCWD, "", t, 0));
  R(utimensat(AT_FDCWD, 0, t, 0));
  R(syscall(SYS_utimensat, AT_FDCWD, 0L, t, 0L));
  R(syscall(SYS_utimensat, fd, 0L, t, 0L));
  R(syscall(SYS_utimensat, fd, 0L, t, 0x100L));
  R(syscall(SYS_utimensat, -1L, 0L, t, 0L));
  R(utimensat(fd, "x", t, 0));
  R(utimensat(-1, "f", t, 0));
  R(utimensat(AT_FDCWD, "f", t, 1));
  R(syscall(SYS_utimensat, AT_FDCWD, "f", (void *)1, 0));
  R(utimensat(fd, "", t, AT_EMPTY_PATH));
  t[0] = (struct timespec){1, 0};
  t[1] = (struct timespec){2, 0};
  R(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
  lstat("l", &s);
  show("of the link", "%ld %ld", (long)s.st_atim.tv_sec, (long)s.st_mtim.tv_sec);
  struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
  R(utimensat(AT_FDCWD, "missing", omit, 0));
  R(utimensat(-1, "missing", omit, 0));
  R(utimensat(AT_FDCWD, "missing", omit, 1));
  struct timeval v[2] = {{3, 999999}, {4, 5}};
  R(utimes("f", v));
  stat("f", &s);
  show("times", "%ld.%06ld %ld.%06ld", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec / 1000, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec / 1000);
  v[0].tv_usec = 1000000;
  R(syscall(SYS_utimes, "f", v));
  v[0].tv_usec = -1;
  R(syscall(SYS_utimes, "f", v));
  R(syscall(SYS_futimesat, AT_FDCWD, "f", 0L));
  R(syscall(SYS_utime, "f", &(struct utimbuf){11, 12}));
  stat("f", &s);
  show("times", "%ld %ld", (long)s.st_atim.tv_sec, (long)s.st_mtim.tv_sec);
  R(syscall(SYS_utime, "f", (void *)1));
  R(syscall(SYS_utime, "f/x", 0L));
  t[0].tv_sec = t[1].tv_sec = 1L << 40;
  R(utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &s);
  show("far in the future", "%ld", (long)s.st_mtim.tv_sec);
  // what changes what
  struct stat b;
#define CHANGES(what, call) (utimensat(AT_FDCWD, "f", (struct timespec[2]){{5, 0}, {5, 0}}, 0), utimensat(AT_FDCWD, "d", (struct timespec[2]){{5, 0}, {5, 0}}, 0), call, stat("f", &s), stat("d", &b), show(what, "f %d %d, d %d %d", s.st_atim.tv_sec != 5, s.st_mtim.tv_sec != 5, b.st_atim.tv_sec != 5, b.st_mtim.tv_sec != 5))
  char c;
  CHANGES("read", pread(fd, &c, 1, 0));
  CHANGES("read at the end", pread(fd, &c, 1, 100));
  CHANGES("write", pwrite(fd, "x", 1, 0));
  CHANGES("write nothing", pwrite(fd, "x", 0, 0));
  CHANGES("chmod", chmod("f", 0600));
  CHANGES("truncate", ftruncate(fd, 5));
  CHANGES("truncate to the same size", ftruncate(fd, 5));
  CHANGES("open with O_TRUNC", close(open("f", O_WRONLY | O_TRUNC)));
  CHANGES("link into d", link("f", "d/f"));
  CHANGES("unlink from d", unlink("d/f"));
  CHANGES("mkdir in d", mkdir("d/x", 0755));
  CHANGES("rename in d", rename("d/x", "d/y"));
  CHANGES("rmdir in d", rmdir("d/y"));
  DIR *dp = 0;
  CHANGES("readdir d", (dp = opendir("d"), readdir(dp), closedir(dp)));
  CHANGES("stat", stat("d", &s));
  CHANGES("setxattr", setxattr("f", "user.x", "1", 1, 0));
  close(fd);
}

static void statx_(void) {
  struct sx x;
  memset(&x, 0xff, sizeof x);
  R(sx(AT_FDCWD, "f", 0, 0x7ff, &x));
  show("mask", "%x", x.mask & 0x17ff);
  show("mode", "%o links %u size %lu blocks %lu blksize %u", x.mode, x.nlink, (long)x.size, (long)x.blocks, x.blksize);
  show("ids", "%u %u", x.uid, x.gid);
  show("attributes", "%lx", (long)x.attributes);
  yes("birth time", x.btime.sec > 0);
  R(sx(AT_FDCWD, "f", 0, 0, &x));
  show("mask when asked for nothing", "%x", x.mask & 0xfff);
  R(sx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, 0x7ff, &x));
  show("link", "%o size %lu", x.mode, (long)x.size);
  R(sx(AT_FDCWD, "l", 0, 0x7ff, &x));
  show("followed", "%o", x.mode);
  R(sx(AT_FDCWD, "missing", 0, 0x7ff, &x));
  R(sx(AT_FDCWD, "", 0, 0x7ff, &x));
  R(sx(AT_FDCWD, "", AT_EMPTY_PATH, 0x7ff, &x));
  R(sx(AT_FDCWD, 0, AT_EMPTY_PATH, 0x7ff, &x));
  R(sx(-1, "", AT_EMPTY_PATH, 0x7ff, &x));
  R(sx(-1, "f", 0, 0x7ff, &x));
  R(sx(-1, scratch_path, 0, 0x7ff, &x));
  R(sx(AT_FDCWD, "f", 0x8000000, 0x7ff, &x));
  R(sx(AT_FDCWD, "f", 0x6000, 0x7ff, &x));
  R(sx(AT_FDCWD, "f", 0x2000, 0x7ff, &x));
  R(sx(AT_FDCWD, "f", 0x4000, 0x7ff, &x));
  R(sx(AT_FDCWD, "f", 0, 0x80000000, &x));
  R(sx(AT_FDCWD, "f", 0, 0x7ff, (void *)1));
  R(sx(AT_FDCWD, (char *)1, 0, 0x7ff, &x));
  R(sx(AT_FDCWD, "f/x", 0, 0x7ff, &x));
  R(sx(0, "", AT_EMPTY_PATH, 0x7ff, &x));
  mknod("chr", S_IFCHR | 0600, makedev(7, 300));
  R(sx(AT_FDCWD, "chr", 0, 0x7ff, &x));
  show("device", "%u:%u", x.rdev_major, x.rdev_minor);
  R(sx(AT_FDCWD, "f", 0, 0x1000, &x));
  yes("mount id", x.mask & 0x1000 && x.mnt_id > 0);
  R(sx(AT_FDCWD, "/proc", 0, 0x7ff, &x));
  show("mount root", "%d", (x.attributes >> 13) & 1 && (x.attributes_mask >> 13) & 1);
  struct stat s;
  R(fstatat(AT_FDCWD, "f", &s, 0x100000));
  R(fstatat(AT_FDCWD, "l", &s, AT_SYMLINK_NOFOLLOW));
  R(syscall(SYS_newfstatat, AT_FDCWD, 0L, &s, (long)AT_EMPTY_PATH));
  R(syscall(SYS_newfstatat, 0L, "", (void *)1, (long)AT_EMPTY_PATH));
  R(syscall(SYS_fstat, -1L, (void *)1));
  R(syscall(SYS_fstat, 0L, (void *)1));
  R(syscall(SYS_stat, "f", (void *)1));
  R(stat((char *)1, &s));
  R(stat("chr", &s));
  show("stat", "%o %u:%u", s.st_mode, major(s.st_rdev), minor(s.st_rdev));
  int p[2];
  pipe(p);
  fstat(p[0], &s);
  show("pipe", "%o size %ld links %d", s.st_mode, (long)s.st_size, (int)s.st_nlink);
  close(p[0]);
  close(p[1]);
}

struct dent { uint64_t ino; int64_t off; unsigned short reclen; unsigned char type; char name[]; };
static void dents(void) {
  char buf[4096];
  mkdir("e", 0755);
  for (int i = 0; i < 30; i++) {
    snprintf(buf, sizeof buf, "e/file%02d", i);
    put(buf, "");
  }
  mkdir("e/dir", 0755);
  symlink("x", "e/link");
  mkfifo("e/fifo", 0644);
  int fd = open("e", O_RDONLY), n, count = 0, calls = 0, types[16] = {0};
  while ((n = (int)syscall(SYS_getdents64, fd, buf, 200)) > 0) {
    calls++;
    for (int at = 0; at < n;) {
      struct dent *d = (struct dent *)(buf + at);
      types[d->type & 15]++;
      count++;
      at += d->reclen;
    }
  }
  show("entries", "%d in several calls %d end %d", count, calls > 3, n);
  show("types", "dir %d reg %d lnk %d fifo %d", types[DT_DIR], types[DT_REG], types[DT_LNK], types[DT_FIFO]);
  R(syscall(SYS_getdents64, fd, buf, 4096));
  R(lseek(fd, 0, SEEK_SET));
  R(syscall(SYS_getdents64, fd, buf, 4096) > 0);
  R(lseek(fd, 0, SEEK_SET));
  R(syscall(SYS_getdents64, fd, buf, 10));
  R(syscall(SYS_getdents64, fd, (void *)1, 4096));
  R(syscall(SYS_getdents64, -1, buf, 4096));
  R(syscall(SYS_getdents64, open("f", O_RDONLY), buf, 4096));
  R(syscall(SYS_getdents64, open("f", O_PATH), buf, 4096));
  // positions: telldir and seekdir
  DIR *d = opendir("e");
  for (int i = 0; i < 10; i++) readdir(d);
  long at = telldir(d);
  char name[256];
  strcpy(name, readdir(d)->d_name);
  readdir(d);
  seekdir(d, at);
  yes("seekdir", strcmp(readdir(d)->d_name, name) == 0);
  rewinddir(d);
  int all = 0;
  struct dirent *e;
  while ((e = readdir(d))) {
    // what is removed while it is read is no trouble
    if (e->d_type == DT_REG) {
      snprintf(buf, sizeof buf, "e/%s", e->d_name);
      unlink(buf);
    }
    all++;
  }
  show("removing while reading", "%d", all);
  rewinddir(d);
  all = 0;
  while (readdir(d)) all++;
  show("left", "%d", all);
  closedir(d);
  unlink("e/link");
  unlink("e/fifo");
  rmdir("e/dir");
  R(rmdir("e"));
  R(syscall(SYS_getdents64, fd, buf, 4096));
  close(fd);
}

static void attributes(void) {
  char v[100], big[70000], name[300];
  memset(big, 'v', sizeof big);
  R(setxattr("f", "user.one", "1", 1, 0));
  R(setxattr("f", "user.two", "22", 2, XATTR_CREATE));
  R(setxattr("f", "user.two", "22", 2, XATTR_CREATE));
  R(setxattr("f", "user.three", "333", 3, XATTR_REPLACE));
  R(setxattr("f", "user.one", "one", 3, XATTR_REPLACE));
  R(setxattr("f", "user.one", "one", 3, 3));
  R(setxattr("f", "user.one", "one", 3, 4));
  R(setxattr("f", "user.empty", 0, 0, 0));
  R(getxattr("f", "user.one", v, 100));
  R(getxattr("f", "user.one", v, 2));
  R(getxattr("f", "user.one", 0, 0));
  R(getxattr("f", "user.empty", v, 100));
  R(getxattr("f", "user.none", v, 100));
  R(getxattr("f", "nonsense", v, 100));
  R(getxattr("f", "bad.one", v, 100));
  R(getxattr("f", "user.", v, 100));
  R(getxattr("f", "", v, 100));
  R(getxattr("f", (char *)1, v, 100));
  R(getxattr("f", "user.one", (void *)1, 100));
  R(setxattr("f", "bad.one", "1", 1, 0));
  R(setxattr("f", "user.", "1", 1, 0));
  R(setxattr("f", "", "1", 1, 0));
  memset(name, 'n', 299);
  memcpy(name, "user.", 5);
  name[256] = 0;
  R(setxattr("f", name, "1", 1, 0));
  name[255] = 0;
  R(setxattr("f", name, "1", 1, 0));
  R(removexattr("f", name));
  R(setxattr("f", "user.big", big, 65537, 0));
  R(setxattr("f", "user.big", big, 60000, 0));
  R(getxattr("f", "user.big", big, 70000));
  R(removexattr("f", "user.big"));
  R(setxattr("f", "user.x", (void *)1, 1, 0));
  R(setxattr("missing", "user.x", "1", 1, 0));
  R(setxattr("missing", "", "1", 1, 4));
  R(setxattr("l", "user.x", "1", 1, 0));
  R(lsetxattr("l", "user.x", "1", 1, 0));
  R(lgetxattr("l", "user.x", v, 100));
  R(lsetxattr("l", "trusted.x", "1", 1, 0));
  R(lgetxattr("l", "trusted.x", v, 100));
  R(llistxattr("l", v, 100) > 0);
  R(setxattr("d", "user.x", "1", 1, 0));
  R(setxattr("chr", "user.x", "1", 1, 0));
  R(getxattr("chr", "user.x", v, 100));
  R(setxattr("f", "trusted.x", "1", 1, 0));
  R(setxattr("f", "security.x", "1", 1, 0));
  R(listxattr("f", 0, 0) > 0);
  R(listxattr("f", v, 3));
  R(listxattr("f", (void *)1, 300));
  R(listxattr("missing", v, 100));
  R(removexattr("f", "user.none"));
  R(removexattr("f", "user.one"));
  R(removexattr("f", "bad.one"));
  R(removexattr("f", ""));
  int fd = open("f", O_RDONLY), path = open("f", O_PATH);
  R(fsetxattr(fd, "user.fd", "1", 1, 0));
  R(fgetxattr(fd, "user.fd", v, 100));
  R(flistxattr(fd, v, 1));
  R(fremovexattr(fd, "user.fd"));
  R(fsetxattr(-1, "user.fd", "1", 1, 0));
  R(fgetxattr(path, "user.fd", v, 100));
  close(fd);
  close(path);
  put("g", "");
  setxattr("g", "user.kept", "1", 1, 0);
  link("g", "h");
  R(getxattr("h", "user.kept", v, 100));
  rename("g", "i");
  R(getxattr("i", "user.kept", v, 100));
}

static int in;
static void events(const char *what) {
  char buf[4096] __attribute__((aligned(8))), text[500] = "";
  ssize_t n = read(in, buf, sizeof buf);
  if (n < 0) {
    show(what, "-1 %s", errname(errno));
    return;
  }
  for (ssize_t at = 0; at < n;) {
    struct inotify_event *e = (struct inotify_event *)(buf + at);
    snprintf(text + strlen(text), sizeof text - strlen(text), " %x%s%s", e->mask, e->len ? ":" : "", e->len ? e->name : "");
    at += (ssize_t)sizeof *e + e->len;
  }
  show(what, "%s", text);
}
static void watches(void) {
  mkdir("w", 0755);
  put("w/f", "x");
  in = inotify_init1(IN_NONBLOCK);
  R(inotify_init1(77));
  R(inotify_add_watch(in, "missing", IN_ALL_EVENTS));
  R(inotify_add_watch(in, "w", 0));
  R(inotify_add_watch(-1, "w", IN_ALL_EVENTS));
  R(inotify_add_watch(0, "w", IN_ALL_EVENTS));
  R(inotify_add_watch(in, "w/f", IN_ONLYDIR | IN_ALL_EVENTS));
  R(inotify_add_watch(in, (char *)1, IN_ALL_EVENTS));
  R(inotify_add_watch(in, "w", IN_ALL_EVENTS | IN_MASK_ADD | IN_MASK_CREATE));
  int wd = inotify_add_watch(in, "w", IN_ALL_EVENTS);
  show("first", "%d", wd);
  R(inotify_add_watch(in, "w", IN_ALL_EVENTS | IN_MASK_CREATE));
  int fw = inotify_add_watch(in, "w/f", IN_ALL_EVENTS);
  show("second", "%d", fw);
  events("nothing");
  int fd = open("w/f", O_RDWR);
  events("open");
  write(fd, "y", 1);
  events("write");
  char c;
  pread(fd, &c, 1, 0);
  events("read");
  close(fd);
  events("close");
  put("w/new", "z");
  events("create and write");
  mkdir("w/sub", 0755);
  events("mkdir");
  rename("w/new", "w/other");
  events("rename");
  rename("w/other", "out");
  events("moved out");
  rename("out", "w/in");
  events("moved in");
  link("w/in", "w/hard");
  events("link");
  symlink("x", "w/sym");
  events("symlink");
  chmod("w/f", 0600);
  events("chmod");
  utime("w/f", 0);
  events("utime");
  truncate("w/f", 0);
  events("truncate");
  setxattr("w/f", "user.x", "1", 1, 0);
  events("setxattr");
  DIR *d = opendir("w");
  while (readdir(d)) {}
  closedir(d);
  events("list");
  fd = open("w/f", O_RDWR);
  char *map = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  munmap(map, 4096);
  fallocate(fd, 0, 0, 100);
  close(fd);
  events("mmap and fallocate");
  unlink("w/hard");
  events("unlink");
  unlink("w/f");
  events("unlink the watched file");
  R(inotify_rm_watch(in, fw));
  rmdir("w/sub");
  events("rmdir");
  R(inotify_add_watch(in, "w", IN_CREATE));
  unlink("w/in");
  events("the mask was replaced");
  R(inotify_add_watch(in, "w", IN_DELETE | IN_MASK_ADD));
  put("w/a", "");
  unlink("w/a");
  events("and added to");
  R(inotify_add_watch(in, "w", IN_CREATE | IN_ONESHOT));
  put("w/a", "");
  put("w/b", "");
  events("once");
  R(inotify_rm_watch(in, wd));
  R(inotify_add_watch(in, "w", IN_DELETE_SELF | IN_MOVE_SELF));
  rename("w", "w2");
  events("moved itself");
  unlink("w2/a");
  unlink("w2/b");
  unlink("w2/sym");
  rmdir("w2");
  events("removed itself");
  R(inotify_rm_watch(in, 1));
  R(inotify_rm_watch(-1, 1));
  R(inotify_rm_watch(0, 1));
  R(read(in, &c, 1));
  mkdir("w", 0755);
  inotify_add_watch(in, "w", IN_CREATE);
  put("w/a", "");
  R(read(in, &c, 1));
  int n = 0;
  R(syscall(SYS_ioctl, in, 0x541b, &n));
  show("bytes", "%d", n);
  char small[20];
  R(read(in, small, 20));
  events("whole");
  mkdir("m", 0755);
  mount("none", "m", "tmpfs", 0, 0);
  inotify_add_watch(in, "m", IN_CREATE);
  umount("m");
  events("unmounted");
}

int main(void) {
  scratch();
  put("f", "0123456789");
  symlink("f", "l");
  mkdir("d", 0755);
  times();
  put("f", "0123456789");
  statx_();
  dents();
  attributes();
  watches();
  scratch_remove();
  return 0;
}
