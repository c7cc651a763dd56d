#!/bin/bash
# libuv's own test suite (event loop, files, processes, threads, sockets, terminals), from Debian's source package.
#
#   tests/suites/libuv.sh [test...]
. "$(dirname "$0")/lib.sh"
fetch libuv1=1.50.0-2 trixie libuv
cd "$cache/libuv"
mkdir -p build/test
flags=(-w -O1 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude -Isrc)
unix=(async core dl fs getaddrinfo getnameinfo linux loop-watcher loop pipe poll process procfs-exepath proctitle random-devurandom
  random-getrandom random-sysctl-linux signal stream tcp thread tty udp)
if [[ ! -x build/b/uv_run_tests ]]; then
  mkdir -p build/b
  # shellcheck disable=SC2046
  gcc "${flags[@]}" -fPIC -fvisibility=hidden -shared -DBUILDING_UV_SHARED=1 -o build/b/libuv.so src/*.c \
    $(printf 'src/unix/%s.c ' "${unix[@]}") -lpthread -ldl -lrt
  # shellcheck disable=SC2046
  gcc "${flags[@]}" -DUSING_UV_SHARED=1 -o build/b/uv_run_tests \
    $(ls test/*.c | grep -vE 'benchmark|run-benchmarks|test-fs-event-win|-win\.c') -Lbuild/b -luv -Wl,-rpath,'$ORIGIN' -lpthread -ldl -lrt
fi
# Not as root, which the suite refuses: so where everybody can reach it.
place=$(mktemp -d /var/tmp/libuv.XXXXXX)
trap 'rm -rf "$place"' EXIT
cp -r build/b "$place/"
mkdir "$place/test"
cp -r test/fixtures "$place/test/"
chown -R 65534:65534 "$place"
[[ $# -gt 0 ]] || set -- $(setpriv --reuid 65534 --regid 65534 --clear-groups "$place/b/uv_run_tests" --list | awk '{ print $1 }')
list=$(mktemp)
for name; do printf '%s\t%s\tHOME=/tmp b/uv_run_tests %s\n' "$name" "$place" "$name"; done >"$list"
LIMIT=25 compare "libuv 1.50.0" "$list" 65534
rm "$list"
