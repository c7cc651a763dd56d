// stat(2), statx, chmod, chown, utimensat, access, umask, permissions of another user, statfs, device numbers.
#include "t.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
static struct stat st;
static void mode(const char *what) { show(what, "%06o", st.st_mode); }
static int as_user(int (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    if (setgid(1000) || setuid(1000)) _exit(77);
    f();
    exit(0);
  }
  int s;
  waitpid(p, &s, 0);
  return s;
}
static int user(void) {
  ret("user reads a 0600 file", open("private", O_RDONLY));
  ok("user reads a 0644 file", open("public", O_RDONLY));
  ret("user writes it", open("public", O_WRONLY));
  ret("user truncates it", truncate("public", 0));
  ret("user chmods it", chmod("public", 0666));
  ret("user chowns it", chown("public", 1000, 1000));
  ret("user sets its times", utimes("public", 0));
  ret("user creates in a 0755 directory", open("new", O_CREAT | O_RDWR, 0644));
  ret("user removes from it", unlink("public"));
  ret("user enters a 0700 directory", chdir("closed"));
  ret("user passes through it", open("closed/file", O_RDONLY));
  ret("user lists a 0711 directory", open("through", O_RDONLY));
  ok("user passes through that", open("through/file", O_RDONLY));
  ret("access R_OK", access("private", R_OK));
  ret("access F_OK", access("private", F_OK));
  ret("access X_OK", access("public", X_OK));
  ret("exec without x", execl("public", "public", (char *)0));
  ok("group may read", open("group", O_RDONLY));
  ret("own file, but the owner's bits say no", open("own", O_RDONLY));
  ret("chmod own", chmod("own", 0600));
  ok("then yes", open("own", O_RDWR));
  ret("give own away", chown("own", 0, -1));
  ret("sticky: another's file", unlink("sticky/root"));
  ret("sticky: own file", unlink("sticky/own"));
  ret("sticky: rename another's", rename("sticky/root", "sticky/x"));
  ret("setuid(0)", setuid(0));
  ret("kill init", kill(getppid(), 0));
  ret("mknod device", mknod("sticky/dev", S_IFCHR | 0600, makedev(1, 3)));
  ret("chroot", chroot("."));
  ret("hostname", sethostname("x", 1));
  return 0;
}

int main(void) {
  scratch();
  chmod(".", 0755);
  put("f", "12345");
  ret("stat", stat("f", &st));
  mode("mode");
  show("size, links, uid, gid", "%ld %lu %d %d", (long)st.st_size, (unsigned long)st.st_nlink, st.st_uid, st.st_gid);
  show("block size", "%ld", (long)st.st_blksize);
  show("blocks", "%ld", (long)st.st_blocks);
  yes("inode is not 0", st.st_ino != 0);
  yes("times agree", st.st_mtim.tv_sec == st.st_ctim.tv_sec && st.st_mtim.tv_nsec == st.st_ctim.tv_nsec);
  yes("times are now", time(0) - st.st_mtime < 5);
  stat(".", &st);
  mode("directory");
  symlink("f", "s");
  lstat("s", &st);
  mode("symlink");
  show("its size", "%ld", (long)st.st_size);
  ret("stat missing", stat("missing", &st));
  ret("stat bad address", syscall(SYS_newfstatat, AT_FDCWD, 8, &st, 0));
  ret("fstat bad descriptor", fstat(99, &st));
  ret("AT_EMPTY_PATH", fstatat(open("f", O_RDONLY), "", &st, AT_EMPTY_PATH));
  ret("empty path without it", fstatat(AT_FDCWD, "", &st, 0));
  ret("bad flags", fstatat(AT_FDCWD, "f", &st, 0x40000000));

  ret("chmod 04751", chmod("f", 04751));
  stat("f", &st);
  mode("mode");
  ret("fchmodat", fchmodat(AT_FDCWD, "f", 0600, 0));
  ret("chown", chown("f", 1000, 1001));
  stat("f", &st);
  show("owner", "%d %d", st.st_uid, st.st_gid);
  chmod("f", 06755);
  chown("f", 1, -1);
  stat("f", &st);
  mode("chown clears setuid");
  show("owner", "%d %d", st.st_uid, st.st_gid);
  ret("lchown a symlink", lchown("s", 5, 6));
  lstat("s", &st);
  show("owner", "%d %d", st.st_uid, st.st_gid);
  chmod("f", 06755);
  int fd = open("f", O_WRONLY);
  if (fork() == 0) {
    setuid(1000);
    write(fd, "x", 1);
    _exit(0);
  }
  wait(0);
  fstat(fd, &st);
  mode("a user's write clears setuid and setgid");
  mkdir("sg", 0755);
  chown("sg", 0, 1234);
  chmod("sg", 02755);
  mkdir("sg/d", 0755);
  put("sg/f", "");
  stat("sg/d", &st);
  show("setgid directory hands down", "%06o gid %d", st.st_mode, st.st_gid);
  stat("sg/f", &st);
  show("and to files its group", "%06o gid %d", st.st_mode, st.st_gid);

  struct timespec t[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
  ret("utimensat", utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &st);
  show("atime", "%ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec);
  show("mtime", "%ld.%09ld", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  yes("ctime is now", time(0) - st.st_ctime < 5);
  t[0].tv_nsec = UTIME_OMIT;
  t[1].tv_nsec = UTIME_NOW;
  ret("OMIT and NOW", utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &st);
  show("atime stays", "%ld", (long)st.st_atime);
  yes("mtime is now", time(0) - st.st_mtime < 5);
  t[0].tv_nsec = 1000000000;
  ret("bad nanoseconds", utimensat(AT_FDCWD, "f", t, 0));
  t[0].tv_nsec = 0;
  t[1].tv_nsec = 0;
  ret("of the symlink itself", utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
  lstat("s", &st);
  show("mtime", "%ld", (long)st.st_mtime);
  t[0].tv_sec = t[1].tv_sec = -100;
  ret("before 1970", utimensat(AT_FDCWD, "f", t, 0));
  stat("f", &st);
  show("mtime", "%ld", (long)st.st_mtime);
  ret("umask", (umask(027), mkdir("masked", 0777)));
  stat("masked", &st);
  mode("mode");
  umask(022);
  t[0].tv_sec = t[1].tv_sec = 1000;
  utimensat(AT_FDCWD, "masked", t, 0);
  put("masked/x", "");
  stat("masked", &st);
  yes("creating changes the directory's mtime", st.st_mtime > 1000);

  struct { unsigned mask, blksize; unsigned long attributes; unsigned nlink, uid, gid; unsigned short mode, pad; unsigned long ino, size; char rest[200]; } x;
  memset(&x, 0, sizeof x);
  ret("statx", syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &x));
  show("mask, mode, size, uid", "%x %06o %lu %u", x.mask & 0x7ff, x.mode, x.size, x.uid);
  ret("statx bad flags", syscall(SYS_statx, AT_FDCWD, "f", 0x40000000, 0x7ff, &x));
  ret("statx reserved mask", syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &x));

  static const char *devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"};
  for (int i = 0; i < 7; i++) {
    if (stat(devices[i], &st)) show(devices[i], "%s", errname(errno));
    else show(devices[i], "%c %u:%u", S_ISCHR(st.st_mode) ? 'c' : '?', major(st.st_rdev), minor(st.st_rdev));
  }
  struct statfs fs;
  ret("statfs", statfs(".", &fs));
  show("block, names", "%ld, %ld", (long)fs.f_bsize, (long)fs.f_namelen);
  statfs("/proc", &fs);
  show("proc", "%lx", (unsigned long)fs.f_type);
  ret("access as root", access("f", R_OK | W_OK));
  chmod("f", 0);
  ret("root needs no r", access("f", R_OK));
  ret("root needs one x", access("f", X_OK));
  ret("access bad mode", access("f", 8));

  put("private", "p"); chmod("private", 0600);
  put("public", "p");
  mkdir("closed", 0700); put("closed/file", "");
  mkdir("through", 0711); put("through/file", "");
  put("group", "g"); chown("group", 0, 1000); chmod("group", 0640);
  put("own", "o"); chown("own", 1000, 0); chmod("own", 0044);
  mkdir("sticky", 0777); chmod("sticky", 01777);
  put("sticky/root", ""); put("sticky/own", ""); chown("sticky/own", 1000, 1000);
  status("user", as_user(user));
  scratch_remove();
  return 0;
}
