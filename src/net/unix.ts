/**
 * Sockets of one machine (unix(7)), after net/unix/af_unix.c of Linux.
 *
 * What is sent to a socket lies in that socket's queue of messages until it is read; a stream takes several messages, or
 * parts of one, as one run of bytes. A connection is two sockets that are each other's peer; a connected datagram socket's
 * peer need not know it. Sockets that wait to be accepted are whole already: the one who connected may send at once.
 *
 * How much a sender may have under way: a stream as many bytes as its send buffer, a datagram socket as many messages as the
 * receiver's queue is long. Who is refused for that gets -EAGAIN, and is woken when the receiver has read.
 */
import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EEXIST,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  EPROTOTYPE,
  Errno,
  errno,
} from "../abi/errno.ts";
import { SIOC_FIRST, SIOC_LAST } from "../abi/inet.ts";
import { SCOPE_ABSTRACT_UNIX_SOCKET } from "../abi/landlock.ts";
import * as S from "../abi/socket.ts";
import { S_IFSOCK } from "../abi/stat.ts";
import { decodeBytes } from "../util/bytes.ts";
import { WaitQueue } from "../util/wait-queue.ts";
import { release } from "../vfs/file.ts";
import { mknodAt, unlinkAt } from "../vfs/namespace.ts";
import { checkPermission, MAY_WRITE } from "../vfs/permission.ts";
import type { File, GuestAccess, Inode, OpenContext } from "../vfs/types.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "../vfs/types.ts";
import { FOLLOW, lookup, type View } from "../vfs/walk.ts";
import { interfaceIoctl } from "./interfaces.ts";
import type { Network } from "./network.ts";
import { type Outgoing, type PeerCredentials, type Received, Socket } from "./socket.ts";

interface Message {
  readonly bytes: Uint8Array;
  /** Bytes of it that have been read. */
  taken: number;
  readonly from: UnixName | undefined;
  files: readonly File[];
  readonly credentials: PeerCredentials;
  readonly sender: UnixSocket;
}

/** A name as bind(2) gave it. */
interface UnixName {
  /** struct sockaddr_un, as long as it counts. */
  readonly address: Uint8Array;
  /** In the abstract namespace: the key. */
  readonly abstract: string | undefined;
}

type State = "idle" | "listening" | "connected" | "closed";

/** The name in a struct sockaddr_un; undefined for one without a name, which asks bind(2) for any. */
function parseName(address: Uint8Array): { path?: string; abstract?: string } | undefined {
  if (address.length < S.SUN_PATH || address.length > S.SOCKADDR_UN_SIZE) throw errno(EINVAL);
  if (((address[0] ?? 0) | ((address[1] ?? 0) << 8)) !== S.AF_UNIX) throw errno(EINVAL);
  const name = address.subarray(S.SUN_PATH);
  if (name.length === 0) return undefined;
  if (name[0] === 0) return { abstract: String.fromCharCode(...name.subarray(1)) };
  const end = name.indexOf(0);
  return { path: decodeBytes(end < 0 ? name : name.subarray(0, end)) };
}

function nameOf(rest: Uint8Array, abstract: string | undefined): UnixName {
  const address = new Uint8Array(S.SUN_PATH + rest.length);
  address[0] = S.AF_UNIX;
  address.set(rest, S.SUN_PATH);
  return { address, abstract };
}

/** Each type of socket has abstract names of its own. */
export function abstractKey(type: number, name: string): string {
  return `${type}:${name}`;
}

const NO_NAME: Uint8Array = Uint8Array.of(S.AF_UNIX, 0);

export class UnixSocket extends Socket {
  readonly #network: Network;
  #writer: PeerCredentials = { pid: 0, uid: 0, gid: 0 };
  #state: State = "idle";
  #peer: UnixSocket | undefined;
  #name: UnixName | undefined;
  #bound: Inode | undefined;
  #messages: Message[] = [];
  #bytes = 0;
  /** Connections that have not been accepted yet. */
  #backlog: UnixSocket[] = [];
  #backlogLimit = 0;
  #readClosed = false;
  #writeClosed = false;
  /** Woken when somebody whom this socket has made wait may try again. */
  readonly #room: WaitQueue = new WaitQueue();
  /** Datagram sockets that are connected to this one: they may be polled for room here. */
  readonly #senders: Set<UnixSocket> = new Set();

  constructor(network: Network, inode: Inode, flags: number, type: number) {
    super(inode, flags, S.AF_UNIX, type, 0);
    this.#network = network;
    network.unixSockets.add(this);
  }

  /** socketpair(2) */
  static pair(one: UnixSocket, other: UnixSocket, credentials: PeerCredentials): void {
    one.#join(other);
    other.#join(one);
    one.peerCredentials = other.peerCredentials = credentials;
  }

  #join(peer: UnixSocket): void {
    this.#peer = peer;
    this.#state = "connected";
    if (this.#datagrams) peer.#senders.add(this);
  }

  get #datagrams(): boolean {
    return this.type === S.SOCK_DGRAM;
  }

  get listening(): boolean {
    return this.#state === "listening";
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    context: OpenContext,
  ): number | Promise<number> {
    // if_nametoindex(3) and others take any socket to ask about interfaces.
    if (request >= SIOC_FIRST && request <= SIOC_LAST) {
      return interfaceIoctl(this.#network.stack, request, argument, guest, context);
    }
    return super.ioctl(request, argument, guest, context);
  }

  get connected(): boolean {
    return this.#state === "connected";
  }

  get readableBytes(): number {
    if (this.type === S.SOCK_STREAM) return this.#bytes;
    const [first] = this.#messages;
    return first === undefined ? 0 : first.bytes.length;
  }

  get unreadBytes(): number {
    if (this.#peer === undefined) return 0;
    let n = 0;
    for (const m of this.#peer.#messages) if (m.sender === this) n += m.bytes.length - m.taken;
    return n;
  }

  // Names.

  bind(address: Uint8Array, view: View): void {
    const wanted = parseName(address);
    if (wanted?.path !== undefined) {
      try {
        const place = mknodAt(view, undefined, wanted.path, S_IFSOCK | 0o777, 0);
        if (this.#name !== undefined) {
          unlinkAt(view, undefined, wanted.path);
          throw errno(EINVAL);
        }
        this.#bound = place.inode;
      } catch (e) {
        throw e instanceof Errno && e.code === EEXIST ? errno(EADDRINUSE) : e;
      }
      this.#network.boundTo.set(this.#bound, this);
      const text = address.subarray(S.SUN_PATH);
      const end = text.indexOf(0);
      const path = end < 0 ? text : text.subarray(0, end);
      const rest = new Uint8Array(path.length + 1);
      rest.set(path);
      this.#name = nameOf(rest, undefined);
      return;
    }
    if (this.#name !== undefined) throw errno(EINVAL);
    const { abstractNames } = this.#network;
    const abstract = wanted?.abstract ?? this.#network.automaticName(this.type);
    const key = abstractKey(this.type, abstract);
    if (abstractNames.has(key)) throw errno(EADDRINUSE);
    abstractNames.set(key, this);
    this.#name = nameOf(
      Uint8Array.from(`\0${abstract}`, (c) => c.charCodeAt(0)),
      key,
    );
  }

  localName(): Uint8Array {
    return this.#name?.address ?? NO_NAME;
  }

  remoteName(): Uint8Array | undefined {
    return this.#peer?.localName();
  }

  /** unix_find_other() */
  #find(address: Uint8Array, view: View): UnixSocket {
    const name = parseName(address);
    if (name === undefined) throw errno(EINVAL);
    let found: UnixSocket | undefined;
    if (name.path !== undefined) {
      const place = lookup(view, undefined, name.path, FOLLOW);
      checkPermission(place, view.credentials, MAY_WRITE);
      if (place.inode.format === S_IFSOCK) found = this.#network.boundTo.get(place.inode);
    } else found = this.#network.abstractNames.get(abstractKey(this.type, name.abstract ?? ""));
    if (found === undefined || found.#state === "closed") throw errno(ECONNREFUSED);
    if (found.type !== this.type) throw errno(EPROTOTYPE);
    const { sandbox } = view.credentials;
    const scoped = name.path === undefined && found !== this.#peer;
    if (scoped && sandbox?.keepsFrom(found.sandbox, SCOPE_ABSTRACT_UNIX_SOCKET)) throw errno(EPERM);
    return found;
  }

  // Connections.

  connect(address: Uint8Array, view: View, credentials: PeerCredentials): number {
    if (this.#datagrams) {
      if (address.length < 2) return -EINVAL;
      this.#disconnectDatagrams();
      if (((address[0] ?? 0) | ((address[1] ?? 0) << 8)) === S.AF_UNSPEC) return 0;
      this.#join(this.#find(address, view));
      return 0;
    }
    const listener = this.#find(address, view);
    if (listener.#state !== "listening" || listener.#readClosed) return -ECONNREFUSED;
    if (listener.#backlog.length > listener.#backlogLimit) {
      this.waitsFor = listener.#room;
      return -EAGAIN;
    }
    if (this.#state === "listening") return -EINVAL;
    if (this.#state === "connected") return -EISCONN;
    const owner = { uid: view.credentials.fsuid, gid: view.credentials.fsgid };
    const server = new UnixSocket(this.#network, this.#network.inode(owner), 0, this.type);
    server.#name = listener.#name;
    server.passCredentials = listener.passCredentials;
    server.passProcess = listener.passProcess;
    server.#join(this);
    server.peerCredentials = credentials;
    this.#join(server);
    this.peerCredentials = listener.peerCredentials;
    listener.#backlog.push(server);
    listener.queue.wake(POLLIN | POLLRDNORM);
    this.queue.wake();
    return 0;
  }

  #disconnectDatagrams(): void {
    if (this.#peer !== undefined) this.#peer.#senders.delete(this);
    this.#peer = undefined;
    this.#state = "idle";
  }

  listen(backlog: number, credentials: PeerCredentials): void {
    if (this.#datagrams) throw errno(EOPNOTSUPP);
    if (this.#name === undefined || this.#state === "connected") throw errno(EINVAL);
    this.#state = "listening";
    this.#backlogLimit = Math.min(backlog >>> 0, S.SOMAXCONN);
    this.peerCredentials = credentials;
    this.#room.wake();
  }

  accept(flags: number): UnixSocket | number {
    if (this.#datagrams) return -EOPNOTSUPP;
    if (this.#state !== "listening") return -EINVAL;
    const next = this.#backlog.shift();
    if (next === undefined) return this.#readClosed ? -EINVAL : -EAGAIN;
    next.flags = flags;
    this.#room.wake();
    return next;
  }

  // Messages.

  /** Who writes is who sends, and not who has made the socket (maybe_add_creds()). */
  admit(context: OpenContext, access: "read" | "write"): number {
    const { pid, credentials } = context;
    if (access === "read" || pid === undefined) return 0;
    const { fsuid: uid, fsgid: gid } = credentials;
    const { pid: known, uid: user, gid: group } = this.#writer;
    if (pid !== known || uid !== user || gid !== group) this.#writer = { pid, uid, gid };
    return 0;
  }

  override write(from: Uint8Array): number {
    return this.#transmit(from, [], this.#writer);
  }

  send(message: Outgoing): number {
    const { bytes, to, flags, files, credentials, view } = message;
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    if (to === undefined || to.length === 0) return this.#transmit(bytes, files, credentials);
    if (!this.#datagrams) return this.#state === "connected" ? -EISCONN : -EOPNOTSUPP;
    return this.#deliver(this.#find(to, view), bytes, files, credentials);
  }

  #transmit(bytes: Uint8Array, files: readonly File[], credentials: PeerCredentials): number {
    const pending = this.takeError();
    if (pending !== 0 && this.type !== S.SOCK_STREAM) return pending;
    if (this.#writeClosed) return -EPIPE;
    const peer = this.#peer;
    if (peer === undefined) return -ENOTCONN;
    if (this.#datagrams && peer.#state === "closed") {
      this.#disconnectDatagrams();
      return -ECONNREFUSED;
    }
    return this.#deliver(peer, bytes, files, credentials);
  }

  #deliver(to: UnixSocket, bytes: Uint8Array, files: readonly File[], credentials: PeerCredentials): number {
    if (to.#readClosed || to.#state === "closed") return -EPIPE;
    let count = bytes.length;
    if (this.type === S.SOCK_STREAM) {
      const room = this.sendBuffer - to.#bytes;
      if (count === 0) return 0;
      if (room <= 0) return -EAGAIN;
      count = Math.min(count, room);
    } else {
      if (count > this.sendBuffer - 32) return -EMSGSIZE;
      // One's own peer in a pair may be filled up to the buffer; others' queues are short.
      const full = to.#peer === this ? to.#bytes + count > this.sendBuffer : to.#messages.length > S.MAX_DATAGRAMS;
      if (full) {
        this.waitsFor = to.#room;
        return -EAGAIN;
      }
    }
    to.#messages.push({
      bytes: bytes.slice(0, count),
      taken: 0,
      from: this.#name,
      files,
      credentials,
      sender: this,
    });
    to.#bytes += count;
    to.queue.wake(POLLIN | POLLRDNORM);
    return count;
  }

  receive(into: Uint8Array, flags: number): Received | number {
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    if (!this.#datagrams && this.#state !== "connected" && this.#state !== "closed") {
      return this.type === S.SOCK_STREAM ? -EINVAL : -ENOTCONN;
    }
    const [first] = this.#messages;
    if (first === undefined) return this.#nothing();
    const peek = (flags & S.MSG_PEEK) !== 0;
    const received = this.type === S.SOCK_STREAM ? this.#takeStream(into, peek) : this.#takeMessage(first, into, peek);
    if (!peek) this.#readMade();
    return received;
  }

  #nothing(): Received | number {
    const pending = this.takeError();
    if (pending !== 0) return pending;
    if (!this.#readClosed) return -EAGAIN;
    return { count: 0, length: 0, from: undefined, files: [], credentials: undefined };
  }

  /** Somebody may send again. */
  #readMade(): void {
    this.#room.wake();
    this.#peer?.queue.wake(POLLOUT | POLLWRNORM);
    for (const sender of this.#senders) if (sender !== this.#peer) sender.queue.wake(POLLOUT | POLLWRNORM);
  }

  /** Files of a message that is only looked at are duplicated: the message keeps its own. */
  #filesOf(message: Message, peek: boolean): readonly File[] {
    const { files } = message;
    if (peek) for (const file of files) file.references++;
    else message.files = [];
    return files;
  }

  #takeMessage(message: Message, into: Uint8Array, peek: boolean): Received {
    const count = Math.min(into.length, message.bytes.length);
    into.set(message.bytes.subarray(0, count));
    const files = this.#filesOf(message, peek);
    if (!peek) {
      this.#messages.shift();
      this.#bytes -= message.bytes.length;
    }
    const { from, credentials } = message;
    return { count, length: message.bytes.length, from: from?.address, files, credentials };
  }

  /** As many messages as fit; one with files ends the read, and so does a change of the sender's credentials. */
  #takeStream(into: Uint8Array, peek: boolean): Received {
    let count = 0;
    let files: readonly File[] = [];
    const first = this.#messages[0] as Message;
    const { credentials } = first;
    let index = 0;
    while (count < into.length) {
      const message = this.#messages[index];
      if (message === undefined) break;
      if (index > 0 || message !== first) {
        if (message.files.length > 0) break;
        if ((this.passCredentials || this.passProcess) && !sameCredentials(message.credentials, credentials)) break;
      }
      const n = Math.min(into.length - count, message.bytes.length - message.taken);
      into.set(message.bytes.subarray(message.taken, message.taken + n), count);
      count += n;
      const withFiles = message.files.length > 0;
      if (withFiles) files = this.#filesOf(message, peek);
      if (peek) index++;
      else {
        message.taken += n;
        this.#bytes -= n;
        if (message.taken < message.bytes.length) break;
        this.#messages.shift();
      }
      if (withFiles) break;
    }
    return { count, length: count, from: undefined, files, credentials };
  }

  // The end.

  shutdown(how: number): void {
    if (how < S.SHUT_RD || how > S.SHUT_RDWR) throw errno(EINVAL);
    const read = how !== S.SHUT_WR;
    const write = how !== S.SHUT_RD;
    this.#closeDirections(read, write);
    if (!this.#datagrams && this.#peer !== undefined) this.#peer.#closeDirections(write, read);
  }

  #closeDirections(read: boolean, write: boolean): void {
    if (read) this.#readClosed = true;
    if (write) this.#writeClosed = true;
    this.queue.wake(POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP);
    this.#room.wake();
  }

  /** unix_poll(), unix_dgram_poll() */
  override poll(): number {
    let events = 0;
    if (this.error !== 0) events |= POLLERR;
    if (this.#readClosed && this.#writeClosed) events |= POLLHUP;
    if (this.#readClosed) events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.#messages.length > 0 || this.#backlog.length > 0) events |= POLLIN | POLLRDNORM;
    if (!this.#datagrams && this.#state === "idle") events |= POLLHUP;
    if (this.#writable()) events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
  }

  #writable(): boolean {
    const peer = this.#peer;
    if (this.#state === "listening") return false;
    if (peer === undefined) return true;
    if (!this.#datagrams) return this.unreadBytes * 4 <= this.sendBuffer;
    return peer.#peer === this ? peer.#bytes * 4 <= this.sendBuffer : peer.#messages.length <= S.MAX_DATAGRAMS;
  }

  override close(): void {
    const unread = this.#messages.length > 0;
    this.#leave(unread);
    super.close();
  }

  /** unix_release_sock() @param reset the peer is to learn that something was lost */
  #leave(reset: boolean): void {
    this.#state = "closed";
    this.#network.unixSockets.delete(this);
    const peer = this.#peer;
    if (peer !== undefined) {
      if (this.#datagrams) peer.#senders.delete(this);
      else {
        if (reset) peer.error = ECONNRESET;
        peer.#closeDirections(true, true);
      }
    }
    for (const message of this.#messages) for (const file of message.files) release(file);
    this.#messages = [];
    this.#bytes = 0;
    for (const waiting of this.#backlog) {
      waiting.#leave(true);
      waiting.inode.closed?.();
    }
    this.#backlog = [];
    if (this.#name?.abstract !== undefined && this.#network.abstractNames.get(this.#name.abstract) === this) {
      this.#network.abstractNames.delete(this.#name.abstract);
    }
    if (this.#bound !== undefined) this.#network.boundTo.delete(this.#bound);
    for (const sender of this.#senders) sender.queue.wake();
    this.#room.wake();
    this.queue.wake();
  }
}

function sameCredentials(a: PeerCredentials, b: PeerCredentials): boolean {
  return a.pid === b.pid && a.uid === b.uid && a.gid === b.gid;
}
