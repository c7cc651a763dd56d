// Processor exceptions as signals: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP with si_code, si_addr and the instruction
// pointer in the frame; and what becomes of them when they are blocked, ignored or by default.
#include "t.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
static sigjmp_buf env;
static siginfo_t info;
static unsigned long rip;
static long trapno, err, cr2, rcx;
static void handler(int n, siginfo_t *i, void *c) {
  info = *i;
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  rip = (unsigned long)g[REG_RIP];
  trapno = (long)g[REG_TRAPNO];
  err = (long)g[REG_ERR];
  cr2 = (long)g[REG_CR2];
  rcx = (long)g[REG_RCX];
  siglongjmp(env, 1);
  (void)n;
}
struct regs { unsigned long a, b, c, d, S, D; };
static volatile unsigned long place;
// Runs one instruction at label 1 with the registers given; says which signal came and where rip points from there.
#define FAULT(what, text, ...) do { \
    struct regs r_ = {__VA_ARGS__}; \
    if (sigsetjmp(env, 1) == 0) { \
      __asm__ volatile("lea 1f(%%rip), %%r11\n mov %%r11, %[place]\n 1: " text \
                       : [place] "=m"(place), "+a"(r_.a), "+b"(r_.b), "+c"(r_.c), "+d"(r_.d), "+S"(r_.S), "+D"(r_.D) \
                       :: "r8", "r11", "xmm0", "cc", "memory"); \
      show(what, "no signal"); \
    } else report(what); \
  } while (0)
static void report(const char *what) {
  long from = (long)(rip - place);
  if (from > -100 && from < 100)
    show(what, "%s code %d trap %ld err %lx, rip %+ld", signame(info.si_signo), info.si_code, trapno, err, from);
  else
    show(what, "%s code %d trap %ld err %lx, rip elsewhere", signame(info.si_signo), info.si_code, trapno, err);
  unsigned long address = (unsigned long)info.si_addr;
  if (address == rip && address) show("  si_addr", "rip");
  else if (address > 0x10000 && address < 1UL << 47) show("  si_addr", "...%03lx", address & 4095);
  else show("  si_addr", "%lx", address);
}
static const char constant[16] __attribute__((aligned(16))) = "constant";

static void child(const char *what, int how) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    if (how == 1) sigprocmask(SIG_BLOCK, &set, 0);
    if (how == 2) signal(SIGSEGV, SIG_IGN);
    if (how <= 2) *(volatile int *)8 = 1;
    if (how == 3) __asm__ volatile("xor %%ecx, %%ecx\n xor %%edx, %%edx\n mov $1, %%eax\n div %%ecx" ::: "rax", "rcx", "rdx");
    if (how == 4) __asm__ volatile("ud2");
    if (how == 5) __asm__ volatile("int3");
    if (how == 6) ((void (*)(void))0)();
    if (how == 7) __asm__ volatile("xor %%esp, %%esp\n push %%rax" ::: "memory");
    if (how == 8) { // the handler itself faults
      struct sigaction a = {0};
      a.sa_sigaction = handler;
      a.sa_flags = SA_SIGINFO | SA_ONSTACK;
      stack_t s = {.ss_sp = (void *)0x10000000, .ss_size = 65536};
      sigaltstack(&s, 0);
      sigaction(SIGSEGV, &a, 0);
      *(volatile int *)8 = 1;
    }
    if (how == 9) raise(SIGSEGV);
    _exit(7);
  }
  int s;
  waitpid(pid, &s, 0);
  status(what, s);
}

int main(void) {
  scratch();
  struct sigaction a = {0};
  a.sa_sigaction = handler;
  a.sa_flags = SA_SIGINFO | SA_ONSTACK;
  static char alt[16384];
  stack_t stack = {.ss_sp = alt, .ss_size = sizeof alt};
  sigaltstack(&stack, 0);
  static const int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (unsigned i = 0; i < 5; i++) sigaction(all[i], &a, 0);

  FAULT("read of nothing", "mov (%%rax), %%rbx", .a = 0x1008);
  FAULT("write to nothing", "mov %%rbx, (%%rax)", .a = 0x1010);
  FAULT("read-modify-write", "addl $1, (%%rax)", .a = 0x1018);
  FAULT("write to a constant", "movb $1, (%%rax)", .a = (unsigned long)(constant + 3));
  FAULT("non-canonical read", "mov (%%rax), %%rbx", .a = 0x8000000000000000);
  FAULT("kernel half", "mov (%%rax), %%rbx", .a = 0xffffffff80000000);
  FAULT("call of nothing", "mov $0x3000, %%eax\n call *%%rax", .a = 0);
  yes("rip is the target", rip == 0x3000);
  FAULT("unaligned movaps", "movaps (%%rax), %%xmm0", .a = (unsigned long)(&constant[1]));
  FAULT("division by zero", "div %%ecx", .a = 1, .c = 0, .d = 0);
  FAULT("quotient too large", "div %%ecx", .a = 1, .c = 1, .d = 5);
  FAULT("signed overflow", "idiv %%ecx", .a = 0x80000000, .c = (unsigned long)-1, .d = (unsigned long)-1);
  FAULT("64-bit division", "idiv %%rcx", .a = 0, .c = 0, .d = 0);
  FAULT("8-bit division", "div %%cl", .a = 0x1000, .c = 1);
  FAULT("ud2", "ud2", .a = 0);
  FAULT("int3", "int3", .a = 0);
  FAULT("hlt", "hlt", .a = 0);
  FAULT("cli", "cli", .a = 0);
  FAULT("in", "inb $0x60, %%al", .a = 0);
  FAULT("int 13", "int $13", .a = 0);
  FAULT("mov to cr0", "mov %%rax, %%cr0", .a = 0);
  FAULT("rdmsr", "rdmsr", .c = 0x10);
  FAULT("push with a bad stack", "mov %%rsp, %%r8\n mov $0x5000, %%esp\n push %%rax\n mov %%r8, %%rsp", .a = 0);
  FAULT("lock on a register form", ".byte 0xf0, 0x01, 0xc0", .a = 0);
  FAULT("invalid in 64-bit mode", ".byte 0x06", .a = 0);
  FAULT("string store to nothing", "rep stosb", .a = 0, .c = 5, .D = 0x2000);
  FAULT("xmm load from nothing", "movups (%%rax), %%xmm0", .a = 0x2004);

  // a string instruction that faults half way has its progress in the registers
  char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(m + 4096, 4096);
  FAULT("rep movsb into a hole", "rep movsb", .c = 100, .S = (unsigned long)(m), .D = (unsigned long)(m + 4096 - 10));
  show("  left in rcx", "%ld", rcx);
  FAULT("8 bytes across the edge", "mov (%%rax), %%rbx", .a = (unsigned long)(m + 4092));
  FAULT("write across the edge", "mov %%rbx, (%%rax)", .a = (unsigned long)(m + 4095));
  mprotect(m, 4096, PROT_READ);
  FAULT("write to a read-only page", "movb $1, (%%rax)", .a = (unsigned long)(m + 17));
  FAULT("xchg on a read-only page", "xchg %%rbx, (%%rax)", .a = (unsigned long)(m + 24));
  FAULT("failed cmpxchg on a read-only page", "lock cmpxchg %%rcx, (%%rbx)", .a = 123, .b = (unsigned long)(m + 32));
  FAULT("execute data", "jmp *%%rax", .a = (unsigned long)(m));
  yes("cr2 is the address", cr2 == (long)m);
  int fd = open("short", O_RDWR | O_CREAT, 0644);
  char *f = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  FAULT("page behind the end of a file", "mov (%%rax), %%rbx", .a = (unsigned long)(f + 5));
  FAULT("write behind the end of a file", "movb $1, (%%rax)", .a = (unsigned long)(f + 6));

  child("default SIGSEGV", 0);
  child("blocked SIGSEGV", 1);
  child("ignored SIGSEGV", 2);
  child("division", 3);
  child("illegal instruction", 4);
  child("breakpoint", 5);
  child("jump to 0", 6);
  child("stack pointer 0", 7);
  child("handler's stack is bad", 8);
  child("raise(SIGSEGV)", 9);
  scratch_remove();
  return 0;
}
