// Floating point as the libc does it: printing and reading float, double and long double, libm, conversions, classes.
#include "t.h"
#include <fenv.h>
#include <float.h>
#include <math.h>
static volatile double zero = 0.0, one = 1.0, third = 1.0 / 3, big = 1e308;
static volatile long double lthird = 1.0L / 3, lbig = 1e4932L;
static volatile float fthird = 1.0f / 3;

int main(void) {
  show("%f", "%f %f %f %f", 0.0, -0.0, 1.5, -123456.789);
  show("%e", "%e %e %e %e", 1.0, 1e-300, 5e-324, DBL_MAX);
  show("%g", "%g %g %g %g %g", 0.0001, 0.00001, 123456.0, 1234567.0, 1e100);
  show("%a", "%a %a %a %a", 1.0, 0.1, 5e-324, -DBL_MAX);
  show("precision", "%.0f %.0f %.0f %.1f %.3f %.20f", 0.5, 1.5, 2.5, 0.25, 2.0005, 0.1);
  show("17 digits", "%.17g %.17g %.17g", 0.1, third, M_PI);
  show("all digits", "%.60f", 0.1);
  show("largest", "%.0f", DBL_MAX);
  show("width", "[%10.2f] [%-10.2f] [%+.2f] [%010.2f] [% .2f]", 3.14159, 3.14159, 3.14159, -3.14159, 3.14159);
  show("infinities", "%f %f %F %e", one / zero, -one / zero, one / zero, zero / zero < 0 ? 1.0 : 2.0);
  show("long double", "%.21Lg %.21Lg %.21Lg", 0.1L, lthird, 3.14159265358979323846264338327950288L);
  show("its limits", "%Lg %Lg %Lg", LDBL_MAX, LDBL_MIN, LDBL_EPSILON);
  show("its hex", "%La %La %La", 1.0L, lthird, LDBL_MAX);
  show("smallest", "%Lg", 3.6451995318824746025e-4951L);
  show("float", "%.9g %.9g %.9g", fthird, FLT_MAX, FLT_MIN);

  static const char *numbers[] = {"0", "-0", "1.5", "0.1", "1e308", "1e309", "-1e400", "5e-324", "2e-324", "1e-400", "0x1.8p3", "0x.1p-1080",
    "inf", "-INFINITY", "123456789012345678901234567890", "2.2250738585072011e-308", "9007199254740993", "1.7976931348623158e308", "0.500000000000000166533453693773481063544750213623046875", "junk", "1e", "1.e+5x"};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char *end;
    errno = 0;
    double d = strtod(numbers[i], &end);
    printf("strtod %s = %.17g %a, %ld read, %s\n", numbers[i], d, d, (long)(end - numbers[i]), errno ? errname(errno) : "ok");
    long double l = strtold(numbers[i], 0);
    printf("strtold = %.21Lg %La\n", l, l);
    float f = strtof(numbers[i], 0);
    printf("strtof = %.9g\n", f);
  }

#define F1(f, x) show(#f "(" #x ")", "%.17g %a", f(x), f(x))
  volatile double x = 0.7, y = 2.3, w = 1e10;
  F1(sqrt, y); F1(cbrt, y); F1(exp, x); F1(exp2, x); F1(expm1, x); F1(log, x); F1(log2, y); F1(log10, y); F1(log1p, x);
  F1(sin, x); F1(cos, x); F1(tan, x); F1(asin, x); F1(acos, x); F1(atan, y); F1(sin, w); F1(cos, w);
  F1(sinh, x); F1(cosh, x); F1(tanh, x); F1(asinh, x); F1(acosh, y); F1(atanh, x); F1(erf, x); F1(erfc, x); F1(tgamma, y); F1(lgamma, y); F1(j0, x);
  F1(floor, -y); F1(ceil, -y); F1(trunc, -y); F1(round, -2.5); F1(rint, -2.5); F1(rint, 3.5); F1(nearbyint, 0.5); F1(logb, w); F1(fabs, -y);
  show("pow", "%.17g %.17g %.17g", pow(x, y), pow(-2, 3), pow(2, -1074));
  show("atan2", "%.17g %.17g", atan2(-1, -1), atan2(0.0, -1.0));
  show("hypot", "%.17g", hypot(3, 4e-9));
  show("fmod", "%.17g %.17g", fmod(5.3, 2), fmod(-1e300, 7));
  show("remainder", "%.17g %.17g", remainder(5.3, 2), remainder(7, 2));
  show("fma", "%.17g", fma(third, 3, -1));
  int e;
  double m = frexp(w, &e);
  show("frexp", "%.17g %d", m, e);
  show("ldexp", "%.17g %.17g %.17g", ldexp(0.75, 10), ldexp(1, -1074), ldexp(1, 2000));
  double whole, part = modf(-3.75, &whole);
  show("modf", "%g %g", part, whole);
  show("nextafter", "%a %a", nextafter(1, 2), nextafter(0, -1));
  show("lrint", "%ld %ld %lld", lrint(2.5), lrint(-3.5), llround(2.5));
// x87 transcendentals are within 1 ulp, not exact: 17 digits of the 19.
#define L1(f, x) show(#f, "%.17Lg", f(x))
  volatile long double lx = 0.7L, ly = 2.3L;
  L1(sqrtl, ly); L1(expl, lx); L1(logl, lx); L1(sinl, lx); L1(cosl, lx); L1(tanl, lx); L1(atanl, ly); L1(log2l, ly); L1(log10l, ly); L1(exp2l, lx);
  L1(asinl, lx); L1(acosl, lx); L1(floorl, -ly); L1(ceill, -ly); L1(rintl, -2.5L); L1(cbrtl, ly); L1(tgammal, ly); L1(expm1l, lx); L1(log1pl, lx); L1(erfl, lx);
  show("powl", "%.17Lg", powl(lx, ly));
  show("fmodl", "%.21Lg", fmodl(1e30L, 7));
  show("remainderl", "%.21Lg", remainderl(ly, lx));

  show("double to int", "%d %d %ld %ld", (int)-2.9, (int)2.9, (long)1e18, (long)-1e18);
  volatile double huge = 1e30, negative = -5.7;
  show("out of range", "%d %ld", (int)huge, (long)huge);
  show("unsigned", "%u %lu", (unsigned)4e9, (unsigned long)1.8e19);
  volatile unsigned long ul = 0xfffffffffffffbffUL;
  volatile long sl = 0x7fffffffffffffff;
  show("long to double", "%.17g %.17g %.17g", (double)ul, (double)sl, (double)(float)sl);
  show("long to long double", "%.21Lg %.21Lg", (long double)ul, (long double)sl);
  show("long double to long", "%ld %lu %d", (long)(lbig > 0 ? 1e18L : 0), (unsigned long)1.8e19L, (int)-2.9L);
  show("double to float", "%.9g %.9g %.9g", (float)third, (float)big, (float)negative);
  show("classes", "%d %d %d %d", isnan(zero / zero) != 0, isinf(one / zero) != 0, isnormal(5e-324) != 0, signbit(-0.0) != 0);
  show("comparisons with NaN", "%d %d %d %d", NAN < one, NAN == NAN, NAN != NAN, isunordered(NAN, one) != 0);
  show("zeros are equal", "%d", zero == -zero);

  static const struct { int mode; const char *name; } modes[] = {{FE_TONEAREST, "nearest"}, {FE_UPWARD, "upward"}, {FE_DOWNWARD, "downward"}, {FE_TOWARDZERO, "toward zero"}};
  for (int i = 0; i < 4; i++) {
    fesetround(modes[i].mode);
    show(modes[i].name, "%a %a %a %La %La %ld %ld %.3f", one / 3, -one / 3, one + 1e-20, 1.0L / (long double)ly, -1.0L / (long double)ly, lrint(2.5 * one), lrint(-2.5 * one), 2.0005 * one);
  }
  fesetround(FE_TONEAREST);
#define EX(what, expression) do { feclearexcept(FE_ALL_EXCEPT); volatile double r_ = (expression); (void)r_; \
    show(what, "%s%s%s%s%s", fetestexcept(FE_INVALID) ? "V" : "-", fetestexcept(FE_DIVBYZERO) ? "Z" : "-", fetestexcept(FE_OVERFLOW) ? "O" : "-", fetestexcept(FE_UNDERFLOW) ? "U" : "-", fetestexcept(FE_INEXACT) ? "P" : "-"); } while (0)
  EX("1/3", one / (one + 2));
  EX("1/0", one / zero);
  EX("0/0", zero / zero);
  EX("overflow", big * 10);
  EX("underflow", 1e-300 * (third * 1e-10));
  EX("exact", one + one);
  EX("sqrt(-1)", sqrt(-one));
  EX("long double overflow", (double)(lbig * 10));
  EX("conversion", (double)(int)(huge * one));
  // sums whose order of rounding matters
  double sum = 0;
  for (int i = 1; i <= 1000000; i++) sum += 1.0 / i;
  show("harmonic", "%.17g", sum);
  float fs = 0;
  for (int i = 1; i <= 1000000; i++) fs += 1.0f / (float)i;
  show("in float", "%.9g", fs);
  long double ls = 0;
  for (int i = 1; i <= 1000000; i++) ls += 1.0L / i;
  show("in long double", "%.21Lg", ls);
  double mandel = 0;
  for (int py = 0; py < 40; py++)
    for (int px = 0; px < 60; px++) {
      double cr = px / 20.0 - 2, ci = py / 20.0 - 1, zr = 0, zi = 0;
      int n = 0;
      for (; n < 200 && zr * zr + zi * zi < 4; n++) {
        double t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = t;
      }
      mandel += n * (1 + zr * 1e-3);
    }
  show("mandelbrot", "%.17g", mandel);
  return 0;
}
