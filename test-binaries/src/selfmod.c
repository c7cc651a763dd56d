// Programs that write their own code. A processor executes what was written from the next instruction on (Intel SDM vol. 3,
// 8.1.3, as Linux programs on x86_64 rely on it); an engine has decoded or translated ahead. Each routine is machine code
// that is copied to memory which may be written and executed, and called.
#include "t.h"
#include <sys/mman.h>
#include <ucontext.h>

typedef long (*routine)(long, long);

static unsigned char *code;

static routine place(size_t at, const void *bytes, size_t size) {
  memcpy(code + at, bytes, size);
  return (routine)(void *)(code + at);
}
#define PLACE(at, bytes) place(at, bytes, sizeof bytes)

static volatile sig_atomic_t faults;
static void skip_ud2(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  ((ucontext_t *)context)->uc_mcontext.gregs[16 /* REG_RIP */] += 2;
  faults++;
}

int main(void) {
  size_t size = 0x4000;
  code = mmap(0, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ok("mmap", code == MAP_FAILED ? -1 : 0);
  struct sigaction action = {.sa_sigaction = skip_ud2, .sa_flags = SA_SIGINFO};
  sigaction(SIGILL, &action, 0);

  // xor eax, eax; mov dword [rip], inc rax; nop, over the two ud2 that follow; ret
  static const unsigned char next[] = {0x31, 0xc0, 0xc7, 0x05, 0, 0, 0, 0, 0x48, 0xff, 0xc0, 0x90, 0x0f, 0x0b, 0x0f, 0x0b, 0xc3};
  routine f = PLACE(0, next);
  show("the next instruction", "%ld, %d illegal", f(0, 0), (int)faults);
  show("once more, already written", "%ld, %d illegal", f(0, 0), (int)faults);
  f = PLACE(0, next);
  show("placed again", "%ld, %d illegal", f(0, 0), (int)faults);

  // mov rax, rdi; mov byte [rip + 5], sil, over the last byte of the second inc rax; inc rax; inc rax; ret
  static const unsigned char later[] = {0x48, 0x89, 0xf8, 0x40, 0x88, 0x35, 5, 0, 0, 0, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xc3};
  f = PLACE(0x40, later);
  show("a later instruction", "%ld", f(10, 0xc8) /* dec rax */);
  show("and back", "%ld", f(10, 0xc0));

  // mov ecx, edi; xor eax, eax; 1: add eax, 1; inc byte [rip - 7], the operand of add (at 1b + 2); dec ecx; jnz 1b; ret
  static const unsigned char loop[] = {0x89, 0xf9, 0x31, 0xc0, 0x83, 0xc0, 1, 0xfe, 0x05, 0xf9, 0xff, 0xff, 0xff,
                                       0xff, 0xc9, 0x75, 0xf3, 0xc3};
  f = PLACE(0x80, loop);
  show("a loop that counts up its own operand", "%ld", f(100, 0));
  show("and goes on", "%ld", f(5, 0));

  // mov ecx, edi; xor eax, eax; 1: add rax, rcx; mov [rip + x], rax, data behind the code, same page; dec ecx; jnz 1b; ret
  static const unsigned char data[] = {0x89, 0xf9, 0x31, 0xc0, 0x48, 0x01, 0xc8, 0x48, 0x89, 0x05, 0x40, 0, 0, 0,
                                       0xff, 0xc9, 0x75, 0xf2, 0xc3};
  f = PLACE(0x100, data);
  long sum = f(200, 0), stored;
  memcpy(&stored, code + 0x100 + 14 + 0x40, sizeof stored);
  show("data beside code", "%ld %ld", sum, stored);

  // lea rax, [rdi + imm8]; ret, on another page, rewritten between calls, directly and through a pointer
  static const unsigned char add[] = {0x48, 0x8d, 0x47, 1, 0xc3};
  routine volatile g = PLACE(0x1000, add);
  sum = 0;
  for (int i = 0; i < 50; i++) {
    code[0x1003] = i;
    sum += g(i, 0);
  }
  show("a function rewritten between calls", "%ld", sum);

  // call rdi, which rewrites what is behind the call: mov byte [rsi], 0xc8; ret. inc rax becomes dec rax.
  static const unsigned char writer[] = {0xc6, 0x06, 0xc8, 0xc3};
  static const unsigned char caller[] = {0x31, 0xc0, 0xff, 0xd7, 0x48, 0xff, 0xc0, 0xc3};
  routine w = PLACE(0x1100, writer);
  f = PLACE(0x2000, caller);
  show("a callee rewrites its caller", "%ld", f((long)w, (long)(code + 0x2006)));

  // mov rcx, 3; lea rsi, [rip + source]; rep movsb to the instructions that follow; they are ud2 ud2 until then
  static const unsigned char string[] = {0x31, 0xc0, 0xb9, 4, 0, 0, 0, 0x48, 0x8d, 0x35, 0x0e, 0, 0, 0, 0x48, 0x8d, 0x3d,
                                         2, 0, 0, 0, 0xf3, 0xa4, 0x0f, 0x0b, 0x0f, 0x0b, 0xc3, 0x48, 0xff, 0xc0, 0x90};
  f = PLACE(0x200, string);
  faults = 0;
  show("rep movsb over what follows it", "%ld, %d illegal", f(0, 0), (int)faults);

  // An instruction across two pages, whose second half is rewritten: mov eax, imm32; ret
  static const unsigned char across[] = {0xb8, 1, 0, 0, 0, 0xc3};
  f = PLACE(0x2ffd, across);
  long first = f(0, 0);
  code[0x3000] = 2; /* the third byte of the operand */
  show("an instruction across two pages", "%ld %ld", first, f(0, 0));

  // push and ret on a page of code: a stack that may be executed. mov rax, rsp; mov rsp, rdi; push rax; pop rsp; ret
  static const unsigned char stack[] = {0x48, 0x89, 0xe0, 0x48, 0x89, 0xfc, 0x50, 0x5c, 0x48, 0x89, 0xf0, 0xc3};
  f = PLACE(0x300, stack);
  sum = 0;
  for (int i = 0; i < 20; i++) sum += f((long)(code + 0x3f0), i);
  show("a stack beside code", "%ld", sum);

  // Through another mapping of the same file.
  int fd = memfd_create("code", 0);
  ftruncate(fd, 0x1000);
  unsigned char *writable = mmap(0, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  unsigned char *executable = mmap(0, 0x1000, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  memcpy(writable, add, sizeof add);
  sum = 0;
  for (int i = 0; i < 10; i++) {
    writable[3] = i;
    sum += ((routine volatile)(void *)executable)(1, 0);
  }
  show("through another mapping", "%ld", sum);

  // Written by the kernel.
  int ends[2];
  pipe(ends);
  sum = 0;
  for (int i = 0; i < 10; i++) {
    unsigned char byte = i * 3;
    write(ends[1], &byte, 1);
    read(ends[0], code + 0x1003, 1);
    sum += g(1, 0);
  }
  show("by read(2)", "%ld", sum);

  // Not writable while it is executed, as most who generate code do.
  sum = 0;
  for (int i = 0; i < 10; i++) {
    mprotect(code + 0x1000, 0x1000, PROT_READ | PROT_WRITE);
    code[0x1003] = i * 5;
    mprotect(code + 0x1000, 0x1000, PROT_READ | PROT_EXEC);
    sum += g(2, 0);
  }
  show("with mprotect in between", "%ld", sum);

  // Another page in its place.
  munmap(code + 0x1000, 0x1000);
  mmap(code + 0x1000, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  static const unsigned char other[] = {0x48, 0x8d, 0x47, 77, 0xc3};
  PLACE(0x1000, other);
  show("another page in its place", "%ld", g(0, 0));

  // Each side of a fork has its own.
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    code[0x1003] = 5;
    _exit((int)g(1, 0));
  }
  int status;
  waitpid(child, &status, 0);
  show("after fork", "child %d, parent %ld", WEXITSTATUS(status), g(1, 0));
  return 0;
}
