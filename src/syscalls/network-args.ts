/** The arguments of the socket calls, as strace shows them. */
import { errnoName } from "../abi/errno.ts";
import * as I from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import { formatIp, isV6 } from "../net/address.ts";
import { quote } from "../util/quote.ts";
import { choice, flags, int, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { succeeded } from "./struct-args.ts";

const FAMILIES: Readonly<Record<number, string>> = {
  [S.AF_UNSPEC]: "AF_UNSPEC",
  [S.AF_UNIX]: "AF_UNIX",
  [S.AF_INET]: "AF_INET",
  [S.AF_INET6]: "AF_INET6",
  [S.AF_NETLINK]: "AF_NETLINK",
  [S.AF_PACKET]: "AF_PACKET",
};
export const socketPair: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    const bytes = succeeded(c) ? c.peek(v, 8) : undefined;
    if (bytes === undefined || bytes.length < 8) return printPointer(v);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    return `[${c.fd(view.getInt32(0, true))}, ${c.fd(view.getInt32(4, true))}]`;
  },
};

function printUnix(bytes: Uint8Array, c: PrintContext): string {
  const path = bytes.subarray(S.SUN_PATH);
  if (path.length === 0) return "{sa_family=AF_UNIX}";
  if (path[0] === 0) return `{sa_family=AF_UNIX, sun_path=@${quote(path.slice(1), c.hex)}}`;
  const end = path.indexOf(0);
  return `{sa_family=AF_UNIX, sun_path=${quote(path.slice(0, end < 0 ? path.length : end), c.hex)}}`;
}

function printInet(bytes: Uint8Array, family: number): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (family === S.AF_INET && bytes.length >= 16) {
    const port = view.getUint16(2);
    return `{sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("${formatIp(bytes.subarray(4, 8))}")}`;
  }
  if (family === S.AF_INET6 && bytes.length >= 28) {
    const ip = formatIp(bytes.subarray(8, 24));
    // An IPv4 address in IPv6's clothing is shown with it.
    const shown = isV6(ip) ? ip : `::ffff:${ip}`;
    return (
      `{sa_family=AF_INET6, sin6_port=htons(${view.getUint16(2)}), sin6_flowinfo=htonl(${view.getUint32(4)}), ` +
      `inet_pton(AF_INET6, "${shown}", &sin6_addr), sin6_scope_id=${view.getUint32(24, true)}}`
    );
  }
  if (family === S.AF_NETLINK && bytes.length >= 12) {
    const groups = view.getUint32(8, true).toString(16).padStart(8, "0");
    return `{sa_family=AF_NETLINK, nl_pid=${view.getInt32(4, true)}, nl_groups=${groups}}`;
  }
  return undefined;
}

function printAddress(address: number, length: number, c: PrintContext): string {
  if (address === 0 || length < 2 || length > S.SOCKADDR_MAX) return printPointer(address);
  const bytes = c.peek(address, length);
  if (bytes === undefined || bytes.length < length) return printPointer(address);
  const family = (bytes[0] as number) | ((bytes[1] as number) << 8);
  if (family === S.AF_UNIX) return printUnix(bytes, c);
  const inet = printInet(bytes, family);
  if (inet !== undefined) return inet;
  const rest = bytes.subarray(2);
  return `{sa_family=${FAMILIES[family] ?? `0x${family.toString(16)} /* AF_??? */`}, sa_data=${quote(rest, c.hex)}}`;
}

/** struct sockaddr, whose length is the next argument. */
export const socketAddress: Arg = {
  kind: "u64",
  print: (v, c) => printAddress(v, c.args[c.args.indexOf(v) + 1] ?? 0, c),
};

/** The number behind a pointer. */
function numberAt(address: number, c: PrintContext): number | undefined {
  const bytes = address !== 0 ? c.peek(address, 4) : undefined;
  if (bytes === undefined || bytes.length < 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
}

/** struct sockaddr that the call fills in: `at` is where among the arguments it is, and its length is the next. */
export function filledAddress(at: number): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) => {
      const room = c.entered[at + 1];
      const length = succeeded(c) ? numberAt(c.args[at + 1] ?? 0, c) : undefined;
      // Of an address that is longer than there was room for the beginning has been stored.
      return length === undefined || room === undefined ? printPointer(v) : printAddress(v, Math.min(room, length), c);
    },
  };
}

/** socklen_t, the room that there is, which the call replaces by the length that there was; argument `at`. */
export function filledSize(at: number): Arg {
  return {
    kind: "u64",
    out: true,
    atEntry: numberAt,
    print: (v, c) => {
      const room = c.entered[at];
      const length = succeeded(c) ? numberAt(v, c) : room;
      // Of an address that nobody wants the length is not looked at.
      if (room === undefined || length === undefined || c.args[at - 1] === 0) return printPointer(v);
      return room === length ? `[${room}]` : `[${room} => ${length}]`;
    },
  };
}

export const messageFlags: Arg = flags([
  [S.MSG_OOB, "MSG_OOB"],
  [S.MSG_PEEK, "MSG_PEEK"],
  [4, "MSG_DONTROUTE"],
  [S.MSG_CTRUNC, "MSG_CTRUNC"],
  [S.MSG_TRUNC, "MSG_TRUNC"],
  [S.MSG_DONTWAIT, "MSG_DONTWAIT"],
  [S.MSG_EOR, "MSG_EOR"],
  [S.MSG_WAITALL, "MSG_WAITALL"],
  [S.MSG_NOSIGNAL, "MSG_NOSIGNAL"],
  [0x8000, "MSG_MORE"],
  [S.MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"],
]);

export const shutdownHow: Arg = {
  ...choice({ [S.SHUT_RD]: "SHUT_RD", [S.SHUT_WR]: "SHUT_WR", [S.SHUT_RDWR]: "SHUT_RDWR" }, "SHUT_???"),
  kind: "i32",
};

export const optionLevel: Arg = {
  ...choice({ 0: "SOL_IP", [S.SOL_SOCKET]: "SOL_SOCKET", 6: "SOL_TCP", 17: "SOL_UDP", 41: "SOL_IPV6" }, "SOL_???"),
  kind: "i32",
};

/** Names by value, of the constants that begin with `prefix`. */
function namesOf(constants: Readonly<Record<string, unknown>>, prefix: string): Readonly<Record<number, string>> {
  const named = Object.entries(constants).filter(
    ([name, value]) => name.startsWith(prefix) && typeof value === "number",
  );
  return Object.fromEntries(named.map(([name, value]) => [value as number, name]));
}

const OPTIONS: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  [S.SOL_SOCKET]: namesOf(S, "SO_"),
  [I.IPPROTO_IP]: namesOf(I, "IP_"),
  [I.IPPROTO_TCP]: namesOf(I.TCP_OPTIONS, "TCP_"),
  [I.IPPROTO_UDP]: namesOf(I, "UDP_"),
  [I.IPPROTO_IPV6]: namesOf(I, "IPV6_"),
};

export const optionName: Arg = {
  kind: "i32",
  print: (v, c) => OPTIONS[c.args[1] ?? -1]?.[v] ?? int.print(v, c),
};

/** A value that is given: one of four bytes is a number. */
export const optionValue: Arg = {
  kind: "u64",
  print: (v, c) => {
    const bytes = c.args[4] === 4 ? c.peek(v, 4) : undefined;
    if (bytes === undefined || bytes.length < 4) return printPointer(v);
    return `[${new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true)}]`;
  },
};

/** A value that the call gives: one of four bytes is a number. */
export const filledValue: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => {
    const length = succeeded(c) ? numberAt(c.args[4] ?? 0, c) : undefined;
    const number = length === 4 || length === 8 ? numberAt(v, c) : undefined;
    if (number === undefined) return printPointer(v);
    const ofSocket = c.args[1] === S.SOL_SOCKET;
    if (length === 8) {
      const seconds = ofSocket && c.args[2] === S.SO_LINGER ? numberAt(v + 4, c) : undefined;
      return seconds === undefined ? printPointer(v) : `{l_onoff=${number}, l_linger=${seconds}}`;
    }
    return `[${ofSocket && c.args[2] === S.SO_ERROR && number !== 0 ? errnoName(number) : number}]`;
  },
};

export const acceptFlags: Arg = flags(
  [
    [S.SOCK_CLOEXEC, "SOCK_CLOEXEC"],
    [S.SOCK_NONBLOCK, "SOCK_NONBLOCK"],
  ],
  "0",
  "SOCK_???",
);
