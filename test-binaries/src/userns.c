// User namespaces: who may make them, id maps and who may write them, ids that have no number, capabilities inside and for
// what lies outside, files, signals, groups, set-user-ID programs, nested namespaces. Not checked: mounts that are locked.
#include "t.h"
#include <grp.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#define NS_GET_USERNS 0xb701
#define NS_GET_PARENT 0xb702
#define NS_GET_OWNER_UID 0xb704

static void apart(const char *what, void (*body)(void)) {
  int s;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, &s, 0);
  status(what, s);
}
static long writes(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  long n = write(fd, text, strlen(text));
  int e = errno;
  close(fd);
  errno = e;
  return n;
}
static void shows(const char *path) {
  char text[400];
  int fd = open(path, O_RDONLY);
  long n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (n < 0) show(path, "%s", errname(errno));
  else {
    text[n] = 0;
    for (char *c = text; *c; c++)
      if (*c == '\n') *c = c[1] ? '|' : 0;
    show(path, "%s", text);
  }
  if (fd >= 0) close(fd);
}
static void ids(const char *what) {
  uid_t r, e, s;
  gid_t rg, eg, sg;
  getresuid(&r, &e, &s);
  getresgid(&rg, &eg, &sg);
  gid_t groups[32];
  int n = getgroups(32, groups);
  char text[200] = "";
  for (int i = 0; i < n; i++) sprintf(text + strlen(text), " %d", groups[i]);
  show(what, "%d %d %d, %d %d %d, %d groups%s", r, e, s, rg, eg, sg, n, text);
}
static void caps(const char *what) {
  char line[200];
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, "CapEff", 6) || !strncmp(line, "CapPrm", 6) || !strncmp(line, "CapInh", 6)) {
      line[strcspn(line, "\n")] = 0;
      show(what, "%s", line);
    }
  fclose(f);
}
static void owner(const char *path) {
  struct stat s;
  if (stat(path, &s)) show(path, "%s", errname(errno));
  else show(path, "%d %d %o", s.st_uid, s.st_gid, s.st_mode & 07777);
}

static void fresh(void) {
  shows("/proc/self/uid_map");
  shows("/proc/self/setgroups");
  R(writes("/proc/self/uid_map", "0 0 1"));
  R(unshare(CLONE_NEWUSER));
  ids("nobody has a number");
  caps("all capabilities");
  shows("/proc/self/uid_map");
  shows("/proc/self/gid_map");
  shows("/proc/self/setgroups");
  R(setuid(0));
  R(setuid(65534));
  R(setgroups(0, 0));
  owner("/");
  R(chown("mine", 0, -1));
  R(chown("mine", -1, -1));
  R(writes("/proc/self/uid_map", ""));
  R(writes("/proc/self/uid_map", "0 0"));
  R(writes("/proc/self/uid_map", "0 0 0"));
  R(writes("/proc/self/uid_map", "0 0 1 1"));
  R(writes("/proc/self/uid_map", "x 0 1"));
  R(writes("/proc/self/uid_map", "-1 0 1"));
  R(writes("/proc/self/uid_map", "0 0 1\n0 5 1"));
  R(writes("/proc/self/uid_map", "0 0 1\n1 0 1"));
  R(writes("/proc/self/uid_map", "4294967295 0 1"));
  R(writes("/proc/self/uid_map", "0 0 4294967295"));
  R(writes("/proc/self/uid_map", "0 1000 1"));
  R(writes("/proc/self/uid_map", "7 0 1\n"));
  R(writes("/proc/self/uid_map", "7 0 1\n"));
  ids("the user has one");
  shows("/proc/self/uid_map");
  R(writes("/proc/self/gid_map", "8 0 1"));
  R(writes("/proc/self/setgroups", "maybe"));
  R(writes("/proc/self/setgroups", "deny"));
  R(writes("/proc/self/setgroups", "allow"));
  shows("/proc/self/setgroups");
  R(writes("/proc/self/gid_map", "8 0 1"));
  R(writes("/proc/self/setgroups", "deny"));
  ids("the group too");
  R(setgroups(0, 0));
  R(setuid(7));
  R(setuid(0));
  R(setgid(8));
  owner("/");
  R(chown("mine", 7, 8));
  R(chown("mine", 0, -1));
  caps("still");
}

// Mapped from outside, by somebody with all rights.
static int gate[2], back[2];
static void mapped(const char *uids, const char *gids, void (*body)(void)) {
  char path[64], c;
  pipe(gate);
  pipe(back);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    unshare(CLONE_NEWUSER);
    write(back[1], "x", 1);
    read(gate[0], &c, 1);
    body();
    fflush(stdout);
    _exit(0);
  }
  read(back[0], &c, 1);
  snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
  ret("uid_map", writes(path, uids));
  snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
  ret("gid_map", writes(path, gids));
  write(gate[1], "x", 1);
  int s;
  waitpid(pid, &s, 0);
  status("mapped", s);
}
static void inside(void) {
  shows("/proc/self/uid_map");
  ids("inside");
  R(setgid(0));
  gid_t list[] = {3, 4};
  R(setgroups(2, list));
  list[0] = 5000;
  R(setgroups(1, list));
  R(setuid(0));
  ids("root");
  caps("root");
  put("made", "x");
  owner("made");
  owner("theirs");
  owner("mine");
  R(chown("made", 5, 6));
  owner("made");
  R(chown("made", 5000, 6));
  ret("a file of an unmapped user", open("secret", O_RDONLY) < 0 ? -1 : 0);
  R(chmod("secret", 0644));
  R(unlink("secret"));
  ret("a file of a mapped user", open("secret2", O_RDONLY) < 0 ? -1 : 0);
  R(chmod("secret2", 0640));
  R(mknod("device", S_IFCHR | 0600, 0x103));
  R(mknod("fifo", S_IFIFO | 0600, 0));
  R(sethostname("x", 1));
  R(mount("none", ".", "tmpfs", 0, 0));
  R(setpriority(PRIO_PROCESS, 0, -5));
  ret("SO_RCVBUFFORCE", setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, 33, &(int){9000}, 4));
  ret("a raw socket", socket(AF_INET, SOCK_RAW, 1) < 0 ? -1 : 0);
  R(kill(getppid(), 0));
  R(unshare(CLONE_NEWUTS));
  R(sethostname("mine", 4));
  R(unshare(CLONE_NEWNS));
  R(mount("none", "dir", "tmpfs", 0, 0));
  put("dir/file", "x");
  owner("dir");
  owner("dir/file");
  R(mount("none", "dir", "nosuch", 0, 0));
  R(unshare(CLONE_NEWNET));
  ret("a raw socket of one's own", socket(AF_INET, SOCK_RAW, 1) < 0 ? -1 : 0);
  R(prctl(PR_CAPBSET_DROP, 0));
  R(setresuid(5, 5, 5));
  caps("another user");
  R(setuid(0));
  R(setfsuid(9));
  R(kill(getppid(), 0));
}
static void strange(void) {
  R(setresuid(0, 0, 0));
  ids("root of a hole");
  struct stat s;
  stat("/", &s);
  show("who", "%d %d", s.st_uid, s.st_gid);
  shows("/proc/self/uid_map");
  // A namespace within.
  R(unshare(CLONE_NEWUSER));
  R(setresgid(0, 0, 0));
  R(prctl(PR_SET_DUMPABLE, 1));
  R(unshare(CLONE_NEWUSER));
  ids("within");
  R(writes("/proc/self/uid_map", "0 0 1"));
  R(writes("/proc/self/setgroups", "deny"));
  R(writes("/proc/self/gid_map", "3 0 1"));
  ids("within");
  shows("/proc/self/uid_map");
  shows("/proc/self/gid_map");
  int fd = open("/proc/self/ns/user", O_RDONLY);
  int up = ioctl(fd, NS_GET_PARENT);
  ret("the one around it", up < 0 ? -1 : 0);
  R(setns(up, 0));
}

static void unprivileged(void) {
  setgid(1000);
  setuid(1000);
  R(unshare(CLONE_NEWUSER));
  caps("nobody in particular");
  // Who has changed its ids is not to be looked into, not by itself either.
  R(writes("/proc/self/gid_map", "0 1000 1"));
  R(prctl(PR_GET_DUMPABLE));
  owner("/proc/self/uid_map");
  owner("/proc/self/environ");
  owner("/proc/self");
  R(prctl(PR_SET_DUMPABLE, 1));
  owner("/proc/self/uid_map");
  R(writes("/proc/self/gid_map", "0 1000 1"));
  R(writes("/proc/self/uid_map", "0 1001 1"));
  R(writes("/proc/self/uid_map", "0 1000 2"));
  R(writes("/proc/self/uid_map", "0 1000 1"));
  R(writes("/proc/self/setgroups", "deny"));
  R(writes("/proc/self/gid_map", "0 1000 1"));
  ids("root now");
  owner("mine");
  owner("theirs");
  ret("a file of root", open("mine", O_RDONLY) < 0 ? -1 : 0);
  R(kill(getppid(), 0));
  R(kill(1, 0));
  R(unshare(CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET));
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    R(getpid());
    R(mount("proc", "/proc", "proc", 0, 0));
    shows("/proc/self/uid_map");
    R(shmget(5, 4096, IPC_CREAT | 0600));
    _exit(0);
  }
  int s;
  waitpid(pid, &s, 0);
  status("a container", s);
}
static void together(void) {
  setuid(1000);
  ret("clone", syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0) < 0 ? -1 : 0);
  fflush(stdout);
  long pid = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    R(sethostname("together", 8));
    _exit(0);
  }
  wait(0);
  yes("clone of both", pid > 0);
}
static void chrooted(void) {
  chroot("dir");
  R(unshare(CLONE_NEWUSER));
}
// The parent rules those inside; SO_PEERCRED and siginfo translate.
static volatile sig_atomic_t sender = -1;
static void informed(int n, siginfo_t *i, void *u) {
  (void)n, (void)u;
  sender = i->si_uid;
}
static void talks(void) {
  int pair[2], s;
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  int ready[2];
  pipe(ready);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    struct sigaction a = {.sa_sigaction = informed, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &a, 0);
    unshare(CLONE_NEWUSER);
    writes("/proc/self/uid_map", "77 0 1");
    struct ucred peer;
    socklen_t size = sizeof peer;
    getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size);
    show("the peer", "%d %d", peer.uid, peer.gid);
    write(ready[1], "x", 1);
    while (sender == -1) msleep(5);
    show("the sender", "%d", sender);
    sender = -1;
    kill(getpid(), SIGUSR1);
    show("by itself", "%d", sender);
    _exit(0);
  }
  char c;
  read(ready[0], &c, 1);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  int fd = open(path, O_RDONLY);
  uid_t uid = 5;
  R(ioctl(fd, NS_GET_OWNER_UID, &uid));
  show("made by", "%d", uid);
  snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
  char text[100] = "";
  int map = open(path, O_RDONLY);
  read(map, text, 99);
  text[strcspn(text, "\n")] = 0;
  show("its map from outside", "%s", text);
  kill(pid, SIGUSR1);
  waitpid(pid, &s, 0);
  status("it", s);
}
static void joins(void) {
  int go[2];
  char c, path[64];
  pipe(go);
  pid_t pid = fork();
  if (pid == 0) {
    unshare(CLONE_NEWUSER);
    writes("/proc/self/uid_map", "0 0 1");
    write(go[1], "x", 1);
    pause();
  }
  read(go[0], &c, 1);
  snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  int fd = open(path, O_RDONLY), own = open("/proc/self/ns/user", O_RDONLY);
  R(setns(own, 0));
  R(setns(fd, CLONE_NEWUSER));
  ids("joined");
  caps("joined");
  R(setns(own, 0));
  R(setns(fd, 0));
  R(kill(pid, SIGKILL));
  wait(0);
}

// Mounts that come from more privileged users: what they hide stays hidden, and their flags stay.
static void locked(void) {
  fflush(stdout);
  if (fork() == 0) {
    unshare(CLONE_NEWNS);
    mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
    mount("x", "dir", "tmpfs", MS_NODEV | MS_NOSUID, 0);
    mkdir("dir/a", 0755), mkdir("dir/b", 0755);
    mount("y", "dir/a", "tmpfs", MS_RDONLY | MS_NOEXEC, 0);
    R(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    R(umount("dir/a"));
    R(umount2("dir", MNT_DETACH));
    R(mount(0, "dir/a", 0, MS_REMOUNT | MS_BIND, 0));
    R(mount(0, "dir/a", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0));
    R(mount(0, "dir/a", 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, 0));
    R(mount(0, "dir", 0, MS_REMOUNT | MS_BIND | MS_NODEV, 0));
    R(mount(0, "dir", 0, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOSUID | MS_NOATIME, 0));
    R(mount(0, "dir", 0, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOSUID | MS_NOEXEC, 0));
    R(mount("dir", "dir/b", 0, MS_BIND, 0));
    R(mount("dir", "dir/b", 0, MS_BIND | MS_REC, 0));
    R(umount("dir/b/a"));
    R(umount2("dir/b", MNT_DETACH));
    R(mount("dir/a", "dir/b", 0, MS_MOVE, 0));
    R(mount("z", "dir/b", "tmpfs", 0, 0));
    R(mount(0, "dir/b", 0, MS_REMOUNT | MS_BIND | MS_NOATIME, 0));
    R(umount("dir/b"));
    _exit(0);
  }
  wait(0);
}

int main(void) {
  // Out of a chroot, from where nobody may go further in.
  scratch();
  int here = open(".", O_RDONLY), root = open("/proc/self/ns/mnt", O_RDONLY);
  setns(root, CLONE_NEWNS);
  fchdir(here);
  umask(022);
  put("mine", "x");
  put("theirs", "x");
  put("secret", "x");
  put("secret2", "x");
  chmod("mine", 0600);
  chown("theirs", 1234, 1234);
  chown("secret", 5000, 5000);
  chmod("secret", 0600);
  chown("secret2", 1003, 1004);
  chmod("secret2", 0600);
  mkdir("dir", 0755);
  chmod(".", 0777);
  apart("fresh", fresh);
  put("mine", "x");
  mapped("0 1000 100", "0 1000 100\n200 0 1\n", inside);
  mapped("0 1000 1\n5 0 1\n", "0 1000 1", strange);
  apart("unprivileged", unprivileged);
  apart("together", together);
  apart("chrooted", chrooted);
  apart("talks", talks);
  apart("joins", joins);
  locked();
  for (const char *names[] = {"mine", "theirs", "secret", "secret2", "made", "fifo", "device", 0}, **n = names; *n; n++)
    unlink(*n);
  rmdir("dir");
  chdir("/tmp");
  fchdir(here);
  return 0;
}
