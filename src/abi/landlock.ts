/** landlock(7): linux/landlock.h, of ABI 7 (Linux 6.18). */
export const LANDLOCK_ABI = 7;
/** A bit for each mistake of the first versions that is mended. */
export const LANDLOCK_ERRATA = 7;
export const LANDLOCK_CREATE_RULESET_VERSION = 1;
export const LANDLOCK_CREATE_RULESET_ERRATA = 2;
export const LANDLOCK_RULE_PATH_BENEATH = 1;
export const LANDLOCK_RULE_NET_PORT = 2;
/** LANDLOCK_RESTRICT_SELF_LOG_* */
export const LANDLOCK_RESTRICT_SELF_FLAGS = 7;
export const LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF = 4;

export const FS_EXECUTE = 1;
export const FS_WRITE_FILE = 2;
export const FS_READ_FILE = 4;
export const FS_READ_DIR = 8;
export const FS_REMOVE_DIR = 0x10;
export const FS_REMOVE_FILE = 0x20;
export const FS_MAKE_CHAR = 0x40;
export const FS_MAKE_DIR = 0x80;
export const FS_MAKE_REG = 0x100;
export const FS_MAKE_SOCK = 0x200;
export const FS_MAKE_FIFO = 0x400;
export const FS_MAKE_BLOCK = 0x800;
export const FS_MAKE_SYM = 0x1000;
export const FS_REFER = 0x2000;
export const FS_TRUNCATE = 0x4000;
export const FS_IOCTL_DEV = 0x8000;
export const FS_ALL = 0xffff;
/** Those that mean something for what is no directory. */
export const FS_OF_FILES: number = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV;

export const NET_BIND_TCP = 1;
export const NET_CONNECT_TCP = 2;
export const NET_ALL = 3;

export const SCOPE_ABSTRACT_UNIX_SOCKET = 1;
export const SCOPE_SIGNAL = 2;
export const SCOPE_ALL = 3;

/** struct landlock_ruleset_attr: handled_access_fs, handled_access_net, scoped; its first version had the first alone. */
export const RULESET_ATTR_MIN = 8;
export const RULESET_ATTR_SIZE = 24;
/** struct landlock_path_beneath_attr (packed): allowed_access, parent_fd. */
export const PATH_BENEATH_SIZE = 12;
/** struct landlock_net_port_attr: allowed_access, port. */
export const NET_PORT_SIZE = 16;
/** LANDLOCK_MAX_NUM_LAYERS */
export const MAX_LAYERS = 16;
