// mount(2), umount2(2), pivot_root(2), chroot(2), mount namespaces and propagation: errors, flags of mounts, what is busy,
// shared, slave, private and unbindable trees. Not checked: file systems on devices, user namespaces, automounts.
#include "t.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x20000
#endif
static long tmpfs(const char *at) { return mount("none", at, "tmpfs", 0, 0); }
static long statflags(const char *path) {
  struct statfs s;
  return statfs(path, &s) ? -1 : (long)s.f_flags & ~0x20L;
}
// Lines of /proc/self/mountinfo below the scratch directory: the place, what is shown of it, and how it propagates.
static void info(const char *what) {
  char line[1000], text[2000] = "";
  FILE *f = fopen("/proc/self/mountinfo", "r");
  while (fgets(line, sizeof line, f)) {
    char *at = strstr(line, scratch_path);
    if (!at || at[strlen(scratch_path)] != '/') continue;
    char place[200], options[200];
    sscanf(at + strlen(scratch_path), "%199s %199s", place, options);
    char *tags = strstr(at, options) + strlen(options), *end = strstr(tags, " - ");
    snprintf(text + strlen(text), sizeof text - strlen(text), " %s", place);
    *end = 0;
    for (char *t = strtok(tags, " "); t; t = strtok(0, " ")) {
      t[strcspn(t, ":")] = 0;
      snprintf(text + strlen(text), sizeof text - strlen(text), ",%s", t);
    }
  }
  fclose(f);
  show(what, "%s", text);
}
static int here(const char *path) { return access(path, F_OK) == 0; }

static void errors(void) {
  R(mount("none", "m", 0, 0, 0));
  R(mount("none", "m", "", 0, 0));
  R(mount("none", "m", "nosuch", 0, 0));
  R(mount("none", "missing", "tmpfs", 0, 0));
  R(mount("none", "missing", "nosuch", 0, 0));
  R(mount("none", "f", "tmpfs", 0, 0));
  R(mount("none", "f/x", "tmpfs", 0, 0));
  R(mount("none", (char *)1, "tmpfs", 0, 0));
  R(mount("none", "m", (char *)1, 0, 0));
  R(mount((char *)1, "m", "tmpfs", 0, 0));
  R(mount("none", "m", "tmpfs", 0, (void *)1));
  R(mount("none", "m", "tmpfs", 0, "nosuch=1"));
  R(mount("none", "m", "tmpfs", 0, "size=bad"));
  R(mount("none", "m", "tmpfs", 0, "mode=9"));
  R(mount(0, "m", 0, MS_BIND, 0));
  R(mount("", "m", 0, MS_BIND, 0));
  R(mount("missing", "m", 0, MS_BIND, 0));
  R(mount("f", "m", 0, MS_BIND, 0));
  R(mount("m", "f", 0, MS_BIND, 0));
  R(mount(0, "m", 0, MS_REMOUNT, 0));
  R(mount("d", "m", 0, MS_MOVE, 0));
  R(mount(0, "m", 0, MS_SHARED, 0));
  R(mount(0, "/proc", 0, MS_SHARED | MS_PRIVATE, 0));
  R(mount(0, "/proc", 0, MS_SHARED | MS_NOSUID, 0));
  R(umount("m"));
  R(umount("missing"));
  R(umount(""));
  R(umount((char *)1));
  R(umount2("m", 0x100));
  R(umount2("m", MNT_EXPIRE | MNT_DETACH));
  R(tmpfs("m"));
  R(tmpfs("m"));
  R(umount2("m", MNT_EXPIRE | MNT_FORCE));
  R(umount2("m", MNT_EXPIRE));
  R(umount2("m", MNT_EXPIRE));
  R(umount2("m", MNT_EXPIRE));
  R(access("m/x", F_OK));
  R(umount2("m", MNT_EXPIRE));
  R(umount2("m", MNT_EXPIRE));
  R(umount("m"));
  symlink("m", "lm");
  R(tmpfs("lm"));
  R(umount2("lm", UMOUNT_NOFOLLOW));
  R(umount("lm"));
  int fd = open("m", O_RDONLY);
  R(tmpfs("m"));
  R(here("m/x"));
  struct stat a, b;
  fstat(fd, &a);
  stat("m", &b);
  yes("the descriptor is of what lies below", a.st_dev != b.st_dev);
  close(fd);
  R(rmdir("m"));
  R(rename("m", "n"));
  R(unlink("m"));
  chdir("m");
  R(umount("../m"));
  R(umount("."));
  chdir("..");
  R(umount("m"));
}

static void flags(void) {
  R(mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=1m"));
  show("flags", "%lx", statflags("m"));
  mknod("m/null", S_IFCHR | 0666, 0x103);
  R(open("m/null", O_RDWR));
  put("m/prog", "#!/bin/sh\n");
  chmod("m/prog", 0755);
  R(access("m/prog", X_OK));
  R(execl("m/prog", "prog", (char *)0));
  R(mount(0, "m", 0, MS_REMOUNT | MS_RDONLY, 0));
  show("flags", "%lx", statflags("m"));
  R(open("m/new", O_CREAT | O_WRONLY, 0644));
  R(open("m/prog", O_WRONLY));
  R(open("m/prog", O_RDONLY | O_CREAT, 0644) >= 0);
  R(mkdir("m/d", 0755));
  R(mkdir("m/prog", 0755));
  R(unlink("m/prog"));
  R(unlink("m/missing"));
  R(rename("m/prog", "m/x"));
  R(link("m/prog", "m/x"));
  R(symlink("a", "m/x"));
  R(chmod("m/prog", 0700));
  R(chown("m/prog", 0, 0));
  R(truncate("m/prog", 0));
  R(utimensat(AT_FDCWD, "m/prog", 0, 0));
  R(setxattr("m/prog", "user.x", "1", 1, 0));
  R(access("m/prog", W_OK));
  R(mount(0, "m", 0, MS_REMOUNT, 0));
  show("flags", "%lx", statflags("m"));
  int fd = open("m/prog", O_WRONLY);
  R(mount(0, "m", 0, MS_REMOUNT | MS_RDONLY, 0));
  close(fd);
  R(mount("m", "b", 0, MS_BIND, 0));
  R(mount(0, "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0));
  R(open("b/new", O_CREAT | O_WRONLY, 0644));
  R(open("m/new", O_CREAT | O_WRONLY, 0644) >= 0);
  R(here("b/new"));
  R(mount(0, "m", 0, MS_REMOUNT | MS_NOATIME, 0));
  show("flags", "%lx", statflags("m"));
  R(mount(0, "m", 0, MS_REMOUNT | MS_STRICTATIME, 0));
  show("flags", "%lx", statflags("m"));
  R(umount("b"));
  R(umount2("m", MNT_DETACH));
  R(mount("none", "m", "tmpfs", MS_NOATIME | MS_NODIRATIME, 0));
  show("flags", "%lx", statflags("m"));
  R(umount("m"));
}

static void binds(void) {
  mkdir("d/sub", 0755);
  put("d/sub/f", "x");
  R(tmpfs("d/sub"));
  R(mount("d", "m", 0, MS_BIND, 0));
  R(here("m/sub/f"));
  R(mount("d", "b", 0, MS_BIND | MS_REC, 0));
  R(here("b/sub/f"));
  put("d/sub/new", "");
  R(here("b/sub/new"));
  info("binds");
  R(umount("b"));
  R(umount("b/sub"));
  R(umount("b"));
  R(umount("m"));
  R(mount("d/sub", "b", 0, MS_MOVE, 0));
  R(here("b/new"));
  R(here("d/sub/f"));
  R(mount("b", "b/new", 0, MS_MOVE, 0));
  mkdir("b/in", 0755);
  R(mount("b", "b/in", 0, MS_MOVE, 0));
  R(mount("b", "f", 0, MS_MOVE, 0));
  R(mount("f", "g", 0, MS_BIND, 0));
  put("g", "through");
  struct stat s;
  stat("f", &s);
  show("written through a bound file", "%ld", (long)s.st_size);
  R(unlink("g"));
  R(umount("g"));
  R(mount("d", "d", 0, MS_BIND, 0));
  R(mount("d", "d", 0, MS_BIND, 0));
  info("twice");
  R(umount("d"));
  R(umount("d"));
  R(umount("d"));
  R(umount("b"));
  // a detached tree goes on existing for those who are in it
  tmpfs("m");
  put("m/f", "inside");
  int fd = open("m/f", O_RDONLY), dir = open("m", O_RDONLY);
  R(umount("m"));
  R(umount2("m", MNT_DETACH));
  R(umount2("m", MNT_DETACH));
  char c;
  R(read(fd, &c, 1));
  R(openat(dir, "f", O_RDONLY) >= 0);
  R(openat(dir, "new", O_CREAT | O_WRONLY, 0644) >= 0);
  R(openat(dir, "..", O_RDONLY) >= 0);
}

static void propagate(void) {
  mkdir("p", 0755);
  mkdir("q", 0755);
  mkdir("s", 0755);
  mkdir("u", 0755);
  tmpfs("p");
  mkdir("p/a", 0755);
  R(mount(0, "p", 0, MS_SHARED, 0));
  R(mount("p", "q", 0, MS_BIND, 0));
  R(mount("p", "s", 0, MS_BIND, 0));
  R(mount(0, "s", 0, MS_SLAVE, 0));
  R(mount("p", "u", 0, MS_BIND, 0));
  R(mount(0, "u", 0, MS_PRIVATE, 0));
  info("four");
  R(tmpfs("p/a"));
  put("p/a/x", "");
  show("seen from", "peer %d slave %d private %d", here("q/a/x"), here("s/a/x"), here("u/a/x"));
  info("mounted");
  R(umount("q/a"));
  show("left", "%d %d %d", here("p/a/x"), here("q/a/x"), here("s/a/x"));
  R(tmpfs("s/a"));
  put("s/a/y", "");
  show("a slave's stays", "%d %d", here("p/a/y"), here("s/a/y"));
  R(tmpfs("p/a"));
  info("over the slave's");
  R(umount("p/a"));
  info("back");
  R(umount("s/a"));
  R(mount(0, "s", 0, MS_SHARED, 0));
  info("slave and shared");
  R(mount(0, "u", 0, MS_UNBINDABLE, 0));
  R(mount("u", "b", 0, MS_BIND, 0));
  info("unbindable");
  R(mount("p", "b", 0, MS_MOVE, 0));
  show("moved", "%d", here("b/a"));
  R(tmpfs("b/a"));
  put("b/a/z", "");
  show("seen from", "peer %d slave %d private %d", here("q/a/z"), here("s/a/z"), here("u/a/z"));
  R(mount("b/a", "m", 0, MS_MOVE, 0));
  R(umount2("b", MNT_DETACH));
  show("left", "%d", here("q/a/z"));
  umount2("q", MNT_DETACH);
  umount2("s", MNT_DETACH);
  umount2("u", MNT_DETACH);
  info("none");
  // recursively
  tmpfs("p");
  mkdir("p/a", 0755);
  tmpfs("p/a");
  R(mount(0, "p", 0, MS_SHARED | MS_REC, 0));
  R(mount("p", "q", 0, MS_BIND | MS_REC, 0));
  info("recursively");
  mkdir("p/a/b", 0755);
  R(tmpfs("p/a/b"));
  info("deep");
  R(umount2("p/a", MNT_DETACH));
  info("without the middle");
  umount2("p", MNT_DETACH);
  umount2("q", MNT_DETACH);
}

static int child(int (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) _exit(f());
  int s;
  waitpid(p, &s, 0);
  return s;
}
static int privately(void) {
  R(unshare(CLONE_NEWNS));
  R(tmpfs("m"));
  put("m/private", "");
  R(here("m/private"));
  R(tmpfs("p/a"));
  put("p/a/shared", "");
  info("inside");
  return 0;
}
static int pivots(void) {
  R(unshare(CLONE_NEWNS));
  R(syscall(SYS_pivot_root, "d", "d"));
  R(mount("none", "r", "tmpfs", 0, 0));
  mkdir("r/old", 0755);
  mkdir("r/etc", 0755);
  put("r/etc/new-root", "");
  R(syscall(SYS_pivot_root, "missing", "r/old"));
  R(syscall(SYS_pivot_root, "r", "missing"));
  R(syscall(SYS_pivot_root, "f", "r/old"));
  R(syscall(SYS_pivot_root, "r", "d"));
  R(syscall(SYS_pivot_root, "r/etc", "r/old"));
  return 0;
}
static int chroots(void) {
  char buf[100];
  mkdir("jail", 0755);
  mkdir("jail/in", 0755);
  put("jail/f", "");
  symlink("/f", "jail/abs");
  symlink("../../../f", "jail/in/up");
  int out = open("/", O_RDONLY);
  R(chroot("missing"));
  R(chroot("f"));
  R(chroot(""));
  R(chroot("jail"));
  R(here("/f"));
  R(here("/../../f"));
  R(here("/abs"));
  R(here("/in/up"));
  R(here("/proc"));
  R(here("jail"));
  R(syscall(SYS_getcwd, buf, 100) > 0 ? strncmp(buf, "(unreachable)", 13) : -1);
  R(chdir("/"));
  R(syscall(SYS_getcwd, buf, 100));
  R(chdir(".."));
  R(here("in"));
  R(fchdir(out));
  R(here("proc"));
  R(chroot("."));
  R(here("/proc"));
  return 0;
}
static int unprivileged(void) {
  setresuid(1000, 1000, 1000);
  R(mount("none", "m", "tmpfs", 0, 0));
  R(mount("none", "missing", "tmpfs", 0, 0));
  R(umount("m"));
  R(umount("missing"));
  R(umount2("m", 0x100));
  R(unshare(CLONE_NEWNS));
  R(syscall(SYS_pivot_root, "m", "m"));
  R(chroot("m"));
  R(chroot("missing"));
  return 0;
}

int main(void) {
  scratch();
  // A mount of its own, whatever lies below.
  tmpfs(scratch_path);
  chdir(scratch_path);
  chmod(scratch_path, 0755);
  mkdir("m", 0755);
  mkdir("b", 0755);
  mkdir("d", 0755);
  mkdir("r", 0755);
  put("f", "0123456789");
  put("g", "");
  errors();
  flags();
  binds();
  propagate();
  tmpfs("p");
  mkdir("p/a", 0755);
  mount(0, "p", 0, MS_SHARED, 0);
  status("namespace", child(privately));
  show("outside", "%d %d", here("m/private"), here("p/a/shared"));
  umount2("p", MNT_DETACH);
  status("pivot_root", child(pivots));
  status("chroot", child(chroots));
  status("unprivileged", child(unprivileged));
  chdir("/");
  umount2(scratch_path, MNT_DETACH);
  scratch_remove();
  return 0;
}
