#!/bin/bash
# Builds Lua 5.4, SQLite's shell and gzip statically with musl-gcc from Debian's source packages, into build/bin. What is
# there already is left alone. Nothing of it is committed.
#
#   bench/build-debian.sh [lua] [sqlite] [gzip]
#
# Needs Debian 12 with gcc, make, musl-tools, xz-utils and (SQLite puts its one source file together with it) tcl, and the network.
set -euo pipefail
out=$(cd "$(dirname "$0")" && pwd)/build
mkdir -p "$out/bin" "$out/apt/partial" "$out/none"
cd "$out"

# The sources come from where this machine has its binary packages from.
lists() {
  [[ -e src.list ]] && return
  local mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | sed q)}
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >src.list
  "${apt[@]}" update
}
apt=(apt-get -qq -o APT::Sandbox::User=root -o "Dir::Etc::sourcelist=$out/src.list" -o "Dir::Etc::sourceparts=$out/none"
  -o "Dir::State::lists=$out/apt")

# source package directory: unpacks the upstream source.
fetch() {
  lists
  "${apt[@]}" source --download-only "$1"
  rm -rf "$2"
  mkdir "$2"
  tar xf "$(ls "$1"_*.orig.tar.?z)" -C "$2" --strip-components 1
}

build_lua() {
  fetch lua5.4 lua-5.4
  make -C lua-5.4/src -j2 CC="musl-gcc -std=gnu99" MYCFLAGS=-DLUA_USE_POSIX MYLDFLAGS="-static -no-pie" AR="ar rcu" lua >/dev/null
  cp lua-5.4/src/lua bin/lua
}

build_sqlite() {
  fetch sqlite3 sqlite
  # The host's compiler for the programs that generate source, musl's for the result.
  (cd sqlite && ./configure -q --disable-tcl --disable-readline && make -s sqlite3.c shell.c) >/dev/null
  musl-gcc -O2 -w -static -no-pie -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_MATH_FUNCTIONS -DHAVE_USLEEP \
    -o bin/sqlite3 sqlite/shell.c sqlite/sqlite3.c
}

build_gzip() {
  fetch gzip gzip
  (cd gzip && ./configure -q CC=musl-gcc CFLAGS=-O2 LDFLAGS="-static -no-pie" && make -s -j2 -C lib && make -s version.h gzip) >/dev/null
  cp gzip/gzip bin/gzip
}

declare -A binary=([lua]=lua [sqlite]=sqlite3 [gzip]=gzip)
[[ $# -gt 0 ]] || set -- lua sqlite gzip
for name; do
  [[ -x bin/${binary[$name]} ]] || "build_$name"
  ls -l "bin/${binary[$name]}"
done
