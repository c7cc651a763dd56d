// The x87 unit, instruction by instruction: stack, tag and status words, control word, precision and rounding, fxam,
// transcendental instructions, BCD, environment and state saving. Intel SDM vol. 1 chapter 8.
#include "t.h"
#include <string.h>
typedef struct { unsigned long m; unsigned short se; } Ext;
static const char *ext(const void *p) {
  static char text[4][32];
  static int k;
  Ext x;
  memcpy(&x.m, p, 8);
  memcpy(&x.se, (const char *)p + 8, 2);
  k = (k + 1) & 3;
  sprintf(text[k], "%04x:%016lx", x.se, x.m);
  return text[k];
}
static long double value(unsigned se, unsigned long m) {
  long double v = 0;
  unsigned short s = (unsigned short)se;
  memcpy(&v, &m, 8);
  memcpy((char *)&v + 8, &s, 2);
  return v;
}
static unsigned short sw;
static long double result;
// st(0) = a, then the text, then st(0) and the status word (exceptions and condition codes; not the stack's top)
#define OP1(text, a) do { long double a_ = (a); \
    __asm__ volatile("fninit\n fldt %2\n" text "\n fnstsw %1\n fstpt %0\n fninit" : "=m"(result), "=m"(sw) : "m"(a_)); \
    show(text " of " #a, "%s %04x", ext(&result), sw & 0x47ff & ~0x3800); } while (0)
#define OP2(text, a, b) do { long double a_ = (a), b_ = (b); \
    __asm__ volatile("fninit\n fldt %3\n fldt %2\n" text "\n fnstsw %1\n fstpt %0\n fninit" : "=m"(result), "=m"(sw) : "m"(a_), "m"(b_)); \
    show(text " of " #a ", " #b, "%s %04x", ext(&result), sw & 0x47ff & ~0x3800); } while (0)
#define CMP(text, a, b) do { long double a_ = (a), b_ = (b); \
    __asm__ volatile("fninit\n fldt %2\n fldt %1\n" text "\n fnstsw %0\n fninit" : "=m"(sw) : "m"(a_), "m"(b_)); \
    show(text " " #a ", " #b, "C3 %d C2 %d C0 %d, %02x", sw >> 14 & 1, sw >> 10 & 1, sw >> 8 & 1, sw & 0x7f); } while (0)
#define NAN_ value(0x7fff, 0xc000000000000000)
#define SNAN value(0x7fff, 0xa000000000000000)
#define INF value(0x7fff, 0x8000000000000000)
#define DENORMAL value(0, 0x123456789abcdef)
#define PSEUDO value(0, 0x8000000000000001)
#define UNNORMAL value(0x4000, 0x4000000000000000)
#define HUGE_ value(0x7ffe, 0xffffffffffffffff)
#define TINY value(1, 0x8000000000000000)

int main(void) {
  unsigned short cw;
  __asm__ volatile("fnstcw %0" : "=m"(cw));
  show("control word at start", "%04x", cw);
  unsigned mxcsr;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  show("mxcsr at start", "%x", mxcsr);

  OP2("faddp", 1.0L, 1e-18L);
  OP2("faddp", 1.0L, 1e-20L);
  OP2("fsubp", 1.0L, 3.0L);
  OP2("fsubrp", 1.0L, 3.0L);
  OP2("fmulp", HUGE_, 2.0L);
  OP2("fmulp", TINY, 0.3L);
  OP2("fdivp", 1.0L, 3.0L);
  OP2("fdivrp", 1.0L, 3.0L);
  OP2("fdivp", 0.0L, 5.0L);
  OP2("fdivp", 0.0L, 0.0L);
  OP2("fsubp", INF, INF);
  OP2("faddp", INF, -1.0L);
  OP2("faddp", NAN_, 1.0L);
  OP2("faddp", SNAN, 1.0L);
  OP2("faddp", DENORMAL, DENORMAL);
  OP2("faddp", PSEUDO, 1.0L);
  OP2("faddp", UNNORMAL, 1.0L);
  OP2("fmulp", INF, 0.0L);
  OP1("fsqrt", 2.0L);
  OP1("fsqrt", -1.0L);
  OP1("fsqrt", -0.0L);
  OP1("fabs", -2.5L);
  OP1("fchs", 0.0L);
  OP1("frndint", 2.5L);
  OP1("frndint", -3.5L);
  OP1("frndint", 1e30L);
  OP1("fxtract; fstp %%st(0)", 100.0L);
  OP1("fxtract; fxch; fstp %%st(0)", 100.0L);
  OP1("fxtract; fxch; fstp %%st(0)", 0.0L);
  OP2("fscale; fstp %%st(1)", 1.5L, 10.9L);
  OP2("fscale; fstp %%st(1)", 1.5L, -20000.0L);
  OP2("fprem; fstp %%st(1)", 17.25L, 5.0L);
  OP2("fprem1; fstp %%st(1)", 17.75L, 5.0L);
  OP2("fprem; fstp %%st(1)", 1e30L, 7.0L);
  OP2("fprem; fstp %%st(1)", -7.5L, 2.0L);
  OP2("fprem; fstp %%st(1)", 1.0L, 0.0L);

  // constants, in each rounding direction
  static const char *const names[] = {"fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz"};
  for (int rc = 0; rc < 4; rc++) {
    unsigned short c = (unsigned short)(0x37f | rc << 10);
    long double v[7];
    __asm__ volatile("fninit\n fldcw %7\n fld1\n fstpt %0\n fldl2t\n fstpt %1\n fldl2e\n fstpt %2\n fldpi\n fstpt %3\n fldlg2\n fstpt %4\n fldln2\n fstpt %5\n fldz\n fstpt %6\n fninit"
                     : "=m"(v[0]), "=m"(v[1]), "=m"(v[2]), "=m"(v[3]), "=m"(v[4]), "=m"(v[5]), "=m"(v[6]) : "m"(c));
    for (int i = 0; i < 7; i++) printf("%s rounding %d = %s\n", names[i], rc, ext(&v[i]));
  }
  // precision and rounding control of arithmetic
  for (int pc = 0; pc < 4; pc++) {
    if (pc == 1) continue; // reserved
    for (int rc = 0; rc < 4; rc++) {
      unsigned short c = (unsigned short)(0x07f | pc << 8 | rc << 10);
      long double v[3], t = 3, s = 2, n = -1;
      __asm__ volatile("fninit\n fldcw %3\n fld1\n fldt %4\n fdivrp\n fstpt %0\n fldt %5\n fsqrt\n fstpt %1\n fldt %6\n fldt %4\n fdivrp\n fstpt %2\n fninit"
                       : "=m"(v[0]), "=m"(v[1]), "=m"(v[2]) : "m"(c), "m"(t), "m"(s), "m"(n));
      printf("precision %d rounding %d = %s %s %s\n", pc, rc, ext(&v[0]), ext(&v[1]), ext(&v[2]));
    }
  }
  // conversions with rounding
  static const double doubles[] = {2.5, -2.5, 1e10, 40000.0, -32768.5, 0.1, 1e19};
  for (int rc = 0; rc < 4; rc++)
    for (int i = 0; i < 7; i++) {
      unsigned short c = (unsigned short)(0x37f | rc << 10), s16, st1, st2, st3;
      int s32;
      long s64;
      __asm__ volatile("fninit\n fldcw %6\n fldl %7\n fistps %0\n fnstsw %3\n fnclex\n fldl %7\n fistpl %1\n fnstsw %4\n fnclex\n fldl %7\n fistpll %2\n fnstsw %5\n fninit"
                       : "=m"(s16), "=m"(s32), "=m"(s64), "=m"(st1), "=m"(st2), "=m"(st3) : "m"(c), "m"(doubles[i]));
      printf("fistp %g rounding %d = %d %d %ld, %x %x %x\n", doubles[i], rc, (short)s16, s32, s64, st1 & 0x3f, st2 & 0x3f, st3 & 0x3f);
    }
  float f;
  double d;
  long double src = 1.0L / 3;
  __asm__ volatile("fninit\n fldt %2\n fstps %0\n fldt %2\n fstpl %1" : "=m"(f), "=m"(d) : "m"(src));
  show("to float and double", "%a %a", f, d);
  src = HUGE_;
  __asm__ volatile("fninit\n fldt %2\n fstps %0\n fldt %2\n fstpl %1" : "=m"(f), "=m"(d) : "m"(src));
  show("too large", "%a %a", f, d);

  // classes
  static unsigned short class_sw;
#define XAM(v) do { long double v_ = (v); __asm__ volatile("fninit\n fldt %1\n fxam\n fnstsw %0\n fninit" : "=m"(class_sw) : "m"(v_)); \
    show("fxam " #v, "C3 %d C2 %d C1 %d C0 %d", class_sw >> 14 & 1, class_sw >> 10 & 1, class_sw >> 9 & 1, class_sw >> 8 & 1); } while (0)
  XAM(1.0L); XAM(-1.0L); XAM(0.0L); XAM(-0.0L); XAM(INF); XAM(NAN_); XAM(SNAN); XAM(DENORMAL); XAM(PSEUDO); XAM(UNNORMAL);
  __asm__ volatile("fninit\n fxam\n fnstsw %0" : "=m"(class_sw));
  show("fxam empty", "C3 %d C2 %d C0 %d", class_sw >> 14 & 1, class_sw >> 10 & 1, class_sw >> 8 & 1);
  CMP("fcompp", 1.0L, 2.0L);
  CMP("fcompp", 2.0L, 1.0L);
  CMP("fcompp", 1.0L, 1.0L);
  CMP("fcompp", NAN_, 1.0L);
  CMP("fucompp", NAN_, 1.0L);
  CMP("fucompp", SNAN, 1.0L);
  CMP("fcompp", 0.0L, -0.0L);
  CMP("ftst", -3.0L, 0.0L);
  unsigned long flags;
  long double one = 1, two = 2;
  __asm__ volatile("fninit\n fldt %2\n fldt %1\n fcomip\n pushf\n pop %0\n fninit" : "=r"(flags) : "m"(one), "m"(two) : "cc");
  show("fcomip 1, 2", "%lx", flags & 0x45);
  __asm__ volatile("fninit\n fldt %1\n fldt %1\n fucomip\n pushf\n pop %0\n fninit" : "=r"(flags) : "m"(one) : "cc");
  show("fucomip 1, 1", "%lx", flags & 0x45);
  __asm__ volatile("fninit\n fldt %1\n fldt %2\n cmp %%eax, %%eax\n fcmove %%st(1), %%st\n fstpt %0\n fninit" : "=m"(result) : "m"(one), "m"(two) : "cc");
  show("fcmove", "%s", ext(&result));

  // the stack: overflow, underflow, tags, top
  unsigned short sws[3];
  __asm__ volatile("fninit\n fnstsw %0\n fldpi\n fldpi\n fnstsw %1\n fincstp\n fdecstp\n ffree %%st(1)\n fnstsw %2" : "=m"(sws[0]), "=m"(sws[1]), "=m"(sws[2]));
  show("top", "%d %d %d", sws[0] >> 11 & 7, sws[1] >> 11 & 7, sws[2] >> 11 & 7);
  struct { unsigned short cw, r1, sw, r2, tw, r3; unsigned ip; unsigned short cs, op; unsigned dp; unsigned short ds, r4; } env;
  __asm__ volatile("fnstenv %0" : "=m"(env));
  show("environment", "cw %04x, tags %04x", env.cw, env.tw);
  __asm__ volatile("fnstcw %0" : "=m"(cw));
  show("fnstenv masks all", "%04x", cw);
  long double values[8];
  unsigned short over;
  __asm__ volatile("fninit\n fld1\n fldz\n fldpi\n fld1\n fldz\n fldpi\n fld1\n fldz\n fldpi\n fnstsw %0\n fstpt %1\n fnclex\n" : "=m"(over), "=m"(values[0]));
  show("overflow of the stack", "%s, IE %d SF %d C1 %d", ext(&values[0]), over & 1, over >> 6 & 1, over >> 9 & 1);
  __asm__ volatile("fninit\n fstpt %1\n fnstsw %0" : "=m"(over), "=m"(values[0]));
  show("underflow of the stack", "%s, IE %d SF %d C1 %d", ext(&values[0]), over & 1, over >> 6 & 1, over >> 9 & 1);

  // transcendental instructions: exact cases and rounded to double
#define TRIG(text, a) do { long double a_ = (a); double r_; unsigned short s_; \
    __asm__ volatile("fninit\n fldt %2\n" text "\n fnstsw %1\n fstpl %0\n fninit" : "=m"(r_), "=m"(s_) : "m"(a_)); \
    show(text " of " #a, "%.15g, C2 %d", r_, s_ >> 10 & 1); } while (0)
  TRIG("fsin", 0.5L); TRIG("fcos", 0.5L); TRIG("fptan; fstp %%st(0)", 0.5L); TRIG("fsin", 0.0L); TRIG("fsin", 1e30L);
  TRIG("fsincos; fstp %%st(0)", 1.0L); TRIG("fld1; fpatan", 0.5L); TRIG("f2xm1", 0.5L); TRIG("f2xm1", -1.0L); TRIG("fld1; fxch; fyl2x", 10.0L); TRIG("fld1; fxch; fyl2xp1", 0.1L);
  TRIG("fld1; fxch; fyl2x", 8.0L); TRIG("fld1; fxch; fyl2x", 0.0L);

  // BCD
  unsigned char bcd[10];
  src = -12345678.0L;
  __asm__ volatile("fninit\n fldt %1\n fbstp %0" : "=m"(bcd) : "m"(src));
  char text[32];
  for (int i = 0; i < 10; i++) sprintf(text + 2 * i, "%02x", bcd[9 - i]);
  show("fbstp", "%s", text);
  __asm__ volatile("fbld %1\n fstpt %0" : "=m"(result) : "m"(bcd));
  show("fbld", "%.0Lf", result);

  // whole state
  static unsigned char state[108], fx[512] __attribute__((aligned(16)));
  __asm__ volatile("fninit\n fldpi\n fld1\n fnsave %0\n frstor %0\n fstpt %1\n fstpt %2" : "+m"(state), "=m"(values[0]), "=m"(values[1]));
  show("fnsave, frstor", "%s %s", ext(&values[0]), ext(&values[1]));
  __asm__ volatile("fninit\n fldpi\n fld1\n fxsave %0\n fninit\n fxrstor %0\n fstpt %1\n fstpt %2" : "+m"(fx), "=m"(values[0]), "=m"(values[1]));
  show("fxsave, fxrstor", "%s %s", ext(&values[0]), ext(&values[1]));
  show("fxsave image", "cw %02x%02x, top %d, abridged tags %02x, mxcsr %08x", fx[1], fx[0], fx[3] >> 3 & 7, fx[4], *(unsigned *)(fx + 24));
  show("st0 in it", "%s", ext(fx + 32));
  __asm__ volatile("fninit\n fldpi\n emms\n fldpi\n fnstsw %0" : "=m"(over));
  show("emms empties", "IE %d", over & 1);
  __asm__ volatile("fninit");
  return 0;
}
