/** statmount(2), listmount(2): linux/mount.h. */

/** struct mnt_id_req: size, spare, mnt_id, param, and since its second version mnt_ns_id. */
export const MNT_ID_REQ_SIZE_VER0 = 24;
export const MNT_ID_REQ_SIZE = 32;
/** Instead of a mount's number: the root of whoever asks. */
export const LSMT_ROOT: number = 2 ** 64;
export const LISTMOUNT_REVERSE = 1;
/** struct statmount, before its strings. */
export const STATMOUNT_SIZE = 512;

export const STATMOUNT_SB_BASIC = 0x1;
export const STATMOUNT_MNT_BASIC = 0x2;
export const STATMOUNT_PROPAGATE_FROM = 0x4;
export const STATMOUNT_MNT_ROOT = 0x8;
export const STATMOUNT_MNT_POINT = 0x10;
export const STATMOUNT_FS_TYPE = 0x20;
export const STATMOUNT_MNT_NS_ID = 0x40;
export const STATMOUNT_SB_SOURCE = 0x200;
export const STATMOUNT_SUPPORTED_MASK = 0x1000;
/** All that there are in Linux 6.18, and those whose answer is a string. */
export const STATMOUNT_SUPPORTED = 0x7fff;
export const STATMOUNT_STRINGS = 0x6fb8;

/** Where fields of struct statmount are; those of strings are offsets behind it. */
export const StatmountField = {
  Size: 0,
  Mask: 8,
  DevMajor: 16,
  DevMinor: 20,
  Magic: 24,
  SbFlags: 32,
  FsType: 36,
  MountId: 40,
  ParentId: 48,
  OldMountId: 56,
  OldParentId: 60,
  Attributes: 64,
  Propagation: 72,
  PeerGroup: 80,
  Master: 88,
  PropagateFrom: 96,
  MountRoot: 104,
  MountPoint: 108,
  NamespaceId: 112,
  Source: 124,
  Supported: 144,
} as const;
