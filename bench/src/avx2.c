// AVX2 and FMA with intrinsics: polynomials and a matrix product by fused multiply and add, a byte histogram's
// preparation by shuffles, gathers, and variable shifts. Prints a line and ends with status 77 where the CPU has them not.
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 1 << 15, EDGE = 64 };

// The functions that need it say so; main has to run anywhere.
#define AVX2 __attribute__((target("avx2,fma"), noinline))

AVX2 static void polynomial(double *to, const double *from) {
  __m256d c0 = _mm256_set1_pd(1.0), c1 = _mm256_set1_pd(0.5), c2 = _mm256_set1_pd(-0.125), c3 = _mm256_set1_pd(0.0625), c4 = _mm256_set1_pd(-0.01);
  for (int i = 0; i < SIZE / 8; i += 4) {
    __m256d x = _mm256_load_pd(from + i), y = _mm256_fmadd_pd(x, c4, c3);
    y = _mm256_fmadd_pd(y, x, c2);
    y = _mm256_fmadd_pd(y, x, c1);
    _mm256_store_pd(to + i, _mm256_fmadd_pd(y, x, c0));
  }
}

AVX2 static void matrix(float *c, const float *a, const float *b) {
  for (int i = 0; i < EDGE; i++)
    for (int j = 0; j < EDGE; j += 16) {
      __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
      for (int k = 0; k < EDGE; k++) {
        __m256 x = _mm256_broadcast_ss(a + i * EDGE + k);
        low = _mm256_fmadd_ps(x, _mm256_load_ps(b + k * EDGE + j), low);
        high = _mm256_fmadd_ps(x, _mm256_load_ps(b + k * EDGE + j + 8), high);
      }
      _mm256_store_ps(c + i * EDGE + j, low);
      _mm256_store_ps(c + i * EDGE + j + 8, high);
    }
}

// Bits set in each byte by a table in a register, summed.
AVX2 static uint64_t population(const uint8_t *bytes) {
  __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4)), mask = _mm256_set1_epi8(15), sum = _mm256_setzero_si256();
  for (int i = 0; i < SIZE; i += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(bytes + i));
    __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, mask)), high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), mask));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256()));
  }
  __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return (uint64_t)(_mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1));
}

AVX2 static uint32_t look_up(const uint32_t *table, uint32_t seed) {
  __m256i index = _mm256_add_epi32(_mm256_set1_epi32((int)seed), _mm256_setr_epi32(0, 77, 154, 231, 308, 385, 462, 539));
  __m256i mask = _mm256_set1_epi32(SIZE / 4 - 1), sum = _mm256_setzero_si256(), counts = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int i = 0; i < 512; i++) {
    index = _mm256_and_si256(index, mask);
    __m256i found = _mm256_i32gather_epi32((const int *)table, index, 4);
    sum = _mm256_xor_si256(sum, _mm256_sllv_epi32(found, counts));
    index = _mm256_add_epi32(index, _mm256_permutevar8x32_epi32(found, _mm256_and_si256(found, _mm256_set1_epi32(7))));
    sum = _mm256_blend_epi32(sum, _mm256_max_epu32(sum, found), 0x5a);
  }
  uint32_t lanes[8], total = 0;
  _mm256_storeu_si256((__m256i *)lanes, sum);
  for (int i = 0; i < 8; i++) total = total * 31 + lanes[i];
  return total;
}

static int supported(void) {
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_FMA) || !(c & bit_OSXSAVE)) return 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 5000;
  if (!supported()) {
    puts("no AVX2 and FMA here");
    return 77;
  }
  uint8_t *bytes = aligned_alloc(64, SIZE + 64);
  double *x = aligned_alloc(64, SIZE), *y = aligned_alloc(64, SIZE);
  float *a = aligned_alloc(64, SIZE), *b = aligned_alloc(64, SIZE), *c = aligned_alloc(64, SIZE);
  for (int i = 0; i < SIZE + 64; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 21);
  for (int i = 0; i < SIZE / 8; i++) x[i] = i % 100 * 0.01;
  for (int i = 0; i < EDGE * EDGE; i++) a[i] = (float)(i % 7) - 3, b[i] = 1.0f / (float)(i % 11 + 1);
  uint64_t sum = 0;
  for (int round = 0; round < rounds; round++) {
    polynomial(y, x);
    x[round % (SIZE / 8)] = y[(round * 7) % (SIZE / 8)] * 0.5;
    matrix(c, a, b);
    a[round % (EDGE * EDGE)] = c[(round * 5) % (EDGE * EDGE)] * 0.001f;
    sum = sum * 3 + population(bytes + (round & 31));
    sum += look_up((const uint32_t *)bytes, (uint32_t)sum);
  }
  double total = 0;
  for (int i = 0; i < SIZE / 8; i++) total += y[i];
  for (int i = 0; i < EDGE * EDGE; i++) total += (double)c[i];
  printf("%d rounds: %016lx %.17g\n", rounds, (unsigned long)sum, total);
  return 0;
}
