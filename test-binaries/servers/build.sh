#!/bin/bash
# Builds nginx (with zlib and pcre2) and redis statically with musl-gcc from Debian's source packages, and unpacks Debian's own
# nginx and redis (glibc, dynamic) into root directories. What is there already is left alone. Nothing of it is committed.
#
#   test-binaries/servers/build.sh [nginx] [redis] [debian]
#
# The result is in $TSRCORE_SERVERS, by default ~/.cache/tsrcore-servers: bin/{nginx,redis-server,redis-cli,redis-benchmark},
# the root directory debian/, and SHA256SUMS of all programs. Sources are compared with the sums below before they are unpacked.
#
# Needs Debian 12 with gcc, make, musl-tools, linux-libc-dev, xz-utils and bzip2, and the network.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${TSRCORE_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/tsrcore-servers}
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
  local archive
  archive=$(awk -v package="$1" 'index($2, package "_") == 1 { print $2 }' "$here/sources.sha256")
  if [[ ! -e $archive ]]; then
    lists
    "${apt[@]}" source --download-only "$1"
  fi
  grep " $archive\$" "$here/sources.sha256" | sha256sum --check --quiet
  rm -rf "$2"
  mkdir "$2"
  tar xf "$archive" -C "$2" --strip-components 1
}

# musl's headers come without the kernel's; a directory with nothing but those does not bring glibc's in.
kernel_headers() {
  mkdir -p kernel
  ln -sfn /usr/include/linux kernel/linux
  ln -sfn /usr/include/asm-generic kernel/asm-generic
  ln -sfn "/usr/include/$(gcc -dumpmachine)/asm" kernel/asm
  # Debian's musl is without crypt(3), which nginx refers to even without the module that calls it.
  echo 'char *crypt(const char *, const char *);' >kernel/crypt.h
  echo '#include <errno.h>
char *crypt(const char *key, const char *salt) { (void)key; (void)salt; errno = ENOSYS; return 0; }' >kernel/crypt.c
  musl-gcc -O2 -c -o kernel/crypt.o kernel/crypt.c
}

build_nginx() {
  kernel_headers
  fetch zlib zlib
  fetch pcre2 pcre2
  fetch nginx nginx-source
  (
    cd nginx-source
    ./configure --with-cc=musl-gcc --with-cc-opt="-O2 -isystem ../kernel" --with-ld-opt="-static ../kernel/crypt.o" --with-zlib=../zlib --with-pcre=../pcre2 \
      --prefix=/srv --sbin-path=/bin/nginx --conf-path=/etc/nginx.conf --pid-path=/run/nginx.pid --error-log-path=stderr \
      --http-log-path=/dev/null --with-http_gzip_static_module --with-http_stub_status_module --with-http_realip_module \
      --without-http_fastcgi_module --without-http_uwsgi_module --without-http_scgi_module --without-http_auth_basic_module --without-http_memcached_module
    make -j2
  ) >nginx.log 2>&1
  strip -o bin/nginx nginx-source/objs/nginx
}

build_redis() {
  kernel_headers
  fetch redis redis-source
  # For the size: without what nobody calls or unwinds.
  local flags="-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables"
  SOURCE_DATE_EPOCH=1700000000 make -C redis-source/src -j2 CC="musl-gcc -isystem $out/kernel" MALLOC=libc OPTIMIZATION="-Os $flags" \
    DEBUG= LDFLAGS="-static -Wl,--gc-sections -Wl,-z,noseparate-code" BUILD_TLS=no redis-server redis-cli redis-benchmark >redis.log 2>&1
  local program
  for program in redis-server redis-cli redis-benchmark; do strip -o "bin/$program" "redis-source/src/$program"; done
}

# The packages, and of what they depend on all that is not for installing them.
build_debian() {
  local packages=(nginx nginx-common redis-server redis-tools libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g libjemalloc2 liblua5.1-0
    liblua5.1-0-dev lua-bitop lua-cjson liblzf1 libhiredis0.14 libsystemd0 libstdc++6 libgcc-s1 libatomic1 libcap2 libgcrypt20
    libgpg-error0 liblz4-1 liblzma5 libzstd1 bash libtinfo6 coreutils sed libselinux1 libacl1 libattr1 libgmp10 base-files base-passwd)
  mkdir -p packages
  (cd packages && apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}")
  rm -rf debian
  mkdir debian
  for package in packages/*.deb; do dpkg-deb -x "$package" debian; done
  cp debian/usr/share/base-passwd/passwd.master debian/etc/passwd
  cp debian/usr/share/base-passwd/group.master debian/etc/group
  # What the packages' scripts do.
  mkdir -p debian/var/lib/nginx debian/var/log/nginx debian/var/lib/redis debian/var/www/html debian/run debian/tmp
  ln -s ../sites-available/default debian/etc/nginx/sites-enabled/default
}

declare -A made=([nginx]=bin/nginx [redis]=bin/redis-server [debian]=debian/usr/sbin/nginx)
[[ $# -gt 0 ]] || set -- nginx redis
for name; do
  [[ -x ${made[$name]} ]] || "build_$name"
  ls -l "${made[$name]}"
done
sha256sum bin/* >SHA256SUMS
