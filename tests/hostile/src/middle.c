// One stream of bytes executed from several starts, so that instructions overlap; and code that ends on the last byte
// of a page in front of a page that is not there.
#include "hostile.h"

// From 0: mov $0x04eb5840, %eax...; from 1 other instructions in the bytes of the constant.
static void overlap(void) {
  u8 *page = map(0x12000000, PAGE, RWX), *at = page;
  // +0  b8 40 90 ff c0      mov $0xc0ff9040, %eax
  // +1     40 90            rex nop
  // +3           ff c0      inc %eax
  // +5  ff c0               inc %eax
  // +6     c0 ...           is rolb
  EMIT(at, "\xb8\x40\x90\xff\xc0\xff\xc0\xc0\xc0\x01\xc3");
  u64 sum = 0;
  for (u32 i = 0; i < 30000; i++) {
    static const u8 starts[] = {0, 1, 3, 5, 2, 7, 10};
    u64 rax = i;
    const u8 *start = page + starts[i % 7];
    if (i % 7 == 4) start = page + 5;
    __asm__ volatile("call *%1" : "+a"(rax) : "r"(start) : "cc");
    sum = sum * 3 + rax;
  }
  printf("overlap %llx\n", (unsigned long long)sum);
}

// A loop that jumps into the middle of its own first instruction in every other round.
static void own_middle(void) {
  u64 count = 50000, a = 0, b = 0;
  __asm__ volatile(
      "1: .byte 0x48, 0xb9\n"            // mov $imm64, %rcx, whose bytes are
      "2: inc %[a]\n"                     // 3 bytes
      "   jmp 3f\n"                       // 2 bytes
      "   .byte 0, 0, 0\n"
      "   inc %[b]\n"
      "3: dec %[n]\n"
      "   jz 4f\n"
      "   test $1, %b[n]\n"
      "   jz 1b\n"
      "   jmp 2b\n"
      "4:"
      : [a] "+r"(a), [b] "+r"(b), [n] "+r"(count)
      :
      : "rcx", "cc");
  printf("own middle %llu %llu\n", (unsigned long long)a, (unsigned long long)b);
}

// A jump past a lock prefix, as old C libraries have it; and redundant prefixes.
static void prefixes(void) {
  u64 cell = 0, n = 30000;
  __asm__ volatile(
      "1: test $1, %b[n]\n"
      "   jz 2f\n"
      "   .byte 0xf0\n"
      "2: addq $3, %[cell]\n"
      "   .byte 0x66, 0x66, 0x2e\n"
      "   nop\n"
      "   .byte 0x48\n"                   // an operand size that the second prefix makes void
      "   .byte 0x66\n"
      "   incl %%eax\n"
      "   dec %[n]\n"
      "   jnz 1b\n"
      : [cell] "+m"(cell), [n] "+r"(n)
      :
      : "rax", "cc");
  printf("prefixes %llu\n", (unsigned long long)cell);
}

// Code up to the last byte before the border; the page behind is missing or not executable.
static void last_byte(void) {
  u8 *pages = map(0x12010000, 2 * PAGE, RWX);
  protect(pages + PAGE, PAGE, PROT_NONE);
  u64 sum = 0;
  for (int length = 1; length <= 10; length++) {
    // mov $imm64, %rax is 10 bytes: `length` of them are there.
    u8 *at = pages + PAGE - length;
    static const char move[10] = "\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11";
    memcpy(at, move, (size_t)length);
    for (int i = 0; i < 400; i++) {
      seen.count = 0;
      if (sigsetjmp(out, 1) == 0) ((code)at)(0, 0);
      sum = sum * 3 + seen.address + (seen.rip - (u64)at) * 7 + (u64)seen.count + seen.err;
    }
    printf("%d bytes: rip +%lld si_addr %llx err %llx code %d\n", length, (long long)(seen.rip - (u64)at),
           (unsigned long long)seen.address, (unsigned long long)seen.err, seen.code);
  }
  u8 *at = pages + PAGE - 6;
  EMIT(at, "\xb8\x2a\0\0\0\xc3");
  for (int i = 0; i < 3000; i++) sum = sum * 3 + ((code)(pages + PAGE - 6))(0, 0);
  printf("last byte %llx\n", (unsigned long long)sum);
}

int main(void) {
  on(SIGSEGV, leave, 0);
  overlap();
  own_middle();
  prefixes();
  last_byte();
  return 0;
}
