// The signal frame: sigaltstack(2), ucontext as handlers see it, registers changed by the handler and taken over by
// rt_sigreturn, floating-point state kept, handlers that leave by longjmp.
#include "t.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
static char alt[65536] __attribute__((aligned(16)));
static volatile int on_alt, flags_seen, hits;
static stack_t seen;
static void where(int n, siginfo_t *i, void *c) {
  char here;
  on_alt = &here >= alt && &here < alt + sizeof alt;
  sigaltstack(0, &seen);
  ucontext_t *u = c;
  flags_seen = u->uc_stack.ss_flags;
  hits++;
  (void)n; (void)i;
}
static void act(int n, void (*f)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {0};
  a.sa_sigaction = f;
  a.sa_flags = SA_SIGINFO | flags;
  sigaction(n, &a, 0);
}
static void change(int n, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  u->uc_mcontext.gregs[REG_RAX] = 0x1234567890abcdef;
  u->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
  u->uc_mcontext.gregs[REG_R15] = 99;
  u->uc_mcontext.gregs[REG_EFL] |= 1; // carry
  u->uc_mcontext.gregs[REG_RIP] += 2; // over ud2
  hits++;
  (void)n; (void)i;
}
static void skip_mask(int n, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  sigaddset(&u->uc_sigmask, SIGUSR2);
  (void)n; (void)i;
}
static void clobber(int n, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  __asm__ volatile("xorps %%xmm0, %%xmm0\n xorps %%xmm1, %%xmm1\n xorps %%xmm15, %%xmm15\n fninit\n fld1\n fld1\n" ::: "xmm0", "xmm1", "xmm15");
  unsigned mx = 0x7f80;
  __asm__ volatile("ldmxcsr %0" ::"m"(mx));
  hits = u->uc_mcontext.fpregs != 0;
  (void)n; (void)i;
}
static void poke_xmm(int n, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  unsigned *x = (unsigned *)&u->uc_mcontext.fpregs->_xmm[3];
  x[0] = 0x11; x[1] = 0x22; x[2] = 0x33; x[3] = 0x44;
  (void)n; (void)i;
}
static sigjmp_buf env;
static void jump(int n, siginfo_t *i, void *c) { siglongjmp(env, 7); (void)n; (void)i; (void)c; }
static void regs(int n, siginfo_t *i, void *c) {
  greg_t *g = ((ucontext_t *)c)->uc_mcontext.gregs;
  show("r8 r9 r10 r12", "%llx %llx %llx %llx", g[REG_R8], g[REG_R9], g[REG_R10], g[REG_R12]);
  show("trapno", "%lld", g[REG_TRAPNO]);
  show("cs", "%llx", g[REG_CSGSFS] & 0xffff);
  show("eflags carry, zero, direction", "%lld %lld %lld", g[REG_EFL] & 1, g[REG_EFL] >> 6 & 1, g[REG_EFL] >> 10 & 1);
  unsigned long flags;
  __asm__("pushf; pop %0" : "=r"(flags));
  show("direction flag in the handler", "%lu", flags >> 10 & 1);
  g[REG_RIP] += 2;
  (void)n; (void)i;
}
static void *deep_stack;
static void overflow(int n, siginfo_t *i, void *c) {
  deep_stack = i->si_addr;
  siglongjmp(env, 1);
  (void)n; (void)c;
}
static int recurse(int n) {
  volatile char page[4096];
  page[0] = (char)n;
  return n ? recurse(n + 1) + page[0] : 0;
}

// A frame whose floating-point state cannot be loaded: all else is restored, and then there is a SIGSEGV.
static volatile int wrecked;
static void wrecks(int n, siginfo_t *i, void *c) {
  (void)n, (void)i;
  ((uint64_t *)((char *)((ucontext_t *)c)->uc_mcontext.fpregs + 512))[2] = 0xfffffff;
}
static void told(int n, siginfo_t *i, void *c) {
  sigset_t now;
  (void)c;
  sigprocmask(SIG_SETMASK, 0, &now);
  show("told of it", "%s code %d address %d, times %d, the other blocked %d", signame(n), i->si_code, i->si_addr != 0, ++wrecked,
       sigismember(&now, SIGUSR1));
}
static void wreck(void) {
  struct sigaction a = {.sa_flags = SA_SIGINFO, .sa_sigaction = wrecks};
  sigaction(SIGUSR1, &a, 0);
  a.sa_sigaction = told;
  sigaction(SIGSEGV, &a, 0);
  unsigned control = 0x1f80;
  __asm__ volatile("ldmxcsr %0" : : "m"((unsigned){0x3f80}));
  raise(SIGUSR1);
  __asm__ volatile("stmxcsr %0" : "=m"(control));
  show("afterwards", "mxcsr %x", control);
  __asm__ volatile("ldmxcsr %0" : : "m"((unsigned){0x1f80}));
}

int main(void) {
  stack_t s = {0}, old;
  ret("no stack yet", sigaltstack(0, &old));
  show("its flags", "%d", old.ss_flags);
  s.ss_sp = alt;
  s.ss_size = 1000;
  ret("too small", sigaltstack(&s, 0));
  s.ss_size = sizeof alt;
  s.ss_flags = 0x77;
  ret("bad flags", sigaltstack(&s, 0));
  s.ss_flags = 0;
  ret("set", sigaltstack(&s, 0));
  sigaltstack(0, &old);
  show("read back", "%d %d %zu", old.ss_sp == alt, old.ss_flags, old.ss_size);
  act(SIGUSR1, where, 0);
  raise(SIGUSR1);
  show("without SA_ONSTACK", "on alt %d", on_alt);
  act(SIGUSR1, where, SA_ONSTACK);
  raise(SIGUSR1);
  show("with SA_ONSTACK", "on alt %d, flags there %d, in the frame %d", on_alt, seen.ss_flags, flags_seen);
  sigaltstack(0, &old);
  show("flags after", "%d", old.ss_flags);
  s.ss_flags = SS_DISABLE;
  ret("disable", sigaltstack(&s, 0));
  raise(SIGUSR1);
  show("disabled", "on alt %d", on_alt);
  s.ss_flags = 0;
  sigaltstack(&s, 0);

  act(SIGILL, change, 0);
  unsigned long a = 1, b = 2, r15 = 3;
  unsigned char carry;
  hits = 0;
  __asm__ volatile("mov $3, %%r15\n clc\n ud2\n setc %2\n mov %%r15, %3" : "+a"(a), "+b"(b), "=q"(carry), "=r"(r15)::"r15", "cc", "memory");
  show("changed by the handler", "rax %lx, rbx %lx, r15 %lu, carry %d, hits %d", a, b, r15, carry, hits);
  act(SIGILL, regs, 0);
  __asm__ volatile("mov $0x88, %%r8\n mov $0x99, %%r9\n mov $0x1010, %%r10\n mov $0x1212, %%r12\n std\n stc\n ud2\n cld" ::: "r8", "r9", "r10", "r12", "cc", "memory");

  sigset_t now;
  act(SIGUSR1, skip_mask, 0);
  raise(SIGUSR1);
  sigprocmask(SIG_BLOCK, 0, &now);
  show("mask from the frame", "USR1 %d, USR2 %d", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
  sigemptyset(&now);
  sigprocmask(SIG_SETMASK, &now, 0);

  act(SIGUSR1, clobber, 0);
  float in[4] = {1.5f, 2.5f, -3.5f, 4.25f}, out[4] = {0}, out15[4] = {0};
  long double top = 0;
  unsigned short cw = 0x0f7f, cw2 = 0;
  unsigned mxcsr = 0x3f80, mxcsr2 = 0;
  long pid = getpid();
  __asm__ volatile(
    "movups %5, %%xmm1\n movups %5, %%xmm15\n fldcw %6\n ldmxcsr %7\n fldpi\n"
    "mov %8, %%rdi\n mov $10, %%esi\n mov $62, %%eax\n syscall\n"
    "movups %%xmm1, %0\n movups %%xmm15, %1\n fstpt %2\n fnstcw %3\n stmxcsr %4\n fninit"
    : "=m"(out), "=m"(out15), "=m"(top), "=m"(cw2), "=m"(mxcsr2)
    : "m"(in), "m"(cw), "m"(mxcsr), "r"(pid)
    : "rax", "rcx", "rdi", "rsi", "r11", "xmm1", "xmm15", "memory");
  unsigned clean = 0x1f80;
  __asm__ volatile("ldmxcsr %0" ::"m"(clean));
  show("xmm1 kept", "%g %g %g %g", out[0], out[1], out[2], out[3]);
  show("xmm15 kept", "%g %g %g %g", out15[0], out15[1], out15[2], out15[3]);
  show("x87 kept", "%.18Lg cw %x", top, cw2);
  show("mxcsr kept", "%x", mxcsr2);
  show("fpregs in the frame", "%d", hits);
  act(SIGUSR1, poke_xmm, 0);
  unsigned x3[4] = {0};
  __asm__ volatile("xorps %%xmm3, %%xmm3\n mov %1, %%rdi\n mov $10, %%esi\n mov $62, %%eax\n syscall\n movups %%xmm3, %0"
                   : "=m"(x3) : "r"(pid) : "rax", "rcx", "rdi", "rsi", "r11", "xmm3", "memory");
  show("xmm3 from the frame", "%x %x %x %x", x3[0], x3[1], x3[2], x3[3]);

  act(SIGUSR1, jump, 0);
  int r = sigsetjmp(env, 1);
  if (r == 0) raise(SIGUSR1);
  show("siglongjmp", "%d", r);
  sigprocmask(SIG_BLOCK, 0, &now);
  show("mask restored", "%d", sigismember(&now, SIGUSR1));
  act(SIGSEGV, overflow, SA_ONSTACK);
  r = sigsetjmp(env, 1);
  if (r == 0) recurse(1);
  show("stack overflow caught on the other stack", "%d", r);
  char local;
  yes("si_addr is below this frame", (char *)deep_stack < &local && (char *)deep_stack > &local - 9 * 1024 * 1024);
  sigaltstack(0, &old);
  show("alternate stack free again", "%d", old.ss_flags);

  pid_t child = fork();
  if (child == 0) {
    sigaltstack(0, &old);
    show("inherited by fork", "%d", old.ss_sp == alt);
    s.ss_flags = SS_DISABLE;
    sigaltstack(&s, 0);
    signal(SIGSEGV, SIG_DFL);
    recurse(1);
    _exit(0);
  }
  int st;
  waitpid(child, &st, 0);
  status("stack overflow", st);
  wreck();
  return 0;
}
