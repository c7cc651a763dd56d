# What the scripts of this folder share: sources from Debian's archive, and programs that are run by the real kernel and in
# tsrcore, whose exit statuses are compared. Sourced, not run.
#
# Each test has a line "id<TAB>directory<TAB>command" in a list; 0 is passed. What does not pass natively is shown, but is no
# measure. Needs Debian 12 with gcc, make, musl-tools, xz-utils and the network, and root for namespaces of its own.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${TSRCORE_BIN:-$repository/bin/tsrcore.mjs}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tsrcore-suites
mkdir -p "$cache/apt/lists/partial" "$cache/apt/none"

# fetch package release directory [pattern...]: unpacks the upstream source, or what of it the patterns say, once.
fetch() {
  local package=$1 release=$2 into=$cache/$3 mirror
  shift 3
  [[ -e $into/.unpacked ]] && return
  # Sources come from where this machine has its packages from.
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | sed q)}
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$cache/apt/$release.list"
  local apt=(apt-get -qq -o APT::Sandbox::User=root -o "Dir::Etc::sourcelist=$cache/apt/$release.list"
    -o "Dir::Etc::sourceparts=$cache/apt/none" -o "Dir::State::lists=$cache/apt/lists")
  mkdir -p "$into.source" "$into"
  "${apt[@]}" update
  (cd "$into.source" && "${apt[@]}" source --download-only "$package")
  [[ $# -eq 0 ]] || set -- --wildcards "$@"
  tar xf "$(ls "$into.source"/*.orig.tar.?z)" -C "$into" --strip-components 1 "$@"
  touch "$into/.unpacked"
}

# compare name list [user]: runs the list on both sides and prints what differs, then the counts.
compare() {
  local name=$1 list=$2 user=${3:-0} work
  work=$(mktemp -d)
  cat >"$work/run.sh" <<'RUN'
# run.sh list seconds: each test of the list, with its exit status.
tab=$(printf '\t')
while IFS="$tab" read -r id directory command; do
  (cd "$directory" && exec timeout -k 1 "$2" sh -c "$command") </dev/null >/dev/null 2>&1
  echo "$id $?"
done <"$1"
RUN
  # Of their own: processes, mounts, /tmp, shared memory, message queues, the network. The clock stays what it is.
  cat >"$work/begin.sh" <<'BEGIN'
# begin.sh directory user seconds
mount -t proc proc /proc
# The network namespace's own loopback; in the guest it is up.
ip link set lo up 2>/dev/null || true
mkdir -p /dev/mqueue
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=1777 suite /dev/shm
cp "$1/run.sh" "$1/list" /dev/shm/
mount -t tmpfs -o mode=1777 suite /tmp
cd /tmp
exec setpriv --reuid "$2" --regid "$2" --clear-groups --bounding-set -sys_time,-sys_boot,-sys_module,-wake_alarm \
  sh /dev/shm/run.sh /dev/shm/list "$3"
BEGIN
  cp "$list" "$work/list"
  chmod -R a+rX "$work"
  local limit=${LIMIT:-60}
  timeout -k 5 7200 unshare -mpinf --kill-child sh "$work/begin.sh" "$work" "$user" "$limit" >"$work/native" 2>/dev/null || true
  timeout -k 5 7200 node "$bin" run --root / -v "$work:/suite:ro" \
    sh /suite/begin.sh /suite "$user" "$((limit * 2))" >"$work/tsrcore" 2>/dev/null || true
  for side in native tsrcore; do sort -u -o "$work/$side" "$work/$side"; done
  echo "$name: tests whose status differs (natively, here), of those that pass natively:"
  join -a 1 -e none -o 0,1.2,2.2 "$work/native" "$work/tsrcore" | awk '$2 == 0 && $3 != 0 { print "  " $1, $2, $3 }'
  echo "$name: $(wc -l <"$work/list") run, $(grep -c ' 0$' "$work/native") passed natively, $(grep -c ' 0$' "$work/tsrcore") here"
  rm -rf "$work"
}
