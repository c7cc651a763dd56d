/** ioctls of namespace files: ioctl_nsfs(2). */
export const NSFS_MAGIC = 0x6e736673;
/** The user namespace that owns it, and the namespace around it, as new descriptors. */
export const NS_GET_USERNS = 0xb701;
export const NS_GET_PARENT = 0xb702;
/** The CLONE_NEW* that makes one of its kind. */
export const NS_GET_NSTYPE = 0xb703;
/** Of a user namespace: who made it. */
export const NS_GET_OWNER_UID = 0xb704;
/** Of a mount namespace: its number, and struct mnt_ns_info (size, nr_mounts, mnt_ns_id). */
export const NS_GET_MNTNS_ID = 0x8008b705;
export const NS_MNT_GET_INFO = 0x8010b70a;
export const MNT_NS_INFO_SIZE = 16;
/** Numbers of processes and threads in one PID namespace for those in the caller's, and the other way round. */
export const NS_GET_PID_FROM_PIDNS = 0x8004b706;
export const NS_GET_TGID_FROM_PIDNS = 0x8004b707;
export const NS_GET_PID_IN_PIDNS = 0x8004b708;
export const NS_GET_TGID_IN_PIDNS = 0x8004b709;
