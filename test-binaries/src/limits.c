// Resource limits that are kept: processor time, files, processes, memory, stack, signals, locked memory, core files,
// nice; getrlimit(2), prlimit(2), getrusage(2), times(2); timers and sleeps on processor time. Not checked: RLIMIT_RSS,
// RLIMIT_RTTIME, RLIMIT_LOCKS, which files of a process take which space, exact times.
#include "t.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#define P(x) ret(#x, (x))
static int s;
static void in_child(const char *what, void (*f)(void)) {
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    f();
    _exit(0);
  }
  waitpid(c, &s, 0);
  status(what, s);
}
static void limit(int which, rlim_t soft, rlim_t hard) {
  struct rlimit l = {soft, hard};
  if (setrlimit(which, &l)) show("setrlimit", "%s", errname(errno));
}
static void spin(void) { for (;;) {} }
static void cpu_hard(void) { limit(RLIMIT_CPU, 1, 1), spin(); }
static volatile int hits;
static void count(int n) {
  hits++;
  if (n == SIGXCPU) _exit(5);
}
static void cpu_soft(void) { signal(SIGXCPU, count), limit(RLIMIT_CPU, 1, 3), spin(); }
static void user(void) {
  if (setgid(1234) || setuid(1234)) _exit(99);
}
static void nproc(void) {
  user();
  limit(RLIMIT_NPROC, 1, 1);
  P(fork());
  ret("a thread", syscall(SYS_clone, 0x100 | 0x800 | 0x10000, 0, 0, 0, 0));
}
static void nofile(void) {
  limit(RLIMIT_NOFILE, 6, 6);
  P(open("/dev/null", O_RDONLY));
  P(dup(0));
  P(dup(0));
  P(dup(0));
  P(open("/dev/null", O_RDONLY));
  int p[2];
  P(pipe(p));
  P(dup2(0, 6));
  P(dup2(0, 5));
  P(fcntl(0, F_DUPFD, 6));
  P(dup3(0, 1000, 0));
  limit(RLIMIT_NOFILE, 3, 6);
  ret("what is open stays", fcntl(5, F_GETFD));
}
static void as(void) {
  limit(RLIMIT_AS, 64 << 20, 64 << 20);
  ok("mmap of 1 MiB", (long)mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ret("mmap of 64 MiB", (long)mmap(0, 64 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  yes("malloc of 64 MiB", malloc(64 << 20) != 0);
  ret("mremap", (long)mremap(mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, 80 << 20, MREMAP_MAYMOVE));
}
static void data(void) {
  limit(RLIMIT_DATA, 16 << 20, 16 << 20);
  ret("private and writable", (long)mmap(0, 17 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ok("only readable", (long)mmap(0, 17 << 20, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ok("shared", (long)mmap(0, 17 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  long end = syscall(SYS_brk, 0);
  yes("brk", syscall(SYS_brk, end + (17 << 20)) == end);
}
static int deep(int n) {
  volatile char frame[4096];
  frame[n & 4095] = (char)n;
  return n == 0 ? 0 : deep(n - 1) + frame[n & 4095] * 0;
}
static void stack(void) { limit(RLIMIT_STACK, 1 << 20, RLIM_INFINITY), deep(1000); }
static void stack_enough(void) { limit(RLIMIT_STACK, 6 << 20, RLIM_INFINITY), deep(1000); }
static void fsize(void) {
  scratch();
  signal(SIGXFSZ, SIG_IGN);
  int fd = open("file", O_RDWR | O_CREAT, 0600);
  limit(RLIMIT_FSIZE, 10, 10);
  P(write(fd, "0123456789ab", 12));
  P(write(fd, "x", 1));
  P(ftruncate(fd, 11));
  P(ftruncate(fd, 10));
  P(pwrite(fd, "x", 1, 9));
  P(pwrite(fd, "x", 1, 10));
  unlink("file");
  rmdir(scratch_path);
}
static void fsize_signal(void) {
  scratch();
  int fd = open("file", O_RDWR | O_CREAT, 0600);
  unlink("file"), rmdir(scratch_path);
  limit(RLIMIT_FSIZE, 0, 0);
  write(fd, "x", 1);
}
static void sigpending_(void) {
  user();
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  limit(RLIMIT_SIGPENDING, 2, 2);
  union sigval v = {0};
  P(sigqueue(getpid(), SIGRTMIN, v));
  P(sigqueue(getpid(), SIGRTMIN, v));
  P(sigqueue(getpid(), SIGRTMIN, v));
  P(sigqueue(getpid(), SIGUSR1, v));
  P(kill(getpid(), SIGRTMIN));
  timer_t t;
  P(timer_create(CLOCK_MONOTONIC, 0, &t));
}
static void memlock(void) {
  user();
  limit(RLIMIT_MEMLOCK, 8192, 8192);
  char *m = mmap(0, 65536, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  P(mlock(m, 8192));
  P(mlock(m, 65536));
  P(munlock(m, 8192));
  P(mlock(m + 4096, 4096));
  P(mlockall(MCL_CURRENT));
  limit(RLIMIT_MEMLOCK, 0, 0);
  P(mlock(m, 1));
}
static void nice_(void) {
  limit(RLIMIT_NICE, 25, 25);
  user();
  P(setpriority(PRIO_PROCESS, 0, -5));
  P(setpriority(PRIO_PROCESS, 0, -6));
  P(getpriority(PRIO_PROCESS, 0));
}
static void raises(void) {
  user();
  limit(RLIMIT_NOFILE, 10, 20);
  limit(RLIMIT_NOFILE, 20, 20);
  limit(RLIMIT_NOFILE, 10, 21);
  limit(RLIMIT_NOFILE, 21, 20);
}
static void fds_of_exec(void) {
  limit(RLIMIT_STACK, 100000, RLIM_INFINITY);
  execl("/proc/self/exe", "limits", "x", (char *)0);
}

int main(int argc, char **argv) {
  (void)argv;
  struct rlimit l;
  if (argc > 1) {
    getrlimit(RLIMIT_STACK, &l);
    show("kept by execve", "%ld", (long)l.rlim_cur);
    return 0;
  }
  P(getrlimit(99, &l));
  P(setrlimit(99, &l));
  P(getrlimit(RLIMIT_NOFILE, (void *)8));
  P(setrlimit(RLIMIT_NOFILE, (void *)8));
  limit(RLIMIT_CORE, 10, 5);
  P(prlimit(99999999, RLIMIT_CORE, 0, &l));
  P(prlimit(0, 99, 0, &l));
  P(prlimit(getpid(), RLIMIT_CORE, 0, &l));
  P(syscall(SYS_prlimit64, -1, RLIMIT_CORE, 0, &l));
  getrlimit(RLIMIT_STACK, &l);
  show("stack", "%ld", (long)l.rlim_cur);
  getrlimit(RLIMIT_CORE, &l);
  show("core", "%ld", (long)l.rlim_cur);
  in_child("RLIMIT_CPU, hard", cpu_hard);
  in_child("RLIMIT_CPU, soft", cpu_soft);
  in_child("RLIMIT_NPROC", nproc);
  in_child("RLIMIT_NOFILE", nofile);
  in_child("RLIMIT_AS", as);
  in_child("RLIMIT_DATA", data);
  in_child("RLIMIT_STACK, too little", stack);
  in_child("RLIMIT_STACK, enough", stack_enough);
  in_child("RLIMIT_FSIZE", fsize);
  in_child("RLIMIT_FSIZE, signal", fsize_signal);
  in_child("RLIMIT_SIGPENDING", sigpending_);
  in_child("RLIMIT_MEMLOCK", memlock);
  in_child("RLIMIT_NICE", nice_);
  in_child("raising", raises);
  in_child("execve", fds_of_exec);
  // core files
  static const int deadly[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS, SIGTERM};
  scratch();
  for (int size = 0; size < 2; size++)
    for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++) {
      fflush(stdout);
      if (fork() == 0) {
        limit(RLIMIT_CORE, size << 20, size << 20);
        kill(getpid(), deadly[i]);
      }
      wait(&s);
      struct stat st;
      char what[60];
      snprintf(what, sizeof what, "%s with RLIMIT_CORE %d MiB", signame(deadly[i]), size);
      int made = stat("core", &st) == 0;
      show(what, "%s%s, %s", signame(WTERMSIG(s)), WCOREDUMP(s) ? " and a core" : "", made && st.st_size > 4096 ? "a file" : "no file");
      if (made) show("its mode", "%o", st.st_mode);
      unlink("core");
    }
  if (fork() == 0) {
    limit(RLIMIT_CORE, 1 << 20, 1 << 20);
    syscall(SYS_prctl, 4, 0);
    abort();
  }
  wait(&s);
  show("not dumpable", "%s core %d", signame(WTERMSIG(s)), WCOREDUMP(s) != 0);
  if (fork() == 0) {
    limit(RLIMIT_CORE, 8192, 8192);
    abort();
  }
  wait(&s);
  struct stat st;
  yes("cut off at the limit", WCOREDUMP(s) && stat("core", &st) == 0 && st.st_size <= 8192);
  unlink("core");
  symlink("elsewhere", "core");
  if (fork() == 0) {
    limit(RLIMIT_CORE, 1 << 20, 1 << 20);
    abort();
  }
  wait(&s);
  lstat("core", &st);
  show("a link in the way", "core %d, file %d, then %o", WCOREDUMP(s) != 0, access("elsewhere", F_OK) == 0, st.st_mode);
  unlink("core");
  mkdir("core", 0755);
  if (fork() == 0) {
    limit(RLIMIT_CORE, 1 << 20, 1 << 20);
    abort();
  }
  wait(&s);
  show("a directory", "core %d", WCOREDUMP(s) != 0);
  scratch_remove();
  // a child's limits, from outside
  pid_t c = fork();
  if (c == 0) for (;;) pause();
  struct rlimit n = {7, 7}, old;
  P(prlimit(c, RLIMIT_NOFILE, &n, &old));
  P(prlimit(c, RLIMIT_NOFILE, 0, &old));
  show("its limit", "%ld %ld", (long)old.rlim_cur, (long)old.rlim_max);
  kill(c, SIGKILL), waitpid(c, &s, 0);
  // what was used
  struct rusage u;
  P(getrusage(99, &u));
  P(getrusage(RUSAGE_SELF, (void *)8));
  getrusage(RUSAGE_CHILDREN, &u);
  yes("children have used two seconds", u.ru_utime.tv_sec + u.ru_stime.tv_sec >= 1);
  getrusage(RUSAGE_SELF, &u);
  yes("and this process not", u.ru_utime.tv_sec == 0);
  yes("resident memory", u.ru_maxrss > 50);
  yes("page faults", u.ru_minflt > 0);
  getrusage(RUSAGE_THREAD, &u);
  yes("of the thread", u.ru_utime.tv_sec == 0);
  struct tms t;
  yes("times", times(&t) != -1 && t.tms_cutime + t.tms_cstime >= 100 && t.tms_utime < 100);
  P((long)syscall(SYS_times, 8));
  // processor time
  signal(SIGALRM, count);
  int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, -1, -6, -2, 99};
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    int id;
    char what[40];
    snprintf(what, sizeof what, "timer_create on clock %d", clocks[i]);
    if (ok(what, syscall(SYS_timer_create, clocks[i], 0, &id)) == 0) syscall(SYS_timer_delete, id);
    struct timespec ts = {0, 1};
    snprintf(what, sizeof what, "clock_nanosleep on clock %d", clocks[i]);
    if (clocks[i] >= 0 && clocks[i] != 2) ret(what, syscall(SYS_clock_nanosleep, clocks[i], 0, &ts, 0));
  }
  int id;
  struct itimerspec it = {{0, 10000000}, {0, 10000000}}, left;
  P(syscall(SYS_timer_create, CLOCK_PROCESS_CPUTIME_ID, 0, &id) ? -1 : 0);
  hits = 0;
  P(syscall(SYS_timer_settime, id, 0, &it, 0));
  usleep(50000);
  show("asleep", "%d", hits);
  while (hits < 3) {}
  show("at work", "%s", hits >= 3 ? "it expires" : "it does not");
  P(syscall(SYS_timer_gettime, id, &left));
  show("left", "%d, interval %ld", left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 10000000, left.it_interval.tv_nsec);
  P(syscall(SYS_timer_delete, id));
  hits = 0, it.it_interval.tv_nsec = 0;
  P(syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, 0, &id) ? -1 : 0);
  P(syscall(SYS_timer_settime, id, 0, &it, 0));
  while (!hits) {}
  P(syscall(SYS_timer_gettime, id, &left));
  show("once", "%ld", left.it_value.tv_nsec);
  P(syscall(SYS_timer_delete, id));
  struct itimerval v = {{0, 0}, {0, 10000}};
  signal(SIGVTALRM, count), signal(SIGPROF, count);
  hits = 0;
  P(setitimer(ITIMER_VIRTUAL, &v, 0));
  while (!hits) {}
  hits = 0;
  P(setitimer(ITIMER_PROF, &v, 0));
  while (!hits) {}
  c = fork();
  if (c == 0) spin();
  clockid_t clock;
  P(clock_getcpuclockid(c, &clock));
  struct timespec ts = {0, 30000000};
  show("until the child has used so much", "%d", clock_nanosleep(clock, 0, &ts, 0));
  clock_gettime(clock, &ts);
  yes("it has", ts.tv_sec > 0 || ts.tv_nsec >= 30000000);
  kill(c, SIGKILL), waitpid(c, &s, 0);
  P(clock_gettime(clock, &ts));
  ts.tv_sec = 0, ts.tv_nsec = 1000000000;
  show("a bad time", "%s", errname(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, 0)));
}
