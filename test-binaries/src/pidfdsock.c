// Processes that sockets tell of: SO_PEERPIDFD, SO_PASSPIDFD and SCM_PIDFD; /proc/[pid] as a pidfd; what
// /proc/self/fdinfo says of pidfds; what their ioctls tell. unix(7), pidfd_send_signal(2), pidfd_open(2). Not checked: processes in other namespaces.
#include "t.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#define SCM_PIDFD 4

static int pid_of(int fd, char *text, size_t size) {
  char path[64], line[128];
  int pid = -2;
  *text = 0;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE *f = fopen(path, "r");
  if (!f) return -3;
  while (fgets(line, sizeof line, f)) {
    if (!strncmp(line, "Pid:", 4)) pid = atoi(line + 4);
    if (!strncmp(line, "NSpid:", 6)) snprintf(text, size, "%s", line + 6);
  }
  fclose(f);
  return pid;
}

static void whose(const char *what, int fd, pid_t child) {
  char text[64];
  int pid = pid_of(fd, text, sizeof text);
  show(what, "%s, NSpid %s", pid == getpid() ? "own" : pid == child ? "the child" : pid == -1 ? "gone" : "?",
       atoi(text) == pid ? "the same" : "another");
}

static void receive(const char *what, int fd, pid_t child) {
  char data[64], control[256];
  struct iovec v = {data, sizeof data};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ret(what, recvmsg(fd, &m, MSG_CMSG_CLOEXEC));
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    int n;
    memcpy(&n, CMSG_DATA(c), sizeof n);
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_PIDFD) {
      if (n < 0) {
        show("SCM_PIDFD", "%s", errname(-n));
        continue;
      }
      show("SCM_PIDFD", "%d bytes, flags %d", (int)c->cmsg_len - (int)CMSG_LEN(0), fcntl(n, F_GETFD));
      whose("it is", n, child);
      close(n);
    } else if (c->cmsg_type == SCM_CREDENTIALS) show("SCM_CREDENTIALS", "%s", n == getpid() ? "own" : n == child ? "the child" : "?");
  }
}

struct info {
  uint64_t mask, cgroup; uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid; int32_t code; uint32_t core[2];
  uint64_t supported;
};
static void requests(void) {
  pid_t child = fork();
  if (child == 0) {
    if (setresgid(5, 6, 7) || setresuid(1000, 1001, 1002)) _exit(98);
    pause();
    _exit(0);
  }
  msleep(30);
  int fd = (int)syscall(SYS_pidfd_open, child, 0);
  struct info i;
  memset(&i, 0, sizeof i);
  i.mask = 3;
  R(ioctl(fd, _IOWR(0xff, 11, struct info), &i));
  show("who", "mask %llx, %s, parent %d, %d %d %d %d, %d %d %d %d", (unsigned long long)i.mask & 3,
       i.pid == (uint32_t)child && i.tgid == i.pid ? "the child" : "?", i.ppid == (uint32_t)getpid(), i.ruid, i.euid, i.suid, i.fsuid, i.rgid, i.egid,
       i.sgid, i.fsgid);
  memset(&i, 0xff, sizeof i);
  R(ioctl(fd, _IOC(3, 0xff, 11, 64), &i));
  yes("the rest is left alone", i.core[0] == ~0U);
  R(ioctl(fd, _IOC(3, 0xff, 11, 63), &i));
  R(ioctl(fd, _IOC(3, 0xff, 11, 64), 0));
  R(ioctl(fd, _IOC(3, 0xff, 11, 64), 1));
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
  for (int n = 1; n <= 10; n++) {
    char path[64], link[64] = "", own[64] = "";
    int ns = ioctl(fd, _IO(0xff, n), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ns);
    readlink(path, link, 63);
    snprintf(path, sizeof path, "/proc/%d/ns/%s", child, names[n - 1]);
    readlink(path, own, 63);
    show(names[n - 1], "%s, %s, close on exec %d", ns < 0 ? errname(errno) : "ok", strcmp(link, own) ? "another" : "the same", fcntl(ns, F_GETFD));
    close(ns);
  }
  R(ioctl(fd, _IO(0xff, 1), 1));
  R(ioctl(fd, _IO(0xff, 0), 0));
  R(ioctl(fd, _IO(0xff, 99), 0));
  R(ioctl(fd, FIONREAD, &i));
  kill(child, SIGKILL);
  msleep(30);
  R(ioctl(fd, _IO(0xff, 1), 0));
  i.mask = 3;
  R(ioctl(fd, _IOC(3, 0xff, 11, 64), &i));
  waitpid(child, 0, 0);
  R(ioctl(fd, _IO(0xff, 1), 0));
  R(ioctl(fd, _IOC(3, 0xff, 11, 64), &i));
  i.mask = 8;
  R(ioctl(fd, _IOC(3, 0xff, 11, 64), &i));
  show("its end", "mask %llx, %x", (unsigned long long)i.mask, i.code);
  close(fd);
}

int main(void) {
  requests();
  int s[2], fd = -1, on = 1;
  socklen_t size = sizeof fd;
  scratch();
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  R(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &size));
  show("size", "%d, close on exec %d", (int)size, fcntl(fd, F_GETFD));
  whose("SO_PEERPIDFD", fd, 0);
  R(setsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &on, sizeof on));
  size = sizeof on;
  R(getsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &on, &size));
  show("at first", "%d", on);
  on = 1;
  R(setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on));
  R(getsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &on, &size));
  show("now", "%d", on);
  write(s[0], "own", 3);
  receive("a message", s[1], 0);
  int go[2];
  pipe(go);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    write(s[0], "child", 5);
    read(go[0], &byte, 1);
    _exit(3);
  }
  msleep(50);
  receive("a child's", s[1], child);
  on = 1;
  setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  write(s[0], "both", 4);
  receive("with credentials", s[1], child);
  int u = socket(AF_UNIX, SOCK_DGRAM, 0), i = socket(AF_INET, SOCK_STREAM, 0);
  size = sizeof fd;
  ret("of nobody", getsockopt(u, SOL_SOCKET, SO_PEERPIDFD, &fd, &size));
  show("errno", "%d", errno == ENODATA);
  ret("of an internet socket", getsockopt(i, SOL_SOCKET, SO_PEERPIDFD, &fd, &size));
  on = 1;
  ret("SO_PASSPIDFD there", setsockopt(i, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on));

  // By its directory in /proc.
  char path[64];
  snprintf(path, sizeof path, "/proc/%d", child);
  int proc = open(path, O_DIRECTORY | O_CLOEXEC), pidfd = syscall(SYS_pidfd_open, child, 0);
  whose("pidfd_open", pidfd, child);
  ret("signal 0 by /proc", syscall(SYS_pidfd_send_signal, proc, 0, 0, 0));
  snprintf(path, sizeof path, "/proc/%d/fd", child);
  ret("by another directory", syscall(SYS_pidfd_send_signal, open(path, O_DIRECTORY), 0, 0, 0));
  ret("by a file of it", syscall(SYS_pidfd_send_signal, openat(proc, "stat", O_RDONLY), 0, 0, 0));
  ret("by a directory that is no process", syscall(SYS_pidfd_send_signal, open(".", O_RDONLY), 0, 0, 0));
  ret("SIGKILL by /proc", syscall(SYS_pidfd_send_signal, proc, SIGKILL, 0, 0));
  int st;
  msleep(50);
  whose("a zombie", pidfd, child);
  waitpid(child, &st, 0);
  status("the child", st);
  ret("once it is gone", syscall(SYS_pidfd_send_signal, proc, 0, 0, 0));
  whose("gone", pidfd, child);
  scratch_remove();
  return 0;
}
