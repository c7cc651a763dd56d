// SSE2 with intrinsics: blending of pixels, sums of absolute differences, a colour conversion in 16-bit integers, and a
// filter in single precision.
#include <emmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 1 << 15 };

static void blend(uint8_t *to, const uint8_t *a, const uint8_t *b, int weight) {
  __m128i zero = _mm_setzero_si128(), w = _mm_set1_epi16((short)weight), rest = _mm_set1_epi16((short)(256 - weight));
  for (int i = 0; i < SIZE; i += 16) {
    __m128i x = _mm_loadu_si128((const __m128i *)(a + i)), y = _mm_load_si128((const __m128i *)(b + i));
    __m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(x, zero), w), _mm_mullo_epi16(_mm_unpacklo_epi8(y, zero), rest));
    __m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(x, zero), w), _mm_mullo_epi16(_mm_unpackhi_epi8(y, zero), rest));
    _mm_store_si128((__m128i *)(to + i), _mm_packus_epi16(_mm_srli_epi16(low, 8), _mm_srli_epi16(high, 8)));
  }
}

static uint64_t difference(const uint8_t *a, const uint8_t *b) {
  __m128i sum = _mm_setzero_si128();
  for (int i = 0; i < SIZE; i += 16)
    sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_load_si128((const __m128i *)(a + i)), _mm_load_si128((const __m128i *)(b + i))));
  return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
}

// Weighted sums of pairs, a comparison and a selection.
static void convert(int16_t *to, const int16_t *from, int round) {
  __m128i weights = _mm_set_epi16(77, -43, 150, -85, 29, 128, 77, -43), limit = _mm_set1_epi32(1000 + round), bias = _mm_set1_epi32(128);
  for (int i = 0; i < SIZE / 2; i += 16) {
    __m128i a = _mm_load_si128((const __m128i *)(from + i)), b = _mm_load_si128((const __m128i *)(from + i + 8));
    a = _mm_srai_epi32(_mm_add_epi32(_mm_madd_epi16(a, weights), bias), 4);
    b = _mm_srai_epi32(_mm_add_epi32(_mm_madd_epi16(b, weights), bias), 4);
    __m128i mask = _mm_cmpgt_epi32(a, limit);
    a = _mm_or_si128(_mm_and_si128(mask, limit), _mm_andnot_si128(mask, a));
    b = _mm_shuffle_epi32(b, 0x1b);
    __m128i packed = _mm_packs_epi32(a, b);
    _mm_store_si128((__m128i *)(to + i), _mm_shufflelo_epi16(packed, 0xb1));
    _mm_store_si128((__m128i *)(to + i + 8), _mm_max_epi16(packed, _mm_slli_epi16(packed, 1)));
  }
}

static void filter(float *to, const float *from, float k) {
  __m128 a = _mm_set1_ps(0.125f * k), b = _mm_set1_ps(0.25f), low = _mm_set1_ps(-100), high = _mm_set1_ps(100);
  for (int i = 4; i < SIZE / 4 - 4; i += 4) {
    __m128 left = _mm_loadu_ps(from + i - 1), middle = _mm_load_ps(from + i), right = _mm_loadu_ps(from + i + 1);
    __m128 sum = _mm_add_ps(_mm_mul_ps(_mm_add_ps(left, right), a), _mm_mul_ps(middle, b));
    _mm_store_ps(to + i, _mm_min_ps(_mm_max_ps(_mm_add_ps(sum, _mm_shuffle_ps(sum, sum, 0x4e)), low), high));
  }
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 5000;
  uint8_t *a = aligned_alloc(64, SIZE + 64), *b = aligned_alloc(64, SIZE + 64), *c = aligned_alloc(64, SIZE);
  float *f = aligned_alloc(64, SIZE), *g = aligned_alloc(64, SIZE);
  int16_t *h = aligned_alloc(64, SIZE);
  for (int i = 0; i < SIZE + 64; i++) a[i] = (uint8_t)(i * 7 + i / 13), b[i] = (uint8_t)(i * 11 ^ i >> 3);
  for (int i = 0; i < SIZE / 4; i++) f[i] = (float)(i % 200) - 100, g[i] = f[i];
  uint64_t sum = 0;
  for (int round = 0; round < rounds; round++) {
    blend(c, a + (round & 15), b, round & 255);
    sum = sum * 3 + difference(c, b);
    convert(h, (const int16_t *)b, round & 0xff);
    sum += (uint16_t)h[round & (SIZE / 2 - 1)];
    filter(g, f, 0.9f);
    filter(f, g, 1.1f);
  }
  float total = 0;
  for (int i = 0; i < SIZE / 4; i++) total += f[i];
  printf("%d rounds: %016lx %.9g\n", rounds, (unsigned long)sum, (double)total);
  return 0;
}
