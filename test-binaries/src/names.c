// Names: mkdir, rmdir, link, symlink, unlink, rename, readlink, getcwd, chdir, the *at forms, getdents, path walk.
#include "t.h"
#include <dirent.h>
#include <sys/syscall.h>
static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void list(const char *what, const char *path) {
  DIR *d = opendir(path);
  char *names[64], text[1000] = "";
  int n = 0;
  if (!d) { show(what, "-1 %s", errname(errno)); return; }
  for (struct dirent *e; (e = readdir(d));) {
    names[n] = malloc(300);
    sprintf(names[n++], "%s%s", e->d_name, e->d_type == DT_DIR ? "/" : e->d_type == DT_LNK ? "@" : e->d_type == DT_FIFO ? "|" : "");
  }
  closedir(d);
  qsort(names, (size_t)n, sizeof *names, by_name);
  for (int i = 0; i < n; i++) sprintf(text + strlen(text), "%s%s", i ? " " : "", names[i]);
  show(what, "%s", text);
}
static void links(const char *path) {
  struct stat st;
  if (lstat(path, &st)) show(path, "%s", errname(errno));
  else show(path, "%s, %lu links", S_ISDIR(st.st_mode) ? "directory" : S_ISLNK(st.st_mode) ? "symlink" : "file", (unsigned long)st.st_nlink);
}
static char *content(const char *path) {
  static char b[100];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, b, 99);
  close(fd);
  if (n < 0) return "(none)";
  b[n] = 0;
  return b;
}

int main(void) {
  scratch();
  ret("mkdir", mkdir("d", 0777));
  links("d");
  ret("mkdir again", mkdir("d", 0777));
  ret("mkdir with a slash", mkdir("d/e/", 0777));
  links("d");
  ret("mkdir deep", mkdir("x/y", 0777));
  ret("mkdir .", mkdir(".", 0777));
  ret("mkdir /", mkdir("/", 0777));
  ret("rmdir not empty", rmdir("d"));
  ret("rmdir", rmdir("d/e"));
  ret("rmdir .", rmdir("d/."));
  ret("rmdir ..", rmdir("d/.."));
  put("a", "A");
  put("b", "B");
  ret("rmdir a file", rmdir("a"));
  ret("unlink a directory", unlink("d"));
  ret("unlink nothing", unlink("nothing"));
  ret("unlink with a slash", unlink("a/"));
  ret("link", link("a", "a2"));
  links("a");
  ret("link to an existing", link("a", "b"));
  ret("link a directory", link("d", "d2"));
  ret("link nothing", link("nothing", "n"));
  ret("symlink", symlink("a", "s"));
  ret("symlink to an existing", symlink("a", "s"));
  ret("empty symlink", symlink("", "e"));
  ret("link a symlink", link("s", "s2"));
  links("s2");
  ret("linkat following", linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
  links("s3");
  char b[PATH_MAX + 10] = {0};
  ret("readlink", readlink("s", b, sizeof b));
  show("target", "%s", b);
  ret("readlink cut", readlink("s", b, 1));
  ret("readlink of a file", readlink("a", b, 10));
  ret("readlink with no room", syscall(SYS_readlinkat, AT_FDCWD, "s", b, 0));
  list("listing", ".");
  ret("rename", rename("a2", "a3"));
  ret("rename onto itself", rename("a3", "a3"));
  ret("rename to a hard link of itself", rename("a", "a3"));
  list("both stay", ".");
  ret("rename over a file", rename("b", "a3"));
  show("content", "%s", content("a3"));
  links("a");
  ret("rename nothing", rename("nothing", "x"));
  ret("rename a file over a directory", rename("a3", "d"));
  ret("rename a directory over a file", rename("d", "a3"));
  mkdir("d2", 0755);
  put("d2/f", "F");
  ret("rename over a directory that is not empty", rename("d", "d2"));
  ret("rename over an empty directory", rename("d2", "d"));
  list("moved", "d");
  ret("rename into itself", rename("d", "d/sub"));
  ret("rename .", rename("d/.", "x"));
  ret("rename to ..", rename("d", "x/.."));
  ret("rename a symlink", rename("s", "s9"));
  links("s9");
  ret("rename with a slash, a file", rename("a3", "a4/"));
  ret("rename with a slash, a directory", rename("d/", "dd/"));
  ret("RENAME_NOREPLACE", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "a3", 1));
  ret("RENAME_EXCHANGE", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "a3", 2));
  show("exchanged", "%s", content("a"));
  ret("both flags", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "a3", 3));

  // open but unlinked
  int fd = open("a", O_RDWR);
  ret("unlink an open file", unlink("a"));
  struct stat st;
  fstat(fd, &st);
  show("still there", "%lu links, %zd bytes read", (unsigned long)st.st_nlink, read(fd, b, 10));
  char proc[64];
  sprintf(proc, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(proc, b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  yes("/proc says (deleted)", strstr(b, "/a (deleted)") != 0);
  close(fd);

  // cwd
  mkdir("deep", 0755);
  mkdir("deep/er", 0755);
  ret("chdir", chdir("deep/er"));
  ret("chdir ..", chdir(".."));
  yes("getcwd", getcwd(b, sizeof b) && !strncmp(b, scratch_path, strlen(scratch_path)) && !strcmp(b + strlen(scratch_path), "/deep"));
  ret("getcwd too small", syscall(SYS_getcwd, b, 5));
  ret("chdir to a file", chdir("../a3"));
  ret("chdir nowhere", chdir("nothing"));
  fd = open("er", O_RDONLY | O_DIRECTORY);
  ret("fchdir", fchdir(fd));
  ret("remove the cwd", rmdir("../er"));
  ret("getcwd of a removed directory", syscall(SYS_getcwd, b, sizeof b));
  ret("create in it", open("x", O_RDWR | O_CREAT, 0644));
  list("its listing", ".");
  ret("still has ..", chdir(".."));
  chdir(scratch_path);

  // the *at forms
  int dir = open("deep", O_RDONLY | O_DIRECTORY);
  ret("mkdirat", mkdirat(dir, "m", 0700));
  ret("symlinkat", symlinkat("m", dir, "sm"));
  ret("unlinkat a directory", unlinkat(dir, "m", 0));
  ret("AT_REMOVEDIR", unlinkat(dir, "m", AT_REMOVEDIR));
  ret("unlinkat bad flags", unlinkat(dir, "sm", 0x1000));
  ret("renameat", renameat(dir, "sm", AT_FDCWD, "sm"));
  ret("faccessat", faccessat(dir, "../sm", F_OK, AT_SYMLINK_NOFOLLOW));
  ret("readlinkat", readlinkat(AT_FDCWD, "sm", b, 10));
  ret("mkdirat with a bad directory", mkdirat(99, "m", 0700));
  ret("mknod", mknod("node", S_IFREG | 0600, 0));
  ret("mknod fifo", mknod("pipe", S_IFIFO | 0600, 0));
  list("all", ".");

  // path walk
  symlink("loop1", "loop2");
  symlink("loop2", "loop1");
  ret("loop", open("loop1", O_RDONLY));
  ret("lstat of a loop", lstat("loop1", &st));
  symlink("dd", "ld");
  ret("through a link", stat("ld/f", &st));
  ret("link with a slash", lstat("ld/", &st));
  show("is a directory", "%d", S_ISDIR(st.st_mode));
  ret("unlink a link with a slash", unlink("ld/"));
  ret("dots", stat("./dd/../dd/./f", &st));
  ret("many slashes", stat(".//dd///f", &st));
  ret("above the root", stat("/../../tmp", &st));
  ret("file as directory", stat("a3/", &st));
  ret("file and ..", stat("a3/..", &st));
  memset(b, 'n', 255);
  b[255] = 0;
  ret("name of 255", mkdir(b, 0755));
  b[255] = 'n';
  b[256] = 0;
  ret("name of 256", mkdir(b, 0755));
  for (int i = 0; i < 2047; i++) memcpy(b + 2 * i, "./", 2);
  strcpy(b + 4094, ".");
  ret("path of 4095", stat(b, &st));
  strcpy(b + 4094, "./");
  ret("path of 4096", stat(b, &st));
  char name[16], target[16];
  symlink("dd", "c0");
  for (int i = 1; i <= 41; i++) {
    sprintf(name, "c%d", i);
    sprintf(target, "c%d", i - 1);
    symlink(target, name);
  }
  ret("40 links", stat("c39", &st));
  ret("41 links", stat("c40", &st));

  // directory reading
  mkdir("many", 0755);
  for (int i = 0; i < 300; i++) {
    sprintf(b, "many/entry-%d", i);
    close(open(b, O_RDWR | O_CREAT, 0644));
  }
  DIR *d = opendir("many");
  int count = 0, sum = 0, k;
  for (struct dirent *e; (e = readdir(d));) {
    if (sscanf(e->d_name, "entry-%d", &k) == 1) count++, sum += k;
  }
  show("300 entries", "%d, sum %d", count, sum);
  rewinddir(d);
  count = sum = 0;
  for (struct dirent *e; (e = readdir(d));)
    if (sscanf(e->d_name, "entry-%d", &k) == 1) count++, sum += k, unlinkat(dirfd(d), e->d_name, 0);
  show("each removed as it is read", "%d, sum %d", count, sum);
  rewinddir(d);
  for (count = 0; readdir(d);) count++;
  show("left", "%d", count);
  closedir(d);
  fd = open("many", O_RDONLY);
  ret("getdents with no room", syscall(SYS_getdents64, fd, b, 8));
  ret("read of a directory", read(fd, b, 10));
  int file = open("a3", O_RDONLY);
  ret("getdents of a file", syscall(SYS_getdents64, file, b, 1000));
  ret("getdents to nowhere", syscall(SYS_getdents64, fd, 8, 1000));
  scratch_remove();
  return 0;
}
