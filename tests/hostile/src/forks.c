// Processes that share code or a copy of it: a child rewrites what the parent goes on running, and the other way round;
// shared memory that one process fills with code and another one runs; execution goes on in the middle of hot code.
#include "hostile.h"
#include <sched.h>
#include <sys/wait.h>

static u8 *page;
static void make(u32 constant) {
  u8 *at = page;
  EMIT(at, "\x48\x8d\x87"); // lea imm32(%rdi), %rax
  emit32(&at, constant);
  EMIT(at, "\xc3");
}
static u64 hot(u64 n) {
  u64 sum = 0;
  for (u64 i = 0; i < n; i++) sum = sum * 3 + ((code)page)(i, 0);
  return sum;
}
static int status_of(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) exit(97);
  return WEXITSTATUS(status);
}

// Both copies are changed after the fork; neither sees the other's.
static void copies(void) {
  page = map(0x1e000000, PAGE, RWX);
  u64 sum = 0;
  for (u32 i = 0; i < 40; i++) {
    make(i);
    sum = sum * 5 + hot(300);
    pid_t child = fork();
    if (child == 0) {
      if (hot(3) != (u64)(0 * 9 + i * 13 + 3 * 1 + 2)) _exit(1); // ((i) * 3 + i + 1) * 3 + i + 2
      make(i + 1000);
      if (hot(1) != i + 1000) _exit(2);
      _exit((int)(hot(200) & 63) | 64);
    }
    make(i + 500);
    sum = sum * 5 + hot(200);
    sum = sum * 5 + (u64)status_of(child);
  }
  printf("copies %llx\n", (unsigned long long)sum);
}

// Forks of forks, each of which computes with code of its own.
static u64 tree(int depth, u32 constant) {
  make(constant);
  u64 sum = hot(50);
  if (depth == 0) return sum & 31;
  for (u32 k = 0; k < 2; k++) {
    pid_t child = fork();
    if (child == 0) _exit((int)(tree(depth - 1, constant * 3 + k) & 127));
    sum += (u64)status_of(child);
    if (hot(1) != constant) _exit(127);
  }
  return sum;
}

// The parent writes, the child runs, in turns through a pipe.
static void shared(void) {
  page = mmap((void *)0x1e100000, PAGE, RWX, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (page == MAP_FAILED) exit(97);
  int to[2], from[2];
  if (pipe(to) || pipe(from)) exit(97);
  make(0);
  hot(100);
  pid_t child = fork();
  if (child == 0) {
    close(to[1]);
    u8 byte;
    while (read(to[0], &byte, 1) == 1) {
      u64 result = hot(60);
      if (write(from[1], &result, 8) != 8) _exit(1);
    }
    _exit(42);
  }
  close(to[0]);
  u64 sum = 0, result;
  for (u32 i = 0; i < 400; i++) {
    make(i * i);
    if (write(to[1], "x", 1) != 1 || read(from[0], &result, 8) != 8) exit(97);
    sum = sum * 3 + result + (result == hot(60));
  }
  close(to[1]);
  printf("shared %llx, child %d\n", (unsigned long long)sum, status_of(child));
}

// A child of vfork runs on the parent's memory: what it changes stays.
static NOINLINE void borrow(u32 i) {
  pid_t child = vfork();
  if (child == 0) {
    *(volatile u32 *)(page + 3) = i * 5;
    _exit((int)(((code)page)(i, 0) & 127));
  }
  if (status_of(child) != (int)((i * 6) & 127)) printf("vfork: %u\n", i);
}
static void borrowed(void) {
  page = map(0x1e200000, PAGE, RWX);
  make(0);
  u64 sum = 0;
  for (u32 i = 0; i < 60; i++) {
    borrow(i);
    sum = sum * 3 + hot(100);
  }
  printf("borrowed %llx\n", (unsigned long long)sum);
}

// Registers and flags on both sides of a fork that is made in the middle of a loop.
static void middle(void) {
  u64 sum = 0;
  for (int i = 0; i < 20; i++) {
    u64 n = 2000, a = (u64)i, pid = 0;
    __asm__ volatile(
        "xor %%r12d, %%r12d\n"
        "1: lea 1(%[a], %[a], 4), %[a]\n"
        "   cmp $1000, %[n]\n"
        "   jne 2f\n"
        "   mov $57, %%eax\n"       // fork
        "   cmp %%rax, %[a]\n"
        "   syscall\n"
        "   setb %%r12b\n"
        "   mov %%rax, %[pid]\n"
        "2: dec %[n]\n"
        "   jnz 1b\n"
        "   add %%r12, %[a]\n"
        : [n] "+r"(n), [a] "+r"(a), [pid] "+r"(pid) : : "rax", "rcx", "r11", "r12", "memory", "cc");
    if (pid == 0) _exit((int)(a & 127));
    int status = status_of((pid_t)pid);
    sum = sum * 3 + a + (status == (int)(a & 127));
  }
  printf("middle %llx\n", (unsigned long long)sum);
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  copies();
  page = map(0x1e080000, PAGE, RWX);
  printf("tree %llu\n", (unsigned long long)tree(4, 7));
  shared();
  borrowed();
  middle();
  return 0;
}
