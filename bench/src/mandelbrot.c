// Double arithmetic in registers, with an unpredictable end of each loop: the Mandelbrot set as a bit map.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1000;
  uint32_t sum = 0, inside = 0;
  for (int row = 0; row < n; row++)
    for (int column = 0; column < n; column++) {
      double cx = 2.0 * column / n - 1.5, cy = 2.0 * row / n - 1.0, x = 0, y = 0;
      int turns = 0;
      while (turns < 100) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4.0) break;
        y = 2 * x * y + cy;
        x = xx - yy + cx;
        turns++;
      }
      sum = sum * 31 + (uint32_t)turns;
      inside += turns == 100;
    }
  printf("%d x %d: %u inside, %08x\n", n, n, inside, sum);
  return 0;
}
