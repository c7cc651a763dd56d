/**
 * UDP sockets: udp(7). A datagram for this machine lies in the receiver's queue as soon as it is sent; if nobody has the port,
 * the sender learns it by an ICMP error, which a connected socket reports with its next call. A queue that is full loses what
 * comes: UDP promises nothing, and a sender never waits.
 */
import {
  EACCES,
  EAFNOSUPPORT,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  errno,
} from "../abi/errno.ts";
import * as I from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import type { Inode } from "../vfs/types.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../vfs/types.ts";
import {
  bytes6,
  type Endpoint,
  familyOf,
  isLoopback,
  isV6,
  isWildcard,
  LOOPBACK4,
  LOOPBACK6,
  parseIp,
  sockaddrOf,
} from "./address.ts";
import { InetSocket } from "./inet.ts";
import type { PortTable, PortUser } from "./ports.ts";
import type { Ancillary, Outgoing, Received } from "./socket.ts";
import type { InetStack } from "./stack.ts";

/** Bytes that fit a datagram: 65535 less the headers of UDP and of IPv4. */
const MOST = 65_507;
/** Bytes of the headers of IP and UDP. */
const HEADERS = 28;
/** What the kernel keeps of each datagram besides its bytes, as far as SO_RCVBUF is concerned. */
const OVERHEAD = 768;

interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
  /** The address that it was sent to. */
  readonly to: string;
}

export class UdpSocket extends InetSocket {
  #queue: Datagram[] = [];
  #queued = 0;
  #shut = 0;

  constructor(stack: InetStack, inode: Inode, flags: number, family: number) {
    super(stack, inode, flags, family, S.SOCK_DGRAM, I.IPPROTO_UDP);
  }

  protected get ports(): PortTable<PortUser> {
    return this.stack.udp;
  }
  protected get isActive(): boolean {
    return this.remote !== undefined;
  }
  get listening(): boolean {
    return false;
  }
  get readableBytes(): number {
    return this.#queue[0]?.bytes.length ?? 0;
  }
  /** Of the whole queue: /proc/net/udp. */
  get queuedBytes(): number {
    return this.#queued;
  }
  get unreadBytes(): number {
    return 0;
  }

  #target(address: Uint8Array): Endpoint {
    const to = this.parse(address, this.family === S.AF_INET6);
    if (this.onlyV6 && !isV6(to.ip)) throw errno(ENETUNREACH);
    if (this.family === S.AF_INET6 && !isWildcard(this.localIp) && isV6(this.localIp) !== isV6(to.ip)) {
      throw errno(isV6(to.ip) ? EINVAL : ENETUNREACH);
    }
    if (!isWildcard(to.ip)) return to;
    return { ip: isV6(to.ip) ? LOOPBACK6 : LOOPBACK4, port: to.port };
  }

  connect(address: Uint8Array): number {
    if (address.length < 2) return -EINVAL;
    if (familyOf(address) === S.AF_UNSPEC) {
      this.#disconnect();
      return 0;
    }
    const remote = this.#target(address);
    this.#checkBroadcast(remote);
    const route = this.stack.route(remote.ip, this.userBound ? this.localIp : this.wildcard);
    if (route.outside) this.stack.outside?.checkDatagrams(this, remote);
    if (this.localPort === 0) this.takePort(this.wildcard, 0, undefined);
    if (!this.userBound || isWildcard(this.localIp)) this.localIp = route.source;
    this.remote = remote;
    return 0;
  }

  #disconnect(): void {
    this.remote = undefined;
    this.stack.outside?.forget(this);
    if (this.userBound) return;
    this.givePortBack();
    this.localIp = this.wildcard;
  }

  #checkBroadcast({ ip }: Endpoint): void {
    if (this.stack.isBroadcast(ip) && !this.flagOption(S.SO_BROADCAST)) throw errno(EACCES);
  }

  listen(): never {
    throw errno(EOPNOTSUPP);
  }
  accept(): number {
    return -EOPNOTSUPP;
  }

  override write(from: Uint8Array): number {
    return this.#transmit(from, undefined);
  }

  send({ bytes, to, flags }: Outgoing): number {
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    if (bytes.length > MOST) return -EMSGSIZE;
    if (to === undefined || to.length === 0) return this.#transmit(bytes, undefined);
    if (to.length >= 2 && familyOf(to) === S.AF_UNSPEC && this.family === S.AF_INET6) return -EAFNOSUPPORT;
    const target = this.#target(to);
    if (target.port === 0) return -EINVAL;
    return this.#transmit(bytes, target);
  }

  #transmit(bytes: Uint8Array, to: Endpoint | undefined): number {
    const target = to ?? this.remote;
    if (this.localPort === 0) this.takePort(this.localIp, 0, undefined);
    if (target === undefined) return -EDESTADDRREQ;
    if (bytes.length > MOST) return -EMSGSIZE;
    const pending = this.takeError();
    if (pending !== 0) return pending;
    if (this.#shut & 2) return -EPIPE;
    this.#checkBroadcast(target);
    const { stack } = this;
    if (this.goesToNobody(target.ip)) {
      stack.countLocal(bytes.length + HEADERS);
      return bytes.length;
    }
    const route = stack.route(target.ip, this.localIp);
    const from = { ip: isWildcard(this.localIp) ? route.source : this.localIp, port: this.localPort };
    if (route.outside) stack.countOutside(bytes.length + HEADERS, 0);
    if (route.outside) return stack.outside?.sendDatagram(this, bytes, target) ?? -ENETUNREACH;
    stack.countLocal(bytes.length + HEADERS);
    const receiver = stack.findUdp(target, from);
    if (receiver !== undefined) receiver.deliver(bytes, from, target.ip);
    else if (this.remote !== undefined) this.failed(ECONNREFUSED);
    return bytes.length;
  }

  /** ICMP says that a datagram did not arrive: ip(7), "Error handling". Only a connected socket is told. */
  failed(error: number): void {
    this.error = error;
    this.queue.wake(POLLERR);
  }

  /** A datagram from outside. */
  arrived(bytes: Uint8Array, from: Endpoint): void {
    this.stack.countOutside(0, bytes.length + HEADERS);
    this.deliver(bytes, from, this.localIp);
  }

  /** Keeps a copy, if there is room. */
  deliver(bytes: Uint8Array, from: Endpoint, to: string): void {
    const size = bytes.length + OVERHEAD;
    if (this.#queued > 0 && this.#queued + size > this.receiveBuffer) return;
    this.#queued += size;
    this.#queue.push({ bytes: bytes.slice(), from, to });
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  override read(into: Uint8Array): number {
    const received = this.receive(into, 0);
    return typeof received === "number" ? received : received.count;
  }

  receive(into: Uint8Array, flags: number): Received | number {
    // Errors are told where they are asked for; none is queued.
    if (flags & S.MSG_ERRQUEUE) return -EAGAIN;
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    const pending = this.takeError();
    if (pending !== 0) return pending;
    const first = this.#queue[0];
    if (first === undefined) {
      if (!(this.#shut & 1)) return -EAGAIN;
      return { count: 0, length: 0, from: undefined, files: [], credentials: undefined };
    }
    const { bytes, from, to } = first;
    const count = Math.min(into.length, bytes.length);
    into.set(count === bytes.length ? bytes : bytes.subarray(0, count));
    if ((flags & S.MSG_PEEK) === 0) {
      this.#queue.shift();
      this.#queued -= bytes.length + OVERHEAD;
    }
    const name = sockaddrOf(this.family, from);
    return { count, length: bytes.length, from: name, files: [], credentials: undefined, to };
  }

  /** IP_PKTINFO, IPV6_RECVPKTINFO: where a datagram was sent to, and by which interface it came. */
  override ancillary(received: Received): readonly Ancillary[] {
    const { to } = received;
    if (to === undefined) return [];
    const found = [...super.ancillary(received)];
    const index = isLoopback(to) || !this.stack.attached ? 1 : 2;
    if (this.options.isSet(I.IPPROTO_IP, I.IP_PKTINFO) && !isV6(to)) {
      const [word] = wordsOf(parseIp(to) as Uint8Array);
      found.push({ level: I.IPPROTO_IP, type: I.IP_PKTINFO, words: [index, word as number, word as number] });
    }
    if (this.family === S.AF_INET6 && this.options.isSet(I.IPPROTO_IPV6, I.IPV6_RECVPKTINFO)) {
      found.push({ level: I.IPPROTO_IPV6, type: I.IPV6_PKTINFO, words: [...wordsOf(bytes6(to)), index] });
    }
    return found;
  }

  shutdown(how: number): void {
    if (how < S.SHUT_RD || how > S.SHUT_RDWR) throw errno(EINVAL);
    this.#shut |= how + 1;
    this.queue.wake();
    if (this.remote === undefined) throw errno(ENOTCONN);
  }

  /** datagram_poll() */
  override poll(): number {
    let events = POLLOUT | POLLWRNORM;
    if (this.error !== 0) events |= POLLERR;
    if (this.#shut & 1) events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.#shut === 3) events |= POLLHUP;
    if (this.#queue.length > 0) events |= POLLIN | POLLRDNORM;
    return events;
  }

  remoteName(): Uint8Array | undefined {
    return this.remote === undefined ? undefined : sockaddrOf(this.family, this.remote);
  }

  override close(): void {
    this.stack.outside?.forget(this);
    this.#queue = [];
    super.close();
  }
}

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}
