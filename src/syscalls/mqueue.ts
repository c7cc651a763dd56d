/** POSIX message queues: mq_open(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2), mq_unlink(2). */
import {
  EACCES,
  EAGAIN,
  EBADF,
  EEXIST,
  EINVAL,
  EMSGSIZE,
  ENAMETOOLONG,
  ENOENT,
  ETIMEDOUT,
  errno,
} from "../abi/errno.ts";
import { O_ACCMODE, O_CLOEXEC, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../abi/fcntl.ts";
import { NSIG, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD } from "../abi/signal.ts";
import { checkSize, MQ_PRIO_MAX, type PosixQueue, QueueFile, type QueueLimits } from "../proc/mqueue.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { allowed, checkDelete, MAY_READ, MAY_WRITE } from "../vfs/permission.ts";
import { cstring, fd, flags, mode as modeArg, ptr, size, uint } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { fdLimit } from "./file-util.ts";
import { readTimespec, viewOf } from "./process-args.ts";
import { signalEvent, timespec } from "./time-args.ts";

const NAME_MAX = 255;
/** struct mq_attr: four longs and as many that are reserved. */
const ATTRIBUTES_SIZE = 64;

/** A name in the flat directory: the C library has taken its slash off. */
function readName(task: Task, address: number): string {
  const name = task.space.readCString(address);
  if (name === "") throw errno(ENOENT);
  if (name === "." || name === ".." || name.includes("/")) throw errno(EACCES);
  if (new TextEncoder().encode(name).length > NAME_MAX) throw errno(ENAMETOOLONG);
  return name;
}

function open(task: Task, address: number, bits: number, mode: number, attributes: number): number {
  const { mqueues } = task.ipc;
  let wanted: QueueLimits | undefined;
  if (attributes !== 0) {
    const view = viewOf(task.space.readable(attributes, ATTRIBUTES_SIZE));
    wanted = { messages: Number(view.getBigInt64(8, true)), size: Number(view.getBigInt64(16, true)) };
  }
  const name = readName(task, address);
  let queue = mqueues.find(name);
  if (queue === undefined) {
    if ((bits & O_CREAT) === 0) throw errno(ENOENT);
    queue = mqueues.create(task, name, mode & 0o7777 & ~task.fs.umask, wanted);
  } else {
    if ((bits & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) throw errno(EEXIST);
    const access = bits & O_ACCMODE;
    if (access === O_ACCMODE) throw errno(EINVAL);
    const needed = { [O_RDONLY]: MAY_READ, [O_WRONLY]: MAY_WRITE, [O_RDWR]: MAY_READ | MAY_WRITE }[access] as number;
    if (!allowed(queue, task.credentials, needed)) throw errno(EACCES);
  }
  const file = new QueueFile(queue, bits & (O_ACCMODE | O_NONBLOCK), undefined);
  // Always closed at execve (mq_open(3)).
  return task.files.add(file, true, fdLimit(task));
}

function unlink(task: Task, address: number): number {
  const { mqueues } = task.ipc;
  const name = readName(task, address);
  const queue = mqueues.find(name);
  if (queue === undefined) throw errno(ENOENT);
  checkDelete(mqueues.root, queue, task.credentials);
  mqueues.remove(name);
  return 0;
}

/** An open queue; `access` is the mode that it must not have been opened with. */
function find(task: Task, number: number, without?: number): { file: QueueFile; queue: PosixQueue } {
  const file = task.files.get(number);
  if (!(file instanceof QueueFile) || (file.flags & O_ACCMODE) === without) throw errno(EBADF);
  return { file, queue: file.target };
}

/** Monotonic nanoseconds of an absolute time of the real-time clock. */
function deadlineOf(task: Task, address: number): number {
  if (address === 0) return Number.POSITIVE_INFINITY;
  const { kernel } = task;
  return readTimespec(task, address) - (Number(kernel.realtime()) - kernel.now());
}

function send(
  task: Task,
  number: number,
  buffer: number,
  length: number,
  priority: number,
  timeout: number,
): SyscallResult {
  const deadline = deadlineOf(task, timeout);
  if (priority >= MQ_PRIO_MAX) throw errno(EINVAL);
  const { file, queue } = find(task, number, O_RDONLY);
  checkSize(queue, length);
  const bytes = task.space.copyIn(buffer, length);
  const attempt = (): number => queue.send(task, bytes, priority);
  if ((file.flags & O_NONBLOCK) !== 0) return attempt();
  return block(task, queue.queue, attempt, { deadline, timeOfDay: true, timedOut: -ETIMEDOUT });
}

function receive(
  task: Task,
  number: number,
  buffer: number,
  length: number,
  priority: number,
  timeout: number,
): SyscallResult {
  const deadline = deadlineOf(task, timeout);
  const { file, queue } = find(task, number, O_WRONLY);
  if (length < queue.limits.size) throw errno(EMSGSIZE);
  const attempt = (): number => {
    const message = queue.receive();
    if (message === undefined) return -EAGAIN;
    if (priority !== 0) task.space.writeU32(priority, message.priority);
    task.space.copyOut(buffer, message.bytes);
    return message.bytes.length;
  };
  const first = attempt();
  if (first !== -EAGAIN || (file.flags & O_NONBLOCK) !== 0) return first;
  queue.receivers++;
  const done = (): void => {
    queue.receivers--;
  };
  return block(task, queue.queue, attempt, { deadline, timeOfDay: true, timedOut: -ETIMEDOUT, tried: true, done });
}

function notify(task: Task, number: number, event: number): number {
  let wanted: { signal: number; value: bigint } | null = null;
  if (event !== 0) {
    const view = viewOf(task.space.readable(event, 64));
    const signal = view.getInt32(8, true);
    const how = view.getInt32(12, true);
    if (how !== SIGEV_NONE && how !== SIGEV_SIGNAL && how !== SIGEV_THREAD) throw errno(EINVAL);
    if (how === SIGEV_SIGNAL && (signal < 0 || signal > NSIG)) throw errno(EINVAL);
    // A notification by thread comes through a netlink socket, of a kind that there is not.
    if (how === SIGEV_THREAD) throw errno(EBADF);
    wanted = { signal: how === SIGEV_SIGNAL ? signal : 0, value: view.getBigUint64(0, true) };
  }
  return find(task, number).queue.register(task.process, wanted);
}

function attributes(task: Task, number: number, set: number, old: number): number {
  let wanted: number | undefined;
  if (set !== 0) {
    wanted = Number(viewOf(task.space.readable(set, ATTRIBUTES_SIZE)).getBigInt64(0, true));
    if ((wanted & ~O_NONBLOCK) !== 0) throw errno(EINVAL);
  }
  const { file, queue } = find(task, number);
  const before = file.flags & O_NONBLOCK;
  if (wanted !== undefined) file.flags = (file.flags & ~O_NONBLOCK) | wanted;
  if (old !== 0) {
    const bytes = task.space.writable(old, ATTRIBUTES_SIZE);
    bytes.fill(0);
    const view = viewOf(bytes);
    [before, queue.limits.messages, queue.limits.size, queue.count].forEach((value, i) => {
      view.setBigInt64(8 * i, BigInt(value), true);
    });
  }
  return 0;
}

const openFlags = flags(
  [
    [O_WRONLY, "O_WRONLY"],
    [O_RDWR, "O_RDWR"],
    [O_CREAT, "O_CREAT"],
    [O_EXCL, "O_EXCL"],
    [O_NONBLOCK, "O_NONBLOCK"],
    [O_CLOEXEC, "O_CLOEXEC"],
  ],
  "O_RDONLY",
);

export const mqueueCalls: readonly SyscallDefinition[] = [
  syscall("mq_open", [cstring, openFlags, modeArg, ptr], open),
  syscall("mq_unlink", [cstring], unlink),
  syscall("mq_timedsend", [fd, ptr, size, uint, timespec], send),
  syscall("mq_timedreceive", [fd, ptr, size, ptr, timespec], receive),
  syscall("mq_notify", [fd, signalEvent], notify, { partial: "no notification by thread (SIGEV_THREAD): EBADF" }),
  syscall("mq_getsetattr", [fd, ptr, ptr], attributes),
];
