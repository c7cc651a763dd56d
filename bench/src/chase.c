// Memory latency: follows one random cycle through 32 MB, each step a load that depends on the one before.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
  struct node *next;
  uint64_t value[7]; // a cache line
};

int main(int argc, char **argv) {
  unsigned long steps = argc > 1 ? strtoul(argv[1], 0, 0) : 3000000, n = 32 << 20 >> 6;
  struct node *nodes = aligned_alloc(64, n * sizeof *nodes);
  uint32_t *order = malloc(n * sizeof *order), seed = 1;
  // Sattolo's shuffle: a single cycle.
  for (uint32_t i = 0; i < n; i++) order[i] = i;
  for (uint32_t i = (uint32_t)n - 1; i > 0; i--) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    uint32_t j = seed % i, swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  for (uint32_t i = 0; i < n; i++) {
    nodes[i].next = &nodes[order[i]];
    nodes[i].value[3] = i * 2654435761u;
  }
  uint64_t sum = 0;
  struct node *at = nodes;
  for (unsigned long i = 0; i < steps; i++) {
    sum = sum * 3 + at->value[3];
    at = at->next;
  }
  printf("%lu steps: %016lx\n", steps, sum);
  return 0;
}
