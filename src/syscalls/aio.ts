/**
 * Asynchronous input and output: io_setup(2), io_submit(2), io_getevents(2) and their kin; after fs/aio.c of Linux.
 *
 * As there, most of it is not asynchronous at all: reading and writing are done when they are submitted, and wait there if
 * they have to. Only IOCB_CMD_POLL ends later. A context's number is the address of a page in the caller's memory, as in Linux,
 * but the page says that events are not to be fetched from it directly (no AIO_RING_MAGIC).
 */
import {
  EAGAIN,
  EBADF,
  EINPROGRESS,
  EINTR,
  EINVAL,
  EOPNOTSUPP,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTSYS,
  Errno,
  errno,
} from "../abi/errno.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import { AioContext } from "../proc/aio.ts";
import type { Task } from "../proc/task.ts";
import { block, resultOf } from "../proc/wait.ts";
import { EventFile } from "../vfs/eventfd.ts";
import { DirectoryFile, isReadable, isWritable, RegularFile, release, retain } from "../vfs/file.ts";
import { type File, POLLERR, POLLHUP, POLLRDNORM, POLLWRNORM } from "../vfs/types.ts";
import { long, outPtr, ptr, ulong } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { readVectors, writeVectors } from "./file-io.ts";
import { withMask } from "./file-poll.ts";
import { timespec } from "./file-poll-args.ts";
import { type IoVector, readIoVectors } from "./file-util.ts";
import { viewOf } from "./process-args.ts";
import { filledInt64, unsigned64 } from "./struct-args.ts";

const IOCB_SIZE = 64;
const EVENT_SIZE = 32;
const RING_SIZE = 4096;
/** Most events of a context, and of all (fs.aio-max-nr). */
const MAX_EVENTS = 0x1000_0000 / EVENT_SIZE;
const AIO_MAX_NR = 65536;
const IOCB_FLAG_RESFD = 1;

const Command = { Read: 0, Write: 1, Sync: 2, DataSync: 3, Poll: 5, ReadVectors: 7, WriteVectors: 8 } as const;

function setup(task: Task, slots: number, address: number): number {
  const { space, mm } = task;
  if (space.readNumber64(address) !== 0 || slots === 0 || slots > MAX_EVENTS) return -EINVAL;
  if (slots > AIO_MAX_NR) return -EAGAIN;
  const id = space.mmap(0, RING_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  space.writeU32(id + 4, slots);
  mm.aio.set(id, new AioContext(slots));
  space.writeNumber64(address, id);
  return 0;
}

function contextOf(task: Task, id: number): AioContext {
  const context = task.mm.aio.get(id);
  if (context === undefined) throw errno(EINVAL);
  return context;
}

function destroy(task: Task, id: number): number {
  contextOf(task, id).destroy();
  task.mm.aio.delete(id);
  task.space.munmap(id, RING_SIZE);
  return 0;
}

/** struct iocb */
interface Request {
  readonly address: number;
  readonly data: bigint;
  readonly flags: number;
  readonly command: number;
  readonly file: File;
  readonly buffer: number;
  readonly length: number;
  readonly offset: number;
  readonly tells: EventFile | undefined;
}

function readRequest(task: Task, context: AioContext, address: number): Request {
  const view = viewOf(task.space.readable(address, IOCB_SIZE));
  if (view.getBigUint64(48, true) !== 0n || view.getBigInt64(32, true) < 0n) throw errno(EINVAL);
  if (context.isFull) throw errno(EAGAIN);
  const file = task.files.get(view.getInt32(20, true));
  let tells: EventFile | undefined;
  if ((view.getUint32(56, true) & IOCB_FLAG_RESFD) !== 0) {
    const told = task.files.get(view.getInt32(60, true));
    if (!(told instanceof EventFile)) throw errno(EINVAL);
    tells = told;
  }
  const request: Request = {
    address,
    data: view.getBigUint64(0, true),
    flags: view.getUint32(12, true),
    command: view.getUint16(16, true),
    file,
    buffer: unsigned64(view, 24),
    length: unsigned64(view, 32),
    offset: Number(view.getBigInt64(40, true)),
    tells,
  };
  // KIOCB_KEY
  task.space.writeU32(address + 8, 0);
  return request;
}

function vectorsOf(task: Task, { command, buffer, length }: Request): readonly IoVector[] {
  const many = command === Command.ReadVectors || command === Command.WriteVectors;
  return many ? readIoVectors(task, buffer, length) : [{ address: buffer, length }];
}

function isVoid(request: Request, withBuffer: boolean): boolean {
  const { buffer, offset, length, flags } = request;
  return (withBuffer || buffer === 0) && offset === 0 && length === 0 && flags === 0;
}

/** What a request gives; undefined if that comes later. Throws what the submission itself answers. */
function perform(task: Task, context: AioContext, request: Request): SyscallResult | undefined {
  const { command, file, offset } = request;
  const regular = file instanceof RegularFile;
  const position = regular ? offset : undefined;
  const writes = command === Command.Write || command === Command.WriteVectors;
  switch (command) {
    case Command.Read:
    case Command.ReadVectors:
    case Command.Write:
    case Command.WriteVectors: {
      if (!(writes ? isWritable(file) : isReadable(file))) throw errno(EBADF);
      if (request.flags !== 0) throw errno(EOPNOTSUPP);
      if (file instanceof DirectoryFile) throw errno(EINVAL);
      const vectors = vectorsOf(task, request);
      if (regular && offset < 0) throw errno(EINVAL);
      return caught(() => (writes ? writeVectors : readVectors)(task, file, vectors, position));
    }
    case Command.Sync:
    case Command.DataSync:
      if (!isVoid(request, false) || !(regular || file instanceof DirectoryFile)) throw errno(EINVAL);
      return 0;
    case Command.Poll:
      if (!isVoid(request, true) || request.buffer > 0xffff) throw errno(EINVAL);
      return poll(context, request);
    default:
      throw errno(EINVAL);
  }
}

function caught(run: () => SyscallResult): SyscallResult {
  try {
    return run();
  } catch (e) {
    if (e instanceof Errno) return -e.code;
    throw e;
  }
}

const NORMAL = POLLRDNORM | POLLWRNORM;

function poll(context: AioContext, request: Request): number | undefined {
  const { file, buffer } = request;
  const wanted = buffer | POLLERR | POLLHUP;
  const now = file.poll() & wanted;
  if (now !== 0 || file.queue === undefined) return now;
  retain(file);
  const cancel = file.queue.add(() => {
    const events = file.poll();
    // What has woken it is told as a whole.
    if ((events & wanted) !== 0) end(events & (wanted | NORMAL));
  });
  const end = (result: number): void => {
    cancel();
    context.waiting.delete(request.address);
    finish(context, request, result);
    release(file);
  };
  context.waiting.set(request.address, end);
  return undefined;
}

/** aio_complete_rw(): there is no making a request again. */
function finish(context: AioContext, { data, address, tells }: Request, result: number): void {
  const interrupted = result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
  context.complete({ data, request: address, result: interrupted ? -EINTR : result });
  tells?.write(ONE);
}

const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

async function submitAll(task: Task, context: AioContext, count: number, requests: number): Promise<number> {
  const wanted = Math.min(count, context.slots);
  for (let i = 0; i < wanted; i++) {
    try {
      const request = readRequest(task, context, task.space.readNumber64(requests + 8 * i));
      const outcome = perform(task, context, request);
      const result = outcome instanceof Promise ? await outcome.catch(resultOf) : outcome;
      if (result !== undefined) finish(context, request, result);
    } catch (e) {
      if (e instanceof Errno) return i > 0 ? i : -e.code;
      throw e;
    }
  }
  return wanted;
}

function submit(task: Task, id: number, count: number, requests: number): SyscallResult {
  if (count < 0) return -EINVAL;
  const context = contextOf(task, id);
  return count === 0 ? 0 : submitAll(task, context, count, requests);
}

function getEvents(
  task: Task,
  id: number,
  least: number,
  most: number,
  events: number,
  deadline: number,
): SyscallResult {
  const context = contextOf(task, id);
  if (least > most || least < 0) return -EINVAL;
  let fetched = 0;
  const look = (): number => {
    for (; fetched < most && context.events.length > 0; fetched++) {
      const [event] = context.events as [AioContext["events"][number]];
      const view = viewOf(task.space.writable(events + EVENT_SIZE * fetched, EVENT_SIZE));
      view.setBigUint64(0, event.data, true);
      view.setBigUint64(8, BigInt(event.request), true);
      view.setBigInt64(16, BigInt(event.result), true);
      view.setBigInt64(24, 0n, true);
      context.events.shift();
    }
    return fetched >= least || context.destroyed ? fetched : -EAGAIN;
  };
  const now = (): number => {
    try {
      return look();
    } catch (e) {
      if (e instanceof Errno) return fetched > 0 ? fetched : -e.code;
      throw e;
    }
  };
  const result = now();
  if (result !== -EAGAIN) return result;
  if (deadline <= 0) return fetched;
  return block(task, context.queue, now, {
    tried: true,
    deadline,
    timedOut: () => fetched,
    interrupted: () => (fetched > 0 ? fetched : -EINTR),
  });
}

function deadlineOf(task: Task, timeout: number): number {
  if (timeout === 0) return Number.POSITIVE_INFINITY;
  // Nobody looks whether the nanoseconds are less than a second.
  const ns = task.space.readSigned64(timeout) * 1e9 + task.space.readSigned64(timeout + 8);
  return ns === 0 ? 0 : task.kernel.now() + ns;
}

/** io_pgetevents(2): under another signal mask, which a structure has the address and the size of. */
function pgetEvents(
  task: Task,
  id: number,
  least: number,
  most: number,
  events: number,
  timeout: number,
  signals: number,
): SyscallResult {
  const deadline = deadlineOf(task, timeout);
  const mask = signals === 0 ? 0 : task.space.readNumber64(signals);
  const size = signals === 0 ? 0 : task.space.readNumber64(signals + 8);
  return withMask(task, mask, size, () => {
    const result = getEvents(task, id, least, most, events, deadline);
    if (mask === 0 || typeof result === "number") return result;
    return result.then((n) => (n === -EINTR ? -ERESTARTNOHAND : n));
  });
}

function cancel(task: Task, id: number, address: number): number {
  if (task.space.readU32(address + 8) !== 0) return -EINVAL;
  const end = contextOf(task, id).waiting.get(address);
  if (end === undefined) return -EINVAL;
  // Its event comes all the same.
  end(0);
  return -EINPROGRESS;
}

export const aioCalls: readonly SyscallDefinition[] = [
  syscall("io_setup", [{ ...ulong, kind: "u32" }, filledInt64], setup),
  syscall("io_destroy", [ptr], destroy),
  syscall("io_submit", [ptr, long, ptr], submit),
  syscall("io_cancel", [ptr, ptr, outPtr], cancel),
  syscall("io_getevents", [ptr, long, long, outPtr, timespec], (task, id, least, most, events, timeout) =>
    getEvents(task, id, least, most, events, deadlineOf(task, timeout)),
  ),
  syscall("io_pgetevents", [ptr, long, long, outPtr, timespec, ptr], pgetEvents),
];
