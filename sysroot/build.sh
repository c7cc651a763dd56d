#!/bin/bash
# Builds the embedded root file system: musl and a busybox linked to it, from Debian's source packages, packed with
# sysroot/root/ and the applets' links into sysroot/<arch>.tar.gz. The same inputs give the same bytes.
#
#   sysroot/build.sh [x86_64|riscv64] [output directory]
#   sysroot/build.sh --twice [x86_64|riscv64]     build in two places, compare, install nothing
#   sysroot/build.sh --static [x86_64|riscv64] [output directory]     the same busybox as one static file
#   sysroot/build.sh --musl [x86_64|riscv64] directory     only the musl, with the kernel's headers: bin/musl-gcc
#
# Needs Debian 12 with: gcc make patch dpkg-dev bzip2 xz-utils linux-libc-dev
# and for riscv64 also: gcc-riscv64-linux-gnu linux-libc-dev-riscv64-cross
# The source packages come through apt from a deb-src entry of this script's own; /etc/apt is left alone.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

BUSYBOX_VERSION='1:1.35.0-4+deb12u1'
MUSL_VERSION='1.2.3-1'
SUITE=bookworm
export SOURCE_DATE_EPOCH=1704067200 # 2024-01-01; the time of every file and in the banner of busybox
export LC_ALL=C TZ=UTC
umask 022

if [ "${1:-}" = --twice ]; then
  a=$(mktemp -d) b=$(mktemp -d)
  "$here/build.sh" "${2:-x86_64}" "$a"
  (cd / && TMPDIR=$b "$here/build.sh" "${2:-x86_64}" "$b/out")
  cmp "$a/${2:-x86_64}.tar.gz" "$b/out/${2:-x86_64}.tar.gz"
  echo "identical: $(sha256sum < "$a/${2:-x86_64}.tar.gz")"
  rm -rf "$a" "$b"
  exit 0
fi

static='' musl=''
case ${1:-} in
  --static) static=y; shift ;;
  --musl) musl=y; shift ;;
esac
arch=${1:-x86_64}
out=${2:-$here}
case $arch in
  x86_64) cross='' headers="/usr/include /usr/include/x86_64-linux-gnu" ;;
  riscv64) cross=riscv64-linux-gnu- headers="/usr/riscv64-linux-gnu/include" ;;
  *) echo "build.sh: unknown architecture $arch" >&2; exit 2 ;;
esac
command -v "${cross}gcc" > /dev/null || { echo "build.sh: no ${cross}gcc" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jobs=-j$(nproc)

# --- sources -------------------------------------------------------------------------------------------------------
mkdir -p "$work/apt/lists/partial" "$work/src"
# The sources come from where this machine has its binary packages from.
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $SUITE" | sed q)}
cat > "$work/apt/src.sources" <<EOF
Types: deb-src
URIs: $mirror
Suites: $SUITE
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
apt_own=(-qq -o "Dir::Etc::sourcelist=$work/apt/src.sources" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::lists=$work/apt/lists" -o APT::Sandbox::User=root)
apt-get "${apt_own[@]}" update
(cd "$work/src" && apt-get "${apt_own[@]}" source --download-only "busybox=$BUSYBOX_VERSION" "musl=$MUSL_VERSION")
(cd "$work/src" && sha256sum --check --strict "$here/sources.sha256")
dpkg-source --no-check -x "$work"/src/busybox_*.dsc "$work/busybox" > /dev/null
dpkg-source --no-check -x "$work"/src/musl_*.dsc "$work/musl" > /dev/null

# The kernel's struct sigaction has no restorer on riscv64: with the one that musl 1.2.3 assumes, masks would be addresses
# (mended in musl 1.2.4). What sigaction() stores there all the same goes behind what the kernel reads.
cat > "$work/musl/arch/riscv64/ksigaction.h" <<EOF
#include <features.h>
struct k_sigaction {
	void (*handler)(int);
	unsigned long flags;
	unsigned mask[2];
	void (*restorer)(void);
};
extern hidden void __restore(void), __restore_rt(void);
EOF

# --- musl ----------------------------------------------------------------------------------------------------------
# The paths of this build must not show in the results.
map="-ffile-prefix-map=$work=."
prefix=$work/prefix
if [ -n "$musl" ]; then mkdir -p "$out"; prefix=$(cd "$out" && pwd); fi
(
  cd "$work/musl"
  CC="${cross}gcc" AR="${cross}ar" RANLIB="${cross}ranlib" CFLAGS="-Os -pipe $map" \
    ./configure --target="$arch-linux-musl" --prefix="$prefix" --syslibdir="$prefix/lib" --enable-wrapper=gcc > configure.log
  make "$jobs" > make.log 2>&1 || { tail -20 make.log; exit 1; }
  make install > /dev/null
)
# The kernel's headers, which busybox includes, and nothing else of the host's.
for dir in linux asm asm-generic mtd scsi sound rdma misc video; do
  for from in $headers; do
    if [ -d "$from/$dir" ] && [ ! -e "$prefix/include/$dir" ]; then ln -s "$from/$dir" "$prefix/include/$dir"; fi
  done
done
# Programs must name the interpreter's final path, not this build's.
sed -i "s|-dynamic-linker $prefix/lib/|-dynamic-linker /lib/|" "$prefix/lib/musl-gcc.specs"
if [ -n "$musl" ]; then exit 0; fi

# --- busybox -------------------------------------------------------------------------------------------------------
cp "$here/busybox.config" "$work/config"
if [ -n "$static" ]; then
  sed -i -e 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/' -e 's/^CONFIG_PIE=y/# CONFIG_PIE is not set/' "$work/config"
fi
cp "$work/config" "$work/busybox/.config"
(
  cd "$work/busybox"
  make oldconfig < /dev/null > /dev/null
  diff <(grep -v '^# Automatic\|^# Busybox version\|^# [A-Z][a-z][a-z] ' "$work/config") \
    <(grep -v '^# Automatic\|^# Busybox version\|^# [A-Z][a-z][a-z] ' .config) ||
    { echo "build.sh: busybox.config is not complete: see above" >&2; exit 1; }
  make "$jobs" CC="$prefix/bin/musl-gcc $map" HOSTCC=gcc AR="${cross}ar" STRIP="${cross}strip" SKIP_STRIP=y \
    EXTRA_LDFLAGS="-Wl,--build-id=none" > make.log 2>&1 || { tail -20 make.log; exit 1; }
  make CC="$prefix/bin/musl-gcc $map" busybox.links > /dev/null 2>&1
)

if [ -n "$static" ]; then
  mkdir -p "$out"
  "${cross}strip" -s "$work/busybox/busybox_unstripped" -o "$out/busybox"
  ls -l "$out/busybox"
  exit 0
fi

# --- the tree ------------------------------------------------------------------------------------------------------
root=$work/root
mkdir -p "$root"/{bin,sbin,lib,dev,proc,sys,run,tmp,root,home/user,mnt,opt,srv,media,usr/{bin,sbin,lib,share,local/bin},etc/profile.d} \
  "$root"/var/{cache,empty,lib,lock,log,mail,spool/cron/crontabs,tmp,www}
cp -r "$here/root/." "$root/"
"${cross}strip" -s "$work/busybox/busybox_unstripped" -o "$root/bin/busybox"
"${cross}strip" -s "$prefix/lib/libc.so" -o "$root/lib/ld-musl-$arch.so.1"
ln -s "ld-musl-$arch.so.1" "$root/lib/libc.musl-$arch.so.1"
ln -s "../../lib/ld-musl-$arch.so.1" "$root/usr/bin/ldd"
ln -s /proc/mounts "$root/etc/mtab"
ln -s /run "$root/var/run"
while read -r link; do
  [ -e "$root$link" ] || ln -s /bin/busybox "$root$link"
done < "$work/busybox/busybox.links"

chmod -R u=rwX,go=rX "$root"
chmod 755 "$root/bin/busybox" "$root/lib/ld-musl-$arch.so.1"
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 700 "$root/root"
chmod 640 "$root/etc/shadow"
chmod 755 "$root/home/user"
chmod 555 "$root/proc" "$root/sys"

mkdir -p "$out"
tar --create --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=root:0 --group=root:0 \
  --directory "$root" . | gzip -9 -n > "$out/$arch.tar.gz"
echo "$out/$arch.tar.gz: $(stat -c %s "$out/$arch.tar.gz") bytes, $(wc -l < "$work/busybox/busybox.links") applet links"
