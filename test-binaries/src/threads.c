// Threads by the libc: 32 at once over mutexes, condition variables, barriers, reader-writer locks, semaphores, spin
// locks, thread-specific data, cancellation; signals at threads and storms of them in blocking calls; fork and execve in
// programs with threads; what ends a thread and what the process. Not checked: fairness, stacks' sizes, priorities.
#include "t.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
enum { N = 32, ROUNDS = 200 };
#define P(x) ret(#x, (x))
static pthread_t t[N];
static void all(void *(*f)(void *)) {
  for (long i = 0; i < N; i++)
    if (pthread_create(&t[i], 0, f, (void *)i)) show("pthread_create", "failed");
}
static long joined(void) {
  long sum = 0;
  for (int i = 0; i < N; i++) {
    void *r;
    pthread_join(t[i], &r);
    sum += (long)r;
  }
  return sum;
}
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static sem_t sem;
static long counter, data[2];
static atomic_long atomic;
static void *adds(void *p) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&mutex);
    long v = counter;
    if (i % 16 == 0) sched_yield();
    counter = v + 1;
    pthread_mutex_unlock(&mutex);
    atomic++;
  }
  return p;
}
static void *spins(void *p) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_spin_lock(&spin);
    counter++;
    pthread_spin_unlock(&spin);
  }
  return p;
}
static long turn;
static void *turns(void *p) {
  for (int round = 0; round < 4; round++) {
    pthread_mutex_lock(&mutex);
    while (turn != (long)p + N * round) pthread_cond_wait(&cond, &mutex);
    turn++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
  }
  return p;
}
static atomic_long serial, wrong, phase;
static void *meets(void *p) {
  for (int i = 0; i < 10; i++) {
    phase++;
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serial++;
    if (phase != N * (i + 1)) wrong++;
    pthread_barrier_wait(&barrier);
  }
  return p;
}
static void *reads_writes(void *p) {
  for (int i = 0; i < ROUNDS; i++) {
    if (i % 8 == (long)p % 8) {
      pthread_rwlock_wrlock(&rw);
      data[0]++;
      if (i % 32 == 0) sched_yield();
      data[1]++;
      pthread_rwlock_unlock(&rw);
    } else {
      pthread_rwlock_rdlock(&rw);
      if (data[0] != data[1]) wrong++;
      pthread_rwlock_unlock(&rw);
    }
  }
  return p;
}
static atomic_long inside, most;
static void *three(void *p) {
  for (int i = 0; i < 20; i++) {
    sem_wait(&sem);
    long n = ++inside;
    if (n > most) most = n;
    sched_yield();
    inside--;
    sem_post(&sem);
  }
  return p;
}
static pthread_key_t key;
static atomic_long destroyed;
static void destroys(void *p) { destroyed += (long)p; }
static pthread_once_t once = PTHREAD_ONCE_INIT;
static long onces;
static void first(void) { onces++; }
static __thread long local = 5;
static void *own(void *p) {
  pthread_once(&once, first);
  pthread_setspecific(key, (void *)((long)p + 1));
  local += (long)p;
  sched_yield();
  if ((long)pthread_getspecific(key) != (long)p + 1 || local != 5 + (long)p) wrong++;
  return p;
}
static atomic_long cleaned, ready;
static void cleans(void *p) { cleaned += (long)p; }
static void *cancelled(void *p) {
  pthread_cleanup_push(cleans, p);
  ready++;
  switch ((long)p % 4) {
    case 0: for (;;) pause();
    case 1: for (;;) sleep(100);
    case 2: { int pipes[2]; pipe(pipes); char c; read(pipes[0], &c, 1); break; }
    default: for (;;) { pthread_testcancel(); sched_yield(); }
  }
  pthread_cleanup_pop(0);
  return 0;
}
static void unlocks(void *p) { pthread_mutex_unlock(p); }
static void *in_cond(void *p) {
  pthread_mutex_lock(&other);
  pthread_cleanup_push(unlocks, &other);
  ready++;
  for (;;) pthread_cond_wait(&cond, &other);
  pthread_cleanup_pop(1);
  return p;
}
static void *refuses(void *p) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, 0);
  ready++;
  msleep(30);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, 0);
  pthread_testcancel();
  return p;
}
static void *computes(void *p) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
  ready++;
  for (;;) {}
  return p;
}
static atomic_long signals, elsewhere;
static __thread int mine;
static void handler(int n) {
  (void)n;
  signals++;
  if (!mine) elsewhere++;
}
static volatile int stop;
static int storm[2];
static void *blocks(void *p) {
  mine = 1;
  ready++;
  long got = 0;
  char c;
  while (got < 50) {
    ssize_t r = read(storm[0], &c, 1);
    if (r == 1) got++;
    else if (r < 0 && errno != EINTR) return (void *)1000;
  }
  (void)p;
  return (void *)got;
}
static void *sleeps_through(void *p) {
  mine = 1;
  ready++;
  struct timespec ts = {0, 100000000};
  while (nanosleep(&ts, &ts) && errno == EINTR) {}
  return p;
}
static void *waits_for_stop(void *p) {
  while (!stop) msleep(5);
  return p;
}
static void *exits_process(void *p) { (void)p; _exit(9); }
static void *executes(void *p) {
  (void)p;
  execl("/proc/self/exe", "threads", "x", (char *)0);
  return 0;
}
static void *forks(void *p) {
  for (int i = 0; i < 3; i++) {
    pid_t c = fork();
    if (c == 0) _exit(pthread_mutex_trylock(&mutex) ? 1 : 0);
    int s;
    waitpid(c, &s, 0);
    if (!WIFEXITED(s)) wrong++;
  }
  return p;
}
static int prepared, parents, children;
static void prepare(void) { prepared++; }
static void in_parent(void) { parents++; }
static void in_child(void) { children++; }

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    yes("a thread that calls execve becomes the leader", syscall(SYS_gettid) == getpid());
    return 4;
  }
  all(adds);
  show("all have ended", "%ld", joined());
  show("mutex", "%ld, atomic %ld", counter, (long)atomic);
  counter = 0;
  pthread_spin_init(&spin, 0);
  all(spins), joined();
  show("spin lock", "%ld", counter);
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t m;
  pthread_mutex_init(&m, &a);
  pthread_mutex_lock(&m);
  show("errorcheck, again", "%s", errname(pthread_mutex_lock(&m)));
  pthread_mutex_unlock(&m);
  show("errorcheck, not locked", "%s", errname(pthread_mutex_unlock(&m)));
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&m, &a);
  show("recursive", "%d %d %d", pthread_mutex_lock(&m), pthread_mutex_lock(&m), pthread_mutex_trylock(&m));
  struct timespec past = {1, 0};
  pthread_mutex_lock(&mutex);
  show("timedlock", "%s", errname(pthread_mutex_timedlock(&mutex, &past)));
  show("trylock", "%s", errname(pthread_mutex_trylock(&mutex)));
  show("cond_timedwait", "%s", errname(pthread_cond_timedwait(&cond, &mutex, &past)));
  pthread_mutex_unlock(&mutex);
  all(turns), joined();
  show("turns by a condition variable", "%ld", turn);
  pthread_barrier_init(&barrier, 0, N);
  all(meets), joined();
  show("barrier", "serial %ld wrong %ld", (long)serial, (long)wrong);
  all(reads_writes), joined();
  show("reader-writer lock", "%ld %ld wrong %ld", data[0], data[1], (long)wrong);
  pthread_rwlock_rdlock(&rw);
  show("two readers", "%d", pthread_rwlock_tryrdlock(&rw));
  show("no writer", "%s", errname(pthread_rwlock_trywrlock(&rw)));
  pthread_rwlock_unlock(&rw), pthread_rwlock_unlock(&rw);
  sem_init(&sem, 0, 3);
  all(three), joined();
  yes("semaphore of three", most >= 1 && most <= 3);
  int value;
  sem_getvalue(&sem, &value);
  show("its value", "%d", value);
  sem_init(&sem, 0, 0);
  ret("sem_trywait", sem_trywait(&sem));
  ret("sem_timedwait", sem_timedwait(&sem, &past));
  pthread_key_create(&key, destroys);
  all(own), joined();
  show("own data", "wrong %ld destroyed %ld once %ld", (long)wrong, (long)destroyed, onces);
  // cancellation
  all(cancelled);
  while (ready < N) msleep(1);
  msleep(20);
  for (int i = 0; i < N; i++) pthread_cancel(t[i]);
  long n = 0;
  for (int i = 0; i < N; i++) {
    void *r;
    pthread_join(t[i], &r);
    n += r == PTHREAD_CANCELED;
  }
  show("cancelled", "%ld cleaned %ld", n, (long)cleaned);
  ready = 0;
  for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, in_cond, 0);
  while (ready < 8) msleep(1);
  for (n = 0; n < 8; n++) pthread_cancel(t[n]);
  for (int i = 0; i < 8; i++) pthread_join(t[i], 0);
  show("cancelled in cond_wait: the mutex is free", "%d", pthread_mutex_trylock(&other));
  void *r;
  pthread_create(&t[0], 0, refuses, 0), pthread_cancel(t[0]), pthread_join(t[0], &r);
  yes("disabled until enabled", r == PTHREAD_CANCELED);
  pthread_create(&t[0], 0, computes, 0);
  msleep(20);
  pthread_cancel(t[0]), pthread_join(t[0], &r);
  yes("asynchronous", r == PTHREAD_CANCELED);
  // signals
  struct sigaction sa = {0};
  sa.sa_handler = handler;
  sigaction(SIGUSR1, &sa, 0);
  pipe(storm);
  ready = 0;
  for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, blocks, 0);
  while (ready < 8) msleep(1);
  for (int i = 0; i < 400; i++) {
    pthread_kill(t[i % 8], SIGUSR1);
    write(storm[1], "x", 1);
    if (i % 16 == 0) sched_yield();
  }
  n = 0;
  for (int i = 0; i < 8; i++) pthread_join(t[i], &r), n += (long)r;
  show("a storm of signals in read", "%ld bytes, at other threads %ld", n, (long)elsewhere);
  yes("signals were handled", signals > 0);
  ready = 0;
  all(sleeps_through);
  while (ready < N) msleep(1);
  for (int i = 0; i < 100; i++) pthread_kill(t[i % N], SIGUSR1);
  show("and in nanosleep", "%ld", joined());
  ret("at a bad signal", pthread_kill(pthread_self(), 999));
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, 0);
  kill(getpid(), SIGUSR2);
  int got = 0;
  sigwait(&set, &got);
  show("sigwait", "%s", signame(got));
  pthread_sigmask(SIG_UNBLOCK, &set, 0);
  // fork, exit, execve
  pthread_atfork(prepare, in_parent, in_child);
  int s;
  pthread_create(&t[0], 0, waits_for_stop, 0);
  if (fork() == 0) _exit(children * 16 + prepared);
  wait(&s);
  status("fork in a program with threads", s);
  show("atfork", "%d %d %d", prepared, parents, children);
  stop = 1;
  pthread_join(t[0], 0);
  wrong = 0;
  all(forks), joined();
  show("32 threads that fork", "wrong %ld", (long)wrong);
  stop = 0;
  fflush(stdout);
  if (fork() == 0) {
    pthread_create(&t[0], 0, waits_for_stop, 0);
    pthread_create(&t[1], 0, exits_process, 0);
    for (;;) pause();
  }
  wait(&s);
  status("a thread ends the process", s);
  if (fork() == 0) {
    pthread_create(&t[0], 0, waits_for_stop, 0);
    pthread_create(&t[1], 0, executes, 0);
    for (;;) pause();
  }
  wait(&s);
  status("a thread becomes another program", s);
  if (fork() == 0) {
    stop = 0;
    pthread_create(&t[0], 0, sleeps_through, (void *)0);
    syscall(SYS_exit, 3);
  }
  wait(&s);
  status("the leader ends before its thread", s);
  if (fork() == 0) {
    for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, waits_for_stop, 0);
    raise(SIGKILL);
  }
  wait(&s);
  status("SIGKILL takes all", s);
  // shared between processes
  struct { pthread_mutex_t m; pthread_cond_t c; int n; } *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_condattr_t ca;
  pthread_condattr_init(&ca), pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&p->c, &ca);
  pthread_mutexattr_init(&a), pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&p->m, &a);
  pid_t c = fork();
  if (c == 0) {
    for (int i = 0; i < 100; i++) pthread_mutex_lock(&p->m), p->n++, pthread_mutex_unlock(&p->m);
    pthread_mutex_lock(&p->m);
    p->n++;
    pthread_cond_signal(&p->c);
    _exit(0);
  }
  for (int i = 0; i < 100; i++) pthread_mutex_lock(&p->m), p->n++, pthread_mutex_unlock(&p->m);
  waitpid(c, &s, 0);
  show("a lock of the dead", "%s", pthread_mutex_lock(&p->m) == 130 ? "EOWNERDEAD" : "none");
  show("what both counted", "%d", p->n);
  show("made whole", "%d %d %d", pthread_mutex_consistent(&p->m), pthread_mutex_unlock(&p->m), pthread_mutex_trylock(&p->m));
  pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
  show("with priorities", "%d", pthread_mutex_init(&p->m, &a));
  c = fork();
  if (c == 0) {
    pthread_mutex_lock(&p->m);
    msleep(50);
    p->n++;
    _exit(0);
  }
  msleep(20);
  show("waits, and its owner dies", "%s", pthread_mutex_lock(&p->m) == 130 ? "EOWNERDEAD" : "none");
  show("after that", "%d", p->n);
  waitpid(c, &s, 0);
  // names and numbers
  prctl(PR_SET_NAME, "a thread's name");
  char name[32] = "";
  FILE *f = fopen("/proc/self/comm", "r");
  fgets(name, sizeof name, f);
  show("comm", "%s", strtok(name, "\n"));
  pthread_attr_t at;
  pthread_attr_init(&at);
  pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
  show("stack too small", "%s", errname(pthread_attr_setstacksize(&at, 100)));
  show("detached", "%d", pthread_create(&t[0], &at, own, 0));
  msleep(20);
}
