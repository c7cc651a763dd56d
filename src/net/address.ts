/**
 * Internet addresses. Inside of tsrcore an address is its canonical text ("127.0.0.1", "fe80::1"), which is a key of maps
 * and what hosts speak; IPv4 addresses in IPv6 clothing (::ffff:a.b.c.d) are IPv4 addresses, and get the clothing back where
 * a socket of AF_INET6 shows them. RFC 4291, RFC 5952 (canonical text of IPv6).
 */
import { AF_INET, AF_INET6 } from "../abi/socket.ts";

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export const ANY4 = "0.0.0.0";
export const ANY6 = "::";
export const LOOPBACK4 = "127.0.0.1";
export const LOOPBACK6 = "::1";

export function isV6(ip: string): boolean {
  return ip.includes(":");
}

export function isWildcard(ip: string): boolean {
  return ip === ANY4 || ip === ANY6;
}

export function isLoopback(ip: string): boolean {
  return ip === LOOPBACK6 || ip.startsWith("127.");
}

export function isMulticast(ip: string): boolean {
  if (isV6(ip)) return ip.startsWith("ff") && ip.indexOf(":") === 4;
  const first = Number.parseInt(ip, 10);
  return first >= 224 && first < 240;
}

/** The text for 4 or 16 bytes in network order. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (isMapped(bytes)) return formatIp(bytes.subarray(12));
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  // The longest run of two or more zeros, the first of several, is "::".
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && words[i + n] === 0) n++;
    if (n > length) {
      start = i;
      length = n;
    }
  }
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(":");
  if (start < 0) return hex(words);
  return `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** The bytes of an address in any of its usual forms; undefined for what is none. A zone ("%eth0") is dropped. */
export function parseIp(text: string): Uint8Array | undefined {
  const zone = text.indexOf("%");
  const plain = zone < 0 ? text : text.slice(0, zone);
  return plain.includes(":") ? parseV6(plain) : parseV4(plain);
}

function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return Uint8Array.from(parts, Number);
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const bytesOf = (half: string): number[] | undefined => {
    if (half === "") return [];
    const bytes: number[] = [];
    const parts = half.split(":");
    for (const [i, part] of parts.entries()) {
      if (part.includes(".") && i === parts.length - 1) {
        const v4 = parseV4(part);
        if (v4 === undefined) return undefined;
        bytes.push(...v4);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        const word = Number.parseInt(part, 16);
        bytes.push(word >> 8, word & 0xff);
      }
    }
    return bytes;
  };
  const head = bytesOf(halves[0] ?? "");
  const tail = halves.length === 2 ? bytesOf(halves[1] ?? "") : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** The canonical text of an address; undefined for what is none. */
export function canonicalIp(text: string): string | undefined {
  const bytes = parseIp(text);
  return bytes === undefined ? undefined : formatIp(bytes);
}

/** The 16 bytes of an address as AF_INET6 has it. */
export function bytes6(ip: string): Uint8Array {
  const bytes = parseIp(ip) as Uint8Array;
  if (bytes.length === 16) return bytes;
  const mapped = new Uint8Array(16);
  mapped[10] = mapped[11] = 0xff;
  mapped.set(bytes, 12);
  return mapped;
}

/** struct sockaddr_in or sockaddr_in6. */
export function sockaddrOf(family: number, { ip, port }: Endpoint): Uint8Array {
  if (family === AF_INET) {
    const bytes = new Uint8Array(16);
    bytes[0] = AF_INET;
    bytes[2] = port >> 8;
    bytes[3] = port & 0xff;
    bytes.set(parseIp(ip) as Uint8Array, 4);
    return bytes;
  }
  const bytes = new Uint8Array(28);
  bytes[0] = AF_INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(bytes6(ip), 8);
  return bytes;
}

export function familyOf(address: Uint8Array): number {
  return (address[0] as number) | ((address[1] as number) << 8);
}

/** What a struct sockaddr_in, or in6, of sufficient length says. */
export function endpointOf(address: Uint8Array): Endpoint {
  const port = ((address[2] as number) << 8) | (address[3] as number);
  const ip = familyOf(address) === AF_INET ? address.subarray(4, 8) : address.subarray(8, 24);
  return { ip: formatIp(ip), port };
}

/** A range of addresses: those that share the first `bits` bits. */
export interface Prefix {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

export function inPrefix(ip: string, prefix: Prefix): boolean {
  const bytes = parseIp(ip);
  if (bytes === undefined || bytes.length !== prefix.bytes.length) return false;
  const whole = prefix.bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== prefix.bytes[i]) return false;
  const rest = prefix.bits & 7;
  if (rest === 0) return true;
  const mask = 0xff << (8 - rest);
  return (((bytes[whole] as number) ^ (prefix.bytes[whole] as number)) & mask & 0xff) === 0;
}

/** Is it an address? */
export function isIp(text: string): boolean {
  return parseIp(text) !== undefined;
}
