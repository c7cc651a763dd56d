// SSE and SSE2 (the x86-64 baseline) by intrinsics, on fixed pseudo-random operands: a checksum and a sample of each.
#include "t.h"
#include <emmintrin.h>
static unsigned long state = 88172645463325252;
static unsigned long random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}
static unsigned long hash;
static unsigned char last[16];
static void add(__m128i v) {
  _mm_storeu_si128((__m128i *)last, v);
  for (int i = 0; i < 16; i++) hash = (hash ^ last[i]) * 1099511628211u;
}
static void result(const char *what) {
  char text[40];
  for (int i = 0; i < 16; i++) sprintf(text + 2 * i, "%02x", last[15 - i]);
  show(what, "%016lx %s", hash, text);
  hash = 14695981039346656037u;
}
static __m128i any(void) { return _mm_set_epi64x((long)random64(), (long)random64()); }
// doubles and floats of every class: small integers, fractions, huge, tiny, zeros, infinities, denormals, NaN
static double some(void) {
  static const double special[] = {0.0, -0.0, 1.0, -1.0, 1.0 / 0.0, -1.0 / 0.0, 5e-324, 1e308, 2.2250738585072014e-308, 0.5, 1.5, 2.5, -2147483648.0, 2147483647.0, 9.2e18, 1e-310};
  unsigned long r = random64();
  if (r % 4 == 0) return special[r >> 8 & 15];
  return ((double)(long)random64() / 4294967296.0) * (r & 16 ? 1e-9 : 1);
}
static __m128d pd(void) { return _mm_set_pd(some(), some()); }
static __m128 ps(void) { return _mm_set_ps((float)some(), (float)some(), (float)some(), (float)some()); }
// The sign of a default NaN is defined (negative), payloads of operands pass through; so bits can be compared.
#define I2(name) do { for (int i = 0; i < 200; i++) { __m128i a = any(), b = any(); add(_mm_##name(a, b)); } result(#name); } while (0)
#define D2(name) do { for (int i = 0; i < 200; i++) { __m128d a = pd(), b = pd(); add(_mm_castpd_si128(_mm_##name(a, b))); } result(#name); } while (0)
#define S2(name) do { for (int i = 0; i < 200; i++) { __m128 a = ps(), b = ps(); add(_mm_castps_si128(_mm_##name(a, b))); } result(#name); } while (0)
#define SHIFT(name) do { for (int i = 0; i < 80; i++) { __m128i a = any(); add(_mm_##name(a, _mm_cvtsi32_si128(i))); } result(#name); } while (0)
#define IMM(name, n) do { for (int i = 0; i < 50; i++) { __m128i a = any(); add(_mm_##name(a, n)); } result(#name " " #n); } while (0)

int main(void) {
  hash = 14695981039346656037u;
  I2(add_epi8); I2(add_epi16); I2(add_epi32); I2(add_epi64); I2(adds_epi8); I2(adds_epi16); I2(adds_epu8); I2(adds_epu16);
  I2(sub_epi8); I2(sub_epi16); I2(sub_epi32); I2(sub_epi64); I2(subs_epi8); I2(subs_epi16); I2(subs_epu8); I2(subs_epu16);
  I2(mullo_epi16); I2(mulhi_epi16); I2(mulhi_epu16); I2(mul_epu32); I2(madd_epi16); I2(sad_epu8); I2(avg_epu8); I2(avg_epu16);
  I2(and_si128); I2(or_si128); I2(xor_si128); I2(andnot_si128); I2(min_epi16); I2(max_epi16); I2(min_epu8); I2(max_epu8);
  I2(cmpeq_epi8); I2(cmpeq_epi16); I2(cmpeq_epi32); I2(cmpgt_epi8); I2(cmpgt_epi16); I2(cmpgt_epi32);
  I2(packs_epi16); I2(packs_epi32); I2(packus_epi16); I2(unpacklo_epi8); I2(unpacklo_epi16); I2(unpacklo_epi32); I2(unpacklo_epi64);
  I2(unpackhi_epi8); I2(unpackhi_epi16); I2(unpackhi_epi32); I2(unpackhi_epi64);
  SHIFT(sll_epi16); SHIFT(sll_epi32); SHIFT(sll_epi64); SHIFT(srl_epi16); SHIFT(srl_epi32); SHIFT(srl_epi64); SHIFT(sra_epi16); SHIFT(sra_epi32);
  IMM(slli_epi16, 3); IMM(slli_epi32, 31); IMM(slli_epi64, 63); IMM(srli_epi16, 16); IMM(srai_epi16, 15); IMM(srai_epi32, 40); IMM(slli_si128, 5); IMM(srli_si128, 11);
  IMM(shuffle_epi32, 0x1b); IMM(shufflelo_epi16, 0x2d); IMM(shufflehi_epi16, 0x93);
  D2(add_pd); D2(sub_pd); D2(mul_pd); D2(div_pd); D2(min_pd); D2(max_pd); D2(add_sd); D2(sub_sd); D2(mul_sd); D2(div_sd); D2(min_sd); D2(max_sd);
  D2(and_pd); D2(andnot_pd); D2(or_pd); D2(xor_pd); D2(unpacklo_pd); D2(unpackhi_pd); D2(sqrt_sd);
  D2(cmpeq_pd); D2(cmplt_pd); D2(cmple_pd); D2(cmpneq_pd); D2(cmpnlt_pd); D2(cmpnle_pd); D2(cmpord_pd); D2(cmpunord_pd); D2(cmplt_sd); D2(cmpunord_sd);
  S2(add_ps); S2(sub_ps); S2(mul_ps); S2(div_ps); S2(min_ps); S2(max_ps); S2(add_ss); S2(div_ss); S2(unpacklo_ps); S2(unpackhi_ps); S2(movehl_ps); S2(movelh_ps); S2(move_ss);
  S2(cmpeq_ps); S2(cmplt_ps); S2(cmple_ps); S2(cmpneq_ps); S2(cmpord_ps); S2(cmpunord_ps); S2(cmplt_ss);
  for (int i = 0; i < 200; i++) add(_mm_castpd_si128(_mm_sqrt_pd(pd())));
  result("sqrt_pd");
  for (int i = 0; i < 200; i++) add(_mm_castps_si128(_mm_sqrt_ps(ps())));
  result("sqrt_ps");
  for (int i = 0; i < 200; i++) add(_mm_cvtps_epi32(ps()));
  result("cvtps_epi32");
  for (int i = 0; i < 200; i++) add(_mm_cvttps_epi32(ps()));
  result("cvttps_epi32");
  for (int i = 0; i < 200; i++) add(_mm_cvtpd_epi32(pd()));
  result("cvtpd_epi32");
  for (int i = 0; i < 200; i++) add(_mm_cvttpd_epi32(pd()));
  result("cvttpd_epi32");
  for (int i = 0; i < 200; i++) add(_mm_castps_si128(_mm_cvtepi32_ps(any())));
  result("cvtepi32_ps");
  for (int i = 0; i < 200; i++) add(_mm_castpd_si128(_mm_cvtepi32_pd(any())));
  result("cvtepi32_pd");
  for (int i = 0; i < 200; i++) add(_mm_castps_si128(_mm_cvtpd_ps(pd())));
  result("cvtpd_ps");
  for (int i = 0; i < 200; i++) add(_mm_castpd_si128(_mm_cvtps_pd(ps())));
  result("cvtps_pd");
  for (int i = 0; i < 200; i++) add(_mm_castpd_si128(_mm_cvtsi64_sd(pd(), (long)random64())));
  result("cvtsi64_sd");
  for (int i = 0; i < 200; i++) add(_mm_castps_si128(_mm_cvtsi64_ss(ps(), (long)random64())));
  result("cvtsi64_ss");
  for (int i = 0; i < 200; i++) { __m128d v = pd(); add(_mm_set_epi64x(_mm_cvtsd_si64(v), _mm_cvttsd_si64(v))); }
  result("cvtsd_si64");
  for (int i = 0; i < 200; i++) { __m128 v = ps(); add(_mm_set_epi32(_mm_cvtss_si32(v), _mm_cvttss_si32(v), 0, 0)); }
  result("cvtss_si32");
  for (int i = 0; i < 200; i++) { __m128i v = any(); add(_mm_set_epi32(_mm_movemask_epi8(v), _mm_movemask_pd(_mm_castsi128_pd(v)), _mm_movemask_ps(_mm_castsi128_ps(v)), _mm_extract_epi16(v, 5))); }
  result("movemask, extract");
  for (int i = 0; i < 200; i++) add(_mm_insert_epi16(any(), (int)random64(), 3));
  result("insert");
  for (int i = 0; i < 200; i++) add(_mm_castps_si128(_mm_shuffle_ps(ps(), ps(), 0x72)));
  result("shuffle_ps");
  for (int i = 0; i < 200; i++) add(_mm_castpd_si128(_mm_shuffle_pd(pd(), pd(), 1)));
  result("shuffle_pd");
  for (int i = 0; i < 200; i++) {
    __m128d a = pd(), b = pd();
    add(_mm_set_epi32(_mm_comilt_sd(a, b), _mm_comieq_sd(a, b), _mm_ucomigt_sd(a, b), _mm_ucomineq_sd(a, b)));
  }
  result("comisd");
  unsigned char area[64] = {0};
  for (int i = 0; i < 200; i++) {
    _mm_maskmoveu_si128(any(), any(), (char *)area + i % 48);
    add(_mm_loadu_si128((__m128i *)(area + i % 40)));
  }
  result("maskmovdqu");
  _mm_stream_si128((__m128i *)((unsigned long)(area + 15) & -16UL), any());
  _mm_sfence();
  _mm_mfence();
  _mm_lfence();
  _mm_clflush(area);
  add(_mm_load_si128((__m128i *)((unsigned long)(area + 15) & -16UL)));
  result("movntdq");
  // rounding modes and flags of mxcsr
  for (unsigned mode = 0; mode < 4; mode++) {
    _mm_setcsr(0x1f80 | mode << 13);
    volatile double one = 1, three = 3, half = 2.5;
    double q = one / three;
    int n = _mm_cvtsd_si32(_mm_set_sd(half));
    unsigned csr = _mm_getcsr();
    show("mxcsr rounding", "%u: %a %d, csr %x", mode, q, n, csr);
  }
  static const struct { const char *name; double a, b; char op; } flags[] = {{"1/0", 1, 0, '/'}, {"0/0", 0, 0, '/'}, {"overflow", 1e308, 1e10, '*'}, {"underflow", 1e-308, 1e-10, '*'}, {"denormal", 5e-324, 1, '+'}, {"exact", 1, 2, '+'}, {"inexact", 1, 1e-20, '+'}};
  for (int i = 0; i < 7; i++) {
    _mm_setcsr(0x1f80);
    volatile double a = flags[i].a, b = flags[i].b, r = flags[i].op == '/' ? a / b : flags[i].op == '*' ? a * b : a + b;
    (void)r;
    show(flags[i].name, "%x", _mm_getcsr());
  }
  _mm_setcsr(0x9fc0); // flush to zero, denormals are zero
  volatile double tiny = 1e-308, small = 1e-10, r = tiny * small;
  volatile double den = 5e-324, s = den + 0.0;
  unsigned csr = _mm_getcsr();
  _mm_setcsr(0x1f80);
  show("FTZ and DAZ", "%a %a, csr %x", r, s, csr);
  return 0;
}
