// Vectors as Linux keeps them (Documentation/arch/riscv/vector.rst, arch/riscv/kernel/{vector,signal,ptrace}.c of 6.6): what says
// that they are there, registers across signals, calls, fork and threads, prctl, the set for tracers; and a loop or two, with
// faults in the middle. Not checked: results of instructions.
#include "t.h"
#include <elf.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/ucontext.h>
#include <sys/uio.h>

#define V(...) __asm__ volatile(".option push\n .option arch, +v\n" __VA_ARGS__)
#define END "\n .option pop\n"

struct state { unsigned long vstart, vl, vtype, vcsr; unsigned char v[512]; };

static void save(struct state *s) {
  V("csrr %0, vstart\n csrr %1, vl\n csrr %2, vtype\n csrr %3, vcsr" END : "=r"(s->vstart), "=r"(s->vl), "=r"(s->vtype), "=r"(s->vcsr));
  V("csrw vstart, zero\n vs8r.v v0, (%0)\n vs8r.v v8, (%1)\n vs8r.v v16, (%2)\n vs8r.v v24, (%3)\n csrw vstart, %4" END
    : : "r"(s->v), "r"(s->v + 128), "r"(s->v + 256), "r"(s->v + 384), "r"(s->vstart) : "memory");
}
static void load(unsigned char first, unsigned long vl, unsigned long vtype, unsigned long vstart, unsigned long vcsr) {
  unsigned char v[512];
  for (int i = 0; i < 512; i++) v[i] = first + i * 7;
  V("vl8re8.v v0, (%0)\n vl8re8.v v8, (%1)\n vl8re8.v v16, (%2)\n vl8re8.v v24, (%3)" END
    : : "r"(v), "r"(v + 128), "r"(v + 256), "r"(v + 384) : "memory");
  V("vsetvl zero, %0, %1\n csrw vcsr, %2\n csrw vstart, %3" END : : "r"(vl), "r"(vtype), "r"(vcsr), "r"(vstart));
}
static void print(const char *what, const struct state *s) {
  int ones = 1, zeros = 1, counted = 1;
  for (int i = 0; i < 512; i++) {
    if (s->v[i] != 0xff) ones = 0;
    if (s->v[i] != 0) zeros = 0;
    if (s->v[i] != (unsigned char)(s->v[0] + i * 7)) counted = 0;
  }
  show(what, "vstart %lu, vl %lu, vtype %lx, vcsr %lu, registers %s %d", s->vstart, s->vl, s->vtype, s->vcsr,
       ones ? "ones" : zeros ? "zeros" : counted ? "counted from" : "others from", s->v[0]);
}
static struct state now, then;

// --- signals -------------------------------------------------------------------------------------------------------------
struct frame { siginfo_t info; ucontext_t context; };
static unsigned char frame[2048];
static unsigned long distance;
static void handler(int n, siginfo_t *i, void *c) {
  (void)n;
  save(&then);
  memcpy(frame, i, sizeof frame);
  unsigned long registers;
  memcpy(&registers, frame + 1088 + 40, sizeof registers);
  distance = registers - (unsigned long)i;
  ((ucontext_t *)c)->uc_mcontext.__gregs[0] += 4;
}
static unsigned word(int at) { unsigned w; memcpy(&w, frame + at, 4); return w; }

static volatile sig_atomic_t faulted;
static unsigned long fault_vstart;
static char *page;
static void allow(int n, siginfo_t *i, void *c) {
  (void)n; (void)c;
  V("csrr %0, vstart" END : "=r"(fault_vstart));
  faulted = (char *)i->si_addr - page;
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}
static void ill(int n, siginfo_t *i, void *c) {
  (void)n; (void)i;
  ((ucontext_t *)c)->uc_mcontext.__gregs[0] += 4;
  faulted = -1;
}
static void act(int n, void (*f)(int, siginfo_t *, void *)) {
  struct sigaction a = {0};
  a.sa_sigaction = f;
  a.sa_flags = SA_SIGINFO;
  sigaction(n, &a, 0);
}

static void *thread(void *arg) {
  save(arg);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) { // by exec
    show("control after exec", "%d", prctl(70));
    act(SIGILL, ill);
    faulted = 0;
    V("vsetvli zero, zero, e8, m1, ta, ma" END);
    show("a vector instruction is refused", "%d", faulted == -1);
    faulted = 0;
    V("vmv1r.v v1, v2" END);
    show("one that needs no type", "%d", faulted == -1);
    ret("vectors on again", prctl(69, 2));
    faulted = 0;
    save(&now);
    show("refused", "%d", faulted == -1);
    print("first use", &now);
    return 0;
  }
  (void)argv;
  save(&now);
  print("before any use", &now);
  show("AT_HWCAP", "%d", (int)(getauxval(AT_HWCAP) >> ('v' - 'a') & 1));
  show("AT_MINSIGSTKSZ", "%lu", getauxval(51));
  struct { long key; unsigned long value; } pair = {4, 0};
  ret("riscv_hwprobe", syscall(258, &pair, 1, 0, 0, 0));
  show("IMA_V", "%lu", pair.value >> 2 & 1);
  show("control", "%d", prctl(70));
  ret("control off", prctl(69, 1));
  ret("control 3", prctl(69, 3));
  ret("next 3", prctl(69, 3 << 2));
  ret("control 32", prctl(69, 32));

  load(5, 3, 0xd0, 0, 5); // e32, m1, ta, ma
  save(&now);
  print("set", &now);
  syscall(SYS_getpid);
  save(&now);
  print("after a call", &now);

  act(SIGTRAP, handler);
  load(11, 2, 0xd8, 1, 3); // e64, m1
  __asm__ volatile(".4byte 0x00100073" ::: "memory"); // ebreak, which is no call
  save(&now);
  print("in the handler", &then);
  print("after it", &now);
  show("header", "%x %u", word(1080), word(1084));
  unsigned long fields[6];
  memcpy(fields, frame + 1088, sizeof fields);
  show("fields in the frame", "%lu %lu %lx %lu %lu, registers at %lu", fields[0], fields[1], fields[2], fields[3], fields[4], distance);
  show("registers in the frame", "%d %d", frame[distance], frame[distance + 511]);
  show("last header", "%x %u", word(1648), word(1652));

  // Loads and stores go on where they have stopped.
  act(SIGSEGV, allow);
  page = (char *)mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
  for (int i = 0; i < 64; i++) page[i - 32] = i;
  mprotect(page, 4096, PROT_NONE);
  unsigned long left;
  load(0, 16, 0xc0, 0, 0); // e8, m1
  V("vle8ff.v v2, (%1)\n csrr %0, vl" END : "=r"(left) : "r"(page - 5) : "memory");
  show("fault-only-first", "vl %lu, faulted %d", left, faulted);
  load(0, 16, 0xc0, 0, 0);
  V("vle8.v v2, (%0)" END : : "r"(page - 5) : "memory");
  save(&now);
  show("load", "fault at %d, vstart %lu; then vstart %lu, %d to %d", faulted, fault_vstart, now.vstart, now.v[32], now.v[47]);
  mprotect(page, 4096, PROT_NONE);
  faulted = -2;
  load(0, 4, 0xd0, 0, 0);
  V("vse32.v v2, (%0)" END : : "r"(page - 8) : "memory");
  save(&now);
  show("store", "fault at %d, vstart %lu; then vstart %lu, %d %d", faulted, fault_vstart, now.vstart, page[-8] == now.v[32], page[7] == now.v[47]);

  // Tasks begin without.
  load(77, 4, 0xd0, 0, 6);
  pthread_t t;
  pthread_create(&t, 0, thread, &then);
  pthread_join(t, 0);
  print("in a thread", &then);
  int ends[2];
  pipe(ends);
  load(77, 4, 0xd0, 0, 6);
  int pid = fork();
  if (pid == 0) {
    save(&now);
    write(ends[1], &now, sizeof now);
    _exit(0);
  }
  save(&now);
  print("after fork", &now);
  read(ends[0], &then, sizeof then);
  print("in the child", &then);
  waitpid(pid, 0, 0);

  // Tracers.
  pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    load(33, 1, 0xd8, 0, 1);
    __asm__ volatile(".4byte 0x00100073" ::: "memory");
    save(&now);
    print("the tracee", &now);
    _exit(0);
  }
  static unsigned char set[1024];
  struct iovec vector = {set, sizeof set};
  waitpid(pid, 0, 0);
  ret("vectors of one that has not used them", ptrace(PTRACE_GETREGSET, pid, 0x901, &vector));
  ptrace(PTRACE_CONT, pid, 0, 0);
  waitpid(pid, 0, 0);
  ret("vectors of a tracee", ptrace(PTRACE_GETREGSET, pid, 0x901, &vector));
  unsigned long *field = (unsigned long *)set;
  show("the set", "%zu bytes: %lu %lu %lx %lu %lu, %d %d", vector.iov_len, field[0], field[1], field[2], field[3], field[4], set[40], set[551]);
  field[4] = 32;
  ret("another vlenb", ptrace(PTRACE_SETREGSET, pid, 0x901, &vector));
  field[4] = 16;
  field[1] = 2;
  for (int i = 0; i < 512; i++) set[40 + i] = 200 + i * 7;
  ret("changed", ptrace(PTRACE_SETREGSET, pid, 0x901, &vector));
  __asm__ volatile("" ::: "memory");
  unsigned long pc[32];
  struct iovec general = {pc, sizeof pc};
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &general);
  pc[0] += 4;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &general);
  ptrace(PTRACE_CONT, pid, 0, 0);
  waitpid(pid, 0, 0);

  // The next program may be kept from it.
  ret("off after exec", prctl(69, 1 << 2));
  show("control now", "%d", prctl(70));
  fflush(stdout);
  execl("/proc/self/exe", "vectors", "again", (char *)0);
  return 1;
}
