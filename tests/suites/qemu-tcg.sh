#!/bin/bash
# qemu's tests/tcg (multiarch, x86_64, and those of i386 that build for x86_64), from Debian's source package. What they print
# is compared, where it does not depend on time or addresses, besides their status.
#
#   tests/suites/qemu-tcg.sh
. "$(dirname "$0")/lib.sh"
fetch qemu=1:7.2+dfsg-7+deb12u18 bookworm qemu '*/tests/tcg'
cd "$cache/qemu/tests/tcg"
mkdir -p "$cache/qemu/out"
out=$cache/qemu/out
build() { # program source [options...]
  [[ -x $out/$1 ]] || gcc -w -O1 -g0 -Imultiarch -Imultiarch/libs -Ii386 -o "$out/$1" "$2" "${@:3}" -static -lm -lpthread -lrt 2>/dev/null || true
}
for source in multiarch/*.c multiarch/linux/*.c x86_64/*.c; do
  name=$(basename "${source%.c}")
  case $name in float_*) build "$name" "$source" multiarch/libs/float_helpers.c ;; *) build "$name" "$source" ;; esac
done
build test-x86_64 i386/test-i386.c -fno-pie -no-pie
for source in i386/test-i386-*.c; do
  case $source in
    *sse-exceptions*) build "$(basename "${source%.c}")" "$source" -msse4.1 -mfpmath=sse ;;
    *pcmpistri*) build "$(basename "${source%.c}")" "$source" -msse4.2 ;;
    *bmi2*) build "$(basename "${source%.c}")" "$source" -O2 ;;
    *) build "$(basename "${source%.c}")" "$source" ;;
  esac
done
# The processor's own answers are what the output is compared with.
list=$(mktemp)
for program in "$out"/*; do
  name=$(basename "$program")
  [[ -x $program && $name != *.native ]] || continue
  case $name in
    sha* | float_* | test-x86_64 | test-i386-* | overflow | cmpxchg)
      "$program" >"$out/$name.native" 2>&1 </dev/null || continue
      printf '%s\t%s\t./%s >/tmp/output 2>&1; cmp /tmp/output %s.native\n' "$name" "$out" "$name" "$name"
      ;;
    test-mmap) printf '%s\t%s\t./%s\n' "$name" "$out" "$name" ;;
    *) printf '%s\t%s\t./%s\n' "$name" "$out" "$name" ;;
  esac
done >"$list"
compare "qemu tests/tcg 7.2" "$list"
rm "$list"
