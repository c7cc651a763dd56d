// Indirect jumps and calls with hundreds of targets, from one place and from many.
#include "hostile.h"

// 300 targets of a few bytes each, all reached from one jump, in an order that changes.
extern void *const table[300];
__asm__(
    ".text\n"
    "dispatch:\n"
    "  xor %eax, %eax\n"
    "  mov %rdi, %r8\n"
    "  mov %rsi, %rcx\n"
    "dispatch_next:\n"
    "  dec %r8\n"
    "  js dispatch_end\n"
    "  imul $0x41c64e6d, %rcx, %rcx\n"
    "  add $12345, %rcx\n"
    "  mov %rcx, %rdx\n"
    "  shr $16, %rdx\n"
    "  and $0xffff, %edx\n"
    "  imul $300, %edx, %edx\n"
    "  shr $16, %edx\n"
    "  lea table(%rip), %r9\n"
    "  jmp *(%r9, %rdx, 8)\n"
    "dispatch_end: ret\n"
    ".set i, 0\n"
    ".rept 300\n"
    "  .pushsection .rodata.table, \"a\"\n"
    "  .if i == 0\n"
    "    .balign 8\n"
    "    table:\n"
    "  .endif\n"
    "  .quad 1f\n"
    "  .popsection\n"
    "1: add $i, %rax\n"
    "  .if i % 3 == 0\n"
    "    ror $3, %rax\n"
    "  .endif\n"
    "  .if i % 7 == 0\n"
    "    xor %rcx, %rax\n"
    "  .endif\n"
    "  jmp dispatch_next\n"
    "  .set i, i + 1\n"
    ".endr\n");
u64 dispatch(u64 rounds, u64 seed);

// The same as a bytecode interpreter does it: each handler has a jump of its own.
static NOINLINE u64 threaded(const u8 *program, u64 rounds) {
  static const void *const labels[] = {&&add, &&sub, &&twice, &&push, &&pop, &&swap, &&loop, &&halt};
  u64 a = 1, b = 2, stack[64];
  unsigned sp = 0;
  const u8 *at = program;
#define NEXT goto *labels[*at++]
  NEXT;
add: a += b; NEXT;
sub: b -= a >> 3; NEXT;
twice: a = a << 1 | a >> 63; NEXT;
push: stack[sp++ & 63] = a; NEXT;
pop: b ^= stack[--sp & 63]; NEXT;
swap: { u64 c = a; a = b; b = c; NEXT; }
loop: if (--rounds > 0) at = program; NEXT;
halt: return a + b * 3;
}

// Calls through pointers to 256 functions in fresh memory.
static void calls(void) {
  u8 *area = map(0x1d000000, 16 * PAGE, RWX);
  code functions[256];
  for (int i = 0; i < 256; i++) {
    u8 *at = area + i * 61 * 4;
    functions[i] = (code)at;
    EMIT(at, "\x48\x8d\x87"); // lea imm32(%rdi), %rax
    emit32(&at, (u32)(i * i));
    if (i & 1) EMIT(at, "\x48\xc1\xc0\x05"); // rol $5, %rax
    if (i & 2) EMIT(at, "\x48\x31\xf0");     // xor %rsi, %rax
    EMIT(at, "\xc3");
  }
  u64 x = 1;
  for (u64 i = 0; i < 60000; i++) x = functions[(x >> 7 ^ i) & 255](x, i);
  printf("calls %llx\n", (unsigned long long)x);
}

// Tail calls through a register, in a circle of functions.
typedef u64 (*circle)(u64, u64, const void *);
static NOINLINE u64 c0(u64 n, u64 x, const void *t) { return n == 0 ? x : ((const circle *)t)[x % 5](n - 1, x * 3 + 1, t); }
static NOINLINE u64 c1(u64 n, u64 x, const void *t) { return n == 0 ? x : ((const circle *)t)[x % 3](n - 1, x ^ n, t); }
static NOINLINE u64 c2(u64 n, u64 x, const void *t) { return n == 0 ? x : ((const circle *)t)[(x >> 4) % 5](n - 1, x + 77, t); }
static NOINLINE u64 c3(u64 n, u64 x, const void *t) { return n == 0 ? x : ((const circle *)t)[n % 5](n - 1, x << 1 | x >> 63, t); }
static NOINLINE u64 c4(u64 n, u64 x, const void *t) { return n == 0 ? x : ((const circle *)t)[4 - x % 5](n - 1, x - n * 3, t); }

int main(void) {
  u64 sum = 0;
  for (u64 i = 0; i < 20; i++) sum = sum * 3 + dispatch(5000, i);
  printf("dispatch %llx\n", (unsigned long long)sum);
  printf("threaded %llx\n", (unsigned long long)threaded((const u8 *)"\0\1\2\3\5\0\2\4\3\3\1\4\0\4\6\7", 20000));
  calls();
  static const circle table_of_circle[5] = {c0, c1, c2, c3, c4};
  printf("circle %llx\n", (unsigned long long)c0(100000, 1, table_of_circle));
  return 0;
}
