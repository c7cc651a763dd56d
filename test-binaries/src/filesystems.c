// mount(2) and umount2, extended attributes, memfd_create and its seals, splice and tee, openat2.
#include "t.h"
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

// linux/openat2.h, which musl-gcc does not find.
struct open_how {
  uint64_t flags, mode, resolve;
};
enum { RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT = 16 };

static void mounts(void) {
  mkdir("m", 0755);
  put("m/below", "x");
  ret("mount tmpfs", mount("none", "m", "tmpfs", 0, "size=64k,mode=700"));
  struct stat s;
  stat("m", &s);
  show("its mode", "%o", s.st_mode);
  ret("what was there is hidden", access("m/below", F_OK));
  struct statfs fs;
  statfs("m", &fs);
  show("size in blocks", "%ld", (long)fs.f_blocks);
  int fd = open("m/big", O_CREAT | O_RDWR, 0644);
  char block[32768] = {0};
  ret("write", write(fd, block, sizeof block));
  ret("write", write(fd, block, sizeof block));
  ret("full", write(fd, block, 1));
  ret("truncate", ftruncate(fd, 32768));
  ret("room again", pwrite(fd, block, 4096, 32768));
  ret("busy", umount("m"));
  close(fd);
  ret("link across", link("m/big", "l"));
  ret("rename across", rename("m/big", "n"));
  ret("remove the mount point", rmdir("m"));
  ret("remount read-only", mount(0, "m", 0, MS_REMOUNT | MS_RDONLY, 0));
  ret("write", open("m/big", O_WRONLY));
  ret("create", open("m/new", O_CREAT | O_WRONLY, 0644));
  ret("unlink", unlink("m/big"));
  ret("mkdir an existing", mkdir("m/big", 0755));
  ret("access W_OK", access("m/big", W_OK));
  ret("umount", umount("m"));
  ret("umount again", umount("m"));
  ret("back", access("m/below", F_OK));
  ret("unknown type", mount("none", "m", "nosuchfs", 0, 0));
  ret("bad option", mount("none", "m", "tmpfs", 0, "nosuchoption=1"));
  ret("on a file", mount("none", "m/below", "tmpfs", 0, 0));
  ret("on nothing", mount("none", "missing", "tmpfs", 0, 0));
  mkdir("b", 0755);
  ret("bind", mount("m", "b", 0, MS_BIND, 0));
  ret("seen there", access("b/below", F_OK));
  put("b/new", "y");
  ret("and here", access("m/new", F_OK));
  ret("through ..", access("b/../m/new", F_OK));
  ret("rename across a bind", rename("b/new", "m/other"));
  put("f", "source");
  put("g", "target");
  ret("bind a file", mount("f", "g", 0, MS_BIND, 0));
  char text[10] = {0};
  fd = open("g", O_RDONLY);
  read(fd, text, 9);
  close(fd);
  show("text", "%s", text);
  ret("unlink a mount point", unlink("g"));
  ret("umount", umount("g"));
  fd = open("b/new", O_RDONLY);
  ret("busy", umount("b"));
  ret("MNT_DETACH", umount2("b", MNT_DETACH));
  ret("gone", access("b/below", F_OK));
  ret("but readable", read(fd, text, 9));
  close(fd);
  ret("not a mount point", umount("m"));
}

static void xattrs(void) {
  put("x", "x");
  char value[100];
  ret("get none", getxattr("x", "user.a", value, 100));
  ret("set", setxattr("x", "user.a", "one", 3, 0));
  ret("set another", setxattr("x", "user.b", "", 0, 0));
  ret("size", getxattr("x", "user.a", 0, 0));
  ret("get", getxattr("x", "user.a", value, 100));
  ret("too small", getxattr("x", "user.a", value, 2));
  ret("XATTR_CREATE", setxattr("x", "user.a", "two", 3, XATTR_CREATE));
  ret("XATTR_REPLACE", setxattr("x", "user.c", "two", 3, XATTR_REPLACE));
  ret("replace", setxattr("x", "user.a", "longer", 6, XATTR_REPLACE));
  ret("list size", listxattr("x", 0, 0));
  ret("list", listxattr("x", value, 100));
  show("first", "%s", value);
  ret("list too small", listxattr("x", value, 3));
  ret("remove", removexattr("x", "user.a"));
  ret("remove again", removexattr("x", "user.a"));
  ret("no namespace", setxattr("x", "plain", "1", 1, 0));
  ret("unknown namespace", setxattr("x", "other.a", "1", 1, 0));
  ret("empty name", setxattr("x", "", "1", 1, 0));
  ret("bad flags", setxattr("x", "user.a", "1", 1, 8));
  ret("trusted", setxattr("x", "trusted.t", "1", 1, 0));
  symlink("x", "xl");
  ret("user on a symlink", lsetxattr("xl", "user.a", "1", 1, 0));
  ret("through it", setxattr("xl", "user.l", "1", 1, 0));
  ret("on its file", getxattr("x", "user.l", value, 100));
  int fd = open("x", O_RDONLY);
  ret("by descriptor", fsetxattr(fd, "user.f", "1", 1, 0));
  close(fd);
  ret("missing", setxattr("missing", "user.a", "1", 1, 0));
}

static void memfds(void) {
  int fd = memfd_create("name", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  yes("memfd", fd >= 0);
  char path[64], link[100] = {0};
  sprintf(path, "/proc/self/fd/%d", fd);
  readlink(path, link, 99);
  show("link", "%s", link);
  struct stat s;
  fstat(fd, &s);
  show("mode and links", "%o %ld", s.st_mode, (long)s.st_nlink);
  ret("write", write(fd, "contents", 8));
  int again = open(path, O_RDWR);
  char text[20] = {0};
  ret("opened again", read(again, text, 20));
  show("text", "%s", text);
  close(again);
  ret("seals", fcntl(fd, F_GET_SEALS));
  ret("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  ret("shrink", ftruncate(fd, 2));
  ret("grow", ftruncate(fd, 20));
  ret("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  ret("grow", ftruncate(fd, 30));
  ret("write beyond", pwrite(fd, "x", 1, 20));
  ret("write within", pwrite(fd, "x", 1, 19));
  ret("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  ret("write", pwrite(fd, "x", 1, 0));
  ret("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  ret("no more", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  ret("seals", fcntl(fd, F_GET_SEALS));
  close(fd);
  fd = memfd_create("plain", 0);
  ret("not sealable", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  ret("its seals", fcntl(fd, F_GET_SEALS));
  close(fd);
  ret("bad flags", memfd_create("x", 0x4000));
}

static void pipes(void) {
  int a[2], b[2];
  pipe2(a, O_NONBLOCK);
  pipe2(b, O_NONBLOCK);
  put("s", "0123456789");
  int in = open("s", O_RDONLY), out = open("o", O_RDWR | O_CREAT, 0644);
  loff_t at = 3;
  char text[20] = {0};
  ret("splice from a file", splice(in, &at, a[1], 0, 4, 0));
  show("offset", "%ld", (long)at);
  ret("tee", tee(a[0], b[1], 2, 0));
  ret("it is still there", read(a[0], text, 20));
  show("text", "%s", text);
  memset(text, 0, 20);
  ret("copied", read(b[0], text, 20));
  show("text", "%s", text);
  write(a[1], "abcdef", 6);
  ret("splice to a file", splice(a[0], 0, out, 0, 4, 0));
  at = 10;
  ret("at an offset", splice(a[0], 0, out, &at, 100, 0));
  ret("empty", splice(a[0], 0, out, 0, 1, 0));
  struct stat s;
  fstat(out, &s);
  show("size", "%ld", (long)s.st_size);
  ret("neither is a pipe", splice(in, 0, out, 0, 1, 0));
  ret("offset on a pipe", splice(a[0], &at, out, 0, 1, 0));
  ret("to itself", splice(a[0], 0, a[1], 0, 1, 0));
  ret("tee a file", tee(in, a[1], 1, 0));
  ret("wrong end", splice(a[1], 0, out, 0, 1, 0));
  write(a[1], "pipe to pipe", 12);
  ret("between pipes", splice(a[0], 0, b[1], 0, 100, 0));
  ret("arrived", read(b[0], text, 20));
  close(b[0]);
  signal(SIGPIPE, SIG_IGN);
  write(a[1], "x", 1);
  ret("nobody reads", splice(a[0], 0, b[1], 0, 1, 0));
  close(a[1]);
  ret("kept", read(a[0], text, 20));
  ret("end", splice(a[0], 0, out, 0, 1, 0));
}

static int resolve(int dir, const char *path, unsigned long how) {
  struct open_how h = {.flags = O_RDONLY, .resolve = how};
  int fd = syscall(437, dir, path, &h, sizeof h);
  if (fd >= 0) close(fd);
  return fd;
}

static void openat2s(void) {
  mkdir("base", 0755);
  mkdir("base/d", 0755);
  put("base/f", "x");
  put("outside", "x");
  symlink("../outside", "base/up");
  symlink("/etc/passwd", "base/absolute");
  symlink("d/../f", "base/within");
  int dir = open("base", O_RDONLY | O_DIRECTORY);
  ok("plain", resolve(dir, "up", 0));
  ok("BENEATH", resolve(dir, "within", RESOLVE_BENEATH));
  ok("BENEATH, up", resolve(dir, "up", RESOLVE_BENEATH));
  ok("BENEATH, absolute", resolve(dir, "/etc/passwd", RESOLVE_BENEATH));
  ok("BENEATH, absolute link", resolve(dir, "absolute", RESOLVE_BENEATH));
  ok("BENEATH, ..", resolve(dir, "..", RESOLVE_BENEATH));
  ok("IN_ROOT, absolute", resolve(dir, "/f", RESOLVE_IN_ROOT));
  ok("IN_ROOT, up", resolve(dir, "../../f", RESOLVE_IN_ROOT));
  ok("IN_ROOT, link", resolve(dir, "absolute", RESOLVE_IN_ROOT));
  ok("NO_SYMLINKS", resolve(dir, "within", RESOLVE_NO_SYMLINKS));
  ok("NO_SYMLINKS, none", resolve(dir, "f", RESOLVE_NO_SYMLINKS));
  ok("NO_XDEV", resolve(AT_FDCWD, "/proc/version", RESOLVE_NO_XDEV));
  ok("NO_MAGICLINKS", resolve(AT_FDCWD, "/proc/self/exe", RESOLVE_NO_MAGICLINKS));
  ok("both", resolve(dir, "f", RESOLVE_BENEATH | RESOLVE_IN_ROOT));
  ok("bad resolve", resolve(dir, "f", 0x1000));
  struct open_how h = {.flags = O_RDONLY, .mode = 0644};
  ret("mode without O_CREAT", syscall(437, dir, "f", &h, sizeof h));
  h.mode = 0;
  ret("too small", syscall(437, dir, "f", &h, 8));
  struct { struct open_how h; char more[8]; } big = {.h = {.flags = O_RDONLY}};
  ok("larger, zeros", syscall(437, dir, "f", &big, sizeof big));
  big.more[3] = 1;
  ret("larger, not zeros", syscall(437, dir, "f", &big, sizeof big));
  h.flags = 1ul << 40;
  ret("unknown flag", syscall(437, dir, "f", &h, sizeof h));
}

int main(void) {
  scratch();
  mounts();
  xattrs();
  memfds();
  pipes();
  openat2s();
  scratch_remove();
  return 0;
}
