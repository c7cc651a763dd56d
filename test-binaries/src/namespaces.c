// Namespaces of names, IPC, networks and control groups, and what they have in common: unshare(2), clone(2), setns(2),
// /proc/[pid]/ns, the ioctls of its files. Not checked: time namespaces, bind mounts of namespace files.
#include "t.h"
#include <arpa/inet.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/utsname.h>
#define NS_GET_USERNS 0xb701
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#define NS_GET_OWNER_UID 0xb704
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

static ino_t ns(const char *kind) {
  struct stat s;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
  return stat(path, &s) ? 0 : s.st_ino;
}
static const struct { const char *name; int flag; } kinds[] = {
    {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS}, {"net", CLONE_NEWNET},
    {"pid", CLONE_NEWPID},       {"user", CLONE_NEWUSER}, {"uts", CLONE_NEWUTS},
};
#define KINDS (sizeof kinds / sizeof *kinds)

// Runs in a child, which may leave what it likes.
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

static void links(void) {
  for (size_t i = 0; i < KINDS; i++) {
    char path[64], text[64] = "", wanted[64];
    struct stat s, l;
    struct statfs f;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].name);
    show("kind", "%s", kinds[i].name);
    readlink(path, text, sizeof text - 1);
    R(stat(path, &s));
    snprintf(wanted, sizeof wanted, "%s:[%lu]", kinds[i].name, (unsigned long)s.st_ino);
    yes("its name tells the number", !strcmp(text, wanted));
    R(lstat(path, &l));
    show("mode", "%o %o", s.st_mode, l.st_mode);
    int fd = K(open(path, O_RDONLY));
    R(ioctl(fd, NS_GET_NSTYPE));
    ret("NS_GET_PARENT", ioctl(fd, NS_GET_PARENT) < 0 ? -1 : 0);
    ret("NS_GET_OWNER_UID", ioctl(fd, NS_GET_OWNER_UID, text));
    R(fstatfs(fd, &f));
    show("type", "%lx", (long)f.f_type);
    ret("read", read(fd, text, 1));
    ret("write", open(path, O_WRONLY));
    ret("nonsense", ioctl(fd, 0xb777));
    ret("mmap", mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    ret("the wrong kind", setns(fd, kinds[(i + 1) % KINDS].flag));
    close(fd);
  }
}
static void descriptors(void) {
  R(setns(-1, 0));
  R(setns(99, 0));
  R(setns(0, 0));
  int fd = open("/proc/self/ns/uts", O_RDONLY);
  R(setns(fd, 1));
  R(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
  R(setns(fd, CLONE_NEWUTS));
  R(setns(fd, 0));
  int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
  R(setns(pidfd, 0));
  R(setns(pidfd, 1));
  R(setns(pidfd, CLONE_NEWUTS | CLONE_FS));
  R(setns(pidfd, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
  R(setns(pidfd, CLONE_NEWUSER));
  int user = open("/proc/self/ns/user", O_RDONLY);
  R(setns(user, 0));
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  char text[64] = "";
  readlink(path, text, sizeof text - 1);
  text[4] = 0;
  show("its name", "%s", text);
  int again = K(open(path, O_RDONLY));
  R(ioctl(again, NS_GET_NSTYPE));
}
static void unprivileged(void) {
  int fd = open("/proc/self/ns/uts", O_RDONLY);
  setuid(1000);
  for (size_t i = 0; i < KINDS; i++)
    if (kinds[i].flag != CLONE_NEWUSER) ret(kinds[i].name, unshare(kinds[i].flag));
  ret("clone", syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
  R(setns(fd, 0));
  char text[64];
  ret("those of init", readlink("/proc/1/ns/uts", text, sizeof text));
  R(sethostname("x", 1));
}
static void flags(void) {
  R(unshare(0));
  R(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));
  R(unshare(0x1));
  R(unshare(CLONE_PARENT));
  R(unshare(CLONE_VM));
  R(unshare(CLONE_THREAD));
  R(unshare(CLONE_SIGHAND));
  ret("clone: NEWNS and FS", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
  ret("clone: NEWUSER and FS", syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
  ret("clone: NEWIPC and SYSVSEM", syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0));
}
static void all(void) {
  ino_t before[KINDS];
  for (size_t i = 0; i < KINDS; i++) before[i] = ns(kinds[i].name);
  for (size_t i = 0; i < KINDS; i++) {
    if (kinds[i].flag == CLONE_NEWUSER) continue;
    ret(kinds[i].name, unshare(kinds[i].flag));
    for (size_t j = 0; j < KINDS; j++)
      if ((ns(kinds[j].name) != before[j]) != (j <= i && kinds[j].flag != CLONE_NEWUSER && kinds[j].flag != CLONE_NEWPID))
        show("not as expected", "%s", kinds[j].name);
  }
  int fd = open("/proc/self/ns/net", O_RDONLY), user = ioctl(fd, NS_GET_USERNS);
  struct stat s;
  fstat(user, &s);
  yes("owned by the user namespace", s.st_ino == ns("user"));
  ret("which has none outside", ioctl(user, NS_GET_USERNS));
  ret("nor a parent", ioctl(user, NS_GET_PARENT));
  uid_t uid = 9;
  R(ioctl(user, NS_GET_OWNER_UID, &uid));
  show("made by", "%d", uid);
}

static void name(const char *what) {
  struct utsname u;
  uname(&u);
  char proc[100] = "";
  FILE *f = fopen("/proc/sys/kernel/hostname", "r");
  fgets(proc, sizeof proc, f);
  fclose(f);
  proc[strcspn(proc, "\n")] = 0;
  show(what, "%s %s %s", u.nodename, u.domainname, proc);
}
static void uts(void) {
  R(unshare(CLONE_NEWUTS));
  R(sethostname("one", 3));
  R(setdomainname("dom", 3));
  name("inside");
  int outer = open("/proc/self/ns/uts", O_RDONLY), s, go[2];
  pipe(go);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char c;
    R(unshare(CLONE_NEWUTS));
    name("a copy");
    R(sethostname("two", 3));
    name("changed");
    read(go[0], &c, 1);
    _exit(0);
  }
  msleep(30);
  name("the parent");
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/uts", pid);
  int inner = K(open(path, O_RDONLY));
  R(setns(inner, CLONE_NEWUTS));
  name("the child's");
  put("/proc/sys/kernel/hostname", "three\n");
  name("written");
  R(setns(outer, CLONE_NEWUTS));
  name("back");
  write(go[1], "x", 1);
  waitpid(pid, &s, 0);
  R(setns(inner, 0));
  name("it is still there");
}

static void ipc(void) {
  int shm = K(shmget(0x1234, 4096, IPC_CREAT | IPC_EXCL | 0600)), sem = semget(0x1234, 1, IPC_CREAT | 0600);
  int msg = msgget(0x1234, IPC_CREAT | 0600);
  struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 8};
  mqd_t mq = mq_open("/namespaces", O_CREAT | O_RDWR, 0600, &a);
  char *memory = shmat(shm, 0, 0);
  *memory = 'm';
  int outer = open("/proc/self/ns/ipc", O_RDONLY);
  R(unshare(CLONE_NEWIPC));
  ret("shmget", shmget(0x1234, 4096, 0));
  ret("semget", semget(0x1234, 1, 0));
  ret("msgget", msgget(0x1234, 0));
  ret("mq_open", mq_open("/namespaces", O_RDWR));
  struct shmid_ds d;
  ret("by its id", shmctl(shm, IPC_STAT, &d));
  show("what is mapped stays", "%c", *memory);
  ret("what is open too", mq_send(mq, "x", 1, 0));
  K(shmget(0x1234, 4096, IPC_CREAT | IPC_EXCL | 0600));
  ret("the first of its own", shmget(0x1234, 0, 0));
  R(setns(outer, 0));
  ret("back", shmctl(shm, IPC_STAT, &d));
  R(shmdt(memory));
  R(shmctl(shm, IPC_RMID, 0));
  R(semctl(sem, 0, IPC_RMID));
  R(msgctl(msg, IPC_RMID, 0));
  R(mq_unlink("/namespaces"));
}

static void flagsof(const char *what, int s) {
  struct ifreq r = {.ifr_name = "lo"};
  if (ioctl(s, SIOCGIFFLAGS, &r)) show(what, "%s", errname(errno));
  else show(what, "%s%s", r.ifr_flags & IFF_UP ? "up" : "down", r.ifr_flags & IFF_RUNNING ? " running" : "");
}
static void net(void) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof any;
  int outside = socket(AF_INET, SOCK_STREAM, 0);
  bind(outside, (void *)&any, size);
  listen(outside, 1);
  getsockname(outside, (void *)&any, &size);
  struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0namespaces"};
  struct sockaddr_un named = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int u = socket(AF_UNIX, SOCK_STREAM, 0), v = socket(AF_UNIX, SOCK_STREAM, 0);
  ret("an abstract name", bind(u, (void *)&abstract, 14));
  ret("a name in a file system", bind(v, (void *)&named, sizeof named));
  listen(u, 1);
  listen(v, 1);
  R(unshare(CLONE_NEWNET));
  int s = socket(AF_INET, SOCK_STREAM, 0);
  flagsof("lo", s);
  ret("connect while it is down", connect(s, (void *)&any, sizeof any));
  struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  R(ioctl(s, SIOCSIFFLAGS, &r));
  flagsof("lo", s);
  close(s);
  s = socket(AF_INET, SOCK_STREAM, 0);
  ret("connect to what is outside", connect(s, (void *)&any, sizeof any) ? -1 : 0);
  show("because", "%s", errno == ECONNREFUSED ? "ECONNREFUSED" : errname(errno));
  int inside = socket(AF_INET, SOCK_STREAM, 0);
  ret("the same port", bind(inside, (void *)&any, sizeof any));
  listen(inside, 1);
  close(s);
  s = socket(AF_INET, SOCK_STREAM, 0);
  ret("connect to one's own", connect(s, (void *)&any, sizeof any));
  int w = socket(AF_UNIX, SOCK_STREAM, 0);
  ret("the abstract name", connect(w, (void *)&abstract, 14) ? -1 : 0);
  show("because", "%s", errno == ECONNREFUSED ? "ECONNREFUSED" : errname(errno));
  ret("the name in the file system", connect(w, (void *)&named, sizeof named));
  ret("a listener of the namespace before", getsockname(outside, (void *)&any, &size));
  r.ifr_flags = 0;
  R(ioctl(s, SIOCSIFFLAGS, &r));
  flagsof("lo", s);
  strcpy(r.ifr_name, "eth0");
  yes("no eth0", ioctl(s, SIOCGIFFLAGS, &r) == -1 && errno == ENODEV);
  char line[200];
  int lines = 0;
  FILE *f = fopen("/proc/self/net/dev", "r");
  while (fgets(line, sizeof line, f)) lines++;
  fclose(f);
  show("lines of /proc/self/net/dev", "%d", lines);
}
static void cgroup(void) {
  R(unshare(CLONE_NEWCGROUP));
  char text[300] = "", *last = text;
  int fd = open("/proc/self/cgroup", O_RDONLY);
  read(fd, text, sizeof text - 1);
  last = strstr(text, "0::");
  show("cgroup", "%s", last ? strtok(last, "\n") : "none");
}
static void vanished(void) {
  int go[2];
  pipe(go);
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  char path[64], text[64];
  siginfo_t i;
  waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
  snprintf(path, sizeof path, "/proc/%d/ns/uts", pid);
  ret("of a zombie", readlink(path, text, sizeof text));
  int pidfd = syscall(SYS_pidfd_open, pid, 0);
  R(setns(pidfd, CLONE_NEWUTS));
  wait(0);
  ret("of nobody", readlink(path, text, sizeof text));
}

int main(void) {
  scratch();
  links();
  apart("descriptors", descriptors);
  apart("unprivileged", unprivileged);
  apart("flags", flags);
  apart("all", all);
  apart("uts", uts);
  apart("ipc", ipc);
  apart("net", net);
  apart("cgroup", cgroup);
  apart("vanished", vanished);
  scratch_remove();
  return 0;
}
