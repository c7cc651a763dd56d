// landlock(7): rulesets, rules of files, ports and scopes, layers, inheritance, what a sandbox denies at all. Not checked: overlays,
// mounts that are moved after a rule was made, the log.
#include "t.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { EXECUTE = 1, WRITE = 2, READ = 4, READ_DIR = 8, REMOVE_DIR = 16, REMOVE_FILE = 32, MAKE_CHAR = 64, MAKE_DIR = 128, MAKE_REG = 256,
  MAKE_SOCK = 512, MAKE_FIFO = 1024, MAKE_BLOCK = 2048, MAKE_SYM = 4096, REFER = 8192, TRUNCATE = 16384, IOCTL_DEV = 32768, ALL = 65535 };
struct attr { uint64_t fs, net, scoped; };
struct beneath { uint64_t allowed; int32_t fd; } __attribute__((packed));
struct port { uint64_t allowed, port; };
static long create(uint64_t fs, uint64_t net, uint64_t scoped) {
  struct attr a = {fs, net, scoped};
  return syscall(444, &a, sizeof a, 0);
}
static long beneath(int set, uint64_t allowed, const char *path) {
  struct beneath b = {allowed, open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW)};
  long r = syscall(445, set, 1, &b, 0);
  int e = errno;
  close(b.fd);
  errno = e;
  return r;
}
static long port(int set, uint64_t allowed, uint64_t number) {
  struct port p = {allowed, number};
  return syscall(445, set, 2, &p, 0);
}
static long enforce(int set) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  long r = syscall(446, set, 0);
  close(set);
  return r;
}
static void run(const char *what, void (*f)(void)) {
  int s;
  printf("-- %s\n", what);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    f();
    fflush(stdout);
    _exit(0);
  }
  waitpid(c, &s, 0);
  if (s) status(what, s);
}
static void can(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  char what[64];
  snprintf(what, sizeof what, "open %s %o", path, flags & 01777);
  show(what, "%s", fd < 0 ? errname(errno) : "ok");
  close(fd);
}

static void arguments(void) {
  yes("a version", syscall(444, 0, 0, 1) >= 7);
  yes("errata", syscall(444, 0, 0, 2) >= 0);
  R(syscall(444, 0, 0, 3));
  struct attr a = {READ, 0, 0};
  R(syscall(444, &a, sizeof a, 1));
  R(syscall(444, 0, sizeof a, 1));
  R(syscall(444, 0, sizeof a, 0));
  R(syscall(444, (void *)1, sizeof a, 0));
  R(syscall(444, &a, 7, 0));
  R(syscall(444, &a, 0, 0));
  R(syscall(444, &a, 4097, 0));
  R(create(0, 0, 0));
  R(create(ALL + 1, 0, 0));
  R(create(1ULL << 63, 0, 0));
  R(create(READ, 4, 0));
  R(create(READ, 0, 4));
  struct { struct attr a; uint64_t more; } larger = {a, 1};
  R(syscall(444, &larger, sizeof larger, 0));
  larger.more = 0;
  int set = (int)syscall(444, &larger, sizeof larger, 0);
  yes("a larger one of zeros", set >= 0);
  close(set);
  set = (int)syscall(444, &a, 8, 0);
  yes("the first version", set >= 0);
  show("flags", "%x %d", fcntl(set, F_GETFL), fcntl(set, F_GETFD));
  char link[64] = "", path[32], byte;
  snprintf(path, sizeof path, "/proc/self/fd/%d", set);
  readlink(path, link, 63);
  show("its name", "%s", link);
  R(read(set, &byte, 1));
  R(write(set, "", 1));
  R(syscall(445, set, 1, 0, 0));
  R(syscall(445, set, 3, &a, 0));
  struct beneath b = {READ, AT_FDCWD};
  R(syscall(445, set, 1, &b, 1));
  R(syscall(445, set, 1, &b, 0));
  b.fd = set;
  R(syscall(445, set, 1, &b, 0));
  R(syscall(445, 0, 1, &b, 0));
  R(syscall(445, -1, 1, &b, 0));
  R(beneath(set, 0, "."));
  R(beneath(set, WRITE, "."));
  R(beneath(set, READ, "."));
  R(beneath(set, READ, "dir/file"));
  R(port(set, 1, 80));
  int pipes[2], mem = (int)syscall(SYS_memfd_create, "x", 0);
  pipe(pipes);
  b.fd = pipes[0];
  R(syscall(445, set, 1, &b, 0));
  b.fd = mem;
  R(syscall(445, set, 1, &b, 0));
  b.fd = open("/proc/self/ns/mnt", O_RDONLY);
  R(syscall(445, set, 1, &b, 0));
  int dirs = (int)create(READ_DIR | MAKE_REG | READ, 0, 0);
  R(beneath(dirs, READ_DIR, "dir/file"));
  R(beneath(dirs, MAKE_REG | READ, "dir/file"));
  R(beneath(dirs, MAKE_REG, "dir"));
  int net = (int)create(0, 3, 0);
  R(port(net, 1, 65535));
  R(port(net, 1, 65536));
  R(port(net, 0, 80));
  R(port(net, 4, 80));
  R(port(net, 3, 0));
  R(beneath(net, READ, "."));
  R(syscall(446, -1, 0));
  R(syscall(446, 0, 0));
  R(syscall(446, set, 8));
  R(syscall(446, -1, 4));
  R(syscall(446, set, 7));
  can("dir/file", O_RDONLY);
  for (int i = 0; i < 14; i++) syscall(446, set, 0);
  R(syscall(446, set, 0));
  R(syscall(446, set, 0));
  fflush(stdout);
  if (fork() == 0) {
    if (setresuid(1000, 1000, 1000)) _exit(98);
    R(syscall(446, net, 0));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    R(syscall(446, net, 0));
    _exit(0);
  }
  wait(0);
}

static void reading(void) {
  int set = (int)create(READ | READ_DIR | WRITE | EXECUTE, 0, 0);
  R(beneath(set, READ, "dir"));
  R(beneath(set, READ_DIR, "dir/sub"));
  R(beneath(set, WRITE, "other/file"));
  int before = open("other/file", O_RDONLY), dir = open("other", O_RDONLY);
  R(enforce(set));
  char byte;
  R(read(before, &byte, 1));
  can("dir/file", O_RDONLY);
  can("dir/file", O_RDWR);
  can("dir/file", O_WRONLY);
  can("dir/file", O_PATH);
  can("dir/file", 3);
  can("dir", O_RDONLY);
  can("dir/sub", O_RDONLY);
  can("dir/sub/file", O_RDONLY);
  can("dir/link", O_RDONLY);
  can("dir/away", O_RDONLY);
  can("other/file", O_RDONLY);
  can("other/file", O_WRONLY);
  can("other/new", O_WRONLY | O_CREAT);
  can("dir/new", O_RDONLY | O_CREAT);
  can("other", O_PATH);
  can(".", O_RDONLY);
  can("/", O_RDONLY);
  can("/dev/null", O_RDONLY);
  show("openat", "%s", openat(dir, "file", O_RDONLY) < 0 ? errname(errno) : "ok");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", before);
  can(path, O_RDONLY);
  int pipes[2];
  pipe(pipes);
  snprintf(path, sizeof path, "/proc/self/fd/%d", pipes[1]);
  int again = open(path, O_WRONLY);
  show("a pipe again", "%s", again < 0 ? errname(errno) : "ok");
  struct stat st;
  R(stat("other/file", &st));
  R(access("other/file", R_OK));
  R(chdir("other"));
  R(chdir(".."));
  R(chmod("other/file", 0600));
  R(readlink("dir/link", path, 9) > 0);
  R(execl("/bin/true", "true", (char *)0));
  R(execl("dir/file", "file", (char *)0));
  show("readdir of an open one", "%s", fdopendir(dir) ? "ok" : errname(errno));
}
static void executing(void) {
  int set = (int)create(EXECUTE, 0, 0);
  beneath(set, EXECUTE, "/");
  R(enforce(set));
  set = (int)create(EXECUTE | WRITE, 0, 0);
  beneath(set, EXECUTE, "/usr"), beneath(set, EXECUTE, "/bin"), beneath(set, EXECUTE, "/lib");
  R(enforce(set));
  can("dir/file", O_WRONLY);
  execl("/bin/sh", "sh", "-c", "echo a program; (echo x >dir/file) 2>&- || echo refused", (char *)0);
}
static void making(void) {
  int set = (int)create(MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM | MAKE_SOCK | MAKE_CHAR | MAKE_BLOCK | REMOVE_DIR | REMOVE_FILE, 0, 0);
  beneath(set, MAKE_DIR | MAKE_SYM | REMOVE_FILE | MAKE_FIFO | MAKE_CHAR, "dir");
  beneath(set, MAKE_REG | MAKE_SOCK | REMOVE_DIR, "other");
  R(enforce(set));
  R(mkdir("dir/d", 0755));
  R(mkdir("other/d", 0755));
  R(mkdir("dir", 0755));
  R(mkdir("none/d", 0755));
  R(symlink("x", "dir/s"));
  R(symlink("x", "other/s"));
  R(mkfifo("dir/p", 0644));
  R(mkfifo("other/p", 0644));
  R(mknod("dir/c", S_IFCHR | 0644, 0x103));
  R(mknod("other/c", S_IFCHR | 0644, 0x103));
  R(mknod("dir/b", S_IFBLK | 0644, 0x103));
  R(mknod("dir/r", S_IFREG | 0644, 0));
  R(mknod("other/r", S_IFREG | 0644, 0));
  R(mknod("other/r0", 0644, 0));
  can("dir/new", O_WRONLY | O_CREAT);
  can("other/new", O_WRONLY | O_CREAT);
  can("dir/file", O_WRONLY | O_CREAT);
  can("dir", O_WRONLY | O_TMPFILE);
  struct sockaddr_un a = {AF_UNIX, "dir/socket"};
  R(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
  strcpy(a.sun_path, "other/socket");
  R(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
  R(unlink("dir/s"));
  R(unlink("dir/d"));
  R(unlink("other/r"));
  R(unlink("none"));
  R(rmdir("dir/d"));
  R(rmdir("other"));
  R(rmdir("dir/file"));
  R(mkdir("dir/d/e", 0755));
  R(rename("dir/p", "dir/q"));
  R(rename("dir/d", "dir/dd"));
  R(rename("dir/file", "dir/file2"));
  R(rename("dir/p", "other/p"));
  R(link("dir/q", "dir/r"));
  R(link("other/r", "other/rr"));
  R(link("other/r", "dir/rr"));
  R(rename("other/r", "other/r0"));
}
static void moving(void) {
  int set = (int)create(REFER | MAKE_REG | REMOVE_FILE | MAKE_DIR | REMOVE_DIR | READ, 0, 0);
  beneath(set, REFER | MAKE_REG | REMOVE_FILE | MAKE_DIR | REMOVE_DIR | READ, "dir");
  beneath(set, REFER | MAKE_REG | REMOVE_FILE | MAKE_DIR | REMOVE_DIR, "other");
  R(enforce(set));
  R(rename("dir/file", "dir/sub/moved"));
  R(rename("dir/sub/moved", "dir/file"));
  R(rename("dir/file", "other/moved"));
  R(rename("other/moved", "dir/file"));
  R(link("other/file", "dir/linked"));
  R(link("dir/sub/file", "other/linked"));
  R(rename("dir/sub", "other/sub"));
  R(rename("dir/sub", "sub"));
  R(rename("dir/sub/file", "file"));
  R(rename("dir/none", "other/none"));
  R(syscall(SYS_renameat2, AT_FDCWD, "dir/sub/file", AT_FDCWD, "other/file", 2));
  R(syscall(SYS_renameat2, AT_FDCWD, "dir/sub/file", AT_FDCWD, "dir/file", 2));
  R(syscall(SYS_renameat2, AT_FDCWD, "dir/sub/file", AT_FDCWD, "other/file", 1));
}
static void unmoving(void) {
  int set = (int)create(READ, 0, 0);
  beneath(set, READ, ".");
  R(enforce(set));
  R(rename("dir/file", "dir/file3"));
  R(rename("dir/file3", "other/file3"));
  R(rename("dir/sub", "other/sub"));
  R(link("dir/file3", "dir/file"));
  R(link("dir/file3", "other/file3"));
  set = (int)create(0, 1, 0);
  R(enforce(set));
}
static void truncating(void) {
  int opened = open("dir/file", O_RDWR), set = (int)create(TRUNCATE | WRITE, 0, 0);
  beneath(set, WRITE, "dir");
  beneath(set, WRITE | TRUNCATE, "other");
  R(enforce(set));
  can("dir/file", O_WRONLY | O_TRUNC);
  can("dir/file", O_RDONLY | O_TRUNC);
  can("other/file", O_WRONLY | O_TRUNC);
  can("other/file", O_RDONLY | O_TRUNC);
  can("dir/fresh", O_WRONLY | O_CREAT | O_TRUNC);
  R(truncate("dir/file", 1));
  R(truncate("other/file", 1));
  R(ftruncate(opened, 2));
  R(ftruncate(open("dir/file", O_WRONLY), 1));
  R(ftruncate(open("other/file", O_WRONLY), 1));
  R(ftruncate((int)syscall(SYS_memfd_create, "x", 0), 10));
  int fd = open("dir/file", O_WRONLY);
  R(fallocate(fd, 1, 0, 10));
}
static void devices(void) {
  int n, set = (int)create(IOCTL_DEV, 0, 0), before = open("/dev/null", O_RDONLY);
  R(enforce(set));
  int fd = open("/dev/null", O_RDONLY), file = open("dir/file", O_RDONLY);
  R(ioctl(before, TCGETS, &n));
  R(ioctl(fd, TCGETS, &n));
  R(ioctl(fd, 0x12345, &n));
  R(ioctl(fd, FIONREAD, &n));
  R(ioctl(fd, FIOCLEX));
  R(ioctl(fd, FIONCLEX));
  n = 1;
  R(ioctl(fd, FIONBIO, &n));
  R(ioctl(file, FIONREAD, &n));
  R(ioctl(file, TCGETS, &n));
}
static void ports(void) {
  int set = (int)create(0, 3, 0);
  port(set, 1, 5001), port(set, 2, 5002), port(set, 3, 5003);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(5002), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  bind(listener, (void *)&a, sizeof a), listen(listener, 5);
  R(enforce(set));
  for (int p = 5001; p <= 5004; p++) {
    char what[32];
    a.sin_port = htons((uint16_t)p);
    snprintf(what, sizeof what, "bind %d", p);
    ret(what, bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
    snprintf(what, sizeof what, "connect %d", p);
    int s = socket(AF_INET, SOCK_STREAM, 0), r = connect(s, (void *)&a, sizeof a);
    show(what, "%s", r == 0 ? "ok" : errno == ECONNREFUSED ? "refused" : errname(errno));
  }
  a.sin_port = 0;
  R(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
  R(listen(socket(AF_INET, SOCK_STREAM, 0), 1));
  a.sin_port = htons(5004);
  R(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&a, sizeof a));
  int tcp = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
  R(bind(tcp, (void *)&a, 1));
  R(bind(tcp, (void *)&a, 8));
  R(bind(tcp, (void *)&a, 15));
  struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_port = htons(5004), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  R(bind(six, (void *)&b, sizeof b));
  R(bind(six, (void *)&b, 20));
  R(bind(tcp, (void *)&b, sizeof b));
  b.sin6_port = htons(5001);
  R(bind(six, (void *)&b, sizeof b));
  a.sin_family = AF_UNSPEC;
  show("bind AF_UNSPEC", "%s", bind(tcp, (void *)&a, sizeof a) ? errno == EAFNOSUPPORT ? "EAFNOSUPPORT" : errname(errno) : "ok");
  a.sin_addr.s_addr = 0;
  R(bind(tcp, (void *)&a, sizeof a));
  R(connect(tcp, (void *)&a, sizeof a));
}
static int abstract(int type, const char *name, int listens) {
  struct sockaddr_un a = {AF_UNIX, ""};
  strcpy(a.sun_path + 1, name);
  socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
  int s = socket(AF_UNIX, type, 0);
  if (!listens) return connect(s, (void *)&a, n);
  bind(s, (void *)&a, n);
  listen(s, 5);
  return s;
}
static void scopes(void) {
  abstract(SOCK_STREAM, "outside", 1), abstract(SOCK_DGRAM, "datagrams", 1);
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  R(enforce((int)create(0, 0, 3)));
  R(abstract(SOCK_STREAM, "outside", 0));
  R(abstract(SOCK_DGRAM, "datagrams", 0));
  abstract(SOCK_STREAM, "inside", 1);
  R(abstract(SOCK_STREAM, "inside", 0));
  R((int)write(pair[0], "x", 1));
  R(kill(getppid(), 0));
  R(kill(getppid(), SIGCONT));
  R(kill(getpid(), 0));
  R(raise(SIGCONT));
  pid_t c = fork();
  if (c == 0) {
    R(kill(getppid(), 0));
    R(abstract(SOCK_STREAM, "inside", 0));
    R(enforce((int)create(0, 0, 3)));
    R(kill(getppid(), 0));
    R(abstract(SOCK_STREAM, "inside", 0));
    pause();
    _exit(0);
  }
  msleep(50);
  R(kill(c, 0));
  R(kill(c, SIGKILL));
  waitpid(c, 0, 0);
}
static void tracing(void) {
  pid_t parent = getpid(), c = fork();
  char path[64], link[16];
  if (c == 0) {
    R(enforce((int)create(MAKE_DIR, 0, 0)));
    R(ptrace(PTRACE_ATTACH, parent, 0, 0));
    snprintf(path, sizeof path, "/proc/%d/exe", parent);
    can("/proc/self/environ", O_RDONLY);
    show("its program", "%s", readlink(path, link, 9) < 0 ? errname(errno) : "ok");
    pid_t d = fork();
    if (d == 0) {
      R(ptrace(PTRACE_TRACEME, 0, 0, 0));
      fflush(stdout);
      raise(SIGSTOP);
      _exit(0);
    }
    waitpid(d, 0, WUNTRACED);
    kill(d, SIGKILL);
    _exit(0);
  }
  waitpid(c, 0, 0);
}
static void mounting(void) {
  unshare(CLONE_NEWNS);
  mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
  mount("x", "other", "tmpfs", 0, 0);
  mkdir("other/in", 0755);
  put("other/in/file", "x");
  int net = (int)create(0, 1, 0);
  R(enforce(net));
  R(mount("x", "dir", "tmpfs", 0, 0));
  R(umount("dir"));
  int set = (int)create(READ, 0, 0);
  beneath(set, READ, "dir/sub");
  beneath(set, READ, "other/in");
  R(enforce(set));
  can("other/in/file", O_RDONLY);
  can("dir/sub/file", O_RDONLY);
  can("dir/file", O_RDONLY);
  R(mount("x", "dir", "tmpfs", 0, 0));
  R(mount(0, "other", 0, MS_REMOUNT | MS_RDONLY, 0));
  R(mount("dir", "other/in", 0, MS_BIND, 0));
  R(umount("other"));
  R(chroot("dir"));
}
static void *thread(void *unused) {
  (void)unused;
  return (void *)enforce((int)create(READ, 0, 0));
}
static void layers(void) {
  int set = (int)create(READ | WRITE, 0, 0);
  beneath(set, READ | WRITE, "dir");
  R(enforce(set));
  can("dir/file", O_RDWR);
  set = (int)create(READ, 0, 0);
  beneath(set, READ, "dir/sub"), beneath(set, READ, "other");
  R(enforce(set));
  can("dir/file", O_RDONLY);
  can("dir/file", O_WRONLY);
  can("dir/sub/file", O_RDWR);
  can("other/file", O_RDONLY);
  fflush(stdout);
  if (fork() == 0) {
    can("other/file", O_RDONLY);
    can("dir/sub/file", O_RDONLY);
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  // A rule that is added later counts for those who come later.
  set = (int)create(WRITE, 0, 0);
  beneath(set, WRITE, "dir/sub");
  R(syscall(446, set, 0));
  R(beneath(set, WRITE, "dir"));
  can("dir/file", O_WRONLY);
  pthread_t t;
  void *r;
  pthread_create(&t, 0, thread, 0), pthread_join(t, &r);
  show("of a thread", "%ld", (long)r);
  can("dir/sub/file", O_RDONLY);
}

static void tree(void) {
  mkdir("dir", 0755), mkdir("dir/sub", 0755), mkdir("other", 0755);
  put("dir/file", "text"), put("dir/sub/file", "text"), put("other/file", "text");
  symlink("file", "dir/link"), symlink("../other/file", "dir/away");
}
int main(void) {
  scratch();
  static const struct { const char *name; void (*f)(void); } parts[] = {{"arguments", arguments}, {"reading", reading}, {"executing", executing},
    {"making", making}, {"moving", moving}, {"without the right to move", unmoving}, {"truncating", truncating}, {"devices", devices},
    {"ports", ports}, {"scopes", scopes}, {"tracing", tracing}, {"mounting", mounting}, {"layers", layers}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    char name[16];
    snprintf(name, sizeof name, "%zu", i);
    mkdir(name, 0755), chdir(name);
    tree();
    run(parts[i].name, parts[i].f);
    chdir("..");
  }
  scratch_remove();
  return 0;
}
