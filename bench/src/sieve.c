// Byte stores over a few megabytes: the sieve of Eratosthenes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
  unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 5000000, rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 5, count = 0;
  unsigned char *composite = malloc(n + 1);
  for (unsigned r = 0; r < rounds; r++) {
    memset(composite, 0, n + 1);
    count = 0;
    for (unsigned i = 2; i <= n; i++) {
      if (composite[i]) continue;
      count++;
      for (unsigned long j = (unsigned long)i * i; j <= n; j += i) composite[j] = 1;
    }
  }
  printf("%u primes up to %u\n", count, n);
  return 0;
}
