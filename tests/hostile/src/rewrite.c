// Code that changes code: in its own block, just ahead of itself, on another page, through another mapping of the same
// memory, and while it is on the stack of callers.
#include "hostile.h"
#include <sys/syscall.h>

// mov $imm32, %eax; ret, with the constant changed before each call.
static void constant(void) {
  u8 *page = map(0x10000000, PAGE, RWX), *at = page;
  EMIT(at, "\xb8\0\0\0\0\xc3");
  u64 sum = 0;
  for (u32 i = 0; i < 20000; i++) {
    *(volatile u32 *)(page + 1) = i * 7;
    sum = sum * 3 + ((code)page)(0, 0);
  }
  printf("constant %llx\n", (unsigned long long)sum);
}

// A loop that adds an immediate of its own, and changes it in each round: the store is in the block that it changes.
static void own_block(void) {
  u8 *page = map(0x10010000, PAGE, RWX), *at = page;
  EMIT(at, "\x31\xc0");              // xor %eax, %eax
  u8 *top = at;
  EMIT(at, "\x48\x05");              // add $imm32, %rax
  u8 *immediate = at;
  emit32(&at, 1);
  EMIT(at, "\xff\x05");              // incl immediate(%rip)
  emit32(&at, (u32)(immediate - (at + 4)));
  EMIT(at, "\x48\xff\xcf\x75");      // dec %rdi; jnz top
  *at = (u8)(top - (at + 1));
  at++;
  EMIT(at, "\xc3");
  printf("own block %llu\n", (unsigned long long)((code)page)(20000, 0));
}

// The store changes the instruction right behind it from nop to inc %rax, and back in the next round.
static void next_instruction(void) {
  u8 *page = map(0x10020000, PAGE, RWX), *at = page;
  EMIT(at, "\x31\xc0\xba");          // xor %eax, %eax; mov $..., %edx
  u8 *value = at;
  emit32(&at, 0x00c0ff48);           // inc %rax; the fourth byte belongs to what follows
  u8 *top = at;
  EMIT(at, "\x89\x15");              // mov %edx, target(%rip)
  emit32(&at, 0);                    // the next instruction
  u8 *target = at;
  EMIT(at, "\x0f\x1f\x00\x90");      // nopl (%rax); nop
  EMIT(at, "\x81\xf2");              // xor $..., %edx: the other one of the two
  emit32(&at, 0x00c0ff48 ^ 0x00001f0f);
  EMIT(at, "\x48\xff\xcf\x75");
  *at = (u8)(top - (at + 1));
  at++;
  EMIT(at, "\xc3");
  // The fourth byte of both is a nop.
  value[3] = 0x90;
  (void)target;
  printf("next instruction %llu\n", (unsigned long long)((code)page)(10000, 0));
}

// The same, with rep stosb over the instructions that follow it.
static void string_store(void) {
  u8 *page = map(0x10030000, PAGE, RWX), *at = page;
  EMIT(at, "\x49\x89\xf8");          // mov %rdi, %r8
  EMIT(at, "\x31\xd2");              // xor %edx, %edx
  u8 *top = at;
  EMIT(at, "\x48\x8d\x3d");          // lea target(%rip), %rdi
  u8 *distance = at;
  emit32(&at, 0);
  EMIT(at, "\xb9\x08\0\0\0\xb0\x90\xf3\xaa"); // mov $8, %ecx; mov $0x90, %al; rep stosb
  u8 *target = at;
  u32 d = (u32)(target - (distance + 4));
  memcpy(distance, &d, 4);
  EMIT(at, "\x48\xff\xc2\x48\xff\xc2\x90\x90"); // inc %rdx; inc %rdx; nop; nop
  EMIT(at, "\x49\xff\xc8\x75");      // dec %r8; jnz
  *at = (u8)(top - (at + 1));
  at++;
  EMIT(at, "\x48\x89\xd0\xc3");      // mov %rdx, %rax; ret
  printf("string store %llu\n", (unsigned long long)((code)page)(3000, 0));
}

// One page rewrites a function on another, and calls it.
static void other_page(void) {
  u8 *pages = map(0x10040000, 2 * PAGE, RWX), *far = pages + PAGE, *at = far;
  EMIT(at, "\x48\x83\xc0\x01\xc3");  // add $1, %rax; ret
  at = pages;
  EMIT(at, "\x31\xc0");
  u8 *top = at;
  EMIT(at, "\x80\x05");              // addb $3, imm8(%rip)
  emit32(&at, (u32)(far + 3 - (at + 5)));
  EMIT(at, "\x03\xe8");              // ...; call far
  emit32(&at, (u32)(far - (at + 4)));
  EMIT(at, "\x48\xff\xcf\x75");
  *at = (u8)(top - (at + 1));
  at++;
  EMIT(at, "\xc3");
  printf("other page %lld\n", (long long)((code)pages)(20000, 0));
}

// The same memory twice: written through one mapping, executed through the other.
static void alias(void) {
  int fd = (int)syscall(SYS_memfd_create, "alias", 0);
  if (ftruncate(fd, PAGE)) exit(98);
  u8 *writable = mmap((void *)0x10050000, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
  u8 *executable = mmap((void *)0x10060000, PAGE, RX, MAP_SHARED | MAP_FIXED, fd, 0);
  if (writable == MAP_FAILED || executable == MAP_FAILED) exit(98);
  u8 *at = writable;
  EMIT(at, "\xb8\0\0\0\0\xc3");
  u64 sum = 0;
  for (u32 i = 0; i < 3000; i++) {
    *(volatile u32 *)(writable + 1) = i * i;
    sum = sum * 3 + ((code)executable)(0, 0);
  }
  printf("alias %llx\n", (unsigned long long)sum);
}

// A function that calls back into C, where the rest of it is rewritten before it is returned to.
static u8 *rest;
static void rewrite_rest(void) { rest[3] = (u8)(rest[3] + 1); }
static void under_way(void) {
  u8 *page = map(0x10070000, PAGE, RWX), *at = page;
  EMIT(at, "\x53\x48\x89\xfb\x48\xb8"); // push %rbx; mov %rdi, %rbx; mov $..., %rax
  emit64(&at, (u64)rewrite_rest);
  EMIT(at, "\xff\xd0");              // call *%rax
  rest = at;
  EMIT(at, "\x48\x8d\x43\x00\x5b\xc3"); // lea 0(%rbx), %rax; pop %rbx; ret
  u64 sum = 0;
  for (u32 i = 0; i < 10000; i++) sum = sum * 3 + ((code)page)(i, 0);
  printf("under way %llx\n", (unsigned long long)sum);
}

// Data and code on one page: stores that change no code, in a hot loop.
static void mixed_page(void) {
  u8 *page = map(0x10080000, PAGE, RWX), *at = page;
  EMIT(at, "\x31\xc0");
  u8 *top = at;
  EMIT(at, "\x48\x01\x3d");          // add %rdi, counter(%rip)
  emit32(&at, (u32)(page + 2048 - (at + 4)));
  EMIT(at, "\x48\x03\x05");          // add counter(%rip), %rax
  emit32(&at, (u32)(page + 2048 - (at + 4)));
  EMIT(at, "\x48\xff\xcf\x75");
  *at = (u8)(top - (at + 1));
  at++;
  EMIT(at, "\xc3");
  u64 sum = 0;
  for (u32 i = 0; i < 20; i++) sum = sum * 3 + ((code)page)(1000, 0);
  printf("mixed page %llx\n", (unsigned long long)sum);
}

int main(void) {
  constant();
  own_block();
  next_instruction();
  string_store();
  other_page();
  alias();
  under_way();
  mixed_page();
  return 0;
}
