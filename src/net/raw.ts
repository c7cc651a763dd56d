/**
 * Raw sockets: raw(7). The one thing that answers is this machine: an echo request to one of its addresses has its reply
 * (ping). Hosts give no way to send packets of other protocols, so everything outside is unreachable.
 */
import { EAGAIN, EDESTADDRREQ, EINVAL, EMSGSIZE, ENETUNREACH, ENOTCONN, EOPNOTSUPP, errno } from "../abi/errno.ts";
import * as I from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import type { Inode, OpenContext } from "../vfs/types.ts";
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../vfs/types.ts";
import { type Endpoint, familyOf, isV6, isWildcard, LOOPBACK4, LOOPBACK6, parseIp, sockaddrOf } from "./address.ts";
import { InetSocket } from "./inet.ts";
import type { Outgoing, Received } from "./socket.ts";
import type { InetStack } from "./stack.ts";

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const ECHO_REQUEST6 = 128;
const ECHO_REPLY6 = 129;
const HEADER = 20;

/** setsockopt(2) level and name of the filters by type of message: raw(7), RFC 3542. */
const ICMP_FILTER = 1;
const ICMP6_FILTER = 1;

interface Packet {
  readonly bytes: Uint8Array;
  readonly from: string;
  readonly to: string;
}

export class RawSocket extends InetSocket {
  #packets: Packet[] = [];
  #queued = 0;
  /** A bit for each type of message that is not wanted. */
  #filter = new Uint32Array(8);

  constructor(stack: InetStack, inode: Inode, flags: number, family: number, protocol: number) {
    super(stack, inode, flags, family, S.SOCK_RAW, protocol);
    stack.raw.add(this);
  }

  protected get ports(): undefined {
    return undefined;
  }
  protected get isActive(): boolean {
    return false;
  }
  get listening(): boolean {
    return false;
  }
  get readableBytes(): number {
    return this.#packets[0]?.bytes.length ?? 0;
  }
  get unreadBytes(): number {
    return 0;
  }

  connect(address: Uint8Array): number {
    if (address.length < 2) return -EINVAL;
    if (familyOf(address) === S.AF_UNSPEC) this.remote = undefined;
    else {
      const remote = this.#target(address);
      this.localIp = this.stack.route(remote.ip, this.localIp).source;
      this.remote = remote;
    }
    return 0;
  }

  #target(address: Uint8Array): Endpoint {
    const { ip, port } = this.parse(address);
    return { ip: isWildcard(ip) ? (isV6(ip) ? LOOPBACK6 : LOOPBACK4) : ip, port };
  }

  listen(): never {
    throw errno(EOPNOTSUPP);
  }
  accept(): number {
    return -EOPNOTSUPP;
  }

  override write(from: Uint8Array): number {
    return this.#transmit(from, this.remote);
  }

  send({ bytes, to, flags }: Outgoing): number {
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    return this.#transmit(bytes, to === undefined || to.length === 0 ? this.remote : this.#target(to));
  }

  #transmit(bytes: Uint8Array, to: Endpoint | undefined): number {
    if (to === undefined) return -EDESTADDRREQ;
    if (bytes.length > 65_535 - HEADER) return -EMSGSIZE;
    const route = this.stack.route(to.ip, this.localIp);
    if (route.outside) return -ENETUNREACH;
    const whole = this.options.isSet(I.IPPROTO_IP, I.IP_HDRINCL);
    const payload = whole ? bytes.subarray(HEADER) : bytes;
    this.#spread(payload, route.source, to.ip);
    const v6 = this.protocol === I.IPPROTO_ICMPV6;
    if (
      payload.length >= 8 &&
      (v6 || this.protocol === I.IPPROTO_ICMP) &&
      payload[0] === (v6 ? ECHO_REQUEST6 : ECHO_REQUEST)
    ) {
      this.#spread(echoReply(payload, v6), to.ip, route.source);
    }
    return bytes.length;
  }

  /** Every raw socket of the protocol has a copy of what arrives. */
  #spread(payload: Uint8Array, from: string, to: string): void {
    for (const socket of this.stack.raw) {
      if (socket.protocol !== this.protocol || socket.family !== this.family) continue;
      if (socket.remote !== undefined && socket.remote.ip !== from) continue;
      const type = payload[0] ?? 0;
      if (((socket.#filter[type >> 5] as number) >>> (type & 31)) & 1) continue;
      if (!isWildcard(socket.localIp) && socket.localIp !== to) continue;
      socket.#arrive(
        this.family === S.AF_INET ? withHeader(payload, this.protocol, from, to) : payload.slice(),
        from,
        to,
      );
    }
  }

  #arrive(bytes: Uint8Array, from: string, to: string): void {
    if (this.#queued + bytes.length > this.receiveBuffer) return;
    this.#packets.push({ bytes, from, to });
    this.#queued += bytes.length;
    this.queue.wake(POLLIN | POLLRDNORM);
  }

  receive(into: Uint8Array, flags: number): Received | number {
    const pending = this.takeError();
    if (pending !== 0) return pending;
    const first = this.#packets[0];
    if (first === undefined) return -EAGAIN;
    const { bytes, from, to } = first;
    const count = Math.min(into.length, bytes.length);
    into.set(bytes.subarray(0, count));
    if ((flags & S.MSG_PEEK) === 0) {
      this.#packets.shift();
      this.#queued -= bytes.length;
    }
    const name = sockaddrOf(this.family, { ip: from, port: 0 });
    return { count, length: bytes.length, from: name, files: [], credentials: undefined, to };
  }

  shutdown(how: number): void {
    if (how < S.SHUT_RD || how > S.SHUT_RDWR) throw errno(EINVAL);
    if (this.remote === undefined) throw errno(ENOTCONN);
  }

  override poll(): number {
    return (
      POLLOUT | POLLWRNORM | (this.#packets.length > 0 ? POLLIN | POLLRDNORM : 0) | (this.error !== 0 ? POLLERR : 0)
    );
  }

  #isFilter(level: number, name: number): boolean {
    if (this.protocol === I.IPPROTO_ICMP) return level === I.IPPROTO_RAW && name === ICMP_FILTER;
    return this.protocol === I.IPPROTO_ICMPV6 && level === I.IPPROTO_ICMPV6 && name === ICMP6_FILTER;
  }

  override getOption(level: number, name: number): Uint8Array {
    if (!this.#isFilter(level, name)) return super.getOption(level, name);
    return new Uint8Array(this.#filter.buffer, 0, this.protocol === I.IPPROTO_ICMP ? 4 : 32);
  }

  override setOption(level: number, name: number, value: Uint8Array, context: OpenContext): void {
    if (!this.#isFilter(level, name)) {
      super.setOption(level, name, value, context);
      return;
    }
    const bytes = new Uint8Array(this.#filter.buffer);
    bytes.set(value.subarray(0, this.protocol === I.IPPROTO_ICMP ? 4 : 32));
  }

  remoteName(): Uint8Array | undefined {
    return this.remote === undefined ? undefined : sockaddrOf(this.family, this.remote);
  }

  override close(): void {
    this.stack.raw.delete(this);
    super.close();
  }
}

/** RFC 1071 */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** RFC 792, RFC 4443: the same with another type. (ICMPv6's checksum is the kernel's business; nobody looks at it here.) */
function echoReply(request: Uint8Array, v6: boolean): Uint8Array {
  const reply = request.slice();
  reply[0] = v6 ? ECHO_REPLY6 : ECHO_REPLY;
  reply[2] = reply[3] = 0;
  const sum = checksum(reply);
  reply[2] = sum >> 8;
  reply[3] = sum & 0xff;
  return reply;
}

/** RFC 791 */
function withHeader(payload: Uint8Array, protocol: number, from: string, to: string): Uint8Array {
  const packet = new Uint8Array(HEADER + payload.length);
  packet[0] = 0x45;
  packet[2] = packet.length >> 8;
  packet[3] = packet.length & 0xff;
  packet[6] = 0x40;
  packet[8] = 64;
  packet[9] = protocol;
  packet.set(parseIp(from) as Uint8Array, 12);
  packet.set(parseIp(to) as Uint8Array, 16);
  const sum = checksum(packet.subarray(0, HEADER));
  packet[10] = sum >> 8;
  packet[11] = sum & 0xff;
  packet.set(payload, HEADER);
  return packet;
}
