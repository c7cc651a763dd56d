/*
 * Executes single x87 instructions on the real processor, from given states, and reports the states after them.
 * stdin: cases of 64 bytes; stdout: results of 128 bytes (see x87-cases.ts for both layouts).
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#pragma pack(push, 1)
struct input {
  uint8_t op, modrm;
  uint16_t cw, sw;
  uint8_t empty, prefix;
  uint32_t eflags;
  uint8_t st[2][10];
  uint8_t mem[32];
};
struct output {
  uint16_t sw, cw, tw, ax;
  uint32_t eflags, trapped;
  uint8_t st[8][10];
  uint8_t mem[32];
};
struct state {
  uint16_t cw, p0, sw, p1, tw, p2;
  uint32_t fip, fcs, fdp, fds;
  uint8_t st[8][10];
};
#pragma pack(pop)

static sigjmp_buf back;
static void on_fpe(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

int main(void) {
  static struct input in;
  static struct output out;
  static struct state before, after;
  static uint8_t memory[128] __attribute__((aligned(64)));
  uint8_t *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGFPE, on_fpe);
  while (fread(&in, sizeof in, 1, stdin) == 1) {
    uint8_t *at = code;
    if (in.prefix) *at++ = in.prefix;
    *at++ = in.op;
    if (in.op != 0x9b) *at++ = in.modrm;
    *at = 0xc3;
    memset(&before, 0, sizeof before);
    before.cw = in.cw;
    before.sw = in.sw;
    for (int i = 0; i < 8; i++) {
      if (in.empty >> i & 1) before.tw |= 3 << 2 * i;
      if (i < 2)
        memcpy(before.st[i], in.st[i], 10);
      else
        memcpy(before.st[i], (uint8_t[]){i, 0, 0, 0, 0, 0, 0, 0x80, i, 0x40}, 10);
    }
    memcpy(memory, in.mem, 32);
    memset(&out, 0, sizeof out);
    if (sigsetjmp(back, 1)) {
      memset(&out, 0, sizeof out);
      out.trapped = 1;
      __asm__ volatile("fninit");
    } else {
      uint64_t rax = (uint64_t)memory, flags = in.eflags | 2;
      __asm__ volatile(
          "frstor %[before]\n\t"
          "pushq %[flags]\n\tpopfq\n\t"
          "call *%[code]\n\t"
          "pushfq\n\tpopq %[flags]\n\t"
          "fnsave %[after]\n\t"
          : [flags] "+r"(flags), "+a"(rax), [after] "=m"(after)
          : [before] "m"(before), [code] "r"(code)
          : "memory", "cc");
      out.sw = after.sw;
      out.cw = after.cw;
      out.tw = after.tw;
      out.ax = in.op == 0xdf && in.modrm == 0xe0 ? rax : 0;
      out.eflags = flags & 0x8d5;
      memcpy(out.st, after.st, 80);
      memcpy(out.mem, memory, 32);
    }
    fwrite(&out, sizeof out, 1, stdout);
  }
  return 0;
}
