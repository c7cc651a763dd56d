#!/bin/bash
# Builds the benchmark programs for riscv64, those of src/ that have nothing of x86_64 in them, into build/bin-riscv64, with a musl
# built from Debian's source into build/musl-riscv64. What is newer than its source is left alone.
#
# Needs Debian 12 with gcc-riscv64-linux-gnu, and the network for the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
musl=$here/build/musl-riscv64
out=$here/build/bin-riscv64
mkdir -p "$out"
[[ -x $musl/bin/musl-gcc ]] || "$here/../sysroot/build.sh" --musl riscv64 "$musl"
# The results are compared with those of x86_64, which has no fused multiplication.
flags=(-O2 -std=gnu11 -Wall -Wextra -fno-ident -ffp-contract=off -static -fno-pie -no-pie)
for name in bytecode chase coremark decimal fib malloc mandelbrot matrix nbody qsort sha256 sieve spectral strings trees; do
  source=$here/src/$name.c
  [[ $out/$name -nt $source ]] || "$musl/bin/musl-gcc" "${flags[@]}" -o "$out/$name" "$source"
done
