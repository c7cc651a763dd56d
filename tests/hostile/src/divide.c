// Division errors in hot loops: the frame, and going on with another divisor or behind the instruction.
#include "hostile.h"

static void other_divisor(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  g[REG_RCX] = 3;
  g[REG_RDX] = 0;
}
static void behind(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  const u8 *at = (const u8 *)g[REG_RIP];
  g[REG_RIP] += *at == 0x48 || *at == 0x66 ? 3 : 2;
  g[REG_RAX] = 77;
}

// Divides 7 i + 1 by i % 1000, so that each thousandth round fails.
#define LOOP(name, prepare, divide) \
  static NOINLINE u64 name(u64 rounds) { \
    u64 sum = 0; \
    for (u64 i = 1; i <= rounds; i++) { \
      u64 a = i * 7 + 1, c = i % 1000, d; \
      __asm__ volatile(prepare "\n" #name "_at: " divide : "+a"(a), "+c"(c), "=&d"(d) : : "cc"); \
      sum = sum * 3 + a + d * 5; \
    } \
    return sum; \
  } \
  extern u8 name##_at[];
LOOP(div8, "xor %%edx, %%edx", "divq %%rcx")
LOOP(div4, "xor %%edx, %%edx", "divl %%ecx")
LOOP(div2, "xor %%edx, %%edx", "divw %%cx")
LOOP(div1, "movzbl %%al, %%eax\n xor %%edx, %%edx", "divb %%cl")
LOOP(idiv8, "neg %%rax\n cqo", "idivq %%rcx")
LOOP(idiv4, "neg %%eax\n cdq", "idivl %%ecx")
LOOP(idiv2, "neg %%eax\n cwd", "idivw %%cx")
// The quotient does not fit when the high half is large.
LOOP(narrow, "mov %%rax, %%rdx\n and $0x1ff, %%edx", "divl %%ecx")

static void run(const char *name, u64 (*loop)(u64), const u8 *at, handler how, const char *what) {
  on(SIGFPE, how, 0);
  seen.count = 0;
  u64 sum = loop(20000);
  printf("%s, %s: %llx, %d errors, code %d rip +%lld si_addr %s trap %llu err %llu", name, what, (unsigned long long)sum, seen.count,
         seen.code, (long long)(seen.rip - (u64)at), seen.address == seen.rip ? "rip" : "other", (unsigned long long)seen.trapno,
         (unsigned long long)seen.err);
  show_registers(7);
}

int main(void) {
#define BOTH(name) \
  if (strcmp(#name, "narrow")) run(#name, name, name##_at, other_divisor, "another divisor"); \
  run(#name, name, name##_at, behind, "behind");
  BOTH(div8) BOTH(div4) BOTH(div2) BOTH(div1) BOTH(idiv8) BOTH(idiv4) BOTH(idiv2) BOTH(narrow)
  // The most negative number by -1.
  on(SIGFPE, behind, 0);
  u64 sum = 0;
  for (u64 i = 0; i < 3000; i++) {
    u64 a = i % 500 == 499 ? 1ul << 63 : i, d;
    __asm__ volatile("cqo\n idivq %2" : "+a"(a), "=&d"(d) : "r"(~0ul) : "cc");
    sum = sum * 3 + a + d;
  }
  printf("by -1: %llx, %d errors\n", (unsigned long long)sum, seen.count);
  return 0;
}
