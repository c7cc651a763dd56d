#!/bin/bash
# Builds the test programs (src/) and a few of the benchmark programs (../bench/src/) with musl-gcc into bin/x86_64/, stripped.
#
#   test-binaries/build.sh [output directory]
#
# Needs Debian 12 with gcc, musl-tools and linux-libc-dev. Their native results are recorded by `npm run fixtures:binaries`.
# bin/x86_64/busybox comes from sysroot/build.sh --static.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/bin/x86_64}
mkdir -p "$out"
cd "$here/src"
flags=(-O1 -std=gnu11 -Wall -Wextra -Wno-unused-result -Wno-type-limits -Wno-infinite-recursion -fno-ident -ffunction-sections
  -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noseparate-code -s)
static=(-static -fno-pie -no-pie)

# The four kinds of executable, of the same program. Debian 12's musl-gcc knows no -static-pie: its start files and the
# linker's options are given here.
musl-gcc "${flags[@]}" "${static[@]}" -o "$out/hello" hello.c
musl-gcc "${flags[@]}" -fPIE -nostartfiles -static -Wl,-pie,--no-dynamic-linker,-z,text -o "$out/hello-static-pie" \
  /usr/lib/x86_64-linux-musl/{rcrt1,crti}.o "$(gcc -print-file-name=crtbeginS.o)" hello.c \
  "$(gcc -print-file-name=crtendS.o)" /usr/lib/x86_64-linux-musl/crtn.o
musl-gcc "${flags[@]}" -fPIE -pie -o "$out/hello-pie" hello.c
musl-gcc "${flags[@]}" -fno-pie -no-pie -o "$out/hello-dynamic" hello.c
# Laid out as linkers do by default: a segment of its own for code, page-aligned.
musl-gcc -O1 -s "${static[@]}" -o "$out/hello-segments" hello.c

gcc -nostdlib -static -no-pie -Wl,--build-id=none -s -o "$out/nolibc" nolibc.S
for source in *.c; do
  name=${source%.c}
  case $name in
    hello) ;;
    # Dynamically linked, for the size and for the variety: what is tested does not depend on it.
    timens | aio | landlock | unotify | statmount | xattrat | rarecalls | figures | pids | sigio | pidns | namespaces | userns | descriptors | sysctl | dispatch | locking | names | proc | chattr | regions | fifo | ids | sched | mqueue | limits | corners | mountapi | mounts | status | memory | epoll | fdctl | links | access | copy | space | rw | open | system | stat | files | locks | inotify | filesystems) musl-gcc "${flags[@]}" -fPIE -pie -o "$out/$name" "$source" ;;
    # For x86-64-v3; without contraction, so that what is fused is what says so.
    avx) musl-gcc "${flags[@]}" "${static[@]}" -mavx2 -mfma -mf16c -ffp-contract=off -o "$out/$name" "$source" ;;
    *) musl-gcc "${flags[@]}" "${static[@]}" -o "$out/$name" "$source" ;;
  esac
done
# Some families once more through the dynamic loader.
for name in tls process auxv; do
  musl-gcc "${flags[@]}" -fPIE -pie -o "$out/$name-pie" "$name.c"
done

cd "$here/../bench/src"
for name in fib loop matrix sha256 sieve; do
  musl-gcc -O2 "${flags[@]:1}" "${static[@]}" -o "$out/bench-$name" "$name.c"
done
ls -l "$out" | awk '{ total += $5 } END { print NR - 1, "programs,", total, "bytes" }'
