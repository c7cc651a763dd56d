// Values below /proc/sys that are changed, and what changes by it: kernel.shm*, kernel.sem, kernel.msg*, *_next_id,
// fs.mqueue.*, fs.pipe-max-size, fs.nr_open, fs.inotify.*: each is set, tried and set back.
// Not checked: values that change nothing that a program could see.
#include "t.h"
#include <mqueue.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

static char saved[128];
static char path[128];

static void look(const char *what) {
  char text[128];
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  text[strcspn(text, "\n")] = 0;
  for (char *p = text; *p; p++)
    if (*p == '\t') *p = ' ';
  show(what, "%s", text);
}

static long set(const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  long r = write(fd, text, strlen(text));
  int e = errno;
  close(fd);
  errno = e;
  return r;
}

static void begin(const char *name, const char *text) {
  snprintf(path, sizeof path, "/proc/sys/%s", name);
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, saved, sizeof saved - 1);
  close(fd);
  saved[n > 0 ? n : 0] = 0;
  ret(name, set(text));
  look("it is");
}

static void end(void) { set(saved); }

static void segments(void) {
  begin("kernel/shmmax", "8192\n");
  int id = shmget(IPC_PRIVATE, 8192, 0600);
  ok("of that size", id);
  ok("larger", shmget(IPC_PRIVATE, 8193, 0600));
  shmctl(id, IPC_RMID, 0);
  struct shminfo info;
  ok("IPC_INFO", shmctl(0, IPC_INFO, (struct shmid_ds *)&info));
  show("shmmax", "%lu", info.shmmax);
  end();
  begin("kernel/shmall", "4");
  id = shmget(IPC_PRIVATE, 4 * 4096, 0600);
  ok("all pages", id);
  ok("one more", shmget(IPC_PRIVATE, 1, 0600));
  shmctl(id, IPC_RMID, 0);
  end();
  begin("kernel/shmmni", "1");
  id = shmget(IPC_PRIVATE, 1, 0600);
  ok("one segment", id);
  ok("two", shmget(IPC_PRIVATE, 1, 0600));
  shmctl(id, IPC_RMID, 0);
  ret("a number that is none", set("x"));
  ret("less than none", set("-1"));
  end();
  begin("kernel/shm_next_id", "77");
  id = shmget(IPC_PRIVATE, 1, 0600);
  show("its id", "%d", id);
  look("and then");
  shmctl(id, IPC_RMID, 0);
  ret("less than none", set("-2"));
}

static void semaphores(void) {
  begin("kernel/sem", "3 5 2 2\n");
  int a = semget(IPC_PRIVATE, 3, 0600);
  ok("a set", a);
  ok("too many in a set", semget(IPC_PRIVATE, 4, 0600));
  ok("too many in all", semget(IPC_PRIVATE, 3, 0600));
  int b = semget(IPC_PRIVATE, 2, 0600);
  ok("as many as there are", b);
  semctl(a, 0, IPC_RMID);
  int c = semget(IPC_PRIVATE, 1, 0600);
  ok("another", c);
  ok("a third", semget(IPC_PRIVATE, 1, 0600));
  struct sembuf operations[3] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}};
  ret("two operations", semop(c, operations, 2));
  ret("three", semop(c, operations, 3));
  struct seminfo info;
  ok("IPC_INFO", semctl(0, 0, IPC_INFO, &info));
  show("info", "%d %d %d %d", info.semmsl, info.semmns, info.semopm, info.semmni);
  semctl(b, 0, IPC_RMID);
  semctl(c, 0, IPC_RMID);
  ret("too few numbers", set("100\n"));
  look("which is taken");
  end();
  begin("kernel/sem_next_id", "123");
  a = semget(IPC_PRIVATE, 1, 0600);
  show("its id", "%d", a);
  semctl(a, 0, IPC_RMID);
}

static void messages(void) {
  struct {
    long type;
    char text[64];
  } message = {1, "text"};
  begin("kernel/msgmax", "16");
  int id = msgget(IPC_PRIVATE, 0600);
  ret("as long", msgsnd(id, &message, 16, 0));
  ret("longer", msgsnd(id, &message, 17, 0));
  msgctl(id, IPC_RMID, 0);
  end();
  begin("kernel/msgmnb", "40");
  id = msgget(IPC_PRIVATE, 0600);
  struct msqid_ds state;
  msgctl(id, IPC_STAT, &state);
  show("of a new queue", "%lu", (unsigned long)state.msg_qbytes);
  ret("one", msgsnd(id, &message, 32, IPC_NOWAIT));
  ret("two", msgsnd(id, &message, 32, IPC_NOWAIT));
  msgctl(id, IPC_RMID, 0);
  end();
  begin("kernel/msgmni", "1");
  id = msgget(IPC_PRIVATE, 0600);
  ok("one queue", id);
  ok("two", msgget(IPC_PRIVATE, 0600));
  msgctl(id, IPC_RMID, 0);
  end();
  begin("kernel/msg_next_id", "40000");
  id = msgget(IPC_PRIVATE, 0600);
  show("its id", "%d", id);
  msgctl(id, IPC_RMID, 0);
}

static mqd_t posix(int count, int size) {
  struct mq_attr attributes = {.mq_maxmsg = count, .mq_msgsize = size};
  mqd_t q = mq_open("/sysctl", O_RDWR | O_CREAT | O_EXCL, 0600, count ? &attributes : 0);
  mq_unlink("/sysctl");
  return q;
}

static void queue(const char *what, mqd_t q) {
  struct mq_attr attributes;
  if (q < 0) return (void)ret(what, -1);
  mq_getattr(q, &attributes);
  show(what, "%ld of %ld", attributes.mq_maxmsg, attributes.mq_msgsize);
  mq_close(q);
}

static void unprivileged(void) {
  if (fork() == 0) {
    if (setuid(1000)) _exit(1);
    queue("a larger one", posix(6, 100));
    queue("one of larger messages", posix(1, 300));
    queue("at the limits", posix(5, 200));
    ret("set it", set("100"));
    _exit(0);
  }
  wait(0);
}

static void posix_queues(void) {
  begin("fs/mqueue/msg_max", "5");
  queue("by default", posix(0, 0));
  end();
  begin("fs/mqueue/msg_default", "3");
  queue("by default", posix(0, 0));
  ret("none", set("0"));
  ret("too many", set("65537"));
  end();
  begin("fs/mqueue/msgsize_default", "1000");
  queue("by default", posix(0, 0));
  ret("too small", set("127"));
  end();
  char max[128];
  begin("fs/mqueue/msg_max", "5");
  strcpy(max, saved);
  begin("fs/mqueue/msgsize_max", "200");
  queue("by default", posix(0, 0));
  unprivileged();
  end();
  strcpy(saved, max);
  strcpy(path, "/proc/sys/fs/mqueue/msg_max");
  end();
}

static void files(void) {
  int ends[2];
  pipe(ends);
  begin("fs/pipe-max-size", "131072");
  ret("the superuser", fcntl(ends[0], F_SETPIPE_SZ, 262144));
  fcntl(ends[0], F_SETPIPE_SZ, 4096);
  if (fork() == 0) {
    if (setuid(1000)) _exit(1);
    ret("a user", fcntl(ends[0], F_SETPIPE_SZ, 131072));
    ret("beyond", fcntl(ends[0], F_SETPIPE_SZ, 131073));
    _exit(0);
  }
  wait(0);
  end();
  struct rlimit limit;
  begin("fs/nr_open", "2048");
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max = 2048;
  ret("as many", setrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_max = 2049;
  ret("more", setrlimit(RLIMIT_NOFILE, &limit));
  end();
}

static void watches(void) {
  if (fork() == 0) {
    begin("fs/inotify/max_user_instances", "2");
    char instances[128];
    strcpy(instances, saved);
    setegid(4321);
    if (seteuid(4321)) _exit(1);
    if (setreuid(4321, 0)) _exit(1);
    int a = inotify_init(), b = inotify_init();
    yes("two", a >= 0 && b >= 0);
    ok("a third", inotify_init());
    close(b);
    ok("when one is closed", inotify_init());
    set(instances);
    begin("fs/inotify/max_user_watches", "1");
    ret("a watch", inotify_add_watch(a, "/", IN_CREATE));
    ret("the same", inotify_add_watch(a, "/", IN_DELETE));
    ret("another", inotify_add_watch(a, "/proc", IN_CREATE));
    ret("the first is gone", inotify_rm_watch(a, 1));
    ret("another", inotify_add_watch(a, "/proc", IN_CREATE));
    end();
    begin("fs/inotify/max_queued_events", "3");
    int c = inotify_init();
    inotify_add_watch(c, scratch_path, IN_CREATE);
    end();
    seteuid(0);
    char name[16], events[1024];
    for (int i = 0; i < 6; i++) {
      snprintf(name, sizeof name, "%s%d", "n", i);
      put(name, "");
    }
    ssize_t n = read(c, events, sizeof events);
    int count = 0;
    unsigned last = 0;
    for (ssize_t at = 0; at < n; count++) {
      struct inotify_event *e = (struct inotify_event *)(events + at);
      last = e->mask;
      at += sizeof *e + e->len;
    }
    show("events", "%d, the last %x", count, last);
    _exit(0);
  }
  wait(0);
}

int main(void) {
  if (unshare(CLONE_NEWIPC)) return 1;
  setvbuf(stdout, 0, _IONBF, 0);
  scratch();
  segments();
  semaphores();
  messages();
  posix_queues();
  files();
  watches();
  scratch_remove();
  return 0;
}
