// seccomp_unotify(2): SECCOMP_RET_USER_NOTIF, listeners, what they hand out, what may be answered, descriptors that they give,
// signals meanwhile, who is gone. Not checked: PID namespaces between listener and filter.
#include "t.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

struct insn { uint16_t code; uint8_t jt, jf; uint32_t k; };
struct prog { unsigned short len; struct insn *filter; };
struct data { int nr; uint32_t arch; uint64_t ip, args[6]; };
struct notif { uint64_t id; uint32_t pid, flags; struct data data; };
struct resp { uint64_t id; int64_t val; int32_t error; uint32_t flags; };
struct addfd { uint64_t id; uint32_t flags, srcfd, newfd, newfd_flags; };
#define RECV _IOWR('!', 0, struct notif)
#define SEND _IOWR('!', 1, struct resp)
#define ID_VALID _IOW('!', 2, uint64_t)
#define ID_VALID_OLD _IOR('!', 2, uint64_t)
#define ADDFD _IOW('!', 3, struct addfd)
#define SET_FLAGS _IOW('!', 4, uint64_t)
enum { TSYNC = 1, LISTENER = 8, TSYNC_ESRCH = 16, KILLABLE = 32 };
#define NOTIF 0x7fc00000
#define ERRNO 0x50000
#define TRACE 0x7ff00000
#define ALLOW 0x7fff0000

static long filter(int nr, uint32_t what, int flags) {
  struct insn f[] = {{0x20, 0, 0, 0}, {0x15, 0, 1, (uint32_t)nr}, {6, 0, 0, what}, {6, 0, 0, ALLOW}};
  struct prog p = {4, f};
  return syscall(SYS_seccomp, 1, flags, &p);
}
static int listener;
static pid_t asking;
static int events(void) {
  struct pollfd p = {listener, POLLIN | POLLOUT, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static struct notif receive(void) {
  struct notif n;
  memset(&n, 0, sizeof n);
  if (ioctl(listener, RECV, &n)) show("receive", "-1 %s", errname(errno));
  return n;
}
static long answer(uint64_t id, int64_t val, int error, uint32_t flags) {
  struct resp r = {id, val, error, flags};
  return ioctl(listener, SEND, &r);
}
// A child that makes the calls of `f` under a filter for getppid; the listener is its own until it sends it.
static pid_t child(void (*f)(void), uint32_t what, int flags) {
  int s[2];
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
  fflush(stdout);
  pid_t pid = fork();
  char control[CMSG_SPACE(sizeof(int))], byte = 0;
  memset(control, 0, sizeof control);
  struct iovec v = {&byte, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (pid == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int l = (int)filter(SYS_getppid, what, LISTENER | flags);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof l);
    memcpy(CMSG_DATA(c), &l, sizeof l);
    sendmsg(s[0], &m, 0);
    close(l), close(s[0]), close(s[1]);
    f();
    fflush(stdout);
    _exit(0);
  }
  asking = pid;
  recvmsg(s[1], &m, 0);
  memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof listener);
  close(s[0]), close(s[1]);
  return pid;
}
// What the child prints comes after what is printed here, and before it asks again.
static void reply(uint64_t id, int64_t val, int error, uint32_t flags) {
  if (val == asking) show("answer", "its own number");
  else show("answer", "%lld %d %u", (long long)val, error, flags);
  if (answer(id, val, error, flags)) show("the answer", "-1 %s", errname(errno));
}
static void reap(pid_t pid) {
  int s;
  waitpid(pid, &s, 0);
  status("the child", s);
}

static void setups(void) {
  R(filter(SYS_getppid, NOTIF, LISTENER | TSYNC));
  R(filter(SYS_getppid, NOTIF, KILLABLE));
  R(filter(SYS_getppid, NOTIF, 64));
  uint16_t sizes[3] = {0};
  R(syscall(SYS_seccomp, 3, 0, sizes));
  show("sizes", "%d %d %d", sizes[0], sizes[1], sizes[2]);
  R(syscall(SYS_seccomp, 3, 1, sizes));
  R(syscall(SYS_seccomp, 3, 0, 0));
  uint32_t action = NOTIF;
  R(syscall(SYS_seccomp, 2, 0, &action));
  listener = (int)filter(SYS_getppid, NOTIF, LISTENER | TSYNC | TSYNC_ESRCH);
  yes("a listener", listener >= 0);
  show("its flags", "%x %d", fcntl(listener, F_GETFL), fcntl(listener, F_GETFD));
  char link[64] = "", path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", listener);
  readlink(path, link, sizeof link - 1);
  show("its name", "%s", link);
  char byte;
  R(read(listener, &byte, 1));
  R(write(listener, "", 1));
  R(lseek(listener, 0, SEEK_CUR));
  R(ioctl(listener, _IO('!', 9), 0));
  R(ioctl(listener, FIONREAD, &byte));
  R(ioctl(listener, RECV, 0));
  struct notif n;
  memset(&n, 1, sizeof n);
  R(ioctl(listener, RECV, &n));
  uint64_t id = 5;
  R(ioctl(listener, ID_VALID, &id));
  R(ioctl(listener, ID_VALID_OLD, &id));
  R(ioctl(listener, ID_VALID, 0));
  R(answer(5, 0, 0, 0));
  R(answer(5, 0, 0, 2));
  R(answer(5, 1, 0, 1));
  R(answer(5, 0, 1, 1));
  R(answer(5, 0, 0, 1));
  R(ioctl(listener, SEND, 0));
  R(ioctl(listener, SET_FLAGS, 0));
  R(ioctl(listener, SET_FLAGS, 1));
  R(ioctl(listener, SET_FLAGS, 2));
  struct addfd a = {5, 0, 0, 0, 0};
  R(ioctl(listener, ADDFD, &a));
  a.flags = 4;
  R(ioctl(listener, ADDFD, &a));
  a.flags = 0, a.newfd = 9;
  R(ioctl(listener, ADDFD, &a));
  a.newfd = 0, a.newfd_flags = O_NONBLOCK;
  R(ioctl(listener, ADDFD, &a));
  a.newfd_flags = O_CLOEXEC, a.srcfd = 99;
  R(ioctl(listener, ADDFD, &a));
  R(ioctl(listener, _IOC(_IOC_WRITE, '!', 3, 16), &a));
  R(ioctl(listener, _IOC(_IOC_WRITE, '!', 3, 4096), &a));
  struct { struct addfd a; uint64_t more; } larger = {{5, 0, 0, 0, 0}, 1};
  R(ioctl(listener, _IOC(_IOC_WRITE, '!', 3, 32), &larger));
  larger.more = 0;
  R(ioctl(listener, _IOC(_IOC_WRITE, '!', 3, 32), &larger));
  show("events", "%x", events());
  R(filter(SYS_getpgrp, NOTIF, LISTENER));
  R(filter(SYS_getpgrp, ERRNO | 7, 0));
  show("another filter", "%ld %d", syscall(SYS_getpgrp), errno);
  close(listener);
  R(syscall(SYS_getppid));
  listener = (int)filter(SYS_getsid, NOTIF, LISTENER);
  yes("a new listener once the old one is closed", listener >= 0);
  R(syscall(SYS_getppid));
}

static void calls(void) {
  for (int i = 0; i < 6; i++) {
    errno = 0;
    long r = syscall(SYS_getppid, 11, 22, 33, 44, 55, -66L);
    if (r == getpid()) show("its own", "yes");
    else show("the call", "%ld %s", r, errno ? errname(errno) : "");
  }
  R(syscall(SYS_getppid) == syscall(SYS_getpid));
}
static void answers(void) {
  pid_t pid = child(calls, NOTIF, 0);
  struct notif n = receive();
  show("asked", "%s flags %d, call %d, arguments %lld %lld %lld %lld %lld %lld", n.pid == (uint32_t)pid ? "by the child" : "?", n.flags,
       n.data.nr == SYS_getppid, (long long)n.data.args[0], (long long)n.data.args[1], (long long)n.data.args[2],
       (long long)n.data.args[3], (long long)n.data.args[4], (long long)n.data.args[5]);
  show("events", "%x", events());
  R(ioctl(listener, ID_VALID, &n.id));
  R(ioctl(listener, ID_VALID_OLD, &n.id));
  R(answer(n.id + 1, 0, 0, 0));
  reply(n.id, 1234, 0, 0);
  uint64_t first = n.id;
  n = receive();
  yes("the next id", n.id == first + 1);
  R(ioctl(listener, ID_VALID, &first));
  R(answer(first, 0, 0, 0));
  reply(n.id, 0, -EXDEV, 0);
  n = receive();
  reply(n.id, -ESRCH, 0, 0);
  n = receive();
  reply(n.id, 5, 7, 0);
  n = receive();
  reply(n.id, -5000, 0, 0);
  n = receive();
  reply(n.id, pid, 0, 0);
  n = receive();
  reply(n.id, 0, 0, 1);
  reap(pid);
  show("events", "%x", events());
  memset(&n, 0, sizeof n);
  R(ioctl(listener, RECV, &n));
  close(listener);
}

static void ids(void) {
  struct pollfd p = {listener, POLLIN, 0};
  pid_t pid = child(calls, NOTIF, 0);
  p.fd = listener;
  R(poll(&p, 1, 5000));
  show("before", "%x", p.revents);
  close(listener);
  reap(pid);
}

static void gets(void) {
  char text[8] = "";
  close(7), close(8);
  int fd = (int)syscall(SYS_getppid);
  show("first", "%d", fd);
  struct stat st;
  for (int i = 7; i < 12; i++) {
    if (fstat(i, &st)) continue;
    show("there is", "%d %d", i, fcntl(i, F_GETFD));
    if (S_ISREG(st.st_mode)) {
      pread(i, text, 7, 0);
      show("with", "%s", text);
    }
  }
  R((int)syscall(SYS_getppid) >= 0);
  show("last", "%ld", syscall(SYS_getppid));
}
static void descriptors(void) {
  scratch();
  put("file", "content");
  int file = open("file", O_RDONLY);
  for (int i = 3; i < 12; i++)
    if (i != file) close(i);
  pid_t pid = child(gets, NOTIF, 0);
  struct notif n = receive();
  struct addfd a = {n.id, 1, (uint32_t)file, 10, O_CLOEXEC};
  R(ioctl(listener, ADDFD, &a));
  a.newfd = 7, a.newfd_flags = 0;
  R(ioctl(listener, ADDFD, &a));
  R(ioctl(listener, ADDFD, &a));
  a.newfd = 1 << 30;
  R(ioctl(listener, ADDFD, &a));
  a.srcfd = (uint32_t)open("file", O_PATH), a.newfd = 11;
  R(ioctl(listener, ADDFD, &a));
  close((int)a.srcfd), a.srcfd = (uint32_t)file;
  reply(n.id, 77, 0, 0);
  n = receive();
  a.id = n.id, a.flags = 2, a.newfd = 0;
  show("added and answered", "-");
  if (ioctl(listener, ADDFD, &a) < 0) show("added", "-1 %s", errname(errno));
  n = receive();
  a.id = n.id, a.flags = 3, a.newfd = 20;
  show("the same with a number", "-");
  if (ioctl(listener, ADDFD, &a) != 20) show("added", "-1 %s", errname(errno));
  reap(pid);
  close(listener);
  scratch_remove();
}

static volatile sig_atomic_t seen;
static void handler(int n) { seen = n; }
static void interrupted(void) {
  struct sigaction a = {0};
  a.sa_handler = handler;
  sigaction(SIGUSR1, &a, 0);
  ret("without SA_RESTART", syscall(SYS_getppid));
  a.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &a, 0);
  ret("with SA_RESTART", syscall(SYS_getppid));
  show("seen", "%s", signame(seen));
}
static void signals(int flags) {
  pid_t pid = child(interrupted, NOTIF, flags);
  struct notif n = receive();
  kill(pid, SIGUSR1);
  msleep(30);
  struct pollfd p = {listener, POLLIN, 0};
  if (flags == 0) {
    poll(&p, 1, 5000);
    show("interrupted: still valid", "%d", ioctl(listener, ID_VALID, &n.id) == 0);
    reply(n.id, 1, 0, 0);
    n = receive();
    kill(pid, SIGUSR1);
    msleep(30);
    poll(&p, 1, 5000);
    show("made anew: still valid", "%d", ioctl(listener, ID_VALID, &n.id) == 0);
    n = receive();
    reply(n.id, 42, 0, 0);
  } else {
    show("handed out: still valid", "%d", ioctl(listener, ID_VALID, &n.id) == 0);
    reply(n.id, 41, 0, 0);
    p.events = POLLIN;
    poll(&p, 1, 5000);
    kill(pid, SIGUSR1);
    msleep(30);
    n = receive();
    kill(pid, SIGUSR1);
    reply(n.id, 42, 0, 0);
  }
  n.id = 0;
  reap(pid);
  close(listener);
}
static void killed(int flags) {
  pid_t pid = child(interrupted, NOTIF, flags);
  struct notif n = receive();
  kill(pid, SIGKILL);
  reap(pid);
  show("of the dead", "%d, events %x", ioctl(listener, ID_VALID, &n.id), events());
  R(answer(n.id, 0, 0, 0));
  close(listener);
}
static void weigh(void) {
  filter(SYS_getppid, ERRNO | 9, 0);
  ret("an error counts more", syscall(SYS_getppid));
  filter(SYS_getsid, TRACE, 0);
  filter(SYS_getsid, NOTIF, 0);
  ret("whose own filter has no listener", syscall(SYS_getsid, 0));
  if (fork() == 0) {
    ret("inherited", syscall(SYS_getppid));
    _exit(0);
  }
  wait(0);
}
static void *asks(void *unused) {
  (void)unused;
  return (void *)syscall(SYS_getppid);
}
static void threads(void) {
  pthread_t t[4];
  long sum = 0;
  void *r;
  for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, asks, 0);
  for (int i = 0; i < 4; i++) pthread_join(t[i], &r), sum += (long)r;
  show("all answers", "%ld", sum);
}
int main(void) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int pid = fork();
  if (pid == 0) {
    setups();
    _exit(0);
  }
  reap(pid);
  answers();
  ids();
  descriptors();
  signals(0);
  signals(KILLABLE);
  killed(0);
  killed(KILLABLE);
  pid = child(weigh, NOTIF, 0);
  reap(pid);
  close(listener);
  pid = child(threads, NOTIF, 0);
  struct notif n[4];
  for (int i = 0; i < 4; i++) n[i] = receive();
  for (int i = 3; i >= 0; i--) answer(n[i].id, 1 << i, 0, 0);
  reap(pid);
  show("at the end", "%x", events());
  return 0;
}
