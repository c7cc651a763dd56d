#!/bin/bash
# The selftests of Linux 6.12 (tools/testing/selftests) that are about system calls, from Debian's source package.
#
#   tests/suites/selftests.sh [target/program...]
#
# Left out: what sets the machine's clock or suspends it, needs hardware, modules, BPF or other file systems, and benchmarks.
# Besides what lib.sh needs: libcap-dev, libpopt-dev, libnuma-dev, rsync, bison and flex.
. "$(dirname "$0")/lib.sh"
fetch linux=6.12.107-1 trixie linux '*/tools/testing/selftests' '*/tools/include' '*/tools/lib' '*/tools/scripts' '*/tools/arch' \
  '*/include' '*/arch/x86' '*/scripts' '*/Makefile' '*/Kbuild' '*/usr' '*/Kconfig' '*/lib' '*/kernel/time' '*/kernel/bounds.c'
source=$cache/linux
selftests=$source/tools/testing/selftests
headers="-isystem $source/usr/include"
[[ -e $source/usr/include/linux/types.h ]] || make -s -C "$source" headers >/dev/null

targets=(acct breakpoints cachestat capabilities clone3 core exec filelock filesystems filesystems/epoll filesystems/eventfd
  filesystems/statmount futex/functional ipc kcmp membarrier mincore mount mount_setattr move_mount_set_group mqueue
  pid_namespace pidfd prctl proc ptrace rlimits rseq sched seccomp sigaltstack splice sync syscall_user_dispatch tmpfs timens timers
  tty vDSO x86 nsfs landlock net/af_unix)
for target in "${targets[@]}"; do
  make -k -s -C "$selftests/$target" "OUTPUT=$selftests/$target" "KHDR_INCLUDES=$headers" "top_srcdir=$source" >/dev/null 2>&1 || true
done
# By hand: what its Makefile builds with the sanitizers, or together with what cannot be built here.
build() { # directory program [more sources...]
  local directory=$1 program=$2
  shift 2
  [[ -x $selftests/$directory/$program ]] || (cd "$selftests/$directory" && gcc -O2 -w -D_GNU_SOURCE -I.. -I../../../include \
    -I../../../../tools/include/uapi $headers -o "$program" "$program.c" "$@" -lrt -lpthread -lcap -lnuma) || true
}
for program in openat2_test resolve_test rename_attack_test; do build openat2 $program helpers.c; done
build fchmodat2 fchmodat2_test
build memfd memfd_test common.c
for program in madv_populate map_fixed_noreplace map_populate mkdirty mlock-random-test mlock2-tests mrelease_test mremap_dontunmap \
  mremap_test mseal_test seal_elf on-fault-limit mdwe_test droppable; do
  build mm $program vm_util.c thp_settings.c
done
for program in socket reuseaddr_conflict bind_wildcard bind_timewait reuseport_addr_any reuseport_dualstack sk_so_peek_off \
  sk_bind_sendto_listen sk_connect_zero_addr; do
  build net $program
done

if [[ $# -eq 0 ]]; then
  # The timers' are named one by one: their others set this machine's clock.
  skip='step_after_suspend|rename_attack|_32$|mm_cid|benchmark|perf_tests|stress|^timers/|\.so$|default_file_splice|vmaccess|amx|lam|shadow|/true$'
  # shellcheck disable=SC2046
  set -- $(cd "$selftests" && find "${targets[@]}" openat2 fchmodat2 memfd mm net -maxdepth 1 -type f -perm -1 \
    ! -name '*.sh' ! -name '*.py' ! -name '*.pl' | sort -u | grep -vE "$skip") \
    timers/nanosleep timers/posix_timers timers/threadtest
fi
list=$(mktemp)
for program; do printf '%s\t%s\t./%s\n' "$program" "$selftests/$(dirname "$program")" "$(basename "$program")"; done |
  sed 's/\(splice_read\)$/\1 splice_read 3000/' >"$list"
compare "Linux selftests 6.12" "$list"
rm "$list"
