// Floating-point numbers to text and back: musl's printf and strtod compute in 80 bits, on the x87.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  unsigned turns = argc > 1 ? (unsigned)atoi(argv[1]) : 200000;
  uint64_t seed = 88172645463325252, sum = 0;
  for (unsigned i = 0; i < turns; i++) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    double value = (double)(int64_t)seed / (double)(1LL << (seed & 62));
    char text[400];
    int length = 0;
    switch (i & 3) {
      case 0: length = snprintf(text, sizeof text, "%.17g", value); break;
      case 1: length = snprintf(text, sizeof text, "%.3f", value); break;
      case 2: length = snprintf(text, sizeof text, "%e", value * 1e-30); break;
      case 3: length = snprintf(text, sizeof text, "%Lg", (long double)value / 3); break;
    }
    double back = strtod(text, NULL);
    if ((i & 3) == 0 && back != value) return printf("%s is not %a\n", text, value), 1;
    for (int j = 0; j < length; j++) sum = sum * 31 + (unsigned char)text[j];
    sum ^= (uint64_t)(back > value) << (i & 31);
  }
  printf("%u numbers: %016lx\n", turns, (unsigned long)sum);
  return 0;
}
