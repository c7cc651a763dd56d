// A switch-heavy interpreter: a small stack machine with variables, an array and calls runs programs for it that find
// primes, the longest Collatz sequence, and a checksum.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum op {
  PUSH, LOAD, STORE, GET, SET, ADD, SUB, MUL, DIV, MOD, AND, OR, XOR, SHL, SHR, LESS, EQUAL, NOT, DUP, DROP, SWAP, JUMP, UNLESS, CALL, RETURN, INC, STOP
};

static int32_t code[512];
static int length;
static void emit(int32_t word) { code[length++] = word; }
static void emit2(int32_t op, int32_t operand) { emit(op), emit(operand); }
static int jump(enum op op) { return emit2(op, 0), length - 1; }
static void land(int at) { code[at] = length; }

static int64_t run(int32_t pc, uint64_t *executed) {
  static int64_t variables[16], array[1 << 16];
  int64_t stack[64], *sp = stack;
  int32_t calls[16], depth = 0;
  uint64_t count = 0;
  for (;;) {
    count++;
    switch ((enum op)code[pc++]) {
      case PUSH: *++sp = code[pc++]; break;
      case LOAD: *++sp = variables[code[pc++]]; break;
      case STORE: variables[code[pc++]] = *sp--; break;
      case GET: *sp = array[*sp & 0xffff]; break;
      case SET: array[sp[-1] & 0xffff] = *sp; sp -= 2; break;
      case ADD: sp--; *sp += sp[1]; break;
      case SUB: sp--; *sp -= sp[1]; break;
      case MUL: sp--; *sp *= sp[1]; break;
      case DIV: sp--; *sp /= sp[1]; break;
      case MOD: sp--; *sp %= sp[1]; break;
      case AND: sp--; *sp &= sp[1]; break;
      case OR: sp--; *sp |= sp[1]; break;
      case XOR: sp--; *sp ^= sp[1]; break;
      case SHL: sp--; *sp = (int64_t)((uint64_t)*sp << (sp[1] & 63)); break;
      case SHR: sp--; *sp = (int64_t)((uint64_t)*sp >> (sp[1] & 63)); break;
      case LESS: sp--; *sp = *sp < sp[1]; break;
      case EQUAL: sp--; *sp = *sp == sp[1]; break;
      case NOT: *sp = !*sp; break;
      case DUP: sp++; *sp = sp[-1]; break;
      case DROP: sp--; break;
      case SWAP: { int64_t top = *sp; *sp = sp[-1]; sp[-1] = top; break; }
      case JUMP: pc = code[pc]; break;
      case UNLESS: pc = *sp-- ? pc + 1 : code[pc]; break;
      case CALL: calls[depth++] = pc + 1; pc = code[pc]; break;
      case RETURN: pc = calls[--depth]; break;
      case INC: variables[code[pc++]]++; break;
      case STOP: *executed += count; return *sp;
    }
  }
}

// Variables 0 to 3 are the program's, 9 is the argument of a call; a call leaves its result on the stack.
static int32_t collatz(void) {
  int32_t entry = length;
  emit2(PUSH, 0), emit2(STORE, 8);
  int32_t loop = length;
  emit2(LOAD, 9), emit2(PUSH, 1), emit(EQUAL), emit(NOT);
  int out = jump(UNLESS);
  emit2(LOAD, 9), emit2(PUSH, 1), emit(AND);
  int even = jump(UNLESS);
  emit2(LOAD, 9), emit2(PUSH, 3), emit(MUL), emit2(PUSH, 1), emit(ADD), emit2(STORE, 9);
  int join = jump(JUMP);
  land(even);
  emit2(LOAD, 9), emit2(PUSH, 1), emit(SHR), emit2(STORE, 9);
  land(join);
  emit2(INC, 8), emit2(JUMP, loop);
  land(out);
  emit2(LOAD, 8), emit(RETURN);
  return entry;
}

static int32_t longest(int32_t n, int32_t function) {
  int32_t entry = length;
  emit2(PUSH, 0), emit2(STORE, 1), emit2(PUSH, 1), emit2(STORE, 0);
  int32_t loop = length;
  emit2(LOAD, 0), emit2(PUSH, n), emit(LESS);
  int out = jump(UNLESS);
  emit2(LOAD, 0), emit2(STORE, 9), emit2(CALL, function);
  emit(DUP), emit2(LOAD, 1), emit(SWAP), emit(LESS);
  int no = jump(UNLESS);
  emit(DUP), emit2(STORE, 1);
  land(no);
  emit(DROP), emit2(INC, 0), emit2(JUMP, loop);
  land(out);
  emit2(LOAD, 1), emit(STOP);
  return entry;
}

static int32_t primes(int32_t n) {
  int32_t entry = length;
  emit2(PUSH, 0), emit2(STORE, 0), emit2(PUSH, 0), emit2(STORE, 2);
  int32_t clear = length;
  emit2(LOAD, 0), emit2(PUSH, 0), emit(SET), emit2(INC, 0), emit2(LOAD, 0), emit2(PUSH, n), emit(LESS), emit(NOT);
  int more = jump(UNLESS);
  code[more] = clear;
  emit2(PUSH, 2), emit2(STORE, 0);
  int32_t loop = length;
  emit2(LOAD, 0), emit2(PUSH, n), emit(LESS);
  int out = jump(UNLESS);
  emit2(LOAD, 0), emit(GET), emit(NOT);
  int composite = jump(UNLESS);
  emit2(INC, 2), emit2(LOAD, 0), emit(DUP), emit(ADD), emit2(STORE, 1);
  int32_t inner = length;
  emit2(LOAD, 1), emit2(PUSH, n), emit(LESS);
  int done = jump(UNLESS);
  emit2(LOAD, 1), emit2(PUSH, 1), emit(SET), emit2(LOAD, 1), emit2(LOAD, 0), emit(ADD), emit2(STORE, 1), emit2(JUMP, inner);
  land(done);
  land(composite);
  emit2(INC, 0), emit2(JUMP, loop);
  land(out);
  emit2(LOAD, 2), emit(STOP);
  return entry;
}

static int32_t checksum(int32_t n) {
  int32_t entry = length;
  emit2(PUSH, 0), emit2(STORE, 0), emit2(PUSH, 12345);
  int32_t loop = length;
  emit(DUP), emit2(PUSH, 5), emit(SHL), emit(XOR), emit2(PUSH, 0xffffff), emit(AND), emit(DUP), emit2(PUSH, 7), emit(SHR), emit(XOR);
  emit2(LOAD, 0), emit2(PUSH, 1000), emit(MOD), emit(ADD), emit2(LOAD, 0), emit2(PUSH, 3), emit(DIV), emit(SUB), emit2(PUSH, 1), emit(OR);
  emit2(INC, 0), emit2(LOAD, 0), emit2(PUSH, n), emit(LESS), emit(NOT);
  int more = jump(UNLESS);
  code[more] = loop;
  emit(STOP);
  return entry;
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 10;
  int32_t function = collatz(), a = longest(20000, function), b = primes(60000), c = checksum(200000);
  uint64_t executed = 0, sum = 0;
  for (int i = 0; i < rounds; i++)
    sum = sum * 31 + (uint64_t)run(a, &executed) * 7 + (uint64_t)run(b, &executed) * 5 + (uint64_t)run(c, &executed);
  printf("%lu operations: %016lx\n", executed, sum);
  return 0;
}
