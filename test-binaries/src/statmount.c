// statmount(2), listmount(2), open_tree_attr(2): what there is to know of mounts by their numbers. Not checked: mounts of other
// namespaces, id-mapped mounts, security options.
#include "t.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/prctl.h>

struct req { uint32_t size, spare; uint64_t mnt_id, param, ns; };
struct sm {
  uint32_t size, opts; uint64_t mask; uint32_t major, minor; uint64_t magic; uint32_t sb_flags, fs_type; uint64_t id, parent;
  uint32_t id_old, parent_old; uint64_t attr, propagation, peer, master, from; uint32_t root, point; uint64_t ns;
  uint32_t subtype, source, opt_num, opt_array, sec_num, sec_array; uint64_t supported; uint32_t maps[4]; uint64_t spare[43];
  char str[4096];
};
enum { SB = 1, BASIC = 2, FROM = 4, ROOT = 8, POINT = 16, TYPE = 32, NS = 64, SOURCE = 0x200, SUPPORTED = 0x1000 };
#define FIRST ((1ULL << 31) + 1)
#define LSMT_ROOT (~0ULL)
static struct sm sm;
static long statmount(uint64_t id, uint64_t mask, size_t size, unsigned flags) {
  struct req r = {24, 0, id, mask, 0};
  memset(&sm, 0xff, sizeof sm);
  return syscall(457, &r, &sm, size, flags);
}
static long listmount(uint64_t id, uint64_t last, uint64_t *ids, size_t n, unsigned flags) {
  struct req r = {24, 0, id, last, 0};
  return syscall(458, &r, ids, n, flags);
}
struct sx { uint32_t mask, blksize; uint64_t attributes; char other[128]; uint64_t mnt_id; char rest[256]; };
static uint64_t id_of(const char *path) {
  struct sx x;
  memset(&x, 0, sizeof x);
  if (syscall(SYS_statx, AT_FDCWD, path, 0, 0x4000, &x)) return 0;
  return x.mnt_id;
}
static uint64_t a, b, c, bind1, base;
static const char *name(uint64_t id) {
  return id == a ? "a" : id == b ? "b" : id == c ? "c" : id == bind1 ? "bind" : id == base ? "base" : "?";
}
static const char *text(uint64_t bit, uint32_t at) { return sm.mask & bit ? sm.str + at : "-"; }
static void tell(const char *what, uint64_t id) {
  if (statmount(id, SB | BASIC | FROM | ROOT | POINT | TYPE | SOURCE, sizeof sm, 0)) {
    show(what, "-1 %s", errname(errno));
    return;
  }
  show(what, "mask %llx type %s root %s at %s source %s", (unsigned long long)sm.mask, text(TYPE, sm.fs_type), text(ROOT, sm.root),
       text(POINT, sm.point), text(SOURCE, sm.source));
  show("  ", "%s in %s, attributes %llx propagation %llx, magic %llx, flags %x", name(sm.id), name(sm.parent), (unsigned long long)sm.attr,
       (unsigned long long)sm.propagation, (unsigned long long)sm.magic, sm.sb_flags);
  show("  ", "peer %d master %d from %d, size %s", sm.peer != 0, sm.master != 0, sm.from != 0, sm.size > 512 ? "more" : "512");
}
static void list(const char *what, uint64_t id, uint64_t last, size_t n, unsigned flags) {
  uint64_t ids[64];
  long got = listmount(id, last, ids, n, flags);
  char line[256] = "";
  if (got < 0) {
    show(what, "-1 %s", errname(errno));
    return;
  }
  for (long i = 0; i < got; i++) strcat(line, " "), strcat(line, name(ids[i]));
  show(what, "%ld:%s", got, line);
}

int main(void) {
  scratch();
  if (unshare(CLONE_NEWNS)) return 99;
  mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
  mkdir("/tmp/base", 0755);
  mount("the source", "/tmp/base", "tmpfs", 0, "mode=755");
  chdir("/tmp/base");
  mkdir("a", 0755), mkdir("b", 0755), mkdir("bind", 0755), mkdir("dir with space", 0755);
  mount("one", "a", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  mkdir("a/c", 0755);
  mount("two", "a/c", "tmpfs", MS_RDONLY | MS_NOATIME, 0);
  mount("none", "b", "tmpfs", MS_STRICTATIME | MS_NODIRATIME, 0);
  mount("dir with space", "bind", 0, MS_BIND, 0);
  base = id_of("."), a = id_of("a"), b = id_of("b"), c = id_of("a/c"), bind1 = id_of("bind");
  yes("numbers grow", base >= FIRST && a > base && c > a && b > c && bind1 > b);
  tell("base", base);
  tell("a", a);
  tell("c", c);
  tell("b", b);
  tell("bind", bind1);
  mount(0, "a", 0, MS_SHARED, 0);
  tell("shared", a);
  mount(0, "b", 0, MS_UNBINDABLE, 0);
  tell("unbindable", b);
  mkdir("peer", 0755);
  mount("a", "peer", 0, MS_BIND, 0);
  uint64_t slave = id_of("peer");
  mount(0, "peer", 0, MS_SLAVE, 0);
  tell("slave", slave);
  mount(0, "peer", 0, MS_SHARED, 0);
  tell("shared slave", slave);
  umount("peer");
  mount(0, "a", 0, MS_PRIVATE, 0);
  tell("gone", slave);
  // What is asked for
  R(statmount(a, 0, sizeof sm, 0));
  show("nothing", "mask %llx size %u", (unsigned long long)sm.mask, sm.size);
  R(statmount(a, BASIC, 512, 0));
  R(statmount(a, BASIC, 16, 0));
  show("short", "size %u mask %llx", sm.size, (unsigned long long)sm.mask);
  yes("the rest is left alone", sm.major == ~0U);
  R(statmount(a, BASIC, 0, 0));
  R(statmount(a, TYPE, 512, 0));
  R(statmount(a, TYPE, 513, 0));
  R(statmount(a, TYPE, 517, 0));
  R(statmount(a, TYPE, 518, 0));
  R(statmount(a, TYPE, 519, 0));
  show("size", "%u", sm.size);
  R(statmount(a, TYPE, 100, 0));
  R(statmount(a, 1ULL << 40, sizeof sm, 0));
  show("unknown", "%llx", (unsigned long long)sm.mask);
  R(statmount(a, SUPPORTED, sizeof sm, 0));
  show("supported", "%llx", (unsigned long long)sm.supported);
  R(statmount(a, NS, sizeof sm, 0));
  yes("a namespace", sm.ns != 0 && sm.ns != ~0ULL);
  uint64_t ns = sm.ns;
  R(statmount(b, NS, sizeof sm, 0));
  yes("the same", sm.ns == ns);
  R(statmount(a, BASIC, sizeof sm, 1));
  R(statmount(0, BASIC, sizeof sm, 0));
  R(statmount(FIRST - 1, BASIC, sizeof sm, 0));
  R(statmount(1ULL << 60, BASIC, sizeof sm, 0));
  R(statmount(LSMT_ROOT, BASIC, sizeof sm, 0));
  struct req r = {24, 0, a, BASIC, 0};
  R(syscall(457, &r, 1, sizeof sm, 0));
  R(syscall(457, 0, &sm, sizeof sm, 0));
  r.size = 16;
  R(syscall(457, &r, &sm, sizeof sm, 0));
  r.size = 5000;
  R(syscall(457, &r, &sm, sizeof sm, 0));
  r.size = 24, r.spare = 1;
  R(syscall(457, &r, &sm, sizeof sm, 0));
  r.spare = 0, r.size = 32;
  R(syscall(457, &r, &sm, sizeof sm, 0));
  r.ns = ns;
  R(syscall(457, &r, &sm, sizeof sm, 0));
  r.ns = 77;
  R(syscall(457, &r, &sm, sizeof sm, 0));
  struct { struct req r; uint64_t more; } larger = {{40, 0, a, BASIC, 0}, 0};
  R(syscall(457, &larger, &sm, sizeof sm, 0));
  larger.more = 1;
  R(syscall(457, &larger, &sm, sizeof sm, 0));
  int mounts = open("/proc/self/ns/mnt", O_RDONLY), uts = open("/proc/self/ns/uts", O_RDONLY);
  uint64_t number = 0;
  R(ioctl(mounts, 0x8008b705, &number));
  yes("its number", number == ns);
  R(ioctl(uts, 0x8008b705, &number));
  struct { uint32_t size, mounts; uint64_t id; } info = {16, 0, 0};
  R(ioctl(mounts, 0x8010b70a, &info));
  show("of it", "size %u, more than four mounts %d, number %d", info.size, info.mounts > 4, info.id == ns);
  R(ioctl(uts, 0x8010b70a, &info));
  // Lists
  list("below base", base, 0, 64, 0);
  list("from the end", base, 0, 64, 1);
  list("below a", a, 0, 64, 0);
  list("below c", c, 0, 64, 0);
  list("two", base, 0, 2, 0);
  list("two more", base, c, 2, 0);
  list("the last two", base, 0, 2, 1);
  list("those before", base, b, 2, 1);
  list("behind the last", base, bind1, 64, 0);
  list("none asked for", base, 0, 0, 0);
  list("flags", base, 0, 64, 2);
  list("too many", base, 0, 1000001, 0);
  list("last is no number", base, 5, 64, 0);
  list("no such", 1ULL << 60, 0, 64, 0);
  list("bad number", 3, 0, 64, 0);
  R(listmount(base, 0, (uint64_t *)1, 4, 0));
  uint64_t ids[512];
  long n = listmount(LSMT_ROOT, 0, ids, 512, 0);
  yes("all of them", n > 5 && ids[0] < ids[1]);
  int found = 0;
  for (long i = 0; i < n; i++) found += ids[i] == base || ids[i] == a || ids[i] == c;
  show("among them", "%d", found);
  // open_tree_attr
  struct { uint64_t set, clr, propagation, userns; } m = {1, 0, 0, 0};
  int fd = (int)syscall(467, AT_FDCWD, "a", 1 | O_CLOEXEC, &m, sizeof m);
  if (fd < 0) show("open_tree_attr", "-1 %s", errname(errno));
  else {
    R(openat(fd, "new", O_CREAT | O_WRONLY, 0600));
    show("the original", "%s", access("a", W_OK) ? errname(errno) : "writable");
    close(fd);
  }
  R(syscall(467, AT_FDCWD, "a", 1, &m, 8));
  R(syscall(467, AT_FDCWD, "a", 1, 0, 8));
  m.set = 1ULL << 40;
  R(syscall(467, AT_FDCWD, "a", 1, &m, sizeof m));
  m.set = 0;
  R((int)syscall(467, AT_FDCWD, "a", 1, &m, sizeof m) > 0);
  m.set = 2;
  R((int)syscall(467, AT_FDCWD, "b", 0, &m, sizeof m) > 0);
  tell("b changed in place", b);
  R((int)syscall(467, AT_FDCWD, "dir with space", 0, &m, sizeof m));
  R((int)syscall(467, AT_FDCWD, "dir with space", 0x8000, &m, sizeof m));
  // Below another root
  chroot("a");
  chdir("/");
  tell("a as the root", a);
  tell("c from there", c);
  tell("b from there", b);
  list("everything", LSMT_ROOT, 0, 64, 0);
  list("below b", b, 0, 64, 0);
  fflush(stdout);
  if (fork() == 0) {
    if (setresuid(1000, 1000, 1000)) return 98;
    tell("without rights: c", c);
    tell("without rights: b", b);
    list("without rights: below b", b, 0, 64, 0);
    list("without rights: all", LSMT_ROOT, 0, 64, 0);
    return 0;
  }
  wait(0);
  return 0;
}
