// Threads in the same code at the same time, code that one thread changes for another, and signals that find a thread
// in a loop which only its registers can end.
#include "hostile.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static atomic_ulong shared;
static u64 plain[8];
static NOINLINE void *worker(void *argument) {
  u64 me = (u64)argument, x = me * 77 + 1;
  for (int i = 0; i < 60000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    if ((x & 7) == 0) atomic_fetch_add(&shared, 1);
    if ((x & 63) == 1) atomic_fetch_xor(&shared, 1ul << 40), atomic_fetch_xor(&shared, 1ul << 40);
    if ((x & 1023) == 3) sched_yield();
    plain[me] += x & 255;
  }
  return (void *)x;
}
static void same_code(void) {
  pthread_t threads[6];
  u64 sum = 0;
  for (u64 i = 0; i < 6; i++) pthread_create(&threads[i], 0, worker, (void *)i);
  for (int i = 0; i < 6; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum = sum * 3 + (u64)result + plain[i];
  }
  printf("same code %llx %lu\n", (unsigned long long)sum, shared);
}

// A lock of compare-and-exchange and pause: whoever waits must not keep the owner from running.
static atomic_int lock;
static u64 guarded;
static void *locker(void *argument) {
  for (int i = 0; i < 3000; i++) {
    int expected = 0;
    while (!atomic_compare_exchange_weak(&lock, &expected, 1)) {
      expected = 0;
      __asm__ volatile("pause");
    }
    u64 value = guarded;
    if ((i & 511) == 0) sched_yield();
    guarded = value + 1;
    atomic_store(&lock, 0);
  }
  return argument;
}
static void spinning(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, locker, 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  printf("spinning %llu\n", (unsigned long long)guarded);
}

// One thread calls, the other rewrites what is called; both take turns.
static u8 *page;
static pthread_barrier_t barrier;
static u64 called;
static void *caller(void *argument) {
  for (int i = 0; i < 600; i++) {
    pthread_barrier_wait(&barrier);
    for (int k = 0; k < 20; k++) called = called * 3 + ((code)page)((u64)k, 0);
    pthread_barrier_wait(&barrier);
  }
  return argument;
}
static void rewritten(void) {
  page = map(0x1a000000, PAGE, RWX);
  u8 *at = page;
  EMIT(at, "\x48\x8d\x87\0\0\0\0\xc3"); // lea imm32(%rdi), %rax; ret
  pthread_barrier_init(&barrier, 0, 2);
  pthread_t thread;
  pthread_create(&thread, 0, caller, 0);
  for (u32 i = 0; i < 600; i++) {
    *(volatile u32 *)(page + 3) = i * 11;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
  }
  pthread_join(thread, 0);
  printf("rewritten %llx\n", (unsigned long long)called);
}

// Loops that end only because a handler changes a register, the pc, or memory.
static volatile int flag;
static atomic_int waiting;
static void *looper(void *argument) {
  u64 n = 0;
  waiting = 1;
  switch ((u64)argument) {
    case 0: // a register
      __asm__ volatile("mov $1, %%ecx\n 1: inc %0\n test %%ecx, %%ecx\n jnz 1b" : "+r"(n) : : "rcx", "cc");
      break;
    case 1: // a jump to itself
      __asm__ volatile("1: jmp 1b\n nop" : : : "memory");
      break;
    case 2: // memory
      while (!flag) n++;
      break;
    case 3: // two blocks that jump to each other through a register
      __asm__ volatile("lea 2f(%%rip), %%rax\n lea 1f(%%rip), %%rdx\n mov $1, %%ecx\n 1: jmp *%%rax\n ud2\n 2: test %%ecx, %%ecx\n jz 3f\n jmp *%%rdx\n 3:" : : : "rax", "rcx", "rdx", "cc");
      break;
    case 4: // a call and a return
      __asm__ volatile("sub $128, %%rsp\n mov $1, %%ecx\n jmp 2f\n 1: ret\n 2: call 1b\n test %%ecx, %%ecx\n jnz 2b\n add $128, %%rsp" : : : "rcx", "cc", "memory");
      break;
  }
  return (void *)(n > 0 || (u64)argument != 0);
}
static void free_it(int n, siginfo_t *info, void *context) {
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  note(n, info, context);
  flag = 1;
  g[REG_RCX] = 0;
  if (*(u8 *)g[REG_RIP] == 0xeb && *(u8 *)(g[REG_RIP] + 1) == 0xfe) g[REG_RIP] += 2;
}
static void signalled(void) {
  on(SIGUSR1, free_it, 0);
  for (u64 i = 0; i < 5; i++) {
    pthread_t thread;
    flag = 0;
    waiting = 0;
    pthread_create(&thread, 0, looper, (void *)i);
    while (!waiting) sched_yield();
    usleep(20000);
    pthread_kill(thread, SIGUSR1);
    void *result;
    pthread_join(thread, &result);
    printf("loop %llu has ended: %llu\n", (unsigned long long)i, (unsigned long long)result);
  }
}

// A timer that interrupts computing many times: the result is that of an undisturbed run.
static volatile int ticks;
static void tick(int n, siginfo_t *info, void *context) {
  (void)n, (void)info, (void)context;
  volatile double d = ticks * 1.5;
  ticks = (int)(d / 1.5) + 1;
}
static __attribute__((noipa)) u64 compute(u64 n) {
  u64 a = 1, b = 2;
  double d = 1;
  for (u64 i = 0; i < n; i++) {
    a = a * 6364136223846793005ull + i;
    b = (b >> 7 | b << 57) ^ a;
    d = d * 0.999999 + (double)(b & 15);
  }
  return a + b + (u64)(d * 1000);
}
static void interrupted(void) {
  u64 want = compute(200000);
  on(SIGALRM, tick, SA_RESTART);
  struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &every, 0);
  int differ = 0, rounds = 0;
  while (ticks < 30 && rounds < 3000) {
    differ += compute(200000) != want;
    rounds++;
  }
  setitimer(ITIMER_REAL, &never, 0);
  printf("interrupted: %d ticks, %d differ, %llx\n", ticks >= 30 ? 30 : ticks, differ, (unsigned long long)want);
}

int main(void) {
  same_code();
  spinning();
  rewritten();
  signalled();
  interrupted();
  return 0;
}
