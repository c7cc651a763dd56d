/** The classes of system calls that strace -e trace=%class knows (strace(1)). Names that are not in the table are harmless. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((w) => w !== ""));

const STAT = "stat oldstat";
const LSTAT = "lstat oldlstat";
const FSTAT = "fstat fstat64 fstatat64 newfstatat oldfstat statx";

const NETWORK = words(`
    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmsg send sendfile sendmmsg
    sendmsg sendto setsockopt shutdown socket socketpair`);

export const CLASSES: Readonly<Record<string, ReadonlySet<string>>> = {
  file: words(`
    access acct chdir chmod chown chroot creat execve execveat faccessat faccessat2 fanotify_mark fchmodat fchmodat2 fchownat
    fsopen fspick futimesat getcwd getxattr inotify_add_watch lchown lgetxattr link linkat listxattr llistxattr lremovexattr
    lsetxattr lstat mkdir mkdirat mknod mknodat mount mount_setattr move_mount name_to_handle_at newfstatat open open_tree
    openat openat2 pivot_root quotactl readlink readlinkat removexattr rename renameat renameat2 rmdir setxattr stat statfs
    statx swapoff swapon symlink symlinkat truncate umount umount2 unlink unlinkat uselib utime utimensat utimes`),
  process: words(`
    clone clone3 execve execveat exit exit_group fork kill pidfd_send_signal process_madvise process_mrelease rt_sigqueueinfo
    rt_tgsigqueueinfo tgkill tkill vfork wait4 waitid waitpid`),
  network: NETWORK,
  net: NETWORK,
  signal: words(`
    kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4 tgkill tkill`),
  ipc: words("msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget"),
  desc: words(`
    bpf cachestat close close_range copy_file_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2
    epoll_wait eventfd eventfd2 execveat faccessat faccessat2 fadvise64 fallocate fanotify_init fanotify_mark fchdir fchmod
    fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr finit_module flistxattr flock fremovexattr fsconfig fsetxattr
    fsmount fsopen fspick fstat fstatfs fsync ftruncate futimesat getdents getdents64 inotify_add_watch inotify_init
    inotify_init1 inotify_rm_watch io_uring_enter io_uring_register io_uring_setup ioctl kexec_file_load landlock_add_rule
    landlock_create_ruleset linkat lseek memfd_create memfd_secret mkdirat mknodat mmap mount_setattr move_mount mq_getsetattr
    mq_notify mq_open mq_timedreceive mq_timedsend name_to_handle_at newfstatat open open_by_handle_at open_tree openat openat2
    perf_event_open pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 poll ppoll pread64 preadv preadv2 process_madvise
    process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlinkat readv renameat renameat2 select sendfile
    setns signalfd signalfd4 splice statx symlinkat sync_file_range syncfs tee timerfd_create timerfd_gettime timerfd_settime
    unlinkat userfaultfd utimensat vmsplice write writev accept accept4 bind connect getpeername getsockname getsockopt listen
    recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto setsockopt shutdown socket socketpair`),
  memory: words(`
    brk get_mempolicy io_destroy io_setup madvise mbind migrate_pages mincore mlock mlock2 mlockall mmap move_pages mprotect
    mremap mseal msync munlock munlockall munmap pkey_mprotect process_madvise process_mrelease remap_file_pages
    set_mempolicy set_mempolicy_home_node shmat shmdt`),
  creds: words(`
    capget capset getegid geteuid getgid getgroups getresgid getresuid getuid prctl setfsgid setfsuid setgid setgroups
    setregid setresgid setresuid setreuid setuid`),
  clock: words("adjtimex clock_adjtime clock_getres clock_gettime clock_settime gettimeofday settimeofday time"),
  stat: words(STAT),
  lstat: words(LSTAT),
  fstat: words(FSTAT),
  "%stat": words(`${STAT} ${LSTAT} ${FSTAT}`),
  statfs: words("statfs"),
  fstatfs: words("fstatfs"),
  "%statfs": words("fstatfs statfs ustat"),
  pure: words(`
    getegid geteuid getgid getpgid getpgrp getpid getpriority getresgid getresuid getsid gettid getuid getppid
    get_thread_area`),
};
