/** The network interfaces that a guest sees: ioctls of netdevice(7). netlink.ts shows the same to those who ask there. */
import { EADDRNOTAVAIL, EFAULT, ENODEV, ENOTTY, EOPNOTSUPP, EPERM } from "../abi/errno.ts";
import type { GuestAccess, OpenContext } from "../vfs/types.ts";
import { isV6, parseIp } from "./address.ts";

export interface InterfaceAddress {
  readonly ip: string;
  /** Length of the network's prefix. */
  readonly bits: number;
}

export interface NetworkInterface {
  readonly name: string;
  readonly index: number;
  readonly loopback: boolean;
  up: boolean;
  /** It has never been up. */
  fresh: boolean;
  readonly mtu: number;
  readonly mac: readonly number[];
  addresses: readonly InterfaceAddress[];
  readonly statistics: InterfaceStatistics;
}

/** What /proc/net/dev counts. */
export interface InterfaceStatistics {
  received: number;
  receivedPackets: number;
  sent: number;
  sentPackets: number;
}

export const IFF_UP = 1;
export const IFF_BROADCAST = 2;
export const IFF_LOOPBACK = 8;
export const IFF_RUNNING = 0x40;
export const IFF_MULTICAST = 0x1000;
export const IFF_LOWER_UP = 0x10000;
export const ARPHRD_ETHER = 1;
export const ARPHRD_LOOPBACK = 772;

export function flagsOf({ loopback, up }: NetworkInterface): number {
  return (loopback ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST) | (up ? IFF_UP | IFF_RUNNING : 0);
}

/** Bytes of the network mask. */
export function maskOf(bits: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (0xff00 >> Math.max(0, Math.min(8, bits - 8 * i))) & 0xff);
}

export function broadcastOf({ ip, bits }: InterfaceAddress): Uint8Array {
  const bytes = parseIp(ip) as Uint8Array;
  const mask = maskOf(bits, bytes.length);
  return bytes.map((byte, i) => byte | (~(mask[i] as number) & 0xff));
}

const SIOCGIFNAME = 0x8910;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFADDR = 0x8915;
const SIOCGIFDSTADDR = 0x8917;
const SIOCGIFBRDADDR = 0x8919;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMETRIC = 0x891d;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCGIFTXQLEN = 0x8942;
const SIOCGIFMAP = 0x8970;
const SIOCETHTOOL = 0x8946;
/** Those that change something. */
const SETTERS: readonly number[] = [0x8916, 0x8918, 0x891a, 0x891c, 0x8922, 0x8924, 0x8923, 0x8943, 0x890b, 0x890c];

const IFNAMSIZ = 16;
/** sizeof(struct ifreq) */
const IFREQ = 40;

/** What can be changed of interfaces, and by whom. */
export interface InterfaceSwitch {
  readonly interfaces: readonly NetworkInterface[];
  /** Turns an interface on or off; a negative errno if that cannot be. */
  setUp(which: NetworkInterface, up: boolean, context: OpenContext): number;
}

/** An ioctl of the 0x89 group; a negative errno if it fails. */
export function interfaceIoctl(
  stack: InterfaceSwitch,
  request: number,
  argument: number,
  guest: GuestAccess,
  context: OpenContext,
): number {
  const { interfaces } = stack;
  if (request === SIOCGIFCONF) return listAddresses(interfaces, argument, guest);
  if (SETTERS.includes(request)) return -EPERM;
  if (argument === 0) return -EFAULT;
  const bytes = guest.readable(argument, IFREQ).slice();
  const view = new DataView(bytes.buffer);
  if (request === SIOCGIFNAME) {
    const found = interfaces.find(({ index }) => index === view.getInt32(IFNAMSIZ, true));
    if (found === undefined) return -ENODEV;
    putName(bytes, 0, found.name);
    guest.writable(argument, IFREQ).set(bytes);
    return 0;
  }
  const name = String.fromCharCode(...bytes.subarray(0, IFNAMSIZ)).replace(/\0.*$/s, "");
  // "lo:1" is a further address of lo.
  const found = interfaces.find((i) => i.name === name.replace(/:.*$/, ""));
  if (found === undefined) return request >= SIOCGIFFLAGS && request <= SIOCGIFMAP ? -ENODEV : -ENOTTY;
  if (request === SIOCSIFFLAGS) return stack.setUp(found, (view.getUint16(IFNAMSIZ, true) & IFF_UP) !== 0, context);
  const result = ask(found, request, bytes, view);
  if (result === 0) guest.writable(argument, IFREQ).set(bytes);
  return result;
}

function putName(bytes: Uint8Array, at: number, name: string): void {
  for (let i = 0; i < IFNAMSIZ; i++) bytes[at + i] = i < name.length ? name.charCodeAt(i) : 0;
}

/** struct ifconf: all IPv4 addresses. */
function listAddresses(interfaces: readonly NetworkInterface[], argument: number, guest: GuestAccess): number {
  const all = interfaces.flatMap((i) =>
    i.addresses.filter(({ ip }) => !isV6(ip)).map(({ ip }) => ({ name: i.name, ip })),
  );
  const buffer = guest.readU32(argument + 8) + guest.readU32(argument + 12) * 2 ** 32;
  const room = guest.readU32(argument) | 0;
  if (buffer === 0) {
    guest.writeU32(argument, all.length * IFREQ);
    return 0;
  }
  const count = Math.max(0, Math.min(all.length, Math.floor(room / IFREQ)));
  const bytes = new Uint8Array(count * IFREQ);
  for (const [i, { name, ip }] of all.slice(0, count).entries()) {
    putName(bytes, i * IFREQ, name);
    putAddress(bytes, i * IFREQ + IFNAMSIZ, parseIp(ip) as Uint8Array);
  }
  if (count > 0) guest.writable(buffer, bytes.length).set(bytes);
  guest.writeU32(argument, bytes.length);
  return 0;
}

/** struct sockaddr_in */
function putAddress(bytes: Uint8Array, at: number, ip: Uint8Array): void {
  bytes.fill(0, at, at + 16);
  bytes[at] = 2;
  bytes.set(ip, at + 4);
}

function ask(found: NetworkInterface, request: number, bytes: Uint8Array, view: DataView): number {
  const at = IFNAMSIZ;
  const address = found.addresses.find(({ ip }) => !isV6(ip));
  switch (request) {
    case SIOCGIFFLAGS:
      view.setUint16(at, flagsOf(found), true);
      return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK: {
      if (address === undefined) return -EADDRNOTAVAIL;
      let ip = parseIp(address.ip) as Uint8Array;
      if (request === SIOCGIFBRDADDR) ip = found.loopback ? new Uint8Array(4) : broadcastOf(address);
      if (request === SIOCGIFNETMASK) ip = maskOf(address.bits, 4);
      putAddress(bytes, at, ip);
      return 0;
    }
    case SIOCGIFMETRIC:
      view.setInt32(at, 0, true);
      return 0;
    case SIOCGIFMTU:
      view.setInt32(at, found.mtu, true);
      return 0;
    case SIOCGIFHWADDR:
      bytes.fill(0, at, at + 16);
      view.setUint16(at, found.loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER, true);
      bytes.set(found.mac, at + 2);
      return 0;
    case SIOCGIFINDEX:
      view.setInt32(at, found.index, true);
      return 0;
    case SIOCGIFTXQLEN:
      view.setInt32(at, 1000, true);
      return 0;
    case SIOCGIFMAP:
      bytes.fill(0, at, IFREQ);
      return 0;
    case SIOCETHTOOL:
      return -EOPNOTSUPP;
    default:
      return -ENOTTY;
  }
}
