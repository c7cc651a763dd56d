// What every generated program begins with: short names for types, a running checksum, operators that are defined for all
// operands, and variadic and library helpers. Only bits that have a meaning go into the checksum: no padding, no addresses.
#define _GNU_SOURCE
#include <alloca.h>
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef int8_t i8;
typedef uint8_t u8;
typedef int16_t i16;
typedef uint16_t u16;
typedef int32_t i32;
typedef uint32_t u32;
typedef int64_t i64;
typedef uint64_t u64;
typedef __int128 i128;
typedef unsigned __int128 u128;
typedef float f32;
typedef double f64;
typedef long double f80;
typedef i32 v4i __attribute__((vector_size(16)));
typedef u8 v16b __attribute__((vector_size(16)));
typedef i64 v2q __attribute__((vector_size(16)));
typedef f32 v4f __attribute__((vector_size(16)));
typedef f64 v2d __attribute__((vector_size(16)));
typedef i32 v8i __attribute__((vector_size(32)));
typedef i64 v4q __attribute__((vector_size(32)));
typedef i16 v16h __attribute__((vector_size(32)));
typedef f64 v4d __attribute__((vector_size(32)));

#define NOINLINE __attribute__((noinline))

// Loops and calls stop when it is used up, so that every program ends soon.
static long fuel = 30000;
static u64 crc = 0x243f6a8885a308d3;

static void mix(u64 v) {
  crc = (crc ^ v) * 0x9e3779b97f4a7c15;
  crc ^= crc >> 29;
}
static void mix_i128(u128 v) { mix((u64)v); mix((u64)(v >> 64)); }
static void mix_f32(f32 v) { u32 bits; memcpy(&bits, &v, 4); mix(bits); }
static void mix_f64(f64 v) { u64 bits; memcpy(&bits, &v, 8); mix(bits); }
static void mix_f80(f80 v) {
  u64 low = 0;
  u16 high = 0;
  memcpy(&low, &v, 8);
  memcpy(&high, (char *)&v + 8, 2);
  mix(low);
  mix(high);
}
static void mix_bytes(const void *p, size_t n) {
  for (size_t i = 0; i < n; i++) mix(((const u8 *)p)[i]);
}

// Division where it would trap gives the dividend.
#define DIV(a, b) ({ __auto_type a_ = +(a); __auto_type b_ = +(b); b_ == 0 || b_ == (__typeof__(b_))-1 ? a_ : a_ / b_; })
#define MOD(a, b) ({ __auto_type a_ = +(a); __auto_type b_ = +(b); b_ == 0 || b_ == (__typeof__(b_))-1 ? b_ : a_ % b_; })
#define ADD_OVERFLOW(T, a, b) ({ T r_; int o_ = __builtin_add_overflow(a, b, &r_); (T)(r_ ^ o_); })
#define SUB_OVERFLOW(T, a, b) ({ T r_; int o_ = __builtin_sub_overflow(a, b, &r_); (T)(r_ ^ o_); })
#define MUL_OVERFLOW(T, a, b) ({ T r_; int o_ = __builtin_mul_overflow(a, b, &r_); (T)(r_ + o_); })

// One letter says the type of each argument.
static NOINLINE i64 variadic(const char *kinds, ...) {
  va_list list;
  u64 sum = 0;
  va_start(list, kinds);
  for (; *kinds; kinds++) {
    switch (*kinds) {
      case 'i': sum = sum * 3 + (u64)(i64)va_arg(list, i32); break;
      case 'l': sum = sum * 5 + (u64)va_arg(list, i64); break;
      case 'd': { f64 d = va_arg(list, f64); mix_f64(d); sum += d > 1; break; }
      case 'L': { f80 d = va_arg(list, f80); mix_f80(d); sum += d < 1; break; }
      case 'q': { u128 q = va_arg(list, u128); mix_i128(q); sum ^= (u64)q; break; }
      case 's': sum += strlen(va_arg(list, const char *)); break;
    }
  }
  va_end(list);
  return (i64)sum;
}

static int compare_i32(const void *a, const void *b) {
  i32 x = *(const i32 *)a, y = *(const i32 *)b;
  return (x > y) - (x < y);
}
static int compare_f64(const void *a, const void *b) {
  f64 x = *(const f64 *)a, y = *(const f64 *)b;
  return x < y ? -1 : x > y ? 1 : 0;
}
static int compare_u8(const void *a, const void *b) { return *(const u8 *)b - *(const u8 *)a; }

static jmp_buf jump;
static NOINLINE void leave(int depth, int value) {
  if (depth > 0) leave(depth - 1, value + depth);
  mix((u64)depth);
  if (depth == 0) longjmp(jump, value);
}

static volatile sig_atomic_t signals;
static void on_signal(int n) { signals += n; }
