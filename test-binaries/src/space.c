// fallocate(2) and posix_fadvise(2), full file systems, limits of inodes: ENOSPC on a tmpfs with a size.
// Not checked: file systems with collapse, insert, zero or unshare (a tmpfs refuses them), quotas.
#include "t.h"
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
static char block[65536];
static long size_of(int fd) {
  struct stat s;
  fstat(fd, &s);
  return s.st_size;
}
static long blocks_of(int fd) {
  struct stat s;
  fstat(fd, &s);
  return s.st_blocks;
}
enum { KEEP = 1, PUNCH = 2, COLLAPSE = 8, ZERO = 16, INSERT = 32, UNSHARE = 64 };
static void allocate(void) {
  mkdir("t", 0755);
  mount("none", "t", "tmpfs", 0, 0);
  chdir("t");
  int fd = open("a", O_CREAT | O_RDWR, 0644), ro = open("a", O_RDONLY), d = open(".", O_RDONLY), p[2];
  pipe(p);
  R(fallocate(-1, 0, 0, 1));
  R(fallocate(ro, 0, 0, 1));
  R(fallocate(p[1], 0, 0, 1));
  R(fallocate(p[0], 0, 0, 1));
  R(fallocate(d, 0, 0, 1));
  R(fallocate(open("/dev/null", O_RDWR), 0, 0, 1));
  R(fallocate(fd, 0, -1, 1));
  R(fallocate(fd, 0, 0, 0));
  R(fallocate(fd, 0, 0, -1));
  R(fallocate(fd, 1 << 20, 0, 1));
  R(fallocate(ro, 1 << 20, 0, 1));
  R(fallocate(fd, PUNCH, 0, 1));
  R(fallocate(fd, PUNCH | COLLAPSE | KEEP, 0, 1));
  R(fallocate(fd, COLLAPSE | KEEP, 0, 4096));
  R(fallocate(fd, COLLAPSE, 0, 4096));
  R(fallocate(fd, INSERT, 0, 4096));
  R(fallocate(fd, ZERO, 0, 4096));
  R(fallocate(fd, UNSHARE, 0, 4096));
  R(fallocate(fd, PUNCH | KEEP | ZERO, 0, 4096));
  R(fallocate(fd, 0, 0x7fffffffffffffffL, 1));
  R(fallocate(fd, 0, 1, 0x7fffffffffffffffL));
  R(fallocate(fd, 0, 0, 10000));
  R(size_of(fd));
  R(blocks_of(fd));
  R(fallocate(fd, KEEP, 0, 50000));
  R(size_of(fd));
  R(blocks_of(fd));
  memset(block, 'x', sizeof block);
  R(pwrite(fd, block, 20000, 0));
  R(fallocate(fd, PUNCH | KEEP, 4096, 8192));
  R(size_of(fd));
  char b[4] = {0};
  pread(fd, b, 1, 4095);
  pread(fd, b + 1, 1, 4096);
  pread(fd, b + 2, 1, 12287);
  pread(fd, b + 3, 1, 12288);
  show("around the hole", "%d %d %d %d", b[0], b[1], b[2], b[3]);
  R(lseek(fd, 0, SEEK_HOLE));
  R(lseek(fd, 4096, SEEK_DATA));
  R(fallocate(fd, PUNCH | KEEP, 100, 50));
  pread(fd, b, 1, 99);
  pread(fd, b + 1, 1, 100);
  pread(fd, b + 2, 1, 149);
  pread(fd, b + 3, 1, 150);
  show("inside a page", "%d %d %d %d", b[0], b[1], b[2], b[3]);
  R(fallocate(fd, PUNCH | KEEP, 19000, 100000));
  R(size_of(fd));
  pread(fd, b, 1, 19000);
  show("the end", "%d", b[0]);
  char *map = mmap(0, 20000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  map[13000] = 'm';
  R(fallocate(fd, PUNCH | KEEP, 12288, 4096));
  show("seen in a mapping", "%d", map[13000]);
  munmap(map, 20000);
  R(posix_fallocate(fd, 0, 30000));
  R(size_of(fd));
  R(posix_fallocate(ro, 0, 30000) == EBADF);
  R(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
  R(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
  R(posix_fadvise(fd, 0, 0, 77));
  R(posix_fadvise(p[0], 0, 0, 0));
  R(posix_fadvise(-1, 0, 0, 77));
  R(posix_fadvise(d, 0, 0, POSIX_FADV_RANDOM));
  R(syscall(SYS_readahead, fd, 0L, 4096L));
  R(syscall(SYS_readahead, p[0], 0L, 4096L));
  R(syscall(SYS_readahead, -1, 0L, 4096L));
  R(syscall(SYS_readahead, open("a", O_WRONLY), 0L, 4096L));
  R(syscall(SYS_readahead, d, 0L, 4096L));
  R(fsync(fd));
  R(fsync(d));
  R(fsync(p[0]));
  R(fsync(-1));
  R(fdatasync(p[1]));
  R(syncfs(fd));
  R(syncfs(-1));
  R(sync_file_range(fd, 0, 0, 7));
  R(sync_file_range(fd, 0, 0, 8));
  R(sync_file_range(fd, -1, 0, 1));
  R(sync_file_range(fd, 0, -1, 1));
  R(sync_file_range(p[0], 0, 0, 1));
  R(sync_file_range(-1, 0, 0, 8));
  chdir("..");
}

static void full(void) {
  mkdir("m", 0755);
  R(mount("none", "m", "tmpfs", 0, "size=64k,nr_inodes=10"));
  struct statfs s;
  R(statfs("m", &s));
  show("blocks", "%ld of %ld", (long)s.f_bfree, (long)s.f_blocks);
  show("inodes", "%ld of %ld", (long)s.f_ffree, (long)s.f_files);
  show("type", "%lx", (long)s.f_type);
  show("name", "%ld", (long)s.f_namelen);
  int fd = open("m/f", O_CREAT | O_RDWR, 0644);
  R(write(fd, block, 40000));
  R(fallocate(fd, 0, 0, 70000));
  R(size_of(fd));
  R(fallocate(fd, KEEP, 0, 60000));
  R(write(fd, block, 40000));
  R(write(fd, block, 1));
  R(lseek(fd, 0, SEEK_CUR));
  R(pwrite(fd, block, 10, 0));
  R(symlink("target", "m/l"));
  R(mkdir("m/d", 0755));
  R(mknod("m/n", S_IFIFO | 0644, 0));
  int other = open("m/g", O_CREAT | O_RDWR, 0644);
  R(write(other, "x", 1));
  statfs("m", &s);
  show("blocks", "%ld of %ld", (long)s.f_bfree, (long)s.f_blocks);
  show("inodes", "%ld of %ld", (long)s.f_ffree, (long)s.f_files);
  R(ftruncate(fd, 8192));
  statfs("m", &s);
  show("blocks", "%ld of %ld", (long)s.f_bfree, (long)s.f_blocks);
  R(write(other, "x", 1));
  R(ftruncate(other, 1000000));
  char name[20];
  int i;
  for (i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "m/i%d", i);
    int n = open(name, O_CREAT | O_WRONLY, 0644);
    if (n < 0) break;
    close(n);
  }
  show("more files", "%d %s", i, errname(errno));
  R(mkdir("m/e", 0755));
  R(symlink("t", "m/s"));
  R(link("m/f", "m/hard"));
  R(unlink("m/i0"));
  R(mkdir("m/e", 0755));
  R(unlink("m/f"));
  statfs("m", &s);
  show("still open", "%ld of %ld", (long)s.f_bfree, (long)s.f_blocks);
  R(unlink("m/hard"));
  close(fd);
  statfs("m", &s);
  show("gone", "%ld of %ld", (long)s.f_bfree, (long)s.f_blocks);
  char *map = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    for (i = 0; i < 1 << 20; i += 4096) map[i] = 1;
    _exit(0);
  }
  int st;
  waitpid(c, &st, 0);
  status("a mapping of a full file system", st);
  munmap(map, 1 << 20);
  close(other);
  R(mount("none", "m", "tmpfs", MS_REMOUNT, "size=128k"));
  statfs("m", &s);
  show("blocks", "%ld", (long)s.f_blocks);
  R(mount("none", "m", "tmpfs", MS_REMOUNT, "size=4k"));
  R(umount("m"));
  struct statvfs v;
  R(statvfs("/proc", &v));
  R(statfs("missing", &s));
  R(statfs("", &s));
  R(syscall(SYS_statfs, "/", (void *)1));
  R(statfs("t/a/x", &s));
  R(fstatfs(-1, &s));
  int p[2];
  pipe(p);
  R(fstatfs(p[0], &s));
  show("pipefs", "%lx %ld", (long)s.f_type, (long)s.f_bsize);
  R(statfs("/proc", &s));
  show("proc", "%lx", (long)s.f_type);
  R(statfs("/dev/pts", &s));
  show("devpts", "%lx", (long)s.f_type);
}

int main(void) {
  scratch();
  allocate();
  full();
  umount2("t", MNT_DETACH);
  scratch_remove();
  return 0;
}
