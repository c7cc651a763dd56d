// The mix of a small embedded program, in the manner of CoreMark: a linked list that is searched, sorted and reversed, a
// product of small integer matrices, a state machine that classifies numbers in text, and a CRC of all that comes out.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint16_t crc16(uint16_t crc, uint16_t value) {
  for (int i = 0; i < 16; i++) {
    unsigned odd = (crc ^ value) & 1;
    value >>= 1;
    crc >>= 1;
    if (odd) crc ^= 0xa001;
  }
  return crc;
}

struct item {
  struct item *next;
  int16_t key, index;
};

static int by_key(const struct item *a, const struct item *b) { return a->key - b->key; }
static int by_index(const struct item *a, const struct item *b) { return a->index - b->index; }

// Merge sort, bottom up, of a list in place.
static struct item *sort(struct item *list, int (*compare)(const struct item *, const struct item *)) {
  for (int width = 1;; width *= 2) {
    struct item *p = list, *tail = NULL;
    int merges = 0;
    list = NULL;
    while (p) {
      struct item *q = p;
      int left = 0, right = width;
      merges++;
      while (left < width && q) left++, q = q->next;
      while (left > 0 || (right > 0 && q)) {
        struct item *taken;
        if (left == 0 || (right > 0 && q && compare(p, q) > 0)) {
          taken = q, q = q->next, right--;
        } else {
          taken = p, p = p->next, left--;
        }
        if (tail) tail->next = taken;
        else list = taken;
        tail = taken;
      }
      p = q;
    }
    if (tail) tail->next = NULL;
    if (merges <= 1) return list;
  }
}

static struct item *reverse(struct item *list) {
  struct item *done = NULL;
  while (list) {
    struct item *next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

enum { ITEMS = 200, SIZE = 12 };

static uint16_t lists(struct item *items, unsigned seed, uint16_t crc) {
  for (int i = 0; i < ITEMS; i++) {
    seed = seed * 1103515245 + 12345;
    items[i].key = (int16_t)(seed >> 16 & 0x3ff);
    items[i].index = (int16_t)i;
    items[i].next = i + 1 < ITEMS ? &items[i + 1] : NULL;
  }
  struct item *list = items;
  for (int wanted = 0; wanted < 40; wanted++) {
    struct item *at = list;
    while (at && (at->key & 0x3f) != wanted) at = at->next;
    crc = crc16(crc, at ? (uint16_t)at->index : 0xffff);
    list = reverse(list);
  }
  list = sort(list, by_key);
  for (struct item *at = list; at; at = at->next) crc = crc16(crc, (uint16_t)at->key);
  list = sort(list, by_index);
  return crc16(crc, (uint16_t)list->key);
}

static uint16_t matrices(int16_t *a, int16_t *b, int32_t *c, int16_t seed, uint16_t crc) {
  for (int i = 0; i < SIZE * SIZE; i++) a[i] = (int16_t)(seed + i), b[i] = (int16_t)(seed * 3 - i);
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) {
      int32_t sum = 0, bits = 0;
      for (int k = 0; k < SIZE; k++) {
        int32_t product = (int32_t)a[i * SIZE + k] * b[k * SIZE + j];
        sum += product;
        bits += (product >> 2 & 0xf) * (product >> 5 & 0x7f);
      }
      c[i * SIZE + j] = sum ^ bits;
    }
  int32_t previous = 0;
  int16_t risen = 0;
  for (int i = 0; i < SIZE * SIZE; i++) {
    risen = (int16_t)(risen + (c[i] > previous ? 10 : -1));
    previous = c[i];
  }
  return crc16(crc, (uint16_t)risen);
}

enum state { START, INVALID, SIGN, INTEGER, POINT, FRACTION, EXPONENT, SCIENTIFIC, STATES };

static enum state next(enum state state, char c) {
  int digit = c >= '0' && c <= '9';
  switch (state) {
    case START:
      if (digit) return INTEGER;
      if (c == '+' || c == '-') return SIGN;
      return c == '.' ? POINT : INVALID;
    case SIGN:
      if (digit) return INTEGER;
      return c == '.' ? POINT : INVALID;
    case INTEGER:
      if (c == '.') return FRACTION;
      return digit ? INTEGER : INVALID;
    case POINT:
    case FRACTION:
      if (c == 'e' || c == 'E') return EXPONENT;
      return digit ? FRACTION : INVALID;
    case EXPONENT:
      return digit || c == '+' || c == '-' ? SCIENTIFIC : INVALID;
    case SCIENTIFIC:
      return digit ? SCIENTIFIC : INVALID;
    default:
      return INVALID;
  }
}

static uint16_t machine(char *text, unsigned step, uint16_t crc) {
  uint16_t final[STATES] = {0}, visits[STATES] = {0};
  for (int round = 0; round < 2; round++) {
    for (char *p = text; *p;) {
      enum state state = START;
      while (*p && *p != ',') {
        state = next(state, *p++);
        visits[state]++;
      }
      final[state]++;
      if (*p) p++;
    }
    // Spoils a character here and there, and puts it right again after the first round.
    for (char *p = text; *p; p++)
      if ((unsigned)(p - text) % step == 0 && *p != ',') *p ^= 1;
  }
  for (int i = 0; i < STATES; i++) crc = crc16(crc16(crc, final[i]), visits[i]);
  return crc;
}

int main(int argc, char **argv) {
  unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 4000;
  static struct item items[ITEMS];
  static int16_t a[SIZE * SIZE], b[SIZE * SIZE];
  static int32_t c[SIZE * SIZE];
  char text[] = "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,-87e+832,+0.6e-12,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^";
  uint16_t crc = 0xffff;
  for (unsigned i = 0; i < rounds; i++) {
    crc = lists(items, i ^ crc, crc);
    for (int j = 0; j < 4; j++) crc = matrices(a, b, c, (int16_t)(crc + j), crc);
    for (unsigned step = 3; step < 11; step++) crc = machine(text, step, crc);
  }
  printf("%u rounds: %04x\n", rounds, crc);
  return 0;
}
