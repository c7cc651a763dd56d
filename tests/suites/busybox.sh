#!/bin/bash
# The test suite of busybox, against the busybox of the embedded root: on the real kernel and in tsrcore, compared test by test.
#
#   tests/suites/busybox.sh <source tree of busybox> [applet...]
#
# The tree is that of the version in sysroot/build.sh (apt-get source busybox). Needs root, for the real kernel's chroot.
# TSRCORE_BIN: the command to test, bin/tsrcore.mjs by default. Prints counts and the tests whose outcomes differ.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
source=$(cd "$1" && pwd)
shift
bin=${TSRCORE_BIN:-$here/bin/tsrcore.mjs}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/root"
tar -C "$work/root" -xzf "$here/sysroot/x86_64.tar.gz"
mkdir "$work/root/suite"
cp -r "$source/testsuite" "$work/root/suite/"
cp "$here/sysroot/busybox.config" "$work/root/suite/.config"
cp "$work/root/bin/busybox" "$work/root/suite/busybox"
# Each applet gets its time, so that one that hangs costs no other.
cat > "$work/root/suite/all.sh" << 'EOF'
cd /suite/testsuite
[ $# -gt 0 ] || set -- $(ls -d *.tests */ | sed 's|/$||; s|\.tests$||' | sort -u)
for applet; do
  timeout -s KILL 120 setsid ./runtest "$applet" < /dev/null > /tmp/out 2>&1
  sed "s|^|$applet: |" /tmp/out
done
EOF
tar -C "$work/root" -czf "$work/root.tar.gz" .

timeout -k 5 1200 unshare -mpf sh -c '
set -e
mount -t tmpfs -o mode=755 suite "$1/root"
tar -C "$1/root" -xzf "$1/root.tar.gz"
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
cd "$1/root"
root=$1/root
shift
exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh /suite/all.sh "$@"
' sh "$work" "$@" > "$work/native" 2>&1 || true
timeout -k 5 1200 node "$bin" run --root "$work/root.tar.gz" sh /suite/all.sh "$@" > "$work/tsrcore" 2>&1 || true

for side in native tsrcore; do
  grep -aoE '^[^ ]+: (PASS|FAIL|SKIPPED|UNTESTED): .*' "$work/$side" | sort -u > "$work/$side.lines" || true
  printf '%-8s %4d passed, %3d failed, %3d skipped\n' "$side" "$(grep -ac ': PASS: ' "$work/$side.lines")" \
    "$(grep -ac ': FAIL: ' "$work/$side.lines")" "$(grep -acE ': (SKIPPED|UNTESTED): ' "$work/$side.lines")"
done
echo "differences (< native, > tsrcore):"
diff "$work/native.lines" "$work/tsrcore.lines" || true
