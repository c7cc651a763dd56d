/** /proc/sys: what programs read of it, and the few values that can be written. */

import { CAP_LAST_CAP, CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import { FIRST_EPHEMERAL, FIRST_UNPRIVILEGED, LAST_EPHEMERAL } from "../../abi/inet.ts";
import { DEFAULT_BUFFER, MAX_BUFFER, MAX_DATAGRAMS, SOMAXCONN } from "../../abi/socket.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { fixedDirectory, SyntheticFile, type SyntheticFs } from "../../vfs/types/synthetic.ts";
import type { Inode } from "../../vfs/types.ts";
import type { Kernel } from "../kernel.ts";
import { MSG_MAX, MSGSIZE_MAX, QUEUES_MAX } from "../mqueue.ts";
import { PID_MAX } from "../pid-namespace.ts";
import { KERNEL_RELEASE, KERNEL_VERSION, OS_TYPE, type UtsNamespace } from "../uts.ts";

type Tree = { readonly [name: string]: Tree | Value };
interface Value {
  readonly read: () => string | number;
  /** Stores a new value; false if it is not one. */
  readonly write?: (text: string) => boolean;
}

const value = (read: () => string | number): Value => ({ read });
const constant = (v: string | number): Value => ({ read: () => v });

function uuid(kernel: Kernel): string {
  const b = new Uint8Array(16);
  kernel.host.random.fill(b);
  b[6] = ((b[6] ?? 0) & 0x0f) | 0x40;
  b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function tree(kernel: Kernel): Tree {
  const bootId = uuid(kernel);
  // Of whoever looks.
  const uts = (): UtsNamespace => kernel.scheduler.current?.uts ?? kernel.namespaces.uts;
  const name = (get: () => string, set: (text: string) => void): Value => ({
    read: get,
    write: (text) => {
      const trimmed = text.replace(/\n.*$/s, "");
      if (trimmed.length > 64) return false;
      set(trimmed);
      return true;
    },
  });
  return {
    fs: {
      "file-max": constant("9223372036854775807"),
      "file-nr": constant("0\t0\t9223372036854775807"),
      mqueue: {
        msg_default: constant(10),
        msg_max: constant(MSG_MAX),
        msgsize_default: constant(8192),
        msgsize_max: constant(MSGSIZE_MAX),
        queues_max: constant(QUEUES_MAX),
      },
      nr_open: constant(1048576),
      "pipe-max-size": constant(1048576),
      protected_hardlinks: constant(0),
      protected_symlinks: constant(0),
    },
    kernel: {
      cap_last_cap: constant(CAP_LAST_CAP),
      core_pattern: constant("core"),
      domainname: name(
        () => uts().domainname,
        (text) => {
          uts().domainname = text;
        },
      ),
      hostname: name(
        () => uts().hostname,
        (text) => {
          uts().hostname = text;
        },
      ),
      msgmax: constant(8192),
      msgmnb: constant(16384),
      ngroups_max: constant(65536),
      osrelease: constant(KERNEL_RELEASE),
      ostype: constant(OS_TYPE),
      overflowgid: constant(65534),
      overflowuid: constant(65534),
      pid_max: constant(PID_MAX),
      printk: constant("4\t4\t1\t7"),
      random: {
        boot_id: constant(bootId),
        entropy_avail: constant(256),
        poolsize: constant(256),
        uuid: value(() => uuid(kernel)),
      },
      randomize_va_space: constant(0),
      shmall: constant("18446744073692774399"),
      shmmax: constant("18446744073692774399"),
      shmmni: constant(4096),
      threads_max: constant(PID_MAX),
      version: constant(KERNEL_VERSION),
    },
    net: {
      core: {
        rmem_default: constant(DEFAULT_BUFFER),
        rmem_max: constant(MAX_BUFFER),
        somaxconn: constant(SOMAXCONN),
        wmem_default: constant(DEFAULT_BUFFER),
        wmem_max: constant(MAX_BUFFER),
      },
      ipv4: {
        ip_forward: constant(0),
        ip_local_port_range: constant(`${FIRST_EPHEMERAL}\t${LAST_EPHEMERAL}`),
        ip_unprivileged_port_start: constant(FIRST_UNPRIVILEGED),
        tcp_fin_timeout: constant(60),
        tcp_keepalive_intvl: constant(75),
        tcp_keepalive_probes: constant(9),
        tcp_keepalive_time: constant(7200),
        tcp_max_syn_backlog: constant(SOMAXCONN),
        tcp_rmem: constant("4096\t131072\t6291456"),
        tcp_wmem: constant("4096\t16384\t4194304"),
      },
      ipv6: { bindv6only: constant(0), conf: { all: { disable_ipv6: constant(0) } } },
      unix: { max_dgram_qlen: constant(MAX_DATAGRAMS) },
    },
    vm: {
      max_map_count: constant(65530),
      mmap_min_addr: constant(65536),
      overcommit_memory: constant(0),
      overcommit_ratio: constant(50),
      swappiness: constant(60),
    },
  };
}

function isValue(node: Tree | Value): node is Value {
  return typeof node.read === "function";
}

function build(fs: SyntheticFs, node: Tree, ino: number): Inode {
  const children: Record<string, (ino: number) => Inode> = {};
  for (const [name, child] of Object.entries(node)) {
    const shown = name === "threads_max" ? "threads-max" : name;
    children[shown] = isValue(child) ? (n) => leaf(fs, child, n) : (n) => build(fs, child, n);
  }
  return fixedDirectory(fs, { ino }, children);
}

function leaf(fs: SyntheticFs, node: Value, ino: number): Inode {
  const { read, write } = node;
  return new SyntheticFile(fs, {
    ino,
    mode: write === undefined ? 0o444 : 0o644,
    content: () => `${read()}\n`,
    ...(write === undefined
      ? {}
      : {
          write: (bytes, _position, context) => {
            if (!context.credentials.capable(CAP_SYS_ADMIN)) return -EPERM;
            return write(decodeBytes(bytes)) ? bytes.length : -EINVAL;
          },
        }),
  });
}

export function sysctlDirectory(kernel: Kernel, fs: SyntheticFs, ino: number): Inode {
  return build(fs, tree(kernel), ino);
}
