/**
 * The network by Node's net and dgram.
 *
 * What arrives is handed on once for each turn of the event loop, when all sockets that had something were read: the guest
 * is woken once, and one epoll_wait(2) gives it everything.
 */
import * as dgram from "node:dgram";
import * as dns from "node:dns";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ECONNREFUSED,
  ECONNRESET,
  EHOSTUNREACH,
  EIO,
  EMFILE,
  EMSGSIZE,
  ENETUNREACH,
  EPERM,
  EPIPE,
  ETIMEDOUT,
} from "../../abi/errno.ts";
import type {
  HostConnection,
  HostConnectionEvents,
  HostDatagramEvents,
  HostDatagrams,
  HostEndpoint,
  HostListener,
  HostNetwork,
} from "../interface.ts";

const ERRORS: Readonly<Record<string, number>> = {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ECONNREFUSED,
  ECONNRESET,
  EHOSTUNREACH,
  EMFILE,
  EMSGSIZE,
  ENETUNREACH,
  EPERM,
  EPIPE,
  ETIMEDOUT,
};

function errnoOf(error: Error): number {
  return ERRORS[(error as NodeJS.ErrnoException).code ?? ""] ?? EIO;
}

/** Bytes under way to a connection before its writer has to wait. */
const HIGH_WATER = 131_072;
/** Bytes under way to a datagram socket before what comes is dropped. */
const MOST_DATAGRAM_BYTES = 1 << 20;
/** How long the process stays for what is still to be sent at its end. */
const FLUSH_MS = 5_000;

export class NodeNetwork implements HostNetwork {
  readonly #later: (() => void)[] = [];
  readonly #open: Set<net.Socket> = new Set();
  #scheduled = false;
  #idle: (() => void) | undefined;
  readonly ipv6: boolean = Object.values(os.networkInterfaces()).some((addresses) =>
    addresses?.some(({ family, internal, scopeid }) => family === "IPv6" && !internal && scopeid === 0),
  );

  /** Calls back when all that can be read has been read. */
  #batch(callback: () => void): void {
    this.#later.push(callback);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const next of this.#later.splice(0)) next();
    });
  }

  connect(to: HostEndpoint, events: HostConnectionEvents): HostConnection {
    const socket = net.connect({
      host: to.ip,
      port: to.port,
      allowHalfOpen: true,
      noDelay: true,
      writableHighWaterMark: HIGH_WATER,
    } as net.NetConnectOpts);
    socket.on("connect", () => events.connected());
    return this.#attach(socket, events);
  }

  listen(
    at: { readonly ip: string | undefined; readonly port: number },
    accept: (connection: HostConnection, remote: HostEndpoint) => HostConnectionEvents | undefined,
  ): Promise<HostListener> {
    const options = { allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER } as net.ServerOpts;
    const server = net.createServer(options, (socket) => {
      const connection = new Connection(socket);
      const events = accept(connection, { ip: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 });
      if (events === undefined) socket.resetAndDestroy();
      else this.#attach(socket, events, connection);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: at.ip, port: at.port, backlog: 511 }, () => {
        server.removeListener("error", reject);
        // An accept(2) that fails, for want of descriptors: whoever asked for the connection will see it end.
        server.on("error", () => undefined);
        const address = server.address() as net.AddressInfo;
        resolve({ port: address.port, close: () => server.close() });
      });
    });
  }

  #attach(socket: net.Socket, events: HostConnectionEvents, made?: Connection): HostConnection {
    const connection = made ?? new Connection(socket);
    this.#open.add(socket);
    let error = 0;
    socket.on("data", (chunk) => {
      this.#batch(() => {
        // What else was read in this turn comes all the same: a few buffers at the most.
        connection.wanted = events.data(chunk);
        if (!connection.wanted) socket.pause();
      });
    });
    socket.on("end", () => this.#batch(() => events.end()));
    socket.on("drain", () => events.drained());
    socket.on("error", (e) => {
      error = errnoOf(e);
    });
    socket.on("close", () => {
      this.#open.delete(socket);
      this.#batch(() => events.closed(error));
      if (this.#open.size === 0) this.#idle?.();
    });
    return connection;
  }

  datagrams(remote: HostEndpoint, events: HostDatagramEvents): HostDatagrams {
    const socket = dgram.createSocket({ type: net.isIPv6(remote.ip) ? "udp6" : "udp4" });
    const waiting: Uint8Array[] = [];
    let connected = false;
    let closed = false;
    socket.on("message", (bytes) => this.#batch(() => events.message(bytes, remote)));
    socket.on("error", (e) => this.#batch(() => events.error(errnoOf(e))));
    const send = (bytes: Uint8Array): void => {
      if (socket.getSendQueueSize() + bytes.length > MOST_DATAGRAM_BYTES) return;
      socket.send(bytes, (e) => {
        if (e !== null && !closed) this.#batch(() => events.error(errnoOf(e)));
      });
    };
    socket.on("connect", () => {
      connected = true;
      if (!closed) for (const bytes of waiting.splice(0)) send(bytes);
    });
    socket.connect(remote.port, remote.ip);
    return {
      send: (bytes) => {
        if (closed) return;
        if (connected) send(bytes);
        else if (waiting.length < 64) waiting.push(bytes);
      },
      close: () => {
        if (closed) return;
        closed = true;
        socket.close();
      },
    };
  }

  listenDatagrams(
    at: { readonly ip: string | undefined; readonly port: number },
    events: HostDatagramEvents,
  ): Promise<HostDatagrams> {
    const v6 = at.ip === undefined ? Object.keys(os.networkInterfaces()).length > 0 && hasV6() : net.isIPv6(at.ip);
    const socket = dgram.createSocket({ type: v6 ? "udp6" : "udp4" });
    socket.on("message", (bytes, { address, port }) => {
      this.#batch(() => events.message(bytes, { ip: address, port }));
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ port: at.port, ...(at.ip === undefined ? {} : { address: at.ip }) }, () => {
        socket.removeListener("error", reject);
        socket.on("error", (e) => events.error(errnoOf(e)));
        let closed = false;
        resolve({
          send: (bytes, to) => {
            if (closed || socket.getSendQueueSize() + bytes.length > MOST_DATAGRAM_BYTES) return;
            socket.send(bytes, to.port, to.ip, () => undefined);
          },
          close: () => {
            if (closed) return;
            closed = true;
            socket.close();
          },
        });
      });
    });
  }

  nameservers(): readonly HostEndpoint[] {
    return dns.getServers().map((text) => {
      const bracketed = /^\[(.*)\]:(\d+)$/.exec(text);
      if (bracketed !== null) return { ip: bracketed[1] as string, port: Number(bracketed[2]) };
      const [ip = "", port] = net.isIPv6(text) ? [text] : text.split(":");
      return { ip, port: Number(port ?? 53) };
    });
  }

  searchDomains(): readonly string[] {
    try {
      const line = /^(?:search|domain)[ \t]+(.*)$/m.exec(fs.readFileSync("/etc/resolv.conf", "utf8"))?.[1];
      return line?.split(/[ \t]+/).filter((word) => /^[\w.-]+$/.test(word)) ?? [];
    } catch {
      return [];
    }
  }

  flush(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        for (const socket of this.#open) socket.destroy();
        resolve();
      };
      const timer = setTimeout(done, FLUSH_MS);
      this.#idle = done;
      // Who has taken all that was written need not be waited for.
      const check = (): void => {
        for (const socket of this.#open) if (socket.writableLength > 0 || socket.connecting) return;
        done();
      };
      for (const socket of this.#open) socket.on("drain", check).on("finish", check);
      check();
    });
  }
}

function hasV6(): boolean {
  return Object.values(os.networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === "IPv6"));
}

class Connection implements HostConnection {
  readonly #socket: net.Socket;
  wanted = true;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    return this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  resume(): void {
    this.wanted = true;
    this.#socket.resume();
  }
}
