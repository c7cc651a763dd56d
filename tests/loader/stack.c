/* Prints the initial stack as JSON: addresses relative to its top, and all bytes from the random ones on. */
#include <elf.h>
#include <stdio.h>

#define TOP 0x7ffffffff000ul /* without address space randomisation */

int main(int argc, char **argv, char **envp) {
  char **end = envp;
  while (*end) end++;
  Elf64_auxv_t *aux = (Elf64_auxv_t *)(end + 1);
  printf("{\"sp\":%ld,\"argv\":[", (long)(TOP - (unsigned long)(argv - 1)));
  for (int i = 0; i < argc; i++) printf("%s%ld", i ? "," : "", (long)(TOP - (unsigned long)argv[i]));
  printf("],\"envp\":[");
  for (int i = 0; envp[i]; i++) printf("%s%ld", i ? "," : "", (long)(TOP - (unsigned long)envp[i]));
  printf("],\"auxv\":[");
  unsigned long random = 0;
  for (;; aux++) {
    unsigned long value = aux->a_un.a_val;
    if (aux->a_type == AT_RANDOM) random = value;
    printf("[%lu,%ld]%s", aux->a_type, value > TOP - 0x100000 && value < TOP ? (long)(TOP - value) : -1, aux->a_type ? "," : "");
    if (!aux->a_type) break;
  }
  printf("],\"bytes\":\"");
  for (unsigned char *p = (unsigned char *)random + 16; p < (unsigned char *)TOP; p++) printf("%02x", *p);
  printf("\"}\n");
  return 0;
}
