/**
 * A socket: an open file that can also be bound, connected, listened on, and sent messages through.
 *
 * Like other files it never waits: what would have to answers -EAGAIN, and the socket's queue (or, for a call that waits
 * for another socket, `waitsFor`) says when to try again.
 */

import { CAP_NET_ADMIN } from "../abi/capability.ts";
import { EDOM, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EPERM, errno } from "../abi/errno.ts";
import * as S from "../abi/socket.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { BaseFile, release } from "../vfs/file.ts";
import type { Sandbox } from "../vfs/sandbox.ts";
import type { File, GuestAccess, Inode, OpenContext } from "../vfs/types.ts";
import type { View } from "../vfs/walk.ts";

const FIONREAD = 0x541b;
const TIOCOUTQ = 0x5411;

/** struct ucred. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export const NOBODY: PeerCredentials = { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff };

/** What a sender gives. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  /** The address to send to, of a socket that need not be connected. */
  readonly to?: Uint8Array | undefined;
  /** MSG_* */
  readonly flags: number;
  /** Open files that go along; the message holds a reference to each. */
  readonly files: readonly File[];
  readonly credentials: PeerCredentials;
  readonly view: View;
}

/** What a receiver gets besides the bytes. */
export interface Received {
  /** Bytes stored. */
  readonly count: number;
  /** Bytes of the message, which may be more (MSG_TRUNC). */
  readonly length: number;
  readonly from: Uint8Array | undefined;
  /** The address that a datagram was sent to (IP_PKTINFO). */
  readonly to?: string;
  /** Their references are the receiver's now. */
  readonly files: readonly File[];
  readonly credentials: PeerCredentials | undefined;
}

/** A struct cmsghdr and its data, in 32-bit words. */
export interface Ancillary {
  readonly level: number;
  readonly type: number;
  readonly words: readonly number[];
}

/** Options of SOL_SOCKET that are kept and have no effect here. */
const INERT: readonly number[] = [
  S.SO_DEBUG,
  S.SO_REUSEADDR,
  S.SO_DONTROUTE,
  S.SO_BROADCAST,
  S.SO_KEEPALIVE,
  S.SO_OOBINLINE,
  S.SO_REUSEPORT,
  S.SO_TIMESTAMP,
  S.SO_TIMESTAMPNS,
];

/** An option's value. */
export function integer(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

export abstract class Socket extends BaseFile {
  readonly queue: WaitQueue = new WaitQueue();
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  /** Set by an operation that answers -EAGAIN because of another socket: woken when that may have changed. */
  waitsFor: WaitQueue | undefined;
  /** A write has found no room. */
  wantsRoom: boolean = false;
  /** The pending error: SO_ERROR, and the next call's result. */
  error: number = 0;
  sendBuffer: number = S.DEFAULT_BUFFER;
  receiveBuffer: number = S.DEFAULT_BUFFER;
  passCredentials: boolean = false;
  /** SO_PASSPIDFD: messages bring a pidfd of their sender along. */
  passProcess: boolean = false;
  /** SO_RCVLOWAT: bytes that a stream has to have before a reader is woken. */
  lowMark: number = 1;
  /** Milliseconds; Infinity: none. */
  receiveTimeout: number = Number.POSITIVE_INFINITY;
  sendTimeout: number = Number.POSITIVE_INFINITY;
  peerCredentials: PeerCredentials = NOBODY;
  /** Who made it: the sender of what is sent by write(2). */
  creator: PeerCredentials = NOBODY;
  /** The sandbox of who made it: landlock(7). */
  sandbox: Sandbox | null = null;
  readonly #inert: Map<number, number> = new Map();
  #linger: Uint8Array = new Uint8Array(8);

  /** What is set of SOL_SOCKET, for a connection that comes of a listener. */
  protected inherit(from: Socket): void {
    this.sendBuffer = from.sendBuffer;
    this.receiveBuffer = from.receiveBuffer;
    this.receiveTimeout = from.receiveTimeout;
    this.sendTimeout = from.sendTimeout;
    this.#linger = from.#linger;
    for (const [name, value] of from.#inert) this.#inert.set(name, value);
  }

  protected flagOption(name: number): boolean {
    return (this.#inert.get(name) ?? 0) !== 0;
  }

  /** SO_LINGER with a time of 0: close(2) throws away what is unsent. */
  protected get lingersForNothing(): boolean {
    return this.#linger[0] !== 0 && this.#linger.subarray(4, 8).every((byte) => byte === 0);
  }

  constructor(inode: Inode, flags: number, family: number, type: number, protocol: number) {
    super(inode, flags, undefined);
    this.family = family;
    this.type = type;
    this.protocol = protocol;
  }

  abstract bind(address: Uint8Array, view: View): void;
  /** 0, -EAGAIN to try again, -EINPROGRESS if `connectResult` will tell, or another negative errno. */
  abstract connect(address: Uint8Array, view: View, credentials: PeerCredentials): number;
  abstract listen(backlog: number, credentials: PeerCredentials): void;
  /** The next connection, or -EAGAIN. */
  abstract accept(flags: number): Socket | number;
  abstract send(message: Outgoing): number;
  /** Fills `into`; or a negative errno. */
  abstract receive(into: Uint8Array, flags: number): Received | number;
  abstract shutdown(how: number): void;
  /** struct sockaddr as getsockname(2) gives it. */
  abstract localName(): Uint8Array;
  /** As getpeername(2) gives it; undefined if there is no peer. */
  abstract remoteName(): Uint8Array | undefined;
  /** The peer's name for accept(2): there even if the connection has ended already. */
  acceptedName(): Uint8Array | undefined {
    return this.remoteName();
  }
  /** What recvmsg(2) gives along with a message, besides what unix(7) has. */
  ancillary(_received: Received): readonly Ancillary[] {
    return [];
  }
  /** What has become of a connect(2) that answered -EINPROGRESS; -EAGAIN: nothing yet. */
  connectResult(): number {
    return 0;
  }
  abstract get listening(): boolean;
  /** Bytes that a read would give: FIONREAD. */
  abstract get readableBytes(): number;
  /** Bytes sent that the other side has not read. */
  abstract get unreadBytes(): number;

  override describe(): string {
    return `socket:[${this.inode.ino}]`;
  }

  override read(into: Uint8Array): number {
    const received = this.receive(into, 0);
    if (typeof received === "number") return received;
    // Nobody asked for the files that came along.
    for (const file of received.files) release(file);
    return received.count;
  }

  /** The pending error as a negative errno, which is then gone. */
  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error === 0 ? 0 : -error;
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    context: OpenContext,
  ): number | Promise<number> {
    if (request === FIONREAD) {
      if (this.listening) return -EINVAL;
      guest.writeU32(argument, this.readableBytes);
      return 0;
    }
    if (request === TIOCOUTQ) {
      guest.writeU32(argument, this.unreadBytes);
      return 0;
    }
    return super.ioctl(request, argument, guest, context);
  }

  /** getsockopt(2): the value. */
  getOption(level: number, name: number): Uint8Array {
    if (level !== S.SOL_SOCKET) throw errno(this.family === S.AF_UNIX ? EOPNOTSUPP : ENOPROTOOPT);
    switch (name) {
      case S.SO_TYPE:
        return integer(this.type);
      case S.SO_DOMAIN:
        return integer(this.family);
      case S.SO_PROTOCOL:
        return integer(this.protocol);
      case S.SO_ERROR:
        return integer(-this.takeError());
      case S.SO_ACCEPTCONN:
        return integer(this.listening ? 1 : 0);
      case S.SO_SNDBUF:
        return integer(this.sendBuffer);
      case S.SO_RCVBUF:
        return integer(this.receiveBuffer);
      case S.SO_PASSCRED:
        return integer(this.passCredentials ? 1 : 0);
      case S.SO_PASSPIDFD:
        if (this.family !== S.AF_UNIX) throw errno(EOPNOTSUPP);
        return integer(this.passProcess ? 1 : 0);
      case S.SO_PEERCRED: {
        const bytes = new Uint8Array(12);
        const { pid, uid, gid } = this.peerCredentials;
        bytes.set(new Uint8Array(Uint32Array.of(pid, uid, gid).buffer));
        return bytes;
      }
      case S.SO_RCVLOWAT:
        return integer(this.lowMark);
      case S.SO_SNDLOWAT:
        return integer(1);
      case S.SO_PRIORITY:
        return integer(this.#inert.get(name) ?? 0);
      case S.SO_LINGER:
        return this.#linger;
      case S.SO_RCVTIMEO:
        return timeval(this.receiveTimeout);
      case S.SO_SNDTIMEO:
        return timeval(this.sendTimeout);
      default:
        if (!INERT.includes(name)) throw errno(ENOPROTOOPT);
        return integer(this.#inert.get(name) ?? 0);
    }
  }

  /** setsockopt(2). */
  setOption(level: number, name: number, value: Uint8Array, context: OpenContext): void {
    if (level !== S.SOL_SOCKET) throw errno(this.family === S.AF_UNIX ? EOPNOTSUPP : ENOPROTOOPT);
    if (value.length < 4) throw errno(EINVAL);
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const number = view.getInt32(0, true);
    const privileged = context.credentials.capable(CAP_NET_ADMIN);
    switch (name) {
      case S.SO_SNDBUF:
      case S.SO_SNDBUFFORCE:
        if (name === S.SO_SNDBUFFORCE && !privileged) throw errno(EPERM);
        // socket(7): the kernel doubles the value.
        this.sendBuffer = Math.max(2 * bufferSize(number, name === S.SO_SNDBUFFORCE), S.MIN_SEND_BUFFER);
        this.queue.wake();
        return;
      case S.SO_RCVBUF:
      case S.SO_RCVBUFFORCE:
        if (name === S.SO_RCVBUFFORCE && !privileged) throw errno(EPERM);
        this.receiveBuffer = Math.max(2 * bufferSize(number, name === S.SO_RCVBUFFORCE), S.MIN_RECEIVE_BUFFER);
        return;
      case S.SO_PASSCRED:
        this.passCredentials = number !== 0;
        return;
      case S.SO_PASSPIDFD:
        if (this.family !== S.AF_UNIX) throw errno(EOPNOTSUPP);
        this.passProcess = number !== 0;
        return;
      case S.SO_LINGER:
        if (value.length < 8) throw errno(EINVAL);
        this.#linger = value.slice(0, 8);
        return;
      case S.SO_PRIORITY:
        if ((number < 0 || number > 6) && !privileged) throw errno(EPERM);
        this.#inert.set(name, number);
        return;
      case S.SO_RCVLOWAT:
        if (number > 1) throw errno(EOPNOTSUPP);
        return;
      case S.SO_RCVTIMEO:
        this.receiveTimeout = milliseconds(view);
        return;
      case S.SO_SNDTIMEO:
        this.sendTimeout = milliseconds(view);
        return;
      case S.SO_TYPE:
      case S.SO_ERROR:
      case S.SO_ACCEPTCONN:
      case S.SO_DOMAIN:
      case S.SO_PROTOCOL:
      case S.SO_PEERCRED:
      case S.SO_PEERPIDFD:
        throw errno(ENOPROTOOPT);
      default:
        if (!INERT.includes(name)) throw errno(ENOPROTOOPT);
        this.#inert.set(name, number !== 0 ? 1 : 0);
    }
  }
}

function bufferSize(wanted: number, force: boolean): number {
  return force ? Math.max(0, wanted) : Math.min(wanted >>> 0, S.MAX_BUFFER);
}

/** From struct timeval; 0 means none. EDOM is for microseconds out of range. */
function milliseconds(view: DataView): number {
  if (view.byteLength < 16) throw errno(EINVAL);
  const sec = Number(view.getBigInt64(0, true));
  const usec = Number(view.getBigInt64(8, true));
  if (usec < 0 || usec >= 1_000_000) throw errno(EDOM);
  if (sec < 0) return 0;
  return sec === 0 && usec === 0 ? Number.POSITIVE_INFINITY : sec * 1000 + usec / 1000;
}

function timeval(ms: number): Uint8Array {
  const bytes = new Uint8Array(16);
  if (ms === Number.POSITIVE_INFINITY) return bytes;
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
  view.setBigInt64(8, BigInt(Math.round((ms % 1000) * 1000)), true);
  return bytes;
}
