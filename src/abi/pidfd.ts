/** ioctls of pidfds: linux/pidfd.h. */

/** PIDFD_GET_*_NAMESPACE, whose number is the last byte. */
export const PIDFD_IOCTL_BASE = 0xff00;
export const PIDFD_NAMESPACES = [
  undefined,
  "cgroup",
  "ipc",
  "mnt",
  "net",
  "pid",
  "pid_for_children",
  "time",
  "time_for_children",
  "user",
  "uts",
] as const;
/** PIDFD_GET_INFO: without the size of its structure, which may grow. */
export const PIDFD_GET_INFO = 0xc000_ff0b;
export const PIDFD_INFO_SIZE_MIN = 64;
export const PIDFD_INFO_SIZE = 80;
export const PIDFD_INFO_PID = 1;
export const PIDFD_INFO_CREDS = 2;
export const PIDFD_INFO_CGROUPID = 4;
export const PIDFD_INFO_EXIT = 8;
export const PIDFD_INFO_COREDUMP = 0x10;
export const PIDFD_INFO_SUPPORTED_MASK = 0x20;
export const PIDFD_INFO_SUPPORTED = 0x3f;
