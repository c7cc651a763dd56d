/* A little of everything a compiler has to get right: structs by value, function pointers, floating point, strings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair { int key; double value; };

static struct pair make(int key) {
  struct pair p = { key, sqrt(key) * 1000 };
  return p;
}

static int by_value(const void *a, const void *b) {
  double x = fmod(((const struct pair *)a)->value, 97), y = fmod(((const struct pair *)b)->value, 97);
  return x < y ? -1 : x > y;
}

int main(void) {
  struct pair *all = malloc(50000 * sizeof *all);
  for (int i = 0; i < 50000; i++) all[i] = make(i);
  qsort(all, 50000, sizeof *all, by_value);
  unsigned long hash = 5381;
  char line[64];
  for (int i = 0; i < 50000; i++) {
    snprintf(line, sizeof line, "%d:%.6f;", all[i].key, all[i].value);
    for (size_t n = 0; n < strlen(line); n++) hash = hash * 33 + (unsigned char)line[n];
  }
  printf("%lx\n", hash);
  free(all);
  return 0;
}
