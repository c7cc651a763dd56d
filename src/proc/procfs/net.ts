/** /proc/[pid]/net: the network as netstat(8), ifconfig(8) and route(8) read it (proc(5)). */
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN, TCP_TIME_WAIT } from "../../abi/inet.ts";
import { AF_INET, AF_INET6 } from "../../abi/socket.ts";
import { ANY4, ANY6, bytes6, type Endpoint, isV6, parseIp } from "../../net/address.ts";
import type { InetSocket } from "../../net/inet.ts";
import { maskOf } from "../../net/interfaces.ts";
import type { Network } from "../../net/network.ts";
import { UdpSocket } from "../../net/udp.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { fixedDirectory, SyntheticFile, type SyntheticFs } from "../../vfs/types/synthetic.ts";
import type { Inode } from "../../vfs/types.ts";

/** The words of an address in this machine's byte order, in hexadecimal, as if they were numbers. */
function words(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) for (let i = 3; i >= 0; i--) text += hex(bytes[at + i] as number, 2);
  return text;
}

function hex(value: number, width: number): string {
  return value.toString(16).toUpperCase().padStart(width, "0");
}

function endpoint(family: number, { ip, port }: Endpoint): string {
  const bytes = family === AF_INET ? (parseIp(ip) as Uint8Array) : ip === ANY6 ? new Uint8Array(16) : bytes6(ip);
  return `${words(bytes)}:${hex(port, 4)}`;
}

const NOWHERE4: Endpoint = { ip: ANY4, port: 0 };
const NOWHERE6: Endpoint = { ip: ANY6, port: 0 };

interface Row {
  readonly family: number;
  readonly local: Endpoint;
  readonly remote: Endpoint | undefined;
  readonly state: number;
  readonly sending: number;
  readonly receiving: number;
  readonly uid: number;
  readonly inode: number;
}

function rowOf(socket: InetSocket, state: number, receiving: number): Row {
  return {
    family: socket.family,
    local: { ip: socket.localIp, port: socket.localPort },
    remote: socket.remote,
    state,
    sending: socket.unreadBytes,
    receiving,
    uid: socket.uid,
    inode: socket.inode.ino,
  };
}

function table(
  heading: string,
  rows: readonly Row[],
  family: number,
  slot: number,
  rest: (row: Row) => string,
): string {
  const lines = rows
    .filter((row) => row.family === family)
    .map((row, i) => {
      const remote = row.remote ?? (family === AF_INET ? NOWHERE4 : NOWHERE6);
      const queues = `${hex(row.sending, 8)}:${hex(row.receiving, 8)}`;
      const text =
        `${String(i).padStart(slot)}: ${endpoint(family, row.local)} ${endpoint(family, remote)} ${hex(row.state, 2)} ` +
        `${queues} 00:00000000 00000000 ${String(row.uid).padStart(5)}        0 ${row.inode} ${rest(row)}`;
      return `${family === AF_INET ? text.padEnd(slot === 4 ? 149 : 127) : text}\n`;
    });
  return heading + lines.join("");
}

const HEAD4 = "local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const HEAD6 =
  "local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

function tcpText({ stack }: Network, family: number): string {
  const rows: Row[] = [];
  const sockets = [...stack.tcp.all()].filter(({ state }) => state !== TCP_CLOSE);
  // Listeners come first.
  sockets.sort((a, b) => Number(b.listening) - Number(a.listening));
  for (const socket of sockets) {
    rows.push(rowOf(socket, socket.state, socket.listening ? socket.accepting : socket.readableBytes));
  }
  for (const { family: kind, localIp, localPort, remote } of stack.tcp.leftovers()) {
    rows.push({
      family: kind,
      local: { ip: localIp, port: localPort },
      remote,
      state: TCP_TIME_WAIT,
      sending: 0,
      receiving: 0,
      uid: 0,
      inode: 0,
    });
  }
  const heading = family === AF_INET ? `${`  sl  ${HEAD4}`.padEnd(149)}\n` : `  sl  ${HEAD6}\n`;
  return table(heading, rows, family, 4, ({ state }) =>
    state === TCP_LISTEN
      ? "1 0000000000000000 100 0 0 10 0"
      : state === TCP_TIME_WAIT
        ? "3 0000000000000000"
        : "1 0000000000000000 20 4 30 10 -1",
  );
}

function datagramText(sockets: Iterable<InetSocket>, family: number, heading: string): string {
  const rows = [...sockets].map((socket) =>
    rowOf(
      socket,
      socket.remote === undefined ? TCP_CLOSE : TCP_ESTABLISHED,
      socket instanceof UdpSocket ? socket.queuedBytes : socket.readableBytes,
    ),
  );
  return table(heading, rows, family, 5, () => "2 0000000000000000 0");
}

const UDP4 = `${`   sl  ${HEAD4} ref pointer drops`.padEnd(127)}\n`;
const UDP6 = `  sl  ${HEAD6} ref pointer drops\n`;
const RAW4 = `  sl  ${HEAD4} ref pointer drops\n`;

function unixText(network: Network): string {
  let text = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  for (const socket of network.unixSockets) {
    const flags = socket.listening ? "00010000" : "00000000";
    const state = socket.connected ? "03" : "01";
    const references = hex(socket.connected ? 3 : 2, 8);
    const name = socket.localName().subarray(2);
    // An abstract name begins with a NUL, which is shown as @.
    const path =
      name.length === 0
        ? ""
        : name[0] === 0
          ? `@${decodeBytes(name.subarray(1)).replaceAll("\0", "@")}`
          : decodeBytes(name).replace(/\0.*$/s, "");
    text += `0000000000000000: ${references} 00000000 ${flags} ${hex(socket.type, 4)} ${state} ${String(socket.inode.ino).padStart(5)}`;
    text += `${path === "" ? "" : ` ${path}`}\n`;
  }
  return text;
}

function devText({ stack }: Network): string {
  let text =
    "Inter-|   Receive                                                |  Transmit\n" +
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";
  for (const { name, statistics: s } of stack.interfaces) {
    const count = (bytes: number, packets: number): string =>
      `${String(bytes).padStart(8)} ${String(packets).padStart(7)}`;
    text += `${name.padStart(6)}: ${count(s.received, s.receivedPackets)}    0    0    0     0          0         0 `;
    text += `${count(s.sent, s.sentPackets)}    0    0    0     0       0          0\n`;
  }
  return text;
}

function routeText({ stack }: Network): string {
  const line = (text: string): string => `${text.padEnd(127)}\n`;
  let text = line("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
  for (const { device, network, gateway, bits } of stack.routes()) {
    if (isV6(network)) continue;
    const flags = gateway === undefined ? 1 : 3;
    const fields = [
      device.name,
      words(parseIp(network) as Uint8Array),
      words(parseIp(gateway ?? ANY4) as Uint8Array),
      hex(flags, 4),
      0,
      0,
      0,
      words(maskOf(bits, 4)),
      0,
      0,
      0,
    ];
    text += line(fields.join("\t"));
  }
  return text;
}

function plainHex(ip: string): string {
  return Array.from(bytes6(ip), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function addresses6Text({ stack }: Network): string {
  let text = "";
  for (const { name, index, loopback, addresses } of stack.interfaces) {
    for (const { ip, bits } of addresses) {
      if (!isV6(ip)) continue;
      const numbers = [index, bits, loopback ? 0x10 : 0, 0x80].map((n) => n.toString(16).padStart(2, "0"));
      text += `${plainHex(ip)} ${numbers.join(" ")} ${name.padStart(8)}\n`;
    }
  }
  return text;
}

function routes6Text({ stack }: Network): string {
  let text = "";
  for (const { device, network, gateway, bits } of stack.routes()) {
    if (!isV6(network)) continue;
    const flags = gateway === undefined ? 1 : 3;
    text += `${plainHex(network)} ${bits.toString(16).padStart(2, "0")} ${"0".repeat(32)} 00 `;
    text += `${gateway === undefined ? "0".repeat(32) : plainHex(gateway)} 00000100 00000001 00000000 `;
    text += `${flags.toString(16).padStart(8, "0")} ${device.name.padStart(8)}\n`;
  }
  return text;
}

function sockstatText(network: Network, family: number): string {
  const { stack } = network;
  const tcp = [...stack.tcp.all()].filter((socket) => socket.family === family);
  const udp = [...stack.udp.all()].filter((socket) => socket.family === family);
  const raw = [...stack.raw].filter((socket) => socket.family === family);
  if (family === AF_INET6) {
    return `TCP6: inuse ${tcp.length}\nUDP6: inuse ${udp.length}\nUDPLITE6: inuse 0\nRAW6: inuse ${raw.length}\nFRAG6: inuse 0 memory 0\n`;
  }
  const leftovers = stack.tcp.leftovers().length;
  const used = tcp.length + udp.length + raw.length + network.unixSockets.size;
  return (
    `sockets: used ${used}\nTCP: inuse ${tcp.length} orphan 0 tw ${leftovers} alloc ${tcp.length} mem 0\n` +
    `UDP: inuse ${udp.length} mem 0\nUDPLITE: inuse 0\nRAW: inuse ${raw.length}\nFRAG: inuse 0 memory 0\n`
  );
}

const CONTENTS: Readonly<Record<string, (network: Network) => string>> = {
  arp: () => "IP address       HW type     Flags       HW address            Mask     Device\n",
  dev: devText,
  if_inet6: addresses6Text,
  igmp: () => "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n",
  ipv6_route: routes6Text,
  packet: () => "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n",
  raw: ({ stack }) => datagramText(stack.raw, AF_INET, RAW4),
  raw6: ({ stack }) => datagramText(stack.raw, AF_INET6, UDP6),
  route: routeText,
  sockstat: (network) => sockstatText(network, AF_INET),
  sockstat6: (network) => sockstatText(network, AF_INET6),
  tcp: (network) => tcpText(network, AF_INET),
  tcp6: (network) => tcpText(network, AF_INET6),
  udp: ({ stack }) => datagramText(stack.udp.all(), AF_INET, UDP4),
  udp6: ({ stack }) => datagramText(stack.udp.all(), AF_INET6, UDP6),
  udplite: () => UDP4,
  udplite6: () => UDP6,
  unix: unixText,
};

export function netDirectory(network: Network, fs: SyntheticFs, ino: number): Inode {
  const children = Object.entries(CONTENTS).map(([name, content]) => {
    const make = (n: number): Inode => new SyntheticFile(fs, { ino: n, content: () => content(network) });
    return [name, make] as const;
  });
  return fixedDirectory(fs, { ino, mode: 0o555 }, Object.fromEntries(children));
}
