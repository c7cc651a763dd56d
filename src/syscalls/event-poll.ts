/** epoll_create(2), epoll_ctl(2), epoll_wait(2) and its variants. */
import { EAGAIN, EINTR, EINVAL, EPERM, ERESTARTNOHAND, errno } from "../abi/errno.ts";
import * as E from "../abi/eventpoll.ts";
import { O_RDWR } from "../abi/fcntl.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { EpollFile } from "../vfs/epoll.ts";
import { release, retain } from "../vfs/file.ts";
import { choice, fd, flags, int, printFlags, printPointer, size } from "./args.ts";
import { type Arg, type PrintContext, type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { withMask } from "./file-poll.ts";
import { timespec } from "./file-poll-args.ts";
import { fdLimit, ownerOf } from "./file-util.ts";
import { readTimespec } from "./process-args.ts";
import { signalSet } from "./signal-args.ts";

/** Most events that fit the kernel's size computation: EP_MAX_EVENTS. */
const MAX_EVENTS = Math.floor(0x7fff_ffff / 12);

function create(task: Task, bits: number): number {
  if (bits & ~E.EPOLL_CLOEXEC) return -EINVAL;
  const file = new EpollFile(task.fs.mounts.special.anonfs.inode(0o600, ownerOf(task)), O_RDWR);
  return task.files.add(file, (bits & E.EPOLL_CLOEXEC) !== 0, fdLimit(task));
}

function control(task: Task, epfd: number, operation: number, number: number, address: number): number {
  const layout = task.arch.layouts.epollEvent;
  let events = 0;
  let lo = 0;
  let hi = 0;
  if (operation !== E.EPOLL_CTL_DEL) {
    const bytes = task.space.readable(address, layout.size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    events = view.getUint32(0, true);
    lo = view.getUint32(layout.data, true);
    hi = view.getUint32(layout.data + 4, true);
  }
  const holder = task.files.get(epfd);
  const file = task.files.get(number);
  if (!(holder instanceof EpollFile) || file === holder) return file.queue === undefined ? -EPERM : -EINVAL;
  switch (operation) {
    case E.EPOLL_CTL_ADD:
      return holder.add(number, file, events, lo, hi);
    case E.EPOLL_CTL_MOD:
      return holder.modify(number, file, events, lo, hi);
    case E.EPOLL_CTL_DEL:
      return holder.remove(number, file);
    default:
      return -EINVAL;
  }
}

/** @param deadline kernel.now() at which to give up; 0: look only */
function wait(task: Task, epfd: number, address: number, max: number, deadline: number): SyscallResult {
  const file = task.files.get(epfd);
  if (max <= 0 || max > MAX_EVENTS || !(file instanceof EpollFile)) throw errno(EINVAL);
  const layout = task.arch.layouts.epollEvent;
  const epoll = file;
  const attempt = (): number => {
    // The room is checked first: an event that is collected must not be lost.
    let room: Uint8Array;
    try {
      room = task.space.writable(address, layout.size * Math.min(max, 64));
    } catch (e) {
      if (epoll.poll() === 0) return -EAGAIN;
      throw e;
    }
    const found = epoll.collect(Math.min(max, 64));
    const view = new DataView(room.buffer, room.byteOffset, room.length);
    found.forEach((event, i) => {
      view.setUint32(i * layout.size, event.events, true);
      view.setUint32(i * layout.size + layout.data, event.dataLo, true);
      view.setUint32(i * layout.size + layout.data + 4, event.dataHi, true);
    });
    return found.length > 0 ? found.length : -EAGAIN;
  };
  const result = attempt();
  if (result !== -EAGAIN) return result;
  if (deadline <= 0) return 0;
  retain(epoll);
  return block(task, epoll.queue, attempt, {
    deadline,
    timedOut: 0,
    interrupted: -EINTR,
    tried: true,
    done: () => release(epoll),
  });
}

function deadlineOf(task: Task, ms: number): number {
  return ms < 0 ? Number.POSITIVE_INFINITY : ms === 0 ? 0 : task.kernel.now() + ms * 1e6;
}

/** A wait under another signal mask: a signal it lets in is delivered before the old mask comes back. */
function masked(task: Task, mask: number, maskSize: number, run: () => SyscallResult): SyscallResult {
  return withMask(task, mask, maskSize, () => {
    const result = run();
    if (mask === 0 || typeof result === "number") return result;
    return result.then((n) => (n === -EINTR ? -ERESTARTNOHAND : n));
  });
}

const EVENT_NAMES: readonly (readonly [number, string])[] = [
  [0x1, "EPOLLIN"],
  [0x2, "EPOLLPRI"],
  [0x4, "EPOLLOUT"],
  [0x8, "EPOLLERR"],
  [0x10, "EPOLLHUP"],
  [0x40, "EPOLLRDNORM"],
  [0x80, "EPOLLRDBAND"],
  [0x100, "EPOLLWRNORM"],
  [0x200, "EPOLLWRBAND"],
  [0x400, "EPOLLMSG"],
  [0x2000, "EPOLLRDHUP"],
  [E.EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"],
  [E.EPOLLWAKEUP, "EPOLLWAKEUP"],
  [E.EPOLLONESHOT, "EPOLLONESHOT"],
  [E.EPOLLET, "EPOLLET"],
];

function printEvent(bytes: Uint8Array, data: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u32 = view.getUint32(data, true);
  const u64 = view.getBigUint64(data, true);
  return `{events=${printFlags(view.getUint32(0, true), EVENT_NAMES)}, data={u32=${u32}, u64=${u64}}}`;
}

function printEvents(address: number, count: number, c: PrintContext): string {
  const layout = c.task.arch.layouts.epollEvent;
  const bytes = c.peek(address, count * layout.size);
  if (address === 0 || bytes === undefined || bytes.length < count * layout.size) return printPointer(address);
  const shown: string[] = [];
  for (let i = 0; i < count; i++)
    shown.push(printEvent(bytes.subarray(i * layout.size, (i + 1) * layout.size), layout.data));
  return `[${shown.join(", ")}]`;
}

const event: Arg = {
  kind: "u64",
  print: (v, c) => {
    if (c.args[1] === E.EPOLL_CTL_DEL) return printPointer(v);
    const shown = printEvents(v, 1, c);
    return shown.startsWith("[") ? shown.slice(1, -1) : shown;
  },
};
const filledEvents: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => (c.result !== undefined && c.result >= 0 ? printEvents(v, c.result, c) : printPointer(v)),
};
const operation = choice(
  { [E.EPOLL_CTL_ADD]: "EPOLL_CTL_ADD", [E.EPOLL_CTL_DEL]: "EPOLL_CTL_DEL", [E.EPOLL_CTL_MOD]: "EPOLL_CTL_MOD" },
  "EPOLL_CTL_???",
);
const createFlags = flags([[E.EPOLL_CLOEXEC, "EPOLL_CLOEXEC"]]);

export const eventPollCalls: readonly SyscallDefinition[] = [
  syscall("epoll_create", [int], (task, hint) => (hint <= 0 ? -EINVAL : create(task, 0))),
  syscall("epoll_create1", [createFlags], create),
  syscall("epoll_ctl", [fd, operation, fd, event], control),
  syscall("epoll_wait", [fd, filledEvents, int, int], (task, epfd, events, max, ms) =>
    wait(task, epfd, events, max, deadlineOf(task, ms)),
  ),
  syscall(
    "epoll_pwait",
    [fd, filledEvents, int, int, signalSet(5), size],
    (task, epfd, events, max, ms, mask, maskSize) =>
      masked(task, mask, maskSize, () => wait(task, epfd, events, max, deadlineOf(task, ms))),
  ),
  syscall(
    "epoll_pwait2",
    [fd, filledEvents, int, timespec, signalSet(5), size],
    (task, epfd, events, max, timeout, mask, maskSize) => {
      let deadline = Number.POSITIVE_INFINITY;
      if (timeout !== 0) {
        const ns = readTimespec(task, timeout);
        deadline = ns === 0 ? 0 : task.kernel.now() + ns;
      }
      return masked(task, mask, maskSize, () => wait(task, epfd, events, max, deadline));
    },
  ),
];
