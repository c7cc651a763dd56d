// Shared by the hostile programs: memory at fixed addresses below 4 GiB (so that addresses can be printed), a small
// assembler for code made at run time, and a signal handler that notes everything the frame says about the CPU.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

#define PAGE 4096
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define NOINLINE __attribute__((noinline))
/** CF PF AF ZF SF DF OF */
#define STATUS_FLAGS 0xcd5

/** Private memory at an address; whatever was there is gone. */
static inline u8 *map(u64 address, size_t size, int protection) {
  void *p = mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(99); }
  return p;
}
static inline void protect(void *at, size_t size, int protection) {
  if (mprotect(at, size, protection)) { perror("mprotect"); exit(99); }
}

// Code is written with these at `*at`, which moves on.
static inline void emit(u8 **at, const char *bytes, int n) { memcpy(*at, bytes, (size_t)n); *at += n; }
#define EMIT(at, text) emit(&(at), text, sizeof(text) - 1)
static inline void emit32(u8 **at, u32 value) { memcpy(*at, &value, 4); *at += 4; }
static inline void emit64(u8 **at, u64 value) { memcpy(*at, &value, 8); *at += 8; }

typedef u64 (*code)(u64, u64);

/** What a frame said. */
struct seen {
  int signal, code, count;
  u64 address, rip, rsp, flags, err, trapno, cr2;
  u64 gpr[16];
};
static struct seen seen;

// In the order of the encoding.
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static inline void note(int n, siginfo_t *info, void *context) {
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  seen.signal = n;
  seen.code = info->si_code;
  seen.address = (u64)info->si_addr;
  seen.rip = (u64)g[REG_RIP];
  seen.rsp = (u64)g[REG_RSP];
  seen.flags = (u64)g[REG_EFL];
  seen.err = (u64)g[REG_ERR];
  seen.trapno = (u64)g[REG_TRAPNO];
  seen.cr2 = (u64)g[REG_CR2];
  for (int i = 0; i < 16; i++) seen.gpr[i] = (u64)g[order[i]];
  seen.count++;
}

static sigjmp_buf out;
/** Notes the frame and leaves to `out`. */
static inline void leave(int n, siginfo_t *info, void *context) {
  note(n, info, context);
  siglongjmp(out, 1);
}

typedef void (*handler)(int, siginfo_t *, void *);
static inline void on(int signal, handler function, int flags) {
  struct sigaction action = {0};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO | flags;
  if (sigaction(signal, &action, 0)) { perror("sigaction"); exit(99); }
}

/** Prints the last frame; rip from `base` on, as the programs themselves may be anywhere. */
static inline void show(const char *what, u64 base) {
  printf("%s: signal %d code %d si_addr %llx rip +%lld flags %llx err %llx trap %lld\n", what, seen.signal, seen.code,
         (unsigned long long)seen.address, (long long)(seen.rip - base), (unsigned long long)seen.flags,
         (unsigned long long)seen.err, (long long)seen.trapno);
}
static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
/** Prints the registers in the mask, bit 0 being rax. */
static inline void show_registers(unsigned mask) {
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) printf(" %s=%llx", names[i], (unsigned long long)seen.gpr[i]);
  printf("\n");
}
