// Ways to leave and to arrive other than by a call's own return: jumps out of many frames and out of handlers, deep
// recursion, a stack that overflows, return addresses made by hand.
#include "hostile.h"

static jmp_buf far;
static NOINLINE int nest(int depth, int value) {
  volatile int local = depth;
  if (depth == 0) longjmp(far, value | 1);
  int r = nest(depth - 1, value + depth);
  return r + local;
}
static void jumps(void) {
  u64 sum = 0;
  for (int i = 0; i < 3000; i++) {
    volatile int kept = i;
    int r = setjmp(far);
    if (r == 0) nest(i % 60, i);
    sum = sum * 3 + (u64)r + (u64)kept;
  }
  printf("jumps %llx\n", (unsigned long long)sum);
}

static void segv(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  siglongjmp(out, seen.count & 0xff | 0x100);
}
static NOINLINE u64 touch(int depth, u64 *at) { return depth == 0 ? *at : touch(depth - 1, at) + 1; }
static void handlers(void) {
  u64 sum = 0;
  on(SIGSEGV, segv, 0);
  for (int i = 0; i < 2000; i++) {
    int r = sigsetjmp(out, 1);
    if (r == 0) touch(i % 20, (u64 *)(u64)(i & 0xff8));
    sum = sum * 3 + (u64)r;
  }
  printf("out of handlers %llx, %d faults\n", (unsigned long long)sum, seen.count);
}

static NOINLINE u64 deep(u64 n, u64 x) {
  volatile u64 local = x * 3 + n;
  if (n == 0) return x;
  u64 r = deep(n - 1, local);
  return r ^ (local + n);
}
static void recursion(void) {
  u64 sum = 0;
  for (int i = 0; i < 8; i++) sum = sum * 3 + deep(100000, (u64)i);
  printf("recursion %llx\n", (unsigned long long)sum);
}

// Until the stack's end, on which a handler on another stack runs.
static u8 *lowest;
static NOINLINE u64 endless(u64 n) {
  volatile u8 frame[200];
  frame[0] = (u8)n;
  lowest = (u8 *)frame;
  return endless(n + 1) + frame[0];
}
static u8 *handler_stack_use;
static void overflown(int n, siginfo_t *info, void *context) {
  u8 here;
  handler_stack_use = &here;
  note(n, info, context);
  siglongjmp(out, 1);
}
static void overflow(void) {
  // A stack of our own with a guard page, so that its end is the same everywhere.
  static u8 alternative[65536];
  stack_t stack = {.ss_sp = alternative, .ss_size = sizeof alternative};
  sigaltstack(&stack, 0);
  u8 *mine = map(0x15000000, 1 << 20, RW);
  protect(mine, PAGE, PROT_NONE);
  on(SIGSEGV, overflown, SA_ONSTACK);
  u64 sum = 0;
  for (int i = 0; i < 20; i++) {
    if (sigsetjmp(out, 1) == 0) {
      __asm__ volatile("mov %%rsp, %%rbx\n mov %0, %%rsp\n xor %%edi, %%edi\n call *%1\n mov %%rbx, %%rsp"
                       : : "r"(mine + (1 << 20) - (i & 3) * 16), "r"(endless) : "rbx", "rdi", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
    }
    sum = sum * 3 + seen.address + seen.rsp + (seen.flags & STATUS_FLAGS) + seen.err;
  }
  printf("overflow at %llx, rsp %llx, err %llx, handler on its own stack: %d; %llx\n", (unsigned long long)seen.address, (unsigned long long)seen.rsp,
         (unsigned long long)seen.err, handler_stack_use > alternative && handler_stack_use < alternative + sizeof alternative, (unsigned long long)sum);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, 0);
}

// ret to addresses that nobody called from; a call whose return address is taken away; ret n.
static void by_hand(void) {
  u64 n = 30000, a = 0, b = 0;
  __asm__ volatile(
      "sub $128, %%rsp\n" // the red zone
      "1: lea 2f(%%rip), %%rax\n"
      "   test $3, %b[n]\n"
      "   jnz 9f\n"
      "   lea 3f(%%rip), %%rax\n"
      "9: push %%rax\n"
      "   ret\n"
      "   ud2\n"
      "2: inc %[a]\n"
      "   jmp 4f\n"
      "3: inc %[b]\n"
      "4: call 5f\n"
      "   ud2\n"
      "5: pop %%rax\n"          // the return address is not used
      "   call 6f\n"
      "   add $2, %[a]\n"
      "   jmp 7f\n"
      "6: addq $4, (%%rsp)\n"   // return behind the add instead: 4 bytes
      "   ret\n"
      "7: push $1; push $2\n"
      "   lea 8f(%%rip), %%rax\n"
      "   push %%rax\n"
      "   ret $16\n"
      "8: dec %[n]\n"
      "   jnz 1b\n"
      "add $128, %%rsp"
      : [a] "+r"(a), [b] "+r"(b), [n] "+r"(n)
      :
      : "rax", "memory", "cc");
  printf("by hand %llu %llu\n", (unsigned long long)a, (unsigned long long)b);
}

// A function that returns to its caller's caller every third time.
static NOINLINE u64 inner_function(u64 i);
__asm__(
    ".text\n"
    "middle_function: push %rbx; mov %rdi, %rbx; call inner_function_; add $100, %rax; add %rbx, %rax; pop %rbx; ret\n"
    "inner_function_: mov %rdi, %rax; mov $3, %ecx; xor %edx, %edx; div %rcx; test %rdx, %rdx; jnz 1f\n"
    "  add $8, %rsp; pop %rbx; mov $7, %eax; ret\n"
    "1: mov %rdx, %rax; ret\n");
u64 middle_function(u64);
static void skipped_frames(void) {
  u64 sum = 0;
  for (u64 i = 0; i < 30000; i++) sum = sum * 3 + middle_function(i);
  printf("skipped frames %llx\n", (unsigned long long)sum);
}

// More returns than calls and more calls than returns, by a chain of addresses on a stack: as exploits do it.
extern u8 gadget_a[], gadget_b[], gadget_c[];
__asm__(".text\n gadget_a: add $5, %rax; ret\n gadget_b: pop %rcx; add %rcx, %rax; ret\n gadget_c: rol $7, %rax; ret\n");
static void chain(void) {
  u64 *stack = (u64 *)map(0x15200000, 16 * PAGE, RW);
  u64 sum = 0;
  for (int round = 0; round < 30; round++) {
    u64 *at = stack;
    for (int i = 0; i < 2000; i++) {
      switch ((i * 7 + round) % 3) {
        case 0: *at++ = (u64)gadget_a; break;
        case 1: *at++ = (u64)gadget_b; *at++ = (u64)i; break;
        default: *at++ = (u64)gadget_c; break;
      }
    }
    u64 rax = (u64)round;
    __asm__ volatile("lea 1f(%%rip), %%rdx\n mov %%rdx, (%[end])\n mov %%rsp, %%rbx\n mov %[stack], %%rsp\n ret\n 1: mov %%rbx, %%rsp"
                     : "+a"(rax) : [end] "r"(at), [stack] "r"(stack) : "rbx", "rcx", "rdx", "memory", "cc");
    sum = sum * 3 + rax;
  }
  printf("chain %llx\n", (unsigned long long)sum);
}

int main(void) {
  jumps();
  handlers();
  recursion();
  overflow();
  by_hand();
  skipped_frames();
  chain();
  return 0;
}
