// 256-bit registers: what a signal handler, a thread switch and a fault in the middle of a loop leave of their upper
// halves; masked and gathering accesses, of which only what the mask takes may fault, and which stop half-way.
#include "hostile.h"
#include <pthread.h>
#include <sys/time.h>

#define BASE 0x1f000000UL
static u8 *pages;

static void fill(void) {
  for (int i = 0; i < 2 * PAGE; i++) pages[i] = (u8)(i * 7 + i / 256 + 1);
}
static u64 sum_of(const void *at, int n) {
  u64 sum = 7;
  for (int i = 0; i < n; i++) sum = sum * 31 + ((const u8 *)at)[i];
  return sum;
}

// The XSAVE image of the frame, at the offset that cpuid gives for the upper halves.
static u32 upper_offset;
static u64 frame_lower, frame_upper;
static int magic, change;
static void look(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  u8 *fp = (u8 *)((ucontext_t *)context)->uc_mcontext.fpregs;
  magic = *(u32 *)(fp + 464) == 0x46505853 && (*(u64 *)(fp + 512) & 4) != 0;
  frame_lower = sum_of(fp + 160, 16 * 8);
  frame_upper = sum_of(fp + upper_offset, 16 * 8);
  if (change) {
    fp[upper_offset + 16 * 3] ^= 0xff; // ymm3
    fp[160 + 16 * 3 + 1] ^= 0xff;
  }
  // What the handler does with them is its own affair.
  __asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vpaddd %%ymm0, %%ymm0, %%ymm3\n vmovdqa %%ymm3, %%ymm7\n vzeroupper" : : : "xmm0", "xmm3", "xmm7");
  g[REG_RDI] = (greg_t)pages;
}

static void frames(void) {
  on(SIGSEGV, look, 0);
  for (change = 0; change < 2; change++) {
    fill();
    protect(pages + PAGE, PAGE, PROT_NONE);
    u8 result[64];
    u8 *at = pages;
    u64 n = 3000;
    seen.count = 0;
    __asm__ volatile(
        "vmovdqu (%%rdi), %%ymm2\n vmovdqu 32(%%rdi), %%ymm3\n vpxor %%ymm4, %%ymm4, %%ymm4\n vmovdqa %%ymm2, %%ymm5\n vmovdqa %%ymm3, %%ymm6\n vmovdqa %%ymm2, %%ymm7\n vmovdqa %%ymm4, %%ymm0\n vmovdqa %%ymm4, %%ymm1\n"
        "1: vpaddd %%ymm2, %%ymm3, %%ymm3\n"
        "   vpermq $0x39, %%ymm3, %%ymm4\n"
        "   vpxor %%ymm4, %%ymm2, %%ymm2\n"
        "   vpaddq (%%rdi), %%ymm2, %%ymm2\n"
        "   add $24, %%rdi\n"
        "   dec %[n]\n"
        "   jnz 1b\n"
        "   vmovdqu %%ymm2, (%[result])\n vmovdqu %%ymm3, 32(%[result])\n vzeroupper"
        : [n] "+r"(n), "+D"(at) : [result] "r"(result)
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory", "cc");
    printf("frames: %d faults, magic %d, in the frame %llx %llx, result %llx, si_addr +%lld\n", seen.count, magic, (unsigned long long)frame_lower,
           (unsigned long long)frame_upper, (unsigned long long)sum_of(result, 64), (long long)(seen.address - BASE));
    protect(pages, 2 * PAGE, RW);
  }
}

// 32-byte accesses at the border: nothing of a store is seen, and the address is the second page's.
static void at_border(void) {
  on(SIGSEGV, leave, 0);
  static const char *const names[] = {"vmovdqu load", "vmovups store", "vmovntdq misaligned", "vpaddb operand", "vmovdqa misaligned", "vinserti128", "vextracti128", "vbroadcasti128"};
  for (int k = 0; k < 8; k++) {
    fill();
    u64 before = sum_of(pages, PAGE);
    int faults = 0;
    for (int i = 0; i < 300; i++) {
      int missing = i % 10 == 9;
      u8 *at = pages + PAGE - 1 - i % 15;
      if (missing) protect(pages + PAGE, PAGE, PROT_NONE);
      seen.count = 0;
      if (sigsetjmp(out, 1) == 0) switch (k) {
          case 0: __asm__ volatile("vmovdqu (%0), %%ymm1\n vzeroupper" : : "r"(at) : "xmm1", "memory"); break;
          case 1: if (missing) __asm__ volatile("vmovups %%ymm1, (%0)\n vzeroupper" : : "r"(at) : "memory"); break;
          case 2: if (missing) __asm__ volatile("vmovntdq %%ymm1, (%0)\n vzeroupper" : : "r"(at) : "memory"); break;
          case 3: __asm__ volatile("vpaddb (%0), %%ymm1, %%ymm1\n vzeroupper" : : "r"(at) : "xmm1", "memory"); break;
          case 4: __asm__ volatile("vmovdqa (%0), %%ymm1\n vzeroupper" : : "r"(at) : "xmm1", "memory"); break;
          case 5: __asm__ volatile("vinserti128 $1, (%0), %%ymm1, %%ymm1\n vzeroupper" : : "r"(at) : "xmm1", "memory"); break;
          case 6: if (missing) __asm__ volatile("vextracti128 $1, %%ymm1, (%0)\n vzeroupper" : : "r"(at) : "memory"); break;
          case 7: __asm__ volatile("vbroadcasti128 (%0), %%ymm1\n vzeroupper" : : "r"(at) : "xmm1", "memory"); break;
        }
      faults += seen.count;
      if (missing) protect(pages + PAGE, PAGE, RW);
    }
    printf("%s: %d faults, last at +%lld code %d err %llx trap %llu%s\n", names[k], faults, (long long)(seen.address - BASE), seen.code, (unsigned long long)seen.err,
           (unsigned long long)seen.trapno, sum_of(pages, PAGE) == before ? "" : ", memory has changed");
  }
}

// Masked moves over the border: only elements that the mask takes count.
static void masked(void) {
  fill();
  protect(pages + PAGE, PAGE, PROT_NONE);
  on(SIGSEGV, leave, 0);
  u64 sum = 0;
  int faults = 0;
  for (int i = 0; i < 2000; i++) {
    u32 mask[8], value[8];
    int bits = i * 37 & 255, back = i % 9; // elements in front of the border
    for (int k = 0; k < 8; k++) mask[k] = bits >> k & 1 ? 0x80000000u : 0x7fffffff, value[k] = (u32)(i * 8 + k);
    seen.count = 0;
    if (sigsetjmp(out, 1) == 0) {
      u8 *at = pages + PAGE - back * 4;
      if (i & 1)
        __asm__ volatile("vmovdqu (%1), %%ymm0\n vmovdqu (%2), %%ymm1\n vpmaskmovd %%ymm1, %%ymm0, (%0)\n vzeroupper" : : "r"(at), "r"(mask), "r"(value) : "xmm0", "xmm1", "memory");
      else
        __asm__ volatile("vmovdqu (%1), %%ymm0\n vmaskmovps (%0), %%ymm0, %%ymm1\n vmovdqu %%ymm1, (%2)\n vzeroupper" : : "r"(at), "r"(mask), "r"(value) : "xmm0", "xmm1", "memory");
      sum = sum * 3 + sum_of(value, 32);
    } else sum = sum * 3 + seen.address + seen.err;
    faults += seen.count;
  }
  printf("masked: %d faults, %llx %llx\n", faults, (unsigned long long)sum, (unsigned long long)sum_of(pages, PAGE));
  protect(pages + PAGE, PAGE, RW);
}

// A gather that faults and is begun again, or gone on with: how much of it was done before is the processor's own affair.
static void repair(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  protect(pages + PAGE, PAGE, RW);
}
static void gathered(void) {
  fill();
  on(SIGSEGV, repair, 0);
  u64 sum = 0;
  seen.count = 0;
  for (int i = 0; i < 400; i++) {
    u32 index[8], mask[8], result[8];
    for (int k = 0; k < 8; k++) index[k] = (u32)(i * 40 + k * 13) % 1000, mask[k] = i * 7 >> k & 1 ? 0x80000000u : 0;
    int far = i % 8;
    if (i % 5 == 0) {
      index[far] = 1024 + (u32)i;
      protect(pages + PAGE, PAGE, PROT_NONE);
    }
    __asm__ volatile("vmovdqu (%1), %%ymm1\n vmovdqu (%2), %%ymm2\n vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vpgatherdd %%ymm2, (%3, %%ymm1, 4), %%ymm0\n vpaddd %%ymm2, %%ymm0, %%ymm0\n vmovdqu %%ymm0, (%0)\n vzeroupper"
                     : : "r"(result), "r"(index), "r"(mask), "r"(pages) : "xmm0", "xmm1", "xmm2", "memory");
    sum = sum * 3 + sum_of(result, 32);
    if (seen.count) sum = sum * 3 + seen.address;
    protect(pages + PAGE, PAGE, RW);
  }
  printf("gathered: %d faults, %llx\n", seen.count, (unsigned long long)sum);
}

// Threads that keep all sixteen registers full while others do the same, and a timer whose handler uses them.
static void *keeper(void *argument) {
  u64 seed[4] = {(u64)argument * 0x9e3779b97f4a7c15, 3, 5, 7}, result[4];
  u64 n = 300000;
  __asm__ volatile(
      "vmovdqu (%[seed]), %%ymm0\n vpaddq %%ymm0, %%ymm0, %%ymm1\n vpaddq %%ymm1, %%ymm0, %%ymm2\n vpaddq %%ymm2, %%ymm1, %%ymm3\n"
      "vpaddq %%ymm3, %%ymm2, %%ymm8\n vpaddq %%ymm8, %%ymm3, %%ymm12\n vpaddq %%ymm12, %%ymm8, %%ymm15\n"
      "1: vpaddq %%ymm15, %%ymm0, %%ymm0\n vpsrlq $7, %%ymm0, %%ymm1\n vpxor %%ymm1, %%ymm0, %%ymm0\n vpaddq %%ymm0, %%ymm8, %%ymm8\n"
      "   vpermq $0x93, %%ymm8, %%ymm8\n vpxor %%ymm8, %%ymm12, %%ymm12\n vpaddq %%ymm12, %%ymm15, %%ymm15\n dec %[n]\n jnz 1b\n"
      "vpxor %%ymm0, %%ymm15, %%ymm0\n vpxor %%ymm12, %%ymm0, %%ymm0\n vmovdqu %%ymm0, (%[result])\n vzeroupper"
      : [n] "+r"(n) : [seed] "r"(seed), [result] "r"(result)
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm8", "xmm12", "xmm15", "memory", "cc");
  return (void *)sum_of(result, 32);
}
static void tick(int n, siginfo_t *info, void *context) {
  __asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vmovdqa %%ymm0, %%ymm8\n vmovdqa %%ymm0, %%ymm12\n vmovdqa %%ymm0, %%ymm15" : : : "xmm0", "xmm8", "xmm12", "xmm15");
}
static void kept(void) {
  on(SIGALRM, tick, SA_RESTART);
  struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &every, 0);
  pthread_t threads[4];
  u64 sum = 0;
  for (u64 i = 0; i < 4; i++) pthread_create(&threads[i], 0, keeper, (void *)(i + 1));
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum = sum * 3 + (u64)result;
  }
  setitimer(ITIMER_REAL, &never, 0);
  printf("kept %llx\n", (unsigned long long)sum);
}

// Old instructions keep the upper half, new ones clear it, in one loop.
static void mixed(void) {
  u64 value[4] = {1, 2, 3, 4}, n = 5000;
  __asm__ volatile(
      "vmovdqu (%[value]), %%ymm0\n vmovdqa %%ymm0, %%ymm1\n"
      "1: paddq %%xmm0, %%xmm1\n"
      "   vpaddq %%ymm1, %%ymm0, %%ymm2\n"
      "   vmovdqa %%xmm2, %%xmm3\n"
      "   vpxor %%ymm3, %%ymm0, %%ymm0\n"
      "   vextracti128 $1, %%ymm2, %%xmm4\n"
      "   pxor %%xmm4, %%xmm1\n"
      "   vpermq $0x4e, %%ymm1, %%ymm1\n"
      "   test $63, %[n]\n"
      "   jnz 2f\n"
      "   vinserti128 $1, %%xmm4, %%ymm0, %%ymm0\n"
      "2: dec %[n]\n"
      "   jnz 1b\n"
      "   vpaddq %%ymm0, %%ymm1, %%ymm0\n vmovdqu %%ymm0, (%[value])\n vzeroupper"
      : [n] "+r"(n) : [value] "r"(value) : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "memory", "cc");
  printf("mixed %llx\n", (unsigned long long)sum_of(value, 32));
}

int main(void) {
  u32 a = 7, b, c = 0, d;
  __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  u32 a1 = 1, b1, c1 = 0, d1;
  __asm__("cpuid" : "+a"(a1), "=b"(b1), "+c"(c1), "=d"(d1));
  if (!(c1 >> 27 & 1) || !(b >> 5 & 1)) {
    printf("skipped: no AVX2\n");
    return 0;
  }
  a = 13, c = 2;
  __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  upper_offset = b;
  pages = map(BASE, 2 * PAGE, RW);
  frames();
  at_border();
  masked();
  gathered();
  kept();
  mixed();
  return 0;
}
