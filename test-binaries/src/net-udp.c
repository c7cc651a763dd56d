// UDP over the loopback: datagrams, connected sockets, errors that come back, ports, options, many messages at once.
#include "t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

static const char *net(int e) {
  switch (e) {
#define E(x) case x: return #x;
    E(ECONNREFUSED) E(ECONNRESET) E(EADDRINUSE) E(EADDRNOTAVAIL) E(ENOTCONN) E(EISCONN) E(EDESTADDRREQ) E(EMSGSIZE)
    E(EAFNOSUPPORT) E(EPROTONOSUPPORT) E(ENOPROTOOPT) E(ENETUNREACH)
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
static int bind4(int fd, const char *ip, int port) {
  struct sockaddr_in a = in4(ip, port);
  return bind(fd, (void *)&a, sizeof a);
}
static int conn4(int fd, const char *ip, int port) {
  struct sockaddr_in a = in4(ip, port);
  return connect(fd, (void *)&a, sizeof a);
}
static long to4(int fd, const void *p, size_t n, const char *ip, int port) {
  struct sockaddr_in a = in4(ip, port);
  return sendto(fd, p, n, 0, (void *)&a, sizeof a);
}
static int port(int fd) {
  struct sockaddr_in6 a;
  socklen_t n = sizeof a;
  if (getsockname(fd, (void *)&a, &n)) return -1;
  return ntohs(a.sin6_port);
}
static int udp(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static int bound(const char *ip) {
  int fd = udp();
  bind4(fd, ip, 0);
  return fd;
}
static int events(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static int getint(int fd, int level, int name) {
  int v = -1;
  socklen_t n = sizeof v;
  if (getsockopt(fd, level, name, &v, &n)) return -errno;
  return v;
}
static int setint(int fd, int level, int name, int v) { return setsockopt(fd, level, name, &v, sizeof v); }
static void text(const char *what, int fd, size_t n, int flags) {
  char buf[256];
  memset(buf, 0, sizeof buf);
  struct sockaddr_in a;
  socklen_t len = sizeof a;
  ssize_t got = recvfrom(fd, buf, n, flags, (void *)&a, &len);
  if (got < 0) r(what, got);
  else show(what, "%d '%s' from %s %d", (int)got, buf, inet_ntoa(a.sin_addr), (int)len);
}

static void datagrams(void) {
  int s = udp(), t = bound("127.0.0.1"), p = port(t);
  show("poll of a new one", "%x", events(s));
  show("buffers", "%d %d", getint(s, SOL_SOCKET, SO_SNDBUF), getint(s, SOL_SOCKET, SO_RCVBUF));
  r("write to nobody", write(s, "x", 1));
  r("send to nobody", send(s, "x", 1, 0));
  r("getpeername", getpeername(s, (void *)&(struct sockaddr_in){0}, &(socklen_t){16}));
  yes("port before", port(s) > 0);
  r("sendto", to4(s, "one", 3, "127.0.0.1", p));
  yes("port after", port(s) > 0);
  r("empty", to4(s, "", 0, "127.0.0.1", p));
  r("longer", to4(s, "three", 5, "127.0.0.1", p));
  show("poll of the receiver", "%x", events(t));
  int n = -1;
  ioctl(t, FIONREAD, &n);
  show("FIONREAD", "%d", n);
  text("peek", t, 2, MSG_PEEK);
  text("peek its length", t, 2, MSG_PEEK | MSG_TRUNC);
  text("first", t, 100, 0);
  text("an empty one", t, 100, 0);
  text("cut off", t, 2, 0);
  text("nothing", t, 100, MSG_DONTWAIT);
  to4(s, "trunc", 5, "127.0.0.1", p);
  text("true length", t, 2, MSG_TRUNC);
  to4(s, "flags", 5, "127.0.0.1", p);
  char b[9];
  struct iovec v = {b, 3};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  r("recvmsg", recvmsg(t, &m, 0));
  show("msg_flags", "%x", m.msg_flags);
  struct iovec w[2] = {{"two ", 4}, {"parts", 5}};
  struct sockaddr_in a = in4("127.0.0.1", p);
  m = (struct msghdr){.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = w, .msg_iovlen = 2};
  r("sendmsg", sendmsg(s, &m, 0));
  text("one datagram", t, 100, 0);
  static char big[70000];
  r("the longest", to4(s, big, 65507, "127.0.0.1", p));
  r("arrives", recv(t, big, sizeof big, 0));
  r("too long", to4(s, big, 65508, "127.0.0.1", p));
  r("port 0", to4(s, "x", 1, "127.0.0.1", 0));
  r("short address", sendto(s, "x", 1, 0, (void *)&a, 8));
  a.sin_family = AF_UNIX;
  r("family", sendto(s, "x", 1, 0, (void *)&a, sizeof a));
  r("urgent", send(s, "x", 1, MSG_OOB));
  r("broadcast", to4(s, "x", 1, "255.255.255.255", p));
  r("to the wildcard address", to4(s, "any", 3, "0.0.0.0", p));
  text("arrives", t, 9, 0);
  r("listen", listen(s, 1));
  r("accept", accept(s, 0, 0));
  r("shutdown", shutdown(s, SHUT_WR));
  r("sendto after it", to4(s, "x", 1, "127.0.0.1", p));
  close(s);
  close(t);
}

static void connected(void) {
  int s = udp(), t = bound("127.0.0.1"), other = bound("127.0.0.1"), p = port(t);
  r("connect", conn4(s, "127.0.0.1", p));
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  getpeername(s, (void *)&a, &n);
  yes("peer", ntohs(a.sin_port) == p);
  n = sizeof a;
  getsockname(s, (void *)&a, &n);
  show("own address", "%s", inet_ntoa(a.sin_addr));
  r("write", write(s, "hello", 5));
  text("arrives", t, 9, 0);
  r("from elsewhere", to4(other, "x", 1, "127.0.0.1", port(s)));
  text("is not for it", s, 9, MSG_DONTWAIT);
  r("nor known there", getint(other, SOL_SOCKET, SO_ERROR));
  r("from the peer", to4(t, "back", 4, "127.0.0.1", port(s)));
  text("is", s, 9, 0);
  r("to another, all the same", to4(s, "else", 4, "127.0.0.1", port(other)));
  text("arrives", other, 9, 0);
  close(t);
  r("peer is gone: send", write(s, "x", 1));
  show("poll", "%x", events(s));
  r("next send", write(s, "x", 1));
  r("and the next", write(s, "x", 1));
  r("recv tells as well", recv(s, &a, 1, 0));
  text("once", s, 9, MSG_DONTWAIT);
  write(s, "x", 1);
  show("SO_ERROR", "%d", getint(s, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
  r("connect elsewhere", conn4(s, "127.0.0.1", port(other)));
  r("write", write(s, "moved", 5));
  text("arrives", other, 9, 0);
  r("disconnect", connect(s, (void *)&(struct sockaddr){AF_UNSPEC, ""}, 16));
  r("write", write(s, "x", 1));
  r("unconnected: to nobody", to4(s, "x", 1, "127.0.0.1", 1));
  r("is not told", to4(s, "x", 1, "127.0.0.1", 1));
  conn4(s, "127.0.0.1", port(other));
  r("shutdown for reading", shutdown(s, SHUT_RD));
  show("poll", "%x", events(s));
  r("recv", recv(s, &a, 1, 0));
  r("shutdown both", shutdown(s, SHUT_RDWR));
  show("poll", "%x", events(s));
  signal(SIGPIPE, SIG_IGN);
  r("send", send(s, "x", 1, 0));
  close(s);
  close(other);
}

static void ports(void) {
  int s = bound("127.0.0.1"), p = port(s), t = udp();
  r("taken", bind4(t, "127.0.0.1", p));
  r("wildcard", bind4(t, "0.0.0.0", p));
  r("other address", bind4(t, "127.0.0.2", p));
  r("again", bind4(t, "127.0.0.2", 0));
  int c = udp();
  to4(c, "two", 3, "127.0.0.2", p);
  to4(c, "one", 3, "127.0.0.1", p);
  text("by address", s, 9, 0);
  text("by address", t, 9, 0);
  close(t);
  close(s);
  s = udp();
  t = udp();
  setint(s, SOL_SOCKET, SO_REUSEADDR, 1);
  setint(t, SOL_SOCKET, SO_REUSEADDR, 1);
  bind4(s, "127.0.0.1", 0);
  p = port(s);
  r("both reuse", bind4(t, "127.0.0.1", p));
  to4(c, "last", 4, "127.0.0.1", p);
  show("the last one gets it", "%x %x", events(s), events(t));
  close(t);
  close(s);
  s = udp();
  t = udp();
  setint(s, SOL_SOCKET, SO_REUSEPORT, 1);
  setint(t, SOL_SOCKET, SO_REUSEPORT, 1);
  bind4(s, "127.0.0.1", 0);
  p = port(s);
  r("both share", bind4(t, "127.0.0.1", p));
  int reached = 0;
  for (int i = 0; i < 64; i++) {
    int k = udp();
    to4(k, "x", 1, "127.0.0.1", p);
    if (recv(s, &reached + 1, 0, MSG_DONTWAIT) >= 0) reached |= 1;
    if (recv(t, &reached + 1, 0, MSG_DONTWAIT) >= 0) reached |= 2;
    close(k);
  }
  show("spread", "%d", reached);
  close(t);
  close(s);
  s = bound("0.0.0.0");
  p = port(s);
  t = udp();
  setint(t, SOL_SOCKET, SO_REUSEADDR, 1);
  setint(s, SOL_SOCKET, SO_REUSEADDR, 1);
  r("a narrower one", bind4(t, "127.0.0.3", p));
  to4(c, "n", 1, "127.0.0.3", p);
  to4(c, "w", 1, "127.0.0.4", p);
  text("wildcard gets", s, 9, 0);
  text("narrower gets", t, 9, 0);
  close(s);
  close(t);
  close(c);
}

static void many(void) {
  int s = udp(), t = bound("127.0.0.1");
  conn4(s, "127.0.0.1", port(t));
  struct mmsghdr m[5];
  struct iovec v[5];
  char buf[5][8];
  memset(m, 0, sizeof m);
  for (int i = 0; i < 5; i++) {
    buf[i][0] = 'a' + i;
    v[i] = (struct iovec){buf[i], i == 3 ? 0 : 1 + i};
    m[i].msg_hdr.msg_iov = &v[i];
    m[i].msg_hdr.msg_iovlen = 1;
  }
  r("sendmmsg", sendmmsg(s, m, 5, 0));
  show("lengths", "%u %u %u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len, m[3].msg_len, m[4].msg_len);
  struct sockaddr_in from[5];
  for (int i = 0; i < 5; i++) {
    v[i].iov_len = 2;
    m[i].msg_len = 0;
    m[i].msg_hdr.msg_name = &from[i];
    m[i].msg_hdr.msg_namelen = sizeof from[i];
  }
  r("recvmmsg", recvmmsg(t, m, 3, 0, 0));
  show("lengths", "%u %u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len, m[3].msg_len);
  show("flags", "%x %x %x", m[0].msg_hdr.msg_flags, m[1].msg_hdr.msg_flags, m[2].msg_hdr.msg_flags);
  yes("names", from[2].sin_port == from[0].sin_port && m[2].msg_hdr.msg_namelen == 16);
  r("the rest", recvmmsg(t, m, 5, MSG_DONTWAIT, 0));
  r("nothing", recvmmsg(t, m, 5, MSG_DONTWAIT, 0));
  write(s, "one", 3);
  r("MSG_WAITFORONE", recvmmsg(t, m, 5, MSG_WAITFORONE, 0));
  write(s, "one", 3);
  struct timespec ts = {0, 30000000};
  setint(t, SOL_SOCKET, SO_RCVBUF, 4096);
  struct timeval tv = {0, 20000};
  setsockopt(t, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
  r("with a timeout", recvmmsg(t, m, 2, 0, &ts));
  r("recv times out", recv(t, buf, 1, 0));
  r("read times out", read(t, buf, 1));
  // A queue that is full loses what comes, and the sender does not notice.
  int sent = 0;
  for (int i = 0; i < 1000; i++) sent += write(s, buf, 8) == 8;
  show("all sent", "%d", sent);
  int got = 0;
  while (recv(t, buf, 8, MSG_DONTWAIT) == 8) got++;
  yes("some lost", got > 0 && got < 1000);
  close(s);
  close(t);
}

static void options(void) {
  int s = bound("0.0.0.0"), c = udp();
  r("IP_PKTINFO", setint(s, IPPROTO_IP, IP_PKTINFO, 1));
  to4(c, "info", 4, "127.5.6.7", port(s));
  char b[9], control[100];
  struct iovec v = {b, 9};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  r("recvmsg", recvmsg(s, &m, 0));
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  if (h) {
    struct in_pktinfo *i = (void *)CMSG_DATA(h);
    show("control", "%d %d %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
    show("to", "%s", inet_ntoa(i->ipi_addr));
    show("interface", "%d", i->ipi_ifindex);
  }
  r("IP_TTL", getint(s, IPPROTO_IP, IP_TTL));
  r("IP_MULTICAST_TTL", getint(s, IPPROTO_IP, IP_MULTICAST_TTL));
  r("IP_MULTICAST_LOOP", getint(s, IPPROTO_IP, IP_MULTICAST_LOOP));
  r("SO_BROADCAST", getint(s, SOL_SOCKET, SO_BROADCAST));
  r("set", setint(s, SOL_SOCKET, SO_BROADCAST, 1));
  r("UDP_CORK", getint(s, IPPROTO_UDP, UDP_CORK));
  r("unknown", getint(s, IPPROTO_UDP, 77) == -ENOPROTOOPT);
  r("TCP's", setint(s, IPPROTO_TCP, 1, 1));
  close(s);
  s = socket(AF_INET6, SOCK_DGRAM, 0);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6};
  r("bind six", bind(s, (void *)&a, sizeof a));
  setint(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  to4(c, "four", 4, "127.0.0.1", port(s));
  struct sockaddr_in6 from;
  char ip[64];
  m = (struct msghdr){.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  r("four to six", recvmsg(s, &m, 0));
  show("from", "%s", inet_ntop(AF_INET6, &from.sin6_addr, ip, sizeof ip));
  h = CMSG_FIRSTHDR(&m);
  if (h) {
    struct in6_pktinfo *i = (void *)CMSG_DATA(h);
    show("to", "%s %d", inet_ntop(AF_INET6, &i->ipi6_addr, ip, sizeof ip), (int)h->cmsg_len);
  }
  int d = socket(AF_INET6, SOCK_DGRAM, 0);
  inet_pton(AF_INET6, "::1", &a.sin6_addr);
  a.sin6_port = htons(port(s));
  r("six to six", sendto(d, "six", 3, 0, (void *)&a, sizeof a));
  socklen_t n = sizeof from;
  r("arrives", recvfrom(s, b, 9, 0, (void *)&from, &n));
  show("from", "%s %d", inet_ntop(AF_INET6, &from.sin6_addr, ip, sizeof ip), (int)n);
  struct sockaddr_in v4 = in4("127.0.0.1", port(s));
  r("AF_INET address on six", sendto(d, "x", 1, 0, (void *)&v4, sizeof v4));
  close(s);
  close(d);
  close(c);
}

// By which interface what is for a group is sent.
static void groups(void) {
  int u = udp(), t = socket(AF_INET, SOCK_STREAM, 0);
  struct in_addr a = {0};
  struct ip_mreqn n = {0};
  char ip[INET_ADDRSTRLEN];
  socklen_t size = sizeof a;
  r("default", setsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof a));
  inet_pton(AF_INET, "127.0.0.1", &a);
  r("loopback", setsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof a));
  memset(&a, 0, sizeof a);
  r("asked", getsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &a, &size));
  show("is", "%s %d", inet_ntop(AF_INET, &a, ip, sizeof ip), (int)size);
  r("sent to nobody", to4(u, "x", 1, "239.255.0.1", 9));
  inet_pton(AF_INET, "203.0.113.7", &a);
  r("address of nobody", setsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof a));
  n.imr_ifindex = 1;
  r("by index", setsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &n, sizeof n));
  r("asked", getsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &a, &size));
  show("is", "%s %d", inet_ntop(AF_INET, &a, ip, sizeof ip), (int)size);
  r("sent to nobody", to4(u, "xy", 2, "239.255.0.1", 9));
  n.imr_ifindex = 99999;
  r("no such index", setsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &n, sizeof n));
  r("a byte", setsockopt(u, IPPROTO_IP, IP_MULTICAST_IF, &n, 1));
  r("stream", setsockopt(t, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof a));
  close(u);
  close(t);
  u = socket(AF_INET6, SOCK_DGRAM, 0);
  t = socket(AF_INET6, SOCK_STREAM, 0);
  for (int i = -1; i <= 1; i++) {
    char what[32];
    snprintf(what, sizeof what, "six %d", i);
    r(what, setsockopt(u, IPPROTO_IPV6, IPV6_MULTICAST_IF, &i, sizeof i));
  }
  show("six", "%d", getint(u, IPPROTO_IPV6, IPV6_MULTICAST_IF));
  int none = 99999;
  r("six none", setsockopt(u, IPPROTO_IPV6, IPV6_MULTICAST_IF, &none, sizeof none));
  r("six short", setsockopt(u, IPPROTO_IPV6, IPV6_MULTICAST_IF, &none, 3));
  r("six stream", setsockopt(t, IPPROTO_IPV6, IPV6_MULTICAST_IF, &none, sizeof none));
  close(u);
  close(t);
}

int main(void) {
  datagrams();
  connected();
  ports();
  many();
  options();
  groups();
  return 0;
}
