// Scheduling: policies, priorities, sched_setattr, nice, affinity, who may change what; that urgent tasks run first.
// Not checked: the limits of SCHED_DEADLINE, slices' lengths, load balancing.
#include "t.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#define P(x) ret(#x, (x))
struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t min, max; };
static struct sched_param sp;
// musl's functions of these names answer ENOSYS.
#define set(pid, policy, param) syscall(SYS_sched_setscheduler, pid, policy, param)
#define get(pid) syscall(SYS_sched_getscheduler, pid)
#define setparam(pid, param) syscall(SYS_sched_setparam, pid, param)
#define getparam(pid, param) syscall(SYS_sched_getparam, pid, param)
#define setattr(pid, a, f) syscall(SYS_sched_setattr, pid, a, f)
#define getattr(pid, a, s, f) syscall(SYS_sched_getattr, pid, a, s, f)
static void attrs(const char *what) {
  struct attr a = {0};
  if (getattr(0, &a, sizeof a, 0)) show(what, "%s", errname(errno));
  else show(what, "size %u policy %u flags %llx nice %d priority %u", a.size, a.policy, (unsigned long long)a.flags, a.nice, a.priority);
}
static char *order;
static void note(char c) { order[strlen(order)] = c; }

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    ret("after execve", get(0));
    return 0;
  }
  P(get(0));
  P(get(-1));
  P(get(99999999));
  P(getparam(0, &sp));
  show("priority", "%d", sp.sched_priority);
  P(getparam(0, 0));
  P(getparam(-1, &sp));
  P(getparam(0, (void *)8));
  sp.sched_priority = 10;
  P(set(0, SCHED_FIFO, &sp));
  P(get(0));
  sp.sched_priority = 0;
  P(getparam(0, &sp));
  show("priority", "%d", sp.sched_priority);
  sp.sched_priority = 0;
  ret("FIFO of 0", set(0, SCHED_FIFO, &sp));
  sp.sched_priority = 100;
  ret("FIFO of 100", set(0, SCHED_FIFO, &sp));
  sp.sched_priority = -1;
  ret("FIFO of -1", set(0, SCHED_FIFO, &sp));
  sp.sched_priority = 20;
  P(setparam(0, &sp));
  attrs("after setparam");
  P(setparam(0, 0));
  P(setparam(-1, &sp));
  P(setparam(99999999, &sp));
  ret("OTHER of 20", set(0, SCHED_OTHER, &sp));
  struct timespec t;
  P(sched_rr_get_interval(0, &t));
  show("FIFO's interval", "%ld %ld", (long)t.tv_sec, t.tv_nsec);
  P(set(0, SCHED_RR | 0x40000000, &sp));
  P(get(0));
  P(sched_rr_get_interval(0, &t));
  show("RR's interval", "%ld %ld", (long)t.tv_sec, t.tv_nsec);
  P(sched_rr_get_interval(-1, &t));
  P(sched_rr_get_interval(99999999, &t));
  P(sched_rr_get_interval(0, (void *)8));
  attrs("RR, reset on fork");
  int s;
  if (fork() == 0) {
    ret("the child's policy", get(0));
    attrs("the child");
    _exit(0);
  }
  wait(&s);
  sp.sched_priority = 5;
  P(set(0, SCHED_RR, &sp));
  P(get(0));
  if (fork() == 0) {
    ret("a child's policy", get(0));
    getparam(0, &sp);
    show("and priority", "%d", sp.sched_priority);
    execl("/proc/self/exe", "sched", "x", (char *)0);
  }
  wait(&s);
  sp.sched_priority = 0;
  P(set(0, SCHED_OTHER, &sp));
  P(set(0, SCHED_IDLE, &sp));
  P(get(0));
  P(set(0, SCHED_BATCH, &sp));
  P(get(0));
  P(set(0, 4, &sp));
  P(set(0, 7, &sp));
  P(set(0, 99, &sp));
  P(set(0, -1, &sp));
  P(set(-1, 0, &sp));
  P(set(99999999, 0, &sp));
  P(set(0, 0, 0));
  P(set(0, 0, (void *)8));
  P(set(0, SCHED_OTHER, &sp));
  for (int i = 0; i < 9; i++) {
    char what[40];
    snprintf(what, sizeof what, "priorities of policy %d", i);
    long low = sched_get_priority_min(i);
    if (low < 0) ret(what, low);
    else show(what, "%ld to %d", low, sched_get_priority_max(i));
  }
  P(sched_get_priority_max(-1));
  // sched_setattr
  struct attr a = {.size = 48, .nice = 5};
  P(setattr(0, &a, 0));
  attrs("nice 5");
  ret("as getpriority says", getpriority(PRIO_PROCESS, 0));
  a.nice = 0;
  P(setattr(0, &a, 0));
  a.size = 47;
  P(setattr(0, &a, 0));
  show("size for", "%u", a.size);
  a.size = 5000;
  P(setattr(0, &a, 0));
  show("size for", "%u", a.size);
  a.size = 0;
  P(setattr(0, &a, 0));
  P(setattr(0, &a, 1));
  P(setattr(0, 0, 0));
  P(setattr(-1, &a, 0));
  P(setattr(99999999, &a, 0));
  P(setattr(0, (void *)8, 0));
  a.size = 48, a.flags = 0x80;
  ret("unknown flag", setattr(0, &a, 0));
  a.flags = 0, a.policy = 9;
  ret("unknown policy", setattr(0, &a, 0));
  a.policy = SCHED_FIFO;
  ret("FIFO without priority", setattr(0, &a, 0));
  a.priority = 100;
  ret("FIFO of 100", setattr(0, &a, 0));
  a.priority = 99;
  ret("FIFO of 99", setattr(0, &a, 0));
  attrs("FIFO of 99");
  a.flags = 1;
  ret("with reset on fork", setattr(0, &a, 0));
  attrs("shows it");
  a.policy = SCHED_OTHER, a.priority = 1, a.flags = 0;
  ret("OTHER with priority", setattr(0, &a, 0));
  a.priority = 0, a.nice = 100;
  ret("nice is clamped", setattr(0, &a, 0));
  attrs("to");
  a.flags = 8 | 16, a.nice = 3;
  ret("keep policy and parameters", setattr(0, &a, 0));
  attrs("kept");
  a.flags = 0, a.nice = 0;
  setattr(0, &a, 0);
  a.policy = 6;
  ret("DEADLINE of nothing", setattr(0, &a, 0));
  a.runtime = 10000000, a.deadline = 5000000, a.period = 20000000;
  ret("DEADLINE before the runtime's end", setattr(0, &a, 0));
  a.deadline = 30000000;
  ret("DEADLINE after the period", setattr(0, &a, 0));
  a.deadline = a.period = 30000000, a.runtime = 1000;
  ret("DEADLINE, too short", setattr(0, &a, 0));
  P(getattr(0, &a, 47, 0));
  P(getattr(0, &a, sizeof a, 1));
  P(getattr(0, 0, sizeof a, 0));
  P(getattr(-1, &a, sizeof a, 0));
  P(getattr(99999999, &a, sizeof a, 0));
  P(getattr(0, &a, 5000, 0));
  P(getattr(0, 8, sizeof a, 0));
  char large[80];
  memset(large, 1, sizeof large);
  P(getattr(0, large, 80, 0));
  show("a larger one", "size %u then %d", *(unsigned *)large, large[79]);
  // affinity
  unsigned long mask[16] = {0};
  yes("sched_getaffinity", syscall(SYS_sched_getaffinity, 0, sizeof mask, mask) >= 8 && mask[0] & 1);
  P(syscall(SYS_sched_getaffinity, 0, 7, mask));
  P(syscall(SYS_sched_getaffinity, 0, 0, mask));
  P(syscall(SYS_sched_getaffinity, 99999999, sizeof mask, mask));
  P(syscall(SYS_sched_getaffinity, 0, sizeof mask, 8));
  memset(mask, 0, sizeof mask);
  ret("no processor", syscall(SYS_sched_setaffinity, 0, sizeof mask, mask));
  mask[0] = 1;
  ret("the first", syscall(SYS_sched_setaffinity, 0, sizeof mask, mask));
  P(syscall(SYS_sched_setaffinity, 99999999, sizeof mask, mask));
  P(syscall(SYS_sched_setaffinity, 0, sizeof mask, 8));
  P(syscall(SYS_sched_setaffinity, 0, 0, mask));
  P(sched_yield());
  // who comes first, on one processor
  order = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int hold[2];
  pipe(hold);
  sp.sched_priority = 50;
  set(0, SCHED_FIFO, &sp);
  for (int i = 1; i <= 5; i++)
    if (fork() == 0) {
      sp.sched_priority = i * 7 % 5 + 1;
      set(0, SCHED_FIFO, &sp);
      char c;
      close(hold[1]);
      read(hold[0], &c, 1);
      note((char)('0' + sp.sched_priority));
      _exit(0);
    }
  sp.sched_priority = 1;
  set(0, SCHED_OTHER, &(struct sched_param){.sched_priority = 0});
  msleep(100);
  set(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 50});
  close(hold[0]), close(hold[1]);
  set(0, SCHED_OTHER, &(struct sched_param){.sched_priority = 0});
  while (wait(0) > 0) {}
  show("in the order of their priorities", "%s", order);
  // without privileges
  if (fork() == 0) {
    pid_t parent = getppid();
    setgid(1000), setuid(1000);
    sp.sched_priority = 1;
    ret("user: FIFO", set(0, SCHED_FIFO, &sp));
    sp.sched_priority = 0;
    ret("user: another's", set(parent, SCHED_OTHER, &sp));
    ret("user: another's, read", get(parent));
    ret("user: BATCH", set(0, SCHED_BATCH, &sp));
    ret("user: IDLE", set(0, SCHED_IDLE, &sp));
    ret("user: back from IDLE", set(0, SCHED_OTHER, &sp));
    ret("user: another's affinity", syscall(SYS_sched_setaffinity, parent, sizeof mask, mask));
    ret("user: nice 5", setpriority(PRIO_PROCESS, 0, 5));
    errno = 0;
    ret("user: nice 4", setpriority(PRIO_PROCESS, 0, 4));
    ret("user: another's nice", setpriority(PRIO_PROCESS, parent, 5));
    a.policy = 6, a.runtime = 10000000, a.deadline = a.period = 30000000;
    ret("user: DEADLINE", setattr(0, &a, 0));
    _exit(0);
  }
  wait(0);
  if (fork() == 0) {
    struct rlimit l = {10, 10};
    setrlimit(RLIMIT_RTPRIO, &l);
    setrlimit(RLIMIT_NICE, &l);
    sp.sched_priority = 0;
    _exit(0);
  }
  wait(0);
  // nice
  P(setpriority(PRIO_PROCESS, 0, -20));
  P(getpriority(PRIO_PROCESS, 0));
  P(setpriority(PRIO_PROCESS, 0, 30));
  P(getpriority(PRIO_PROCESS, 0));
  P(setpriority(PRIO_PROCESS, 0, 0));
  P(setpriority(7, 0, 0));
  P(getpriority(-1, 0));
  P(getpriority(PRIO_PROCESS, 99999999));
  P(getpriority(PRIO_PGRP, 99999999));
  P(getpriority(PRIO_USER, 99999999));
  P(setpriority(PRIO_PROCESS, 99999999, 0));
  unsigned cpu = 99, node = 99;
  P(syscall(SYS_getcpu, &cpu, &node, 0));
  show("getcpu", "%d %u", cpu < 64, node);
  P(syscall(SYS_getcpu, 0, 0, 0));
  P(syscall(SYS_getcpu, 8, 0, 0));
}
