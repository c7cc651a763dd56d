// Setting the clock: clock_settime(2), settimeofday(2), adjtimex(2), clock_adjtime(2): arguments, privileges, and what
// descriptors of timers notice. The clock is set to what it is: others use it.
// Not checked: jumps, and what adjtimex changes.
#include "t.h"
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

static long set(clockid_t clock, long sec, long nsec) {
  struct timespec t = {sec, nsec};
  return syscall(SYS_clock_settime, clock, &t);
}
static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return syscall(SYS_clock_settime, CLOCK_REALTIME, &t);
}
static long adjust(unsigned modes, long tick) {
  struct timex t = {.modes = modes, .tick = tick};
  return syscall(SYS_adjtimex, &t) < 0 ? -1 : 0;
}

static void arguments(const char *who) {
  show("who", "%s", who);
  ret("nanoseconds below 0", set(CLOCK_REALTIME, 1, -1));
  ret("too many nanoseconds", set(CLOCK_REALTIME, 1, 1000000000));
  ret("seconds below 0", set(CLOCK_REALTIME, -1, 0));
  ret("far in the future", set(CLOCK_REALTIME, 9223372036 - 946080000, 0));
  ret("no address", syscall(SYS_clock_settime, CLOCK_REALTIME, 8));
  ret("before the machine was started", set(CLOCK_REALTIME, 0, 1000));
  ret("CLOCK_MONOTONIC", set(CLOCK_MONOTONIC, 1, 0));
  ret("CLOCK_BOOTTIME", set(CLOCK_BOOTTIME, 1, 0));
  ret("CLOCK_REALTIME_COARSE", set(CLOCK_REALTIME_COARSE, 1, 0));
  ret("CLOCK_PROCESS_CPUTIME_ID", set(CLOCK_PROCESS_CPUTIME_ID, 1, 0));
  ret("CLOCK_THREAD_CPUTIME_ID", set(CLOCK_THREAD_CPUTIME_ID, 1, 0));
  ret("a clock that is none", set(55, 1, 0));
  struct timeval tv = {1, 1000001};
  ret("too many microseconds", syscall(SYS_settimeofday, &tv, 0));
  tv.tv_usec = -1;
  ret("microseconds below 0", syscall(SYS_settimeofday, &tv, 0));
  tv = (struct timeval){-1, 0};
  ret("seconds below 0", syscall(SYS_settimeofday, &tv, 0));
  ret("no address", syscall(SYS_settimeofday, 8, 0));
  ret("no address of a zone", syscall(SYS_settimeofday, 0, 8));
  int zone[2] = {16 * 60, 0};
  ret("a zone that is none", syscall(SYS_settimeofday, 0, zone));
  ret("nothing", syscall(SYS_settimeofday, 0, 0));
  ret("set to what it is", now());
  ret("ADJ_TICK, too small", adjust(ADJ_TICK, 8999));
  ret("ADJ_TICK, too large", adjust(ADJ_TICK, 11001));
  ret("ADJ_SETOFFSET, too much", ({
        struct timex t = {.modes = ADJ_SETOFFSET};
        t.time.tv_usec = 1000000;
        syscall(SYS_adjtimex, &t);
      }));
  ret("nothing but read", adjust(0, 0));
  ret("ADJ_OFFSET_SS_READ", adjust(0xa001, 0));
  ret("adjtime without an offset", adjust(0x8000, 0));
  ret("no address", syscall(SYS_adjtimex, 8));
  struct timex t = {0};
  yes("clock_adjtime", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &t) >= 0);
  ret("of CLOCK_MONOTONIC", syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &t));
  ret("of no clock", syscall(SYS_clock_adjtime, 55, &t));
  yes("the time it says", labs((long)t.time.tv_sec - (long)time(0)) <= 1);
}

static void descriptor(const char *what, clockid_t clock, int flags) {
  struct itimerspec far = {{0, 0}, {0, 0}};
  clock_gettime(clock, &far.it_value);
  far.it_value.tv_sec += flags & TFD_TIMER_ABSTIME ? 1000 : 0;
  if (!(flags & TFD_TIMER_ABSTIME)) far.it_value.tv_sec = 1000;
  int fd = timerfd_create(clock, TFD_NONBLOCK);
  ret(what, timerfd_settime(fd, flags, &far, 0));
  ret("set the clock", now());
  struct pollfd p = {fd, POLLIN, 0};
  ret("is there something to read", poll(&p, 1, 0));
  uint64_t expirations;
  ssize_t n = read(fd, &expirations, 8);
  show("read", "%s", n == 8 ? "8" : errno == ECANCELED ? "ECANCELED" : errname(errno));
  n = read(fd, &expirations, 8);
  show("again", "%s", n == 8 ? "8" : errno == ECANCELED ? "ECANCELED" : errname(errno));
  close(fd);
}

int main(void) {
  arguments("root");
  descriptor("CLOCK_REALTIME, cancelled", CLOCK_REALTIME, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
  descriptor("not asked for", CLOCK_REALTIME, TFD_TIMER_ABSTIME);
  descriptor("relative", CLOCK_REALTIME, TFD_TIMER_CANCEL_ON_SET);
  descriptor("CLOCK_MONOTONIC", CLOCK_MONOTONIC, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
  if (fork() == 0) {
    if (setgid(1000) || setuid(1000)) return 1;
    arguments("a user");
    return 0;
  }
  wait(0);
  return 0;
}
