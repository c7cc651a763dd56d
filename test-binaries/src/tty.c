// The line discipline over a pseudo-terminal: canonical and raw mode, editing, echo, flow, termios(3), ioctl_tty(2).
#include "t.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
static int m, t;
static struct termios initial;

static void print(const char *what, const char *b, ssize_t n) {
  if (n < 0) { show(what, "-1 %s", errname(errno)); return; }
  char text[2000], *p = text;
  *p = 0;
  for (ssize_t i = 0; i < n && i < 400; i++) {
    unsigned char c = (unsigned char)b[i];
    p += c == '\n' ? sprintf(p, "\\n") : c == '\r' ? sprintf(p, "\\r") : c < 32 || c > 126 ? sprintf(p, "\\x%02x", c) : sprintf(p, "%c", c);
  }
  show(what, "%zd '%s'", n, text);
}
static void in(const char *what) { // what the program reads
  msleep(5);
  char b[5000];
  fcntl(t, F_SETFL, O_RDWR | O_NONBLOCK);
  print(what, b, read(t, b, sizeof b));
  fcntl(t, F_SETFL, O_RDWR);
}
static void out(const char *what) { // what the terminal shows
  char b[5000];
  msleep(5);
  fcntl(m, F_SETFL, O_RDWR | O_NONBLOCK);
  print(what, b, read(m, b, sizeof b));
  fcntl(m, F_SETFL, O_RDWR);
}
static void type(const char *keys) {
  write(m, keys, strlen(keys));
  msleep(5); // the kernel hands input over in a work queue
}
static void mode(unsigned l_off, unsigned l_on) {
  struct termios x = initial;
  x.c_lflag = (x.c_lflag & ~l_off) | l_on;
  tcsetattr(t, TCSANOW, &x);
}
static volatile int hits;
static void handler(int n) { hits = n; }

int main(void) {
  setsid();
  ret("openpty", openpty(&m, &t, 0, 0, 0));
  ret("isatty", isatty(t));
  ret("isatty of the master", isatty(m));
  tcgetattr(t, &initial);
  show("iflag", "%o", initial.c_iflag);
  show("oflag", "%o", initial.c_oflag);
  show("cflag", "%o", initial.c_cflag);
  show("lflag", "%o", initial.c_lflag);
  show("intr quit erase kill eof", "%d %d %d %d %d", initial.c_cc[VINTR], initial.c_cc[VQUIT], initial.c_cc[VERASE], initial.c_cc[VKILL], initial.c_cc[VEOF]);
  show("start stop susp reprint werase lnext", "%d %d %d %d %d %d", initial.c_cc[VSTART], initial.c_cc[VSTOP], initial.c_cc[VSUSP], initial.c_cc[VREPRINT], initial.c_cc[VWERASE], initial.c_cc[VLNEXT]);
  show("min time", "%d %d", initial.c_cc[VMIN], initial.c_cc[VTIME]);
  show("speed", "%d", cfgetospeed(&initial) == B38400);

  type("abc");
  in("half a line is not there yet");
  int n = -1;
  ioctl(t, FIONREAD, &n);
  show("FIONREAD", "%d", n);
  type("def\n");
  ioctl(t, FIONREAD, &n);
  show("FIONREAD", "%d", n);
  in("a line");
  out("its echo");
  type("one\ntwo\n");
  in("lines come one by one");
  in("second");
  out("echo");
  char b[100];
  type("longline\n");
  print("short read", b, read(t, b, 4));
  in("the rest");
  out("echo");
  type("abcd\x7f\x7fX\n");
  in("erase");
  out("echo of erase");
  type("one two \x17three\n");
  in("word erase");
  out("echo of word erase");
  type("garbage\x15good\n");
  in("kill");
  out("echo of kill");
  type("\x16\x03quoted\n");
  in("lnext");
  out("echo of lnext");
  type("ab\x12" "c\n");
  in("reprint");
  out("echo of reprint");
  type("\x01\x1b[A\n");
  in("control characters");
  out("their echo");
  type("a\tb\x7f\x7f\n");
  in("erase of a tab");
  out("echo");
  type("\x7f\x7fz\n");
  in("erase at the start");
  out("echo");
  type("part\x04");
  in("^D after text");
  type("\x04");
  in("^D alone: end of file");
  type("after\n");
  in("and then on");
  out("echo");
  type("return\r");
  in("ICRNL");
  out("echo");

  write(t, "line\nnext\ttab\r", 14);
  out("ONLCR");
  struct termios x = initial;
  x.c_oflag &= ~(unsigned)OPOST;
  tcsetattr(t, TCSANOW, &x);
  write(t, "line\n", 5);
  out("without OPOST");
  x = initial;
  x.c_iflag &= ~(unsigned)ICRNL;
  x.c_iflag |= INLCR;
  tcsetattr(t, TCSANOW, &x);
  type("x\ny\r");
  in("INLCR: no line yet");
  tcsetattr(t, TCSANOW, &initial);
  tcflush(t, TCIFLUSH);
  out("echo");
  x = initial;
  x.c_iflag |= IGNCR;
  tcsetattr(t, TCSANOW, &x);
  type("x\ry\n");
  in("IGNCR");
  x = initial;
  x.c_iflag |= ISTRIP | IUCLC;
  x.c_lflag |= IEXTEN;
  tcsetattr(t, TCSANOW, &x);
  type("UP\xc1\n");
  in("IUCLC and ISTRIP");
  x = initial;
  x.c_oflag |= OLCUC;
  tcsetattr(t, TCSANOW, &x);
  tcflush(m, TCIFLUSH);
  out("flushed");
  write(t, "up\n", 3);
  out("OLCUC");
  mode(ECHO, 0);
  type("secret\n");
  in("without ECHO");
  out("nothing is shown");
  mode(ECHO, ECHONL);
  type("secret\n");
  in("with ECHONL");
  out("the newline is");
  mode(ECHOE | ECHOK | ECHOKE, 0);
  type("ab\x7f" "c\x15" "d\n");
  in("without ECHOE, ECHOK, ECHOKE");
  out("echo");
  mode(ECHOCTL, 0);
  type("\x01\n");
  in("without ECHOCTL");
  out("echo");
  x = initial;
  x.c_cc[VEOL] = ';';
  tcsetattr(t, TCSANOW, &x);
  type("a;b;");
  in("VEOL");
  in("VEOL");
  out("echo");

  // signals need a controlling terminal
  ret("TIOCSCTTY", ioctl(t, TIOCSCTTY, 0));
  tcsetattr(t, TCSANOW, &initial);
  signal(SIGINT, handler);
  signal(SIGQUIT, handler);
  signal(SIGTSTP, handler);
  type("lost\x03kept\n");
  msleep(20);
  show("^C", "%s", signame(hits));
  in("^C drops the line");
  out("echo");
  type("\x1c");
  msleep(20);
  show("^\\", "%s", signame(hits));
  type("\x1a");
  msleep(20);
  show("^Z", "%s", signame(hits));
  out("echo");
  mode(0, NOFLSH);
  type("here\x03more\n");
  in("NOFLSH keeps it");
  out("echo");
  mode(ISIG, 0);
  hits = 0;
  type("\x03\n");
  in("without ISIG");
  show("no signal", "%d", hits);
  out("echo");

  // raw
  struct termios raw = initial;
  cfmakeraw(&raw);
  ret("TCSAFLUSH", tcsetattr(t, TCSAFLUSH, &raw));
  type("a\r\n\x03\x7f");
  in("raw");
  out("no echo");
  write(t, "a\nb", 3);
  out("raw output");
  raw.c_cc[VMIN] = 0;
  tcsetattr(t, TCSANOW, &raw);
  ret("MIN 0 TIME 0", read(t, b, 10));
  raw.c_cc[VTIME] = 1;
  tcsetattr(t, TCSANOW, &raw);
  ret("MIN 0 TIME 1 times out", read(t, b, 10));
  type("xy");
  print("MIN 0 TIME 1", b, read(t, b, 10));
  raw.c_cc[VMIN] = 3;
  raw.c_cc[VTIME] = 0;
  tcsetattr(t, TCSANOW, &raw);
  if (fork() == 0) {
    type("1");
    msleep(30);
    type("2");
    msleep(30);
    type("34");
    _exit(0);
  }
  print("MIN 3 waits for three", b, read(t, b, 10));
  wait(0);
  raw.c_cc[VTIME] = 1;
  tcsetattr(t, TCSANOW, &raw);
  type("z");
  print("MIN 3 TIME 1: the time between", b, read(t, b, 10));
  struct pollfd p = {t, POLLIN, 0};
  ret("poll", poll(&p, 1, 0));
  type("abc");
  ret("poll", poll(&p, 1, 100));
  tcsetattr(t, TCSANOW, &initial);
  tcflush(t, TCIOFLUSH);
  type("can");
  p.revents = 0;
  ret("poll of half a line", poll(&p, 1, 20));
  type("on\n");
  ret("poll of a line", poll(&p, 1, 20));
  tcflush(t, TCIFLUSH);
  in("flushed");
  ret("tcdrain", (out("echo"), tcdrain(t)));
  ret("TCFLSH bad", ioctl(t, TCFLSH, 9));
  ret("TIOCOUTQ", ioctl(t, TIOCOUTQ, &n));
  ret("tcgetattr of a pipe", (pipe((int *)b), tcgetattr(*(int *)b, &x)));
  ret("TIOCGETD", ioctl(t, TIOCGETD, &n));
  show("discipline", "%d", n);
  show("ttyname", "%s", strncmp(ttyname(t), "/dev/pts/", 9) ? "?" : "/dev/pts/");
  show("packet mode", "%d", (n = 1, ioctl(m, TIOCPKT, &n)));
  write(t, "x", 1);
  msleep(5);
  print("packet", b, read(m, b, 10));
  n = 0;
  ioctl(m, TIOCPKT, &n);
  signal(SIGHUP, SIG_IGN);
  close(t);
  ret("master when the other side is closed", read(m, b, 10));
  return 0;
}
