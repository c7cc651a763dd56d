// Sockets of the AF_UNIX family: pairs, names, connections, datagrams, and what goes along with messages.
#include "t.h"
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int pipes;
static void onpipe(int s) { (void)s; pipes++; }

static socklen_t name(struct sockaddr_un *a, const char *path) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  if (path[0] == '@') {
    memcpy(a->sun_path + 1, path + 1, strlen(path) - 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  }
  strcpy(a->sun_path, path);
  return sizeof *a;
}

static int events(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&p, 1, 0);
  return p.revents;
}

static void text(const char *what, int fd, size_t n, int flags) {
  char buf[256];
  ssize_t got = recv(fd, buf, n, flags);
  if (got < 0) ret(what, got);
  else show(what, "%d '%.*s'", (int)got, (int)got, buf);
}

static long opt(int fd, int o) {
  int v = -1;
  socklen_t l = sizeof v;
  return getsockopt(fd, SOL_SOCKET, o, &v, &l) ? -errno : v;
}

static void pairs(void) {
  int s[2];
  ret("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  struct stat st;
  fstat(s[0], &st);
  show("mode", "%o", st.st_mode);
  show("type and family", "%ld %ld %ld", opt(s[0], SO_TYPE), opt(s[0], SO_DOMAIN), opt(s[0], SO_PROTOCOL));
  show("poll of a new one", "%x", events(s[0]));
  ret("write", write(s[0], "hello ", 6));
  ret("send", send(s[0], "world", 5, 0));
  int n = 0;
  ioctl(s[1], FIONREAD, &n);
  show("FIONREAD", "%d", n);
  text("peek", s[1], 8, MSG_PEEK);
  text("a stream has no borders", s[1], 100, 0);
  text("nothing more", s[1], 100, MSG_DONTWAIT);
  write(s[0], "abcdef", 6);
  text("a part", s[1], 2, 0);
  text("the rest", s[1], 20, 0);
  ret("lseek", lseek(s[0], 0, SEEK_SET));
  struct ucred c;
  socklen_t l = sizeof c;
  ret("SO_PEERCRED", getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &c, &l));
  show("peer", "%d %d %d", c.pid == getpid(), c.uid, c.gid);
  struct sockaddr_un a;
  l = sizeof a;
  ret("getsockname", getsockname(s[0], (void *)&a, &l));
  show("no name", "%d family %d", (int)l, a.sun_family);
  ret("shutdown for writing", shutdown(s[0], SHUT_WR));
  show("poll of the other", "%x", events(s[1]));
  text("end of file", s[1], 10, 0);
  ret("write after it", send(s[0], "x", 1, MSG_NOSIGNAL));
  ret("the other way works", write(s[1], "y", 1));
  text("read", s[0], 10, 0);
  ret("bad shutdown", shutdown(s[0], 7));
  close(s[1]);
  show("poll after close", "%x", events(s[0]));
  text("end", s[0], 10, 0);
  signal(SIGPIPE, onpipe);
  ret("write to nobody", write(s[0], "x", 1));
  show("SIGPIPE", "%d", pipes);
  ret("without a signal", send(s[0], "x", 1, MSG_NOSIGNAL));
  show("still", "%d", pipes);
  close(s[0]);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  write(s[1], "unread", 6);
  close(s[0]);
  text("the peer left something unread", s[1], 10, 0);
  text("and then", s[1], 10, 0);
  close(s[1]);
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s);
  show("flags", "%x %x", fcntl(s[0], F_GETFL), fcntl(s[0], F_GETFD));
  write(s[0], "one", 3);
  write(s[0], "", 0);
  write(s[0], "three", 5);
  text("message", s[1], 100, 0);
  text("empty message", s[1], 100, 0);
  text("cut", s[1], 2, MSG_TRUNC);
  text("no more", s[1], 100, 0);
  close(s[0]);
  close(s[1]);
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
  write(s[0], "a", 1);
  write(s[0], "bc", 2);
  text("packet", s[1], 10, 0);
  text("packet", s[1], 10, 0);
  close(s[0]);
  text("end", s[1], 10, 0);
  close(s[1]);
}

static void errors(void) {
  struct sockaddr_un a;
  socklen_t l = name(&a, "sock");
  ret("no such family", socket(45, SOCK_STREAM, 0));
  ret("family too large", socket(99, SOCK_STREAM, 0));
  ret("no such type", socket(AF_UNIX, 4, 0));
  ret("type too large", socket(AF_UNIX, 11, 0));
  ret("bad protocol", socket(AF_UNIX, SOCK_STREAM, 5));
  ret("bad flags", socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
  ret("not a socket", bind(0, (void *)&a, l));
  ret("bad descriptor", listen(99, 1));
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  ret("connect to nothing", connect(s, (void *)&a, l));
  close(open("plain", O_CREAT | O_WRONLY, 0644));
  struct sockaddr_un p;
  name(&p, "plain");
  ret("connect to a file", connect(s, (void *)&p, sizeof p));
  ret("bind to a name that is there", bind(s, (void *)&p, sizeof p));
  name(&p, "nodir/x");
  ret("bind below nothing", bind(s, (void *)&p, sizeof p));
  ret("address too short", bind(s, (void *)&a, 1));
  ret("address too long", bind(s, (void *)&a, 111));
  ret("address far too long", bind(s, (void *)&a, 200));
  a.sun_family = AF_INET;
  ret("other family", bind(s, (void *)&a, l));
  ret("bad pointer", bind(s, (void *)8, l));
  ret("listen without a name", listen(s, 1));
  ret("accept without listen", accept(s, 0, 0));
  ret("recv unconnected", recv(s, &a, 1, 0));
  ret("send unconnected", send(s, &a, 1, MSG_NOSIGNAL));
  ret("getpeername unconnected", getpeername(s, (void *)&a, &l));
  ret("poll unconnected", events(s));
  ret("no such option", opt(s, 999) < 0 ? -1 : 0);
  show("accepts", "%ld", opt(s, SO_ACCEPTCONN));
  int size = 10000;
  ret("SO_SNDBUF", setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  show("doubled", "%ld", opt(s, SO_SNDBUF));
  size = 1;
  setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  show("least", "%ld", opt(s, SO_SNDBUF));
  ret("option too short", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &size, 1));
  close(s);
}

static void streams(const char *where) {
  show("stream at", "%s", where);
  struct sockaddr_un a, b;
  socklen_t l = name(&a, where), m = sizeof b;
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  ret("bind", bind(s, (void *)&a, l));
  ret("twice", bind(s, (void *)&a, l));
  int t = socket(AF_UNIX, SOCK_STREAM, 0);
  ret("taken", bind(t, (void *)&a, l));
  ret("not listening yet", connect(t, (void *)&a, l));
  ret("listen", listen(s, 1));
  show("listens", "%ld", opt(s, SO_ACCEPTCONN));
  fcntl(s, F_SETFL, O_NONBLOCK);
  ret("nobody there", accept(s, 0, 0));
  fcntl(s, F_SETFL, 0);
  ret("connect", connect(t, (void *)&a, l));
  ret("again", connect(t, (void *)&a, l));
  ret("send before accept", write(t, "early", 5));
  show("poll of the listener", "%x", events(s));
  int c = accept4(s, (void *)&b, &m, SOCK_CLOEXEC);
  show("accepted", "%s, address of %d", c >= 0 ? "yes" : "no", (int)m);
  m = sizeof b;
  getpeername(t, (void *)&b, &m);
  show("peer's name", "%d %s", (int)m, where[0] == '@' ? b.sun_path + 1 : b.sun_path);
  m = 4;
  ret("a short buffer", getpeername(t, (void *)&b, &m));
  show("tells", "%d", (int)m);
  text("read", c, 10, 0);
  pid_t pid = fork();
  if (pid == 0) {
    char big[1000];
    memset(big, 'x', sizeof big);
    for (int i = 0; i < 1000; i++)
      if (write(t, big, sizeof big) != sizeof big) _exit(1);
    _exit(0);
  }
  close(t);
  long total = 0;
  char buf[4096];
  for (ssize_t n; (n = read(c, buf, sizeof buf)) > 0;) total += n;
  int status;
  waitpid(pid, &status, 0);
  show("a million bytes", "%ld, writer %d", total, status);
  close(c);
  int wrong = socket(AF_UNIX, SOCK_DGRAM, 0);
  ret("the wrong type", connect(wrong, (void *)&a, l));
  close(wrong);
  t = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(t, (void *)&a, l);
  close(s);
  text("the listener is gone", t, 10, 0);
  text("then", t, 10, 0);
  close(t);
  t = socket(AF_UNIX, SOCK_STREAM, 0);
  ret("connect to its name", connect(t, (void *)&a, l));
  close(t);
}

static void datagrams(void) {
  struct sockaddr_un a, b;
  socklen_t l = name(&a, "dgram"), m;
  int r = socket(AF_UNIX, SOCK_DGRAM, 0), s = socket(AF_UNIX, SOCK_DGRAM, 0);
  ret("bind", bind(r, (void *)&a, l));
  struct stat st;
  stat("dgram", &st);
  show("its mode", "%o", st.st_mode);
  ret("open it", open("dgram", O_RDWR));
  ret("sendto", sendto(s, "hi", 2, 0, (void *)&a, l));
  char buf[64];
  m = sizeof b;
  ret("recvfrom", recvfrom(r, buf, sizeof buf, 0, (void *)&b, &m));
  show("from nobody", "%d", (int)m);
  ret("autobind", bind(s, (void *)&a, 2));
  m = sizeof b;
  getsockname(s, (void *)&b, &m);
  show("its name", "%d, %s", (int)m, b.sun_path[0] == 0 && strspn(b.sun_path + 1, "0123456789abcdef") >= 5 ? "five digits" : "?");
  ret("connect", connect(s, (void *)&a, l));
  ret("send", send(s, "datagram", 8, 0));
  m = sizeof b;
  ret("recvfrom", recvfrom(r, buf, 4, MSG_TRUNC, (void *)&b, &m));
  show("from", "%d", (int)m);
  ret("reply", sendto(r, "re", 2, 0, (void *)&b, m));
  text("reply", s, 10, 0);
  fcntl(s, F_SETFL, O_NONBLOCK);
  int n = 0;
  while (send(s, "x", 1, 0) == 1) n++;
  show("fills up", "%d %s", n, errno == EAGAIN ? "EAGAIN" : "?");
  show("poll", "%x", events(s));
  text("room", r, 1, 0);
  show("poll", "%x", events(s));
  char *large = calloc(1, 300000);
  ret("too large", send(s, large, 300000, 0));
  close(r);
  ret("nobody listens", send(s, "x", 1, 0));
  ret("and the peer is forgotten", send(s, "x", 1, 0));
  ret("nor by name", sendto(s, "x", 1, 0, (void *)&a, l));
  close(s);
  unlink("dgram");
}

static void ancillary(void) {
  int s[2], p[2], one = 1;
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  pipe(p);
  union { char bytes[CMSG_SPACE(64)]; struct cmsghdr h; } u;
  char c = 'f';
  struct iovec v = {&c, 1};
  struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = u.bytes, .msg_controllen = CMSG_SPACE(8)};
  struct cmsghdr *m = CMSG_FIRSTHDR(&h);
  m->cmsg_level = SOL_SOCKET;
  m->cmsg_type = SCM_RIGHTS;
  m->cmsg_len = CMSG_LEN(8);
  memcpy(CMSG_DATA(m), p, 8);
  ret("send descriptors", sendmsg(s[0], &h, 0));
  close(p[0]);
  close(p[1]);
  memset(&u, 0, sizeof u);
  h.msg_controllen = sizeof u;
  ret("receive", recvmsg(s[1], &h, MSG_CMSG_CLOEXEC));
  m = CMSG_FIRSTHDR(&h);
  show("control", "len %d level %d type %d flags %x", (int)m->cmsg_len, m->cmsg_level, m->cmsg_type, h.msg_flags);
  int q[2];
  memcpy(q, CMSG_DATA(m), 8);
  ret("through the pipe", write(q[1], "pipe", 4));
  char buf[8];
  ret("and back", read(q[0], buf, 8));
  show("close on exec", "%d", fcntl(q[0], F_GETFD));
  h.msg_controllen = CMSG_SPACE(4);
  m->cmsg_len = CMSG_LEN(4);
  ((int *)CMSG_DATA(m))[0] = 99;
  ret("a closed one", sendmsg(s[0], &h, 0));
  ((int *)CMSG_DATA(m))[0] = q[0];
  ret("again", sendmsg(s[0], &h, 0));
  h.msg_control = 0;
  h.msg_controllen = 0;
  ret("no room for it", recvmsg(s[1], &h, 0));
  show("flags", "%x", h.msg_flags);
  ret("SO_PASSCRED", setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
  write(s[0], "w", 1);
  h.msg_control = u.bytes;
  h.msg_controllen = sizeof u;
  recvmsg(s[1], &h, 0);
  m = CMSG_FIRSTHDR(&h);
  struct ucred *cred = (void *)CMSG_DATA(m);
  show("credentials", "type %d len %d: %d %d %d", m->cmsg_type, (int)m->cmsg_len, cred->pid == getpid(), cred->uid, cred->gid);
  close(s[0]);
  h.msg_controllen = sizeof u;
  ret("end", recvmsg(s[1], &h, 0));
  close(s[1]);
}

static void waiting(void) {
  int s[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  struct timeval t = {0, 30000};
  ret("SO_RCVTIMEO", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  text("times out", s[0], 1, 0);
  pid_t pid = fork();
  if (pid == 0) {
    usleep(20000);
    write(s[1], "ab", 2);
    usleep(20000);
    write(s[1], "cd", 2);
    _exit(0);
  }
  t.tv_usec = 0;
  setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  text("MSG_WAITALL", s[0], 4, MSG_WAITALL);
  waitpid(pid, 0, 0);
  fcntl(s[0], F_SETFL, O_NONBLOCK);
  char *large = calloc(1, 1 << 20);
  ssize_t n = write(s[0], large, 1 << 20);
  show("a full stream", "%s", n > 50000 && n < 1 << 20 ? "takes a part" : "?");
  ret("and then nothing", write(s[0], large, 1));
  show("poll", "%x", events(s[0]));
}

int main(void) {
  scratch();
  pairs();
  errors();
  streams("sock");
  streams("@abstract");
  datagrams();
  ancillary();
  waiting();
  scratch_remove();
  return 0;
}
