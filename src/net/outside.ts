/**
 * What is beyond the machine: connections and datagrams that go through the host, and ports of the host that lead in.
 *
 * The host is the gateway of the machine's network, and translates addresses as a home router does. The gateway's own
 * address stands for the host itself (its loopback); a further address is the machine's name server, which passes questions
 * on to the host's. Connections that come in by a published port show the address of whoever made them; those from the
 * host itself come from the gateway.
 *
 * Bounded memory: what the guest sends is taken until the host says that enough is on its way, and what comes is asked for
 * no further when the guest does not read.
 */
import { EACCES, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, errno } from "../abi/errno.ts";
import type {
  HostConnection,
  HostConnectionEvents,
  HostDatagrams,
  HostEndpoint,
  HostListener,
  HostNetwork,
} from "../host/interface.ts";
import { canonicalIp, type Endpoint, inPrefix, isLoopback, isV6, LOOPBACK4, LOOPBACK6 } from "./address.ts";
import { addressesIn, questionOf, refusalOf } from "./dns.ts";
import type { NetworkPolicy } from "./policy.ts";
import { GATEWAY4, GATEWAY6, type InetStack, NAMESERVER4, NET4, NET6, OWN4, OWN6 } from "./stack.ts";
import type { StreamEnd } from "./stream.ts";
import type { Applicant, TcpSocket } from "./tcp.ts";
import type { UdpSocket } from "./udp.ts";

/** A port of the host's that leads to one of the guest's. */
export interface PublishedPort {
  /** Address of the host's; undefined: all. */
  readonly ip: string | undefined;
  readonly hostPort: number;
  readonly guestPort: number;
  readonly protocol: "tcp" | "udp";
}

/** Small writes are put together in blocks of this size. */
const BLOCK = 65_536;
/** Writes from this size on get a block of their own. */
const LARGE = 32_768;
/** Bytes that wait for the end of the guest's turn, and then go to the host in one piece. */
const MOST_BATCHED = 262_144;
/** Datagram sockets of the host's for one of the guest's, and senders of a published port that are known by address. */
const MOST_FLOWS = 256;
const DNS_PORT = 53;

export class Outside {
  readonly #stack: InetStack;
  readonly #host: HostNetwork;
  readonly #policy: NetworkPolicy;
  readonly #closers: Set<() => void> = new Set();
  readonly #flows: Map<UdpSocket, Map<string, HostDatagrams>> = new Map();
  /** Published UDP ports by the guest's port. */
  readonly #published: Map<number, PublishedDatagrams> = new Map();

  constructor(stack: InetStack, host: HostNetwork, policy: NetworkPolicy) {
    this.#stack = stack;
    this.#host = host;
    this.#policy = policy;
  }

  /** Throws for a place that may not be reached, or cannot. */
  check(to: Endpoint): void {
    if (this.#stack.mode !== "host") throw errno(EHOSTUNREACH);
    if (this.#isNameserver(to)) return;
    // The gateway is the host itself: a range that happens to contain its address does not mean it.
    const isHost = to.ip === GATEWAY4 || to.ip === GATEWAY6;
    if (!(isHost ? this.#policy.allowsExactly(to) : this.#policy.allows(to))) throw errno(EACCES);
    if (this.#translate(to) === undefined) throw errno(EHOSTUNREACH);
  }

  /** For a datagram socket: whoever comes in by a published port has its answers. */
  checkDatagrams(socket: UdpSocket, to: Endpoint): void {
    if (!this.#published.get(socket.localPort)?.knows(to)) this.check(to);
  }

  #isNameserver({ ip, port }: Endpoint): boolean {
    return ip === NAMESERVER4 && port === DNS_PORT;
  }

  /** Where the host has to go; undefined if nobody is there. */
  #translate(to: Endpoint): HostEndpoint | undefined {
    if (to.ip === GATEWAY4) return { ip: LOOPBACK4, port: to.port };
    if (to.ip === GATEWAY6) return { ip: LOOPBACK6, port: to.port };
    if (this.#isNameserver(to)) return this.#host.nameservers()[0];
    if (inPrefix(to.ip, NET4) || inPrefix(to.ip, NET6)) return undefined;
    return to;
  }

  // TCP.

  /** Begins to connect. What may not be has been refused by `check`. */
  connect(socket: TcpSocket, to: Endpoint): StreamEnd {
    const stream = new HostStream(socket);
    // Questions by TCP are not looked into: with rules, they are not passed on.
    const blocked = this.#isNameserver(to) && this.#policy.restricted;
    const target = blocked ? undefined : this.#translate(to);
    if (target === undefined) queueMicrotask(() => socket.fail(ECONNREFUSED));
    else stream.attach(this.#host.connect(target, stream), this.#closers);
    return stream;
  }

  /** Opens a port of the host's. Rejects with what the host says if it cannot be had. */
  async publish(port: PublishedPort): Promise<HostListener | undefined> {
    const at = { ip: port.ip, port: port.hostPort };
    if (port.protocol === "udp") {
      const published = new PublishedDatagrams(this.#stack, port.guestPort);
      published.socket = await this.#host.listenDatagrams(at, published);
      this.#published.set(port.guestPort, published);
      this.#closers.add(() => published.socket?.close());
      return undefined;
    }
    const listener = await this.#host.listen(at, (connection, remote) => this.#incoming(connection, remote, port));
    this.#closers.add(() => listener.close());
    return listener;
  }

  #incoming(connection: HostConnection, from: HostEndpoint, port: PublishedPort): HostConnectionEvents | undefined {
    const v4 = sourceOf(from, false);
    const candidates: { local: Endpoint; remote: Endpoint }[] = [];
    if (this.#stack.ipv6 && isV6(canonicalIp(from.ip) ?? "")) {
      candidates.push({ local: { ip: OWN6, port: port.guestPort }, remote: sourceOf(from, true) });
    }
    candidates.push({ local: { ip: OWN4, port: port.guestPort }, remote: v4 });
    for (const { local, remote } of candidates) {
      const listener = this.#stack.findListener(local, remote);
      if (listener === undefined) continue;
      const stream = new HostStream(undefined);
      stream.attach(connection, this.#closers);
      listener.apply({ applicant: stream, local, remote });
      return stream;
    }
    return undefined;
  }

  // UDP.

  /** Sends a datagram of the guest's out; the number of bytes, or a negative errno. */
  sendDatagram(socket: UdpSocket, bytes: Uint8Array, to: Endpoint): number {
    const published = this.#published.get(socket.localPort);
    if (published?.reply(bytes, to)) return bytes.length;
    this.check(to);
    if (this.#isNameserver(to) && this.#policy.restricted) {
      const name = questionOf(bytes);
      if (name === undefined || !this.#policy.allowsName(name)) {
        const answer = refusalOf(bytes);
        queueMicrotask(() => socket.deliver(answer, to, OWN4));
        return bytes.length;
      }
    }
    const target = this.#translate(to);
    if (target === undefined) return -ENETUNREACH;
    this.#flow(socket, to, target).send(bytes.slice(), target);
    return bytes.length;
  }

  /** The host's socket for what a guest's sends to one place. */
  #flow(socket: UdpSocket, to: Endpoint, target: HostEndpoint): HostDatagrams {
    let flows = this.#flows.get(socket);
    if (flows === undefined) this.#flows.set(socket, (flows = new Map()));
    const key = `${to.ip} ${to.port}`;
    const known = flows.get(key);
    if (known !== undefined) return known;
    if (flows.size >= MOST_FLOWS) {
      const [oldest] = flows;
      oldest?.[1].close();
      if (oldest !== undefined) flows.delete(oldest[0]);
    }
    const made = this.#host.datagrams(target, {
      message: (bytes) => {
        if (this.#isNameserver(to)) this.#learn(bytes);
        socket.arrived(bytes, to);
      },
      error: (error) => {
        if (socket.remote?.ip === to.ip && socket.remote.port === to.port) socket.failed(error);
      },
    });
    flows.set(key, made);
    return made;
  }

  #learn(answer: Uint8Array): void {
    const name = questionOf(answer);
    if (name !== undefined) this.#policy.learn(name, addressesIn(answer));
  }

  /** A guest's socket is closed, or connected to nobody any more. */
  forget(socket: UdpSocket): void {
    const flows = this.#flows.get(socket);
    if (flows === undefined) return;
    for (const flow of flows.values()) flow.close();
    this.#flows.delete(socket);
  }

  /** The machine stops: nothing keeps the host's process. What was written may still go out. */
  stop(): void {
    for (const flows of this.#flows.values()) for (const flow of flows.values()) flow.close();
    this.#flows.clear();
    for (const close of this.#closers) close();
    this.#closers.clear();
  }
}

/** How the guest sees somebody: those on the host itself are the gateway. */
function sourceOf({ ip, port }: HostEndpoint, v6: boolean): Endpoint {
  const plain = canonicalIp(ip) ?? LOOPBACK4;
  if (v6) return { ip: isLoopback(plain) ? GATEWAY6 : plain, port };
  return { ip: isLoopback(plain) || isV6(plain) ? GATEWAY4 : plain, port };
}

/** A published UDP port: who has sent something gets the answers. */
class PublishedDatagrams {
  readonly #stack: InetStack;
  readonly #port: number;
  readonly #senders: Map<string, HostEndpoint> = new Map();
  socket: HostDatagrams | undefined;

  constructor(stack: InetStack, port: number) {
    this.#stack = stack;
    this.#port = port;
  }

  message(bytes: Uint8Array, sender: HostEndpoint): void {
    const from = sourceOf(sender, false);
    const key = `${from.ip} ${from.port}`;
    this.#senders.delete(key);
    this.#senders.set(key, sender);
    if (this.#senders.size > MOST_FLOWS) {
      const [oldest] = this.#senders.keys();
      if (oldest !== undefined) this.#senders.delete(oldest);
    }
    const to = { ip: OWN4, port: this.#port };
    this.#stack.findUdp(to, from)?.deliver(bytes, from, OWN4);
  }

  error(): void {
    // Nobody in the machine has asked for it.
  }

  knows(to: Endpoint): boolean {
    return this.#senders.has(`${to.ip} ${to.port}`);
  }

  reply(bytes: Uint8Array, to: Endpoint): boolean {
    const sender = this.#senders.get(`${to.ip} ${to.port}`);
    if (sender === undefined) return false;
    this.socket?.send(bytes.slice(), sender);
    return true;
  }
}

/** The other end of a guest's connection to somebody outside. */
class HostStream implements Applicant, HostConnectionEvents {
  #socket: TcpSocket | undefined;
  #connection: HostConnection | undefined;
  /** Bytes of the guest's that go to the host when its turn is over. */
  #batch: Uint8Array<ArrayBuffer>[] = [];
  #batched = 0;
  #block: Uint8Array<ArrayBuffer> | undefined;
  #start = 0;
  #end = 0;
  #flushing = false;
  /** The host has enough for now. */
  #busy = false;
  #paused = false;
  /** Data that came before the guest had a socket for it. */
  #early: Uint8Array[] = [];
  #earlyEnd = false;
  #earlyError = 0;
  #finished = false;
  #forget: (() => void) | undefined;

  /** @param socket undefined: it comes with `joined` */
  constructor(socket: TcpSocket | undefined) {
    this.#socket = socket;
  }

  attach(connection: HostConnection, closers: Set<() => void>): void {
    this.#connection = connection;
    const close = (): void => {
      this.#flush();
      if (!this.#finished) connection.end();
    };
    closers.add(close);
    this.#forget = () => closers.delete(close);
  }

  // Towards the host.

  get spacious(): boolean {
    return !this.#busy && this.#batched * 3 <= MOST_BATCHED * 2;
  }

  get pending(): number {
    return this.#batched;
  }

  deliver(bytes: Uint8Array): number {
    const count = this.#busy ? 0 : Math.min(bytes.length, MOST_BATCHED - this.#batched);
    if (count <= 0) return 0;
    this.#keep(count === bytes.length ? bytes : bytes.subarray(0, count));
    this.#batched += count;
    if (!this.#flushing) {
      this.#flushing = true;
      // When the guest's turn is over: a header and a body are one piece for the host.
      queueMicrotask(() => this.#flush());
    }
    return count;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length >= LARGE) {
      this.#cut();
      this.#batch.push(new Uint8Array(bytes));
      return;
    }
    if (this.#block === undefined || this.#end + bytes.length > BLOCK) {
      this.#cut();
      this.#block = new Uint8Array(BLOCK);
      this.#start = this.#end = 0;
    }
    this.#block.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** What is in the block goes as it is; the rest of the block may still be filled. */
  #cut(): void {
    if (this.#block === undefined || this.#start === this.#end) return;
    this.#batch.push(this.#block.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #flush(): void {
    this.#flushing = false;
    this.#cut();
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batched = 0;
    let more = true;
    for (const bytes of batch) more = this.#connection?.write(bytes) ?? true;
    if (!more) this.#busy = true;
    else this.#socket?.roomMade();
  }

  drained(): void {
    this.#busy = false;
    this.#socket?.roomMade();
  }

  finish(): void {
    this.#flush();
    this.#finished = true;
    this.#connection?.end();
  }

  reset(): void {
    this.#forget?.();
    this.#connection?.reset();
    this.#connection = undefined;
  }

  refused(): void {
    this.reset();
  }

  roomMade(): void {
    if (!this.#paused || this.#socket?.wantsMore === false) return;
    this.#paused = false;
    this.#connection?.resume();
  }

  // Towards the guest.

  joined(server: TcpSocket): void {
    this.#socket = server;
    for (const bytes of this.#early) if (!server.arrived(bytes)) this.#paused = true;
    this.#early = [];
    if (this.#earlyEnd) server.finish();
    if (this.#earlyError !== 0) server.lost(this.#earlyError);
    else if (this.#paused) this.roomMade();
  }

  connected(): void {
    this.#socket?.established();
  }

  data(bytes: Uint8Array): boolean {
    if (this.#socket === undefined) {
      this.#early.push(bytes);
      this.#paused = true;
      return false;
    }
    if (this.#socket.arrived(bytes)) return true;
    this.#paused = true;
    return false;
  }

  end(): void {
    if (this.#socket === undefined) this.#earlyEnd = true;
    else this.#socket.finish();
  }

  closed(error: number): void {
    this.#forget?.();
    this.#connection = undefined;
    if (this.#socket === undefined) this.#earlyError = error;
    else if (error !== 0) this.#socket.lost(error);
  }
}
