// Double divisions and conversions: the spectral norm of the infinite matrix 1 / ((i + j)(i + j + 1) / 2 + i + 1), by the
// power method.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static inline double element(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static void product(int n, const double *v, double *out) {
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += element(i, j) * v[j];
    out[i] = sum;
  }
}

static void transposed(int n, const double *v, double *out) {
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += element(j, i) * v[j];
    out[i] = sum;
  }
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1500;
  double *u = malloc(sizeof *u * (unsigned)n), *v = malloc(sizeof *v * (unsigned)n), *t = malloc(sizeof *t * (unsigned)n);
  for (int i = 0; i < n; i++) u[i] = 1;
  for (int i = 0; i < 10; i++) {
    product(n, u, t), transposed(n, t, v);
    product(n, v, t), transposed(n, t, u);
  }
  double uv = 0, vv = 0;
  for (int i = 0; i < n; i++) uv += u[i] * v[i], vv += v[i] * v[i];
  printf("%.17g\n", sqrt(uv / vv));
  return 0;
}
