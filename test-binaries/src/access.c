// Permissions as an ordinary user meets them: modes, groups, sticky and set-group-ID directories, chmod and chown and what
// they clear, access(2) by real ids, capabilities that lift each rule. Not checked: access control lists, user namespaces.
#include "t.h"
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

// linux/capability.h, which musl-gcc does not find.
struct cap_header { uint32_t version; int pid; };
struct cap_data { uint32_t effective, permitted, inheritable; };
enum { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_SYS_CHROOT = 18, CAP_MKNOD = 27 };
#define SYS(...) syscall(__VA_ARGS__)
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
static void mode_of(const char *path) {
  struct stat s;
  if (lstat(path, &s)) ret(path, -1);
  else show(path, "%o %d:%d", s.st_mode, (int)s.st_uid, (int)s.st_gid);
}
static long opens(const char *what, const char *path, int flags) {
  int fd = open(path, flags, 0644);
  ok(what, fd);
  if (fd >= 0) close(fd);
  return fd;
}
#define OPEN(path, flags) opens("open " path " " #flags, path, flags)
static void as(uid_t u, gid_t g, void (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    setgroups(0, 0);
    setresgid(g, g, g);
    setresuid(u, u, u);
    f();
    _exit(0);
  }
  int s;
  waitpid(p, &s, 0);
  if (s) status("child", s);
}
static void put_as(const char *path, mode_t mode, uid_t u, gid_t g) {
  put(path, "text");
  chown(path, u, g);
  chmod(path, mode);
}
static void dir_as(const char *path, mode_t mode, uid_t u, gid_t g) {
  mkdir(path, 0755);
  chown(path, u, g);
  chmod(path, mode);
}

static void stranger(void) {
  OPEN("private", O_RDONLY);
  OPEN("private", O_WRONLY);
  OPEN("public", O_RDONLY);
  OPEN("public", O_WRONLY);
  OPEN("public", O_RDONLY | O_TRUNC);
  OPEN("public", O_RDONLY | O_NOATIME);
  OPEN("closed/f", O_RDONLY);
  OPEN("nosearch/f", O_RDONLY);
  OPEN("nosearch", O_RDONLY);
  OPEN("searchonly/f", O_RDONLY);
  OPEN("searchonly", O_RDONLY);
  OPEN("closed/missing/x", O_RDONLY);
  OPEN("here", O_CREAT | O_WRONLY);
  OPEN("other-rw", O_RDWR);
  OPEN("negative", O_RDONLY);
  R(chdir("closed"));
  R(chdir("nosearch"));
  R(mkdir("newdir", 0755));
  R(mkdir("private", 0755));
  R(mkdir("closed/d", 0755));
  R(rmdir("open"));
  R(rmdir("missing"));
  R(unlink("public"));
  R(unlink("missing"));
  R(unlink("open"));
  R(symlink("x", "link"));
  R(link("public", "open/hard"));
  R(link("mine", "open/hard"));
  R(link("other-rw", "open/hard2"));
  R(rename("public", "open/public"));
  R(rename("public", "elsewhere"));
  R(mknod("open/null", S_IFCHR | 0666, 0x103));
  R(mknod("open/fifo", S_IFIFO | 0666, 0));
  R(mknod("open/reg", S_IFREG | 0666, 0));
  R(chmod("public", 0777));
  R(chmod("mine", 0640));
  R(chmod("mine", 02755));
  mode_of("mine");
  R(chmod("mine", 04755));
  mode_of("mine");
  R(chown("mine", 1000, -1));
  mode_of("mine");
  R(chown("mine", 1001, -1));
  R(chown("mine", -1, 1000));
  R(chown("mine", -1, 0));
  R(chown("mine", -1, -1));
  R(chown("public", -1, -1));
  R(chown("public", 0, -1));
  R(chown("public", 0, 0));
  R(lchown("symlink", -1, 1000));
  R(utime("public", 0));
  R(utime("other-rw", 0));
  R(utime("other-rw", &(struct utimbuf){1, 2}));
  R(utime("mine", &(struct utimbuf){1, 2}));
  R(utime("private", 0));
  struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  R(utimensat(AT_FDCWD, "private", omit, 0));
  R(utimensat(AT_FDCWD, "other-rw", half, 0));
  R(utimensat(AT_FDCWD, "other-rw", now, 0));
  R(utimensat(AT_FDCWD, "public", now, 0));
  R(truncate("public", 0));
  R(truncate("other-rw", 1));
  R(access("public", R_OK));
  R(access("public", W_OK));
  R(access("public", X_OK));
  R(access("private", F_OK));
  R(access("private", R_OK));
  R(access("closed/f", F_OK));
  R(access("searchonly/f", R_OK));
  R(setxattr("public", "user.a", "x", 1, 0));
  R(setxattr("mine", "user.a", "x", 1, 0));
  R(setxattr("mine", "trusted.a", "x", 1, 0));
  R(setxattr("mine", "security.a", "x", 1, 0));
  R(getxattr("mine", "trusted.a", 0, 0));
  R(getxattr("private", "user.a", 0, 0));
  R(setxattr("open", "user.a", "x", 1, 0));
  R(chroot("."));
  R(SYS(SYS_mount, "none", "open", "tmpfs", 0, 0));
  R(SYS(SYS_umount2, "/proc", 0));
  R(SYS(SYS_pivot_root, ".", "."));
  // the sticky directory
  R(unlink("sticky/root"));
  R(unlink("sticky/mine"));
  R(rename("sticky/root", "sticky/renamed"));
  R(rename("sticky/own2", "sticky/root"));
  R(rename("sticky/own2", "sticky/other"));
  R(rmdir("sticky/dir"));
  OPEN("sticky/new", O_CREAT | O_WRONLY);
  R(unlink("sticky/new"));
  R(unlink("mysticky/root"));
  // set-group-ID directories
  OPEN("setgid/f", O_CREAT | O_WRONLY);
  mode_of("setgid/f");
  R(mkdir("setgid/d", 0755));
  mode_of("setgid/d");
  umask(0);
  int fd = open("setgid/x", O_CREAT | O_WRONLY, 02755);
  mode_of("setgid/x");
  close(fd);
  fd = open("setgid/y", O_CREAT | O_WRONLY, 02644);
  mode_of("setgid/y");
  close(fd);
  R(mknod("setgid/n", S_IFIFO | 0644, 0));
  mode_of("setgid/n");
  R(symlink("t", "setgid/l"));
  mode_of("setgid/l");
  // what clears set-user-ID bits
  fd = open("suid-rw", O_WRONLY);
  R(write(fd, "x", 1));
  mode_of("suid-rw");
  close(fd);
  R(truncate("suid-rw2", 1));
  mode_of("suid-rw2");
  fd = open("suid-rw3", O_WRONLY | O_TRUNC);
  mode_of("suid-rw3");
  close(fd);
  fd = open("sgid-noexec", O_WRONLY);
  R(write(fd, "x", 1));
  mode_of("sgid-noexec");
  close(fd);
  R(chmod("mine", 06755));
  R(chown("mine", -1, -1));
  mode_of("mine");
  R(chmod("mine", 06644));
  R(chown("mine", 1000, 1000));
  mode_of("mine");
}

static void in_group(void) {
  gid_t more[2] = {50, 60};
  R(setgroups(2, more));
  fflush(stdout);
}
static void member(void) {
  OPEN("grouped", O_RDONLY);
  OPEN("grouped", O_WRONLY);
  OPEN("group-none", O_RDONLY);
  R(chown("mine", -1, 60));
  mode_of("mine");
  R(chown("mine", -1, 70));
  R(chmod("mine", 02755));
  mode_of("mine");
}
static void as_member(void) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    in_group();
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    member();
    _exit(0);
  }
  waitpid(p, 0, 0);
}

static void real_ids(void) {
  // The effective user is root, the real one is not.
  setresuid(1000, 0, 0);
  R(access("private", R_OK));
  OPEN("private", O_RDONLY);
  R(faccessat(AT_FDCWD, "private", R_OK, AT_EACCESS));
  R(SYS(SYS_faccessat2, AT_FDCWD, "private", R_OK, AT_EACCESS));
  R(SYS(SYS_faccessat2, AT_FDCWD, "private", R_OK, 0));
  R(SYS(SYS_faccessat2, AT_FDCWD, "private", R_OK, 1));
  R(SYS(SYS_faccessat2, AT_FDCWD, "private", 8, 0));
  R(SYS(SYS_faccessat2, AT_FDCWD, "symlink", R_OK, AT_SYMLINK_NOFOLLOW));
  R(access("closed/f", R_OK));
  setresuid(0, 1000, 0);
  R(access("private", R_OK));
  OPEN("private", O_RDONLY);
  setresuid(0, 0, 0);
  R(access("public", X_OK));
  R(access("private", X_OK));
  R(access("mine", X_OK));
  R(access("closed", X_OK));
  R(access("missing", 8));
  R(access("", F_OK));
  R(access((char *)1, F_OK));
  R(access("public/x", F_OK));
  setfsuid(1000);
  OPEN("private", O_RDONLY);
  R(access("private", R_OK));
  setfsuid(0);
  OPEN("private", O_RDONLY);
}

static void keep(int cap) {
  struct cap_header h = {0x20080522, 0};
  struct cap_data d[2] = {{0, 0, 0}, {0, 0, 0}};
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  setresgid(1000, 1000, 1000);
  setresuid(1000, 1000, 1000);
  d[0].effective = d[0].permitted = cap < 0 ? 0 : 1u << cap;
  SYS(SYS_capset, &h, d);
}
static void capabilities(void) {
  static const struct { int cap; const char *name; } caps[] = {{-1, "none"}, {CAP_DAC_OVERRIDE, "DAC_OVERRIDE"}, {CAP_DAC_READ_SEARCH, "DAC_READ_SEARCH"}, {CAP_FOWNER, "FOWNER"}, {CAP_CHOWN, "CHOWN"}, {CAP_FSETID, "FSETID"}, {CAP_MKNOD, "MKNOD"}, {CAP_SYS_CHROOT, "SYS_CHROOT"}};
  for (unsigned i = 0; i < sizeof caps / sizeof *caps; i++) {
    fflush(stdout);
    pid_t p = fork();
    if (p == 0) {
      setgroups(0, 0);
      keep(caps[i].cap);
      show("capability", "%s", caps[i].name);
      OPEN("private", O_RDONLY);
      OPEN("private", O_WRONLY);
      OPEN("nosearch", O_RDONLY);
      OPEN("closed/f", O_RDONLY);
      R(access("private", X_OK));
      R(chmod("public", 0644));
      R(chown("public", 0, 0));
      R(chown("mine", 1000, 0) || chown("mine", 1000, 1000));
      R(utime("public", &(struct utimbuf){1, 2}));
      OPEN("public", O_RDONLY | O_NOATIME);
      R(rename("sticky/root", "sticky/renamed"));
      rename("sticky/renamed", "sticky/root");
      R(chmod("group-own", 02755));
      mode_of("group-own");
      R(mknod("open/dev", S_IFCHR | 0644, 0x103));
      unlink("open/dev");
      R(link("private", "open/stolen"));
      unlink("open/stolen");
      int fd = open("suid-cap", O_WRONLY);
      write(fd, "x", 1);
      mode_of("suid-cap");
      R(chroot("."));
      _exit(0);
    }
    waitpid(p, 0, 0);
    chmod("suid-cap", 04777);
    chmod("group-own", 0755);
  }
}

int main(void) {
  scratch();
  chmod(".", 0755);
  put_as("private", 0600, 0, 0);
  put_as("public", 0644, 0, 0);
  put_as("other-rw", 0646, 0, 0);
  put_as("mine", 0644, 1000, 1000);
  put_as("negative", 0477, 1000, 1000);
  chmod("negative", 077);
  put_as("grouped", 0640, 0, 50);
  put_as("group-none", 0604, 0, 50);
  put_as("group-own", 0755, 1000, 77);
  put_as("suid-rw", 04777, 0, 0);
  put_as("suid-rw2", 06777, 0, 0);
  put_as("suid-rw3", 04777, 0, 0);
  put_as("sgid-noexec", 02766, 0, 0);
  put_as("suid-cap", 04777, 0, 0);
  dir_as("closed", 0700, 0, 0);
  put_as("closed/f", 0644, 0, 0);
  dir_as("nosearch", 0744, 0, 0);
  put_as("nosearch/f", 0644, 0, 0);
  dir_as("searchonly", 0711, 0, 0);
  put_as("searchonly/f", 0644, 0, 0);
  dir_as("open", 0777, 0, 0);
  dir_as("sticky", 01777, 0, 0);
  put_as("sticky/root", 0666, 0, 0);
  put_as("sticky/other", 0666, 2000, 2000);
  put_as("sticky/mine", 0666, 1000, 1000);
  put_as("sticky/own2", 0666, 1000, 1000);
  dir_as("sticky/dir", 0777, 0, 0);
  dir_as("mysticky", 01777, 1000, 1000);
  put_as("mysticky/root", 0666, 0, 0);
  dir_as("setgid", 02777, 0, 77);
  symlink("private", "symlink");
  as(1000, 1000, stranger);
  as_member();
  put_as("mine", 0644, 1000, 1000);
  as(0, 0, real_ids);
  capabilities();
  // root: no permission is missing, but what is no program is not executed
  OPEN("closed/f", O_RDWR);
  R(chmod("suid-rw", 04777));
  int fd = open("suid-rw", O_WRONLY);
  R(write(fd, "x", 1));
  mode_of("suid-rw");
  R(fchmod(fd, 0644));
  R(fchmod(fd, 0177777));
  mode_of("suid-rw");
  R(fchown(fd, 1, 2));
  mode_of("suid-rw");
  R(fchmod(-1, 0));
  R(fchown(-1, 0, 0));
  R(chmod("missing", 0));
  R(chmod("", 0));
  R(chmod((char *)1, 0));
  R(chmod("public/x", 0));
  R(chown("missing", 0, 0));
  R(lchown("symlink", 5, 6));
  mode_of("symlink");
  mode_of("private");
  R(chown("symlink", 7, 8));
  mode_of("private");
  R(SYS(SYS_fchmodat2, AT_FDCWD, "symlink", 0600, AT_SYMLINK_NOFOLLOW));
  R(SYS(SYS_fchmodat2, AT_FDCWD, "symlink", 0640, 0));
  mode_of("private");
  R(SYS(SYS_fchmodat2, AT_FDCWD, "private", 0600, 7));
  R(SYS(SYS_fchmodat2, fd, "", 0600, AT_EMPTY_PATH));
  R(SYS(SYS_fchmodat2, -1, "private", 0600, 0));
  R(fchownat(AT_FDCWD, "symlink", 1, 1, AT_SYMLINK_NOFOLLOW));
  R(fchownat(AT_FDCWD, "symlink", 1, 1, 7));
  R(fchownat(fd, "", 1, 1, AT_EMPTY_PATH));
  R(fchownat(fd, "", 1, 1, 0));
  R(fchownat(-1, "private", 1, 1, 0));
  scratch_remove();
  return 0;
}
