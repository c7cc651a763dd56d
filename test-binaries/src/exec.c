// execve(2): errors, scripts, what survives it. argv[1] says which part a re-executed copy of this program plays.
#include "t.h"
extern char **environ;
static char self[PATH_MAX];

static int run(char *const argv[], char *const env[], const char *path) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    execve(path, argv, env ? env : environ);
    _exit(errno == ENOENT ? 127 : 126);
  }
  int s;
  waitpid(child, &s, 0);
  return s;
}
static void script(const char *name, const char *text, int mode) {
  put(name, text);
  chmod(name, mode);
}
#define RUN(what, path, ...) do { char *argv[] = {__VA_ARGS__, 0}; status(what, run(argv, 0, path)); } while (0)
static void fails(const char *what, const char *path) {
  char *argv[] = {"x", 0};
  ret(what, execve(path, argv, environ));
}

static int role(int argc, char **argv) {
  if (!strcmp(argv[1], "args")) {
    for (int i = 0; i < argc; i++) {
      const char *a = argv[i];
      show("  argv", "'%s'", !strncmp(a, "/tmp/t.", 7) ? strrchr(a, '/') : i == 0 && strrchr(a, '/') ? "(path)" : a);
    }
    return argc;
  }
  if (!strcmp(argv[1], "env")) {
    for (char **e = environ; *e; e++) show("  env", "%s", *e);
    return 0;
  }
  if (!strcmp(argv[1], "fds")) {
    for (int fd = 3; fd < 12; fd++)
      if (fcntl(fd, F_GETFD) != -1) show("  open", "%d", fd);
    return 0;
  }
  if (!strcmp(argv[1], "signals")) {
    struct sigaction a;
    sigset_t mask, pending;
    sigaction(SIGUSR1, 0, &a);
    show("  USR1", "%s", a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : "handler");
    sigaction(SIGUSR2, 0, &a);
    show("  USR2", "%s", a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : "handler");
    sigprocmask(SIG_BLOCK, 0, &mask);
    sigpending(&pending);
    show("  TERM", "blocked %d, pending %d", sigismember(&mask, SIGTERM), sigismember(&pending, SIGTERM));
    show("  umask", "%03o", umask(0));
    stack_t s;
    sigaltstack(0, &s);
    show("  alternate stack", "%d", s.ss_flags);
    return 0;
  }
  if (!strcmp(argv[1], "wait")) pause();
  return 98;
}
static void handler(int n) { (void)n; }
static char alt[16384];

int main(int argc, char **argv) {
  if (argc > 1) return role(argc, argv);
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 97;
  scratch();
  RUN("arguments", self, "zero", "args", "", "a b", "\xff");
  RUN("no argv[0] to speak of", self, "", "args");
  char *envargs[] = {"x", "env", 0}, *none[] = {0}, *two[] = {"B=1", "A=2", 0};
  status("empty environment", run(envargs, none, self));
  status("environment", run(envargs, two, self));

  fails("missing", "missing");
  fails("empty path", "");
  put("plain", "text\n");
  fails("not executable", "plain");
  fails("a directory", "/tmp");
  fails("through a file", "plain/x");
  fails("bad address", (char *)8);
  chmod("plain", 0755);
  fails("no format", "plain");
  script("empty", "", 0755);
  fails("empty file", "empty");
  script("elfish", "\177ELF", 0755);
  fails("truncated ELF", "elfish");
  script("nointerp", "#!/no/such/interpreter\n", 0755);
  fails("missing interpreter", "nointerp");
  script("blank", "#!   \n", 0755);
  fails("blank interpreter", "blank");
  script("dirinterp", "#!/tmp\n", 0755);
  fails("directory as interpreter", "dirinterp");
  symlink("loop", "loop");
  fails("symlink loop", "loop");
  char name[300];
  memset(name, 'n', 299);
  name[299] = 0;
  fails("name too long", name);

  char text[PATH_MAX + 300];
  sprintf(text, "#!%s args\nignored\n", self);
  script("script", text, 0755);
  RUN("script with an argument", "./script", "zero", "one", "two");
  sprintf(text, "#! \t%s   args  with blanks \t \nignored\n", self);
  script("blanks", text, 0755);
  RUN("blanks within stay, around go", "./blanks", "zero", "one");
  sprintf(text, "#!%s/script deeper\n", scratch_path);
  script("nested", text, 0755);
  RUN("nested scripts", "./nested", "zero", "one");
  sprintf(text, "#!%s args", self);
  script("noeol", text, 0755);
  RUN("no end of line", "./noeol", "zero");
  for (int i = 1; i <= 6; i++) {
    char file[32];
    sprintf(file, "chain%d", i);
    if (i == 1) sprintf(text, "#!%s args\n", self);
    else sprintf(text, "#!%s/chain%d\n", scratch_path, i - 1);
    script(file, text, 0755);
  }
  status("four scripts deep", run((char *[]){"x", 0}, 0, "chain4"));
  status("five scripts deep", run((char *[]){"x", 0}, 0, "chain5"));
  fails("six scripts deep", "chain6");
  RUN("shell script", "/bin/sh", "sh", "-c", "exit 5");
  RUN("not found", "nothing", "x");

  // what survives
  int a = open("plain", O_RDONLY), b = open("plain", O_RDONLY | O_CLOEXEC), c = dup(a);
  show("descriptors", "%d %d %d", a, b, c);
  fcntl(c, F_SETFD, FD_CLOEXEC);
  RUN("FD_CLOEXEC closes", self, "x", "fds");
  signal(SIGUSR1, handler);
  signal(SIGUSR2, SIG_IGN);
  stack_t s = {.ss_sp = alt, .ss_size = sizeof alt};
  sigaltstack(&s, 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, 0);
  umask(027);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    raise(SIGTERM);
    execl(self, "x", "signals", (char *)0);
  }
  int st;
  waitpid(child, &st, 0);
  status("signals, umask", st);
  sigprocmask(SIG_UNBLOCK, &set, 0);
  child = fork();
  if (child == 0) {
    pid_t before = getpid();
    char number[20];
    sprintf(number, "%d", before);
    execl("/bin/sh", "sh", "-c", "test $$ = $0", number, (char *)0);
    _exit(1);
  }
  waitpid(child, &st, 0);
  status("the pid stays", st);
  child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", (char *)0);
    _exit(1);
  }
  waitpid(child, &st, 0);
  status("vfork and exec", st);
  int fd = open(self, O_RDONLY);
  child = fork();
  if (child == 0) {
    fexecve(fd, (char *[]){"x", "args", 0}, environ);
    _exit(1);
  }
  waitpid(child, &st, 0);
  status("fexecve", st);
  int copy = open("copy", O_WRONLY | O_CREAT, 0755);
  ssize_t n;
  while ((n = read(fd, text, 4096)) > 0) write(copy, text, (size_t)n);
  close(copy);
  child = fork();
  if (child == 0) {
    execl("copy", "copy", "wait", (char *)0);
    _exit(1);
  }
  msleep(200);
  ret("write to a running program", open("copy", O_WRONLY));
  ret("truncate it", truncate("copy", 0));
  ok("but it may be removed", unlink("copy"));
  kill(child, SIGTERM);
  waitpid(child, &st, 0);
  status("it ran", st);

  // limits: one string may have 128 KiB with its NUL (MAX_ARG_STRLEN)
  char *big = malloc(131073);
  memset(big, 'x', 131072);
  big[131072] = 0;
  char *bigargs[] = {"true", big, 0};
  ret("an argument of 128 KiB", execve("/bin/true", bigargs, environ));
  big[131071] = 0;
  status("one less", run(bigargs, 0, "/bin/true"));
  char *many[100] = {"true"};
  for (int i = 1; i < 99; i++) many[i] = big;
  ret("12 MiB in all", execve("/bin/true", many, environ));
  ret("bad argv", syscall(SYS_execve, "/bin/true", 8, environ));
  char *badarg[] = {"true", (char *)8, 0};
  ret("bad argument", execve("/bin/true", badarg, environ));
  scratch_remove();
  return 0;
}
