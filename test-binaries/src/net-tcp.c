// TCP over the loopback: names and ports, connections, their ends, errors, buffers, options. All addresses are 127.0.0.0/8 and ::1.
#include "t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

static int pipes;
static void onpipe(int s) { (void)s; pipes++; }

static const char *net(int e) {
  switch (e) {
#define E(x) case x: return #x;
    E(ECONNREFUSED) E(ECONNRESET) E(EADDRINUSE) E(EADDRNOTAVAIL) E(ENOTCONN) E(EISCONN) E(EINPROGRESS) E(EALREADY)
    E(EAFNOSUPPORT) E(EPROTONOSUPPORT) E(ENOPROTOOPT) E(EDESTADDRREQ) E(ENOTSOCK) E(ECONNABORTED) E(ESOCKTNOSUPPORT)
    E(EMSGSIZE) E(ENETUNREACH)
#undef E
  }
  return errname(e);
}
static long r(const char *what, long v) {
  if (v < 0) show(what, "-1 %s", net(errno));
  else show(what, "%ld", v);
  return v;
}

static struct sockaddr_in in4(const char *ip, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, ip, &a.sin_addr);
  return a;
}
static struct sockaddr_in6 in6(const char *ip, int port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  inet_pton(AF_INET6, ip, &a.sin6_addr);
  return a;
}
static int bind4(int fd, const char *ip, int port) {
  struct sockaddr_in a = in4(ip, port);
  return bind(fd, (void *)&a, sizeof a);
}
static int conn4(int fd, const char *ip, int port) {
  struct sockaddr_in a = in4(ip, port);
  return connect(fd, (void *)&a, sizeof a);
}
static int port(int fd) {
  struct sockaddr_in6 a;
  socklen_t n = sizeof a;
  if (getsockname(fd, (void *)&a, &n)) return -1;
  return ntohs(a.sin6_port);
}
static int tcp(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int listener(const char *ip, int backlog) {
  int fd = tcp();
  bind4(fd, ip, 0);
  listen(fd, backlog);
  return fd;
}
static void pair(int s[2]) {
  int l = listener("127.0.0.1", 4);
  s[0] = tcp();
  conn4(s[0], "127.0.0.1", port(l));
  s[1] = accept(l, 0, 0);
  close(l);
}
static int events(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static void text(const char *what, int fd, size_t n, int flags) {
  char buf[256];
  ssize_t got = recv(fd, buf, n, flags);
  if (got < 0) r(what, got);
  else show(what, "%d '%.*s'", (int)got, (int)got, buf);
}
static int getint(int fd, int level, int name) {
  int v = -1;
  socklen_t n = sizeof v;
  if (getsockopt(fd, level, name, &v, &n)) return -errno;
  return v;
}
static int setint(int fd, int level, int name, int v) { return setsockopt(fd, level, name, &v, sizeof v); }
static int state(int fd) {
  struct tcp_info i;
  socklen_t n = sizeof i;
  memset(&i, 0, sizeof i);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n)) return -1;
  return i.tcpi_state;
}
static void name4(const char *what, int fd, int peer, int with_port) {
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  int e = peer ? getpeername(fd, (void *)&a, &n) : getsockname(fd, (void *)&a, &n);
  if (e) r(what, e);
  else show(what, "%d %s:%d len %d", a.sin_family, inet_ntoa(a.sin_addr), with_port ? ntohs(a.sin_port) : ntohs(a.sin_port) != 0, (int)n);
}

static void creation(void) {
  r("domain", socket(99, SOCK_STREAM, 0));
  r("stream with udp's protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  r("seqpacket", socket(AF_INET, SOCK_SEQPACKET, 0));
  r("protocol out of range", socket(AF_INET, SOCK_STREAM, 300));
  r("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}));
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  show("flags", "%x %x", fcntl(s, F_GETFL) & (O_NONBLOCK | O_ACCMODE), fcntl(s, F_GETFD));
  show("poll of a new one", "%x", events(s));
  show("type domain protocol", "%d %d %d", getint(s, SOL_SOCKET, SO_TYPE), getint(s, SOL_SOCKET, SO_DOMAIN), getint(s, SOL_SOCKET, SO_PROTOCOL));
  show("buffers", "%d %d", getint(s, SOL_SOCKET, SO_SNDBUF), getint(s, SOL_SOCKET, SO_RCVBUF));
  show("state", "%d", state(s));
  name4("name of a new one", s, 0, 1);
  name4("peer of a new one", s, 1, 1);
  char c;
  r("read", read(s, &c, 1));
  r("recv", recv(s, &c, 1, 0));
  pipes = 0;
  r("write", write(s, "x", 1));
  show("SIGPIPE", "%d", pipes);
  r("send without signal", send(s, "x", 1, MSG_NOSIGNAL));
  show("SIGPIPE", "%d", pipes);
  r("shutdown", shutdown(s, SHUT_RDWR));
  r("shutdown 3", shutdown(s, 3));
  r("accept", accept(s, 0, 0));
  r("lseek", lseek(s, 0, SEEK_SET));
  r("listen on a file", listen(0, 1) == 0 ? 0 : errno == ENOTSOCK || errno == EINVAL || errno == EOPNOTSUPP ? 1 : -1);
  close(s);
  r("closed", listen(s, 1));
}

static void names(void) {
  int s = tcp();
  struct sockaddr_in a = in4("127.0.0.1", 0);
  r("bind short", bind(s, (void *)&a, 8));
  a.sin_family = AF_UNIX;
  r("bind family", bind(s, (void *)&a, sizeof a));
  a.sin_family = AF_UNSPEC;
  r("bind unspec", bind(s, (void *)&a, sizeof a));
  r("bind elsewhere", bind4(s, "203.0.113.7", 0));
  int m = tcp();
  r("bind multicast", bind4(m, "224.0.0.1", 0));
  close(m);
  r("bind", bind4(s, "127.1.2.3", 0));
  name4("name", s, 0, 0);
  r("bind again", bind4(s, "127.0.0.1", 0));
  int p = port(s);
  int t = tcp();
  r("same address and port", bind4(t, "127.1.2.3", p));
  r("wildcard and port", bind4(t, "0.0.0.0", p));
  r("another address", bind4(t, "127.1.2.4", p));
  close(t);
  t = tcp();
  setint(t, SOL_SOCKET, SO_REUSEADDR, 1);
  r("reuse by one", bind4(t, "127.1.2.3", p));
  setint(s, SOL_SOCKET, SO_REUSEADDR, 1);
  r("reuse by both", bind4(t, "127.1.2.3", p));
  r("listen", listen(s, 1));
  r("the other too", listen(t, 1));
  close(t);
  t = tcp();
  setint(t, SOL_SOCKET, SO_REUSEADDR, 1);
  r("reuse beside a listener", bind4(t, "127.1.2.3", p));
  close(t);
  close(s);
  s = tcp();
  t = tcp();
  setint(s, SOL_SOCKET, SO_REUSEPORT, 1);
  setint(t, SOL_SOCKET, SO_REUSEPORT, 1);
  r("reuseport", bind4(s, "127.0.0.1", 0));
  p = port(s);
  r("reuseport", bind4(t, "127.0.0.1", p));
  r("both listen", listen(s, 8) || listen(t, 8));
  int u = tcp();
  r("third without", bind4(u, "127.0.0.1", p));
  int reached = 0;
  for (int i = 0; i < 64; i++) {
    int c = tcp();
    conn4(c, "127.0.0.1", p);
    struct pollfd f[2] = {{s, POLLIN, 0}, {t, POLLIN, 0}};
    poll(f, 2, 1000);
    for (int k = 0; k < 2; k++)
      if (f[k].revents) {
        close(accept(f[k].fd, 0, 0));
        reached |= 1 << k;
      }
    close(c);
  }
  show("connections are spread", "%d", reached);
  close(s);
  close(t);
  close(u);
  s = tcp();
  r("listen without bind", listen(s, 1));
  yes("has a port", port(s) > 0);
  close(s);
}

static void connecting(void) {
  int l = tcp();
  bind4(l, "127.0.0.1", 0);
  int p = port(l);
  int c = tcp();
  r("nobody listens", conn4(c, "127.0.0.1", p));
  show("poll after refusal", "%x", events(c));
  show("SO_ERROR", "%d", getint(c, SOL_SOCKET, SO_ERROR));
  listen(l, 4);
  show("poll of a listener", "%x", events(l));
  show("listener's state", "%d", state(l));
  show("SO_ACCEPTCONN", "%d", getint(l, SOL_SOCKET, SO_ACCEPTCONN));
  r("once more", conn4(c, "127.0.0.1", p));
  show("poll of the listener", "%x", events(l));
  show("poll of the client", "%x", events(c));
  r("connect again", conn4(c, "127.0.0.1", p));
  r("listen when connected", listen(c, 1));
  r("bind when connected", bind4(c, "127.0.0.1", 0));
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  int s = accept(l, (void *)&a, &n);
  yes("accept tells the client's port", n == sizeof a && ntohs(a.sin_port) == port(c));
  show("client", "%s", inet_ntoa(a.sin_addr));
  yes("server's port is the listener's", port(s) == p);
  name4("server's peer", s, 1, 0);
  show("states", "%d %d", state(c), state(s));
  r("connect of a listener", conn4(l, "127.0.0.1", p));
  r("read from a listener", recv(l, &n, 1, MSG_DONTWAIT));
  r("getpeername of a listener", getpeername(l, (void *)&a, &n));
  close(s);
  close(c);

  c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  r("non-blocking", conn4(c, "127.0.0.1", p));
  show("poll", "%x", events(c));
  r("second connect", conn4(c, "127.0.0.1", p));
  r("third connect", conn4(c, "127.0.0.1", p));
  show("SO_ERROR", "%d", getint(c, SOL_SOCKET, SO_ERROR));
  close(c);
  close(accept(l, 0, 0));
  fcntl(l, F_SETFL, O_NONBLOCK);
  r("nothing to accept", accept(l, 0, 0));
  r("accept4 with unknown flags", accept4(l, 0, 0, 4));
  close(l);

  c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  r("non-blocking, refused", conn4(c, "127.0.0.1", p));
  show("poll", "%x", events(c));
  r("SO_ERROR", getint(c, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
  show("SO_ERROR again", "%d", getint(c, SOL_SOCKET, SO_ERROR));
  show("poll", "%x", events(c));
  r("connect afterwards", conn4(c, "127.0.0.1", p));
  close(c);
  c = tcp();
  r("family", connect(c, (void *)&(struct sockaddr){AF_UNIX, ""}, 16));
  r("short", connect(c, (void *)&(struct sockaddr){AF_INET, ""}, 8));
  r("unspec", connect(c, (void *)&(struct sockaddr){AF_UNSPEC, ""}, 16));
  close(c);

  l = listener("0.0.0.0", 4);
  c = tcp();
  r("to the wildcard address", conn4(c, "0.0.0.0", port(l)));
  name4("peer", c, 1, 0);
  name4("own", c, 0, 0);
  close(c);
  c = tcp();
  bind4(c, "127.9.9.9", 0);
  r("from another address", conn4(c, "127.8.8.8", port(l)));
  close(accept(l, 0, 0));
  n = sizeof a;
  s = accept(l, (void *)&a, &n);
  show("seen as", "%s", inet_ntoa(a.sin_addr));
  name4("at", s, 0, 0);
  r("disconnect", connect(c, (void *)&(struct sockaddr){AF_UNSPEC, ""}, 16));
  show("other side", "%x", events(s));
  r("other side reads", recv(s, &n, 1, 0));
  close(s);
  close(c);
  close(l);
}

static void data(void) {
  int s[2];
  pair(s);
  r("write", write(s[0], "hello ", 6));
  r("send", send(s[0], "world", 5, 0));
  int n = 0;
  ioctl(s[1], FIONREAD, &n);
  show("FIONREAD", "%d", n);
  text("peek", s[1], 8, MSG_PEEK);
  text("no borders", s[1], 100, 0);
  text("nothing", s[1], 100, MSG_DONTWAIT);
  write(s[0], "abcdef", 6);
  text("a part", s[1], 2, 0);
  text("thrown away", s[1], 2, MSG_TRUNC | MSG_DONTWAIT) ;
  text("the rest", s[1], 9, 0);
  r("zero bytes", send(s[0], "", 0, 0));
  text("are not there", s[1], 9, MSG_DONTWAIT);
  r("urgent, none there", recv(s[1], &n, 1, MSG_OOB));
  struct iovec v[3] = {{"one", 3}, {"", 0}, {"two", 3}};
  r("writev", writev(s[0], v, 3));
  char x[2], y[9];
  struct iovec w[2] = {{x, 2}, {y, 9}};
  long got = r("readv", readv(s[1], w, 2));
  show("into", "'%.2s' '%.*s'", x, (int)got - 2, y);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 4; i++) {
      msleep(15);
      write(s[0], "wait", 4);
    }
    _exit(0);
  }
  text("MSG_WAITALL", s[1], 16, MSG_WAITALL);
  waitpid(child, 0, 0);
  struct sockaddr_in a = in4("127.0.0.1", 9);
  r("sendto with an address", sendto(s[0], "to", 2, 0, (void *)&a, sizeof a));
  socklen_t len = sizeof a;
  memset(&a, 7, sizeof a);
  r("recvfrom", recvfrom(s[1], x, 2, 0, (void *)&a, &len));
  show("gives no address", "%d", (int)len);
  r("bad pointer", send(s[0], (void *)8, 4, 0));
  r("pread", pread(s[0], x, 1, 0));
  struct msghdr m = {.msg_iov = w, .msg_iovlen = 2};
  write(s[0], "message", 7);
  got = r("recvmsg", recvmsg(s[1], &m, 0));
  show("flags", "%x '%.2s' '%.*s'", m.msg_flags, x, (int)got - 2, y);
  struct mmsghdr mm[3];
  struct iovec iv[3] = {{"ab", 2}, {"cd", 2}, {"ef", 2}};
  memset(mm, 0, sizeof mm);
  for (int i = 0; i < 3; i++) mm[i].msg_hdr.msg_iov = &iv[i], mm[i].msg_hdr.msg_iovlen = 1;
  r("sendmmsg", sendmmsg(s[0], mm, 3, 0));
  text("together", s[1], 20, 0);
  scratch();
  put("f", "contents of a file");
  int f = open("f", O_RDONLY);
  off_t off = 9;
  r("sendfile", sendfile(s[0], f, &off, 100));
  text("arrives", s[1], 50, 0);
  setint(s[1], SOL_SOCKET, SO_RCVLOWAT, 4);
  write(s[0], "abc", 3);
  show("below the low mark", "%x", events(s[1]));
  text("but who does not wait gets it", s[1], 10, MSG_DONTWAIT);
  write(s[0], "efg", 3);
  write(s[0], "h", 1);
  show("at the low mark", "%x", events(s[1]));
  text("now", s[1], 10, 0);
  close(s[0]);
  close(s[1]);
}

static void ends(void) {
  int s[2];
  char c;
  pair(s);
  write(s[0], "last", 4);
  r("shutdown for writing", shutdown(s[0], SHUT_WR));
  show("own poll", "%x", events(s[0]));
  show("peer's poll", "%x", events(s[1]));
  pipes = 0;
  r("own write", write(s[0], "x", 1));
  show("SIGPIPE", "%d", pipes);
  text("peer reads", s[1], 9, 0);
  r("and the end", read(s[1], &c, 1));
  r("peer may write", write(s[1], "back", 4));
  text("half closed", s[0], 9, 0);
  close(s[1]);
  show("poll at the end", "%x", events(s[0]));
  r("end", read(s[0], &c, 1));
  show("state", "%d", state(s[0]));
  name4("no peer now", s[0], 1, 1);
  close(s[0]);

  pair(s);
  close(s[0]);
  show("peer closed", "%x", events(s[1]));
  show("state", "%d", state(s[1]));
  r("first write", write(s[1], "x", 1));
  msleep(5);
  show("then", "%x", events(s[1]));
  pipes = 0;
  r("second write", write(s[1], "x", 1));
  show("SIGPIPE", "%d", pipes);
  r("read", read(s[1], &c, 1));
  show("SO_ERROR", "%d", getint(s[1], SOL_SOCKET, SO_ERROR));
  close(s[1]);

  pair(s);
  write(s[1], "unread", 6);
  close(s[0]);
  show("closed with unread data", "%x", events(s[1]));
  r("read", read(s[1], &c, 1));
  r("read again", read(s[1], &c, 1));
  pipes = 0;
  r("write", write(s[1], "x", 1));
  show("SIGPIPE", "%d", pipes);
  close(s[1]);

  pair(s);
  struct linger no = {1, 0};
  setsockopt(s[0], SOL_SOCKET, SO_LINGER, &no, sizeof no);
  write(s[0], "data", 4);
  close(s[0]);
  show("lingers for nothing", "%x", events(s[1]));
  show("error", "%d", getint(s[1], SOL_SOCKET, SO_ERROR) == ECONNRESET);
  close(s[1]);

  pair(s);
  shutdown(s[0], SHUT_RD);
  show("shut for reading", "%x", events(s[0]));
  r("read", read(s[0], &c, 1));
  r("peer writes", write(s[1], "x", 1));
  text("which can be read", s[0], 9, 0);
  r("shut both", shutdown(s[0], SHUT_RDWR));
  show("poll", "%x", events(s[0]));
  show("peer", "%x", events(s[1]));
  r("twice", shutdown(s[0], SHUT_RDWR));
  r("peer shuts too", shutdown(s[1], SHUT_WR));
  show("states", "%d %d", state(s[0]), state(s[1]));
  r("and again", shutdown(s[0], SHUT_WR));
  close(s[0]);
  close(s[1]);

  int l = listener("127.0.0.1", 4);
  int k = tcp();
  conn4(k, "127.0.0.1", port(l));
  close(l);
  show("listener closed before accept", "%x", events(k));
  r("read", read(k, &c, 1));
  close(k);

  l = listener("127.0.0.1", 4);
  r("shutdown of a listener for writing", shutdown(l, SHUT_WR));
  show("state", "%d", state(l));
  r("for reading", shutdown(l, SHUT_RD));
  show("state", "%d", state(l));
  r("accept", accept(l, 0, 0));
  r("listen again", listen(l, 1));
  close(l);

  // Ports after the end: the side that closes first keeps it.
  l = listener("127.0.0.1", 4);
  int p = port(l);
  k = tcp();
  conn4(k, "127.0.0.1", p);
  int a = accept(l, 0, 0);
  close(a);
  close(k);
  close(l);
  l = tcp();
  r("server closed first: bind", bind4(l, "127.0.0.1", p));
  setint(l, SOL_SOCKET, SO_REUSEADDR, 1);
  r("with SO_REUSEADDR of one", bind4(l, "127.0.0.1", p));
  close(l);
  l = listener("127.0.0.1", 4);
  p = port(l);
  k = tcp();
  conn4(k, "127.0.0.1", p);
  a = accept(l, 0, 0);
  close(k);
  close(a);
  close(l);
  l = tcp();
  r("client closed first: bind", bind4(l, "127.0.0.1", p));
  close(l);
  l = tcp();
  setint(l, SOL_SOCKET, SO_REUSEADDR, 1);
  bind4(l, "127.0.0.1", 0);
  listen(l, 1);
  p = port(l);
  k = tcp();
  conn4(k, "127.0.0.1", p);
  a = accept(l, 0, 0);
  show("inherited", "%d", getint(a, SOL_SOCKET, SO_REUSEADDR));
  close(a);
  close(k);
  close(l);
  l = tcp();
  setint(l, SOL_SOCKET, SO_REUSEADDR, 1);
  r("server closed first, both reuse", bind4(l, "127.0.0.1", p));
  close(l);
}

static void backlog(void) {
  int l = listener("127.0.0.1", 1), p = port(l);
  int c[4];
  for (int i = 0; i < 3; i++) {
    c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    conn4(c[i], "127.0.0.1", p);
  }
  show("two fit", "%d %d %d", state(c[0]), state(c[1]), state(c[2]));
  show("polls", "%x %x %x", events(c[0]), events(c[1]), events(c[2]));
  r("second connect of the third", conn4(c[2], "127.0.0.1", p));
  r("shutdown while connecting", shutdown(c[2], SHUT_RDWR));
  show("state", "%d", state(c[2]));
  write(c[1], "early", 5);
  int a = accept(l, 0, 0), b = accept(l, 0, 0);
  text("data before accept", b, 9, 0);
  for (int i = 0; i < 3; i++) close(c[i]);
  close(a);
  close(b);
  close(l);
  l = listener("127.0.0.1", 4);
  int k = tcp();
  conn4(k, "127.0.0.1", port(l));
  struct linger no = {1, 0};
  setsockopt(k, SOL_SOCKET, SO_LINGER, &no, sizeof no);
  close(k);
  a = accept(l, 0, 0);
  yes("a connection that was reset is accepted", a > 0);
  r("and says so", recv(a, &k, 1, 0));
  close(a);
  close(l);
}

static void buffers(void) {
  int s[2];
  pair(s);
  fcntl(s[0], F_SETFL, O_NONBLOCK);
  static char block[65536];
  long total = 0, n;
  while ((n = write(s[0], block, sizeof block)) > 0) total += n;
  r("full", n);
  yes("took more than 100 KB and less than 16 MB", total > 100000 && total < 16 << 20);
  show("poll", "%x", events(s[0]));
  struct pollfd p = {s[0], POLLOUT, 0};
  r("wait for room", poll(&p, 1, 20));
  long read_total = 0;
  while (read_total < total) {
    n = read(s[1], block, sizeof block);
    if (n <= 0) break;
    read_total += n;
  }
  yes("all of it arrived", read_total == total);
  r("room again", poll(&p, 1, 1000));
  show("events", "%x", p.revents);
  close(s[0]);
  close(s[1]);

  int l = tcp();
  setint(l, SOL_SOCKET, SO_RCVBUF, 8192);
  bind4(l, "127.0.0.1", 0);
  listen(l, 1);
  int k = tcp();
  setint(k, SOL_SOCKET, SO_SNDBUF, 8192);
  show("sizes", "%d %d", getint(l, SOL_SOCKET, SO_RCVBUF), getint(k, SOL_SOCKET, SO_SNDBUF));
  conn4(k, "127.0.0.1", port(l));
  int a = accept(l, 0, 0);
  show("inherited", "%d", getint(a, SOL_SOCKET, SO_RCVBUF));
  struct timeval t = {0, 30000};
  setsockopt(k, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
  setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  r("read times out", read(a, block, 1));
  r("recv times out", recv(a, block, 1, 0));
  n = write(k, block, sizeof block);
  yes("write times out in the middle", n > 0 && n < (long)sizeof block);
  while (write(k, block, sizeof block) > 0) {}
  r("send times out", send(k, block, sizeof block, 0));
  pid_t child = fork();
  if (child == 0) {
    long got = 0;
    while ((n = read(a, block, 1000)) > 0) got += n;
    _exit(got > 0);
  }
  close(a);
  t.tv_usec = 0;
  setsockopt(k, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
  r("a slow reader makes the writer wait", write(k, block, sizeof block));
  close(k);
  int st;
  waitpid(child, &st, 0);
  status("reader", st);
  close(l);
}

static void flags(int fd, const char *what, int level, int name, int v) {
  char line[64];
  snprintf(line, sizeof line, "%s before", what);
  show(line, "%d", getint(fd, level, name));
  snprintf(line, sizeof line, "%s set", what);
  r(line, setint(fd, level, name, v));
  snprintf(line, sizeof line, "%s after", what);
  show(line, "%d", getint(fd, level, name));
}

static void options(void) {
  int s = tcp();
  flags(s, "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 5);
  flags(s, "TCP_CORK", IPPROTO_TCP, TCP_CORK, 1);
  flags(s, "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 100);
  flags(s, "TCP_KEEPIDLE 0", IPPROTO_TCP, TCP_KEEPIDLE, 0);
  flags(s, "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 32768);
  flags(s, "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 127);
  flags(s, "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 3);
  flags(s, "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 0);
  flags(s, "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
  flags(s, "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 10);
  flags(s, "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 7);
  flags(s, "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1);
  flags(s, "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1);
  flags(s, "SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1);
  flags(s, "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3);
  flags(s, "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 0);
  flags(s, "SO_SNDLOWAT", SOL_SOCKET, SO_SNDLOWAT, 5);
  flags(s, "IP_TOS", IPPROTO_IP, IP_TOS, 0x10);
  flags(s, "IP_TTL", IPPROTO_IP, IP_TTL, 10);
  flags(s, "IP_TTL 0", IPPROTO_IP, IP_TTL, 0);
  flags(s, "IP_TTL -1", IPPROTO_IP, IP_TTL, -1);
  flags(s, "unknown", IPPROTO_TCP, 200, 1);
  flags(s, "SO_TYPE", SOL_SOCKET, SO_TYPE, 1);
  flags(s, "another protocol's", IPPROTO_UDP, 1, 1);
  flags(s, "IPv6's", IPPROTO_IPV6, IPV6_V6ONLY, 1);
  char name[16] = "";
  socklen_t n = sizeof name;
  r("TCP_CONGESTION", getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
  show("length", "%d", (int)n);
  r("unknown one", setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
  r("short", setsockopt(s, IPPROTO_TCP, TCP_NODELAY, name, 1));
  r("bad pointer", setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (void *)8, 4));
  n = 1;
  int v = -1;
  r("short get", getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, &n));
  show("gives", "%x %d", v, (int)n);
  struct linger l;
  n = sizeof l;
  getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &n);
  show("SO_LINGER", "%d %d %d", l.l_onoff, l.l_linger, (int)n);
  close(s);
}

static void six(void) {
  int l = socket(AF_INET6, SOCK_STREAM, 0);
  show("V6ONLY", "%d", getint(l, IPPROTO_IPV6, IPV6_V6ONLY));
  struct sockaddr_in6 a = in6("::", 0);
  r("bind", bind(l, (void *)&a, sizeof a));
  r("listen", listen(l, 4));
  int p = port(l);
  r("V6ONLY too late", setint(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  int t = tcp();
  r("IPv4's wildcard is taken", bind4(t, "0.0.0.0", p));
  close(t);
  int c = tcp();
  r("IPv4 to a dual listener", conn4(c, "127.0.0.1", p));
  struct sockaddr_in6 b;
  socklen_t n = sizeof b;
  int s = accept(l, (void *)&b, &n);
  char ip[64];
  show("seen as", "%s %d", inet_ntop(AF_INET6, &b.sin6_addr, ip, sizeof ip), (int)n);
  n = sizeof b;
  getsockname(s, (void *)&b, &n);
  show("at", "%s", inet_ntop(AF_INET6, &b.sin6_addr, ip, sizeof ip));
  close(s);
  close(c);
  c = socket(AF_INET6, SOCK_STREAM, 0);
  a = in6("::1", p);
  r("IPv6", connect(c, (void *)&a, sizeof a));
  n = sizeof b;
  s = accept(l, (void *)&b, &n);
  show("seen as", "%s", inet_ntop(AF_INET6, &b.sin6_addr, ip, sizeof ip));
  n = sizeof b;
  getpeername(c, (void *)&b, &n);
  show("peer", "%s", inet_ntop(AF_INET6, &b.sin6_addr, ip, sizeof ip));
  write(c, "six", 3);
  text("data", s, 9, 0);
  close(s);
  close(c);
  c = socket(AF_INET6, SOCK_STREAM, 0);
  a = in6("::ffff:127.0.0.1", p);
  r("mapped", connect(c, (void *)&a, sizeof a));
  n = sizeof b;
  getsockname(c, (void *)&b, &n);
  show("own", "%s", inet_ntop(AF_INET6, &b.sin6_addr, ip, sizeof ip));
  close(c);
  close(l);
  l = socket(AF_INET6, SOCK_STREAM, 0);
  r("V6ONLY", setint(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  a = in6("::", 0);
  bind(l, (void *)&a, sizeof a);
  listen(l, 4);
  p = port(l);
  c = tcp();
  r("IPv4 to IPv6 only", conn4(c, "127.0.0.1", p));
  close(c);
  t = tcp();
  r("IPv4 beside it", bind4(t, "0.0.0.0", p));
  close(t);
  c = socket(AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in v4 = in4("127.0.0.1", p);
  r("AF_INET address", connect(c, (void *)&v4, sizeof v4));
  a = in6("2001:db8::1", 0);
  r("bind elsewhere", bind(c, (void *)&a, sizeof a));
  close(c);
  close(l);
}

static void waiting(void) {
  int l = listener("127.0.0.1", 4), p = port(l);
  pid_t child = fork();
  if (child == 0) {
    msleep(20);
    int c = tcp();
    conn4(c, "127.0.0.1", p);
    msleep(20);
    write(c, "late", 4);
    msleep(20);
    close(c);
    _exit(0);
  }
  int s = accept(l, 0, 0);
  yes("accept waits", s > 0);
  text("recv waits", s, 9, 0);
  r("for the end, too", recv(s, &p, 1, 0));
  waitpid(child, 0, 0);
  struct timeval t = {0, 20000};
  setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  r("accept times out", accept(l, 0, 0));
  close(s);
  close(l);

  int q[2];
  pair(q);
  int e = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = 1}, out[4];
  epoll_ctl(e, EPOLL_CTL_ADD, q[0], &ev);
  int n = epoll_wait(e, out, 4, 0);
  show("edge: first", "%d %x", n, n > 0 ? out[0].events : 0);
  n = epoll_wait(e, out, 4, 0);
  show("edge: then nothing", "%d", n);
  write(q[1], "x", 1);
  n = epoll_wait(e, out, 4, 0);
  show("edge: data", "%d %x", n, n > 0 ? out[0].events : 0);
  write(q[1], "y", 1);
  n = epoll_wait(e, out, 4, 0);
  show("edge: more data", "%d %x", n, n > 0 ? out[0].events : 0);
  n = epoll_wait(e, out, 4, 0);
  show("edge: nothing new", "%d", n);
  text("both", q[0], 9, 0);
  n = epoll_wait(e, out, 4, 0);
  show("edge: reading is no event", "%d", n);
  write(q[0], "z", 1);
  text("peer reads", q[1], 9, 0);
  n = epoll_wait(e, out, 4, 0);
  show("edge: nor is what the peer has read", "%d", n);
  shutdown(q[1], SHUT_WR);
  n = epoll_wait(e, out, 4, 0);
  show("edge: end", "%d %x", n, n > 0 ? out[0].events : 0);
  close(q[1]);
  n = epoll_wait(e, out, 4, 0);
  show("edge: closed", "%d %x", n, n > 0 ? out[0].events : 0);
  close(q[0]);
  close(e);
}

int main(void) {
  signal(SIGPIPE, onpipe);
  atexit(scratch_remove);
  creation();
  names();
  connecting();
  data();
  ends();
  backlog();
  buffers();
  options();
  six();
  waiting();
  return 0;
}
