// A program that makes code, runs it and throws it away, again and again: many functions at one address, many addresses
// with one function, chains of calls through fresh code.
#include "hostile.h"

static u64 random_state = 88172645463325252ull;
static u32 below(u32 n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (u32)((random_state >> 20) % n);
}

// A function of random arithmetic on rdi and rsi, and what it must give.
static u64 expected(const u8 *ops, const u32 *constants, int n, u64 a, u64 b) {
  u64 x = a;
  for (int i = 0; i < n; i++) switch (ops[i]) {
      case 0: x += constants[i]; break;
      case 1: x ^= constants[i]; break;
      case 2: x += b; break;
      case 3: x *= (u64)(i64)(int)constants[i]; break;
      case 4: x = x << (constants[i] & 63) | x >> (-constants[i] & 63); break;
      case 5: x -= b; break;
      case 6: if (x & 1) x += 12345; break;
    }
  return x;
}
static u8 *compile(u8 *at, const u8 *ops, const u32 *constants, int n) {
  EMIT(at, "\x48\x89\xf8"); // mov %rdi, %rax
  for (int i = 0; i < n; i++) switch (ops[i]) {
      case 0: EMIT(at, "\x48\x05"); emit32(&at, constants[i]); break;
      case 1: EMIT(at, "\x48\x35"); emit32(&at, constants[i]); break;
      case 2: EMIT(at, "\x48\x01\xf0"); break;
      case 3: EMIT(at, "\x48\x69\xc0"); emit32(&at, constants[i]); break;
      case 4: EMIT(at, "\x48\xc1\xc0"); *at++ = (u8)(constants[i] & 63); break;
      case 5: EMIT(at, "\x48\x29\xf0"); break;
      case 6: EMIT(at, "\xa8\x01\x74\x06\x48\x05\x39\x30\x00\x00"); break; // test $1, %al; jz +6; add $12345, %rax
    }
  EMIT(at, "\xc3");
  return at;
}

static int wrong;
static u64 round_trip(u8 *place, int calls) {
  u8 ops[24];
  u32 constants[24];
  int n = 1 + (int)below(24);
  for (int i = 0; i < n; i++) ops[i] = (u8)below(7), constants[i] = below(0x7fffffff);
  compile(place, ops, constants, n);
  u64 sum = 0;
  for (int i = 0; i < calls; i++) {
    u64 a = below(1000000), b = below(100), got = ((code)place)(a, b);
    if (got != expected(ops, constants, n, a, b)) wrong++;
    sum = sum * 3 + got;
  }
  return sum;
}

static void one_address(void) {
  u8 *page = map(0x16000000, PAGE, RWX);
  u64 sum = 0;
  for (int i = 0; i < 3000; i++) sum = sum * 5 + round_trip(page, 1 + i % 9);
  printf("one address %llx, %d wrong\n", (unsigned long long)sum, wrong);
}

static void few_but_hot(void) {
  u8 *page = map(0x16010000, PAGE, RWX);
  u64 sum = 0;
  for (int i = 0; i < 12; i++) sum = sum * 5 + round_trip(page + (i & 1) * 2048, 4000);
  printf("few but hot %llx, %d wrong\n", (unsigned long long)sum, wrong);
}

static void many_addresses(void) {
  u8 *area = map(0x17000000, 4 << 20, RWX);
  u64 sum = 0;
  for (int i = 0; i < 6000; i++) sum = sum * 5 + round_trip(area + i * 640, 2);
  for (int i = 0; i < 6000; i++) sum = sum * 5 + ((code)(area + i * 640))((u64)i, 3);
  printf("many addresses %llx, %d wrong\n", (unsigned long long)sum, wrong);
}

// Code is written W, then made X, in a fresh mapping each time, which goes away again.
static void fresh_mappings(void) {
  u64 sum = 0;
  for (int i = 0; i < 800; i++) {
    u8 *area = map(0x18000000 + (u64)(i % 5) * 16 * PAGE, 2 * PAGE, RW);
    u8 ops[8];
    u32 constants[8];
    for (int k = 0; k < 8; k++) ops[k] = (u8)below(7), constants[k] = below(0x7fffffff);
    compile(area + PAGE - 20, ops, constants, 8);
    protect(area, 2 * PAGE, RX);
    for (u64 k = 0; k < 5; k++) {
      u64 got = ((code)(area + PAGE - 20))(k, (u64)i);
      if (got != expected(ops, constants, 8, k, (u64)i)) wrong++;
      sum = sum * 3 + got;
    }
    munmap(area, 2 * PAGE);
  }
  printf("fresh mappings %llx, %d wrong\n", (unsigned long long)sum, wrong);
}

// A trampoline whose target is patched while others stay: inline caches do that.
static void patched_calls(void) {
  u8 *area = map(0x19000000, 4 * PAGE, RWX), *functions[8], *at = area;
  for (int i = 0; i < 8; i++) {
    functions[i] = at;
    EMIT(at, "\x48\x8d\x47"); // lea i(%rdi), %rax
    *at++ = (u8)(i * 3);
    EMIT(at, "\xc3");
  }
  u8 *caller = area + PAGE + 100;
  at = caller;
  u8 *sites[16];
  EMIT(at, "\x48\x89\xf8");
  for (int i = 0; i < 16; i++) {
    EMIT(at, "\x48\x89\xc7\xe8"); // mov %rax, %rdi; call
    sites[i] = at;
    emit32(&at, (u32)(functions[i & 7] - (at + 4)));
  }
  EMIT(at, "\xc3");
  u64 sum = 0;
  for (u32 i = 0; i < 4000; i++) {
    u8 *site = sites[below(16)];
    *(volatile u32 *)site = (u32)(functions[below(8)] - (site + 4));
    sum = sum * 3 + ((code)caller)(i, 0);
  }
  printf("patched calls %llx\n", (unsigned long long)sum);
}

int main(void) {
  one_address();
  few_but_hot();
  many_addresses();
  fresh_mappings();
  patched_calls();
  return wrong != 0;
}
