/**
 * What the sockets of the Internet protocols have in common (ip(7), ipv6(7)): names, ports, options, and the ioctls about
 * interfaces. tcp.ts, udp.ts and raw.ts are the protocols.
 */
import { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../abi/capability.ts";
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINVAL,
  ENODEV,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  errno,
} from "../abi/errno.ts";
import * as I from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import type { GuestAccess, Inode, OpenContext } from "../vfs/types.ts";
import type { View } from "../vfs/walk.ts";
import {
  ANY4,
  ANY6,
  type Endpoint,
  endpointOf,
  familyOf,
  formatIp,
  isLoopback,
  isMulticast,
  isV6,
  isWildcard,
  sockaddrOf,
} from "./address.ts";
import { InetOptions } from "./inet-options.ts";
import { interfaceIoctl } from "./interfaces.ts";
import type { PortTable, PortUser } from "./ports.ts";
import { type Ancillary, integer, type Received, Socket } from "./socket.ts";
import type { InetStack } from "./stack.ts";

/** The protocol for a type of socket, as inet_create() finds it. */
export function inetProtocol(type: number, protocol: number, stack: InetStack, context: OpenContext): number {
  const fitting = {
    [S.SOCK_STREAM]: [I.IPPROTO_TCP],
    [S.SOCK_DGRAM]: [I.IPPROTO_UDP, I.IPPROTO_ICMP, I.IPPROTO_ICMPV6],
  }[type];
  if (protocol < 0 || protocol >= I.IPPROTO_MAX) throw errno(EINVAL);
  if (type === S.SOCK_RAW) {
    if (protocol === 0) throw errno(EPROTONOSUPPORT);
    if (!stack.capable(context, CAP_NET_RAW)) throw errno(EPERM);
    return protocol;
  }
  if (fitting === undefined) throw errno(ESOCKTNOSUPPORT);
  const wanted = protocol === 0 ? (fitting[0] as number) : protocol;
  if (!fitting.includes(wanted)) throw errno(EPROTONOSUPPORT);
  // net.ipv4.ping_group_range lets nobody.
  if (wanted === I.IPPROTO_ICMP || wanted === I.IPPROTO_ICMPV6) throw errno(EACCES);
  return wanted;
}

/** Options of SOL_SOCKET that are kept as they are given. */
const NUMBERS: readonly number[] = [S.SO_MARK, S.SO_BUSY_POLL, S.SO_INCOMING_CPU, S.SO_RXQ_OVFL, S.SO_NO_CHECK];

export abstract class InetSocket extends Socket implements PortUser {
  protected readonly stack: InetStack;
  readonly options: InetOptions;
  /** Address that it is bound to; a wildcard if none. */
  localIp: string;
  localPort: number = 0;
  remote: Endpoint | undefined;
  /** bind(2) was called: the port is not given back when a connection ends. */
  protected userBound: boolean = false;
  /** User whose socket it is, as /proc/net shows and SO_REUSEPORT compares. */
  readonly uid: number;

  constructor(
    stack: InetStack,
    inode: Inode,
    flags: number,
    family: number,
    type: number,
    protocol: number,
    from?: InetSocket,
  ) {
    super(inode, flags, family, type, protocol);
    this.stack = stack;
    this.options = new InetOptions(family, type, protocol, from?.options);
    this.uid = inode.attributes().uid;
    this.localIp = this.wildcard;
    if (from !== undefined) this.inherit(from);
  }

  get wildcard(): string {
    return this.family === S.AF_INET ? ANY4 : ANY6;
  }

  get reuseAddress(): boolean {
    return this.flagOption(S.SO_REUSEADDR);
  }
  get reusePort(): boolean {
    return this.flagOption(S.SO_REUSEPORT);
  }
  get onlyV6(): boolean {
    return this.family === S.AF_INET6 && this.options.isSet(I.IPPROTO_IPV6, I.IPV6_V6ONLY);
  }

  /** The table of the protocol's ports; none for raw sockets. */
  protected abstract get ports(): PortTable<PortUser> | undefined;

  /** struct sockaddr_in, sockaddr_in6. */
  protected parse(address: Uint8Array, mayBeV4 = false): Endpoint {
    const family = address.length >= 2 ? familyOf(address) : 0;
    if (this.family === S.AF_INET || (mayBeV4 && family === S.AF_INET)) {
      if (address.length < 16) throw errno(EINVAL);
      if (family !== S.AF_INET) throw errno(EAFNOSUPPORT);
    } else {
      if (address.length < 24) throw errno(EINVAL);
      if (family !== S.AF_INET6) throw errno(EAFNOSUPPORT);
    }
    return endpointOf(address);
  }

  bind(address: Uint8Array, view: View): void {
    let family = address.length >= 2 ? familyOf(address) : 0;
    let given = address;
    if (this.family === S.AF_INET && family === S.AF_UNSPEC && address.length >= 16) {
      // ip(7): for the wildcard address the family may be missing.
      given = address.slice();
      given[0] = family = S.AF_INET;
      if (!isWildcard(endpointOf(given).ip)) throw errno(EAFNOSUPPORT);
    }
    const { ip, port } = this.parse(given);
    if (this.onlyV6 && !isV6(ip)) throw errno(EINVAL);
    const free = this.options.isSet(I.IPPROTO_IP, I.IP_FREEBIND);
    if (!isWildcard(ip) && !this.stack.bindable(ip) && !free) throw errno(EADDRNOTAVAIL);
    if (port > 0 && port < I.FIRST_UNPRIVILEGED && !this.stack.capable(view, CAP_NET_BIND_SERVICE)) throw errno(EACCES);
    if (this.isActive || this.localPort !== 0) throw errno(EINVAL);
    this.takePort(ip, port, undefined);
    this.userBound = true;
  }

  /** Connected, or about to be, or listening: too late for a name. */
  protected abstract get isActive(): boolean;

  /** @param port 0: any that is free. EADDRINUSE, EADDRNOTAVAIL */
  protected takePort(ip: string, port: number, remote: Endpoint | undefined): void {
    const { ports } = this;
    if (ports !== undefined) {
      let taken: number | undefined = port;
      if (port === 0) taken = ports.ephemeral(this, ip, remote);
      else if (!ports.isFree(this, ip, port)) taken = undefined;
      if (taken === undefined) throw errno(remote === undefined ? EADDRINUSE : EADDRNOTAVAIL);
      ports.add(this, taken);
      this.localPort = taken;
    }
    this.localIp = ip;
  }

  protected givePortBack(): void {
    if (this.localPort === 0) return;
    this.ports?.remove(this, this.localPort);
    this.localPort = 0;
  }

  localName(): Uint8Array {
    return sockaddrOf(this.family, { ip: this.localIp, port: this.localPort });
  }

  override ioctl(
    request: number,
    argument: number,
    guest: GuestAccess,
    context: OpenContext,
  ): number | Promise<number> {
    if (request >= I.SIOC_FIRST && request <= I.SIOC_LAST) {
      return interfaceIoctl(this.stack, request, argument, guest, context);
    }
    return super.ioctl(request, argument, guest, context);
  }

  /** SO_BINDTODEVICE, with its NUL; empty: none. */
  #device: Uint8Array = new Uint8Array(0);
  readonly #numbers: Map<number, number> = new Map();
  /** IP_MULTICAST_IF: the address that it was named by, and the interface's index. */
  #multicastAddress: Uint8Array = new Uint8Array(4);
  #multicastIndex = 0;
  /** IPV6_MULTICAST_IF */
  #multicastIndex6 = 0;

  override getOption(level: number, name: number): Uint8Array {
    if (level === S.SOL_SOCKET) {
      if (name === S.SO_BINDTODEVICE) return this.#device;
      if (name === S.SO_COOKIE) return new Uint8Array(BigUint64Array.of(BigInt(this.inode.ino)).buffer);
      if (NUMBERS.includes(name)) return integer(this.#numbers.get(name) ?? (name === S.SO_INCOMING_CPU ? -1 : 0));
      return super.getOption(level, name);
    }
    if (level === I.IPPROTO_IP && name === I.IP_OPTIONS) return new Uint8Array(0);
    if (level === I.IPPROTO_IP && name === I.IP_MULTICAST_IF) return this.#multicastAddress;
    if (level === I.IPPROTO_IPV6 && name === I.IPV6_MULTICAST_IF && this.family === S.AF_INET6) {
      return integer(this.#multicastIndex6);
    }
    const known = level === I.IPPROTO_IP || level === this.protocol;
    if (!known && this.family === S.AF_INET) throw errno(EOPNOTSUPP);
    return integer(this.options.get(level, name));
  }

  override setOption(level: number, name: number, value: Uint8Array, context: OpenContext): void {
    if (level === S.SOL_SOCKET && name === S.SO_BINDTODEVICE) this.#bindToDevice(value);
    else if (level === S.SOL_SOCKET && NUMBERS.includes(name)) this.#setNumber(name, value, context);
    else if (level === S.SOL_SOCKET) super.setOption(level, name, value, context);
    else if (I.isMulticastJoin(level, name)) throw errno(ENODEV);
    else if (level === I.IPPROTO_IP && name === I.IP_MULTICAST_IF) this.#sendMulticastBy(value);
    else if (level === I.IPPROTO_IPV6 && name === I.IPV6_MULTICAST_IF && this.family === S.AF_INET6) {
      this.#sendMulticastBy6(value);
    } else if (level === I.IPPROTO_IP && name === I.IP_TRANSPARENT) throw errno(EPERM);
    else if (level === I.IPPROTO_IPV6 && name === I.IPV6_V6ONLY && this.localPort !== 0) {
      throw errno(this.family === S.AF_INET6 ? EINVAL : ENOPROTOOPT);
    } else this.options.set(level, name, value);
  }

  #bindToDevice(value: Uint8Array): void {
    const name = String.fromCharCode(...value).replace(/\0.*$/s, "");
    if (name !== "" && !this.stack.interfaces.some((i) => i.name === name)) throw errno(ENODEV);
    this.#device = name === "" ? new Uint8Array(0) : Uint8Array.from(`${name}\0`, (c) => c.charCodeAt(0));
  }

  /** An address, struct ip_mreq or struct ip_mreqn: ip(7). */
  #sendMulticastBy(value: Uint8Array): void {
    if (this.type === S.SOCK_STREAM || value.length < 4) throw errno(EINVAL);
    const at = value.length >= 8 ? 4 : 0;
    const address = value.slice(at, at + 4);
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    let index = value.length >= 12 ? view.getInt32(8, true) : 0;
    const ip = formatIp(address);
    if (index === 0 && ip !== ANY4) {
      // The loopback has all of 127.0.0.0/8.
      const owner = this.stack.interfaces.find(({ loopback, addresses }) =>
        loopback ? isLoopback(ip) : addresses.some((own) => own.ip === ip),
      );
      if (owner === undefined) throw errno(EADDRNOTAVAIL);
      index = owner.index;
    } else if (index !== 0 && !this.#hasInterface(index)) throw errno(EADDRNOTAVAIL);
    this.#multicastIndex = index;
    this.#multicastAddress = address;
  }

  #sendMulticastBy6(value: Uint8Array): void {
    if (this.type === S.SOCK_STREAM) throw errno(ENOPROTOOPT);
    if (value.length < 4) throw errno(EINVAL);
    const index = new DataView(value.buffer, value.byteOffset, 4).getInt32(0, true);
    if (index !== 0 && !this.#hasInterface(index)) throw errno(ENODEV);
    this.#multicastIndex6 = index;
  }

  #hasInterface(index: number): boolean {
    return this.stack.interfaces.some((which) => which.index === index);
  }

  /** What is sent there goes to members of a group on the loopback, of which there are none: nobody can join. */
  protected goesToNobody(ip: string): boolean {
    const index = isV6(ip) ? 0 : this.#multicastIndex;
    return (
      isMulticast(ip) && this.stack.interfaces.some((which) => which.index === index && which.loopback && which.up)
    );
  }

  #setNumber(name: number, value: Uint8Array, context: OpenContext): void {
    if (value.length < 4) throw errno(EINVAL);
    if (name === S.SO_MARK && !this.stack.capable(context, CAP_NET_ADMIN)) throw errno(EPERM);
    this.#numbers.set(name, new DataView(value.buffer, value.byteOffset, 4).getInt32(0, true));
  }

  /** Hop limits, which are never counted down here, and types of service. */
  override ancillary({ to }: Received): readonly Ancillary[] {
    if (to === undefined) return [];
    const found: Ancillary[] = [];
    const given = (level: number, option: number, type: number, value: number): void => {
      if (this.options.isSet(level, option)) found.push({ level, type, words: [value] });
    };
    if (isV6(to)) {
      given(I.IPPROTO_IPV6, I.IPV6_RECVHOPLIMIT, I.IPV6_HOPLIMIT, 64);
      given(I.IPPROTO_IPV6, I.IPV6_2292HOPLIMIT, I.IPV6_2292HOPLIMIT, 64);
      given(I.IPPROTO_IPV6, I.IPV6_RECVTCLASS, I.IPV6_TCLASS, 0);
    } else given(I.IPPROTO_IP, I.IP_RECVTTL, I.IP_TTL, 64);
    return found;
  }

  override close(): void {
    this.givePortBack();
    super.close();
  }
}
