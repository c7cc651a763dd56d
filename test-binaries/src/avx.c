// AVX, AVX2, FMA, F16C and XSAVE, built for x86-64-v3: results on fixed pseudo-random operands as a checksum and a sample of
// each; fused multiply-add where it is hard; the images of XSAVE in all combinations; vector registers over signals.
#include "t.h"
#include <immintrin.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
static unsigned long state = 88172645463325252;
static unsigned long random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}
#define EMPTY 14695981039346656037u
static unsigned long hash = EMPTY;
static unsigned char last[32];
static void bytes(const void *p, int n) {
  for (int i = 0; i < n; i++) hash = (hash ^ ((const unsigned char *)p)[i]) * 1099511628211u;
}
static void add(__m256i v) {
  _mm256_storeu_si256((__m256i *)last, v);
  bytes(last, 32);
}
static void result(const char *what) {
  char text[80];
  for (int i = 0; i < 32; i++) sprintf(text + 2 * i, "%02x", last[31 - i]);
  show(what, "%016lx %s", hash, text);
  hash = EMPTY;
}
static __m256i any(void) { return _mm256_set_epi64x((long)random64(), (long)random64(), (long)random64(), (long)random64()); }
static double some(void) {
  static const double special[] = {0.0, -0.0, 1.0, -1.0, 1.0 / 0.0, -1.0 / 0.0, 5e-324, 1e308, 2.2250738585072014e-308, 0.5, 1.5, 2.5, -2147483648.0, 2147483647.0, 9.2e18, 1e-310};
  unsigned long r = random64();
  if (r % 4 == 0) return special[r >> 8 & 15];
  return ((double)(long)random64() / 4294967296.0) * (r & 16 ? 1e-9 : 1);
}
static __m256d pd(void) { return _mm256_set_pd(some(), some(), some(), some()); }
static __m256 ps(void) { return _mm256_set_ps((float)some(), (float)some(), (float)some(), (float)some(), (float)some(), (float)some(), (float)some(), (float)some()); }
#define I2(name) do { for (int i = 0; i < 100; i++) { __m256i a = any(), b = any(); add(_mm256_##name(a, b)); } result(#name); } while (0)
#define I1(name) do { for (int i = 0; i < 100; i++) { __m256i a = any(); add(_mm256_##name(a)); } result(#name); } while (0)
#define X1(name) do { for (int i = 0; i < 100; i++) { __m256i a = any(); add(_mm256_##name(_mm256_castsi256_si128(a))); } result(#name); } while (0)
#define N1(name, n) do { for (int i = 0; i < 50; i++) { __m256i a = any(); add(_mm256_##name(a, n)); } result(#name " " #n); } while (0)
#define N2(name, n) do { for (int i = 0; i < 50; i++) { __m256i a = any(), b = any(); add(_mm256_##name(a, b, n)); } result(#name " " #n); } while (0)
#define D2(name) do { for (int i = 0; i < 200; i++) { __m256d a = pd(), b = pd(); add(_mm256_castpd_si256(_mm256_##name(a, b))); } result(#name); } while (0)
#define S2(name) do { for (int i = 0; i < 200; i++) { __m256 a = ps(), b = ps(); add(_mm256_castps_si256(_mm256_##name(a, b))); } result(#name); } while (0)
#define CMPD(n) do { for (int i = 0; i < 50; i++) { __m256d a = pd(), b = pd(); add(_mm256_castpd_si256(_mm256_cmp_pd(a, b, n))); } } while (0)

static void integers(void) {
  I2(add_epi8); I2(add_epi64); I2(adds_epi16); I2(adds_epu8); I2(sub_epi32); I2(subs_epu16); I2(mullo_epi16); I2(mullo_epi32); I2(mul_epu32);
  I2(mul_epi32); I2(mulhi_epi16); I2(mulhrs_epi16); I2(madd_epi16); I2(maddubs_epi16); I2(sad_epu8); I2(avg_epu8); I2(and_si256); I2(andnot_si256);
  I2(xor_si256); I2(min_epi8); I2(max_epu32); I2(min_epu16); I2(cmpeq_epi8); I2(cmpgt_epi64); I2(packs_epi32); I2(packus_epi16); I2(unpacklo_epi8);
  I2(unpackhi_epi32); I2(hadd_epi16); I2(hsub_epi32); I2(hadds_epi16); I2(sign_epi8); I2(shuffle_epi8); I1(abs_epi16); I2(permutevar8x32_epi32);
  I2(sllv_epi32); I2(srlv_epi64); I2(srav_epi32); X1(cvtepi8_epi16); X1(cvtepu8_epi64); X1(cvtepi16_epi64); X1(cvtepu32_epi64); X1(broadcastb_epi8);
  X1(broadcastw_epi16); X1(broadcastd_epi32); X1(broadcastq_epi64); X1(broadcastsi128_si256);
  N1(slli_epi16, 3); N1(srli_epi64, 65); N1(srai_epi32, 40); N1(slli_si256, 5); N1(srli_si256, 11); N1(shuffle_epi32, 0x1b); N1(shufflehi_epi16, 0x93);
  N1(permute4x64_epi64, 0x9c); N2(alignr_epi8, 5); N2(blend_epi16, 0x5a); N2(blend_epi32, 0xa5); N2(mpsadbw_epu8, 0x2d); N2(permute2x128_si256, 0x21);
  N2(permute2x128_si256, 0x83);
  for (int i = 0; i < 100; i++) { __m256i a = any(), b = any(), c = any(); add(_mm256_blendv_epi8(a, b, c)); }
  result("blendv_epi8");
  for (int i = 0; i < 100; i++) { __m256i a = any(), b = any(); int n[] = {_mm256_testz_si256(a, b), _mm256_testc_si256(a, a), _mm256_movemask_epi8(a)}; bytes(n, sizeof n); }
  result("testz, testc, movemask");
  static int table[256];
  static long table64[256];
  for (int i = 0; i < 256; i++) table[i] = (int)random64(), table64[i] = (long)random64();
  const __m256i index = _mm256_set1_epi32(255), index64 = _mm256_set1_epi64x(255);
  for (int i = 0; i < 100; i++) {
    __m256i a = any(), b = any(), m = any();
    add(_mm256_i32gather_epi32(table, _mm256_and_si256(a, index), 4));
    add(_mm256_mask_i32gather_epi32(b, table, _mm256_and_si256(a, index), m, 4));
    add(_mm256_mask_i64gather_epi64(b, (const long long *)table64, _mm256_and_si256(a, index64), m, 8));
    add(_mm256_castsi128_si256(_mm256_i64gather_epi32(table, _mm256_and_si256(a, index64), 4)));
  }
  result("gathers");
  for (int i = 0; i < 100; i++) {
    __m256i a = any(), m = any();
    add(_mm256_maskload_epi32(table + (i & 63), m));
    _mm256_maskstore_epi64((long long *)table64 + (i & 63), m, a);
  }
  bytes(table64, sizeof table64);
  result("maskload, maskstore");
  // Masked elements are not accessed: beyond the end of a page is nothing.
  char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page + 4096, 4096, PROT_NONE);
  memset(page, 0x3c, 4096);
  add(_mm256_maskload_epi32((int *)(page + 4096 - 8), _mm256_setr_epi32(-1, -1, 0, 0, 0, 0, 0, 0)));
  result("maskload at the end of a page");
}

static void floats(void) {
  D2(add_pd); D2(sub_pd); D2(mul_pd); D2(div_pd); D2(min_pd); D2(max_pd); D2(addsub_pd); D2(hadd_pd); D2(unpackhi_pd); S2(add_ps); S2(mul_ps); S2(div_ps);
  S2(min_ps); S2(hsub_ps); S2(addsub_ps); S2(unpacklo_ps);
  for (int i = 0; i < 100; i++) { add(_mm256_castpd_si256(_mm256_sqrt_pd(pd()))); add(_mm256_castps_si256(_mm256_sqrt_ps(ps()))); }
  result("sqrt");
  CMPD(0); CMPD(1); CMPD(2); CMPD(3); CMPD(4); CMPD(5); CMPD(6); CMPD(7); CMPD(8); CMPD(9); CMPD(10); CMPD(11); CMPD(12); CMPD(13); CMPD(14); CMPD(15);
  CMPD(16); CMPD(17); CMPD(18); CMPD(19); CMPD(20); CMPD(21); CMPD(22); CMPD(23); CMPD(24); CMPD(25); CMPD(26); CMPD(27); CMPD(28); CMPD(29); CMPD(30); CMPD(31);
  result("cmp_pd");
  for (int i = 0; i < 100; i++) {
    add(_mm256_cvtps_epi32(ps())); add(_mm256_castsi128_si256(_mm256_cvttpd_epi32(pd()))); add(_mm256_castps_si256(_mm256_cvtepi32_ps(any())));
    add(_mm256_castpd_si256(_mm256_cvtps_pd(_mm256_castps256_ps128(ps())))); add(_mm256_castps_si256(_mm256_castps128_ps256(_mm256_cvtpd_ps(pd()))));
    add(_mm256_castps_si256(_mm256_round_ps(ps(), 1))); add(_mm256_castpd_si256(_mm256_round_pd(pd(), 10)));
    add(_mm256_castps_si256(_mm256_dp_ps(ps(), ps(), 0xf5)));
    add(_mm256_castps_si256(_mm256_cvtph_ps(_mm256_castsi256_si128(any()))));
    add(_mm256_castsi128_si256(_mm256_cvtps_ph(ps(), 0))); add(_mm256_castsi128_si256(_mm256_cvtps_ph(ps(), 2)));
  }
  result("conversions");
}

// Operands of about the same exponents, with an addend that nearly cancels the product, and now and then at the ends of the range.
static double bits(unsigned long sign, long exponent, unsigned long fraction) {
  union { unsigned long u; double d; } v = {sign << 63 | (unsigned long)(exponent & 2047) << 52 | (fraction & 0xfffffffffffff)};
  return v.d;
}
static double hard(int kind, double a, double b) {
  double product = a * b;
  unsigned long r = random64();
  union { double d; unsigned long u; } v = {-product};
  switch (kind) {
  case 0: return -product;
  case 1: v.u += (r & 7) - 3; return v.d;
  case 2: return -product * (1 + (double)(r & 255) / 65536);
  case 3: return bits(r & 1, (long)((v.u >> 52 & 2047) + (r >> 8) % 120) - 60, random64());
  case 4: return bits(r & 1, (long)(r >> 8) % 2047, r & 2 ? random64() : 0);
  default: return (r & 1 ? -1.0 : 1.0) * (double)(r >> 8 & 3);
  }
}
static double factor(int range) {
  unsigned long r = random64();
  unsigned long fraction = r & 64 ? random64() : random64() & 0xffffff0000000;
  switch (range) {
  case 0: return bits(r & 1, 1023 + (long)(r >> 8) % 40 - 20, fraction);
  case 1: return bits(r & 1, 1023 + (long)(r >> 8) % 1000 - 500, fraction);
  case 2: return bits(r & 1, (long)(r >> 8) % 2047, fraction);
  default: return bits(r & 1, (long)(r >> 8) % 80, fraction);
  }
}
static void fma_batch(const char *what, int range) {
  for (int kind = 0; kind < 6; kind++)
    for (int i = 0; i < 3000; i++) {
      double a = factor(range), b = factor(range == 3 ? 2 : range), c = hard(kind, a, b);
      __m128d x = _mm_set_sd(a), y = _mm_set_sd(b), z = _mm_set_sd(c);
      double r = _mm_cvtsd_f64(_mm_fmadd_sd(x, y, z)), s = _mm_cvtsd_f64(_mm_fnmsub_sd(x, y, z));
      bytes(&r, 8);
      bytes(&s, 8);
      if (i % 4) continue;
      __m256d w = _mm256_set_pd(a, b, c, a), v = _mm256_set_pd(b, a, b, -b), u = _mm256_set_pd(c, c, a, c);
      add(_mm256_castpd_si256(_mm256_fmaddsub_pd(w, v, u)));
      float fa = (float)a, fb = (float)b, fc = (float)c;
      if (i % 8 == 0) fc = -(fa * fb);
      __m256 p = _mm256_set_ps(fa, fb, fc, fa, 1, -fb, fc, 0), q = _mm256_set_ps(fb, fa, fb, -fb, fc, fb, fa, fa), t = _mm256_set_ps(fc, fc, fa, fc, fa, fc, fb, fc);
      add(_mm256_castps_si256(_mm256_fmsubadd_ps(p, q, t)));
      add(_mm256_castps_si256(_mm256_fnmadd_ps(p, q, t)));
    }
  result(what);
}
static void fused(void) {
  fma_batch("fma, near 1", 0);
  fma_batch("fma, middling", 1);
  fma_batch("fma, any", 2);
  fma_batch("fma, tiny", 3);
  unsigned before = _mm_getcsr();
  static const struct { const char *name; unsigned csr; } modes[] = {
    {"fma, nearest", 0x1f80}, {"fma, down", 0x3f80}, {"fma, up", 0x5f80}, {"fma, truncated", 0x7f80}, {"fma, flushed", 0x9fc0}};
  for (int i = 0; i < 5; i++) {
    _mm_setcsr(modes[i].csr);
    fma_batch(modes[i].name, i & 3);
    unsigned after = _mm_getcsr() & 0x3f;
    show("exceptions", "%02x", after);
  }
  _mm_setcsr(before);
}

static unsigned char image[1024] __attribute__((aligned(64))), pattern[1024] __attribute__((aligned(64))), out[1024] __attribute__((aligned(64)));
static sigjmp_buf back;
static void jump(int n) { siglongjmp(back, n); }
#define RESTORE(p, mask) __asm__ volatile("xrstor (%0)" ::"r"(p), "a"(mask), "d"(0) : "memory")
// The state of a pattern: all parts in use.
static void setup(int seed) {
  memset(pattern, 0, sizeof pattern);
  for (int i = 0; i < 256; i++) pattern[160 + i] = (unsigned char)((i * 7 + seed) | 1), pattern[576 + i] = (unsigned char)((i * 11 + seed) | 1);
  *(uint16_t *)pattern = 0x37f;
  pattern[4] = 0xff;
  for (int i = 0; i < 8; i++) {
    for (int j = 0; j < 8; j++) pattern[32 + 16 * i + j] = (unsigned char)(0x80 + i + j + seed);
    *(uint16_t *)(pattern + 32 + 16 * i + 8) = (uint16_t)(0x3fff + i);
  }
  *(uint32_t *)(pattern + 24) = 0x1f80;
  *(uint64_t *)(pattern + 512) = 7;
  RESTORE(pattern, 7);
}
// The parts of an image apart from instruction pointers and what else differs between processors.
static void hash_image(const unsigned char *p) {
  bytes(p, 5);
  bytes(p + 24, 4);
  for (int i = 0; i < 8; i++) bytes(p + 32 + 16 * i, 10);
  bytes(p + 160, 256);
  bytes(p + 512, 64);
  bytes(p + 576, 256);
}
static void save(int kind, int mask) {
  memset(image, 0xaa, 512);
  memset(image + 512, 0, 64);
  memset(image + 576, 0xaa, 256);
  if (kind == 0) __asm__ volatile("xsave (%0)" ::"r"(image), "a"(mask), "d"(0) : "memory");
  if (kind == 1) __asm__ volatile("xsaveopt (%0)" ::"r"(image), "a"(mask), "d"(0) : "memory");
  if (kind == 2) __asm__ volatile("xsavec (%0)" ::"r"(image), "a"(mask), "d"(0) : "memory");
  hash_image(image);
}
static void saves(void) {
  static const char *const names[] = {"xsave", "xsaveopt", "xsavec"};
  for (int kind = 0; kind < 3; kind++) {
    for (int mask = 0; mask < 8; mask++) {
      setup(3 + mask);
      save(kind, mask);
      __asm__ volatile("vzeroupper");
      save(kind, mask);
    }
    result(names[kind]);
  }
  signal(SIGSEGV, jump);
  signal(SIGILL, jump);
  for (volatile int compact = 0; compact < 2; compact++) {
    for (volatile int mask = 0; mask < 8; mask++)
      for (volatile int present = 0; present < 16; present++)
        for (volatile int parts = 0; parts < (compact ? 16 : 1); parts += 5)
          for (volatile int mxcsr = 0x1f80; mxcsr <= 0x1fc0; mxcsr += 0x40) {
            volatile int n = sigsetjmp(back, 1);
            if (n == 0) {
              setup(5);
              memcpy(image, pattern, sizeof image);
              for (int i = 0; i < 8; i++) image[32 + 16 * i] ^= 0x55;
              for (int i = 576; i < 832; i++) image[i] ^= 0x55;
              *(uint64_t *)(image + 512) = (uint64_t)present;
              *(uint64_t *)(image + 520) = compact ? 1ul << 63 | (uint64_t)parts : 0;
              *(uint32_t *)(image + 24) = (uint32_t)mxcsr;
              setup(9);
              RESTORE(image, mask);
              memset(out, 0, sizeof out);
              __asm__ volatile("xsave (%0)" ::"r"(out), "a"(7), "d"(0) : "memory");
              memset(out + 512, 0, 64);
              hash_image(out);
            }
            _mm_setcsr(0x1f80);
            bytes((const void *)&n, sizeof n);
          }
    result(compact ? "xrstor, compacted" : "xrstor");
  }
  for (volatile int k = 0; k < 6; k++) {
    int n = sigsetjmp(back, 1);
    if (n == 0) {
      setup(5);
      memcpy(image, pattern, sizeof image);
      unsigned char *p = image;
      if (k == 0) p += 16;
      if (k == 1) *(uint32_t *)(image + 24) = 0x81f80000;
      if (k == 2) image[530] = 1;
      if (k == 3) image[540] = 1;
      if (k == 4) *(uint64_t *)(image + 520) = 1ul << 63 | 7, image[540] = 1;
      if (k == 5) *(uint32_t *)(image + 516) = 1;
      RESTORE(p, 7);
    }
    show("xrstor of a bad image", "%s", n ? "signal" : "ok");
  }
  for (volatile unsigned k = 0; k < 4; k += 2) {
    static unsigned low, high;
    low = high = 0;
    int n = sigsetjmp(back, 1);
    if (n == 0) __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(k));
    show("xgetbv", "%x %x %d", low & 7, high, n);
  }
  signal(SIGSEGV, SIG_DFL);
  signal(SIGILL, SIG_DFL);
}

static int change;
static long in_handler[4], frame[6];
static void handler(int n, siginfo_t *info, void *context) {
  (void)n; (void)info;
  __asm__ volatile("vmovups %%ymm9, %0" : "=m"(in_handler));
  unsigned char *f = (unsigned char *)((ucontext_t *)context)->uc_mcontext.fpregs;
  uint32_t *software = (uint32_t *)(f + 464);
  uint32_t size = software[4];
  frame[0] = (long)((ucontext_t *)context)->uc_flags;
  frame[1] = software[0];
  frame[2] = (long)(software[1] - size);
  frame[3] = *(uint32_t *)(f + size);
  frame[4] = *(long *)(f + 512) & 7;
  frame[5] = *(long *)(f + 576 + 16 * 9);
  if (change == 1) *(long *)(f + 576 + 16 * 9) = 0x7777;
  if (change == 2) *(long *)(f + 512) &= ~4;
  if (change == 3) *(long *)(f + 512) &= ~2;
  if (change == 4) software[0] = 0;
  if (change == 5) *(uint32_t *)(f + size) = 0;
  if (change == 6) ((ucontext_t *)context)->uc_mcontext.fpregs = 0;
  __asm__ volatile("vpcmpeqd %%ymm9, %%ymm9, %%ymm9; vpcmpeqd %%ymm0, %%ymm0, %%ymm0" ::: "ymm9", "ymm0");
}
static void over_signals(void) {
  struct sigaction a = {0};
  a.sa_sigaction = handler;
  a.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &a, 0);
  for (change = 0; change < 7; change++) {
    long before[4] = {1, 2, 3, 4}, after[4];
    long pid = getpid(), r;
    __asm__ volatile("vmovups %2, %%ymm9; mov %3, %%rdi; mov $10, %%esi; mov $62, %%eax; syscall; vmovups %%ymm9, %1"
                     : "=&a"(r), "=m"(after) : "m"(before), "r"(pid) : "rdi", "rsi", "rcx", "r11", "ymm9", "memory");
    show("ymm9", "%lx %lx %lx %lx", after[0], after[1], after[2], after[3]);
    show("in the handler", "%lx %lx", in_handler[0], in_handler[2]);
    show("frame", "%lx %lx %lx %lx %lx %lx", frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]);
  }
  int status;
  pid_t child = fork();
  if (child == 0) {
    __m256i v = _mm256_set1_epi64x(0x5555);
    __asm__ volatile("vmovdqa %0, %%ymm12" ::"x"(v) : "ymm12");
    raise(SIGUSR1);
    sched_yield();
    long r[4];
    __asm__ volatile("vmovups %%ymm12, %0" : "=m"(r));
    _exit(r[0] == 0x5555 && r[3] == 0x5555);
  }
  waitpid(child, &status, 0);
  show("ymm12 over switches", "%d", WEXITSTATUS(status));
}

int main(void) {
  __builtin_cpu_init();
  show("cpu", "%d %d %d", !!__builtin_cpu_supports("avx"), !!__builtin_cpu_supports("avx2"), !!__builtin_cpu_supports("fma"));
  integers();
  floats();
  fused();
  saves();
  over_signals();
  return 0;
}
