/** seccomp(2): operations, flags, answers of filters (linux/seccomp.h, linux/audit.h). */

export const SECCOMP_MODE_DISABLED = 0;
export const SECCOMP_MODE_STRICT = 1;
export const SECCOMP_MODE_FILTER = 2;

export const SECCOMP_SET_MODE_STRICT = 0;
export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_GET_ACTION_AVAIL = 2;
export const SECCOMP_GET_NOTIF_SIZES = 3;

export const SECCOMP_FILTER_FLAG_TSYNC = 1;
export const SECCOMP_FILTER_FLAG_LOG = 2;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16;
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;

export const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
export const SECCOMP_RET_KILL_THREAD = 0;
export const SECCOMP_RET_TRAP = 0x3_0000;
export const SECCOMP_RET_ERRNO = 0x5_0000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc0_0000;
export const SECCOMP_RET_TRACE = 0x7ff0_0000;
export const SECCOMP_RET_LOG = 0x7ffc_0000;
export const SECCOMP_RET_ALLOW = 0x7fff_0000;
export const SECCOMP_RET_ACTION_FULL = 0xffff_0000;
export const SECCOMP_RET_DATA = 0xffff;

/** si_code of the SIGSYS of SECCOMP_RET_TRAP. */
export const SYS_SECCOMP = 1;

/** AUDIT_ARCH_*: the machine, 64 bits, little endian. */
export const AUDIT_ARCH: Readonly<Record<"x86_64" | "riscv64", number>> = {
  x86_64: 0xc000_003e,
  riscv64: 0xc000_00f3,
};

/** struct seccomp_data: nr, arch, instruction_pointer, args[6]. */
export const SECCOMP_DATA_SIZE = 64;

/** Requests of a listener's descriptor (SECCOMP_IOCTL_NOTIF_*), of ADDFD without direction and size, which may grow. */
export const SECCOMP_IOCTL_NOTIF_RECV = 0xc050_2100;
export const SECCOMP_IOCTL_NOTIF_SEND = 0xc018_2101;
export const SECCOMP_IOCTL_NOTIF_ID_VALID = 0x4008_2102;
export const SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR = 0x8008_2102;
export const SECCOMP_IOCTL_NOTIF_ADDFD = 0x2103;
export const SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x4008_2104;

/** struct seccomp_notif: id, pid, flags, data. */
export const SECCOMP_NOTIF_SIZE = 80;
/** struct seccomp_notif_resp: id, val, error, flags. */
export const SECCOMP_NOTIF_RESP_SIZE = 24;
/** struct seccomp_notif_addfd: id, flags, srcfd, newfd, newfd_flags. */
export const SECCOMP_NOTIF_ADDFD_SIZE = 24;
export const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;
export const SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1;
export const SECCOMP_ADDFD_FLAG_SETFD = 1;
export const SECCOMP_ADDFD_FLAG_SEND = 2;
