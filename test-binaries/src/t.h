// What every test program shares: results are printed one per line as `what = value`, errors by errno name, so that a
// line which differs from the native one names the behaviour that is wrong. Nothing printed may depend on time, pids
// or addresses. Files are made in a fresh directory below /tmp (see scratch).
#ifndef T_H
#define T_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((unused)) static const char *errname(int e) {
  static char other[32];
  switch (e) {
#define E(x) case x: return #x;
    E(EPERM) E(ENOENT) E(ESRCH) E(EINTR) E(EIO) E(ENXIO) E(E2BIG) E(ENOEXEC) E(EBADF) E(ECHILD) E(EAGAIN) E(ENOMEM)
    E(EACCES) E(EFAULT) E(EBUSY) E(EEXIST) E(EXDEV) E(ENODEV) E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE) E(EMFILE)
    E(ENOTTY) E(ETXTBSY) E(EFBIG) E(ENOSPC) E(ESPIPE) E(EROFS) E(EMLINK) E(EPIPE) E(EDOM) E(ERANGE) E(EDEADLK)
    E(ENAMETOOLONG) E(ENOLCK) E(ENOSYS) E(ENOTEMPTY) E(ELOOP) E(EOVERFLOW) E(EOPNOTSUPP) E(ETIMEDOUT) E(ENODATA) E(ESTALE)
#undef E
  }
  snprintf(other, sizeof other, "errno %d", e);
  return other;
}

__attribute__((unused, format(printf, 2, 3))) static void show(const char *what, const char *format, ...) {
  va_list list;
  va_start(list, format);
  printf("%s = ", what);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
  fflush(stdout);
}

// The result of a system call: its value, or the error's name.
__attribute__((unused)) static long ret(const char *what, long result) {
  if (result == -1) show(what, "-1 %s", errname(errno));
  else show(what, "%ld", result);
  return result;
}

// A result whose value is nobody's business (a descriptor, an address, a pid).
__attribute__((unused)) static long ok(const char *what, long result) {
  if (result == -1) show(what, "-1 %s", errname(errno));
  else show(what, "ok");
  return result;
}

// The call's own text says what it is.
#define R(call) ret(#call, (call))
#define K(call) ok(#call, (call))

__attribute__((unused)) static void yes(const char *what, int condition) { show(what, condition ? "yes" : "no"); }

__attribute__((unused)) static const char *signame(int n) {
  static char other[32];
  switch (n) {
#define S(x) case x: return #x;
    S(SIGHUP) S(SIGINT) S(SIGQUIT) S(SIGILL) S(SIGTRAP) S(SIGABRT) S(SIGBUS) S(SIGFPE) S(SIGKILL) S(SIGUSR1) S(SIGSEGV)
    S(SIGUSR2) S(SIGPIPE) S(SIGALRM) S(SIGTERM) S(SIGCHLD) S(SIGCONT) S(SIGSTOP) S(SIGTSTP) S(SIGTTIN) S(SIGTTOU)
    S(SIGVTALRM) S(SIGPROF) S(SIGWINCH) S(SIGXFSZ) S(SIGXCPU) S(SIGSYS) S(SIGURG)
#undef S
  }
  snprintf(other, sizeof other, "signal %d", n);
  return other;
}

__attribute__((unused)) static void status(const char *what, int s) {
  if (WIFEXITED(s)) show(what, "exit %d", WEXITSTATUS(s));
  else if (WIFSIGNALED(s)) show(what, "killed by %s", signame(WTERMSIG(s)));
  else if (WIFSTOPPED(s)) show(what, "stopped by %s", signame(WSTOPSIG(s)));
  else if (WIFCONTINUED(s)) show(what, "continued");
  else show(what, "%x", s);
}

static char scratch_path[64];
__attribute__((unused)) static void scratch_remove(void) {
  if (chdir("/tmp") == 0 && fork() == 0) {
    execl("/bin/rm", "rm", "-rf", scratch_path, (char *)0);
    _exit(1);
  }
  while (wait(0) > 0) {}
}
__attribute__((unused)) static void scratch(void) {
  strcpy(scratch_path, "/tmp/t.XXXXXX");
  if (!mkdtemp(scratch_path) || chdir(scratch_path)) {
    perror("scratch");
    exit(99);
  }
  umask(022);
}

__attribute__((unused)) static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
    perror(path);
    exit(99);
  }
  close(fd);
}

__attribute__((unused)) static void msleep(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&t, &t) && errno == EINTR) {}
}
#endif
