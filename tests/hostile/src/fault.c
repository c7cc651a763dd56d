// Faults in the middle of a hot loop: the frame has every register and the flags as they are at that instruction, also
// those that were worked out since and never stored; what the handler changes in the frame is what the loop goes on with.
#include "hostile.h"

#define BASE 0x14000000UL
#define PAGES 6

// Any loop: the registers that the handler prints are those of the loop.
extern u8 walk_start[], walk_fault[], walk_end[];
__asm__(
    ".text\n"
    "walk:\n"
    "walk_start:\n"
    "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  xor %eax, %eax; mov $1, %ebx; mov $2, %ecx; mov $3, %edx; mov $4, %ebp\n"
    "  mov $5, %r8d; mov $6, %r9d; mov $7, %r10d; mov $8, %r11d; mov $9, %r12d; mov $10, %r13d; mov $11, %r14d; mov $12, %r15d\n"
    "1: add %rbx, %rax\n"
    "  rol $3, %rbx\n"
    "  lea 1(%rcx, %rdx, 2), %rcx\n"
    "  xor %rax, %rdx\n"
    "  imul $7, %rbp, %rbp\n"
    "  not %r8\n"
    "  add %r8, %r9\n"
    "  sbb %r10, %r9\n"
    "  mov %r9b, %r10b\n"
    "  bswap %r11\n"
    "  add $0x12345, %r11\n"
    "  cmp %r11, %r10\n"
    "  setb %r12b\n"
    "  cmovg %r10, %r13\n"
    "  inc %r14\n"
    "  xchg %r15, %r14\n"
    "  sub $17, %r15\n"          // the flags at the fault
    "walk_fault:\n"
    "  mov (%rdi), %rsi\n"
    "  add %rsi, %rax\n"
    "  adc $0, %rbx\n"
    "  add $8, %rdi\n"
    "  cmp walk_limit(%rip), %rdi\n"
    "  jb 1b\n"
    "  add %rbx, %rax; add %rcx, %rax; add %rdx, %rax; add %rbp, %rax; add %r8, %rax; add %r9, %rax; add %r10, %rax\n"
    "  add %r11, %rax; add %r12, %rax; add %r13, %rax; add %r14, %rax; add %r15, %rax\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "walk_end:\n"
    "  ret\n");
u64 walk(u8 *);
u8 *walk_limit;

// Jumps over the missing page, and changes a register and a flag on the way.
static void skip(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  g[REG_RDI] = (g[REG_RDI] | (PAGE - 1)) + 1;
  g[REG_RDX] ^= 0x55;
  g[REG_R12] += 1000;
}
// Makes the page and tries again.
static void repair(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  protect((void *)((u64)info->si_addr & ~(u64)(PAGE - 1)), PAGE, RW);
}
// Goes on with the instruction behind.
static void step_over(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  g[REG_RIP] += 3;
  g[REG_RSI] = 99;
}

static void walking(const char *name, handler how) {
  u8 *pages = map(BASE, PAGES * PAGE, RW);
  for (int i = 0; i < PAGES * PAGE; i++) pages[i] = (u8)(i * 13 + i / 256);
  walk_limit = pages + PAGES * PAGE;
  u64 result = 0;
  on(SIGSEGV, how, 0);
  for (int round = 0; round < 30; round++) {
    if (round % 3 == 2) protect(pages + 2 * PAGE, PAGE, PROT_NONE);
    seen.count = 0;
    result = result * 3 + walk(pages);
    protect(pages, PAGES * PAGE, RW);
  }
  printf("%s: %d faults, result %llx, rip in the loop +%lld\n ", name, seen.count, (unsigned long long)result, (long long)(seen.rip - (u64)walk_fault));
  show_registers(0xffef);
  printf(" flags %llx err %llx cr2 %llx rsp %% 64 = %llu\n", (unsigned long long)seen.flags, (unsigned long long)seen.err,
         (unsigned long long)seen.cr2, (unsigned long long)(seen.rsp & 7));
}

// The vector registers of the frame, and that the handler can change them.
static u64 in_frame[4];
static void change_vectors(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  fpregset_t fp = ((ucontext_t *)context)->uc_mcontext.fpregs;
  memcpy(in_frame, &fp->_xmm[2], 16);
  memcpy(in_frame + 2, &fp->_xmm[3], 16);
  fp->_xmm[3].element[0] += 1000;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RDI] = BASE;
}
static void vectors(void) {
  u8 *pages = map(BASE, 2 * PAGE, RW);
  for (int i = 0; i < PAGE; i++) pages[i] = (u8)(i * 3);
  protect(pages + PAGE, PAGE, PROT_NONE);
  on(SIGSEGV, change_vectors, 0);
  u64 low = 0, n = 5000, sum[4] = {1, 2, 3, 4};
  u8 *at = pages;
  __asm__ volatile(
      "movups (%[sum]), %%xmm2\n movups 16(%[sum]), %%xmm3\n"
      "1: paddd %%xmm2, %%xmm3\n"
      "   pxor %%xmm3, %%xmm2\n"
      "   paddq (%%rdi), %%xmm2\n"
      "   movq %%xmm3, %[low]\n"
      "   psrldq $1, %%xmm3\n"
      "   add $16, %%rdi\n"
      "   dec %[n]\n"
      "   jnz 1b\n"
      "movups %%xmm2, (%[sum])\n movups %%xmm3, 16(%[sum])\n"
      : [low] "+r"(low), [n] "+r"(n), "+D"(at)
      : [sum] "r"(sum)
      : "xmm2", "xmm3", "memory", "cc");
  printf("vectors: %d faults, in the frame %llx %llx %llx %llx, result %llx %llx %llx %llx\n", seen.count, (unsigned long long)in_frame[0],
         (unsigned long long)in_frame[1], (unsigned long long)in_frame[2], (unsigned long long)in_frame[3], (unsigned long long)sum[0],
         (unsigned long long)sum[1], (unsigned long long)sum[2], (unsigned long long)sum[3]);
}

// Flags in each of their combinations at the fault, as they come from different instructions.
#define FLAGS(name, text) \
  static NOINLINE void name(u64 a, u64 b) { \
    __asm__ volatile(text "\n mov (%%rdx), %%ecx" : "+a"(a) : "b"(b), "d"(8) : "rcx", "cc", "memory"); \
  }
FLAGS(by_add, "add %%rbx, %%rax")
FLAGS(by_sub4, "sub %%ebx, %%eax")
FLAGS(by_cmp1, "cmp %%bl, %%al")
FLAGS(by_inc, "stc\n inc %%rax")
FLAGS(by_dec2, "clc\n decw %%ax")
FLAGS(by_neg, "neg %%rax")
FLAGS(by_adc, "cmp %%rbx, %%rax\n adc %%rbx, %%rax")
FLAGS(by_sbb, "cmp %%rbx, %%rax\n sbb %%rbx, %%rax")
FLAGS(by_sahf, "sahf")
FLAGS(by_add_lea, "add %%rbx, %%rax\n lea 5(%%rax), %%rbx\n mov %%rbx, %%rcx\n not %%rcx")
FLAGS(by_test_std, "test %%eax, %%eax\n std\n")
FLAGS(by_bt, "cmp %%rbx, %%rax\n bt %%ebx, %%eax\n")

static int flag_faults;
static u64 flag_sum;
static void note_flags(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  flag_faults++;
  flag_sum = flag_sum * 31 + seen.flags;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x400L;
}
static void flags(void) {
  static const struct { const char *name; void (*run)(u64, u64); u64 mask; } all[] = {
      {"add", by_add, ~0ul}, {"sub4", by_sub4, ~0ul}, {"cmp1", by_cmp1, ~0ul}, {"inc", by_inc, ~0ul}, {"dec2", by_dec2, ~0ul},
      {"neg", by_neg, ~0ul}, {"adc", by_adc, ~0ul}, {"sbb", by_sbb, ~0ul}, {"sahf", by_sahf, ~0ul}, {"lea", by_add_lea, ~0ul},
      {"std", by_test_std, ~0x10ul}, {"bt", by_bt, ~0x8d4ul}};
  static const u64 values[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~0ul};
  on(SIGSEGV, note_flags, 0);
  for (unsigned k = 0; k < sizeof all / sizeof all[0]; k++) {
    u64 sum = 0;
    for (int round = 0; round < 2; round++)
      for (unsigned i = 0; i < 121; i++) {
        all[k].run(values[i / 11], values[i % 11]);
        sum = sum * 31 + (seen.flags & all[k].mask);
      }
    printf("flags by %s: %llx, last %llx\n", all[k].name, (unsigned long long)sum, (unsigned long long)(seen.flags & all[k].mask));
  }
  printf("%d faults\n", flag_faults);
}

int main(void) {
  walking("skip", skip);
  walking("repair", repair);
  walking("step over", step_over);
  vectors();
  flags();
  return 0;
}
