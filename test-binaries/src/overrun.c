// POSIX timers whose signals wait: how many expirations a signal stands for, timers that are set anew or deleted meanwhile,
// signals that are ignored for a while or pending from elsewhere, who gets them. timer_getoverrun(2), timer_create(2).
// Not checked: timers on other processes' time, DELAYTIMER_MAX.
#include "t.h"
#include <pthread.h>

static volatile int signals, overruns, code;
static volatile pthread_t receiver;

static void handler(int n, siginfo_t *info, void *context) {
  (void)n;
  (void)context;
  signals++;
  code = info->si_code;
  if (info->si_code == SI_TIMER) overruns += info->si_overrun;
  receiver = pthread_self();
}

static void block(int how, int n) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, n);
  sigprocmask(how, &set, 0);
}

static timer_t make(clockid_t clock, int notify, int n) {
  timer_t id;
  struct sigevent event = {.sigev_notify = notify, .sigev_signo = n};
  if (timer_create(clock, &event, &id)) exit(1);
  return id;
}

// Milliseconds.
static void set(timer_t id, int first, int interval) {
  struct itimerspec t = {{interval / 1000, interval % 1000 * 1000000L}, {first / 1000, first % 1000 * 1000000L}};
  timer_settime(id, 0, &t, 0);
}

static void report(const char *what, timer_t id) {
  // A machine with much to do is late.
  const char *text = overruns == 0 ? "none" : overruns >= 4 && overruns <= 7 ? "some" : "wrong";
  show(what, "%d signals, overruns: %s, the same by timer_getoverrun: %s", signals, text, timer_getoverrun(id) == overruns ? "yes" : "no");
  signals = overruns = 0;
}

static void *other(void *arg) {
  msleep(50);
  timer_t id = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
  set(id, 5, 5);
  while (signals < 5) {}
  timer_delete(id);
  *(int *)arg = pthread_equal(receiver, pthread_self());
  return 0;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, 0);
  sigaction(SIGRTMIN, &action, 0);
  for (int n = SIGUSR1;; n = SIGRTMIN) {
    show("signal", "%s", n == SIGUSR1 ? "SIGUSR1" : "SIGRTMIN");
    block(SIG_BLOCK, n);
    timer_t id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, n);
    set(id, 100, 100);
    msleep(550);
    show("while it waits", "%d", timer_getoverrun(id));
    block(SIG_UNBLOCK, n);
    report("blocked", id);
    set(id, 0, 0);
    block(SIG_BLOCK, n);
    set(id, 100, 100);
    msleep(250);
    set(id, 10000, 0);
    block(SIG_UNBLOCK, n);
    report("set anew", id);
    block(SIG_BLOCK, n);
    set(id, 20, 0);
    msleep(60);
    set(id, 0, 0);
    block(SIG_UNBLOCK, n);
    report("disarmed", id);
    block(SIG_BLOCK, n);
    set(id, 100, 100);
    msleep(250);
    signal(n, SIG_IGN);
    msleep(200);
    sigaction(n, &action, 0);
    msleep(100);
    block(SIG_UNBLOCK, n);
    report("ignored for a while", id);
    set(id, 0, 0);
    block(SIG_BLOCK, n);
    set(id, 20, 0);
    msleep(60);
    signal(n, SIG_IGN);
    sigaction(n, &action, 0);
    block(SIG_UNBLOCK, n);
    report("once, and ignored", id);
    block(SIG_BLOCK, n);
    kill(getpid(), n);
    set(id, 20, 0);
    msleep(60);
    block(SIG_UNBLOCK, n);
    report("with one from elsewhere", id);
    block(SIG_BLOCK, n);
    set(id, 20, 0);
    msleep(60);
    timer_delete(id);
    block(SIG_UNBLOCK, n);
    show("deleted", "%d", signals);
    signals = 0;
    block(SIG_BLOCK, n);
    timer_t a = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, n), b = make(CLOCK_REALTIME, SIGEV_SIGNAL, n);
    set(a, 20, 0);
    set(b, 30, 0);
    msleep(80);
    block(SIG_UNBLOCK, n);
    report("two timers", a);
    timer_delete(a);
    timer_delete(b);
    if (n != SIGUSR1) break;
  }
  timer_t none = make(CLOCK_MONOTONIC, SIGEV_NONE, 0);
  set(none, 20, 20);
  msleep(70);
  struct itimerspec t;
  timer_gettime(none, &t);
  yes("without a signal it goes on", t.it_value.tv_nsec > 0 && t.it_value.tv_nsec <= 20000000);
  timer_t busy = make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
  set(busy, 20, 0);
  while (signals == 0) {}
  report("processor time", busy);
  pthread_t thread;
  int own = 0;
  pthread_create(&thread, 0, other, &own);
  pthread_join(thread, 0);
  yes("the thread that runs gets it", own);
  return 0;
}
