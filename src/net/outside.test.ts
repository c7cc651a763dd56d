import { beforeEach, describe, expect, it } from "vitest";
import { EACCES, EAGAIN, ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, Errno } from "../abi/errno.ts";
import { O_NONBLOCK } from "../abi/fcntl.ts";
import { AF_INET, SO_ERROR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from "../abi/socket.ts";
import { MemoryHost } from "../host/memory/index.ts";
import { MemoryNetwork } from "../host/memory/network.ts";
import type { OpenContext } from "../vfs/types.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from "../vfs/types.ts";
import type { View } from "../vfs/walk.ts";
import { sockaddrOf } from "./address.ts";
import { Network, type NetworkOptions } from "./network.ts";
import { parseRule } from "./policy.ts";
import type { Socket } from "./socket.ts";

const ROOT = { fsuid: 0, fsgid: 0, groups: [], capable: () => true, capableOver: () => true };
const view = { credentials: ROOT } as unknown as View;
const context: OpenContext = { credentials: ROOT };
const NOBODY = { pid: 1, uid: 0, gid: 0 };

let outside: MemoryNetwork;

function machine(options: Partial<NetworkOptions>, allow: readonly string[] = []): Network {
  outside = new MemoryNetwork();
  const rules = allow.map((text) => parseRule(text) as NonNullable<ReturnType<typeof parseRule>>);
  return new Network(new MemoryHost({ network: outside }), 1, { mode: "host", publish: [], allow: rules, ...options });
}

function socket(network: Network, type: number = SOCK_STREAM): Socket {
  return network.create(AF_INET, type, 0, O_NONBLOCK, { uid: 0, gid: 0 }, context);
}

function connect(s: Socket, ip: string, port: number): number {
  try {
    return s.connect(sockaddrOf(AF_INET, { ip, port }), view, NOBODY);
  } catch (e) {
    if (e instanceof Errno) return -e.code;
    throw e;
  }
}

function pendingError(s: Socket): number {
  return new DataView(s.getOption(SOL_SOCKET, SO_ERROR).buffer).getInt32(0, true);
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

function read(s: Socket): string | number {
  const buffer = new Uint8Array(65_536);
  const n = s.read(buffer);
  return n < 0 ? n : String.fromCharCode(...buffer.subarray(0, n));
}

describe("connections to the outside", () => {
  let network: Network;
  beforeEach(() => {
    network = machine({});
  });

  it("succeed and fail as the host says", async () => {
    outside.servers.add("198.51.100.1 80");
    const s = socket(network);
    connect(s, "198.51.100.1", 80);
    expect(s.poll() & (POLLOUT | POLLHUP)).toBe(0);
    await turn();
    expect(s.connectResult()).toBe(0);
    expect(s.poll() & (POLLOUT | POLLIN)).toBe(POLLOUT);
    const refused = socket(network);
    connect(refused, "198.51.100.1", 81);
    await turn();
    expect(refused.poll() & (POLLERR | POLLHUP)).toBe(POLLERR | POLLHUP);
    expect(pendingError(refused)).toBe(ECONNREFUSED);
  });

  it("carry bytes in one piece per turn, ends and resets", async () => {
    outside.servers.add("198.51.100.1 80");
    const s = socket(network);
    connect(s, "198.51.100.1", 80);
    await turn();
    s.connectResult();
    const peer = outside.peers[0] as NonNullable<(typeof outside.peers)[0]>;
    const text = Uint8Array.from("header", (c) => c.charCodeAt(0));
    s.write(text);
    s.write(text);
    expect(peer.received).toEqual([]);
    await turn();
    expect(peer.received.map((bytes) => bytes.length)).toEqual([12]);
    peer.send("answer");
    expect(read(s)).toBe("answer");
    expect(read(s)).toBe(-EAGAIN);
    peer.events?.end();
    expect(s.poll() & (POLLIN | POLLRDHUP | POLLHUP)).toBe(POLLIN | POLLRDHUP);
    expect(read(s)).toBe("");
    s.shutdown(1);
    expect(peer.ended).toBe(true);

    const other = socket(network);
    connect(other, "198.51.100.1", 80);
    await turn();
    other.connectResult();
    outside.peers[1]?.events?.closed(ECONNRESET);
    expect(read(other)).toBe(-ECONNRESET);
    expect(read(other)).toBe("");
  });

  it("hold no more than they have room for, in either direction", async () => {
    outside.servers.add("198.51.100.1 80");
    const s = socket(network);
    connect(s, "198.51.100.1", 80);
    await turn();
    s.connectResult();
    const peer = outside.peers[0] as NonNullable<(typeof outside.peers)[0]>;
    peer.room = 100_000;
    const block = new Uint8Array(65_536);
    let sent = 0;
    for (let i = 0; i < 100; i++) {
      const n = s.write(block);
      if (n === -EAGAIN) break;
      sent += n;
    }
    await turn();
    // The host has enough now: nothing more is taken until it says so.
    expect(s.write(block)).toBe(-EAGAIN);
    expect(s.poll() & POLLOUT).toBe(0);
    expect(peer.bytes).toBe(sent);
    expect(sent).toBeLessThanOrEqual(262_144);
    let woken = 0;
    s.queue.add(() => woken++);
    peer.drain(100_000);
    expect(woken).toBeGreaterThan(0);
    expect(s.poll() & POLLOUT).toBe(POLLOUT);

    let received = 0;
    while (!peer.paused && received < 10 << 20) {
      peer.send(new Uint8Array(65_536));
      received += 65_536;
    }
    expect(received).toBeLessThanOrEqual(262_144);
    let got = 0;
    const into = new Uint8Array(50_000);
    while (peer.paused) got += s.read(into);
    expect(got).toBeGreaterThanOrEqual(received / 2 - into.length);
  });

  it("are refused by what is not allowed, before the host hears of it", () => {
    const ruled = machine({}, ["198.51.100.1:80", "10.0.0.0/8"]);
    expect(connect(socket(ruled), "198.51.100.1", 81)).toBe(-EACCES);
    expect(connect(socket(ruled), "198.51.100.2", 80)).toBe(-EACCES);
    expect(connect(socket(ruled), "10.0.2.2", 80)).toBe(-EACCES);
    expect(connect(socket(machine({ mode: "loopback" })), "198.51.100.1", 80)).toBe(-ENETUNREACH);
    const published = machine({
      mode: "loopback",
      publish: [{ ip: undefined, hostPort: 8080, guestPort: 80, protocol: "tcp" }],
    });
    expect(connect(socket(published), "198.51.100.1", 80)).toBe(-ENETUNREACH);
    expect(connect(socket(published), "10.0.2.2", 80)).toBe(-EHOSTUNREACH);
    expect(outside.peers).toEqual([]);
  });

  it("may lead to addresses that an allowed name turned out to have", async () => {
    const ruled = machine({}, ["example.com:80"]);
    outside.resolvers = [{ ip: "192.0.2.53", port: 53 }];
    const asks = (name: string): Uint8Array => {
      const labels = name.split(".").flatMap((label) => [label.length, ...[...label].map((c) => c.charCodeAt(0))]);
      return Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
    };
    const s = socket(ruled, SOCK_DGRAM);
    const to = sockaddrOf(AF_INET, { ip: "10.0.2.3", port: 53 });
    const send = (bytes: Uint8Array): number => s.send({ bytes, to, flags: 0, files: [], credentials: NOBODY, view });
    send(asks("secret.evil.test"));
    await turn();
    expect(outside.sent).toEqual([]);
    const answer = new Uint8Array(512);
    expect(s.read(answer)).toBe(asks("secret.evil.test").length);
    expect((answer[3] as number) & 15).toBe(3);
    send(asks("example.com"));
    const [asked] = outside.sent;
    expect(asked?.to).toEqual({ ip: "192.0.2.53", port: 53 });
    expect(connect(socket(ruled), "93.184.216.34", 80)).toBe(-EACCES);
    const reply = Uint8Array.from([...asks("example.com"), 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 93, 184, 216, 34]);
    reply[2] = 0x81;
    reply[7] = 1;
    asked?.events.message(reply, { ip: "192.0.2.53", port: 53 });
    expect(s.read(answer)).toBe(reply.length);
    connect(socket(ruled), "93.184.216.34", 80);
    expect(outside.peers.map(({ to: at }) => at)).toEqual([{ ip: "93.184.216.34", port: 80 }]);
    expect(connect(socket(ruled), "93.184.216.34", 443)).toBe(-EACCES);
  });
});

describe("published ports", () => {
  it("lead to listeners, wait for room in the backlog, and are reset where nobody listens", async () => {
    const network = machine({
      mode: "loopback",
      publish: [{ ip: undefined, hostPort: 8080, guestPort: 80, protocol: "tcp" }],
    });
    await network.publish();
    const from = { ip: "203.0.113.9", port: 4000 };
    expect(outside.dial(8080, from).wasReset).toBe(true);
    const inside = socket(network);
    inside.bind(sockaddrOf(AF_INET, { ip: "127.0.0.1", port: 80 }), view);
    inside.listen(1, NOBODY);
    expect(outside.dial(8080, from).wasReset).toBe(true);
    inside.close();
    const listener = socket(network);
    listener.bind(sockaddrOf(AF_INET, { ip: "0.0.0.0", port: 80 }), view);
    listener.listen(0, NOBODY);
    const first = outside.dial(8080, from);
    const second = outside.dial(8080, { ip: "127.0.0.1", port: 4001 });
    first.send("one");
    second.send("two");
    expect(second.paused).toBe(true);
    const accepted = [0, 1].map(() => listener.accept(O_NONBLOCK));
    expect(listener.accept(0)).toBe(-EAGAIN);
    const [a, b] = accepted as Socket[];
    expect(second.paused).toBe(false);
    expect([read(a as Socket), read(b as Socket)]).toEqual(["one", "two"]);
    expect(a?.remoteName()).toEqual(sockaddrOf(AF_INET, from));
    // Somebody on the host is the gateway.
    expect(b?.remoteName()).toEqual(sockaddrOf(AF_INET, { ip: "10.0.2.2", port: 4001 }));
    (b as Socket).close();
    expect(second.ended).toBe(true);
    first.send("unread");
    (a as Socket).close();
    expect(first.wasReset).toBe(true);
  });
});
