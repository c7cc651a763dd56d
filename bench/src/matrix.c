// Scalar double arithmetic (SSE2): a matrix product.
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 256;
  double *a = malloc(sizeof(double) * (unsigned)(n * n)), *b = malloc(sizeof(double) * (unsigned)(n * n)), *c = calloc((unsigned)(n * n), sizeof(double));
  for (int i = 0; i < n * n; i++) a[i] = i % 7 - 3.5, b[i] = 1.0 / (i % 11 + 1);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) {
      double x = a[i * n + k];
      for (int j = 0; j < n; j++) c[i * n + j] += x * b[k * n + j];
    }
  double sum = 0;
  for (int i = 0; i < n * n; i++) sum += c[i] * (i % 3);
  printf("%.17g\n", sum);
  return 0;
}
