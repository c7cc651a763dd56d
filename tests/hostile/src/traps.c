// Traps other than page faults, in code that is hot: breakpoints, undefined and privileged instructions, addresses that
// are not canonical, operands that must be aligned, the trap flag; and the flags and the direction flag across signals.
#include "hostile.h"
#include <sys/syscall.h>

static void behind(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  g[REG_RIP] = g[REG_R15];
  g[REG_EFL] &= ~0x400L;
}

// In the third round of ten the instruction is executed, with the address of the one behind in r15.
#define TRAP(name, text, ...) \
  static NOINLINE u64 name(void) { \
    u64 sum = 1; \
    for (u64 i = 0; i < 3000; i++) { \
      u64 rax = i * 0x123456789, rdx = 0x8000000000000000 + i; \
      __asm__ volatile("lea 2f(%%rip), %%r15\n lea 1f(%%rip), %%r14\n mov %k2, %%ecx\n and $15, %%ecx\n cmp $3, %%ecx\n jne 2f\n sub $5, %%rax\n" \
                       "1: " text "\n 2: adc $0, %%rax" \
                       : "+a"(rax), "+d"(rdx) : "r"(i) : "rcx", "r14", "r15", "xmm0", "memory", "cc"); \
      sum = sum * 3 + rax; \
    } \
    return sum; \
  }
TRAP(breakpoint, "int3")
TRAP(breakpoint2, "int $3")
TRAP(undefined, "ud2")
TRAP(undefined1, ".byte 0x0f, 0xb9, 0xc0")
TRAP(invalid64, ".byte 0x06")
TRAP(lock_add, ".byte 0xf0, 0x01, 0xc0")
TRAP(halt, "hlt")
TRAP(in_port, "in $0x10, %%al")
TRAP(disable, "cli")
TRAP(read_msr, "rdmsr")
TRAP(move_cr, "mov %%cr0, %%rax")
TRAP(interrupt, "int $0x55")
TRAP(not_canonical_load, "mov (%%rdx), %%rax")
TRAP(not_canonical_store, "mov %%rax, 8(%%rdx)")
TRAP(not_canonical_add, "addq $1, (%%rdx)")
TRAP(not_canonical_jump, "jmp *%%rdx")
TRAP(misaligned_load, "movaps 1(%%rsp), %%xmm0")
TRAP(misaligned_store, "movdqa %%xmm0, -24+1(%%rsp)")
TRAP(misaligned_operand, "paddd 4+1(%%rsp), %%xmm0")
TRAP(high_load, "mov 0x7fff0000, %%rax")
TRAP(far_load, "mov $0x700000000000, %%rdx\n mov (%%rdx), %%rax")
TRAP(negative_load, "mov $-16, %%rdx\n mov (%%rdx), %%rax")
TRAP(kernel_load, "mov $-0x7fffff000000, %%rdx\n mov (%%rdx), %%rax")
TRAP(wrapping_load, "mov $-4, %%rdx\n mov (%%rdx), %%rax")

static u64 r14(void) { return seen.gpr[14]; }
static void run(const char *name, u64 (*loop)(void)) {
  seen.count = 0;
  u64 sum = loop();
  printf("%s: %llx, %d times, signal %d code %d si_addr ", name, (unsigned long long)sum, seen.count, seen.signal, seen.code);
  if (seen.address == r14()) printf("there");
  else printf("%llx", (unsigned long long)seen.address);
  // A page fault's error code is left in a later frame: only that of this kind of trap is looked at.
  printf(" rip +%lld trap %llu err %llx flags %llx rax %llx\n", (long long)(seen.rip - r14()), (unsigned long long)seen.trapno, (unsigned long long)seen.err,
         (unsigned long long)(seen.flags & 0x1ffff), (unsigned long long)seen.gpr[0]);
}

// The trap flag: one trap after each instruction, until it is cleared.
static u64 steps, step_sum;
static void step(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  steps++;
  step_sum = step_sum * 31 + (seen.rip - seen.gpr[14]) + (seen.flags & STATUS_FLAGS);
}
static void single_steps(void) {
  on(SIGTRAP, step, 0);
  for (int round = 0; round < 3; round++) {
    u64 n = 300, x = 5;
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp\n lea 1f(%%rip), %%r14\n xor %%eax, %%eax\n pushf\n orl $0x100, (%%rsp)\n popf\n"
        "1: lea (%[x], %[x], 4), %[x]\n"
        "   test $1, %b[n]\n"
        "   jz 2f\n"
        "   mov $3, %%ecx\n"
        "   xor %%eax, %%eax\n"
        "   lea -8(%%rsp), %%rdi\n"
        "   stosb\n"
        "2: dec %[n]\n"
        "   jnz 1b\n"
        "   pushf\n andl $~0x100, (%%rsp)\n popf\n lea 128(%%rsp), %%rsp"
        : [n] "+r"(n), [x] "+r"(x) : : "rax", "rcx", "rdi", "r14", "memory", "cc");
    printf("%llu steps, code %d trap %llu, %llx, x %llx\n", (unsigned long long)steps, seen.code, (unsigned long long)seen.trapno, (unsigned long long)step_sum,
           (unsigned long long)x);
  }
}

// The handler sets the trap flag in the frame for some instructions: a debugger's way.
static int left;
static void begin_steps(int n, siginfo_t *info, void *context) {
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (n == SIGILL) {
    g[REG_RIP] += 2;
    left = 25;
  } else {
    note(n, info, context);
    step_sum = step_sum * 31 + seen.rip - seen.gpr[14];
    left--;
  }
  if (left > 0) g[REG_EFL] |= 0x100;
  else g[REG_EFL] &= ~0x100L;
}
static void some_steps(void) {
  on(SIGTRAP, begin_steps, 0);
  on(SIGILL, begin_steps, 0);
  step_sum = 0;
  seen.count = 0;
  u64 n = 4000, x = 1;
  __asm__ volatile(
      "lea 1f(%%rip), %%r14\n"
      "1: add $3, %[x]\n"
      "   test $255, %b[n]\n"
      "   jnz 2f\n"
      "   ud2\n"
      "2: ror $7, %[x]\n"
      "   cmp $1000, %[x]\n"
      "   cmc\n"
      "   adc $0, %[x]\n"
      "   dec %[n]\n"
      "   jnz 1b\n"
      : [n] "+r"(n), [x] "+r"(x) : : "r14", "cc");
  printf("some steps: %d, %llx, x %llx\n", seen.count, (unsigned long long)step_sum, (unsigned long long)x);
}

// Flags made in one place and read far away, through pushf, lahf, setcc and system calls.
static void far_flags(void) {
  u64 sum = 0, n = 20000;
  __asm__ volatile(
      "lea -128(%%rsp), %%rsp\n"
      "1: mov %[n], %%rax\n"
      "   imul $0x3779b97f, %%rax, %%rax\n"
      "   mov %%rax, %%rdx\n"
      "   ror $17, %%rdx\n"
      "   cmp %%edx, %%eax\n"
      "   test $1, %b[n]\n"
      "   jz 2f\n"
      "   cmp %%edx, %%eax\n"
      "   jmp 3f\n"
      "2: add %%dx, %%ax\n"
      "3: pushf\n"
      "   pop %%rcx\n"
      "   and $0xcd5, %%ecx\n"
      "   add %%rcx, %[sum]\n"
      "   rol $1, %[sum]\n"
      "   sub %%al, %%dl\n"
      "   jmp 4f\n"
      "4: lahf\n"
      "   seto %%al\n"
      "   movzwl %%ax, %%eax\n"
      "   add %%rax, %[sum]\n"
      "   push %%rax\n"
      "   popf\n"
      "   setp %%al\n"
      "   setbe %%dl\n"
      "   movzbl %%al, %%eax\n"
      "   movzbl %%dl, %%edx\n"
      "   lea (%[sum], %%rax, 2), %[sum]\n"
      "   add %%rdx, %[sum]\n"
      "   dec %[n]\n"
      "   jnz 1b\n"
      "   cld\n lea 128(%%rsp), %%rsp"
      : [sum] "+r"(sum), [n] "+r"(n) : : "rax", "rcx", "rdx", "memory", "cc");
  printf("far flags %llx\n", (unsigned long long)sum);
  sum = 0;
  for (u64 i = 0; i < 2000; i++) {
    // A system call keeps the flags, and leaves them in r11.
    u64 rax = SYS_getppid, r11, after;
    __asm__ volatile("mov %[i], %%rdx\n imul $0x7654321, %%rdx, %%rdx\n cmp %%edx, %k[i]\n syscall\n mov %%r11, %[r11]\n lea -128(%%rsp), %%rsp\n pushf\n pop %[after]\n lea 128(%%rsp), %%rsp"
                     : "+a"(rax), [r11] "=&r"(r11), [after] "=&r"(after) : [i] "r"(i) : "rcx", "rdx", "r11", "memory", "cc");
    sum = sum * 31 + (r11 & STATUS_FLAGS) * 3 + (after & STATUS_FLAGS);
  }
  printf("across calls %llx\n", (unsigned long long)sum);
}

int main(void) {
  on(SIGTRAP, behind, 0);
  on(SIGILL, behind, 0);
  on(SIGSEGV, behind, 0);
  on(SIGBUS, behind, 0);
#define RUN(name) run(#name, name);
  RUN(breakpoint) RUN(breakpoint2) RUN(undefined) RUN(undefined1) RUN(invalid64) RUN(lock_add)
  RUN(halt) RUN(in_port) RUN(disable) RUN(read_msr) RUN(move_cr) RUN(interrupt)
  RUN(not_canonical_load) RUN(not_canonical_store) RUN(not_canonical_add) RUN(not_canonical_jump)
  RUN(misaligned_load) RUN(misaligned_store) RUN(misaligned_operand)
  RUN(high_load) RUN(far_load) RUN(negative_load) RUN(kernel_load) RUN(wrapping_load)
  static u8 alternative[65536];
  stack_t stack = {.ss_sp = alternative, .ss_size = sizeof alternative};
  sigaltstack(&stack, 0);
  single_steps();
  some_steps();
  far_flags();
  return 0;
}
