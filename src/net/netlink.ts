/**
 * Netlink sockets: netlink(7), rtnetlink(7). One protocol of it, NETLINK_ROUTE, and of that the dumps: interfaces, addresses,
 * routes, rules, neighbours, as `ip` and getifaddrs(3) ask for them. All that can be changed is whether the loopback of a
 * network namespace is up; the rest is EPERM.
 */
import {
  EAGAIN,
  ECONNREFUSED,
  EINVAL,
  ENOBUFS,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  errno,
} from "../abi/errno.ts";
import { SIOC_FIRST, SIOC_LAST } from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import type { GuestAccess, Inode, OpenContext } from "../vfs/types.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../vfs/types.ts";
import { isLoopback, isV6, parseIp } from "./address.ts";
import {
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  broadcastOf,
  flagsOf,
  IFF_LOWER_UP,
  IFF_UP,
  type InterfaceAddress,
  interfaceIoctl,
  type NetworkInterface,
} from "./interfaces.ts";
import { type Outgoing, type Received, Socket } from "./socket.ts";
import type { InetStack } from "./stack.ts";

const NETLINK_ROUTE = 0;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_MULTI = 2;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTM_GETNEIGH = 30;
const RTM_NEWRULE = 32;
const RTM_GETRULE = 34;
const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
const RTM_MAX = 120;
/** sizeof(struct nlmsghdr) */
const HEADER = 16;

/** Messages being written: numbers and attributes, aligned to four bytes. */
class Writer {
  #bytes: Uint8Array = new Uint8Array(1024);
  length = 0;

  #room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const grown = new Uint8Array(this.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }

  /** Values of so many bytes each. */
  put(size: 1 | 2 | 4, ...values: readonly number[]): this {
    for (const value of values) {
      const at = this.#room(size);
      for (let i = 0; i < size; i++) this.#bytes[at + i] = (value >>> (8 * i)) & 0xff;
    }
    return this;
  }

  raw(bytes: ArrayLike<number>): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  align(): void {
    this.#room((4 - (this.length & 3)) & 3);
  }

  /** struct rtattr */
  attribute(type: number, value: ArrayLike<number>): this {
    this.put(2, value.length + 4, type).raw(value);
    this.align();
    return this;
  }

  text(type: number, value: string): this {
    return this.attribute(type, [...value].map((c) => c.charCodeAt(0)).concat(0));
  }

  number(type: number, value: number): this {
    return this.attribute(type, [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]);
  }

  /** A message, with its header; `body` writes what follows. */
  message(type: number, flags: number, sequence: number, port: number, body: () => void): void {
    const start = this.length;
    this.put(4, 0).put(2, type, flags).put(4, sequence, port);
    body();
    const length = this.length - start;
    for (let i = 0; i < 4; i++) this.#bytes[start + i] = (length >>> (8 * i)) & 0xff;
    this.align();
  }

  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

export class NetlinkSocket extends Socket {
  readonly #stack: InetStack;
  /** Each entry is what one recvmsg(2) gives. */
  #messages: Uint8Array[] = [];
  #port = 0;
  #groups = 0;
  readonly #creator: OpenContext;
  readonly #freePort: () => number;

  /** @param creator whose capabilities count for changes */
  constructor(
    stack: InetStack,
    inode: Inode,
    flags: number,
    type: number,
    protocol: number,
    creator: OpenContext,
    freePort: () => number,
  ) {
    super(inode, flags, S.AF_NETLINK, type, protocol);
    if (protocol !== NETLINK_ROUTE) throw errno(EPROTONOSUPPORT);
    this.#stack = stack;
    this.#creator = creator;
    this.#freePort = freePort;
  }

  get listening(): boolean {
    return false;
  }
  get readableBytes(): number {
    return this.#messages[0]?.length ?? 0;
  }
  get unreadBytes(): number {
    return 0;
  }

  /** struct sockaddr_nl: port and groups. */
  #parse(address: Uint8Array): { port: number; groups: number } {
    if (address.length < 12) throw errno(EINVAL);
    const view = new DataView(address.buffer, address.byteOffset, address.length);
    if (view.getUint16(0, true) !== S.AF_NETLINK) throw errno(EINVAL);
    return { port: view.getUint32(4, true), groups: view.getUint32(8, true) };
  }

  bind(address: Uint8Array): void {
    const { port, groups } = this.#parse(address);
    if (this.#port !== 0 && port !== 0 && port !== this.#port) throw errno(EINVAL);
    if (this.#port === 0) this.#port = port === 0 ? this.#freePort() : port;
    this.#groups = groups;
  }

  connect(address: Uint8Array): number {
    if (address.length < 2) return -EINVAL;
    if (((address[0] as number) | ((address[1] as number) << 8)) === S.AF_UNSPEC) return 0;
    // Other processes cannot be reached.
    if (this.#parse(address).port !== 0) return -ECONNREFUSED;
    if (this.#port === 0) this.#port = this.#freePort();
    return 0;
  }

  listen(): never {
    throw errno(EOPNOTSUPP);
  }
  accept(): number {
    return -EOPNOTSUPP;
  }
  shutdown(): never {
    throw errno(EOPNOTSUPP);
  }

  #name(port: number, groups: number): Uint8Array {
    return new Writer().put(2, S.AF_NETLINK, 0).put(4, port, groups).take();
  }

  localName(): Uint8Array {
    return this.#name(this.#port, this.#groups);
  }

  remoteName(): Uint8Array {
    return this.#name(0, 0);
  }

  override write(from: Uint8Array): number {
    return this.#ask(from);
  }

  send({ bytes, to, flags }: Outgoing): number {
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    if (to !== undefined && to.length > 0 && this.#parse(to).port !== 0) return -ECONNREFUSED;
    return this.#ask(bytes);
  }

  #ask(bytes: Uint8Array): number {
    if (this.#port === 0) this.#port = this.#freePort();
    if (this.#messages.length > 1024) return -ENOBUFS;
    const copy = bytes.slice();
    const view = new DataView(copy.buffer, copy.byteOffset, copy.length);
    for (let at = 0; at + HEADER <= copy.length; ) {
      const length = view.getUint32(at, true);
      if (length < HEADER || at + length > copy.length) break;
      this.#answer(copy.subarray(at, at + length));
      at += (length + 3) & ~3;
    }
    this.queue.wake(POLLIN | POLLRDNORM);
    return bytes.length;
  }

  #answer(request: Uint8Array): void {
    const view = new DataView(request.buffer, request.byteOffset, request.length);
    const type = view.getUint16(4, true);
    const flags = view.getUint16(6, true);
    const sequence = view.getUint32(8, true);
    // Below RTM_BASE are control messages, which have no effect.
    if (type < RTM_NEWLINK) {
      if (flags & NLM_F_ACK) this.#acknowledge(request, sequence, 0);
      return;
    }
    if ((type === RTM_NEWLINK || type === RTM_SETLINK) && request.length >= HEADER + 16) {
      this.#acknowledge(request, sequence, -this.#change(request, view));
      return;
    }
    // Types come in fours: new, delete, get, set.
    if (type > RTM_MAX || (type & 3) !== 2) {
      this.#acknowledge(request, sequence, type > RTM_MAX ? EOPNOTSUPP : EPERM);
      return;
    }
    const family = request[HEADER] ?? 0;
    const writer = new Writer();
    const dump = (flags & NLM_F_DUMP) !== 0;
    const put = (kind: number, body: () => void): void =>
      writer.message(kind, dump ? NLM_F_MULTI : 0, sequence, this.#port, body);
    const known = this.#dump(type, family, dump ? undefined : request, writer, put);
    if (!known || (!dump && writer.length === 0)) {
      this.#acknowledge(request, sequence, known ? ENODEV : EOPNOTSUPP);
      return;
    }
    if (!dump) {
      this.#messages.push(writer.take());
      if (flags & NLM_F_ACK) this.#acknowledge(request, sequence, 0);
      return;
    }
    if (writer.length > 0) this.#messages.push(writer.take());
    writer.message(NLMSG_DONE, NLM_F_MULTI, sequence, this.#port, () => writer.put(4, 0));
    this.#messages.push(writer.take());
  }

  /** struct ifinfomsg: which interface, its flags, and those of them that are meant. */
  #change(request: Uint8Array, view: DataView): number {
    const found = this.#stack.interfaces.find((i) => asksFor(request, i));
    if (found === undefined) return -ENODEV;
    const flags = view.getUint32(HEADER + 8, true);
    const mask = view.getUint32(HEADER + 12, true);
    if (mask !== IFF_UP) return -EPERM;
    return this.#stack.setUp(found, (flags & IFF_UP) !== 0, this.#creator);
  }

  #acknowledge(request: Uint8Array, sequence: number, error: number): void {
    const writer = new Writer();
    writer.message(NLMSG_ERROR, 0, sequence, this.#port, () => {
      writer.put(4, -error).raw(error === 0 ? request.subarray(0, HEADER) : request);
    });
    this.#messages.push(writer.take());
  }

  /** False: no such thing. @param request undefined: everything */
  #dump(
    type: number,
    family: number,
    request: Uint8Array | undefined,
    writer: Writer,
    put: (kind: number, body: () => void) => void,
  ): boolean {
    const { interfaces } = this.#stack;
    switch (type) {
      case RTM_GETLINK:
        for (const i of interfaces)
          if (request === undefined || asksFor(request, i)) put(RTM_NEWLINK, () => link(writer, i, family));
        return true;
      case RTM_GETADDR:
        for (const i of interfaces)
          for (const address of i.addresses) {
            const kind = isV6(address.ip) ? S.AF_INET6 : S.AF_INET;
            if (family === 0 || family === kind) put(RTM_NEWADDR, () => addressOf(writer, i, address, kind));
          }
        return true;
      case RTM_GETROUTE:
        this.#routes(family, request, writer, put);
        return true;
      case RTM_GETNEIGH:
        return true;
      case RTM_GETNSID:
        // Networks have no numbers for each other: NETNSA_NSID is -1.
        if (request !== undefined) put(RTM_NEWNSID, () => writer.put(4, 0).number(1, 0xffff_ffff));
        return true;
      case RTM_GETRULE:
        for (const [priority, table] of [
          [0, 255],
          [32766, 254],
          [32767, 253],
        ] as const)
          put(RTM_NEWRULE, () => {
            writer
              .put(1, family === S.AF_INET6 ? family : S.AF_INET, 0, 0, 0, table, 0, 0, 1)
              .put(4, 0)
              .number(15, table);
            if (priority > 0) writer.number(6, priority);
          });
        return true;
      default:
        return false;
    }
  }

  #routes(
    family: number,
    request: Uint8Array | undefined,
    writer: Writer,
    put: (kind: number, body: () => void) => void,
  ): void {
    for (const { device, network, bits, gateway } of this.#stack.routes()) {
      const kind = isV6(network) ? S.AF_INET6 : S.AF_INET;
      if (family !== 0 && family !== kind) continue;
      // "ip route get": the way to everything is the one through the gateway.
      if (request !== undefined && gateway === undefined) continue;
      const source = device.addresses.find(({ ip }) => isV6(ip) === isV6(network))?.ip;
      put(RTM_NEWROUTE, () => {
        // family, lengths of destination and source, tos, table main, protocol (boot; kernel), scope, unicast
        writer.put(1, kind, bits, 0, 0, 254, gateway === undefined ? 2 : 3, gateway === undefined ? 253 : 0, 1);
        writer.put(4, 0).number(15, 254);
        if (bits > 0) writer.attribute(1, parseIp(network) as Uint8Array);
        if (gateway !== undefined) writer.attribute(5, parseIp(gateway) as Uint8Array);
        else if (source !== undefined) writer.attribute(7, parseIp(source) as Uint8Array);
        writer.number(4, device.index);
      });
    }
  }

  receive(into: Uint8Array, flags: number): Received | number {
    if (flags & S.MSG_OOB) return -EOPNOTSUPP;
    const pending = this.takeError();
    if (pending !== 0) return pending;
    const [first] = this.#messages;
    if (first === undefined) return -EAGAIN;
    const count = Math.min(into.length, first.length);
    into.set(first.subarray(0, count));
    if ((flags & S.MSG_PEEK) === 0) this.#messages.shift();
    return { count, length: first.length, from: this.#name(0, 0), files: [], credentials: undefined };
  }

  override poll(): number {
    return POLLOUT | POLLWRNORM | (this.#messages.length > 0 ? POLLIN | POLLRDNORM : 0);
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    context: OpenContext,
  ): number | Promise<number> {
    if (request >= SIOC_FIRST && request <= SIOC_LAST) {
      return interfaceIoctl(this.#stack, request, argument, guest, context);
    }
    return super.ioctl(request, argument, guest, context);
  }

  override getOption(level: number, name: number): Uint8Array {
    return level === S.SOL_NETLINK ? new Uint8Array(4) : super.getOption(level, name);
  }

  override setOption(level: number, name: number, value: Uint8Array, context: OpenContext): void {
    // Memberships and extended acknowledgements: nothing ever changes, and errors are told as they always were.
    if (level !== S.SOL_NETLINK) super.setOption(level, name, value, context);
    else if (value.length < 4) throw errno(EINVAL);
  }
}

/** Does a request for one interface mean this one: by index, or by name (IFLA_IFNAME)? */
function asksFor(request: Uint8Array, { index, name }: NetworkInterface): boolean {
  if (request.length < HEADER + 16) return false;
  const view = new DataView(request.buffer, request.byteOffset, request.length);
  const wanted = view.getInt32(HEADER + 4, true);
  if (wanted !== 0) return wanted === index;
  for (let at = HEADER + 16; at + 4 <= request.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4) return false;
    if ((view.getUint16(at + 2, true) & 0x3fff) === 3) {
      return String.fromCharCode(...request.subarray(at + 4, at + length)).replace(/\0.*$/s, "") === name;
    }
    at += (length + 3) & ~3;
  }
  return false;
}

/** struct ifinfomsg and IFLA_* */
function link(writer: Writer, i: NetworkInterface, family: number): void {
  writer.put(1, 0, 0).put(2, i.loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER);
  writer.put(4, i.index, flagsOf(i) | (i.up ? IFF_LOWER_UP : 0), 0);
  writer.text(3, i.name).number(13, 1000);
  // IFLA_OPERSTATE: unknown for the loopback, up; IFLA_LINKMODE
  writer.attribute(16, [i.up ? (i.loopback ? 0 : 6) : 2]).attribute(17, [0]);
  writer.number(4, i.mtu).number(27, 0).number(31, 1).number(32, 1);
  // What IPv6 has to say of an interface is less.
  if (family !== S.AF_INET6) writer.text(6, i.fresh ? "noop" : i.loopback ? "noqueue" : "pfifo_fast");
  writer.attribute(1, i.mac).attribute(2, i.loopback ? i.mac : [255, 255, 255, 255, 255, 255]);
  // IFLA_STATS: struct rtnl_link_stats, of 24 words
  const { receivedPackets, sentPackets, received, sent } = i.statistics;
  const words = new Uint32Array(24);
  words.set([receivedPackets, sentPackets, received, sent]);
  writer.attribute(7, new Uint8Array(words.buffer));
}

/** struct ifaddrmsg and IFA_* */
function addressOf(writer: Writer, i: NetworkInterface, address: InterfaceAddress, family: number): void {
  const bytes = parseIp(address.ip) as Uint8Array;
  // Permanent; of the host alone, or of the world.
  writer.put(1, family, address.bits, 0x80, isLoopback(address.ip) ? 254 : 0).put(4, i.index);
  writer.attribute(1, bytes);
  if (family === S.AF_INET) {
    writer.attribute(2, bytes);
    if (!i.loopback) writer.attribute(4, broadcastOf(address));
    writer.text(3, i.name);
  }
  writer.number(8, 0x80);
  // IFA_CACHEINFO: for ever
  writer.attribute(6, new Uint8Array(Uint32Array.of(0xffff_ffff, 0xffff_ffff, 0, 0).buffer));
}
