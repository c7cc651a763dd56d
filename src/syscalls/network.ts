/** Sockets: socket(2), socketpair(2), bind(2), connect(2), accept(2), send(2), recv(2) and the calls around them. */
import {
  EACCES,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EBADF,
  EFAULT,
  EINPROGRESS,
  EINTR,
  EINVAL,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPIPE,
  ERESTARTSYS,
  Errno,
  errno,
} from "../abi/errno.ts";
import { O_NONBLOCK, O_PATH, O_RDWR } from "../abi/fcntl.ts";
import { NET_BIND_TCP, NET_CONNECT_TCP } from "../abi/landlock.ts";
import { SIGPIPE } from "../abi/signal.ts";
import * as S from "../abi/socket.ts";
import { type Outgoing, type Received, Socket } from "../net/socket.ts";
import { TcpSocket } from "../net/tcp.ts";
import { UnixSocket } from "../net/unix.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { release, retain } from "../vfs/file.ts";
import { fd, inBuffer, int, outBuffer, outPtr, ptr, size, uint } from "./args.ts";
import { addressFamily, socketProtocol, socketType } from "./control-args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import { timespec } from "./file-poll-args.ts";
import { fdLimit, type IoVector, ownerOf } from "./file-util.ts";
import {
  acceptFlags,
  filledAddress,
  filledSize,
  filledValue,
  messageFlags,
  optionLevel,
  optionName,
  optionValue,
  shutdownHow,
  socketAddress,
  socketPair,
} from "./network-args.ts";
import * as M from "./network-message.ts";
import { readTimespec } from "./process-args.ts";

const NS_PER_MS = 1e6;
/** struct sockaddr_in, and what there has to be of a struct sockaddr_in6. */
const SIN_SIZE = 16;
const SIN6_MIN = 24;

function socketOf(task: Task, number: number): Socket {
  const file = task.files.getAny(number);
  if (file.flags & O_PATH) throw errno(EBADF);
  if (!(file instanceof Socket)) throw errno(ENOTSOCK);
  return file;
}

function create(task: Task, family: number, typeAndFlags: number, protocol: number): Socket {
  if (typeAndFlags & ~(S.SOCK_TYPE_MASK | S.SOCK_NONBLOCK | S.SOCK_CLOEXEC)) throw errno(EINVAL);
  const flags = O_RDWR | (typeAndFlags & S.SOCK_NONBLOCK ? O_NONBLOCK : 0);
  const type = typeAndFlags & S.SOCK_TYPE_MASK;
  const socket = task.namespaces.network.create(family, type, protocol, flags, ownerOf(task), task);
  socket.creator = M.ownCredentials(task);
  socket.sandbox = task.credentials.sandbox;
  return socket;
}

/** landlock(7) of TCP: bind(2) and connect(2), with the checks of the address that have to come before. */
function checkPort(task: Task, socket: Socket, address: Uint8Array, access: number): void {
  const { sandbox } = task.credentials;
  if (sandbox === null || !sandbox.layers.some(({ network }) => (network & access) !== 0)) return;
  if (!(socket instanceof TcpSocket)) return;
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  if (address.length < 2) throw errno(EINVAL);
  const family = view.getUint16(0, true);
  if (family === S.AF_UNSPEC) {
    if (access === NET_CONNECT_TCP) return;
    if (socket.family !== S.AF_INET) throw errno(address.length < SIN6_MIN ? EINVAL : EAFNOSUPPORT);
    if (address.length < SIN_SIZE) throw errno(EINVAL);
    if (view.getUint32(4) !== 0) throw errno(EAFNOSUPPORT);
  } else if (family === S.AF_INET || family === S.AF_INET6) {
    if (address.length < (family === S.AF_INET ? SIN_SIZE : SIN6_MIN)) throw errno(EINVAL);
    if (family !== socket.family) throw errno(EINVAL);
  } else return;
  if (!sandbox.allowsPort(view.getUint16(2), access)) throw errno(EACCES);
}

/** A descriptor for a new socket, which is closed if there is none. */
function install(task: Task, socket: Socket, closeOnExec: boolean): number {
  retain(socket);
  try {
    return task.files.add(socket, closeOnExec, fdLimit(task));
  } finally {
    release(socket);
  }
}

function socketPairCall(task: Task, family: number, type: number, protocol: number, address: number): number {
  const one = create(task, family, type, protocol);
  const other = create(task, family, type, protocol);
  if (!(one instanceof UnixSocket && other instanceof UnixSocket)) throw errno(EOPNOTSUPP);
  task.files.checkRoom(2, fdLimit(task));
  task.space.writable(address, 8);
  UnixSocket.pair(one, other, M.ownCredentials(task));
  const closeOnExec = (type & S.SOCK_CLOEXEC) !== 0;
  const first = install(task, one, closeOnExec);
  const second = install(task, other, closeOnExec);
  task.space.writeU32(address, first);
  task.space.writeU32(address + 4, second);
  return 0;
}

function readAddress(task: Task, address: number, length: number): Uint8Array {
  if (length < 0 || length > S.SOCKADDR_MAX) throw errno(EINVAL);
  return length === 0 ? new Uint8Array(0) : task.space.copyIn(address, length);
}

interface Waiting {
  /** Milliseconds. */
  readonly timeout: number;
  readonly nonblocking: boolean;
  readonly timedOut?: number | (() => number);
  readonly interrupted?: () => number;
}

/** Runs an operation of a socket, and again when the socket it waits for says so. */
function wait(task: Task, socket: Socket, attempt: () => number, how: Waiting): SyscallResult {
  socket.waitsFor = undefined;
  const result = attempt();
  if (result !== -EAGAIN || how.nonblocking) return result;
  retain(socket);
  const { timeout, timedOut = -EAGAIN } = how;
  const forever = timeout === Number.POSITIVE_INFINITY;
  return block(task, [socket.queue, socket.waitsFor], attempt, {
    tried: true,
    done: () => release(socket),
    timedOut,
    ...(forever ? {} : { deadline: task.kernel.now() + timeout * NS_PER_MS }),
    // signal(7): with a timeout such a call is not restarted.
    interrupted: how.interrupted ?? (forever ? -ERESTARTSYS : -EINTR),
  });
}

function nonblocking(socket: Socket, flags: number): boolean {
  return (socket.flags & O_NONBLOCK) !== 0 || (flags & S.MSG_DONTWAIT) !== 0;
}

function connect(task: Task, number: number, address: number, length: number): SyscallResult {
  const socket = socketOf(task, number);
  const name = readAddress(task, address, length);
  checkPort(task, socket, name, NET_CONNECT_TCP);
  const credentials = M.ownCredentials(task);
  const result = wait(task, socket, () => socket.connect(name, task, credentials), {
    timeout: socket.sendTimeout,
    nonblocking: nonblocking(socket, 0),
  });
  if (result !== -EINPROGRESS && result !== -EALREADY) return result;
  if (nonblocking(socket, 0)) return result;
  return wait(task, socket, () => socket.connectResult(), {
    timeout: socket.sendTimeout,
    nonblocking: false,
    timedOut: result,
  });
}

function accept(task: Task, number: number, address: number, lengthAt: number, flags: number): SyscallResult {
  task.files.get(number);
  if (flags & ~(S.SOCK_NONBLOCK | S.SOCK_CLOEXEC)) throw errno(EINVAL);
  const socket = socketOf(task, number);
  const attempt = (): number => {
    task.files.checkRoom(1, fdLimit(task));
    const connection = socket.accept(O_RDWR | (flags & S.SOCK_NONBLOCK ? O_NONBLOCK : 0));
    if (typeof connection === "number") return connection;
    connection.creator = M.ownCredentials(task);
    retain(connection);
    try {
      // Where there is no place for the address, the connection is lost.
      M.writeAddress(task, address, lengthAt, connection.acceptedName());
      return install(task, connection, (flags & S.SOCK_CLOEXEC) !== 0);
    } finally {
      release(connection);
    }
  };
  return wait(task, socket, attempt, { timeout: socket.receiveTimeout, nonblocking: nonblocking(socket, 0) });
}

/** Most bytes that one call moves (MAX_RW_COUNT). */
const MOST = 0x7fff_f000;

/**
 * Sends all of a message: a stream takes it in parts.
 * @param rest what is left to be sent after so many bytes: asked for at each attempt
 */
function send(
  task: Task,
  socket: Socket,
  length: number,
  rest: (sent: number) => Uint8Array,
  message: Omit<Outgoing, "bytes">,
): SyscallResult {
  const { flags } = message;
  let sent = 0;
  let { files } = message;
  const attempt = (): number => {
    for (;;) {
      const n = socket.send({ ...message, bytes: rest(sent), files });
      if (n === -EAGAIN) socket.wantsRoom = true;
      if (n === -EAGAIN) return nonblocking(socket, flags) && sent > 0 ? sent : n;
      if (n < 0) {
        for (const file of files) release(file);
        files = [];
        if (n === -EPIPE && sent === 0 && socket.type === S.SOCK_STREAM && (flags & S.MSG_NOSIGNAL) === 0) {
          task.raise(SIGPIPE);
        }
        return sent > 0 ? sent : n;
      }
      sent += n;
      // What is queued holds the files now.
      files = [];
      if (sent >= length || socket.type !== S.SOCK_STREAM) return sent;
    }
  };
  const unsent = (result: number): number => {
    for (const file of files) release(file);
    files = [];
    return sent > 0 ? sent : result;
  };
  let result: SyscallResult;
  try {
    result = wait(task, socket, attempt, {
      timeout: socket.sendTimeout,
      nonblocking: nonblocking(socket, flags),
      timedOut: () => unsent(-EAGAIN),
      interrupted: () => unsent(socket.sendTimeout === Number.POSITIVE_INFINITY ? -ERESTARTSYS : -EINTR),
    });
  } catch (e) {
    unsent(0);
    throw e;
  }
  return result === -EAGAIN ? unsent(-EAGAIN) : result;
}

function sendTo(
  task: Task,
  number: number,
  address: number,
  length: number,
  flags: number,
  to: number,
  toLength: number,
): SyscallResult {
  const socket = socketOf(task, number);
  const name = to === 0 ? undefined : readAddress(task, to, toLength);
  const count = Math.min(length, MOST);
  return send(task, socket, count, (sent) => task.space.readable(address + sent, count - sent), {
    to: name,
    flags,
    files: [],
    credentials: M.ownCredentials(task),
    view: task,
  });
}

function sendMessage(task: Task, number: number, address: number, flags: number): SyscallResult {
  const socket = socketOf(task, number);
  const header = M.readHeader(task, address);
  const name = header.nameLength === 0 ? undefined : readAddress(task, header.name, header.nameLength);
  const [only] = header.vectors;
  const { files, credentials } = M.readControl(task, header);
  const message = { to: name, flags, files, credentials, view: task };
  if (header.vectors.length === 1 && only !== undefined) {
    return send(task, socket, only.length, (n) => task.space.readable(only.address + n, only.length - n), message);
  }
  let bytes: Uint8Array;
  try {
    bytes = M.gather(task, header.vectors);
  } catch (e) {
    for (const file of files) release(file);
    throw e;
  }
  return send(task, socket, bytes.length, (n) => (n === 0 ? bytes : bytes.subarray(n)), message);
}

/** Where received bytes go: the guest's memory itself, or a buffer for several pieces of it. */
function targetOf(task: Task, vectors: readonly IoVector[]): (at: number, count: number) => Uint8Array {
  const [only] = vectors;
  if (vectors.length === 1 && only !== undefined) return (at, n) => task.space.writable(only.address + at, n);
  const buffer = new Uint8Array(Math.min(M.totalLength(vectors), 0x100_0000));
  return (at, n) => buffer.subarray(at, at + n);
}

/** Receives into the guest's memory, and hands what else came to `finish`, whose answer is the call's. */
function receive(
  task: Task,
  socket: Socket,
  vectors: readonly IoVector[],
  flags: number,
  finish: (received: Received) => number,
): SyscallResult {
  const length = M.totalLength(vectors);
  const target = targetOf(task, vectors);
  const whole = (flags & S.MSG_WAITALL) !== 0 && (flags & S.MSG_PEEK) === 0 && socket.type === S.SOCK_STREAM;
  let filled = 0;
  let last: Received | undefined;
  const deliver = (): number => {
    if (last === undefined) return 0;
    if (vectors.length > 1) M.scatter(task, vectors, target(0, filled));
    return finish({ ...last, count: filled, length: Math.max(last.length, filled) });
  };
  const attempt = (): number => {
    for (;;) {
      const wanted = length - filled;
      // No more than there is: memory that will not be filled need not be made writable.
      const room = socket.lowMark > 1 ? wanted : Math.min(wanted, Math.max(1, socket.readableBytes));
      const received = socket.receive(target(filled, room), flags);
      if (typeof received === "number") {
        if (filled > 0 && (received !== -EAGAIN || nonblocking(socket, flags))) return deliver();
        return received;
      }
      filled += received.count;
      last = received;
      if (!whole || filled >= length || received.count === 0 || received.files.length > 0) return deliver();
    }
  };
  const forever = socket.receiveTimeout === Number.POSITIVE_INFINITY;
  return wait(task, socket, attempt, {
    timeout: socket.receiveTimeout,
    nonblocking: nonblocking(socket, flags),
    timedOut: () => (filled > 0 ? deliver() : -EAGAIN),
    interrupted: () => (filled > 0 ? deliver() : forever ? -ERESTARTSYS : -EINTR),
  });
}

function receiveFrom(
  task: Task,
  number: number,
  address: number,
  length: number,
  flags: number,
  from: number,
  fromLength: number,
): SyscallResult {
  const socket = socketOf(task, number);
  return receive(task, socket, [{ address, length: Math.min(length, MOST) }], flags, (received) => {
    for (const file of received.files) release(file);
    if (from !== 0) M.writeAddress(task, from, fromLength, received.from);
    return flags & S.MSG_TRUNC && socket.type !== S.SOCK_STREAM ? received.length : received.count;
  });
}

function receiveMessage(task: Task, number: number, address: number, flags: number): SyscallResult {
  const socket = socketOf(task, number);
  const header = M.readHeader(task, address);
  return receive(task, socket, header.vectors, flags, (received) => {
    const { space } = task;
    const closeOnExec = (flags & S.MSG_CMSG_CLOEXEC) !== 0;
    const control = M.writeControl(task, header, received, socket, closeOnExec);
    const cut = socket.type !== S.SOCK_STREAM && received.length > received.count;
    if (header.name !== 0) {
      const from = received.from ?? new Uint8Array(0);
      if (from.length > 0) space.copyOut(header.name, from.subarray(0, header.nameLength));
      space.writeU32(address + 8, from.length);
    }
    space.writeNumber64(address + 40, control.used);
    const end = socket.type === S.SOCK_SEQPACKET && received.length > 0 ? S.MSG_EOR : 0;
    space.writeU32(address + 48, control.flags | (cut ? S.MSG_TRUNC : 0) | end | (flags & S.MSG_CMSG_CLOEXEC));
    return flags & S.MSG_TRUNC && socket.type !== S.SOCK_STREAM ? received.length : received.count;
  });
}

/** sizeof(struct mmsghdr), and where its msg_len is. */
const MULTIPLE = 64;
const MULTIPLE_LENGTH = 56;

/** Sends or receives one message after the other, until one fails or `stop` says so. The number of those that went well. */
function forEach(
  task: Task,
  address: number,
  count: number,
  one: (header: number, index: number) => SyscallResult,
  stop: (index: number) => boolean,
): SyscallResult {
  const from = (start: number): SyscallResult => {
    for (let i = start; i < count; i++) {
      const done = (n: number): number => {
        if (n >= 0) task.space.writeU32(address + i * MULTIPLE + MULTIPLE_LENGTH, n);
        return n;
      };
      let n: SyscallResult;
      try {
        n = one(address + i * MULTIPLE, i);
      } catch (e) {
        if (i > 0 && e instanceof Errno) return i;
        throw e;
      }
      if (typeof n !== "number") {
        return n.then((m) => (done(m) < 0 ? i || m : stop(i) ? i + 1 : from(i + 1)));
      }
      if (done(n) < 0) return i || n;
      if (stop(i)) return i + 1;
    }
    return count;
  };
  return from(0);
}

function sendMessages(task: Task, number: number, address: number, count: number, flags: number): SyscallResult {
  socketOf(task, number);
  const messages = Math.min(count, 1024);
  return forEach(
    task,
    address,
    messages,
    (header) => sendMessage(task, number, header, flags),
    () => false,
  );
}

function receiveMessages(
  task: Task,
  number: number,
  address: number,
  count: number,
  flags: number,
  timeout: number,
): SyscallResult {
  const socket = socketOf(task, number);
  // recvmmsg(2), BUGS: the time is looked at only when a message has come.
  const deadline = timeout === 0 ? Number.POSITIVE_INFINITY : task.kernel.now() + readTimespec(task, timeout);
  const pending = socket.takeError();
  if (pending !== 0) return pending;
  return forEach(
    task,
    address,
    Math.min(count, 1024),
    (header, i) => {
      const more = i > 0 && (flags & S.MSG_WAITFORONE) !== 0 ? S.MSG_DONTWAIT : 0;
      return receiveMessage(task, number, header, (flags & ~S.MSG_WAITFORONE) | more);
    },
    () => task.kernel.now() >= deadline,
  );
}

function getOption(task: Task, number: number, level: number, name: number, address: number, lengthAt: number): number {
  const socket = socketOf(task, number);
  const room = task.space.readI32(lengthAt);
  if (room < 0) throw errno(EINVAL);
  if (level === S.SOL_SOCKET && name === S.SO_PEERPIDFD) {
    const fd = M.peerProcess(task, socket, room);
    task.space.copyOut(address, fd);
    task.space.writeU32(lengthAt, fd.length);
    return 0;
  }
  const value = M.shownOption(task, level, name, socket.getOption(level, name)).subarray(0, room);
  if (value.length > 0) task.space.copyOut(address, value);
  task.space.writeU32(lengthAt, value.length);
  return 0;
}

function name(task: Task, address: number, lengthAt: number, bytes: Uint8Array | undefined): number {
  if (bytes === undefined) throw errno(ENOTCONN);
  if (address === 0) throw errno(EFAULT);
  M.writeAddress(task, address, lengthAt, bytes);
  return 0;
}

const options = { partial: "AF_UNIX, AF_INET and AF_INET6 without multicast and urgent data" };

export const networkCalls: readonly SyscallDefinition[] = [
  syscall(
    "socket",
    [addressFamily, socketType, socketProtocol],
    (task, family, type, protocol) =>
      install(task, create(task, family, type, protocol), (type & S.SOCK_CLOEXEC) !== 0),
    options,
  ),
  syscall("socketpair", [addressFamily, socketType, socketProtocol, socketPair], socketPairCall),
  syscall(
    "bind",
    [fd, socketAddress, int],
    (task, number, address, length) => {
      const socket = socketOf(task, number);
      const name = readAddress(task, address, length);
      checkPort(task, socket, name, NET_BIND_TCP);
      socket.bind(name, task);
      return 0;
    },
    options,
  ),
  syscall("connect", [fd, socketAddress, int], connect, options),
  syscall("listen", [fd, int], (task, number, backlog) => {
    socketOf(task, number).listen(backlog, M.ownCredentials(task));
    return 0;
  }),
  syscall("accept", [fd, filledAddress(1), filledSize(2)], (task, number, address, lengthAt) =>
    accept(task, number, address, lengthAt, 0),
  ),
  syscall("accept4", [fd, filledAddress(1), filledSize(2), acceptFlags], accept),
  syscall("getsockname", [fd, filledAddress(1), filledSize(2)], (task, number, address, lengthAt) =>
    name(task, address, lengthAt, socketOf(task, number).localName()),
  ),
  syscall("getpeername", [fd, filledAddress(1), filledSize(2)], (task, number, address, lengthAt) =>
    name(task, address, lengthAt, socketOf(task, number).remoteName()),
  ),
  syscall("sendto", [fd, inBuffer(2), size, messageFlags, socketAddress, int], sendTo),
  syscall("recvfrom", [fd, outBuffer(), size, messageFlags, filledAddress(4), filledSize(5)], receiveFrom),
  syscall("sendmsg", [fd, ptr, messageFlags], sendMessage),
  syscall("recvmsg", [fd, outPtr, messageFlags], receiveMessage),
  syscall("sendmmsg", [fd, ptr, uint, messageFlags], sendMessages),
  syscall("recvmmsg", [fd, outPtr, uint, messageFlags, timespec], receiveMessages),
  syscall("shutdown", [fd, shutdownHow], (task, number, how) => {
    socketOf(task, number).shutdown(how);
    return 0;
  }),
  syscall(
    "setsockopt",
    [fd, optionLevel, optionName, optionValue, uint],
    (task, number, level, option, address, length) => {
      const socket = socketOf(task, number);
      if (length > 0x7fff_ffff) throw errno(EINVAL);
      socket.setOption(level, option, task.space.copyIn(address, Math.min(length, 256)), task);
      return 0;
    },
  ),
  syscall("getsockopt", [fd, optionLevel, optionName, filledValue, filledSize(4)], getOption),
];
