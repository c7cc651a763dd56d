// inotify(7): which events each call makes, on the file itself and on its directory, in which order.
#include "t.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int instance;

static void events(const char *what) {
  static const char *const names[] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM",
    "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF", 0, "UNMOUNT", "Q_OVERFLOW", "IGNORED"};
  char buffer[8192] __attribute__((aligned(8))), text[4096] = "";
  unsigned cookie = 0;
  ssize_t n = read(instance, buffer, sizeof buffer);
  if (n < 0) {
    ret(what, n);
    return;
  }
  for (char *p = buffer; p < buffer + n;) {
    struct inotify_event *e = (void *)p;
    char *end = text + strlen(text);
    end += sprintf(end, "%s%d:", end == text ? "" : ", ", e->wd);
    for (int i = 0; i < 16; i++) if (e->mask & 1u << i) end += sprintf(end, "%s", names[i]);
    if (e->mask & IN_ISDIR) end += sprintf(end, "|ISDIR");
    if (e->len) end += sprintf(end, " %s/%u", e->name, e->len);
    if (e->cookie) end += sprintf(end, "%s", cookie == e->cookie ? " same" : " cookie");
    if (e->cookie) cookie = e->cookie;
    p += sizeof *e + e->len;
  }
  show(what, "%s", text);
}

static int watch(const char *path, unsigned mask) { return inotify_add_watch(instance, path, mask); }
static void touch(const char *path, int flags) { close(open(path, flags, 0644)); }

int main(void) {
  scratch();
  mkdir("d", 0755);
  mkdir("e", 0755);
  ret("bad flags", inotify_init1(1));
  instance = inotify_init1(IN_NONBLOCK);
  yes("instance", instance >= 0);
  events("nothing yet");
  ret("watch d", watch("d", IN_ALL_EVENTS));
  int e = ret("watch e", watch("e", IN_ALL_EVENTS));
  struct pollfd poll_it = {instance, POLLIN | POLLOUT, 0};
  ret("poll", poll(&poll_it, 1, 0));

  int fd = open("d/a", O_CREAT | O_RDWR, 0644);
  ret("poll", poll(&poll_it, 1, 0));
  show("events", "%x", poll_it.revents);
  events("create");
  write(fd, "hi", 2);
  write(fd, "hi", 2);
  events("two writes are one event");
  char c[9];
  pread(fd, c, 9, 0);
  read(fd, c, 9);
  events("reading");
  fchmod(fd, 0600);
  events("fchmod");
  ftruncate(fd, 1);
  events("ftruncate");
  int copy = dup(fd);
  close(fd);
  events("close, but dup'ed");
  close(copy);
  events("last close");

  ret("watch the file too", watch("d/a", IN_ALL_EVENTS));
  touch("d/a", O_RDONLY);
  events("open and close");
  touch("d/a", O_WRONLY | O_TRUNC);
  events("truncating open");
  touch("d/a", O_PATH);
  events("O_PATH");
  link("d/a", "d/b");
  events("link");
  rename("d/b", "e/c");
  events("move");
  rename("d/a", "d/z");
  events("rename");
  unlink("e/c");
  events("unlink one of two");
  fd = open("d/z", O_RDONLY);
  unlink("d/z");
  events("unlink an open file");
  close(fd);
  events("then close it");
  mkdir("d/s", 0755);
  events("mkdir");
  symlink("x", "d/l");
  events("symlink");
  rename("d/s", "e/s");
  events("move a directory");
  rmdir("e/s");
  events("rmdir");
  ret("remove the watch", inotify_rm_watch(instance, e));
  ret("again", inotify_rm_watch(instance, e));
  events("removed");
  touch("e/q", O_CREAT | O_WRONLY);
  events("not watched any more");

  ret("fewer events", watch("d", IN_CREATE));
  touch("d/q", O_CREAT | O_WRONLY);
  int n = -1;
  ioctl(instance, FIONREAD, &n);
  show("FIONREAD", "%d", n);
  events("create only");
  ret("IN_MASK_ADD", watch("d", IN_DELETE | IN_MASK_ADD));
  unlink("d/q");
  touch("d/r", O_CREAT | O_WRONLY);
  events("both");
  ret("IN_MASK_CREATE", watch("d", IN_CREATE | IN_MASK_CREATE));
  ret("IN_ONLYDIR on a file", watch("d/r", IN_CREATE | IN_ONLYDIR));
  ret("IN_DONT_FOLLOW", watch("d/l", IN_ATTRIB | IN_DONT_FOLLOW));
  ret("dangling", watch("d/l", IN_ATTRIB));
  ret("missing", watch("d/none", IN_CREATE));
  ret("no events", watch("d", 0));
  ret("not an instance", inotify_add_watch(1, "d", IN_CREATE));
  ret("IN_ONESHOT", watch("e", IN_ALL_EVENTS | IN_ONESHOT));
  touch("e/o", O_CREAT | O_WRONLY);
  events("one and no more");

  ret("all events", watch("d", IN_ALL_EVENTS));
  struct timespec both[2] = {{1, 0}, {2, 0}}, only_m[2] = {{0, UTIME_OMIT}, {5, 0}}, only_a[2] = {{5, 0}, {0, UTIME_OMIT}};
  utimensat(AT_FDCWD, "d/r", both, 0);
  events("both times");
  utimensat(AT_FDCWD, "d/r", only_m, 0);
  events("mtime");
  utimensat(AT_FDCWD, "d/r", only_a, 0);
  events("atime");
  chown("d/r", 1, 1);
  events("chown");
  truncate("d/r", 10);
  events("truncate");
  chmod("d", 0700);
  events("chmod of the directory");
  fd = open("d", O_RDONLY | O_DIRECTORY);
  char entries[4096];
  syscall(SYS_getdents64, fd, entries, sizeof entries);
  close(fd);
  events("reading the directory");
  unlink("d/r");
  unlink("d/l");
  events("emptied");
  rmdir("d");
  events("the watched directory goes");

  ret("watch e", watch("e", IN_CREATE));
  touch("e/a-rather-long-name", O_CREAT | O_WRONLY);
  ret("no room for it", read(instance, c, sizeof c));
  events("it stays");
  touch("e/x", O_CREAT | O_WRONLY);
  ret("watch x", watch("e/x", IN_ALL_EVENTS));
  touch("e/y", O_CREAT | O_WRONLY);
  rename("e/y", "e/x");
  events("replaced by a rename");
  close(instance);
  scratch_remove();
  return 0;
}
