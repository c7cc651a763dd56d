/**
 * The network by Node's sockets on a thread of their own. What the host's kernel does for a server that answers small questions, and
 * Node's streams, took a third of the one thread that the guest has; so it is done beside the guest, on another processor.
 * Each thread tells the other what has happened in one message for each turn of its event loop. A question and its answer
 * take longer by two messages (30 us each, when nothing else goes on).
 *
 * Bounded memory: of what a thread has been given for a connection it tells when it is out of the way. Datagrams stay on
 * this thread.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type {
  HostConnection,
  HostConnectionEvents,
  HostDatagramEvents,
  HostDatagrams,
  HostEndpoint,
  HostListener,
  HostNetwork,
} from "../interface.ts";
import { NodeNetwork } from "./network.ts";
import { decode, encode, Outbox, type Port, read, Tell } from "./wire.ts";

/** Bytes of a connection on their way out before its writer has to wait. */
const HIGH_WATER = 131_072;
/** Bytes that were taken before it is told. */
const TOLD = 32_768;

type Place = Parameters<HostNetwork["listen"]>[0];
type Accept = Parameters<HostNetwork["listen"]>[1];

/** The thread with the sockets. */
interface SocketThread extends Port {
  ref(): void;
  unref(): void;
  /** When it is needed no more. */
  stop(): Promise<void>;
}

/**
 * The network on a thread of its own, where there is a processor for it, and its script: not so in the source tree.
 * @param soon it is going to be needed, and may as well start now
 */
export function createNetwork(soon: boolean): HostNetwork {
  const script = fileURLToPath(new URL("./network-thread.cjs", import.meta.url));
  if (availableParallelism() < 2 || !existsSync(script)) return new NodeNetwork();
  const network = new ThreadedNetwork(() => {
    const worker = new Worker(script, { name: "network" });
    return Object.assign(worker, {
      stop: async (): Promise<void> => {
        await worker.terminate();
      },
    });
  });
  if (soon) network.start();
  return network;
}

interface Listening {
  readonly accept: Accept;
  readonly resolve: (listener: HostListener) => void;
  readonly reject: (error: Error) => void;
}

export class ThreadedNetwork implements HostNetwork {
  readonly #open: () => SocketThread;
  readonly #local: NodeNetwork = new NodeNetwork();
  readonly #connections: Map<number, ThreadedConnection> = new Map();
  readonly #listening: Map<number, Listening> = new Map();
  readonly #outbox: Outbox = new Outbox((message) => this.start().postMessage(message, message));
  #thread: SocketThread | undefined;
  /** The other side's are even. */
  #lastId = -1;
  #flushed: (() => void) | undefined;
  readonly ipv6: boolean = this.#local.ipv6;

  /** @param open starts the thread, when it is first needed */
  constructor(open: () => SocketThread) {
    this.#open = open;
  }

  /** The thread, which is started if it is not there. */
  start(): SocketThread {
    if (this.#thread !== undefined) return this.#thread;
    const thread = this.#open();
    this.#thread = thread;
    this.#hold();
    thread.on("message", (message) => {
      read(message, (...record) => this.#told(...record));
      this.#hold();
    });
    return thread;
  }

  /** The process stays for connections and listeners, as it does for those of its own. */
  #hold(): void {
    if (this.#connections.size + this.#listening.size > 0) this.#thread?.ref();
    else this.#thread?.unref();
  }

  #told(what: Tell, id: number, number: number, bytes: Uint8Array<ArrayBuffer>): void {
    const connection = this.#connections.get(id);
    switch (what) {
      case Tell.Data:
        connection?.arrived(bytes);
        break;
      case Tell.Left:
        connection?.left(number);
        break;
      case Tell.Connected:
        connection?.events.connected();
        break;
      case Tell.Ended:
        connection?.events.end();
        break;
      case Tell.Closed:
        this.#connections.delete(id);
        connection?.events.closed(number);
        break;
      case Tell.Accepted:
        this.#accepted(id, number, decode(bytes) as HostEndpoint);
        break;
      case Tell.Listening:
        this.#listening.get(id)?.resolve({ port: number, close: () => this.#unlisten(id) });
        break;
      case Tell.Failed: {
        const { message, code } = decode(bytes) as { message: string; code: string };
        this.#listening.get(id)?.reject(Object.assign(new Error(message), { code }));
        this.#listening.delete(id);
        break;
      }
      case Tell.Flushed:
        this.#flushed?.();
    }
  }

  #accepted(id: number, listener: number, remote: HostEndpoint): void {
    const connection = new ThreadedConnection(id, this.#outbox);
    const events = this.#listening.get(listener)?.accept(connection, remote);
    if (events === undefined) {
      connection.reset();
      return;
    }
    connection.events = events;
    this.#connections.set(id, connection);
  }

  connect(to: HostEndpoint, events: HostConnectionEvents): HostConnection {
    this.#lastId += 2;
    const connection = new ThreadedConnection(this.#lastId, this.#outbox);
    connection.events = events;
    this.#connections.set(this.#lastId, connection);
    this.#outbox.tell(Tell.Connect, this.#lastId, 0, encode(to));
    return connection;
  }

  listen(at: Place, accept: Accept): Promise<HostListener> {
    this.#lastId += 2;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#listening.set(id, { accept, resolve, reject });
      this.#outbox.tell(Tell.Listen, id, 0, encode(at));
    });
  }

  #unlisten(id: number): void {
    if (!this.#listening.delete(id)) return;
    this.#outbox.tell(Tell.Unlisten, id);
    this.#hold();
  }

  datagrams(remote: HostEndpoint, events: HostDatagramEvents): HostDatagrams {
    return this.#local.datagrams(remote, events);
  }

  listenDatagrams(at: Place, events: HostDatagramEvents): Promise<HostDatagrams> {
    return this.#local.listenDatagrams(at, events);
  }

  nameservers(): readonly HostEndpoint[] {
    return this.#local.nameservers();
  }

  searchDomains(): readonly string[] {
    return this.#local.searchDomains();
  }

  async flush(): Promise<void> {
    // The thread has yet to be started for what was asked in this turn.
    await Promise.resolve();
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.ref();
    await new Promise<void>((resolve) => {
      this.#flushed = resolve;
      this.#outbox.tell(Tell.Flush, 0);
    });
    await thread.stop();
  }
}

class ThreadedConnection implements HostConnection {
  readonly #id: number;
  readonly #outbox: Outbox;
  events!: HostConnectionEvents;
  /** Bytes that were written and have not left, as far as is known. */
  #underWay = 0;
  #waits = false;
  /** Bytes that were taken, and it is not told. */
  #taken = 0;
  #paused = false;

  constructor(id: number, outbox: Outbox) {
    this.#id = id;
    this.#outbox = outbox;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#underWay += bytes.length;
    this.#outbox.tell(Tell.Write, this.#id, 0, bytes);
    if (this.#underWay < HIGH_WATER) return true;
    this.#waits = true;
    return false;
  }

  left(count: number): void {
    this.#underWay -= count;
    if (!this.#waits || this.#underWay * 2 > HIGH_WATER) return;
    this.#waits = false;
    this.events.drained();
  }

  arrived(bytes: Uint8Array<ArrayBuffer>): void {
    this.#taken += bytes.length;
    // A few bytes that nobody reads are not to keep all that came with them.
    const { byteLength } = bytes.buffer;
    const wasteful = byteLength > 4096 && bytes.length * 8 < byteLength;
    if (!this.events.data(wasteful ? bytes.slice() : bytes)) this.#paused = true;
    if (this.#taken >= TOLD && !this.#paused) this.#tellTaken();
  }

  #tellTaken(): void {
    this.#outbox.tell(Tell.Taken, this.#id, this.#taken);
    this.#taken = 0;
  }

  resume(): void {
    this.#paused = false;
    this.#tellTaken();
  }

  end(): void {
    this.#outbox.tell(Tell.End, this.#id);
  }

  reset(): void {
    this.#outbox.tell(Tell.Reset, this.#id);
  }
}
