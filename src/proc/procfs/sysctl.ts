/** /proc/sys: what programs read of it, and the few values that can be written. */

import { CAP_LAST_CAP, CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import { FIRST_EPHEMERAL, FIRST_UNPRIVILEGED, LAST_EPHEMERAL } from "../../abi/inet.ts";
import { DEFAULT_BUFFER, MAX_BUFFER, MAX_DATAGRAMS, SOMAXCONN } from "../../abi/socket.ts";
import { IPCMNI } from "../../abi/sysv-ipc.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { fixedDirectory, SyntheticFile, type SyntheticFs } from "../../vfs/types/synthetic.ts";
import type { Inode } from "../../vfs/types.ts";
import type { IpcLimits } from "../ipc-limits.ts";
import type { IpcNamespace } from "../ipc-namespace.ts";
import type { Kernel } from "../kernel.ts";
import { MemfdExecution, PID_MAX, type PidNamespace } from "../pid-namespace.ts";
import type { Tunables } from "../tunables.ts";
import { KERNEL_RELEASE, KERNEL_VERSION, OS_TYPE, type UtsNamespace } from "../uts.ts";

const INT_MAX = 0x7fff_ffff;

type Tree = { readonly [name: string]: Tree | Value };
interface Value {
  readonly read: () => string | number;
  /** Stores a new value; false if it is not one. */
  readonly write?: (text: string) => boolean;
}

const value = (read: () => string | number): Value => ({ read });
/** A number that is changed where it lies. */
function setting<K extends string>(holder: () => { [key in K]: number }, key: K, least: number, most: number): Value {
  return {
    read: () => holder()[key],
    write: (text) => {
      const n = integer(text);
      if (n === undefined || n < least || n > most) return false;
      holder()[key] = n;
      return true;
    },
  };
}

function integer(text: string): number | undefined {
  return /^\s*-?\d+\s*$/.test(text) ? Number.parseInt(text, 10) : undefined;
}

function large(get: () => bigint, set: (value: bigint) => void): Value {
  return {
    read: () => String(get()),
    write: (text) => {
      if (!/^\s*\d{1,20}\s*$/.test(text)) return false;
      set(BigInt.asUintN(64, BigInt(text.trim())));
      return true;
    },
  };
}

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
  const ipc = (): IpcNamespace => kernel.scheduler.current?.ipc ?? kernel.namespaces.ipc;
  const pids = (): PidNamespace => kernel.scheduler.current?.process.pids ?? kernel.pids;
  const limits = (): IpcLimits => ipc().limits;
  const machine = (): Tunables => kernel.tunables;
  return {
    fs: {
      "aio-max-nr": constant(65536),
      "dir-notify-enable": constant(1),
      "file-max": constant("9223372036854775807"),
      "file-nr": constant("0\t0\t9223372036854775807"),
      inotify: {
        max_queued_events: setting(machine, "inotifyEvents", 0, INT_MAX),
        max_user_instances: setting(machine, "inotifyInstances", 0, INT_MAX),
        max_user_watches: setting(machine, "inotifyWatches", 0, INT_MAX),
      },
      "lease-break-time": setting(machine, "leaseBreakTime", 0, INT_MAX),
      "leases-enable": constant(1),
      mqueue: {
        msg_default: setting(limits, "defaultMessages", 1, 65536),
        msg_max: setting(limits, "posixMessages", 1, 65536),
        msgsize_default: setting(limits, "defaultMessageSize", 128, 16 << 20),
        msgsize_max: setting(limits, "posixMessageSize", 128, 16 << 20),
        queues_max: setting(limits, "posixQueues", 0, INT_MAX),
      },
      nr_open: setting(machine, "openFiles", 64, INT_MAX - 63),
      overflowgid: constant(65534),
      overflowuid: constant(65534),
      "pipe-max-size": setting(machine, "pipeMaxSize", 4096, INT_MAX),
      "pipe-user-pages-hard": constant(0),
      "pipe-user-pages-soft": constant(0),
      protected_fifos: constant(0),
      protected_hardlinks: constant(0),
      protected_regular: constant(0),
      protected_symlinks: constant(0),
      suid_dumpable: constant(0),
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
      msg_next_id: setting(() => ipc().sysv.queues, "nextId", 0, INT_MAX),
      msgmax: setting(limits, "messageSize", 0, INT_MAX),
      msgmnb: setting(limits, "queueBytes", 0, INT_MAX),
      msgmni: setting(limits, "queues", 0, IPCMNI),
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
      sem: {
        read: () => limits().semaphores.join("\t"),
        write: (text) => {
          const given = text.trim().split(/\s+/).map(integer);
          // Those that are left out stay what they are.
          const [perSet, all, operations, sets] = limits().semaphores.map((old, i) =>
            i < given.length ? given[i] : old,
          );
          if (perSet === undefined || all === undefined || operations === undefined || sets === undefined) return false;
          if (Math.min(perSet, all, operations, sets) < 0 || sets > IPCMNI) return false;
          limits().semaphores = [perSet, all, operations, sets];
          return true;
        },
      },
      sem_next_id: setting(() => ipc().sysv.sets, "nextId", 0, INT_MAX),
      shm_next_id: setting(() => ipc().sysv.segments, "nextId", 0, INT_MAX),
      shm_rmid_forced: constant(0),
      shmall: large(
        () => limits().segmentPages,
        (pages) => {
          limits().segmentPages = pages;
        },
      ),
      shmmax: large(
        () => limits().segmentSize,
        (bytes) => {
          limits().segmentSize = bytes;
        },
      ),
      shmmni: setting(limits, "segments", 0, IPCMNI),
      tainted: constant(0),
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
      memfd_noexec: {
        read: () => pids().memfdExecution,
        write: (text) => {
          const n = integer(text);
          if (n === undefined || n < (pids().parent?.memfdExecution ?? 0) || n > MemfdExecution.Refused) return false;
          pids().memfdExecution = n;
          return true;
        },
      },
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
