/**
 * TCP sockets: tcp(7), and net/ipv4/tcp.c, inet_connection_sock.c and af_inet.c of Linux for what the manual leaves open.
 *
 * A connection is two ends that hand bytes to each other (stream.ts). There is no network in between that could lose
 * anything, so the states that wait for an acknowledgement (SYN_RECV, FIN_WAIT1, CLOSING, LAST_ACK) are passed at once. The
 * rest is Linux's: who closes first leaves its port in TIME_WAIT; who closes with unread data, or lingers for 0 seconds,
 * resets; and data for somebody who has closed is answered by a reset.
 *
 * `shut` has the bits of sk_shutdown: what is to be read ends with the peer's FIN as well as with shutdown(2).
 */
import {
  EADDRINUSE,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENOENT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  ETIMEDOUT,
  errno,
} from "../abi/errno.ts";
import { O_NONBLOCK } from "../abi/fcntl.ts";
import * as I from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import type { Inode, OpenContext } from "../vfs/types.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../vfs/types.ts";
import { type Endpoint, familyOf, isV6, isWildcard, LOOPBACK4, LOOPBACK6, sockaddrOf } from "./address.ts";
import { ByteQueue } from "./byte-queue.ts";
import { InetSocket } from "./inet.ts";
import type { PortTable, PortUser } from "./ports.ts";
import { integer, type Outgoing, type Received } from "./socket.ts";
import type { InetStack } from "./stack.ts";
import type { StreamEnd } from "./stream.ts";
import { tcpInfo } from "./tcp-info.ts";

const SHUT_READ = 1;
const SHUT_WRITE = 2;
const SHUT_BOTH = 3;

/** What getsockopt shows of a new socket: net.ipv4.tcp_wmem[1], tcp_rmem[1]. */
const SEND_BUFFER = 16_384;
const RECEIVE_BUFFER = 131_072;
/** How far Linux lets the buffers of a local connection grow, which nobody has set. */
const GROWN_SEND_BUFFER = 2_626_560;
const GROWN_RECEIVE_BUFFER = 1 << 20;
/** Bytes from outside that wait for the guest before the host is asked to stop. */
const HOST_RECEIVE_LIMIT = 262_144;
/** A SYN is sent seven times before connect(2) gives up: net.ipv4.tcp_syn_retries. */
const SYN_TIMEOUT_MS = 127_000;
/** Bytes of the headers of IP and TCP. */
const HEADERS = 40;
/** Connections from outside that wait for a place in a full backlog. */
const MAX_WAITING = 4096;

/** Somebody who wants a connection to a listener. */
export interface Applicant extends StreamEnd {
  /** The connection is there; `server` is its other end. */
  joined(server: TcpSocket): void;
  refused(): void;
}

interface Waiting {
  readonly applicant: Applicant;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** What getsockopt(2) gives of TCP_CONGESTION: TCP_CA_NAME_MAX bytes. */
const CONGESTION_CONTROL: Uint8Array = Uint8Array.from("cubic".padEnd(16, "\0"), (c) => c.charCodeAt(0));

type Progress = "unconnected" | "connecting" | "connected";

export class TcpSocket extends InetSocket implements Applicant {
  /** TCP_* */
  state: number = I.TCP_CLOSE;
  #progress: Progress = "unconnected";
  #shut = 0;
  readonly #received: ByteQueue = new ByteQueue();
  #peer: StreamEnd | undefined;
  /** A FIN has come: from then on a read gives the end, whatever else happens. */
  #ended = false;
  /** The descriptor is closed; the other side has yet to end. */
  #orphan = false;
  /** Somebody was told that there is no room: `roomMade` wakes. */
  #full = false;
  #sendBufferSet = false;
  #receiveBufferSet = false;
  #backlog = 0;
  #accepting: TcpSocket[] = [];
  #waiting: Waiting[] = [];
  #cancelTimeout: (() => void) | undefined;
  /** The port, once it is closed. */
  #leftPort = 0;

  constructor(stack: InetStack, inode: Inode, flags: number, family: number, from?: TcpSocket) {
    super(stack, inode, flags, family, S.SOCK_STREAM, I.IPPROTO_TCP, from);
    if (from === undefined) {
      this.sendBuffer = SEND_BUFFER;
      this.receiveBuffer = RECEIVE_BUFFER;
    } else {
      this.#sendBufferSet = from.#sendBufferSet;
      this.#receiveBufferSet = from.#receiveBufferSet;
      this.lowMark = from.lowMark;
    }
  }

  protected get ports(): PortTable<PortUser> {
    return this.stack.tcp;
  }
  protected get isActive(): boolean {
    return this.state !== I.TCP_CLOSE;
  }
  get listening(): boolean {
    return this.state === I.TCP_LISTEN;
  }
  get readableBytes(): number {
    return this.#received.length;
  }
  get unreadBytes(): number {
    return this.#peer?.pending ?? 0;
  }
  /** Connections that wait for accept(2), and how many may: /proc/net/tcp, TCP_INFO. */
  get accepting(): number {
    return this.#accepting.length;
  }
  get backlog(): number {
    return this.#backlog;
  }

  // Connecting.

  connect(address: Uint8Array): number {
    if (address.length < 2) return -EINVAL;
    if (familyOf(address) === S.AF_UNSPEC) {
      this.#disconnect();
      return 0;
    }
    if (this.#progress === "connected") return -EISCONN;
    if (this.#progress === "connecting") return this.state === I.TCP_SYN_SENT ? -EALREADY : this.connectResult();
    if (this.state !== I.TCP_CLOSE) return -EISCONN;
    const remote = this.#target(address);
    const route = this.stack.route(remote.ip, this.localIp);
    if (route.outside) this.stack.outside?.check(remote);
    if (this.localPort === 0) this.takePort(route.source, 0, remote);
    else this.localIp = route.source;
    this.remote = remote;
    this.#shut = 0;
    this.#ended = false;
    this.#progress = "connecting";
    this.state = I.TCP_SYN_SENT;
    if (route.outside) this.#peer = this.stack.outside?.connect(this, remote);
    else this.#connectLocally(remote);
    return -EINPROGRESS;
  }

  #target(address: Uint8Array): Endpoint {
    const remote = this.parse(address);
    if (this.onlyV6 && !isV6(remote.ip)) throw errno(EINVAL);
    if (!isWildcard(remote.ip)) return remote;
    return { ip: isV6(remote.ip) ? LOOPBACK6 : LOOPBACK4, port: remote.port };
  }

  #connectLocally(remote: Endpoint): void {
    const local = { ip: this.localIp, port: this.localPort };
    const listener = this.stack.findListener(remote, local);
    if (listener === undefined) {
      this.reset();
      return;
    }
    if (listener.apply({ applicant: this, local: remote, remote: local })) return;
    this.#cancelTimeout = this.stack.after(SYN_TIMEOUT_MS, () => {
      listener.#waiting = listener.#waiting.filter(({ applicant }) => applicant !== this);
      this.fail(ETIMEDOUT);
    });
  }

  /** What has become of a connect(2) that is under way: -EAGAIN: nothing yet. */
  override connectResult(): number {
    if (this.state === I.TCP_SYN_SENT) return -EAGAIN;
    if (this.state === I.TCP_CLOSE) {
      const result = this.takeError() || -ECONNABORTED;
      this.#disconnect();
      return result;
    }
    this.#progress = "connected";
    return 0;
  }

  joined(server: TcpSocket): void {
    if (this.state !== I.TCP_SYN_SENT) {
      // Closed while it waited for a place in the backlog.
      server.reset();
      return;
    }
    this.#peer = server;
    this.established();
  }

  /** The connection that was asked for is there. */
  established(): void {
    this.#cancelTimeout?.();
    this.state = I.TCP_ESTABLISHED;
    this.queue.wake(POLLOUT | POLLWRNORM);
  }

  refused(): void {
    this.reset();
  }

  /** tcp_disconnect() */
  #disconnect(): void {
    if (this.state === I.TCP_LISTEN) this.#stopListening();
    else this.#abandon(true);
    this.state = I.TCP_CLOSE;
    this.#progress = "unconnected";
    this.#shut = 0;
    this.#ended = false;
    this.error = 0;
    this.#received.clear();
    if (!this.userBound) this.givePortBack();
    this.remote = undefined;
    this.queue.wake();
  }

  /** Lets go of the other end. */
  #abandon(reset: boolean): void {
    this.#cancelTimeout?.();
    const peer = this.#peer;
    this.#peer = undefined;
    if (reset) peer?.reset();
  }

  // Listening.

  listen(backlog: number): void {
    if (this.#progress !== "unconnected") throw errno(EINVAL);
    if (this.state !== I.TCP_LISTEN) {
      if (this.state !== I.TCP_CLOSE) throw errno(EINVAL);
      if (this.localPort === 0) this.takePort(this.localIp, 0, undefined);
      this.state = I.TCP_LISTEN;
      // Whether the port may be shared has to be asked again: listeners do not share by SO_REUSEADDR.
      if (!this.ports.isFree(this, this.localIp, this.localPort)) {
        this.state = I.TCP_CLOSE;
        throw errno(EADDRINUSE);
      }
      this.#shut = 0;
    }
    this.#backlog = Math.min(backlog >>> 0, S.SOMAXCONN);
    this.#admitWaiting();
  }

  /**
   * A connection is asked for. It is made at once if there is a place in the backlog, and otherwise as soon as there is one.
   * @returns whether it was made, or refused
   */
  apply(request: Waiting): boolean {
    if (this.#accepting.length > this.#backlog) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(request);
      else request.applicant.refused();
      return false;
    }
    this.#admit(request);
    return true;
  }

  #admit({ applicant, local, remote }: Waiting): void {
    const server = new TcpSocket(this.stack, this.stack.inodeLike(this.inode), 0, this.family, this);
    server.localIp = local.ip;
    server.localPort = local.port;
    server.remote = remote;
    server.state = I.TCP_ESTABLISHED;
    server.#progress = "connected";
    server.#peer = applicant;
    this.ports.add(server, local.port);
    this.#accepting.push(server);
    applicant.joined(server);
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  #admitWaiting(): void {
    while (this.#accepting.length <= this.#backlog) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#admit(next);
    }
  }

  accept(flags: number): TcpSocket | number {
    if (this.state !== I.TCP_LISTEN) return -EINVAL;
    const next = this.#accepting.shift();
    if (next === undefined) return -EAGAIN;
    next.flags = flags;
    this.#admitWaiting();
    return next;
  }

  #stopListening(): void {
    this.state = I.TCP_CLOSE;
    const accepting = this.#accepting;
    const waiting = this.#waiting;
    this.#accepting = [];
    this.#waiting = [];
    for (const server of accepting) server.#drop();
    for (const { applicant } of waiting) applicant.refused();
  }

  /** A connection that nobody will accept. */
  #drop(): void {
    this.#abandon(true);
    this.state = I.TCP_CLOSE;
    this.givePortBack();
    this.inode.closed?.();
  }

  // Sending.

  override write(from: Uint8Array): number {
    const { state } = this;
    if (state === I.TCP_SYN_SENT) return this.takeError() || -EAGAIN;
    if (this.error !== 0 || this.#shut & SHUT_WRITE || (state !== I.TCP_ESTABLISHED && state !== I.TCP_CLOSE_WAIT)) {
      return this.takeError() || -EPIPE;
    }
    if (from.length === 0) return 0;
    const n = this.#peer?.deliver(from) ?? 0;
    if (n < from.length) this.#full = true;
    if (n > 0 && !(this.#peer instanceof TcpSocket)) this.stack.countOutside(n + HEADERS, 0);
    return n === 0 ? -EAGAIN : n;
  }

  send({ bytes, flags }: Outgoing): number {
    // Urgent data would need a mark in the stream that hosts do not pass on.
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    return this.write(bytes);
  }

  roomMade(): void {
    if (!this.#full || !this.#writable()) return;
    this.#full = false;
    this.queue.wake(POLLOUT | POLLWRNORM);
  }

  #writable(): boolean {
    return this.#peer?.spacious ?? true;
  }

  get #sendLimit(): number {
    return this.#sendBufferSet ? this.sendBuffer : GROWN_SEND_BUFFER;
  }

  get #receiveLimit(): number {
    return this.#receiveBufferSet ? this.receiveBuffer : GROWN_RECEIVE_BUFFER;
  }

  // As the end that the other one sends to.

  /** Bytes that may wait here: both sockets' buffers. */
  get #capacity(): number {
    const peer = this.#peer;
    return this.#receiveLimit + (peer instanceof TcpSocket ? peer.#sendLimit : 0);
  }

  /** sk_stream_is_writeable(): a third of the buffer is free. */
  get spacious(): boolean {
    const { length } = this.#received;
    return (this.#capacity - length) * 2 >= length;
  }

  get pending(): number {
    return this.#received.length;
  }

  deliver(bytes: Uint8Array): number {
    if (this.#refusesData()) return bytes.length;
    const count = Math.min(bytes.length, this.#capacity - this.#received.length);
    if (count <= 0) return 0;
    this.stack.countLocal(count + HEADERS);
    this.#received.push(count === bytes.length ? bytes : bytes.subarray(0, count));
    this.queue.wake(POLLIN | POLLRDNORM);
    return count;
  }

  /** Bytes from outside, to be kept. False: no more for now. */
  arrived(bytes: Uint8Array): boolean {
    if (this.#refusesData()) return true;
    this.stack.countOutside(0, bytes.length + HEADERS);
    this.#received.give(bytes);
    this.queue.wake(POLLIN | POLLRDNORM);
    return this.#received.length < this.#hostLimit;
  }

  get #hostLimit(): number {
    return this.#receiveBufferSet ? this.receiveBuffer : HOST_RECEIVE_LIMIT;
  }

  /** Whether the host may go on after `arrived` has answered false. */
  get wantsMore(): boolean {
    return this.#received.length * 2 <= this.#hostLimit;
  }

  /** Data for somebody who has closed, or shut down both ways: RFC 1122, 4.2.2.13. */
  #refusesData(): boolean {
    const done = this.#orphan || (this.state === I.TCP_FIN_WAIT2 && (this.#shut & SHUT_READ) !== 0);
    if (!done) return this.#peer === undefined;
    const { remote } = this;
    this.#abandon(true);
    if (this.#orphan) {
      if (remote !== undefined) this.ports.forget(this.#leftPort, remote);
    } else this.fail(ECONNRESET);
    return true;
  }

  finish(): void {
    if (this.#orphan) {
      this.#peer = undefined;
      return;
    }
    if (this.state === I.TCP_CLOSE) return;
    this.#ended = true;
    this.#shut |= SHUT_READ;
    if (this.state === I.TCP_ESTABLISHED) this.state = I.TCP_CLOSE_WAIT;
    else if (this.state === I.TCP_FIN_WAIT2) this.#timeWait();
    this.queue.wake(POLLIN | POLLRDNORM | POLLRDHUP | (this.#shut === SHUT_BOTH ? POLLHUP : 0));
  }

  /** Both sides have ended, this one first: the port stays taken for a while. */
  #timeWait(): void {
    this.#peer = undefined;
    this.#leavePort();
    this.#done();
  }

  #leavePort(): void {
    const { remote, localPort } = this;
    if (remote === undefined || localPort === 0) return;
    const { family, localIp, reuseAddress, reusePort, onlyV6, uid } = this;
    this.ports.linger({
      family,
      localIp,
      localPort,
      remote,
      reuseAddress,
      reusePort,
      onlyV6,
      uid,
      listening: false,
    });
    if (this.#orphan || !this.userBound) this.ports.remove(this, localPort);
  }

  /** tcp_done() */
  #done(): void {
    this.state = I.TCP_CLOSE;
    this.#shut = SHUT_BOTH;
  }

  reset(): void {
    if (this.#orphan) {
      this.#peer = undefined;
      if (this.remote !== undefined) this.ports.forget(this.#leftPort, this.remote);
      return;
    }
    if (this.state === I.TCP_SYN_SENT) this.fail(ECONNREFUSED);
    else this.fail(this.state === I.TCP_CLOSE_WAIT ? EPIPE : ECONNRESET);
  }

  /** The host has lost the connection, or could not make it. */
  lost(error: number): void {
    if (this.state === I.TCP_SYN_SENT && !this.#orphan) this.fail(error);
    else this.reset();
  }

  /** The connection has ended by an error. */
  fail(error: number): void {
    if (this.state === I.TCP_CLOSE) return;
    this.#cancelTimeout?.();
    this.#peer = undefined;
    this.error = error;
    if (!this.userBound && this.state === I.TCP_SYN_SENT) this.givePortBack();
    this.#done();
    this.queue.wake();
  }

  // Receiving.

  override read(into: Uint8Array): number {
    return into.length === 0 ? 0 : this.#take(into, 0);
  }

  receive(into: Uint8Array, flags: number): Received | number {
    const n = this.#take(into, flags);
    if (n < 0) return n;
    return { count: n, length: n, from: undefined, files: [], credentials: undefined };
  }

  #take(into: Uint8Array, flags: number): number {
    if (this.state === I.TCP_LISTEN) return -ENOTCONN;
    // Errors are told where they are asked for; none is queued.
    if (flags & S.MSG_ERRQUEUE) return -EAGAIN;
    if (flags & S.MSG_OOB) return -EINVAL;
    const { length } = this.#received;
    const atOnce = flags & S.MSG_DONTWAIT || this.flags & O_NONBLOCK;
    const enough = length >= this.lowMark || length >= into.length || this.#shut & SHUT_READ || atOnce;
    if (length > 0 && enough) {
      const peek = (flags & S.MSG_PEEK) !== 0;
      // tcp(7): MSG_TRUNC throws the bytes away.
      if (flags & S.MSG_TRUNC && !peek) return this.#read(this.#received.skip(into.length));
      const n = this.#received.take(into, peek);
      return peek ? n : this.#read(n);
    }
    if (this.#ended) return 0;
    if (this.error !== 0) return this.takeError();
    if (this.#shut & SHUT_READ) return 0;
    return this.state === I.TCP_CLOSE ? -ENOTCONN : -EAGAIN;
  }

  #read(n: number): number {
    this.#peer?.roomMade();
    return n;
  }

  // The end.

  /** inet_shutdown() */
  shutdown(how: number): void {
    if (how < S.SHUT_RD || how > S.SHUT_RDWR) throw errno(EINVAL);
    const bits = how + 1;
    if (this.state === I.TCP_LISTEN) {
      if ((bits & SHUT_READ) === 0) return;
      this.#disconnect();
      return;
    }
    if (this.state === I.TCP_SYN_SENT) {
      this.#disconnect();
      return;
    }
    const closed = this.state === I.TCP_CLOSE;
    this.#shut |= bits;
    if (!closed && bits & SHUT_WRITE) this.#sendEnd();
    this.queue.wake();
    if (closed) throw errno(ENOTCONN);
  }

  /** tcp_close_state(), with the acknowledgement of our FIN. */
  #sendEnd(): void {
    const peer = this.#peer;
    if (this.state === I.TCP_ESTABLISHED) {
      this.state = I.TCP_FIN_WAIT2;
      peer?.finish();
    } else if (this.state === I.TCP_CLOSE_WAIT) {
      this.#peer = undefined;
      this.#done();
      peer?.finish();
    }
  }

  override poll(): number {
    if (this.state === I.TCP_LISTEN) return this.#accepting.length > 0 ? POLLIN | POLLRDNORM : 0;
    let events = 0;
    if (this.#shut === SHUT_BOTH || this.state === I.TCP_CLOSE) events |= POLLHUP;
    if (this.#shut & SHUT_READ) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.state !== I.TCP_SYN_SENT) {
      if (this.#received.length >= this.lowMark) events |= POLLIN | POLLRDNORM;
      if (this.#shut & SHUT_WRITE || this.#writable()) events |= POLLOUT | POLLWRNORM;
      else this.#full = true;
    }
    return this.error === 0 ? events : events | POLLERR;
  }

  remoteName(): Uint8Array | undefined {
    if (this.state === I.TCP_CLOSE || this.state === I.TCP_SYN_SENT || this.remote === undefined) return undefined;
    return this.acceptedName();
  }

  override acceptedName(): Uint8Array {
    return sockaddrOf(this.family, this.remote as Endpoint);
  }

  override getOption(level: number, name: number): Uint8Array {
    if (level === I.IPPROTO_TCP && name === I.TCP_INFO) return tcpInfo(this);
    if (level === I.IPPROTO_TCP && name === I.TCP_MAXSEG && this.remote !== undefined) {
      // The loopback's 64 KiB less headers, or what Ethernet leaves.
      return integer(this.#peer instanceof TcpSocket ? (this.family === S.AF_INET ? 65_483 : 65_463) : 1448);
    }
    if (level === I.IPPROTO_TCP && name === I.TCP_CONGESTION) return CONGESTION_CONTROL;
    return super.getOption(level, name);
  }

  override setOption(level: number, name: number, value: Uint8Array, context: OpenContext): void {
    if (level === S.SOL_SOCKET && name === S.SO_RCVLOWAT) {
      if (value.length < 4) throw errno(EINVAL);
      const mark = new DataView(value.buffer, value.byteOffset, 4).getInt32(0, true);
      this.lowMark = mark < 0 ? 0x7fff_ffff : Math.max(1, Math.min(mark, this.receiveBuffer >> 1));
      return;
    }
    if (level === I.IPPROTO_TCP && name === I.TCP_CONGESTION) {
      const wanted = String.fromCharCode(...value).replace(/\0.*$/s, "");
      if (wanted !== "cubic" && wanted !== "reno") throw errno(ENOENT);
      return;
    }
    super.setOption(level, name, value, context);
    if (level !== S.SOL_SOCKET) return;
    if (name === S.SO_SNDBUF || name === S.SO_SNDBUFFORCE) this.#sendBufferSet = true;
    if (name === S.SO_RCVBUF || name === S.SO_RCVBUFFORCE) this.#receiveBufferSet = true;
  }

  /** tcp_close() */
  override close(): void {
    if (this.state === I.TCP_LISTEN) this.#stopListening();
    else {
      const unread = this.#received.length > 0;
      this.#received.clear();
      const resets = unread || this.lingersForNothing || this.state === I.TCP_SYN_SENT;
      if (resets) this.#abandon(true);
      else if (this.state === I.TCP_ESTABLISHED || this.state === I.TCP_FIN_WAIT2) {
        this.#orphan = true;
        this.#leavePort();
        if (this.state === I.TCP_ESTABLISHED) this.#sendEnd();
      } else this.#sendEnd();
    }
    this.state = I.TCP_CLOSE;
    this.#shut = SHUT_BOTH;
    this.#leftPort = this.localPort;
    super.close();
    this.queue.wake();
  }
}
