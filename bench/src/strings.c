// The C library's memory and string functions, at many lengths and alignments:
//
//     strings memcpy|strlen|memchr megabytes
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 18 };
// Called through pointers that the compiler cannot see through, so that nothing is expanded in line.
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static size_t (*volatile measure)(const char *) = strlen;
static void *(*volatile find)(const void *, int, size_t) = memchr;
static const unsigned lengths[] = {1, 3, 7, 8, 15, 16, 24, 31, 40, 64, 100, 200, 333, 512, 1500, 4096, 16384, 65536};

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  uint64_t bytes = strtoull(argv[2], 0, 0) << 20, done = 0, sum = 0;
  char *from = malloc(SIZE + 64), *to = malloc(SIZE + 64);
  for (int i = 0; i < SIZE + 64; i++) from[i] = (char)(i * 7 % 127 + 1);
  memset(to, 1, SIZE + 64);
  for (unsigned turn = 0; done < bytes; turn++) {
    // A short length as often as makes it a tenth of a long one's work.
    unsigned length = lengths[turn % (sizeof lengths / sizeof *lengths)], times = 1 + 8192 / length;
    for (unsigned i = 0; i < times; i++) {
      unsigned at = (turn * 37 + i * 13) & 1023, off = (turn * 5 + i * 3) & 15;
      switch (argv[1][3]) {
        case 'c':
          if (argv[1][4] == 'p') {
            copy(to + off, from + at, length);
            sum = sum * 3 + (unsigned char)to[off + length / 2];
          } else {
            from[at + length] = 0;
            sum = sum * 3 + (uint64_t)((char *)find(from + at, 0, SIZE - 1024) - from);
            from[at + length] = 1;
          }
          break;
        case 'l':
          from[at + length] = 0;
          sum = sum * 3 + measure(from + at);
          from[at + length] = 1;
          break;
      }
      done += length;
    }
  }
  printf("%s of %lu bytes: %016lx\n", argv[1], (unsigned long)done, (unsigned long)sum);
  return 0;
}
