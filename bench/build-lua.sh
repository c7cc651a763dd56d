#!/bin/bash
# Builds Lua 5.4 statically with musl-gcc from Debian's source package, for bench/main.ts. Nothing of it is committed.
#
#   bench/build-lua.sh [output directory]
#
# Needs Debian 12 with gcc, make and musl-tools, and the network.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/build}
mkdir -p "$out/apt/partial" "$out/none"
cd "$out"
# The sources come from where this machine has its binary packages from.
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | sed q)}
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >src.list
apt=(apt-get -qq -o "Dir::Etc::sourcelist=$out/src.list" -o "Dir::Etc::sourceparts=$out/none" -o "Dir::State::lists=$out/apt")
"${apt[@]}" update
"${apt[@]}" source --download-only lua5.4
rm -rf lua-5.4
mkdir lua-5.4
tar xzf lua5.4_5.4.*.orig.tar.gz -C lua-5.4 --strip-components 1
make -C lua-5.4/src -j2 CC="musl-gcc -std=gnu99" MYCFLAGS=-DLUA_USE_POSIX MYLDFLAGS="-static -no-pie" AR="ar rcu" lua >/dev/null
cp lua-5.4/src/lua "$out/lua"
strip "$out/lua"
ls -l "$out/lua"
