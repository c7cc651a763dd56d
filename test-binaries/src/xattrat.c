// setxattrat(2), getxattrat(2), listxattrat(2), removexattrat(2): their arguments, in the order in which they are looked at. Not
// checked: file_getattr(2).
#include "t.h"
#include <sys/xattr.h>

struct args { uint64_t value; uint32_t size, flags; };
static long set(int dir, const char *path, int at, const char *name, const char *value, uint32_t size, uint32_t flags) {
  struct args a = {(uintptr_t)value, size, flags};
  return syscall(463, dir, path, at, name, &a, sizeof a);
}
static char buffer[256];
static long get(int dir, const char *path, int at, const char *name, uint32_t size, uint32_t flags) {
  struct args a = {(uintptr_t)buffer, size, flags};
  memset(buffer, 0, sizeof buffer);
  return syscall(464, dir, path, at, name, &a, sizeof a);
}
static long list(int dir, const char *path, int at, size_t size) {
  memset(buffer, 0, sizeof buffer);
  return syscall(465, dir, path, at, buffer, size);
}
static long del(int dir, const char *path, int at, const char *name) { return syscall(466, dir, path, at, name); }
enum { NOFOLLOW = 0x100, EMPTY = 0x1000 };

int main(void) {
  scratch();
  mkdir("dir", 0755);
  put("dir/file", "x");
  symlink("file", "dir/link");
  int dir = open("dir", O_RDONLY), file = open("dir/file", O_RDONLY), path = open("dir/file", O_PATH);
  R(set(AT_FDCWD, "dir/file", 0, "user.a", "one", 3, 0));
  R(set(dir, "file", 0, "user.b", "two!", 4, 0));
  R(set(file, "", EMPTY, "user.c", "three", 5, 0));
  R(set(file, 0, EMPTY, "user.d", "", 0, 0));
  R(set(dir, "link", 0, "user.e", "through", 7, 0));
  R(set(dir, "link", NOFOLLOW, "user.f", "x", 1, 0));
  R(set(dir, "link", NOFOLLOW, "trusted.f", "x", 1, 0));
  R(set(path, "", EMPTY, "user.g", "x", 1, 0));
  R(set(path, 0, EMPTY, "user.g", "x", 1, 0));
  R(set(AT_FDCWD, "", EMPTY, "user.here", "x", 1, 0));
  R(set(AT_FDCWD, "", 0, "user.here", "x", 1, 0));
  R(set(file, 0, 0, "user.h", "x", 1, 0));
  R(set(dir, "file", 1, "user.h", "x", 1, 0));
  R(set(dir, "file", 0x400, "user.h", "x", 1, 0));
  R(set(dir, "file", 0, "user.a", "x", 1, XATTR_CREATE));
  R(set(dir, "file", 0, "user.z", "x", 1, XATTR_REPLACE));
  R(set(dir, "file", 0, "user.a", "again", 5, XATTR_REPLACE));
  R(set(dir, "file", 0, "user.a", "x", 1, 4));
  R(set(dir, "file", 0, "user.a", "x", 65537, 0));
  R(set(dir, "file", 0, "user.a", (char *)1, 5, 0));
  R(set(dir, "file", 0, "", "x", 1, 0));
  R(set(dir, "file", 0, (char *)1, "x", 1, 0));
  R(set(dir, (char *)1, 0, "user.a", "x", 1, 0));
  R(set(99, "file", 0, "user.a", "x", 1, 0));
  R(set(99, "", EMPTY, "user.a", "x", 1, 0));
  R(set(file, "x", 0, "user.a", "x", 1, 0));
  R(set(dir, "none", 0, "user.a", "x", 1, 0));
  R(set(dir, "file", 0, "bad.a", "x", 1, 0));
  struct args a = {(uintptr_t)"v", 1, 0};
  R(syscall(463, dir, "file", 0, "user.s", &a, 8));
  R(syscall(463, dir, "file", 0, "user.s", &a, 0));
  R(syscall(463, dir, "file", 0, "user.s", &a, 4097));
  R(syscall(463, dir, "file", 0, "user.s", 0, 16));
  R(syscall(463, dir, "file", 1, "user.s", 0, 8));
  struct { struct args a; uint64_t more; } larger = {a, 0};
  R(syscall(463, dir, "file", 0, "user.s", &larger, sizeof larger));
  larger.more = 1;
  R(syscall(463, dir, "file", 0, "user.s", &larger, sizeof larger));
  R(get(dir, "file", 0, "user.a", 99, 0));
  show("value", "%s", buffer);
  R(get(dir, "link", 0, "user.b", 99, 0));
  show("value", "%s", buffer);
  R(get(dir, "link", NOFOLLOW, "user.b", 99, 0));
  R(get(dir, "link", NOFOLLOW, "trusted.f", 99, 0));
  R(get(file, 0, EMPTY, "user.c", 99, 0));
  show("value", "%s", buffer);
  R(get(path, 0, EMPTY, "user.c", 99, 0));
  R(get(file, "", EMPTY, "user.d", 99, 0));
  R(get(dir, "file", 0, "user.a", 0, 0));
  R(get(dir, "file", 0, "user.a", 2, 0));
  R(get(dir, "file", 0, "user.a", 99, 1));
  R(get(dir, "file", 2, "user.a", 99, 0));
  R(get(dir, "file", 0, "user.none", 99, 0));
  R(syscall(464, dir, "file", 0, "user.a", &a, 15));
  R(syscall(464, dir, "file", 0, "user.a", &a, 5000));
  long n = list(dir, "file", 0, sizeof buffer);
  show("names", "%ld bytes", n);
  int count = 0;
  for (long i = 0; i < n; i += (long)strlen(buffer + i) + 1) count += !strncmp(buffer + i, "user.", 5);
  show("of users", "%d", count);
  R(list(dir, "link", NOFOLLOW, sizeof buffer));
  R(list(file, 0, EMPTY, 0));
  R(list(file, "", EMPTY, 3));
  R(list(path, "", EMPTY, 0));
  R(list(dir, "file", 4, 0));
  R(list(dir, "none", 0, 0));
  R(del(dir, "file", 0, "user.a"));
  R(del(dir, "file", 0, "user.a"));
  R(del(file, 0, EMPTY, "user.b"));
  R(del(path, "", EMPTY, "user.c"));
  R(del(dir, "link", NOFOLLOW, "trusted.f"));
  R(del(dir, "file", 1, "user.c"));
  R(del(dir, "file", 0, ""));
  R(del(99, "file", 0, "user.c"));
  show("left", "%ld", list(dir, "file", 0, sizeof buffer));
  chmod("dir/file", 0400);
  fflush(stdout);
  if (fork() == 0) {
    if (setresuid(1000, 1000, 1000)) return 98;
    R(get(dir, "file", 0, "user.c", 99, 0));
    R(set(dir, "file", 0, "user.c", "x", 1, 0));
    R(del(dir, "file", 0, "user.c"));
    R(list(dir, "file", 0, 0));
    return 0;
  }
  wait(0);
  scratch_remove();
  return 0;
}
