// Stacks switched by hand: coroutines that call each other from the depth of their own calls, one that never returns
// to where it was called from, and a signal handler that goes on with another one's frame.
#include "hostile.h"

struct context { u64 rsp; };
// Callee-saved registers on the stack, the stack pointer in the context.
__asm__(
    ".text\n"
    "switch_to: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  mov %rsp, (%rdi); mov (%rsi), %rsp\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
    // As compilers do where they know the target: a jump and not a return.
    "switch_by_jump: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  mov %rsp, (%rdi); mov (%rsi), %rsp\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; pop %rcx; jmp *%rcx\n");
void switch_to(struct context *from, struct context *to);
void switch_by_jump(struct context *from, struct context *to);

#define COUNT 10
static struct context contexts[COUNT + 1];
static u64 counters[COUNT], total;
static int current;

static NOINLINE void hop(u64 seed) {
  int from = current, to = (int)((from + 1 + seed % 3) % COUNT);
  if (to == from) return;
  current = to;
  if (seed & 8) switch_to(&contexts[from], &contexts[to]);
  else switch_by_jump(&contexts[from], &contexts[to]);
}
static NOINLINE u64 dig(int depth, u64 seed) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  if (depth == 0) {
    hop(seed >> 33);
    return seed >> 40;
  }
  u64 r = dig(depth - 1, seed);
  if ((r & 3) == 0) hop(seed >> 35);
  return r + 1;
}
static void body(void) {
  int me = current;
  for (;;) {
    counters[me] += dig((int)(counters[me] % 12), counters[me] + (u64)me * 1000);
    if (++total >= 60000) switch_to(&contexts[me], &contexts[COUNT]);
  }
}
static void start(struct context *context, void (*function)(void), u64 stack) {
  u64 *top = (u64 *)(map(stack, 16 * PAGE, RW) + 16 * PAGE) - 2;
  *--top = (u64)function;
  for (int i = 0; i < 6; i++) *--top = 0;
  context->rsp = (u64)top;
}

static void many(void) {
  for (int i = 0; i < COUNT; i++) start(&contexts[i], body, 0x1b000000 + (u64)i * 32 * PAGE);
  current = 0;
  switch_to(&contexts[COUNT], &contexts[0]);
  u64 sum = 0;
  for (int i = 0; i < COUNT; i++) sum = sum * 31 + counters[i];
  printf("many %llx %llu\n", (unsigned long long)sum, (unsigned long long)total);
}

// Two that hand a value to and fro, in the hottest way.
static struct context ping, pong;
static u64 value;
static void pong_body(void) {
  for (;;) {
    value = value * 3 + 1;
    switch_to(&pong, &ping);
  }
}
static void two(void) {
  start(&pong, pong_body, 0x1c000000);
  for (int i = 0; i < 50000; i++) {
    value ^= (u64)i;
    switch_to(&ping, &pong);
  }
  printf("two %llx\n", (unsigned long long)value);
}

// A scheduler in a signal handler: the frame is exchanged for that of another loop.
static ucontext_t saved[2];
static int running;
static volatile u64 progress[2];
static void preempt(int n, siginfo_t *info, void *context) {
  (void)n, (void)info;
  ucontext_t *u = context;
  memcpy(saved[running].uc_mcontext.gregs, u->uc_mcontext.gregs, sizeof u->uc_mcontext.gregs);
  running ^= 1;
  memcpy(u->uc_mcontext.gregs, saved[running].uc_mcontext.gregs, sizeof u->uc_mcontext.gregs);
}
static void loop_body(void) {
  // No vector registers: they are not exchanged.
  __asm__ volatile(
      "mov %0, %%rbx\n"
      "mov $12345, %%r12d\n"
      "1: inc %%r12\n"
      "   imul $77, %%r12, %%r13\n"
      "   add %%r13, %%r14\n"
      "   incq (%%rbx)\n"
      "   ud2\n"             // gives way
      "   jmp 1b\n"
      : : "r"(&progress[1]) : "rbx", "r12", "r13", "r14", "memory", "cc");
}
static void at_traps(int n, siginfo_t *info, void *context) {
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  g[REG_RIP] += 2;
  preempt(n, info, context);
}
static void exchanged(void) {
  on(SIGILL, at_traps, 0);
  u64 *top = (u64 *)(map(0x1c100000, 16 * PAGE, RW) + 16 * PAGE) - 3;
  saved[1].uc_mcontext.gregs[REG_RIP] = (greg_t)loop_body;
  saved[1].uc_mcontext.gregs[REG_RSP] = (greg_t)top;
  // User code and data segments, interrupts on: what every frame has.
  saved[1].uc_mcontext.gregs[REG_CSGSFS] = 0x2b000000000033;
  saved[1].uc_mcontext.gregs[REG_EFL] = 0x202;
  u64 n = 4000, a = 1, b = 0;
  __asm__ volatile(
      "1: lea 1(%[a], %[a], 2), %[a]\n"
      "   cmp $100, %b[a]\n"
      "   ud2\n"
      "   adc $0, %[b]\n"
      "   dec %[n]\n"
      "   jnz 1b\n"
      : [a] "+r"(a), [b] "+r"(b), [n] "+r"(n) : : "cc", "memory");
  printf("exchanged %llx %llu, other %llu\n", (unsigned long long)a, (unsigned long long)b, (unsigned long long)progress[1]);
}

int main(void) {
  many();
  two();
  exchanged();
  return 0;
}
