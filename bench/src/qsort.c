// The C library's qsort of integers (a call through a pointer for each comparison), and a quicksort of our own of strings.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void quicksort(const char **words, long from, long to) {
  while (from < to) {
    const char *pivot = words[(from + to) / 2];
    long i = from, j = to;
    while (i <= j) {
      while (strcmp(words[i], pivot) < 0) i++;
      while (strcmp(words[j], pivot) > 0) j--;
      if (i > j) break;
      const char *swap = words[i];
      words[i++] = words[j];
      words[j--] = swap;
    }
    if (j - from < to - i) {
      quicksort(words, from, j);
      from = i;
    } else {
      quicksort(words, i, to);
      to = j;
    }
  }
}

int main(int argc, char **argv) {
  unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 500000;
  uint32_t *numbers = malloc(n * sizeof *numbers), seed = 1, sum = 0;
  char *text = malloc(n * 12UL);
  const char **words = malloc(n * sizeof *words);
  for (unsigned i = 0; i < n; i++) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    numbers[i] = seed;
    char *word = text + 12UL * i;
    uint32_t rest = seed;
    for (int j = 0; j < 11; j++) word[j] = (char)('a' + rest % 3 + j % 4), rest /= 3;
    word[11] = 0;
    words[i] = word;
  }
  qsort(numbers, n, sizeof *numbers, compare);
  quicksort(words, 0, (long)n - 1);
  for (unsigned i = 0; i < n; i++) sum = sum * 31 + (numbers[i] ^ (uint32_t)(words[i][5] * 7 + words[i][9]));
  for (unsigned i = 1; i < n; i++)
    if (numbers[i - 1] > numbers[i] || strcmp(words[i - 1], words[i]) > 0) return 1;
  printf("%u sorted: %08x\n", n, sum);
  return 0;
}
