// Clocks, sleeping, alarm(2), setitimer, timer_create, times, getrusage: what they promise, without printing times.
#include "t.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
static volatile int hits;
static void handler(int n) { hits++; (void)n; }
static long ms(int clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static void between(const char *what, long value, long low, long high) {
  if (value >= low && value <= high) show(what, "in [%ld, %ld]", low, high);
  else show(what, "%ld, not in [%ld, %ld]", value, low, high);
}
static void burn(int for_ms) {
  long end = ms(CLOCK_PROCESS_CPUTIME_ID) + for_ms;
  while (ms(CLOCK_PROCESS_CPUTIME_ID) < end) {}
}

int main(void) {
  static const struct { int id; const char *name; } clocks[] = {{0, "REALTIME"}, {1, "MONOTONIC"}, {2, "PROCESS_CPUTIME"}, {3, "THREAD_CPUTIME"}, {4, "MONOTONIC_RAW"}, {5, "REALTIME_COARSE"}, {6, "MONOTONIC_COARSE"}, {7, "BOOTTIME"}};
  struct timespec t, u;
  for (int i = 0; i < 8; i++) {
    ret(clocks[i].name, clock_gettime(clocks[i].id, &t));
    clock_gettime(clocks[i].id, &u);
    yes("  does not go back", u.tv_sec > t.tv_sec || (u.tv_sec == t.tv_sec && u.tv_nsec >= t.tv_nsec));
    yes("  nanoseconds in range", t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
  }
  ret("unknown clock", clock_gettime(99, &t));
  ret("clock_getres", clock_getres(CLOCK_MONOTONIC, &t));
  show("resolution", "%ld.%09ld", (long)t.tv_sec, t.tv_nsec);
  struct timeval tv;
  ret("gettimeofday", gettimeofday(&tv, 0));
  yes("time and gettimeofday agree", labs((long)(time(0) - tv.tv_sec)) <= 1);
  yes("it is after 2020", tv.tv_sec > 1577836800);

  long start = ms(CLOCK_MONOTONIC);
  struct timespec fifty = {0, 50000000};
  ret("nanosleep", nanosleep(&fifty, 0));
  between("  took", ms(CLOCK_MONOTONIC) - start, 50, 1000);
  start = ms(CLOCK_MONOTONIC);
  ret("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &fifty, 0));
  between("  took", ms(CLOCK_MONOTONIC) - start, 50, 1000);
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_nsec += 40000000;
  if (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, t.tv_sec++;
  start = ms(CLOCK_MONOTONIC);
  ret("until a moment", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0));
  between("  took", ms(CLOCK_MONOTONIC) - start, 39, 1000);
  ret("until a moment gone", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0));
  t.tv_nsec = 1000000000;
  ret("bad nanoseconds", nanosleep(&t, 0));
  t.tv_nsec = 0;
  t.tv_sec = -1;
  ret("negative seconds", nanosleep(&t, 0));
  show("thread clock cannot sleep", "%s", errname(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &fifty, 0)));
  long cpu = ms(CLOCK_PROCESS_CPUTIME_ID);
  nanosleep(&fifty, 0);
  between("sleeping uses no processor time", ms(CLOCK_PROCESS_CPUTIME_ID) - cpu, 0, 20);

  struct sigaction a = {0};
  a.sa_handler = handler;
  sigaction(SIGALRM, &a, 0);
  sigaction(SIGVTALRM, &a, 0);
  sigaction(SIGPROF, &a, 0);
  ret("alarm", alarm(100));
  between("remaining", alarm(0), 99, 100);
  ret("none left", alarm(0));
  start = ms(CLOCK_MONOTONIC);
  alarm(1);
  ret("pause", pause());
  between("  took", ms(CLOCK_MONOTONIC) - start, 990, 2500);
  show("handler", "%d", hits);
  struct itimerval it = {{0, 20000}, {0, 30000}}, old;
  hits = 0;
  ret("setitimer", setitimer(ITIMER_REAL, &it, 0));
  while (hits < 5) pause();
  ret("getitimer", getitimer(ITIMER_REAL, &old));
  show("interval", "%ld.%06ld", (long)old.it_interval.tv_sec, (long)old.it_interval.tv_usec);
  between("value", old.it_value.tv_usec, 1, 20000);
  memset(&it, 0, sizeof it);
  ret("stop", setitimer(ITIMER_REAL, &it, &old));
  getitimer(ITIMER_REAL, &old);
  show("stopped", "%ld.%06ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
  it.it_value.tv_usec = 1000000;
  ret("bad microseconds", setitimer(ITIMER_REAL, &it, 0));
  ret("bad timer", setitimer(9, &it, 0));
  it.it_value.tv_usec = 10000;
  hits = 0;
  ret("ITIMER_VIRTUAL", setitimer(ITIMER_VIRTUAL, &it, 0));
  while (!hits) {}
  show("it comes while computing", "%d", hits);
  hits = 0;
  ret("ITIMER_PROF", setitimer(ITIMER_PROF, &it, 0));
  while (!hits) {}
  show("it comes while computing", "%d", hits);
  it.it_value.tv_usec = 0;
  it.it_value.tv_sec = 100;
  setitimer(ITIMER_REAL, &it, 0);
  if (fork() == 0) {
    getitimer(ITIMER_REAL, &old);
    show("a timer is not inherited", "%ld", (long)old.it_value.tv_sec);
    exit(0);
  }
  wait(0);
  alarm(0);
  ret("ualarm", ualarm(30000, 0));
  ret("interrupts a sleep", (t.tv_sec = 5, t.tv_nsec = 0, nanosleep(&t, &u)));
  between("left", u.tv_sec, 4, 4);
  int s;
  pid_t child = fork();
  if (child == 0) {
    signal(SIGALRM, SIG_DFL);
    ualarm(20000, 0);
    for (;;) {}
  }
  waitpid(child, &s, 0);
  status("a loop ended by an alarm", s);
  child = fork();
  if (child == 0) {
    struct rlimit limit = {1, 2};
    setrlimit(RLIMIT_CPU, &limit);
    for (;;) {}
  }
  waitpid(child, &s, 0);
  status("RLIMIT_CPU", s);

  timer_t timer;
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  sigaction(SIGUSR1, &a, 0);
  hits = 0;
  ret("timer_create", timer_create(CLOCK_MONOTONIC, &ev, &timer));
  struct itimerspec spec = {{0, 10000000}, {0, 10000000}};
  ret("timer_settime", timer_settime(timer, 0, &spec, 0));
  while (hits < 3) pause();
  show("ticks", "%d", hits);
  ret("timer_delete", timer_delete(timer));
  ret("deleted", syscall(SYS_timer_delete, timer));

  struct rusage before, after;
  ret("getrusage", getrusage(RUSAGE_SELF, &before));
  burn(50);
  getrusage(RUSAGE_SELF, &after);
  long used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000 +
              (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1000;
  between("processor time", used, 40, 1000);
  yes("memory used", after.ru_maxrss >= 20);
  ret("bad who", getrusage(7, &after));
  struct tms tms;
  yes("times", times(&tms) > 0);
  between("its user and system time", (long)(tms.tms_utime + tms.tms_stime), 4, 1000);
  if (fork() == 0) {
    burn(60);
    _exit(0);
  }
  wait(0);
  times(&tms);
  between("time of children", (long)(tms.tms_cutime + tms.tms_cstime), 5, 10000);
  getrusage(RUSAGE_CHILDREN, &after);
  yes("and in getrusage", after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec + after.ru_stime.tv_sec * 1000000 + after.ru_stime.tv_usec > 50000);
  return 0;
}
