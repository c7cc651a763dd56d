// SIGIO: what O_ASYNC sends, and how often, for pipes, sockets and terminals; F_SETSIG, F_SETOWN, F_SETOWN_EX, F_GETOWNER_UIDS.
// Not checked: devices, sockets of a network outside, the end of terminals and of connections.
#include "t.h"
#include <netinet/in.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>
#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif
#ifndef F_SETOWN_EX
#define F_SETOWN_EX 15
#define F_GETOWN_EX 16
#endif
struct owner { int type; pid_t pid; };
static int rt;
// All signals that are waiting, as a list of what they say; the same signal is queued as often as it was sent.
static void drain(const char *what) {
  char text[400] = "";
  siginfo_t i;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, rt);
  sigaddset(&set, SIGIO);
  sigaddset(&set, SIGURG);
  struct timespec t = {0, 0};
  int n, count = 0;
  msleep(2);
  while ((n = sigtimedwait(&set, &i, &t)) > 0 && count++ < 12) {
    const char *reason = i.si_code == 1 ? "in" : i.si_code == 2 ? "out" : i.si_code == 3 ? "msg" : i.si_code == 4 ? "err"
                       : i.si_code == 5 ? "pri" : i.si_code == 6 ? "hup" : i.si_code == SI_KERNEL ? "kernel" : "?";
    if (n == rt) sprintf(text + strlen(text), " %s:%lx", reason, (long)i.si_band);
    else sprintf(text + strlen(text), " %s:%s", n == SIGIO ? "SIGIO" : "SIGURG", reason);
  }
  show(what, "%s", text);
}
static void arm(int fd) {
  fcntl(fd, F_SETOWN, getpid());
  fcntl(fd, F_SETSIG, rt);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}
static char buffer[1 << 20];
static void pipes(void) {
  int p[2];
  pipe(p);
  arm(p[0]);
  drain("pipe: nothing yet");
  write(p[1], "a", 1);
  drain("pipe: a byte");
  write(p[1], "b", 1);
  drain("pipe: another");
  read(p[0], buffer, 1);
  drain("pipe: read one");
  read(p[0], buffer, 1);
  drain("pipe: read all");
  write(p[1], buffer, 10000);
  drain("pipe: many");
  write(p[1], "", 0);
  drain("pipe: none");
  close(p[1]);
  drain("pipe: closed");
  close(p[0]);
  pipe(p);
  arm(p[1]);
  fcntl(p[1], F_SETFL, O_ASYNC | O_NONBLOCK);
  write(p[1], "a", 1);
  drain("pipe writer: its own write");
  while (write(p[1], buffer, 4096) > 0) {}
  drain("pipe writer: filled");
  read(p[0], buffer, 100);
  drain("pipe writer: read a little");
  read(p[0], buffer, 4096);
  drain("pipe writer: read a page");
  read(p[0], buffer, 4096);
  drain("pipe writer: read another");
  while (read(p[0], buffer, 65536) == 65536) {}
  drain("pipe writer: emptied");
  close(p[0]);
  drain("pipe writer: no reader");
  close(p[1]);
  pipe(p);
  int twin = dup(p[0]);
  arm(p[0]);
  write(p[1], "a", 1);
  drain("pipe: with a duplicate");
  close(p[0]);
  write(p[1], "a", 1);
  drain("pipe: the duplicate is left");
  fcntl(twin, F_SETFL, 0);
  write(p[1], "a", 1);
  drain("pipe: off");
  fcntl(twin, F_SETFL, O_ASYNC);
  fcntl(twin, F_SETSIG, 0);
  write(p[1], "a", 1);
  write(p[1], "a", 1);
  drain("pipe: no signal chosen");
  fcntl(twin, F_SETSIG, SIGIO);
  write(p[1], "a", 1);
  drain("pipe: SIGIO chosen");
  close(twin);
  close(p[1]);
}
static void sockets(int type, const char *name) {
  int s[2];
  show("sockets", "%s", name);
  socketpair(AF_UNIX, type, 0, s);
  arm(s[0]);
  write(s[1], "a", 1);
  drain("a byte");
  write(s[1], "b", 1);
  drain("another");
  read(s[0], buffer, 1);
  drain("read one");
  read(s[0], buffer, 1);
  drain("read all");
  write(s[0], "c", 1);
  drain("its own write");
  read(s[1], buffer, 1);
  drain("the other has read");
  shutdown(s[1], SHUT_WR);
  drain("the other shuts down");
  close(s[1]);
  drain("the other closes");
  close(s[0]);
}
static void quiet(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, rt);
  while (sigtimedwait(&set, 0, &(struct timespec){0, 50000000}) > 0) {}
}
static void tcp(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  int listener = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
  bind(listener, (void *)&a, size);
  listen(listener, 3);
  getsockname(listener, (void *)&a, &size);
  arm(listener);
  connect(c, (void *)&a, size);
  drain("tcp: a connection comes");
  int s = accept(listener, 0, 0);
  drain("tcp: accepted");
  arm(c);
  write(s, "a", 1);
  drain("tcp: a byte");
  write(s, "b", 1);
  drain("tcp: another");
  read(c, buffer, 2);
  drain("tcp: read");
  close(s);
  close(c);
  close(listener);
  // How often a connection's end is told depends on the time.
  quiet();
  int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0);
  a.sin_port = 0;
  bind(u, (void *)&a, size);
  getsockname(u, (void *)&a, &size);
  arm(u);
  sendto(v, "a", 1, 0, (void *)&a, size);
  drain("udp: a datagram");
  sendto(v, "b", 1, 0, (void *)&a, size);
  drain("udp: another");
  read(u, buffer, 9);
  drain("udp: read");
  close(u);
  close(v);
}
static void terminals(void) {
  int master, slave;
  openpty(&master, &slave, 0, 0, 0);
  struct termios t;
  tcgetattr(slave, &t);
  t.c_lflag &= ~ECHO;
  tcsetattr(slave, TCSANOW, &t);
  arm(slave);
  write(master, "a", 1);
  msleep(50);
  drain("tty: half a line");
  write(master, "\n", 1);
  msleep(50);
  drain("tty: a line");
  write(master, "b\n", 2);
  msleep(50);
  drain("tty: another");
  read(slave, buffer, 10);
  msleep(50);
  drain("tty: read one");
  write(slave, "x", 1);
  msleep(50);
  drain("tty: its own output");
  arm(master);
  msleep(50);
  drain("master: armed");
  write(slave, "y", 1);
  msleep(50);
  drain("master: output");
  close(slave);
  close(master);
  quiet();
}
static void others(void) {
  int e = eventfd(0, 0), t = timerfd_create(CLOCK_MONOTONIC, 0);
  R(fcntl(e, F_SETFL, O_ASYNC));
  show("flags", "%x", fcntl(e, F_GETFL) & O_ASYNC);
  R(ioctl(e, FIOASYNC, &(int){1}));
  R(fcntl(t, F_SETFL, O_ASYNC));
  int p[2];
  pipe(p);
  R(ioctl(p[0], FIOASYNC, &(int){1}));
  show("flags", "%x", fcntl(p[0], F_GETFL) & O_ASYNC ? 1 : 0);
  R(ioctl(p[0], FIOASYNC, &(int){0}));
  show("flags", "%x", fcntl(p[0], F_GETFL) & O_ASYNC ? 1 : 0);
  // Nobody is told until there is an owner.
  fcntl(p[0], F_SETFL, O_ASYNC);
  write(p[1], "a", 1);
  drain("without an owner");
  R(fcntl(p[0], F_GETOWN));
  R(fcntl(p[0], F_GETSIG));
  R(fcntl(p[0], F_SETSIG, 65));
  R(fcntl(p[0], F_SETSIG, -1));
  R(fcntl(p[0], F_SETSIG, 64));
  R(fcntl(p[0], F_GETSIG));
  R(fcntl(p[0], F_SETOWN, 0x7fffffff));
  R(fcntl(p[0], F_SETOWN, -0x7fffffff));
  R(fcntl(p[0], F_SETOWN, (int)0x80000000));
  struct owner o = {7, 0};
  R(fcntl(p[0], F_SETOWN_EX, &o));
  o = (struct owner){0, 0x7fffffff};
  R(fcntl(p[0], F_SETOWN_EX, &o));
  for (int type = 0; type < 3; type++) {
    o = (struct owner){type, type == 2 ? getpgrp() : getpid()};
    R(fcntl(p[0], F_SETOWN_EX, &o));
    struct owner found = {9, 9};
    R(fcntl(p[0], F_GETOWN_EX, &found));
    yes("the same", found.type == o.type && found.pid == o.pid);
    yes("as a number", fcntl(p[0], F_GETOWN) == (type == 2 ? -getpgrp() : getpid()));
    fcntl(p[0], F_SETSIG, rt);
    write(p[1], "a", 1);
    drain("the owner");
  }
  o = (struct owner){1, 0};
  R(fcntl(p[0], F_SETOWN_EX, &o));
  write(p[1], "a", 1);
  drain("nobody");
  R(fcntl(p[0], F_GETOWN));
  R(fcntl(p[0], F_SETOWN_EX, (void *)8));
  R(fcntl(p[0], F_GETOWN_EX, (void *)8));
  uid_t ids[2] = {5, 5};
  R(fcntl(p[0], 17, ids));
  show("ids", "%d %d", ids[0], ids[1]);
  // An owner that has ended.
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  R(fcntl(p[0], F_SETOWN, child));
  kill(child, SIGKILL);
  wait(0);
  write(p[1], "a", 1);
  drain("a dead owner");
  R(fcntl(p[0], F_GETOWN));
  close(p[0]);
  close(p[1]);
}

int main(void) {
  rt = SIGRTMIN + 3;
  setsid();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, rt);
  sigaddset(&set, SIGIO);
  sigaddset(&set, SIGURG);
  sigprocmask(SIG_BLOCK, &set, 0);
  pipes();
  sockets(SOCK_STREAM, "stream");
  sockets(SOCK_DGRAM, "datagram");
  sockets(SOCK_SEQPACKET, "packets");
  tcp();
  terminals();
  others();
  return 0;
}
