// An integer loop of exactly ten instructions per turn, so that instructions per second can be told from the time.
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  unsigned long turns = argc > 1 ? strtoul(argv[1], 0, 0) : 50000000, a = 1, b = 2, c = 0;
  __asm__ volatile(
    "1: add %1, %0\n"
    "xor %0, %1\n"
    "lea 3(%1,%0,2), %2\n"
    "shr $3, %2\n"
    "sub %2, %0\n"
    "mov %0, %%rdx\n"
    "and $255, %%rdx\n"
    "add %%rdx, %1\n"
    "dec %3\n"
    "jnz 1b\n"
    : "+r"(a), "+r"(b), "+r"(c), "+r"(turns)::"rdx", "cc");
  printf("%016lx %016lx\n", a, b);
  return 0;
}
