// Accesses that cross a page border. When the second page is missing nothing of a store may be seen, and the fault's
// address is that of the second page. Each form runs often before it faults.
#include "hostile.h"

#define FIRST 0x13000000UL
#define SECOND (FIRST + PAGE)
static u8 *pages;

// Runs one instruction with %rdi as the address, %rax, %rcx, %rdx and %xmm0 loaded.
#define FORM(name, text) \
  static NOINLINE void name(u8 *at, u64 value) { \
    u64 rax = value, rcx = 3, rdx = ~value; \
    __asm__ volatile("movq %%rax, %%xmm0\n punpcklqdq %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n fldpi\n stc\n" text "\n fstp %%st(0)\n" \
                     : "+a"(rax), "+c"(rcx), "+d"(rdx), "+D"(at) : : "xmm0", "xmm1", "memory", "cc"); \
  }
FORM(store2, "movw %%ax, (%%rdi)")
FORM(store4, "movl %%eax, (%%rdi)")
FORM(store8, "movq %%rax, (%%rdi)")
FORM(storei, "movq $0x12345678, (%%rdi)")
FORM(storeups, "movups %%xmm0, (%%rdi)")
FORM(storelps, "movlps %%xmm0, (%%rdi)")
FORM(store10, "fldpi\n fstpt (%%rdi)")
FORM(storefst, "fstl (%%rdi)")
FORM(add8, "addq %%rax, (%%rdi)")
FORM(adc4, "adcl %%eax, (%%rdi)")
FORM(inc2, "incw (%%rdi)")
FORM(not8, "notq (%%rdi)")
FORM(shl4, "shll %%cl, (%%rdi)")
FORM(xchg8, "xchgq %%rax, (%%rdi)")
FORM(xadd4, "lock xaddl %%eax, (%%rdi)")
FORM(cmpxchg8, "lock cmpxchgq %%rdx, (%%rdi)")
FORM(bts8, "btsq $9, (%%rdi)")
FORM(load2, "movzwl (%%rdi), %%eax")
FORM(load4, "movslq (%%rdi), %%rax")
FORM(load8, "movq (%%rdi), %%rax")
FORM(loadups, "movups (%%rdi), %%xmm1")
FORM(loadfild, "fildll (%%rdi)\n fstp %%st(0)")
FORM(cmp4, "cmpl %%eax, (%%rdi)")
FORM(pop8, "xchg %%rsp, %%rdi\n popq %%rax\n xchg %%rsp, %%rdi")

typedef void (*form)(u8 *, u64);
static const struct { const char *name; form run; int size; int is_store; } forms[] = {
    {"store2", store2, 2, 1},     {"store4", store4, 4, 1},     {"store8", store8, 8, 1},   {"storei", storei, 8, 1},
    {"storeups", storeups, 16, 1}, {"storelps", storelps, 8, 1}, {"store10", store10, 10, 1}, {"storefst", storefst, 8, 1},
    {"add8", add8, 8, 1},         {"adc4", adc4, 4, 1},         {"inc2", inc2, 2, 1},       {"not8", not8, 8, 1},
    {"shl4", shl4, 4, 1},         {"xchg8", xchg8, 8, 1},       {"xadd4", xadd4, 4, 1},     {"cmpxchg8", cmpxchg8, 8, 1},
    {"bts8", bts8, 8, 1},         {"load2", load2, 2, 0},       {"load4", load4, 4, 0},     {"load8", load8, 8, 0},
    {"loadups", loadups, 16, 0},  {"loadfild", loadfild, 8, 0}, {"cmp4", cmp4, 4, 0},
};

static u64 sum_of(const u8 *at, int n) {
  u64 sum = 7;
  for (int i = 0; i < n; i++) sum = sum * 31 + at[i];
  return sum;
}

static void fill(void) {
  for (int i = 0; i < 2 * PAGE; i++) pages[i] = (u8)(i * 7 + 1);
}

static void try(const char *name, form run, int size, int offset, const char *how) {
  static u8 before[PAGE];
  memcpy(before, pages, PAGE);
  int faults = 0;
  u64 sum = 0;
  for (int i = 0; i < 40; i++) {
    seen.count = 0;
    if (sigsetjmp(out, 1) == 0) run((u8 *)SECOND - offset, 0x1122334455667788 + (u64)i);
    else __asm__ volatile("fninit");
    faults += seen.count;
    sum = sum * 3 + seen.address + seen.err + (u64)seen.code + (seen.flags & STATUS_FLAGS);
  }
  printf("%s %s at -%d: %d faults, si_addr +%lld err %llx code %d rax %llx rcx %llx rdi %llx flags %llx%s; %llx\n", name, how, offset,
         faults, (long long)(seen.address - FIRST), (unsigned long long)seen.err, seen.code, (unsigned long long)seen.gpr[0],
         (unsigned long long)seen.gpr[1], (unsigned long long)seen.gpr[7], (unsigned long long)seen.flags,
         memcmp(before, pages, PAGE) == 0 ? "" : ", memory has changed", (unsigned long long)sum);
  (void)size;
}

int main(void) {
  on(SIGSEGV, leave, 0);
  pages = map(FIRST, 2 * PAGE, RW);
  for (unsigned f = 0; f < sizeof forms / sizeof forms[0]; f++) {
    fill();
    // Hot, at every offset around the border.
    for (int i = 0; i < 1500; i++) forms[f].run((u8 *)SECOND - (i % 33), 0x0102030405060708ull * (u64)(i + 1));
    printf("%s both there %llx\n", forms[f].name, (unsigned long long)sum_of(pages + PAGE - 64, 128));
    protect((u8 *)SECOND, PAGE, PROT_READ);
    for (int offset = 1; offset < forms[f].size; offset += forms[f].size > 8 ? 5 : 3)
      if (forms[f].is_store) try(forms[f].name, forms[f].run, forms[f].size, offset, "read-only");
    protect((u8 *)SECOND, PAGE, PROT_NONE);
    for (int offset = 1; offset < forms[f].size; offset += forms[f].size > 8 ? 5 : 3)
      try(forms[f].name, forms[f].run, forms[f].size, offset, "missing");
    // The first page missing and the second there.
    protect((u8 *)SECOND, PAGE, RW);
    protect((u8 *)FIRST, PAGE, PROT_NONE);
    static u8 before[PAGE];
    memcpy(before, (u8 *)SECOND, PAGE);
    int faults = 0;
    for (int i = 0; i < 40; i++) {
      seen.count = 0;
      if (sigsetjmp(out, 1) == 0) forms[f].run((u8 *)SECOND - 1, 5);
      else __asm__ volatile("fninit");
      faults += seen.count;
    }
    printf("%s first missing: %d faults, si_addr +%lld err %llx%s\n", forms[f].name, faults, (long long)(seen.address - FIRST),
           (unsigned long long)seen.err, memcmp(before, (u8 *)SECOND, PAGE) == 0 ? "" : ", memory has changed");
    protect((u8 *)FIRST, PAGE, RW);
  }
  // String instructions stop where they fault, with their registers so far.
  fill();
  for (int i = 0; i < 2000; i++) {
    u8 *to = pages + PAGE - 20, *from = pages + i % 50;
    u64 n = 40;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  }
  protect((u8 *)SECOND, PAGE, PROT_NONE);
  static const char *const strings[] = {"rep movsb", "rep movsq", "rep stosl", "rep stosb", "repe cmpsb", "repne scasb", "std rep movsl"};
  for (int k = 0; k < 7; k++)
    for (int i = 0; i < 50; i++) {
      u8 *to = pages + PAGE - 22 - k, *from = pages + PAGE - 300;
      u64 n = 100, rax = 0x5555555555555555;
      memcpy(pages + PAGE - 300, pages + PAGE - 22 - k, 22);
      if (sigsetjmp(out, 1) == 0) switch (k) {
        case 0: __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); break;
        case 1: __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); break;
        case 2: __asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(rax) : "memory"); break;
        case 3: __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(rax) : "memory"); break;
        case 4: __asm__ volatile("repe cmpsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory", "cc"); break;
        case 5: __asm__ volatile("repne scasb" : "+D"(to), "+c"(n) : "a"(rax) : "memory", "cc"); break;
        case 6: to = (u8 *)FIRST + 24; from = pages + 400;
                __asm__ volatile("std\n rep movsl\n cld" : "+D"(to), "+S"(from), "+c"(n) : : "memory", "cc"); break;
      } else __asm__ volatile("cld");
      if (i == 49) {
        printf("%s: si_addr +%lld", strings[k], (long long)(seen.address - FIRST));
        show_registers(1 << 1 | 1 << 6 | 1 << 7);
        printf("%llx\n", (unsigned long long)sum_of(pages + PAGE - 64, 64));
      }
    }
  // pop at the border.
  protect((u8 *)SECOND, PAGE, RW);
  for (int i = 0; i < 1000; i++) pop8(pages + PAGE - 3, 1);
  printf("pop %llx\n", (unsigned long long)sum_of(pages + PAGE - 64, 128));
  return 0;
}
