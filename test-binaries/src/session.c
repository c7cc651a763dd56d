// Process groups, sessions, controlling terminals and job control: setpgid(2), setsid(2), credentials(7), tty(4).
#include "t.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
static int in_child(int (*f)(void)) {
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    int r = f();
    fflush(stdout);
    _exit(r);
  }
  int s;
  waitpid(p, &s, 0);
  return s;
}
static volatile int got[65];
static void handler(int n) { got[n]++; }
static int leader(void) {
  ret("setsid", setsid() == getpid() ? 0 : -1);
  yes("own session", getsid(0) == getpid());
  yes("own group", getpgrp() == getpid());
  ret("setsid again", setsid());
  ret("setpgid of a leader", setpgid(0, 0));
  ret("no terminal", open("/dev/tty", O_RDWR));
  ret("tcgetpgrp without one", tcgetpgrp(0));

  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), n, lock = 0;
  ok("open /dev/ptmx", master);
  ret("TIOCGPTN", ioctl(master, TIOCGPTN, &n));
  char name[32];
  sprintf(name, "/dev/pts/%d", n);
  ret("a locked terminal", open(name, O_RDWR | O_NOCTTY));
  ret("unlock", ioctl(master, TIOCSPTLCK, &lock));
  int tty = open(name, O_RDWR | O_NOCTTY);
  ok("O_NOCTTY", tty);
  ret("still none", open("/dev/tty", O_RDWR));
  ret("TIOCSCTTY", ioctl(tty, TIOCSCTTY, 0));
  ok("now there is one", open("/dev/tty", O_RDWR));
  yes("foreground is the leader's group", tcgetpgrp(tty) == getpgrp());
  pid_t sid = 0;
  ret("TIOCGSID", ioctl(tty, TIOCGSID, &sid));
  yes("is mine", sid == getpid());
  ret("tcsetpgrp to a bad group", tcsetpgrp(tty, 999999));

  // ^C goes to the foreground group alone
  signal(SIGINT, handler);
  pid_t bg = fork();
  if (bg == 0) {
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    pause();
    _exit(1);
  }
  setpgid(bg, bg);
  msleep(30);
  write(master, "\x03", 1);
  msleep(50);
  show("^C in the foreground", "%d", got[SIGINT]);
  int s;
  ret("not in the background", waitpid(bg, &s, WNOHANG));
  signal(SIGTTOU, SIG_IGN);
  ret("make it foreground", tcsetpgrp(tty, bg));
  yes("it is", tcgetpgrp(tty) == bg);
  write(master, "\x03", 1);
  waitpid(bg, &s, 0);
  status("^C there", s);
  ret("take it back", tcsetpgrp(tty, getpgrp()));

  // ^Z, fg
  pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    tcsetpgrp(tty, getpid());
    signal(SIGTTOU, SIG_DFL);
    char c;
    ssize_t r = read(tty, &c, 1);
    _exit(r == 1 ? c : 100);
  }
  setpgid(job, job);
  msleep(50);
  write(master, "\x1a", 1);
  waitpid(job, &s, WUNTRACED);
  status("^Z", s);
  tcsetpgrp(tty, getpgrp());
  write(master, "K\n", 2);
  kill(-job, SIGCONT);
  waitpid(job, &s, WUNTRACED);
  status("continued in the background, it reads", s);
  tcsetpgrp(tty, job);
  kill(-job, SIGCONT);
  waitpid(job, &s, WUNTRACED);
  status("and gets the line in the foreground", s);
  tcsetpgrp(tty, getpgrp());

  // background writes
  job = fork();
  if (job == 0) {
    setpgid(0, 0);
    signal(SIGTTOU, SIG_DFL);
    write(tty, "a", 1);
    struct termios t;
    tcgetattr(tty, &t);
    t.c_lflag |= TOSTOP;
    tcsetattr(tty, TCSANOW, &t);
    _exit(5);
  }
  setpgid(job, job);
  waitpid(job, &s, WUNTRACED);
  status("tcsetattr from the background", s);
  kill(job, SIGKILL);
  waitpid(job, &s, 0);
  status("a stopped process can be killed", s);
  struct termios t;
  tcgetattr(tty, &t);
  t.c_lflag |= TOSTOP;
  tcsetattr(tty, TCSANOW, &t);
  job = fork();
  if (job == 0) {
    setpgid(0, 0);
    signal(SIGTTOU, SIG_DFL);
    write(tty, "b", 1);
    _exit(5);
  }
  setpgid(job, job);
  waitpid(job, &s, WUNTRACED);
  status("writing with TOSTOP", s);
  kill(job, SIGKILL);
  waitpid(job, &s, 0);
  job = fork();
  if (job == 0) {
    setpgid(0, 0);
    signal(SIGTTIN, SIG_IGN);
    char c;
    ssize_t r = read(tty, &c, 1);
    _exit(r == -1 && errno == EIO ? 6 : 7);
  }
  setpgid(job, job);
  waitpid(job, &s, 0);
  status("EIO when SIGTTIN is ignored", s);

  // window size
  signal(SIGWINCH, handler);
  struct winsize w = {33, 77, 0, 0};
  ret("TIOCSWINSZ", ioctl(master, TIOCSWINSZ, &w));
  memset(&w, 0, sizeof w);
  ioctl(tty, TIOCGWINSZ, &w);
  show("size", "%d x %d", w.ws_row, w.ws_col);
  msleep(30);
  show("SIGWINCH", "%d", got[SIGWINCH]);
  ioctl(master, TIOCSWINSZ, &w);
  msleep(30);
  show("same size, no signal", "%d", got[SIGWINCH]);

  // hang-up
  signal(SIGHUP, handler);
  signal(SIGCONT, handler);
  close(master);
  msleep(30);
  show("hang-up", "HUP %d, CONT %d", got[SIGHUP], got[SIGCONT]);
  char c;
  ret("read after it", read(tty, &c, 1));
  ret("write after it", write(tty, "x", 1));
  ret("ioctl after it", tcgetattr(tty, &t));
  ret("/dev/tty after it", open("/dev/tty", O_RDWR));
  return 0;
}
static int orphan(void) {
  // A group that becomes orphaned with a stopped member gets SIGHUP and SIGCONT.
  int p[2];
  pipe(p);
  setsid();
  if (fork() == 0) {
    setpgid(0, 0);
    pid_t kid = fork();
    if (kid == 0) {
      signal(SIGHUP, handler);
      signal(SIGCONT, handler);
      kill(getpid(), SIGSTOP);
      while (!got[SIGHUP] || !got[SIGCONT]) pause();
      write(p[1], "HC", 2);
      _exit(0);
    }
    waitpid(kid, 0, WUNTRACED);
    _exit(0);
  }
  wait(0);
  close(p[1]);
  char b[3] = {0};
  ret("an orphaned stopped group is woken", read(p[0], b, 2));
  show("by", "%s", b);
  return 0;
}
static int exit_hup(void) {
  // When the session leader exits, the foreground group gets SIGHUP.
  int p[2];
  pipe(p);
  if (fork() == 0) {
    setsid();
    int m, t;
    openpty(&m, &t, 0, 0, 0);
    ioctl(t, TIOCSCTTY, 0);
    signal(SIGHUP, SIG_IGN);
    if (fork() == 0) {
      signal(SIGHUP, handler);
      for (int i = 0; i < 200 && !got[SIGHUP]; i++) msleep(10);
      write(p[1], got[SIGHUP] ? "hup" : "no", 3);
      _exit(0);
    }
    msleep(50);
    _exit(0);
  }
  close(p[1]);
  wait(0);
  char b[4] = {0};
  read(p[0], b, 3);
  show("the leader's exit", "%s", b);
  return 0;
}

int main(void) {
  pid_t child = fork();
  if (child == 0) for (;;) pause();
  yes("a child is in its parent's group", getpgid(child) == getpgrp());
  ret("setpgid of the child", setpgid(child, child));
  yes("its own group", getpgid(child) == child);
  ret("to a group that is not there", setpgid(child, 999999));
  ret("of nobody", setpgid(999999, 0));
  ret("negative", setpgid(child, -1));
  ret("getpgid of nobody", getpgid(999999));
  ret("getsid of nobody", getsid(999999));
  ret("kill the group", kill(-child, SIGTERM));
  int s;
  waitpid(child, &s, 0);
  status("killed", s);
  ret("kill an empty group", kill(-child, SIGTERM));
  child = fork();
  if (child == 0) {
    execl("/bin/sleep", "sleep", "5", (char *)0);
    _exit(1);
  }
  msleep(200);
  ret("setpgid after exec", setpgid(child, child));
  kill(child, SIGKILL);
  waitpid(child, &s, 0);
  status("session leader", in_child(leader));
  status("orphans", in_child(orphan));
  status("exit of the leader", in_child(exit_hup));
  return 0;
}
