/**
 * Internet sockets on a machine that has no network interface: tcp(7), udp(7), raw(7) as Linux has them in a network
 * namespace whose loopback is down. Ports can be bound and listened on at the wildcard address; nothing can be reached,
 * and nobody ever connects.
 */
import { CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../abi/capability.ts";
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  ENETUNREACH,
  ENODEV,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  errno,
} from "../abi/errno.ts";
import * as S from "../abi/socket.ts";
import type { GuestAccess, Inode, OpenContext } from "../vfs/types.ts";
import { POLLHUP, POLLOUT, POLLWRNORM } from "../vfs/types.ts";
import type { View } from "../vfs/walk.ts";
import { type Outgoing, type Received, Socket } from "./socket.ts";

const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;
/** net.ipv4.ip_local_port_range */
const FIRST_PORT = 32768;
const LAST_PORT = 60999;
/** net.ipv4.ip_unprivileged_port_start */
const UNPRIVILEGED = 1024;

const SIOCGIFCONF = 0x8912;
const SIOC_FIRST = 0x8900;
const SIOC_LAST = 0x89ff;

/** The protocol for a type of socket, as inet_create() finds it. */
export function inetProtocol(type: number, protocol: number, context: OpenContext): number {
  const fitting = { [S.SOCK_STREAM]: [IPPROTO_TCP], [S.SOCK_DGRAM]: [IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6] }[type];
  if (type === S.SOCK_RAW) {
    if (protocol === 0) throw errno(EPROTONOSUPPORT);
    if (!context.credentials.capable(CAP_NET_RAW)) throw errno(EPERM);
    return protocol;
  }
  if (fitting === undefined) throw errno(ESOCKTNOSUPPORT);
  const wanted = protocol === 0 ? (fitting[0] as number) : protocol;
  if (!fitting.includes(wanted)) throw errno(EPROTONOSUPPORT);
  // net.ipv4.ping_group_range lets nobody.
  if (wanted === IPPROTO_ICMP || wanted === IPPROTO_ICMPV6) throw errno(EACCES);
  return wanted;
}

/** The ports in use, by protocol and number. */
export class Ports {
  readonly #users: Map<string, Set<InetSocket>> = new Map();
  #last = FIRST_PORT - 1;

  take(socket: InetSocket, wanted: number): number {
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      const port = wanted === 0 ? this.#next() : wanted;
      const key = `${socket.protocol}:${port}`;
      const users = this.#users.get(key) ?? new Set();
      if ([...users].every((other) => socket.mayShare(other))) {
        this.#users.set(key, users.add(socket));
        return port;
      }
      if (wanted !== 0) break;
    }
    throw errno(EADDRINUSE);
  }

  #next(): number {
    this.#last = this.#last >= LAST_PORT ? FIRST_PORT : this.#last + 1;
    return this.#last;
  }

  giveBack(socket: InetSocket, port: number): void {
    const key = `${socket.protocol}:${port}`;
    const users = this.#users.get(key);
    users?.delete(socket);
    if (users?.size === 0) this.#users.delete(key);
  }
}

interface Endpoint {
  readonly port: number;
  /** The wildcard address, or one of 127.0.0.0/8, which are local whatever interfaces there are. */
  readonly bindable: boolean;
  readonly loopback6: boolean;
}

export class InetSocket extends Socket {
  readonly #ports: Ports;
  #port = 0;
  #address: Uint8Array = new Uint8Array(0);
  #bound = false;
  #listening = false;
  #shut = false;
  /** Options of the protocols, which have nothing to act on. */
  readonly #options: Map<string, Uint8Array> = new Map();

  constructor(ports: Ports, inode: Inode, flags: number, family: number, type: number, protocol: number) {
    super(inode, flags, family, type, protocol);
    this.#ports = ports;
  }

  get #stream(): boolean {
    return this.type === S.SOCK_STREAM;
  }

  get listening(): boolean {
    return this.#listening;
  }
  get readableBytes(): number {
    return 0;
  }
  get unreadBytes(): number {
    return 0;
  }

  /** SO_REUSEADDR of both lets two share a port, unless one listens. */
  mayShare(other: InetSocket): boolean {
    const reuses = (socket: Socket): boolean => (socket.getOption(S.SOL_SOCKET, S.SO_REUSEADDR)[0] ?? 0) !== 0;
    return reuses(this) && reuses(other) && !other.listening;
  }

  /** struct sockaddr_in, sockaddr_in6. */
  #parse(address: Uint8Array): Endpoint {
    const least = this.family === S.AF_INET ? 16 : 24;
    if (address.length < least) throw errno(EINVAL);
    if (familyOf(address) !== this.family) throw errno(EAFNOSUPPORT);
    const ip = this.#hostPart(address);
    const wildcard = ip.every((byte) => byte === 0);
    return {
      port: ((address[2] as number) << 8) | (address[3] as number),
      bindable: wildcard || (this.family === S.AF_INET && ip[0] === 127),
      loopback6: ip.length === 16 && ip[15] === 1 && ip.subarray(0, 15).every((byte) => byte === 0),
    };
  }

  #hostPart(address: Uint8Array): Uint8Array {
    return this.family === S.AF_INET ? address.subarray(4, 8) : address.subarray(8, 24);
  }

  bind(address: Uint8Array, view: View): void {
    const { port, bindable } = this.#parse(address);
    if (!bindable) throw errno(EADDRNOTAVAIL);
    if (port > 0 && port < UNPRIVILEGED && !view.credentials.capable(CAP_NET_BIND_SERVICE)) throw errno(EACCES);
    if (this.#bound) throw errno(EINVAL);
    this.#take(port);
    this.#address = this.#hostPart(address).slice();
  }

  #take(port: number): void {
    if (this.type !== S.SOCK_RAW) this.#port = this.#ports.take(this, port);
    this.#bound = true;
  }

  connect(address: Uint8Array): number {
    if (address.length < 2) return -EINVAL;
    if (familyOf(address) === S.AF_UNSPEC) return 0;
    return this.#parse(address).loopback6 ? -EADDRNOTAVAIL : -ENETUNREACH;
  }

  listen(): void {
    if (!this.#stream) throw errno(EOPNOTSUPP);
    if (!this.#bound) this.#take(0);
    this.#listening = true;
    this.#shut = false;
  }

  accept(): number {
    if (!this.#stream) return -EOPNOTSUPP;
    return this.#listening ? -EAGAIN : -EINVAL;
  }

  override write(): number {
    return this.#stream ? -EPIPE : -EDESTADDRREQ;
  }

  send(message: Outgoing): number {
    const { to } = message;
    if (this.#stream) return -EPIPE;
    if (to === undefined || to.length === 0) return -EDESTADDRREQ;
    if (this.#parse(to).port === 0 && this.type !== S.SOCK_RAW) return -EINVAL;
    return -ENETUNREACH;
  }

  receive(): Received | number {
    if (this.#stream) return -ENOTCONN;
    if (!this.#shut) return -EAGAIN;
    return { count: 0, length: 0, from: undefined, files: [], credentials: undefined };
  }

  shutdown(how: number): void {
    if (how < S.SHUT_RD || how > S.SHUT_RDWR) throw errno(EINVAL);
    if (!this.#listening) throw errno(ENOTCONN);
    if (how === S.SHUT_WR) return;
    this.#listening = false;
    this.#shut = true;
    this.queue.wake();
  }

  localName(): Uint8Array {
    const name = new Uint8Array(this.family === S.AF_INET ? 16 : 28);
    name[0] = this.family;
    name[2] = this.#port >> 8;
    name[3] = this.#port & 0xff;
    name.set(this.#address, this.family === S.AF_INET ? 4 : 8);
    return name;
  }

  remoteName(): undefined {
    return undefined;
  }

  override poll(): number {
    if (this.#listening) return 0;
    return POLLOUT | POLLWRNORM | (this.#stream ? POLLHUP : 0);
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    context: OpenContext,
  ): number | Promise<number> {
    if (request === SIOCGIFCONF) {
      // struct ifconf: no interface has an address.
      guest.writeU32(argument, 0);
      return 0;
    }
    if (request >= SIOC_FIRST && request <= SIOC_LAST) return -ENODEV;
    return super.ioctl(request, argument, guest, context);
  }

  override getOption(level: number, name: number): Uint8Array {
    if (level === S.SOL_SOCKET) return super.getOption(level, name);
    if (!this.#knows(level)) throw errno(ENOPROTOOPT);
    return this.#options.get(`${level}:${name}`) ?? new Uint8Array(4);
  }

  override setOption(level: number, name: number, value: Uint8Array, context: OpenContext): void {
    if (level === S.SOL_SOCKET) super.setOption(level, name, value, context);
    else if (!this.#knows(level)) throw errno(ENOPROTOOPT);
    else this.#options.set(`${level}:${name}`, value.slice());
  }

  #knows(level: number): boolean {
    const own = this.family === S.AF_INET ? [0] : [0, 41];
    return own.includes(level) || level === this.protocol;
  }

  override close(): void {
    if (this.#port !== 0) this.#ports.giveBack(this, this.#port);
    this.#port = 0;
    super.close();
  }
}

function familyOf(address: Uint8Array): number {
  return (address[0] as number) | ((address[1] as number) << 8);
}
