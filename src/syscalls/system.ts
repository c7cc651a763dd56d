/** The machine: uname(2), sysinfo(2), getrandom(2), sethostname(2), reboot(2), and what only a real machine has. */
import {
  CAP_SYS_ADMIN,
  CAP_SYS_BOOT,
  CAP_SYS_PACCT,
  CAP_SYS_RAWIO,
  CAP_SYS_TTY_CONFIG,
  CAP_SYSLOG,
} from "../abi/capability.ts";
import { EACCES, EINVAL, EPERM, errno } from "../abi/errno.ts";
import { O_APPEND, O_LARGEFILE, O_WRONLY } from "../abi/fcntl.ts";
import { SIGHUP, SIGINT, SIGKILL } from "../abi/signal.ts";
import { S_IFREG } from "../abi/stat.ts";
import { account } from "../proc/accounting.ts";
import { exitGroup } from "../proc/exit.ts";
import { NO_RESULT } from "../proc/scheduler.ts";
import type { Task } from "../proc/task.ts";
import { KERNEL_RELEASE, KERNEL_VERSION, OS_TYPE } from "../proc/uts.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import { release, retain } from "../vfs/file.ts";
import { openAt } from "../vfs/open.ts";
import type { File } from "../vfs/types.ts";
import { FOLLOW, lookup } from "../vfs/walk.ts";
import { cstring, int, path, ptr, size, uint } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { viewOf } from "./process-args.ts";
import {
  filledNames,
  filledRandom,
  filledSystemInfo,
  logAction,
  logBuffer,
  logLength,
  randomFlags,
} from "./system-args.ts";

const UTS_LENGTH = 65;
/** personality(2): the machine's name is that of its 32-bit kind. */
const PER_MASK = 0xff;
const PER_LINUX32 = 8;

function uname(task: Task, address: number): number {
  const { arch } = task;
  const { hostname, domainname } = task.uts;
  const machine = (task.personality & PER_MASK) === PER_LINUX32 ? arch.name32 : arch.name;
  const bytes = task.space.writable(address, 6 * UTS_LENGTH);
  bytes.fill(0);
  [OS_TYPE, hostname, KERNEL_RELEASE, KERNEL_VERSION, machine, domainname].forEach((text, i) => {
    bytes.set(encodeBytes(text).subarray(0, UTS_LENGTH - 1), i * UTS_LENGTH);
  });
  return 0;
}

/** struct sysinfo: 112 bytes on 64-bit architectures. */
function sysinfo(task: Task, address: number): number {
  const { kernel } = task;
  const bytes = task.space.writable(address, 112);
  bytes.fill(0);
  const view = viewOf(bytes);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(Math.floor(value)), true);
  u64(0, Math.ceil((kernel.now() + task.namespaces.time.boottime) / 1e9));
  kernel.scheduler.loadAverages().forEach((load, i) => {
    u64(8 + 8 * i, load * 65536);
  });
  const used = kernel.pool.committedPages * 4096;
  u64(32, kernel.memoryBytes);
  u64(40, Math.max(0, kernel.memoryBytes - used));
  view.setUint16(80, Math.min(kernel.tasks.size, 0xffff), true);
  view.setUint32(104, 1, true);
  return 0;
}

const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
const GRND_INSECURE = 4;

function getrandom(task: Task, address: number, length: number, bits: number): number {
  if (bits & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) throw errno(EINVAL);
  if ((bits & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) throw errno(EINVAL);
  if (length === 0) return 0;
  const into = task.space.writablePrefix(address, Math.min(length, 0x7fff_f000));
  task.kernel.host.random.fill(into);
  return into.length;
}

function setName(task: Task, address: number, length: number, set: (name: string) => void): number {
  if (!task.credentials.capableIn(CAP_SYS_ADMIN, task.kernel.registry.of(task.uts).owner)) throw errno(EPERM);
  if (length < 0 || length >= UTS_LENGTH) throw errno(EINVAL);
  const bytes = task.space.copyIn(address, length);
  const end = bytes.indexOf(0);
  set(decodeBytes(end < 0 ? bytes : bytes.subarray(0, end)));
  return 0;
}

const REBOOT_MAGIC1 = 0xfee1_dead;
const REBOOT_MAGIC2 = new Set([672274793, 85072278, 369367448, 537993216]);
const REBOOT_CAD_OFF = 0;
const REBOOT_CAD_ON = 0x89ab_cdef;
const REBOOT_RESTART = 0x0123_4567;
const REBOOT_HALT = 0xcdef_0123;
const REBOOT_POWER_OFF = 0x4321_fedc;

const REBOOT_RESTART2 = 0xa1b2_c3d4;

/**
 * As in a container (reboot_pid_ns() of Linux): the PID namespace ends, and whoever waits for its init learns by the signal
 * that seems to have killed it what was asked for: SIGINT to halt, SIGHUP to start again.
 */
function reboot(task: Task, magic1: number, magic2: number, command: number): SyscallResult {
  const { kernel, process } = task;
  const { pids } = process;
  if (!task.credentials.capableIn(CAP_SYS_BOOT, kernel.registry.of(pids).owner)) throw errno(EPERM);
  if (magic1 !== REBOOT_MAGIC1 || !REBOOT_MAGIC2.has(magic2)) throw errno(EINVAL);
  switch (command) {
    case REBOOT_CAD_OFF:
    case REBOOT_CAD_ON:
      // Nobody presses those keys here.
      if (pids.level > 0) throw errno(EINVAL);
      return 0;
    case REBOOT_RESTART:
    case REBOOT_RESTART2:
      pids.rebootSignal = SIGHUP;
      break;
    case REBOOT_HALT:
    case REBOOT_POWER_OFF:
      pids.rebootSignal = SIGINT;
      break;
    default:
      throw errno(EINVAL);
  }
  if (pids.init?.leader.hasMemory === true) kernel.signals.beginExit(pids.init, SIGKILL);
  else kernel.killAll();
  exitGroup(task, 0);
  return NO_RESULT;
}

const LOG_CLOSE = 0;
const LOG_SIZE_BUFFER = 10;
const LOG_SIZE = 1 << 18;

/** The kernel's log is empty: nothing is written to it. */
function syslog(task: Task, action: number, buffer: number, length: number): number {
  if (action < LOG_CLOSE || action > LOG_SIZE_BUFFER) throw errno(EINVAL);
  if (!task.capable(CAP_SYSLOG) && action !== 3 && action !== LOG_SIZE_BUFFER) throw errno(EPERM);
  switch (action) {
    case LOG_SIZE_BUFFER:
      return LOG_SIZE;
    case 2:
    case 3:
    case 4:
      if (buffer === 0 || length < 0) throw errno(EINVAL);
      return 0;
    case 8:
      if (length < 1 || length > 8) throw errno(EINVAL);
      return 0;
    default:
      return 0;
  }
}

/** No file is a swap area, so any that is there is EINVAL. */
function swap(task: Task, address: number): number {
  if (!task.capable(CAP_SYS_ADMIN)) throw errno(EPERM);
  lookup(task, undefined, task.space.readCString(address), FOLLOW);
  return -EINVAL;
}

/** acct(2): where the ends of processes are written down from now on. */
function acct(task: Task, address: number): number {
  if (!task.capable(CAP_SYS_PACCT)) return -EPERM;
  const { pids } = task.process;
  let file: File | null = null;
  if (address !== 0) {
    const path = task.space.readCString(address);
    const opened = openAt(task, undefined, path, O_WRONLY | O_APPEND | O_LARGEFILE, 0);
    file = retain(opened);
    if (file.inode.format !== S_IFREG) {
      release(file);
      return -EACCES;
    }
  }
  const old = pids.accounts;
  pids.accounts = file;
  if (old !== null) {
    account(task.process, pids, old, false);
    release(old);
  }
  return 0;
}

/** A call that needs a capability and, with it, hardware or a kernel that is not there. */
function refused(capability: number, code: number): (task: Task) => number {
  return (task) => (task.capable(capability) ? -code : -EPERM);
}

export const systemCalls: readonly SyscallDefinition[] = [
  syscall("uname", [filledNames], uname),
  syscall("sysinfo", [filledSystemInfo], sysinfo),
  syscall("getrandom", [filledRandom, size, randomFlags], getrandom),
  syscall("sethostname", [cstring, int], (task, address, length) =>
    setName(task, address, length, (name) => {
      task.uts.hostname = name;
    }),
  ),
  syscall("setdomainname", [cstring, int], (task, address, length) =>
    setName(task, address, length, (name) => {
      task.uts.domainname = name;
    }),
  ),
  syscall("acct", [path], acct),
  syscall("reboot", [uint, uint, uint, ptr], reboot),
  syscall("syslog", [logAction, logBuffer, logLength], syslog),
  syscall("vhangup", [], (task) => {
    if (!task.capable(CAP_SYS_TTY_CONFIG)) return -EPERM;
    task.process.group.session.controllingTerminal?.hangUp();
    return 0;
  }),
  syscall("swapon", [path, int], swap, { partial: "nothing is ever swapped out: EINVAL" }),
  syscall("swapoff", [path], swap, { partial: "nothing is ever swapped out: EINVAL" }),
  syscall("iopl", [uint], refused(CAP_SYS_RAWIO, EPERM), { partial: "there are no I/O ports: EPERM" }),
  syscall("ioperm", [uint, uint, int], refused(CAP_SYS_RAWIO, EPERM), { partial: "there are no I/O ports: EPERM" }),
];
