// Thread-local storage of the initial thread: the image, alignment, zeroed part, FS base and arch_prctl(2).
#include "t.h"
enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS }; // asm/prctl.h
static __thread int counted = 42;
static __thread char text[32] = "initialised";
static __thread long zeroed[100];
static __thread int aligned __attribute__((aligned(64))) = 7;
static __thread double real = 2.5;
__thread int counted2 = 77;

static long arch(int code, unsigned long a) { return syscall(SYS_arch_prctl, code, a); }

int main(void) {
  show("initialised int", "%d", counted);
  show("initialised text", "%s", text);
  show("second object", "%d", counted2);
  show("double", "%g", real);
  long sum = 0;
  for (int i = 0; i < 100; i++) sum |= zeroed[i];
  show("zeroed part", "%ld", sum);
  show("alignment", "%lu", (unsigned long)&aligned % 64);
  show("aligned value", "%d", aligned);
  counted++;
  zeroed[99] = 5;
  show("written", "%d %ld", counted, zeroed[99]);
  unsigned long fs = 0, fs0;
  ret("ARCH_GET_FS", arch(ARCH_GET_FS, (unsigned long)&fs));
  __asm__("mov %%fs:0, %0" : "=r"(fs0));
  yes("fs:0 holds the FS base", fs == fs0);
  unsigned long gs = 1;
  ret("ARCH_GET_GS", arch(ARCH_GET_GS, (unsigned long)&gs));
  show("gs at first", "%lu", gs);
  static unsigned long area[2] = {0x1122334455667788, 0x99};
  ret("ARCH_SET_GS", arch(ARCH_SET_GS, (unsigned long)area));
  unsigned long got;
  __asm__("mov %%gs:0, %0" : "=r"(got));
  show("gs:0", "%lx", got);
  __asm__("mov %%gs:8, %0" : "=r"(got));
  show("gs:8", "%lx", got);
  __asm__ volatile("movq $0x55, %%gs:8" ::: "memory");
  show("written through gs", "%lx", area[1]);
  ret("ARCH_GET_GS", arch(ARCH_GET_GS, (unsigned long)&gs));
  yes("gs is the area", gs == (unsigned long)area);
  ret("ARCH_SET_FS beyond user space", arch(ARCH_SET_FS, 0xffff800000000000));
  ret("ARCH_SET_GS beyond user space", arch(ARCH_SET_GS, 0xffff800000000000));
  ret("ARCH_GET_FS to a bad address", arch(ARCH_GET_FS, 8));
  ret("unknown code", arch(0x7777, 0));
  if (fork() == 0) {
    counted = 1000;
    __asm__("mov %%gs:0, %0" : "=r"(got));
    show("gs:0 in the child", "%lx", got);
    show("tls in the child", "%d %s", counted, text);
    exit(0);
  }
  wait(0);
  show("tls in the parent", "%d", counted);
  errno = 33;
  show("errno is thread-local", "%d", errno);
  return 0;
}
