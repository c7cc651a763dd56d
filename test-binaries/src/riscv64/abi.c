// What is riscv64's own: the signal frame and what handlers change in it, floating-point state across signals, the return
// to the vdso, what faults and traps tell, calls made again, clone(2)'s order of arguments, thread pointer, code that is
// written, riscv_flush_icache(2), the structures that differ from x86_64's. Not checked: instructions' results.
#include "t.h"
#include <elf.h>
#include <sched.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/ucontext.h>
#include <sys/utsname.h>

enum { RA = 1, SP = 2, TP = 4, T1 = 6, S1 = 9, A0 = 10, A7 = 17, S11 = 27, T6 = 31 }; // in __gregs, the pc being the 0th
static volatile int hits;
static siginfo_t info;
static unsigned long fault_pc, fault_ra;
static unsigned code[2];

static void act(int n, void (*f)(int, siginfo_t *, void *), int flags) {
  struct sigaction a = {0};
  a.sa_sigaction = f;
  a.sa_flags = SA_SIGINFO | flags;
  sigaction(n, &a, 0);
}

// --- the frame -----------------------------------------------------------------------------------------------------------
static ucontext_t seen;
static void *frame, *second, *third;
static void look(int n, siginfo_t *i, void *c) {
  unsigned long ra;
  __asm__ volatile("mv %0, ra" : "=r"(ra));
  seen = *(ucontext_t *)c;
  second = i;
  third = c;
  hits++;
  (void)n;
}

// Executes an illegal instruction with known registers; the handler steps over it.
static void change(int n, siginfo_t *i, void *c) {
  ucontext_t *u = c;
  seen = *u;
  second = i;
  third = c;
  info = *i;
  frame = __builtin_frame_address(0);
  u->uc_mcontext.__gregs[S1] = 0x1122334455667788;
  u->uc_mcontext.__gregs[T6] = 99;
  u->uc_mcontext.__fpregs.__d.__f[8] = 0x4045000000000000; // 42
  u->uc_mcontext.__fpregs.__d.__fcsr = 0x40 | 5;           // round up; overflow, inexact
  u->uc_mcontext.__gregs[0] += 4;
  hits++;
  (void)n;
}

static void frames(void) {
  act(SIGILL, change, 0);
  unsigned long s1, t6, s11, sp, fs0, fs1, fcsr;
  __asm__ volatile(
      "fscsr zero\n li s1, 5\n li s11, -7\n li t6, 6\n li t1, 0x123\n fmv.d.x fs0, t1\n fmv.d.x fs1, t1\n mv %3, sp\n"
      ".word 0xffffffff\n"
      "mv %0, s1\n mv %1, t6\n mv %2, s11\n fmv.x.d %4, fs0\n fmv.x.d %5, fs1\n frcsr %6\n"
      : "=&r"(s1), "=&r"(t6), "=&r"(s11), "=&r"(sp), "=&r"(fs0), "=&r"(fs1), "=&r"(fcsr)
      :
      : "s1", "s11", "t6", "t1", "fs0", "fs1", "memory");
  show("handled", "%d", hits);
  unsigned long *g = seen.uc_mcontext.__gregs;
  show("s1 s11 t6 t1 in the frame", "%ld %ld %ld %lx", g[S1], (long)g[S11], g[T6], g[T1]);
  yes("sp in the frame", g[SP] == sp);
  show("fs0 in the frame", "%llx", seen.uc_mcontext.__fpregs.__d.__f[8]);
  show("s1 t6 s11 afterwards", "%lx %lu %ld", s1, t6, (long)s11);
  show("fs0 fs1 afterwards", "%lx %lx", fs0, fs1);
  show("fcsr afterwards", "%lx", fcsr);
  __asm__ volatile("fscsr zero");
  show("signal, code, errno", "%d %d %d", info.si_signo, info.si_code, info.si_errno);
  yes("si_addr is the pc", (unsigned long)info.si_addr == seen.uc_mcontext.__gregs[0]);
  yes("siginfo lies right below the context", (char *)third - (char *)second == 128);
  yes("the frame is aligned", (unsigned long)second % 16 == 0);
  yes("the frame is right below the stack pointer", sp - (unsigned long)second >= 1088 && sp - (unsigned long)second < 1104);
  show("uc_flags, uc_link", "%lx %d", seen.uc_flags, seen.uc_link != 0);
  show("offsets", "%zu %zu %zu %zu", offsetof(ucontext_t, uc_stack), offsetof(ucontext_t, uc_sigmask), offsetof(ucontext_t, uc_mcontext), sizeof(ucontext_t));

  // The rest of the union says that there is no state of further extensions.
  unsigned *words = (unsigned *)&seen.uc_mcontext.__fpregs;
  show("extension header", "%x %x %x", words[129], words[130], words[131]);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, 0);
  act(SIGUSR1, look, 0);
  raise(SIGUSR1);
  show("mask in the frame", "%d %d", sigismember(&seen.uc_sigmask, SIGUSR2), sigismember(&seen.uc_sigmask, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, 0);
}

void naked_handler(int);
__asm__(".text\n.globl naked_handler\nnaked_handler:\n la t0, fault_ra\n sd ra, 0(t0)\n ret\n");
static void returns(void) {
  signal(SIGUSR1, naked_handler);
  raise(SIGUSR1);
  memcpy(code, (void *)fault_ra, 8);
  show("what a handler returns to", "%08x %08x", code[0], code[1]); // li a7, 139; ecall
  yes("it is in the vdso", fault_ra - getauxval(AT_SYSINFO_EHDR) < 8192);
}

// --- alternate stack -------------------------------------------------------------------------------------------------------
static char alt[32768] __attribute__((aligned(16)));
static volatile int on_alt;
static void where(int n, siginfo_t *i, void *c) {
  char here;
  on_alt = &here >= alt && &here < alt + sizeof alt;
  seen = *(ucontext_t *)c;
  (void)n; (void)i;
}
static void alternate(void) {
  stack_t s = {.ss_sp = alt, .ss_size = 2047};
  ret("a stack of 2047 bytes", sigaltstack(&s, 0));
  s.ss_size = 2048;
  ret("of 2048 bytes", sigaltstack(&s, 0));
  s.ss_size = sizeof alt;
  ret("of 32768 bytes", sigaltstack(&s, 0));
  act(SIGUSR1, where, SA_ONSTACK);
  raise(SIGUSR1);
  show("handler on it", "%d", on_alt);
  yes("uc_stack says which", seen.uc_stack.ss_sp == alt && seen.uc_stack.ss_size == sizeof alt);
  show("uc_stack's flags", "%d", seen.uc_stack.ss_flags);
  act(SIGUSR1, where, 0);
  raise(SIGUSR1);
  show("handler without SA_ONSTACK", "%d", on_alt);
  s.ss_flags = SS_DISABLE;
  sigaltstack(&s, 0);
  yes("AT_MINSIGSTKSZ is that of the frame", getauxval(51) == 0 || getauxval(51) >= 1088);
}

// --- faults ------------------------------------------------------------------------------------------------------------------
static sigjmp_buf *env;
static void note(int n, siginfo_t *i, void *c) {
  info = *i;
  fault_pc = ((ucontext_t *)c)->uc_mcontext.__gregs[0];
  siglongjmp(*env, n);
}
#define TRAP(what, instructions, base) do { \
    sigjmp_buf here; \
    env = &here; \
    unsigned long at = 0; \
    int n = sigsetjmp(here, 1); \
    if (n == 0) { \
      __asm__ volatile("mv t2, %1\n li t3, 1\n la t1, 1f\n sd t1, %0\n1: " instructions : "=m"(fault_ra) : "r"(base) : "t1", "t2", "t3", "memory"); \
      show(what, "nothing"); \
    } else { \
      at = fault_ra; \
      show(what, "signal %d code %d, pc %s, address %s", n, info.si_code, \
           fault_pc == at ? "at it" : fault_pc == (unsigned long)(base) ? "base" : "elsewhere", \
           (unsigned long)info.si_addr == fault_pc ? "pc" : (unsigned long)info.si_addr == (unsigned long)(base) ? "base" : "other"); \
    } \
  } while (0)

static void faults(void) {
  for (int n = 1; n < 16; n++)
    if (n == SIGILL || n == SIGTRAP || n == SIGBUS || n == SIGSEGV || n == SIGFPE) act(n, note, 0);
  char *page = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page + 4096, 4096, PROT_READ);
  munmap(page + 8192, 4096);
  TRAP("illegal of 32 bits", ".word 0xffffffff", page);
  TRAP("illegal of 16 bits", ".half 0", page);
  TRAP("reserved of 16 bits", ".half 0x4002", page); // c.lwsp to x0
  TRAP("ebreak", ".option push\n.option norvc\nebreak\n.option pop", page);
  TRAP("c.ebreak", "c.ebreak", page);
  TRAP("load from nowhere", "ld t3, 0(t2)", page + 8192);
  TRAP("store to nowhere", "sd t3, 0(t2)", page + 8192);
  TRAP("store to what is read-only", "sb t3, 0(t2)", page + 4096 + 5);
  TRAP("jump to data", "jr t2", page);
  TRAP("load from null", "lw t3, 0(t2)", (char *)0);
  TRAP("load above the user's half", "lw t3, 0(t2)", (char *)0xffffffc000000000);
  TRAP("load from where no address is", "lw t3, 0(t2)", (char *)0x8000000000000000);
  TRAP("load across into nowhere", "ld t3, 0(t2)\n", page + 8192 - 4);
  TRAP("atomic add to what is read-only", "amoadd.w t3, t3, (t2)", page + 4096);
  TRAP("load reserved from nowhere", "lr.d t3, (t2)", page + 8192);
  TRAP("csrr of the machine's", "csrr t3, mstatus", page);
  TRAP("write of a counter", "csrw cycle, t3", page);
  TRAP("wfi", "wfi", page);
  TRAP("sret", "sret", page);
  TRAP("fence.i", "fence.i", page);
  *(unsigned long *)(page + 3) = 0x1122334455667788;
  unsigned long got;
  __asm__("ld %0, 3(%1)" : "=r"(got) : "r"(page), "m"(*page));
  show("load that is not aligned", "%lx", got);
  __asm__ volatile("div %0, %1, zero" : "=r"(got) : "r"(5L));
  show("division by zero", "%ld", got);
}

// --- calls ---------------------------------------------------------------------------------------------------------------------
static void nothing(int n) { hits += n != 0; }
static void restarts(void) {
  struct sigaction a = {0};
  a.sa_handler = nothing;
  a.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &a, 0);
  int p[2];
  pipe(p);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3; i++) {
      usleep(20000);
      kill(getppid(), SIGALRM);
    }
    usleep(20000);
    write(p[1], "x", 1);
    _exit(0);
  }
  hits = 0;
  char c = 0;
  // The first argument and the result share a register: made again, the call has its argument back.
  ret("read, interrupted three times", syscall(SYS_read, p[0], &c, 1));
  show("handled, read", "%d %c", hits, c);
  waitpid(child, 0, 0);
  a.sa_flags = 0;
  sigaction(SIGALRM, &a, 0);
  child = fork();
  if (child == 0) {
    usleep(20000);
    kill(getppid(), SIGALRM);
    _exit(0);
  }
  ret("read without SA_RESTART", syscall(SYS_read, p[0], &c, 1));
  waitpid(child, 0, 0);
}

static void numbers(void) {
  register long a0 __asm__("a0") = 1, a1 __asm__("a1") = 2, a7 __asm__("a7") = 0x100000000 + SYS_getpid;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  yes("a number of more than 32 bits is none", a0 == -ENOSYS);
  a0 = 1;
  a7 = -1;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  show("number -1", "%ld", a0);
  a7 = 1000;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  show("number 1000", "%ld", a0);
  long t[7];
  __asm__ volatile(
      "li t0, 10\n li t1, 11\n li t2, 12\n li t3, 13\n li t4, 14\n li t5, 15\n li t6, 16\n li a7, 173\n ecall\n"
      "sd t0, 0(%0)\n sd t1, 8(%0)\n sd t2, 16(%0)\n sd t3, 24(%0)\n sd t4, 32(%0)\n sd t5, 40(%0)\n sd t6, 48(%0)\n"
      :
      : "r"(t)
      : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a7", "memory");
  show("temporaries across a call", "%ld %ld %ld %ld %ld %ld %ld", t[0], t[1], t[2], t[3], t[4], t[5], t[6]);
}

static int words[2];
static long tls_area[4] = {0, 0, 77, 88};
static void threads(void) {
  static char stack[16384] __attribute__((aligned(16)));
  // flags, stack, parent_tid, tls, child_tid
  register long a0 __asm__("a0") = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | SIGCHLD;
  register char *a1 __asm__("a1") = stack + sizeof stack;
  register int *a2 __asm__("a2") = &words[0];
  register long *a3 __asm__("a3") = tls_area;
  register int *a4 __asm__("a4") = &words[1];
  register long a7 __asm__("a7") = SYS_clone;
  __asm__ volatile(
      "ecall\n bnez a0, 1f\n ld t0, 16(tp)\n addi t0, t0, 1\n sd t0, 24(tp)\n li a0, 5\n li a7, 93\n ecall\n1:\n"
      : "+r"(a0)
      : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7)
      : "t0", "memory");
  long child = a0;
  int status = 0;
  waitpid(child, &status, __WALL);
  show("thread pointer of the clone", "%ld", tls_area[3]);
  yes("parent's word is its id", words[0] == child);
  show("child's word afterwards", "%d", words[1]);
  show("its exit", "%d", WEXITSTATUS(status));
}

// --- code ------------------------------------------------------------------------------------------------------------------------
static void written(void) {
  unsigned *c = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int (*f)(void) = (int (*)(void))c;
  long sum = 0;
  for (unsigned i = 0; i < 5; i++) {
    c[0] = 0x00000513 | i << 20; // li a0, i
    c[1] = 0x00008067;           // ret
    __asm__ volatile("fence.i" ::: "memory");
    sum = sum * 10 + f();
  }
  show("written and run, with fence.i", "%ld", sum);
  for (unsigned i = 5; i < 9; i++) {
    c[0] = 0x00000513 | i << 20;
    syscall(SYS_riscv_flush_icache, c, c + 2, 0);
    sum = sum * 10 + f();
  }
  show("with riscv_flush_icache", "%ld", sum);
  ret("riscv_flush_icache, of this thread", syscall(SYS_riscv_flush_icache, c, c + 2, 1));
  ret("with an unknown flag", syscall(SYS_riscv_flush_icache, c, c + 2, 2));
}

// --- structures --------------------------------------------------------------------------------------------------------------------
static void structures(void) {
  struct utsname u;
  uname(&u);
  show("machine", "%s", u.machine);
  unsigned long hwcap = getauxval(AT_HWCAP);
  show("AT_HWCAP has I M A F D C", "%d", (hwcap & 0x112d) == 0x112d);
  show("AT_PLATFORM", "%lx", getauxval(AT_PLATFORM));
  struct stat st;
  int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
  unsigned char raw[256];
  memset(raw, 0xaa, sizeof raw);
  syscall(SYS_fstat, fd, raw);
  fstat(fd, &st);
  show("struct stat", "%zu bytes, mode at %zu, links at %zu, size at %zu", sizeof st, offsetof(struct stat, st_mode), offsetof(struct stat, st_nlink), offsetof(struct stat, st_size));
  show("behind it", "%x %x", raw[127], raw[128]);
  yes("mode as stored", *(unsigned *)(raw + 16) == st.st_mode);
  struct epoll_event e[2] = {{.events = EPOLLIN, .data.u64 = 0x1122334455667788}};
  show("struct epoll_event", "%zu, data at %zu", sizeof e[0], offsetof(struct epoll_event, data));
  int ep = epoll_create1(0), p[2];
  pipe(p);
  epoll_ctl(ep, EPOLL_CTL_ADD, p[0], e);
  write(p[1], "x", 1);
  memset(e, 0, sizeof e);
  ret("epoll_pwait", epoll_wait(ep, e, 2, 0));
  show("its event", "%x %llx", e[0].events, (unsigned long long)e[0].data.u64);
  int id = semget(IPC_PRIVATE, 3, 0600);
  struct semid_ds ds;
  union { int value; struct semid_ds *ds; } arg = {.ds = &ds};
  memset(&ds, 0, sizeof ds);
  ret("IPC_STAT", semctl(id, 0, IPC_STAT, arg));
  show("sem_nsems", "%d", (int)ds.sem_nsems);
  semctl(id, 0, IPC_RMID);
  ret("open, a file as a directory", open("/proc/self/exe", O_RDONLY | O_DIRECTORY));
  ret("open, a link with O_NOFOLLOW", open("/proc/self/exe", O_RDONLY | O_NOFOLLOW));
  yes("clock_gettime goes on", ({ struct timespec a, b; clock_gettime(CLOCK_MONOTONIC, &a); clock_gettime(CLOCK_MONOTONIC, &b);
    (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >= 0; }));
}

int main(void) {
  frames();
  returns();
  alternate();
  faults();
  restarts();
  numbers();
  threads();
  written();
  structures();
  return 0;
}
