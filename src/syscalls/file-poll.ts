/** Waiting for several files: poll(2), ppoll(2), select(2), pselect6(2). (epoll is net/'s.) */
import { EAGAIN, EBADF, EINVAL, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, errno } from "../abi/errno.ts";
import { SIGKILL, SIGSTOP } from "../abi/signal.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import type { WaitQueue } from "../util/wait-queue.ts";
import { release, retain } from "../vfs/file.ts";
import {
  type File,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from "../vfs/types.ts";
import { int, size, uint } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import {
  maskAndSize,
  polledFiles,
  printPollResult,
  printSelectResult,
  selectedSet,
  timespec,
  timeval,
} from "./file-poll-args.ts";
import { fdLimit } from "./file-util.ts";
import { readSignalSet, readTimespec } from "./process-args.ts";
import { signalSet } from "./signal-args.ts";

const POLLFD_SIZE = 8;
const FD_SETSIZE_MAX = 1024 * 1024;

/** One attempt's answer: how many are ready; 0 means wait. */
type Look = () => number;

interface Watched {
  readonly files: readonly File[];
  readonly look: Look;
}

function queuesOf(files: readonly File[]): WaitQueue[] {
  const queues = new Set<WaitQueue>();
  for (const file of files) if (file.queue !== undefined) queues.add(file.queue);
  return [...queues];
}

/** Looks, and if nothing is ready sleeps until something is, the deadline (kernel.now()) passes, or a signal comes. */
function watch(task: Task, { files, look }: Watched, deadline: number): SyscallResult {
  const ready = look();
  if (ready !== 0 || deadline <= 0) return ready;
  return sleepOn(task, files, look, deadline);
}

async function sleepOn(task: Task, files: readonly File[], look: Look, deadline: number): Promise<number> {
  // Descriptors may be closed while we wait; the files and their queues stay.
  for (const file of files) retain(file);
  try {
    return await block(task, queuesOf(files), () => look() || -EAGAIN, {
      deadline,
      timedOut: 0,
      interrupted: -ERESTARTNOHAND,
    });
  } finally {
    for (const file of files) release(file);
  }
}

// poll

function pollLook(task: Task, fds: number, count: number): Watched {
  if (count > fdLimit(task)) throw errno(EINVAL);
  task.space.readable(fds, count * POLLFD_SIZE);
  const files: File[] = [];
  for (let i = 0; i < count; i++) {
    const file = task.files.peek(task.space.readI32(fds + i * POLLFD_SIZE));
    if (file !== undefined) files.push(file);
  }
  const look = (): number => {
    const bytes = task.space.writable(fds, count * POLLFD_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let ready = 0;
    for (let at = 0; at < bytes.length; at += POLLFD_SIZE) {
      const fd = view.getInt32(at, true);
      const wanted = view.getUint16(at + 4, true);
      let events = 0;
      if (fd >= 0) {
        const file = task.files.peek(fd);
        events = file === undefined ? POLLNVAL : file.poll() & (wanted | POLLERR | POLLHUP | POLLNVAL);
      }
      view.setUint16(at + 6, events, true);
      if (events !== 0) ready++;
    }
    return ready;
  };
  return { files, look };
}

/** @param ms negative: no limit */
function poll(task: Task, fds: number, count: number, ms: number): SyscallResult {
  const deadline = ms < 0 ? Number.POSITIVE_INFINITY : ms === 0 ? 0 : task.kernel.now() + ms * 1e6;
  return pollUntil(task, fds, count, deadline);
}

function pollUntil(task: Task, fds: number, count: number, deadline: number): SyscallResult {
  const result = watch(task, pollLook(task, fds, count), deadline);
  if (typeof result === "number") return result;
  return result.then((n) => {
    if (n !== -ERESTARTNOHAND) return n;
    task.restartBlock = (again) => pollUntil(again, fds, count, deadline);
    return -ERESTART_RESTARTBLOCK;
  });
}

function ppoll(task: Task, fds: number, count: number, timeout: number, mask: number, maskSize: number): SyscallResult {
  const deadline = readDeadline(task, timeout);
  return withMask(task, mask, maskSize, () =>
    thenWriteBack(task, timeout, deadline, watch(task, pollLook(task, fds, count), deadline)),
  );
}

/** A struct timespec as a deadline; NULL is never, zero is at once (0). */
function readDeadline(task: Task, timeout: number): number {
  if (timeout === 0) return Number.POSITIVE_INFINITY;
  const ns = readTimespec(task, timeout);
  return ns === 0 ? 0 : task.kernel.now() + ns;
}

/** Linux leaves in the timespec the time that is left (poll_select_finish()), if it can. */
function thenWriteBack(task: Task, timeout: number, deadline: number, result: SyscallResult): SyscallResult {
  if (typeof result !== "number") return result.then((n) => writeBack(task, timeout, deadline, n, 1));
  return writeBack(task, timeout, deadline, result, 1);
}

/** @param unit nanoseconds per unit of the second field: 1 for timespec, 1000 for timeval */
function writeBack(task: Task, timeout: number, deadline: number, result: number, unit: number): number {
  if (timeout === 0) return result;
  const left = deadline === 0 ? 0 : Math.max(0, deadline - task.kernel.now());
  const { space } = task;
  try {
    space.writable(timeout, 16);
  } catch {
    // Read-only memory: the result counts, not the time.
    return result;
  }
  space.writeNumber64(timeout, Math.floor(left / 1e9));
  space.writeNumber64(timeout + 8, Math.floor((left % 1e9) / unit));
  return result;
}

/** Runs a wait under another signal mask; delivery puts the old one back if a signal ended it. */
export function withMask(task: Task, address: number, maskSize: number, wait: () => SyscallResult): SyscallResult {
  if (address === 0) return wait();
  const mask = readSignalSet(task, address, maskSize);
  mask.delete(SIGKILL);
  mask.delete(SIGSTOP);
  const old = task.blocked.clone();
  task.savedMask = old;
  task.kernel.signals.setBlocked(task, mask);
  const restore = (result: number): number => {
    if (result !== -ERESTARTNOHAND) {
      task.savedMask = null;
      task.kernel.signals.setBlocked(task, old);
    }
    return result;
  };
  let result: SyscallResult;
  try {
    result = wait();
  } catch (e) {
    restore(0);
    throw e;
  }
  return typeof result === "number" ? restore(result) : result.then(restore);
}

// select: three bit sets of 64-bit words.

const IN_SET = POLLNVAL | POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
const OUT_SET = POLLNVAL | POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
const EX_SET = POLLNVAL | POLLPRI;

function selectLook(task: Task, n: number, sets: readonly [number, number, number]): Watched {
  if (n < 0) throw errno(EINVAL);
  const count = Math.min(n, FD_SETSIZE_MAX);
  const length = Math.ceil(count / 64) * 8;
  const masks = [IN_SET, OUT_SET, EX_SET] as const;
  const wanted = sets.map((address) => (address === 0 ? undefined : task.space.copyIn(address, length)));
  const files = new Map<number, File>();
  for (let fd = 0; fd < count; fd++) {
    if (!wanted.some((set) => set !== undefined && hasBit(set, fd))) continue;
    const file = task.files.peek(fd);
    if (file === undefined) throw errno(EBADF);
    files.set(fd, file);
  }
  const look = (): number => {
    let ready = 0;
    const results = wanted.map((set) => set && new Uint8Array(length));
    for (const [fd, file] of files) {
      const events = file.poll();
      wanted.forEach((set, i) => {
        if (set === undefined || !hasBit(set, fd) || (events & (masks[i] as number)) === 0) return;
        const result = results[i] as Uint8Array;
        result[fd >> 3] = (result[fd >> 3] as number) | (1 << (fd & 7));
        ready++;
      });
    }
    if (ready > 0) writeSets(task, sets, results);
    return ready;
  };
  return { files: [...files.values()], look };
}

function hasBit(set: Uint8Array, fd: number): boolean {
  return ((set[fd >> 3] ?? 0) & (1 << (fd & 7))) !== 0;
}

function writeSets(task: Task, sets: readonly number[], results: readonly (Uint8Array | undefined)[]): void {
  results.forEach((result, i) => {
    if (result !== undefined) task.space.copyOut(sets[i] as number, result);
  });
}

function select(
  task: Task,
  n: number,
  sets: readonly [number, number, number],
  deadline: number,
  finish: (result: number) => number,
): SyscallResult {
  const end = (result: number): number => {
    if (result === 0) {
      const length = Math.ceil(Math.min(n, FD_SETSIZE_MAX) / 64) * 8;
      for (const address of sets) if (address !== 0) task.space.writable(address, length).fill(0);
    }
    return finish(result);
  };
  const result = watch(task, selectLook(task, n, sets), deadline);
  return typeof result === "number" ? end(result) : result.then(end);
}

/** With a struct timeval, of which Linux takes any number of microseconds that is not negative. */
function selectTimeval(task: Task, n: number, r: number, w: number, e: number, timeout: number): SyscallResult {
  let deadline = Number.POSITIVE_INFINITY;
  if (timeout !== 0) {
    const sec = task.space.readSigned64(timeout);
    const usec = task.space.readSigned64(timeout + 8);
    if (sec < 0 || usec < 0) return -EINVAL;
    deadline = sec === 0 && usec === 0 ? 0 : task.kernel.now() + sec * 1e9 + usec * 1e3;
  }
  return select(task, n, [r, w, e], deadline, (result) => writeBack(task, timeout, deadline, result, 1000));
}

function pselect(
  task: Task,
  n: number,
  r: number,
  w: number,
  e: number,
  timeout: number,
  maskArgument: number,
): SyscallResult {
  const deadline = readDeadline(task, timeout);
  // The sixth argument points to the mask's address and size, for lack of a seventh: select(2).
  let mask = 0;
  let maskSize = 0;
  if (maskArgument !== 0) {
    mask = task.space.readNumber64(maskArgument);
    maskSize = task.space.readNumber64(maskArgument + 8);
  }
  return withMask(task, mask, maskSize, () =>
    select(task, n, [r, w, e], deadline, (result) => writeBack(task, timeout, deadline, result, 1)),
  );
}

const set = selectedSet(0);

export const filePollCalls: readonly SyscallDefinition[] = [
  syscall("poll", [polledFiles(1), uint, int], poll, { printResult: (n, c) => printPollResult(n, c, undefined) }),
  syscall("ppoll", [polledFiles(1), uint, timespec, signalSet(4), size], ppoll, {
    printResult: (n, c) => printPollResult(n, c, 2),
  }),
  syscall("select", [int, set, set, set, timeval], selectTimeval, {
    printResult: (n, c) => printSelectResult(n, c, "tv_usec"),
  }),
  syscall("pselect6", [int, set, set, set, timespec, maskAndSize], pselect, {
    printResult: (n, c) => printSelectResult(n, c, "tv_nsec"),
  }),
];
