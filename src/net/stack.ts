/**
 * The Internet side of one machine: its interfaces and addresses, which way leads where, and who is to be found at which
 * port. Three reaches (docs/network.md):
 *
 * - "none": the loopback interface is down. Ports can be had, and nothing can be reached.
 * - "loopback": 127.0.0.0/8, ::1 and the machine's own addresses. All of it happens in here; no host is asked.
 * - "host": everything else goes through the host interface (outside.ts), as far as the policy lets it.
 *
 * A machine with ports published, or with the host's network, has an interface eth0 in a network of its own behind a
 * gateway which translates addresses: the host.
 */

import { CAP_NET_ADMIN } from "../abi/capability.ts";
import { EADDRNOTAVAIL, EINVAL, ENETUNREACH, EPERM, errno } from "../abi/errno.ts";
import type { Inode, OpenContext } from "../vfs/types.ts";
import {
  ANY4,
  ANY6,
  type Endpoint,
  formatIp,
  inPrefix,
  isLoopback,
  isMulticast,
  isV6,
  isWildcard,
  LOOPBACK4,
  LOOPBACK6,
  type Prefix,
  parseIp,
} from "./address.ts";
import type { NetworkInterface } from "./interfaces.ts";
import type { Outside } from "./outside.ts";
import { covers, PortTable, type PortUser } from "./ports.ts";
import type { RawSocket } from "./raw.ts";
import type { TcpSocket } from "./tcp.ts";
import type { UdpSocket } from "./udp.ts";

export type NetworkMode = "none" | "loopback" | "host";

/** eth0 and what is around it: the network that QEMU's user-mode network has, and one like it for IPv6 (RFC 4193). */
export const OWN4 = "10.0.2.15";
export const GATEWAY4 = "10.0.2.2";
export const NAMESERVER4 = "10.0.2.3";
export const OWN6 = "fd00:7473:7263::15";
export const GATEWAY6 = "fd00:7473:7263::2";
export const NET4: Prefix = { bytes: parseIp("10.0.2.0") as Uint8Array, bits: 24 };
export const NET6: Prefix = { bytes: parseIp("fd00:7473:7263::") as Uint8Array, bits: 64 };
const LOOPBACK_ADDRESSES = [
  { ip: LOOPBACK4, bits: 8 },
  { ip: LOOPBACK6, bits: 128 },
] as const;
const BROADCAST4 = "10.0.2.255";
const MAC: readonly number[] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

export interface Route {
  /** Through the host. */
  readonly outside: boolean;
  /** The address that is shown to the other side. */
  readonly source: string;
}

/** A row of the routing table. */
interface RouteEntry {
  readonly device: NetworkInterface;
  readonly network: string;
  readonly bits: number;
  readonly gateway: string | undefined;
}

export interface StackOptions {
  readonly mode: NetworkMode;
  /** There is an eth0. */
  readonly attached: boolean;
  readonly ipv6: boolean;
  /** Monotonic nanoseconds. */
  readonly now: () => number;
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly inodeLike: (inode: Inode) => Inode;
  /** Who has a capability for this network. */
  readonly capable: (context: Pick<OpenContext, "credentials">, capability: number) => boolean;
  /** The loopback interface can be turned on and off. */
  readonly changes: boolean;
}

export class InetStack {
  readonly mode: NetworkMode;
  readonly attached: boolean;
  readonly ipv6: boolean;
  readonly interfaces: readonly NetworkInterface[];
  readonly tcp: PortTable<TcpSocket>;
  readonly udp: PortTable<UdpSocket>;
  readonly raw: Set<RawSocket> = new Set();
  /** Callback after so many milliseconds; the result cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** The inode of a connection, which belongs to whom the listener belongs to. */
  readonly inodeLike: (inode: Inode) => Inode;
  /** Absent where nothing is outside. */
  outside: Outside | undefined;
  readonly #loopback: NetworkInterface;
  readonly #changes: boolean;
  readonly capable: StackOptions["capable"];

  constructor(options: StackOptions) {
    this.mode = options.mode;
    this.attached = options.attached;
    this.ipv6 = options.attached && options.ipv6;
    this.after = options.after;
    this.inodeLike = options.inodeLike;
    this.tcp = new PortTable(options.now, false);
    this.udp = new PortTable(options.now, true);
    const up = this.mode !== "none";
    const statistics = () => ({ received: 0, receivedPackets: 0, sent: 0, sentPackets: 0 });
    const interfaces: NetworkInterface[] = [
      {
        name: "lo",
        index: 1,
        loopback: true,
        up,
        fresh: !up,
        mtu: 65_536,
        mac: [0, 0, 0, 0, 0, 0],
        addresses: up ? LOOPBACK_ADDRESSES : [],
        statistics: statistics(),
      },
    ];
    if (this.attached) {
      interfaces.push({
        name: "eth0",
        index: 2,
        loopback: false,
        up: true,
        fresh: false,
        mtu: 1500,
        mac: MAC,
        addresses: [{ ip: OWN4, bits: 24 }, ...(this.ipv6 ? [{ ip: OWN6, bits: 64 }] : [])],
        statistics: statistics(),
      });
    }
    this.interfaces = interfaces;
    this.#loopback = interfaces[0] as NetworkInterface;
    this.#changes = options.changes;
    this.capable = options.capable;
  }

  /** The loopback interface alone can be turned on and off, and its addresses come and go with it. */
  setUp(which: NetworkInterface, up: boolean, context: OpenContext): number {
    if (which !== this.#loopback || !this.#changes || !this.capable(context, CAP_NET_ADMIN)) return -EPERM;
    which.up = up;
    which.fresh &&= !up;
    // Of addresses those of IPv6 come and go with the interface; the other one stays once it is there.
    which.addresses = up ? LOOPBACK_ADDRESSES : which.addresses.slice(0, 1);
    return 0;
  }

  /** What /proc/net/route and RTM_GETROUTE show. */
  routes(): RouteEntry[] {
    const [, device] = this.interfaces;
    if (device === undefined) return [];
    const found: RouteEntry[] = [];
    const far = this.mode === "host";
    if (far) found.push({ device, network: ANY4, bits: 0, gateway: GATEWAY4 });
    found.push({ device, network: formatIp(NET4.bytes), bits: NET4.bits, gateway: undefined });
    if (!this.ipv6) return found;
    found.push({ device, network: formatIp(NET6.bytes), bits: NET6.bits, gateway: undefined });
    if (far) found.push({ device, network: ANY6, bits: 0, gateway: GATEWAY6 });
    return found;
  }

  /** Bytes that went over the loopback: /proc/net/dev. */
  countLocal(bytes: number): void {
    const { statistics } = this.interfaces[0] as NetworkInterface;
    statistics.received += bytes;
    statistics.sent += bytes;
    statistics.receivedPackets++;
    statistics.sentPackets++;
  }

  /** Bytes that went out by eth0, or came in. */
  countOutside(sent: number, received: number): void {
    const statistics = this.interfaces[1]?.statistics;
    if (statistics === undefined) return;
    statistics.sent += sent;
    statistics.received += received;
    if (sent > 0) statistics.sentPackets++;
    if (received > 0) statistics.receivedPackets++;
  }

  /** An address of this machine, wherever its sockets listen. */
  isLocal(ip: string): boolean {
    if (isLoopback(ip)) return this.#loopback.up;
    return this.attached && (ip === OWN4 || (this.ipv6 && ip === OWN6));
  }

  /** May bind(2) name it? 127.0.0.0/8 is local whether or not the interface is up. */
  bindable(ip: string): boolean {
    return ip.startsWith("127.") || this.isLocal(ip) || isMulticast(ip) || this.isBroadcast(ip);
  }

  isBroadcast(ip: string): boolean {
    return ip === "255.255.255.255" || (this.attached && ip === BROADCAST4);
  }

  /**
   * The way to an address.
   * @param bound what the sender is bound to, or a wildcard
   */
  route(ip: string, bound: string): Route {
    if (this.isLocal(ip)) {
      if (!isWildcard(bound)) return { outside: false, source: bound };
      return { outside: false, source: ip.startsWith("127.") ? LOOPBACK4 : ip };
    }
    if (ip === LOOPBACK6) throw errno(EADDRNOTAVAIL);
    const near = this.attached && (inPrefix(ip, NET4) || (this.ipv6 && inPrefix(ip, NET6)));
    const far = this.mode === "host" && (!isV6(ip) || this.ipv6);
    if ((!near && !far) || this.outside === undefined) throw errno(ENETUNREACH);
    if (isWildcard(bound)) return { outside: true, source: isV6(ip) ? OWN6 : OWN4 };
    if (isLoopback(bound)) throw errno(EINVAL);
    return { outside: true, source: bound };
  }

  /**
   * Who listens there: the one bound to that very address before those at a wildcard, and of several that share the port by
   * SO_REUSEPORT one that depends on who asks.
   */
  findListener(to: Endpoint, from: Endpoint): TcpSocket | undefined {
    const found: TcpSocket[] = [];
    let best = 0;
    for (const socket of this.tcp.usersOf(to.port)) {
      if (!socket.listening) continue;
      const score = scoreOf(socket, to.ip);
      if (score === 0 || score < best) continue;
      if (score > best) found.length = 0;
      best = score;
      found.push(socket);
    }
    return choose(found, from);
  }

  /** Who gets a datagram: a socket that is connected to its sender before others. */
  findUdp(to: Endpoint, from: Endpoint): UdpSocket | undefined {
    const found: UdpSocket[] = [];
    let best = 0;
    for (const socket of this.udp.usersOf(to.port)) {
      let score = scoreOf(socket, to.ip);
      if (score === 0) continue;
      const { remote } = socket;
      if (remote !== undefined) {
        if (remote.port !== from.port || remote.ip !== from.ip) continue;
        score += 8;
      }
      if (score < best) continue;
      if (score > best) found.length = 0;
      best = score;
      found.push(socket);
    }
    return found.length > 1 && !found.every(({ reusePort }) => reusePort)
      ? found[found.length - 1]
      : choose(found, from);
  }
}

/** compute_score() */
function scoreOf(user: PortUser, ip: string): number {
  if (!covers(user.localIp, user, ip)) return 0;
  const sameFamily = isV6(user.localIp) === isV6(ip);
  return 1 + (sameFamily ? 1 : 0) + (isWildcard(user.localIp) ? 0 : 2);
}

function choose<T>(found: readonly T[], from: Endpoint): T | undefined {
  if (found.length < 2) return found[0];
  // Knuth's multiplicative hash of the port, which is what differs.
  const hash = Math.imul(from.port + from.ip.length * 65_537, 0x9e37_79b1) >>> 0;
  return found[Math.floor((hash / 2 ** 32) * found.length)];
}
