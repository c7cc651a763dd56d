// Runs a program and tells what it used: wall time, user and system CPU time of it and what it waited for, in
// microseconds, and its largest resident size in KiB, as one line of JSON on descriptor 3.
//
//     measure seconds program [arguments...]
//
// After so many seconds the program is killed (0: never). Small and static, since a child's resident size is counted from
// that of the process which forked it.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;
static volatile sig_atomic_t expired;

static void expire(int signal) {
  (void)signal;
  expired = 1;
  kill(child, SIGKILL);
}

static long long micros(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  struct timespec start, end;
  struct rusage usage;
  int status;
  clock_gettime(CLOCK_MONOTONIC, &start);
  child = fork();
  if (child < 0) return 2;
  if (child == 0) {
    close(3);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  signal(SIGALRM, expire);
  alarm((unsigned)atoi(argv[1]));
  while (wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) return 2;
  clock_gettime(CLOCK_MONOTONIC, &end);
  dprintf(3, "{\"wall\":%lld,\"user\":%lld,\"system\":%lld,\"resident\":%ld,\"status\":%d,\"signal\":%d,\"expired\":%s}\n",
    (end.tv_sec - start.tv_sec) * 1000000LL + (end.tv_nsec - start.tv_nsec) / 1000, micros(usage.ru_utime),
    micros(usage.ru_stime), usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
    WIFSIGNALED(status) ? WTERMSIG(status) : 0, expired ? "true" : "false");
  return 0;
}
