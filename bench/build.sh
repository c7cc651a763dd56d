#!/bin/bash
# Builds the benchmark programs (src/*.c, and the one that blocks.ts writes) with musl-gcc into build/bin. What is newer
# than its source is left alone. Nothing of it is committed.
#
#   bench/build.sh [output directory]
#
# Needs gcc, musl-tools and node. Lua, sqlite and gzip are built by build-debian.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/build/bin}
mkdir -p "$out"
flags=(-O2 -std=gnu11 -Wall -Wextra -fno-ident -static -fno-pie -no-pie)
for source in "$here"/src/*.c; do
  binary=$out/$(basename "$source" .c)
  [[ $binary -nt $source ]] || musl-gcc "${flags[@]}" -o "$binary" "$source"
done
# Runs the others, and counts their time and memory: a program of the host, so the host's own libc will do.
[[ $out/measure -nt $here/measure.c ]] || gcc -O2 -Wall -Wextra -static -o "$out/measure" "$here/measure.c"
if [[ ! $out/blocks -nt $here/blocks.ts ]]; then
  "$here/../node_modules/.bin/tsx" "$here/blocks.ts" >"$out/blocks.S"
  gcc -nostdlib -static -no-pie -Wl,--build-id=none -o "$out/blocks" "$out/blocks.S"
fi
