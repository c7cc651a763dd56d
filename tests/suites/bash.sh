#!/bin/bash
# The test suite of bash (tests/run-*), from Debian's source package, with Debian's own bash. (That of dash has none.)
#
#   tests/suites/bash.sh [test...]
. "$(dirname "$0")/lib.sh"
fetch bash bookworm bash
source=$cache/bash
tools=$source/out
mkdir -p "$tools"
: >"$tools/config.h"
for tool in recho zecho printenv xcase; do
  [[ -x $tools/$tool ]] || gcc -w -DHAVE_STRING_H -DHAVE_STDLIB_H -DHAVE_UNISTD_H -I"$tools" -I"$source" -I"$source/include" \
    -o "$tools/$tool" "$source/support/$tool.c"
done
list=$(mktemp)
for script in "$source"/tests/run-*; do
  test=${script##*/run-}
  [[ $# -eq 0 || " $* " == *" $test "* ]] || continue
  # All of them at once, and some of them again.
  case $test in all | minimal | gprof) continue ;; esac
  printf '%s\t%s\t%s\n' "$test" "$source/tests" \
    "PATH=$tools:\$PATH LC_ALL=C THIS_SH=/bin/bash BUILD_DIR=$source TMPDIR=/tmp BASH_TSTOUT=/tmp/out sh ./run-$test"
done >"$list"
compare "bash 5.2.15" "$list"
rm "$list"
