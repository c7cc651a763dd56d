// Who runs at once when priorities change: sched_setparam(2), sched_setscheduler(2), sched_yield(2) of real-time tasks on one
// processor. Not checked: several processors.
#include "t.h"
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

static volatile int *count;

// musl's own refuse.
static long fifo(int priority) { return syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority); }
static long urgency(pid_t pid, int priority) { return syscall(SYS_sched_setparam, pid, &priority); }

static pid_t counting(int priority) {
  pid_t child = fork();
  if (child == 0) {
    if (priority) fifo(priority);
    alarm(4);
    for (;;) {
      ++*count;
      sched_yield();
    }
  }
  return child;
}

static void end(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, 0, 0);
}

static void burn(void) {
  for (volatile int i = 0; i < 100000; i++) {}
}

int main(void) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  sched_setaffinity(0, sizeof one, &one);
  count = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  R(fifo(50));
  pid_t child = counting(0);
  burn();
  show("of the same priority it has to wait", "%d", *count);
  sched_yield();
  yes("until the other yields", *count > 0);
  int before = *count;
  burn();
  yes("nor does it run again", *count == before);
  R(urgency(0, 40));
  yes("less urgent, one runs at once no more", *count > before);
  end(child);
  urgency(0, 50);
  child = fork();
  if (child == 0) {
    alarm(4);
    *count = 1000;
    pause();
  }
  *count = 0;
  R(urgency(child, 60));
  show("who is more urgent now runs at once", "%d", *count);
  end(child);
  *count = 0;
  child = counting(40);
  burn();
  show("who is less urgent does not", "%d", *count);
  sched_yield();
  show("nor by yielding", "%d", *count);
  end(child);
  int priority = 0;
  R(syscall(SYS_sched_getscheduler, 0));
  R(syscall(SYS_sched_getparam, 0, &priority));
  show("priority", "%d", priority);
  struct timespec slice = {7, 7};
  R(syscall(SYS_sched_rr_get_interval, 0, &slice));
  show("the first come has no slice", "%ld s %ld ns", (long)slice.tv_sec, slice.tv_nsec);
  R(fifo(0));
  R(fifo(100));
  R(urgency(0, 0));
  R(urgency(0, 100));
  R(urgency(-1, 1));
  child = fork();
  if (child == 0) _exit(syscall(SYS_sched_getscheduler, 0));
  int status;
  waitpid(child, &status, 0);
  show("a child inherits the policy", "%d", WEXITSTATUS(status));
  priority = 50;
  R(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority));
  child = fork();
  if (child == 0) _exit(syscall(SYS_sched_getscheduler, 0));
  waitpid(child, &status, 0);
  show("unless it is to be reset", "%d", WEXITSTATUS(status));
  R(syscall(SYS_sched_getscheduler, 0));
  priority = 0;
  R(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &priority));
  R(syscall(SYS_sched_setscheduler, 0, 77, &priority));
  R(urgency(0, 1));
  return 0;
}
