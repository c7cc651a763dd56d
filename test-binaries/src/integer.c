// Integer instructions: results and defined flags over fixed pseudo-random operands; string, bit, shift, multiply,
// divide, compare-and-exchange and stack instructions, and the compiler's 64 and 128-bit arithmetic.
#include "t.h"
static unsigned long state = 0x9e3779b97f4a7c15;
static unsigned long rnd(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}
static const unsigned long edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff};
static unsigned long operand(void) {
  unsigned long r = rnd();
  return r & 3 ? rnd() >> (r >> 8 & 63) : edges[r >> 8 & 15];
}
static unsigned long hash = 14695981039346656037u, last_a, last_f;
static void mix(unsigned long v) {
  for (int i = 0; i < 8; i++) hash = (hash ^ (v >> 8 * i & 255)) * 1099511628211u;
}
static void result(const char *what) {
  show(what, "%016lx, last %lx %lx", hash, last_a, last_f);
  hash = 14695981039346656037u;
}
#define ALL 0x8d5 // OF SF ZF AF PF CF
#define SZPC 0x8c5 // without AF
// text works on %0 (a) with %2 (b); carry in is set from a bit of the generator
#define BIN(name, text, type, r, mask) do { for (int i = 0; i < 300; i++) { \
    type a = (type)operand(), b = (type)operand(); unsigned long f, in = rnd() & 1; \
    __asm__ volatile("bt $0, %3\n" text "\n pushf\n pop %1" : "+" r(a), "=&r"(f) : r(b), "r"(in) : "cc", "memory"); \
    last_a = (unsigned long)a; last_f = f & (mask); mix(last_a); mix(last_f); } result(name); } while (0)
#define BIN4(name, op, mask) do { BIN(name "b", op "b %2, %0", unsigned char, "q", mask); BIN(name "w", op "w %2, %0", unsigned short, "r", mask); \
    BIN(name "l", op "l %2, %0", unsigned, "r", mask); BIN(name "q", op "q %2, %0", unsigned long, "r", mask); } while (0)
#define UN4(name, op, mask) do { BIN(name "b", op "b %0", unsigned char, "q", mask); BIN(name "w", op "w %0", unsigned short, "r", mask); \
    BIN(name "l", op "l %0", unsigned, "r", mask); BIN(name "q", op "q %0", unsigned long, "r", mask); } while (0)
// shifts by cl: only CF, ZF, SF, PF are defined for any count, and CF not beyond the size
#define SH(name, text, type, bits, mask) do { for (int i = 0; i < 300; i++) { \
    type a = (type)operand(); unsigned char c = (unsigned char)(rnd() % (bits)); unsigned long f, in = rnd() & 1; \
    __asm__ volatile("bt $0, %3\n" text "\n pushf\n pop %1" : "+q"(a), "=&r"(f) : "c"(c), "r"(in) : "cc"); \
    last_a = (unsigned long)a; last_f = c & (sizeof a == 8 ? 63 : 31) ? f & (mask) : f & 1; mix(last_a); mix(last_f); } result(name); } while (0)
#define SH4(name, op, mask) do { SH(name "b", op "b %%cl, %0", unsigned char, 8, mask); SH(name "w", op "w %%cl, %0", unsigned short, 16, mask); \
    SH(name "l", op "l %%cl, %0", unsigned, 64, mask); SH(name "q", op "q %%cl, %0", unsigned long, 64, mask); } while (0)

static unsigned long collatz(void) {
  unsigned long best = 0, where = 0;
  for (unsigned long i = 1; i < 30000; i++) {
    unsigned long n = i, steps = 0;
    while (n != 1) n = n & 1 ? 3 * n + 1 : n / 2, steps++;
    if (steps > best) best = steps, where = i;
  }
  return where * 1000 + best;
}
static int compare(const void *a, const void *b) {
  unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
  return x < y ? -1 : x > y;
}

int main(void) {
  BIN4("add", "add", ALL); BIN4("sub", "sub", ALL); BIN4("adc", "adc", ALL); BIN4("sbb", "sbb", ALL); BIN4("cmp", "cmp", ALL);
  BIN4("and", "and", SZPC); BIN4("or", "or", SZPC); BIN4("xor", "xor", SZPC); BIN4("test", "test", SZPC);
  UN4("inc", "inc", ALL); UN4("dec", "dec", ALL); UN4("neg", "neg", ALL); UN4("not", "not", 1);
  BIN("xaddl", "xaddl %0, %0", unsigned, "r", ALL);
  SH4("shl", "shl", 0xc5); SH4("shr", "shr", 0xc5); SH4("sar", "sar", 0xc5); SH4("rol", "rol", 1); SH4("ror", "ror", 1); SH4("rcl", "rcl", 1); SH4("rcr", "rcr", 1);
  BIN("shl 1", "shlq $1, %0", unsigned long, "r", SZPC); BIN("sar 1", "sarl $1, %0", unsigned, "r", SZPC); BIN("shr 1", "shrw $1, %0", unsigned short, "r", SZPC);
  BIN("shld", "shldq $13, %2, %0", unsigned long, "r", 0xc5); BIN("shrd", "shrdl $7, %2, %0", unsigned, "r", 0xc5);
  BIN("imulq", "imulq %2, %0", unsigned long, "r", 0x801); BIN("imull", "imull %2, %0", unsigned, "r", 0x801); BIN("imulw", "imulw %2, %0", unsigned short, "r", 0x801);
  BIN("imul 3", "imulq $-12345, %2, %0", unsigned long, "r", 0x801);
  BIN("bsfq", "orq $1, %2\n bsfq %2, %0", unsigned long, "r", 0x40); BIN("bsrq", "orq $1, %2\n bsrq %2, %0", unsigned long, "r", 0x40);
  BIN("btq", "btq %2, %0", unsigned long, "r", 1); BIN("btsq", "btsq %2, %0", unsigned long, "r", 1); BIN("btrl", "btrl %2, %0", unsigned, "r", 1); BIN("btcw", "btcw %2, %0", unsigned short, "r", 1);
  BIN("bswapq", "bswapq %0", unsigned long, "r", 1); BIN("bswapl", "bswapl %0", unsigned, "r", 1);
  BIN("movsbl", "movsbl %b2, %0", unsigned, "r", 1); BIN("movswq", "movswq %w2, %0", unsigned long, "r", 1); BIN("movslq", "movslq %k2, %0", unsigned long, "r", 1); BIN("movzwl", "movzwl %w2, %0", unsigned, "r", 1);
  BIN("lea", "leaq 17(%0,%2,4), %0", unsigned long, "r", 1); BIN("leal", "leal -5(%q0,%q2,8), %0", unsigned, "r", 1); BIN("xchg", "xchgq %0, %2", unsigned long, "r", 1);
  BIN("movl clears the top", "movl %k2, %k0", unsigned long, "r", 1); BIN("movb keeps the rest", "movb %b2, %b0", unsigned long, "r", 1);
  BIN("setcc", "cmpq %2, %0\n setg %b0", unsigned long, "r", ALL); BIN("setb", "cmpq %2, %0\n setb %b0", unsigned long, "r", ALL); BIN("setp", "cmpq %2, %0\n setp %b0", unsigned long, "r", ALL);
  BIN("cmovl", "cmpl %2, %0\n cmovll %2, %0", unsigned, "r", ALL); BIN("cmova", "cmpq %2, %0\n cmovaq %2, %0", unsigned long, "r", ALL); BIN("cmovo", "cmpb %b2, %b0\n cmovol %2, %0", unsigned, "r", ALL);
  BIN("cmc stc clc", "cmc", unsigned long, "r", 1);
  for (int i = 0; i < 300; i++) {
    unsigned long a = operand(), d = operand(), b = operand(), f;
    __asm__ volatile("mulq %3\n pushf\n pop %2" : "+a"(a), "=d"(d), "=&r"(f) : "r"(b) : "cc");
    mix(a); mix(d); mix(last_f = f & 0x801); last_a = d;
  }
  result("mulq");
  for (int i = 0; i < 300; i++) {
    unsigned long a = operand(), d, b = operand(), f;
    __asm__ volatile("imulq %3\n pushf\n pop %2" : "+a"(a), "=d"(d), "=&r"(f) : "r"(b) : "cc");
    mix(a); mix(d); mix(last_f = f & 0x801); last_a = d;
  }
  result("imulq one operand");
  for (int i = 0; i < 300; i++) {
    unsigned long b = operand() | 1, d = operand() % b, a = operand();
    __asm__ volatile("divq %2" : "+a"(a), "+d"(d) : "r"(b) : "cc");
    mix(a); mix(d); last_a = a; last_f = d;
  }
  result("divq");
  for (int i = 0; i < 300; i++) {
    long a = (long)operand(), b = (long)(operand() >> 1 | 2), q, r;
    if (rnd() & 1) b = -b;
    __asm__ volatile("cqto\n idivq %3" : "=a"(q), "=&d"(r) : "0"(a), "r"(b) : "cc");
    mix((unsigned long)q); mix((unsigned long)r); last_a = (unsigned long)q; last_f = (unsigned long)r;
  }
  result("idivq");
  for (int i = 0; i < 300; i++) {
    unsigned a = (unsigned)operand(), b = (unsigned)operand() | 1, d = (unsigned)operand() % b;
    __asm__ volatile("divl %2" : "+a"(a), "+d"(d) : "r"(b) : "cc");
    mix(a); mix(d); last_a = a; last_f = d;
  }
  result("divl");
  for (int i = 0; i < 300; i++) {
    unsigned long m = operand(), a = i & 1 ? m : operand(), n = operand(), f;
    __asm__ volatile("lock cmpxchgq %3, %0\n pushf\n pop %2" : "+m"(m), "+a"(a), "=&r"(f) : "r"(n) : "cc");
    mix(m); mix(a); mix(last_f = f & ALL); last_a = a;
  }
  result("cmpxchg");
  for (int i = 0; i < 300; i++) {
    unsigned long m[2] __attribute__((aligned(16))) = {operand(), operand()}, a = i & 1 ? m[0] : operand(), d = i & 1 ? m[1] : operand();
    unsigned char z;
    __asm__ volatile("lock cmpxchg16b %0\n setz %1" : "+m"(m), "=q"(z), "+a"(a), "+d"(d) : "b"(operand()), "c"(operand()) : "cc");
    mix(m[0]); mix(m[1]); mix(a); mix(d); mix(z); last_a = a; last_f = z;
  }
  result("cmpxchg16b");
  for (int i = 0; i < 300; i++) {
    unsigned long m = operand(), v = operand(), f;
    __asm__ volatile("lock xaddq %1, %0\n pushf\n pop %2" : "+m"(m), "+r"(v), "=&r"(f)::"cc");
    mix(m); mix(v); mix(last_f = f & ALL); last_a = m;
  }
  result("xadd");
  unsigned char memory[64] = {0};
  for (int i = 0; i < 300; i++) {
    unsigned long at = rnd() % 500, f; // bit 499 is in byte 62 of 64
    __asm__ volatile("lock btsq %2, %0\n pushf\n pop %1" : "+m"(memory), "=&r"(f) : "r"(at) : "cc");
    mix(last_f = f & 1); mix(memory[last_a = at / 8]);
  }
  result("bts in memory, beyond the operand");

  // strings
  char a[300], b[300];
  for (int i = 0; i < 300; i++) a[i] = (char)(i * 37 % 251), b[i] = 0;
  unsigned long c = 100;
  char *s = a, *d = b;
  __asm__ volatile("rep movsb" : "+S"(s), "+D"(d), "+c"(c)::"memory");
  show("rep movsb", "%ld %ld %lu, %d", (long)(s - a), (long)(d - b), c, memcmp(a, b, 100));
  s = a + 99; d = b + 199; c = 100;
  __asm__ volatile("std\n rep movsb\n cld" : "+S"(s), "+D"(d), "+c"(c)::"memory");
  show("backwards", "%ld %ld %lu, %d", (long)(s - a), (long)(d - b), c, memcmp(a, b + 100, 100));
  s = a; d = a + 1; c = 50;
  __asm__ volatile("rep movsb" : "+S"(s), "+D"(d), "+c"(c)::"memory");
  show("overlapping", "%d %d %d", a[0] == a[50], a[51] == (char)(51 * 37 % 251), a[1] == a[0]);
  d = b; c = 20;
  __asm__ volatile("rep stosq" : "+D"(d), "+c"(c) : "a"(0x0102030405060708) : "memory");
  show("rep stosq", "%ld, %d %d", (long)(d - b), b[0], b[159]);
  d = b; c = 300; b[123] = 77;
  unsigned long z;
  __asm__ volatile("repne scasb\n setz %b2\n movzbl %b2, %k2" : "+D"(d), "+c"(c), "=&r"(z) : "a"(77) : "cc", "memory");
  show("repne scasb", "%ld %lu %lu", (long)(d - b), c, z);
  memcpy(a, b, 300); a[200]++;
  s = a; d = b; c = 300;
  __asm__ volatile("repe cmpsb\n seta %b3\n movzbl %b3, %k3" : "+S"(s), "+D"(d), "+c"(c), "=&r"(z)::"cc", "memory");
  show("repe cmpsb", "%ld %lu %lu", (long)(s - a), c, z);
  c = 0; s = a; d = b;
  __asm__ volatile("cmp %%eax, %%eax\n repe cmpsb\n setz %b3\n movzbl %b3, %k3" : "+S"(s), "+D"(d), "+c"(c), "=&r"(z)::"cc", "memory");
  show("count 0 leaves the flags", "%ld %lu", (long)(s - a), z);
  s = a;
  unsigned long x = 0;
  for (int i = 0; i < 5; i++) __asm__ volatile("lodsw" : "+S"(s), "+a"(x)::"memory");
  show("lodsw", "%ld %lx", (long)(s - a), x);
  unsigned char table[256];
  for (int i = 0; i < 256; i++) table[i] = (unsigned char)(255 - i);
  x = 0x1234;
  __asm__ volatile("xlatb" : "+a"(x) : "b"(table) : "memory");
  show("xlat", "%lx", x);
  unsigned long before, after;
  __asm__ volatile("mov %%rsp, %0\n push $-3\n pushw $7\n popw %%ax\n pop %%rcx\n mov %%rsp, %1" : "=&r"(before), "=&r"(after), "=a"(x), "=c"(c));
  show("push and pop", "%ld, %ld %ld", (long)(after - before), (long)c, x & 0xffff);
  __asm__ volatile("push %%rbp\n mov %%rsp, %%rbx\n enter $32, $0\n mov %%rsp, %0\n leave\n sub %%rsp, %%rbx\n mov %%rbx, %1\n pop %%rbp" : "=a"(x), "=c"(c)::"rbx", "memory");
  show("enter and leave", "%ld", (long)c);
  __asm__ volatile("mov $5, %%ecx\n xor %%eax, %%eax\n 1: add %%ecx, %%eax\n loop 1b\n jrcxz 2f\n mov $99, %%eax\n 2:" : "=a"(x)::"rcx", "cc");
  show("loop", "%lu", x);
  x = 0x80; __asm__ volatile("cbw\n cwde\n cdqe" : "+a"(x)); show("cbw cwde cdqe", "%lx", x);
  x = 0x80000000; __asm__ volatile("cltd" : "+a"(x), "=d"(z)); show("cdq", "%lx", z);
  unsigned eax = 0, ebx, ecx = 0, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  yes("cpuid has leaf 1", eax >= 1);
  eax = 1;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  show("cpuid: fpu tsc cx8 cmov mmx fxsr sse sse2", "%d%d%d%d%d%d%d%d", edx & 1, edx >> 4 & 1, edx >> 8 & 1, edx >> 15 & 1, edx >> 23 & 1, edx >> 24 & 1, edx >> 25 & 1, edx >> 26 & 1);
  unsigned long t1, t2, hi;
  __asm__ volatile("rdtsc\n shl $32, %%rdx\n or %%rdx, %%rax" : "=a"(t1), "=d"(hi));
  __asm__ volatile("rdtsc\n shl $32, %%rdx\n or %%rdx, %%rax" : "=a"(t2), "=d"(hi));
  yes("rdtsc does not go back", t2 >= t1);

  // compiled code
  unsigned __int128 wide = 1;
  for (int i = 0; i < 100; i++) wide = wide * 6364136223846793005u + 1442695040888963407u;
  show("128-bit product", "%016lx%016lx", (unsigned long)(wide >> 64), (unsigned long)wide);
  show("128-bit quotient", "%lx %lx", (unsigned long)(wide / 1000000007), (unsigned long)(wide % 1000000007));
  show("collatz", "%lu", collatz());
  static unsigned data[20000];
  for (int i = 0; i < 20000; i++) data[i] = (unsigned)rnd();
  qsort(data, 20000, sizeof *data, compare);
  unsigned long sum = 0;
  for (unsigned i = 0; i < 20000; i++) sum += (unsigned long)data[i] * i;
  show("qsort", "%lu %u %u", sum, data[0], data[19999]);
  return 0;
}
