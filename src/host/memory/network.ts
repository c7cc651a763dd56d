/**
 * A network that is made up: nobody is on it but those whom a test puts there. What happens to a connection happens in the
 * call that causes it, so that every order is the test's choice.
 */
import { ECONNREFUSED } from "../../abi/errno.ts";
import type {
  HostConnection,
  HostConnectionEvents,
  HostDatagramEvents,
  HostDatagrams,
  HostEndpoint,
  HostListener,
  HostNetwork,
} from "../interface.ts";

/** The other side of a connection of the machine's. */
export class MemoryPeer implements HostConnection {
  readonly to: HostEndpoint;
  readonly received: Uint8Array[] = [];
  /** Bytes that are taken before the writer is told to wait. */
  room: number = Number.POSITIVE_INFINITY;
  ended: boolean = false;
  wasReset: boolean = false;
  /** The machine has asked for no more. */
  paused: boolean = false;
  events: HostConnectionEvents | undefined;

  constructor(to: HostEndpoint) {
    this.to = to;
  }

  get bytes(): number {
    return this.received.reduce((n, { length }) => n + length, 0);
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.received.push(bytes);
    this.room -= bytes.length;
    return this.room > 0;
  }

  end(): void {
    this.ended = true;
  }

  reset(): void {
    this.wasReset = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** Sends to the machine. */
  send(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : text;
    if (this.events?.data(bytes) === false) this.paused = true;
  }

  /** Reads: the machine may send so much more. */
  drain(room: number): void {
    this.room = room;
    this.events?.drained();
  }
}

export class MemoryNetwork implements HostNetwork {
  readonly ipv6: boolean = true;
  /** Connections that the machine has asked for. */
  readonly peers: MemoryPeer[] = [];
  /** Places where somebody answers, as "ip port". */
  readonly servers: Set<string> = new Set();
  readonly sent: { readonly to: HostEndpoint; readonly bytes: Uint8Array; readonly events: HostDatagramEvents }[] = [];
  resolvers: HostEndpoint[] = [];
  readonly #listeners: Map<
    number,
    (connection: HostConnection, remote: HostEndpoint) => HostConnectionEvents | undefined
  > = new Map();

  connect(to: HostEndpoint, events: HostConnectionEvents): HostConnection {
    const peer = new MemoryPeer(to);
    this.peers.push(peer);
    peer.events = events;
    const there = this.servers.has(`${to.ip} ${to.port}`);
    queueMicrotask(() => (there ? events.connected() : events.closed(ECONNREFUSED)));
    return peer;
  }

  listen(
    at: { readonly port: number },
    accept: (connection: HostConnection, remote: HostEndpoint) => HostConnectionEvents | undefined,
  ): Promise<HostListener> {
    this.#listeners.set(at.port, accept);
    return Promise.resolve({ port: at.port, close: () => this.#listeners.delete(at.port) });
  }

  /** Somebody connects to a published port. */
  dial(port: number, from: HostEndpoint): MemoryPeer {
    const peer = new MemoryPeer({ ip: "", port });
    peer.events = this.#listeners.get(port)?.(peer, from);
    if (peer.events === undefined) peer.wasReset = true;
    return peer;
  }

  datagrams(remote: HostEndpoint, events: HostDatagramEvents): HostDatagrams {
    return {
      send: (bytes) => {
        this.sent.push({ to: remote, bytes, events });
      },
      close: () => undefined,
    };
  }

  listenDatagrams(_at: { readonly port: number }, events: HostDatagramEvents): Promise<HostDatagrams> {
    return Promise.resolve({
      send: (bytes, to) => {
        this.sent.push({ to, bytes, events });
      },
      close: () => undefined,
    });
  }

  nameservers(): readonly HostEndpoint[] {
    return this.resolvers;
  }

  searchDomains(): readonly string[] {
    return [];
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}
