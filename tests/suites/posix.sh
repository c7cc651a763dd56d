#!/bin/bash
# The Open POSIX Test Suite (conformance/interfaces), from Debian's source package, linked statically with glibc.
#
#   tests/suites/posix.sh [interface...]
#
# Left out: what sets the machine's clock.
. "$(dirname "$0")/lib.sh"
fetch posixtestsuite bookworm posix
cd "$cache/posix"
mkdir -p out
list=$(mktemp)
for source in $(find conformance/interfaces -name '*.c' ! -path '*speculative*' | sort -V); do
  interface=$(basename "$(dirname "$source")")
  [[ $# -eq 0 || " $* " == *" $interface "* ]] || continue
  # Parts of others, and what is only to be compiled.
  case $source in *buildonly* | *helper* | *testfrmw* | *clock_settime* | *pthread_cond_init/[12]-2.c) continue ;; esac
  grep -q main "$source" || continue
  id=$interface.$(basename "${source%.c}")
  [[ -x out/$id ]] || gcc -w -std=gnu99 -D_POSIX_C_SOURCE=200112L -D_XOPEN_SOURCE=600 -D_GNU_SOURCE -I include \
    -I "$(dirname "$source")" -o "out/$id" "$source" -static -lpthread -lrt -lm 2>/dev/null || continue
  printf '%s\t%s\t./%s\n' "$id" "$PWD/out" "$id"
done >"$list"
LIMIT=30 compare "Open POSIX Test Suite 1.5.2" "$list"
rm "$list"
