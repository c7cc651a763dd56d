// The newer mount calls: fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2), move_mount(2), mount_setattr(2), and
// file handles (name_to_handle_at(2)). Not checked: id-mapped mounts, overlays, statmount(2).
#include "t.h"
#include <sys/mount.h>
#include <sys/statfs.h>
enum { N_open_tree = 428, N_move_mount, N_fsopen, N_fsconfig, N_fsmount, N_fspick, N_mount_setattr = 442 };
enum { SET_FLAG, SET_STRING, SET_BINARY, SET_PATH, SET_PATH_EMPTY, SET_FD, CREATE, RECONFIGURE };
#define fsopen(n, f) syscall(N_fsopen, n, f)
#define fsconfig(fd, c, k, v, a) syscall(N_fsconfig, fd, c, k, v, a)
#define fsmount(fd, f, a) syscall(N_fsmount, fd, f, a)
#define fspick(d, p, f) syscall(N_fspick, d, p, f)
#define open_tree(d, p, f) syscall(N_open_tree, d, p, f)
#define move_mount(fd, fp, td, tp, f) syscall(N_move_mount, fd, fp, td, tp, f)
enum { FROM_EMPTY = 4, TO_EMPTY = 0x40 };
static long statflags(const char *path) {
  struct statfs s;
  return statfs(path, &s) ? -1 : (long)s.f_flags & ~0x20L;
}
static int opens(int d, const char *path, int flags) {
  int fd = openat(d, path, flags, 0644);
  if (fd < 0) return -1;
  close(fd);
  return 1;
}
static int here(const char *path) { return access(path, F_OK) == 0; }

static void contexts(void) {
  R(fsopen("nosuch", 0));
  R(fsopen((char *)1, 0));
  R(fsopen("tmpfs", 2));
  int fs = (int)fsopen("tmpfs", 1), mnt;
  R(fcntl(fs, F_GETFD));
  R(fsconfig(-1, CREATE, 0, 0, 0));
  R(fsconfig(500, CREATE, 0, 0, 0));
  R(fsconfig(0, CREATE, 0, 0, 0));
  R(fsconfig(fs, 99, 0, 0, 0));
  R(fsconfig(fs, SET_FLAG, 0, 0, 0));
  R(fsconfig(fs, SET_FLAG, "ro", "x", 0));
  R(fsconfig(fs, SET_FLAG, "ro", 0, 1));
  R(fsconfig(fs, SET_STRING, "size", 0, 0));
  R(fsconfig(fs, SET_STRING, 0, "1m", 0));
  R(fsconfig(fs, SET_STRING, "size", "1m", 1));
  R(fsconfig(fs, SET_BINARY, "size", "1m", 0));
  R(fsconfig(fs, SET_PATH, "size", "1m", -1));
  R(fsconfig(fs, SET_FD, "size", 0, -1));
  R(fsconfig(fs, CREATE, "x", 0, 0));
  R(fsconfig(fs, SET_STRING, "size", "1m", 0));
  R(fsconfig(fs, SET_STRING, "mode", "750", 0));
  R(fsconfig(fs, SET_STRING, "nosuch", "1", 0));
  R(fsconfig(fs, SET_STRING, "size", "bad", 0));
  R(fsconfig(fs, SET_STRING, "source", "somewhere", 0));
  R(fsconfig(fs, SET_STRING, "source", "again", 0));
  R(fsconfig(fs, SET_STRING, (char *)1, "x", 0));
  R(fsmount(fs, 0, 0));
  R(fsconfig(fs, CREATE, 0, 0, 0));
  R(fsconfig(fs, CREATE, 0, 0, 0));
  R(fsconfig(fs, SET_STRING, "size", "2m", 0));
  R(fsmount(fs, 2, 0));
  R(fsmount(fs, 0, 0x8000));
  R(fsmount(fs, 0, 0x30));
  R(fsmount(-1, 0, 0));
  R(fsmount(0, 0, 0));
  mnt = (int)fsmount(fs, 1, 2 | 8);
  ok("fsmount", mnt);
  R(fcntl(mnt, F_GETFD));
  R(fsmount(fs, 0, 0));
  struct stat s;
  fstat(mnt, &s);
  show("its root", "%o", s.st_mode);
  R(opens(mnt, "before", O_CREAT | O_WRONLY));
  R(move_mount(mnt, "", AT_FDCWD, "m", 0));
  R(move_mount(mnt, "", AT_FDCWD, "missing", FROM_EMPTY));
  R(move_mount(mnt, "", AT_FDCWD, "f", FROM_EMPTY));
  R(move_mount(mnt, "", AT_FDCWD, "m", FROM_EMPTY | 0x8000));
  R(move_mount(-1, "", AT_FDCWD, "m", FROM_EMPTY));
  R(move_mount(mnt, "", AT_FDCWD, "m", FROM_EMPTY));
  R(here("m/before"));
  show("flags", "%lx", statflags("m"));
  R(move_mount(mnt, "", AT_FDCWD, "n", FROM_EMPTY));
  R(here("m/before"));
  R(here("n/before"));
  close(mnt);
  close(fs);
  R(here("n/before"));
  fs = (int)fspick(AT_FDCWD, "n", 0);
  ok("fspick", fs);
  R(fspick(AT_FDCWD, "missing", 0));
  R(fspick(AT_FDCWD, "m", 0));
  R(fspick(AT_FDCWD, "n", 0x100));
  R(fsconfig(fs, SET_STRING, "size", "2m", 0));
  R(fsconfig(fs, SET_FLAG, "ro", 0, 0));
  R(fsconfig(fs, CREATE, 0, 0, 0));
  R(fsconfig(fs, RECONFIGURE, 0, 0, 0));
  struct statfs f;
  statfs("n", &f);
  show("blocks", "%ld", (long)f.f_blocks);
  R(opens(AT_FDCWD, "n/new", O_CREAT | O_WRONLY));
  close(fs);
  R(umount("n"));
  fs = (int)fsopen("tmpfs", 0);
  fsconfig(fs, CREATE, 0, 0, 0);
  mnt = (int)fsmount(fs, 0, 0);
  close(fs);
  close(mnt);
  R(umount("n"));
}

static void trees(void) {
  mount("none", "m", "tmpfs", 0, 0);
  put("m/x", "");
  mkdir("m/sub", 0755);
  mount("none", "m/sub", "tmpfs", 0, 0);
  put("m/sub/y", "");
  R(open_tree(AT_FDCWD, "missing", 1));
  R(open_tree(AT_FDCWD, "m", 2));
  R(open_tree(AT_FDCWD, "m", 0x8000));
  R(open_tree(-1, "m", 1));
  int t = (int)open_tree(AT_FDCWD, "m", 0), c = (int)open_tree(AT_FDCWD, "m", 1 | O_CLOEXEC), r = (int)open_tree(AT_FDCWD, "m", 1 | 0x8000), d;
  ok("open_tree", t);
  ok("a clone", c);
  ok("recursively", r);
  R(fcntl(c, F_GETFD));
  show("flags", "%o", fcntl(t, F_GETFL) & ~O_LARGEFILE);
  R(opens(t, "sub/y", O_RDONLY));
  R(opens(c, "x", O_RDONLY));
  R(opens(c, "sub/y", O_RDONLY));
  R(opens(r, "sub/y", O_RDONLY));
  R(move_mount(c, "", AT_FDCWD, "n", FROM_EMPTY));
  show("placed", "%d %d", here("n/x"), here("n/sub/y"));
  R(umount("n"));
  R(move_mount(r, "", AT_FDCWD, "n", FROM_EMPTY));
  show("placed", "%d %d", here("n/x"), here("n/sub/y"));
  R(move_mount(AT_FDCWD, "n/sub", AT_FDCWD, "d", 0));
  show("moved", "%d %d", here("n/sub/y"), here("d/y"));
  R(move_mount(AT_FDCWD, "n", AT_FDCWD, "n/sub", 0));
  R(move_mount(AT_FDCWD, "f", AT_FDCWD, "d", 0));
  d = open("d", O_PATH);
  R(move_mount(AT_FDCWD, "n", d, "", TO_EMPTY));
  R(here("d/x"));
  close(t);
  close(c);
  close(r);
  close(d);
  R(umount("d"));
  R(umount("d"));
  umount2("m", MNT_DETACH);
}

struct attr { uint64_t set, clr, propagation, userns; };
#define setattr(d, p, f, ...) syscall(N_mount_setattr, d, p, f, &(struct attr){__VA_ARGS__}, sizeof(struct attr))
static void attributes(void) {
  mount("none", "m", "tmpfs", 0, 0);
  mkdir("m/sub", 0755);
  mount("none", "m/sub", "tmpfs", 0, 0);
  struct attr a = {1, 0, 0, 0};
  R(syscall(N_mount_setattr, AT_FDCWD, "m", 0, &a, 31));
  R(syscall(N_mount_setattr, AT_FDCWD, "m", 0, &a, 5000));
  R(syscall(N_mount_setattr, AT_FDCWD, "m", 0, (void *)1, 32));
  R(syscall(N_mount_setattr, AT_FDCWD, "m", 0x400000, &a, 32));
  R(setattr(AT_FDCWD, "missing", 0, 1, 0, 0, 0));
  R(setattr(AT_FDCWD, "d", 0, 1, 0, 0, 0));
  R(setattr(AT_FDCWD, "m", 0, 1ull << 40, 0, 0, 0));
  R(setattr(AT_FDCWD, "m", 0, 0x10, 0, 0, 0));
  R(setattr(AT_FDCWD, "m", 0, 0, 0, 3, 0));
  R(setattr(AT_FDCWD, "m", 0, 0, 0, 0, 0));
  R(setattr(AT_FDCWD, "m", 0, 1 | 8, 0, 0, 0));
  show("flags", "%lx %lx", statflags("m"), statflags("m/sub"));
  R(open("m/new", O_CREAT | O_WRONLY, 0644));
  R(setattr(AT_FDCWD, "m", 0x8000, 2, 1, 0, 0));
  show("flags", "%lx %lx", statflags("m"), statflags("m/sub"));
  R(setattr(AT_FDCWD, "m", 0, 0x10, 0x70, 0, 0));
  show("flags", "%lx", statflags("m"));
  R(setattr(AT_FDCWD, "m", 0, 0, 0, MS_SHARED, 0));
  int fd = open("m/new", O_CREAT | O_WRONLY, 0644);
  R(setattr(AT_FDCWD, "m", 0, 1, 0, 0, 0));
  close(fd);
  umount2("m", MNT_DETACH);
}

struct handle { unsigned bytes; int type; unsigned char data[128]; };
static void handles(void) {
  struct handle h = {0, 0, {0}};
  int id = 0, m = open(".", O_RDONLY), fd;
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &id, 0));
  yes("the size is told", h.bytes > 0 && h.bytes <= 128);
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &id, 0));
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "missing", &h, &id, 0));
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &id, 0x10));
  R(syscall(SYS_name_to_handle_at, -1, "f", &h, &id, 0));
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", (void *)1, &id, 0));
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, (void *)1, 0));
  struct handle big = {200, 0, {0}};
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &big, &id, 0));
  fd = (int)syscall(SYS_open_by_handle_at, m, &h, O_RDONLY);
  ok("open_by_handle_at", fd);
  char c = 0;
  read(fd, &c, 1);
  show("contents", "%c", c);
  close(fd);
  R(syscall(SYS_open_by_handle_at, -1, &h, O_RDONLY));
  R(syscall(SYS_open_by_handle_at, m, (void *)1, O_RDONLY));
  rename("f", "f2");
  fd = (int)syscall(SYS_open_by_handle_at, m, &h, O_RDWR);
  ok("renamed", fd);
  close(fd);
  struct handle bad = h;
  bad.bytes = 0;
  R(syscall(SYS_open_by_handle_at, m, &bad, O_RDONLY));
  bad.bytes = 129;
  R(syscall(SYS_open_by_handle_at, m, &bad, O_RDONLY));
  unlink("f2");
  R(syscall(SYS_open_by_handle_at, m, &h, O_RDONLY));
  h.bytes = 128;
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "d", &h, &id, 0));
  fd = (int)syscall(SYS_open_by_handle_at, m, &h, O_RDONLY | O_DIRECTORY);
  ok("a directory", fd);
  close(fd);
  R(syscall(SYS_name_to_handle_at, m, "", &h, &id, AT_EMPTY_PATH));
  symlink("d", "l");
  h.bytes = 128;
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "l", &h, &id, 0));
  R(syscall(SYS_open_by_handle_at, m, &h, O_RDONLY));
  h.bytes = 128;
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "/proc/self", &h, &id, 0) == -1);
}

static void unprivileged(void) {
  R(fsopen("tmpfs", 0));
  R(open_tree(AT_FDCWD, "d", 1));
  R(close((int)open_tree(AT_FDCWD, "d", 0)));
  R(move_mount(AT_FDCWD, "d", AT_FDCWD, "m", 0));
  R(fspick(AT_FDCWD, "d", 0));
  R(setattr(AT_FDCWD, "d", 0, 1, 0, 0, 0));
  struct handle h = {128, 0, {0}};
  int id, m = open(".", O_RDONLY);
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "d", &h, &id, 0));
  R(syscall(SYS_open_by_handle_at, m, &h, O_RDONLY));
}

int main(void) {
  scratch();
  mount("none", scratch_path, "tmpfs", 0, 0);
  chdir(scratch_path);
  mkdir("m", 0755);
  mkdir("n", 0755);
  mkdir("d", 0755);
  put("f", "0123456789");
  contexts();
  trees();
  attributes();
  handles();
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    setresuid(1000, 1000, 1000);
    unprivileged();
    _exit(0);
  }
  waitpid(p, 0, 0);
  chdir("/");
  umount2(scratch_path, MNT_DETACH);
  scratch_remove();
  return 0;
}
