/** Parts of a system: accounts, jobs, process 1. */

import type { Program } from "../program.ts";

export const system: readonly Program[] = [
  {
    id: "adduser",
    group: "system",
    what: "adduser, passwd, su, id, groups; files of the new user",
    script: `adduser --disabled-password --gecos 'A User' alice >/dev/null 2>&1; echo $?; echo 'alice:secret' | chpasswd; echo $?; id alice; getent passwd alice; su alice -c 'id -un; cd; pwd; touch f; ls -l f | cut -c1-10; echo no >/etc/passwd'; su - alice -s /bin/sh -c 'echo $HOME $USER'; deluser alice >/dev/null 2>&1; id alice`,
    limit: 60,
  },
  {
    id: "cron",
    group: "system",
    what: "cron runs a job at the next minute",
    script: `mkdir -p /var/spool/cron/crontabs && printf '* * * * * root echo "ran as $(id -un)" >/work/ran\\n' >/etc/cron.d/job; cron; for i in $(seq 75); do [ -e ran ] && break; sleep 1; done; sleep 0.2; cat ran`,
    limit: 120,
    qemu: false,
  },
  {
    id: "init-login",
    group: "system",
    what: "busybox init as process 1: a getty-less login shell, a respawned service, shutdown",
    script: `printf '::sysinit:/bin/echo sysinit\\n::wait:/bin/sh -c "hostname; echo wait $$"\\n::once:script -qc "login -f root" /dev/null </dev/null\\n::shutdown:/bin/echo bye\\n' >/etc/inittab; echo 'id -un; echo "login shell $0"; kill -USR2 1; sleep 20' >/root/.bash_login; timeout -s KILL 60 unshare -pf --mount-proc --kill-child sh -c 'exec 2>&1; exec busybox init' </dev/null | grep -v -e reboot -e 'system halted' -e TERM -e KILL -e 'last login' -e linux -e debian -i`,
    limit: 60,
    qemu: false,
  },
  {
    id: "login",
    group: "system",
    what: "login -f in a pseudo-terminal of script(1): a login shell, its profile, its terminal, job control",
    script: `printf 'id -un; echo "$0 $HOME $LOGNAME"; tty >/dev/null && echo terminal; stty -a | head -1 | cut -c1-30; sleep 100 &\\njobs; kill %%1; wait; exit 3\\n' >/root/.bash_login; script -qec 'stty rows 24 cols 80; login -f root' /dev/null </dev/null | grep -v -i -e linux -e debian -e 'last login' -e warranty -e law | tr -d '\\r'`,
    drop: [/\[1\] \d+/g],
    limit: 60,
    qemu: false,
  },
  {
    id: "procps",
    group: "system",
    what: "ps, pgrep, pkill, top -b, free, uptime, vmstat, mount, df, lscpu run through",
    script: `sleep 100 & ps -o comm,stat,ppid= --ppid $BASHPID | grep -c sleep; pgrep -c sleep; pkill sleep; wait; top -b -n1 | grep -c PID; free -b | wc -l; uptime | grep -c load; vmstat | wc -l; mount | grep -c proc; df -P / | wc -l; lscpu | grep Architecture | tr -s " "; nproc --all >/dev/null && echo ok; w -h | wc -l; ps aux | head -1; pidof sleep; ls /proc/self/task | wc -l`,
    limit: 60,
    qemu: false,
  },
  {
    id: "namespaces",
    drop: [/line \d+: +\d+/g],
    group: "system",
    what: "chroot, setpriv, nice, timeout, nohup, flock, mkfifo, unshare of mounts",
    script: `setpriv --reuid=1000 --regid=1000 --clear-groups id; nice -n 5 nice; timeout 0.3 sleep 5; echo $?; mkfifo p; (echo through >p &) ; cat p; (flock 9; echo locked) 9>l; chroot / /bin/echo rooted; timeout -s INT 1 sh -c 'trap "echo int; exit 3" INT; sleep 5 & wait'; echo $?; (ulimit -f 1; dd if=/dev/zero of=big bs=4k count=3 2>/dev/null; echo $?); (ulimit -n 8; exec 9>x) 2>&1 | tail -1 | sed 's/.*line [0-9]*: //'; sh -c 'kill -SEGV $$'; echo $?`,
    limit: 60,
  },
];
