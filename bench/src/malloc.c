// The C library's allocator: blocks of many sizes are allocated, grown and freed in random order, a few of them large.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 };

int main(int argc, char **argv) {
  unsigned turns = argc > 1 ? (unsigned)atoi(argv[1]) : 3000000;
  static unsigned char *blocks[SLOTS];
  static uint32_t sizes[SLOTS];
  uint32_t seed = 2463534242;
  uint64_t sum = 0;
  for (unsigned i = 0; i < turns; i++) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    unsigned slot = seed % SLOTS, size = 8 + (seed >> 12 & 63) * (seed >> 24 & 15);
    if ((seed >> 20 & 1023) == 0) size = 20000 + (seed & 0xffff);
    if (!blocks[slot]) {
      blocks[slot] = malloc(size);
    } else if (seed >> 31) {
      blocks[slot] = realloc(blocks[slot], size);
    } else {
      sum = sum * 3 + blocks[slot][0] + blocks[slot][sizes[slot] - 1];
      free(blocks[slot]);
      blocks[slot] = NULL;
      continue;
    }
    sizes[slot] = size;
    blocks[slot][0] = (unsigned char)i;
    blocks[slot][size - 1] = (unsigned char)(i >> 8);
  }
  printf("%u turns: %016lx\n", turns, (unsigned long)sum);
  return 0;
}
