// futex(2) with all its operations and errors, locks with owners, robust lists, futex_waitv and its kin, rseq,
// membarrier, get_robust_list. Not checked: lending of priorities, more than a few waiters, NUMA flags.
#include "t.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <sys/mman.h>
enum { WAIT, WAKE, FD, REQUEUE, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, WAKE_BITSET,
  WAIT_REQUEUE_PI, CMP_REQUEUE_PI, LOCK_PI2, PRIVATE = 128, REALTIME = 256 };
#define futex(...) syscall(SYS_futex, __VA_ARGS__)
#define P(x) ret(#x, (x))
#define OP(op, oparg, cmp, cmparg) (((op) << 28) | ((cmp) << 24) | (((oparg)&0xfff) << 12) | ((cmparg)&0xfff))
static unsigned f, g, *shared;
static struct timespec ms1 = {0, 1000000};
static unsigned tid(void) { return (unsigned)syscall(SYS_gettid); }
static void word(const char *what, unsigned v) {
  unsigned t = v & 0x3fffffff;
  show(what, "%s%s%s", t == 0 ? "nobody" : t == tid() ? "me" : "another", v & 0x80000000 ? ", waiters" : "", v & 0x40000000 ? ", died" : "");
}
static atomic_int ready;
struct waiter { int op; unsigned mask; long result; int error; pthread_t thread; };
static void *waits(void *p) {
  struct waiter *w = p;
  ready++;
  errno = 0;
  w->result = futex(&f, w->op, f, 0, 0, w->mask);
  w->error = errno;
  return 0;
}
static void start(struct waiter *w, int op, unsigned mask) {
  w->op = op, w->mask = mask;
  int before = ready;
  pthread_create(&w->thread, 0, waits, w);
  while (ready == before) sched_yield();
  msleep(10);
}
static void *locks(void *p) {
  ready++;
  long r = futex(&g, LOCK_PI, 0, 0, 0, 0);
  *(unsigned *)p = g;
  ret("the waiter gets the lock", r);
  word("and owns it", g);
  ret("unlocks it", futex(&g, UNLOCK_PI, 0, 0, 0, 0));
  return 0;
}
static void *requeued(void *p) {
  (void)p;
  ready++;
  ret("FUTEX_WAIT_REQUEUE_PI", futex(&f, WAIT_REQUEUE_PI, f, 0, &g, 0));
  word("has the lock", g);
  ret("unlock", futex(&g, UNLOCK_PI, 0, 0, 0, 0));
  return 0;
}
struct waitv { uint64_t val, addr; unsigned flags, reserved; };
static struct waitv w2[2];
static void *waitsv(void *p) {
  (void)p;
  ready++;
  ret("futex_waitv is woken", syscall(449, w2, 2, 0, 0, 0));
  return 0;
}
struct robust { struct robust *next; };
static struct { struct robust *head; long offset; struct robust *pending; } head;
static struct { struct robust link; unsigned word; } lock;
static void *dies(void *p) {
  (void)p;
  head.head = &lock.link, lock.link.next = (void *)&head, head.offset = (char *)&lock.word - (char *)&lock.link;
  syscall(SYS_set_robust_list, &head, 24);
  lock.word = tid();
  syscall(SYS_exit, 0);
  return 0;
}
static char area[64] __attribute__((aligned(32)));

int main(void) {
  // arguments
  P(futex(&f, WAIT, 1, 0, 0, 0));
  P(futex(&f, WAIT, 0, &ms1, 0, 0));
  P(futex(&f, WAIT | PRIVATE, 0, &ms1, 0, 0));
  P(futex(&f, WAIT | REALTIME, 0, &ms1, 0, 0));
  P(futex(&f, WAKE | REALTIME, 0, 0, 0, 0));
  P(futex(&f, 99, 1, 0, 0, 0));
  P(futex(&f, FD, 1, 0, 0, 0));
  P(futex((char *)&f + 1, WAKE, 1, 0, 0, 0));
  P(futex((char *)&f + 1, WAIT, 0, &ms1, 0, 0));
  P(futex((void *)-8, WAKE, 1, 0, 0, 0));
  P(futex(0, WAKE, 1, 0, 0, 0));
  P(futex(0, WAKE | PRIVATE, 1, 0, 0, 0));
  P(futex(0, WAIT | PRIVATE, 0, &ms1, 0, 0));
  struct timespec bad = {0, 1000000000};
  P(futex(&f, WAIT, 0, &bad, 0, 0));
  bad.tv_nsec = 0, bad.tv_sec = -1;
  P(futex(&f, WAIT, 0, &bad, 0, 0));
  P(futex(&f, WAIT, 0, (void *)8, 0, 0));
  P(futex(&f, WAIT_BITSET, 0, &ms1, 0, 0));
  P(futex(&f, WAIT_BITSET, 0, &ms1, 0, 1));
  P(futex(&f, WAIT_BITSET | REALTIME, 0, &ms1, 0, 1));
  P(futex(&f, WAKE_BITSET, 1, 0, 0, 0));
  P(futex(&f, WAKE_BITSET, 1, 0, 0, 1));
  P(futex(&f, REQUEUE, -1, 1, &g, 0));
  P(futex(&f, REQUEUE, 1, -1, &g, 0));
  P(futex(&f, REQUEUE, 1, 1, &f, 0));
  P(futex(&f, CMP_REQUEUE, 1, 1, &g, 1));
  // the second word of FUTEX_WAKE_OP
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(1, 5, 0, 0)));
  show("add", "%u", g);
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(0, 6, 0, 0)));
  show("set", "%u", g);
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(2, 9, 0, 0)));
  show("or", "%u", g);
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(3, 3, 0, 0)));
  show("andn", "%u", g);
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(4, 0xfff, 0, 0)));
  show("xor of -1", "%d", (int)g);
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(8u, 4, 0, 0)));
  show("set 1 << 4", "%u", g);
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(7, 0, 0, 0)));
  P(futex(&f, WAKE_OP, 1, 1, &g, OP(0, 3, 9, 0)));
  show("done nevertheless", "%u", g);
  P(futex(&f, WAKE_OP, 1, 1, 8, OP(0, 3, 0, 0)));
  // waiters
  struct waiter w[4];
  g = 0;
  start(&w[0], WAIT, 0);
  ret("wake one of one", futex(&f, WAKE, 10, 0, 0, 0));
  pthread_join(w[0].thread, 0);
  show("its result", "%ld", w[0].result);
  for (int i = 0; i < 4; i++) start(&w[i], WAIT_BITSET, 1u << i);
  ret("by bitset", futex(&f, WAKE_BITSET, 10, 0, 0, 0xa));
  pthread_join(w[1].thread, 0), pthread_join(w[3].thread, 0);
  ret("by another", futex(&f, WAKE_BITSET, 10, 0, 0, 0x2));
  ret("count 0 wakes one", futex(&f, WAKE, 0, 0, 0, 0));
  ret("the rest", futex(&f, WAKE, 10, 0, 0, 0));
  pthread_join(w[0].thread, 0), pthread_join(w[2].thread, 0);
  for (int i = 0; i < 4; i++) start(&w[i], WAIT, 0);
  ret("FUTEX_CMP_REQUEUE: one woken, two moved", futex(&f, CMP_REQUEUE, 1, 2, &g, f));
  ret("woken where they were moved", futex(&g, WAKE, 10, 0, 0, 0));
  ret("left where it was", futex(&f, WAKE, 10, 0, 0, 0));
  for (int i = 0; i < 4; i++) pthread_join(w[i].thread, 0);
  start(&w[0], WAIT, 0);
  g = 7;
  ret("FUTEX_WAKE_OP wakes at the first", futex(&f, WAKE_OP, 1, 1, &g, OP(1, 1, 0, 3)));
  pthread_join(w[0].thread, 0);
  start(&w[0], WAIT, 0);
  g = 0;
  ret("and, if so, at the second", futex(&g, WAKE_OP, 1, 1, &f, OP(1, 1, 0, 0)));
  pthread_join(w[0].thread, 0);
  f = 0;
  // between processes
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  if (child == 0) _exit(futex(shared, WAIT, 0, 0, 0, 0) ? 1 : 0);
  msleep(30);
  ret("private does not find it", futex(shared, WAKE | PRIVATE, 1, 0, 0, 0));
  ret("shared does", futex(shared, WAKE, 1, 0, 0, 0));
  int s;
  waitpid(child, &s, 0);
  status("and it was", s);
  // locks with owners
  f = tid();
  ret("lock it again", futex(&f, LOCK_PI, 0, 0, 0, 0));
  ret("try to", futex(&f, TRYLOCK_PI, 0, 0, 0, 0));
  ret("unlock", futex(&f, UNLOCK_PI, 0, 0, 0, 0));
  word("now", f);
  ret("unlock what is nobody's", futex(&f, UNLOCK_PI, 0, 0, 0, 0));
  ret("lock", futex(&f, LOCK_PI, 0, 0, 0, 0));
  word("now", f);
  f = 0x3ffffffe;
  ret("lock of nobody", futex(&f, LOCK_PI, 0, 0, 0, 0));
  word("marked", f);
  ret("try", futex(&f, TRYLOCK_PI, 0, 0, 0, 0));
  ret("unlock another's", futex(&f, UNLOCK_PI, 0, 0, 0, 0));
  f = 0x40000000;
  ret("lock of the dead", futex(&f, TRYLOCK_PI, 0, 0, 0, 0));
  word("is known as such", f);
  f = 0;
  ret("LOCK_PI2", futex(&f, LOCK_PI2, 0, 0, 0, 0));
  f = 0;
  ret("TRYLOCK_PI", futex(&f, TRYLOCK_PI, 0, 0, 0, 0));
  g = 0;
  futex(&g, LOCK_PI, 0, 0, 0, 0);
  pthread_t t;
  unsigned seen = 0;
  pthread_create(&t, 0, locks, &seen);
  msleep(30);
  word("somebody waits", g);
  long r = futex(&g, UNLOCK_PI, 0, 0, 0, 0);
  pthread_join(t, 0);
  ret("hand over", r);
  word("at the end", g);
  struct timespec past;
  clock_gettime(CLOCK_REALTIME, &past);
  child = fork();
  if (child == 0) {
    *shared = tid();
    for (;;) pause();
  }
  msleep(30);
  ret("LOCK_PI until it is late", futex(shared, LOCK_PI, 0, &past, 0, 0));
  word("marked", *shared);
  ret("another's", futex(shared, TRYLOCK_PI, 0, 0, 0, 0));
  kill(child, SIGKILL);
  waitpid(child, 0, 0);
  *shared = 0;
  // moving to a lock
  f = 1, g = 0;
  P(futex(&f, CMP_REQUEUE_PI, 2, 0, &g, f));
  P(futex(&f, CMP_REQUEUE_PI, 1, 0, &f, f));
  P(futex(&f, CMP_REQUEUE_PI, 1, 0, &g, f + 1));
  P(futex(&f, CMP_REQUEUE_PI, 1, 0, &g, f));
  P(futex(&f, WAIT_REQUEUE_PI, f, &ms1, &f, 0));
  P(futex(&f, WAIT_REQUEUE_PI, f + 1, &ms1, &g, 0));
  P(futex(&f, WAIT_REQUEUE_PI, f, &ms1, &g, 0));
  pthread_create(&t, 0, requeued, 0);
  msleep(30);
  ret("FUTEX_WAKE of such a waiter", futex(&f, WAKE, 1, 0, 0, 0));
  ret("to another lock", futex(&f, CMP_REQUEUE_PI, 1, 0, shared, f));
  r = futex(&f, CMP_REQUEUE_PI, 1, 0, &g, f);
  pthread_join(t, 0);
  ret("FUTEX_CMP_REQUEUE_PI", r);
  word("at the end", g);
  // robust lists
  pthread_create(&t, 0, dies, 0);
  msleep(50);
  word("a lock whose owner has ended", lock.word);
  P(syscall(SYS_set_robust_list, &head, 23));
  void *at;
  size_t length;
  P(syscall(SYS_set_robust_list, &head, 24));
  P(syscall(SYS_get_robust_list, 0, &at, &length));
  show("get_robust_list", "%d %zu", at == &head, length);
  P(syscall(SYS_get_robust_list, 99999999, &at, &length));
  P(syscall(SYS_get_robust_list, 0, 8, &length));
  head.head = (void *)&head;
  // futex_waitv and its kin
  f = 3, g = 4;
  w2[0] = (struct waitv){3, (long)&f, 2, 0}, w2[1] = (struct waitv){4, (long)&g, 2 | 128, 0};
  P(syscall(449, w2, 0, 0, 0, 0));
  P(syscall(449, w2, 129, 0, 0, 0));
  P(syscall(449, w2, 2, 1, 0, 0));
  P(syscall(449, 0, 2, 0, 0, 0));
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  P(syscall(449, w2, 2, 0, &now, 7));
  P(syscall(449, w2, 2, 0, &now, 1));
  pthread_create(&t, 0, waitsv, 0);
  msleep(30);
  r = futex(&g, WAKE | PRIVATE, 1, 0, 0, 0);
  pthread_join(t, 0);
  ret("wake the second", r);
  w2[1].val = 5;
  ret("another value", syscall(449, w2, 2, 0, 0, 0));
  w2[1].flags = 0;
  ret("no size", syscall(449, w2, 2, 0, 0, 0));
  w2[1].flags = 2, w2[1].reserved = 1;
  ret("reserved", syscall(449, w2, 2, 0, 0, 0));
  w2[1].reserved = 0, w2[1].addr = 0;
  ret("no address", syscall(449, w2, 2, 0, 0, 0));
  w2[1].addr = (long)&g + 1;
  ret("not aligned", syscall(449, w2, 2, 0, 0, 0));
  P(syscall(454, &f, 0, 1, 2));
  P(syscall(454, &f, 1, 1, 2));
  P(syscall(454, &f, 1, 1, 0));
  P(syscall(454, &f, -1L, 1, 2));
  P(syscall(454, &f, 1, 1, 2 | 64));
  P(syscall(455, &f, 9, 1, 2, 0, 0));
  P(syscall(455, &f, 3, 0, 2, 0, 0));
  P(syscall(455, &f, 3, 1, 2, &now, 1));
  P(syscall(455, &f, 3, 1, 2, &now, 5));
  w2[0] = (struct waitv){3, (long)&f, 2, 0}, w2[1] = (struct waitv){4, (long)&g, 2, 0};
  P(syscall(456, w2, 0, 1, 1));
  P(syscall(456, w2, 1, 1, 1));
  P(syscall(456, w2, 0, -1, 1));
  P(syscall(456, 0, 0, 1, 1));
  w2[0].val = 8;
  ret("futex_requeue, another value", syscall(456, w2, 0, 1, 1));
  // restartable sequences (musl does not use them)
  P(syscall(SYS_rseq, area, 32, 2, 1));
  P(syscall(SYS_rseq, area + 4, 32, 0, 1));
  P(syscall(SYS_rseq, area, 31, 0, 1));
  P(syscall(SYS_rseq, -32L, 32, 0, 1));
  P(syscall(SYS_rseq, area, 32, 0, 1));
  show("processor", "known %d", ((unsigned *)area)[1] < 64);
  P(syscall(SYS_rseq, area, 32, 0, 1));
  P(syscall(SYS_rseq, area, 32, 0, 2));
  P(syscall(SYS_rseq, area + 32, 32, 0, 1));
  P(syscall(SYS_rseq, area, 32, 1, 2));
  P(syscall(SYS_rseq, area + 32, 32, 1, 1));
  P(syscall(SYS_rseq, area, 32, 1, 1));
  show("processor", "%d", ((int *)area)[1]);
  // membarrier
  P(syscall(SYS_membarrier, 0, 1, 0));
  P(syscall(SYS_membarrier, 3, 0, 0));
  P(syscall(SYS_membarrier, -1, 0, 0));
  P(syscall(SYS_membarrier, 1 << 20, 0, 0));
  yes("query", syscall(SYS_membarrier, 0, 0, 0) & 1);
  P(syscall(SYS_membarrier, 1, 0, 0));
  P(syscall(SYS_membarrier, 2, 0, 0));
  P(syscall(SYS_membarrier, 8, 0, 0));
  P(syscall(SYS_membarrier, 16, 0, 0));
  P(syscall(SYS_membarrier, 8, 0, 0));
  P(syscall(SYS_membarrier, 32, 0, 0));
  P(syscall(SYS_membarrier, 64, 0, 0));
  P(syscall(SYS_membarrier, 32, 0, 0));
  P(syscall(SYS_membarrier, 512, 0, 0));
}
