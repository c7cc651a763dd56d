#!/bin/bash
# Builds the test programs that do not depend on the architecture, and those of src/riscv64/, for riscv64 into bin/riscv64/, stripped.
#
#   sysroot/build.sh --musl riscv64 /tmp/musl-riscv64
#   test-binaries/build-riscv64.sh /tmp/musl-riscv64 [output directory]
#
# Needs Debian 12 with gcc-riscv64-linux-gnu. What the programs print is what they print on x86_64, but for the lines that
# expected/riscv64.json has, with the reasons.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
musl=$(cd "$1" && pwd)
out=${2:-$here/bin/riscv64}
cc=$musl/bin/musl-gcc
mkdir -p "$out"
cd "$here/src"
flags=(-O1 -std=gnu11 -Wall -Wextra -Wno-unused-result -Wno-type-limits -Wno-infinite-recursion -Wno-stringop-overflow
  -fno-ident -ffunction-sections -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noseparate-code -s)
static=(-static -fno-pie -no-pie)

"$cc" "${flags[@]}" "${static[@]}" -o "$out/hello" hello.c
"$cc" "${flags[@]}" -fPIE -nostartfiles -static -Wl,-pie,--no-dynamic-linker,-z,text -o "$out/hello-static-pie" \
  "$musl"/lib/{rcrt1,crti}.o "$("$cc" -print-file-name=crtbeginS.o)" hello.c \
  "$("$cc" -print-file-name=crtendS.o)" "$musl/lib/crtn.o"
"$cc" "${flags[@]}" -fPIE -pie -o "$out/hello-pie" hello.c
"$cc" "${flags[@]}" -fno-pie -no-pie -o "$out/hello-dynamic" hello.c

# What else tests/binaries runs. Not there: what is of x86_64 by its instructions or by its system calls.
dynamic=(access copy events exec fdctl files filesystems fpu ids inotify links locks mmap mountapi mounts mqueue names
  net-tcp net-udp open pipes poll proc rw sched session space stat system threads timers tty unix)
for name in "${dynamic[@]}"; do
  "$cc" "${flags[@]}" -fPIE -pie -o "$out/$name" "$name.c"
done
for name in futex process signals riscv64/abi riscv64/vectors; do
  "$cc" "${flags[@]}" "${static[@]}" -I. -o "$out/$(basename "$name")" "$name.c"
done
"$cc" "${flags[@]}" -fPIE -pie -o "$out/process-pie" process.c

cd "$here/../bench/src"
for name in fib matrix sha256 sieve; do
  "$cc" -O2 "${flags[@]:1}" "${static[@]}" -o "$out/bench-$name" "$name.c"
done
ls -l "$out" | awk '{ total += $5 } END { print NR - 1, "programs,", total, "bytes" }'
