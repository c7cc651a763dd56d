// What descriptors tell of themselves: /proc/[pid]/fdinfo of files with locks, eventfds, timers, signal, epoll and inotify
// descriptors; F_CREATED_QUERY, F_OFD_GETLK with F_UNLCK; execveat(2) of descriptors that are closed on the way.
// Not checked: fdinfo of sockets, of memory-mapped devices, mount ids.
#include "t.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define CREATED_QUERY 1028
#define EMPTY_PATH 0x1000

// The lines of fdinfo behind mnt_id and ino; what is different each time is left out of those.
static void info(const char *what, int fd) {
  char path[64], line[256], key[320];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE *f = fopen(path, "r");
  if (!f) return (void)show(what, "none");
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "mnt_id:", 7) || !strncmp(line, "ino:", 4) || !strncmp(line, "eventfd-id:", 11)) continue;
    char *device = strstr(line, strncmp(line, "lock:", 5) ? " ino:" : strstr(line, "WRITE") ? "WRITE" : "READ");
    char *rest = device ? strchr(line, ':') : 0;
    if (!strncmp(line, "lock:", 5) && device) {
      // pid and device:inode are between the kind and the range
      int pid;
      char range[64], end[64];
      if (sscanf(device, "%*s %d %*s %63s %63s", &pid, range, end) == 3) {
        snprintf(key, sizeof key, "%s, %.*s", what, (int)(device - line), line);
        show(key, "%s, pid %s, %s to %s", strncmp(device, "WRITE", 5) ? "read" : "write", pid == getpid() ? "own" : pid == -1 ? "-1" : "?", range, end);
      }
      continue;
    }
    if (device) {
      char *mask = strstr(device, "mask:");
      *device = 0;
      if (mask) mask[strcspn(mask, " ")] = 0;
      snprintf(key, sizeof key, "%s, %s", what, line);
      show(key, "%s", mask ? mask : "there");
      continue;
    }
    if (!strncmp(line, "it_value:", 9) && !strstr(line, "(0, 0)")) strcpy(line + 9, " not 0");
    rest = strchr(line, ':');
    if (!rest) continue;
    *rest++ = 0;
    snprintf(key, sizeof key, "%s, %s", what, line);
    show(key, "%s", rest + strspn(rest, "\t "));
  }
  fclose(f);
}

static void special(void) {
  int e = eventfd(5, 0);
  info("eventfd", e);
  info("semaphore", eventfd(0x1f, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
  int t = timerfd_create(CLOCK_MONOTONIC, 0);
  info("timerfd", t);
  struct itimerspec relative = {{1, 2}, {1000, 500}};
  timerfd_settime(t, 0, &relative, 0);
  info("timerfd that is set", t);
  int t2 = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
  struct itimerspec absolute = {{0, 0}, {5000000000, 0}};
  timerfd_settime(t2, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &absolute, 0);
  info("timerfd of real time", t2);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, 40);
  sigaddset(&set, SIGKILL);
  int s = signalfd(-1, &set, 0);
  info("signalfd", s);
  int p = epoll_create1(0);
  struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 0x1234567890}};
  epoll_ctl(p, EPOLL_CTL_ADD, e, &event);
  info("epoll", p);
  event.events = EPOLLIN | EPOLLONESHOT;
  epoll_ctl(p, EPOLL_CTL_MOD, e, &event);
  info("epoll with a one-shot", p);
  epoll_wait(p, &event, 1, 0);
  info("and once that has fired", p);
  int i = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(i, ".", IN_CREATE | IN_ONESHOT);
  info("inotify", i);
  int ends[2];
  pipe(ends);
  info("pipe", ends[1]);
}

static void files(void) {
  int f = open("f", O_RDWR | O_CREAT | O_EXCL, 0644);
  R(fcntl(f, CREATED_QUERY));
  int again = open("f", O_RDWR | O_CREAT, 0644);
  ret("opened again", fcntl(again, CREATED_QUERY));
  ret("a copy of the first", fcntl(dup(f), CREATED_QUERY));
  ret("of a temporary file", fcntl(open(".", O_RDWR | O_TMPFILE, 0600), CREATED_QUERY));
  ret("by its path alone", fcntl(open("f", O_PATH), CREATED_QUERY));
  ret("of a directory", fcntl(open(".", O_RDONLY), CREATED_QUERY));
  write(f, "0123456789", 10);
  lseek(f, 3, SEEK_SET);
  info("file", f);
  flock(f, LOCK_EX);
  struct flock lock = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10};
  R(fcntl(f, F_SETLK, &lock));
  info("locked file", f);
  lock = (struct flock){.l_type = F_RDLCK, .l_start = 100};
  R(fcntl(f, F_OFD_SETLK, &lock));
  info("with three locks", f);
  info("by another descriptor", again);
  // An open file description asks for its own locks by F_UNLCK, for those of others by the other types.
  lock = (struct flock){.l_type = F_UNLCK};
  R(fcntl(f, F_OFD_GETLK, &lock));
  show("its own lock", "type %d, %ld from %ld, pid %d", lock.l_type, (long)lock.l_len, (long)lock.l_start, lock.l_pid);
  lock = (struct flock){.l_type = F_UNLCK, .l_len = 100};
  R(fcntl(f, F_OFD_GETLK, &lock));
  show("none before it", "type %d", lock.l_type);
  lock = (struct flock){.l_type = F_UNLCK};
  R(fcntl(again, F_OFD_GETLK, &lock));
  show("none of the other's", "type %d", lock.l_type);
  lock = (struct flock){.l_type = F_WRLCK};
  R(fcntl(again, F_OFD_GETLK, &lock));
  show("whose is in the way", "type %d, %ld from %ld, pid %s", lock.l_type, (long)lock.l_len, (long)lock.l_start,
       lock.l_pid == getpid() ? "own" : "other");
  lock = (struct flock){.l_type = F_UNLCK};
  R(fcntl(f, F_GETLK, &lock));
  info("directory", open(".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  info("path", open(".", O_PATH | O_CLOEXEC));
}

// Whether execveat of the file succeeds: the program's exit status, or the error.
static void execute(const char *what, int fd, const char *path, int flags) {
  char *args[] = {"x", 0};
  int st;
  pid_t child = fork();
  if (child == 0) {
    close(2);
    syscall(SYS_execveat, fd, path, args, environ, flags);
    _exit(100 + errno);
  }
  waitpid(child, &st, 0);
  if (WIFEXITED(st) && WEXITSTATUS(st) > 100 && WEXITSTATUS(st) < 126) show(what, "%s", errname(WEXITSTATUS(st) - 100));
  else status(what, st);
}

static void programs(void) {
  put("script", "#!/bin/sh\nexit 7\n");
  put("missing", "#!/none/such\n");
  chmod("script", 0755);
  chmod("missing", 0755);
  execute("a script by its descriptor", open("script", O_RDONLY), "", EMPTY_PATH);
  execute("by a path descriptor", open("script", O_PATH), "", EMPTY_PATH);
  execute("by one that is closed", open("script", O_RDONLY | O_CLOEXEC), "", EMPTY_PATH);
  execute("in a directory", open(".", O_RDONLY), "script", 0);
  execute("in one that is closed", open(".", O_RDONLY | O_CLOEXEC), "script", 0);
  execute("in the working directory", AT_FDCWD, "script", 0);
  char path[128];
  snprintf(path, sizeof path, "%s/script", scratch_path);
  execute("by an absolute path", open(".", O_RDONLY | O_CLOEXEC), path, 0);
  execute("a program by a descriptor that is closed", open("/bin/true", O_RDONLY | O_CLOEXEC), "", EMPTY_PATH);
  execute("without an interpreter", AT_FDCWD, "missing", 0);
  int ends[2];
  pipe(ends);
  execute("a pipe", ends[0], "", EMPTY_PATH);
  execute("a socket", socket(AF_UNIX, SOCK_STREAM, 0), "", EMPTY_PATH);
  execute("an eventfd", eventfd(0, 0), "", EMPTY_PATH);
  execute("a directory", open(".", O_RDONLY), "", EMPTY_PATH);
  execute("no descriptor", 99, "", EMPTY_PATH);
  execute("the empty path", open("script", O_RDONLY), "", 0);
  execute("in what is no directory", open("script", O_RDONLY), "script", 0);
  execute("with other flags", AT_FDCWD, "script", 0xffff);
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  scratch();
  special();
  files();
  programs();
  scratch_remove();
  return 0;
}
