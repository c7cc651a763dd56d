// The initial stack: argv, envp, auxv (getauxval(3), System V ABI figure 3.9). Runs itself again with a known
// environment, so that the result does not depend on the caller's.
#include "t.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

extern char **environ;
extern char _start[];
extern const ElfW(Ehdr) __ehdr_start __attribute__((weak));

int main(int argc, char **argv) {
  if (argc == 1) {
    char *args[] = {argv[0], "one", "", "three words here", 0};
    char *env[] = {"A=1", "EMPTY=", "NOEQUALS", "A=2", "LONG=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0};
    execve("/proc/self/exe", args, env);
    ret("execve", -1);
    return 1;
  }
  show("argc", "%d", argc);
  for (int i = 1; i < argc; i++) show("argv", "'%s'", argv[i]);
  yes("argv ends in NULL", argv[argc] == 0);
  int n = 0;
  for (char **e = environ; *e; e++, n++) show("env", "'%s'", *e);
  show("envc", "%d", n);
  show("getenv A", "%s", getenv("A"));
  yes("envp follows argv", environ == argv + argc + 1);
  yes("strings follow each other", argv[1] == argv[0] + strlen(argv[0]) + 1 && environ[0] == argv[argc - 1] + strlen(argv[argc - 1]) + 1);

  unsigned long *aux = (unsigned long *)(environ + n + 1);
  int seen[64] = {0}, entries = 0;
  for (; aux[0] != AT_NULL; aux += 2, entries++)
    if (aux[0] < 64) seen[aux[0]]++;
  yes("AT_NULL found", entries > 10);
  static const struct { int key; const char *name; } keys[] = {
    {AT_PHDR, "AT_PHDR"}, {AT_PHENT, "AT_PHENT"}, {AT_PHNUM, "AT_PHNUM"}, {AT_PAGESZ, "AT_PAGESZ"}, {AT_BASE, "AT_BASE"},
    {AT_FLAGS, "AT_FLAGS"}, {AT_ENTRY, "AT_ENTRY"}, {AT_UID, "AT_UID"}, {AT_EUID, "AT_EUID"}, {AT_GID, "AT_GID"},
    {AT_EGID, "AT_EGID"}, {AT_PLATFORM, "AT_PLATFORM"}, {AT_HWCAP, "AT_HWCAP"}, {AT_CLKTCK, "AT_CLKTCK"},
    {AT_SECURE, "AT_SECURE"}, {AT_RANDOM, "AT_RANDOM"}, {AT_HWCAP2, "AT_HWCAP2"}, {AT_EXECFN, "AT_EXECFN"}, {51, "AT_MINSIGSTKSZ"}};
  for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) show(keys[i].name, "%d times", seen[keys[i].key]);
  show("AT_PAGESZ value", "%lu", getauxval(AT_PAGESZ));
  show("AT_PHENT value", "%lu", getauxval(AT_PHENT));
  show("AT_CLKTCK value", "%lu", getauxval(AT_CLKTCK));
  show("AT_SECURE value", "%lu", getauxval(AT_SECURE));
  show("AT_FLAGS value", "%lu", getauxval(AT_FLAGS));
  show("AT_BASE value", "%s", !getauxval(AT_BASE) ? "0" : getauxval(AT_BASE) % 4096 ? "unaligned" : "page aligned");
  show("AT_PLATFORM value", "%s", (char *)getauxval(AT_PLATFORM));
  yes("AT_UID is getuid", getauxval(AT_UID) == getuid());
  yes("AT_EGID is getegid", getauxval(AT_EGID) == getegid());
  yes("AT_ENTRY is _start", getauxval(AT_ENTRY) == (unsigned long)_start);
  yes("AT_PHDR is in the image", getauxval(AT_PHDR) == (unsigned long)&__ehdr_start + __ehdr_start.e_phoff);
  yes("AT_PHNUM is the header's", getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
  show("AT_EXECFN value", "%s", (char *)getauxval(AT_EXECFN));
  unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
  int bits = 0;
  for (int i = 0; i < 16; i++) bits |= random[i];
  yes("AT_RANDOM is filled", bits != 0);
  yes("AT_RANDOM is above auxv", (unsigned long)random > (unsigned long)aux);
  yes("AT_HWCAP has fpu, cx8, cmov, mmx, sse, sse2",
      (getauxval(AT_HWCAP) & 0x07808101) == 0x07808101);
  yes("AT_MINSIGSTKSZ is at least 832", getauxval(51) >= 832);
  return 0;
}
