/**
 * Who has which port, of TCP or of UDP: inet_csk_get_port() and udp_lib_get_port() of Linux.
 *
 * Two sockets may have the same port if their addresses exclude each other; if both have set SO_REUSEADDR and none of
 * them listens (UDP: in any case); or if both have set SO_REUSEPORT and belong to the same user. A connection that was
 * closed by this side keeps its port for a minute (TIME_WAIT).
 */
import { FIRST_EPHEMERAL, LAST_EPHEMERAL } from "../abi/inet.ts";
import { AF_INET6 } from "../abi/socket.ts";
import { ANY4, ANY6, type Endpoint, isV6 } from "./address.ts";

/** What the table knows of a socket. */
export interface PortUser {
  readonly family: number;
  /** Address that it is bound to; the wildcard of its family if none. */
  readonly localIp: string;
  readonly localPort: number;
  readonly remote: Endpoint | undefined;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  /** IPV6_V6ONLY */
  readonly onlyV6: boolean;
  readonly listening: boolean;
  readonly uid: number;
}

/** A connection in TIME_WAIT, or in FIN_WAIT2 without a socket. */
export interface Leftover extends PortUser {
  readonly remote: Endpoint;
  /** Monotonic nanoseconds. */
  readonly since: number;
}

/** TCP_TIMEWAIT_LEN, nanoseconds. */
const TIME_WAIT = 60e9;
/** A connection's port may be used for another to the same place after this time (net.ipv4.tcp_tw_reuse). */
const REUSE_AFTER = 1e9;

export class PortTable<U extends PortUser> {
  readonly #users: Map<number, Set<U>> = new Map();
  readonly #leftovers: Map<number, Leftover[]> = new Map();
  readonly #now: () => number;
  /** UDP: SO_REUSEADDR counts whatever the other does. */
  readonly #datagrams: boolean;
  #last = FIRST_EPHEMERAL - 1;

  constructor(now: () => number, datagrams: boolean) {
    this.#now = now;
    this.#datagrams = datagrams;
  }

  usersOf(port: number): Iterable<U> {
    return this.#users.get(port) ?? [];
  }

  *all(): Generator<U> {
    for (const users of this.#users.values()) yield* users;
  }

  /** Connections that are over but for their ports. */
  leftovers(): Leftover[] {
    const now = this.#now();
    for (const port of this.#leftovers.keys()) this.#expire(port, now);
    return [...this.#leftovers.values()].flat();
  }

  #expire(port: number, now: number): Leftover[] {
    const list = this.#leftovers.get(port);
    if (list === undefined) return [];
    const rest = list.filter(({ since }) => now - since < TIME_WAIT);
    if (rest.length === 0) this.#leftovers.delete(port);
    else this.#leftovers.set(port, rest);
    return rest;
  }

  /** May `user` have this port at `ip`? */
  isFree(user: U, ip: string, port: number): boolean {
    for (const other of this.usersOf(port)) if (other !== user && this.#conflict(user, ip, other)) return false;
    for (const other of this.#expire(port, this.#now())) {
      if (overlap(user, ip, other) && !(user.reuseAddress && other.reuseAddress) && !user.reusePort) return false;
    }
    return true;
  }

  #conflict(user: U, ip: string, other: U): boolean {
    if (!overlap(user, ip, other)) return false;
    if (user.reuseAddress && other.reuseAddress && (this.#datagrams || !other.listening)) return false;
    return !(user.reusePort && other.reusePort && user.uid === other.uid);
  }

  add(user: U, port: number): void {
    const users = this.#users.get(port);
    if (users === undefined) this.#users.set(port, new Set([user]));
    else users.add(user);
  }

  remove(user: U, port: number): void {
    const users = this.#users.get(port);
    users?.delete(user);
    if (users?.size === 0) this.#users.delete(port);
  }

  /** The port stays taken for a while: the connection was closed by this side first. */
  linger(leftover: Omit<Leftover, "since">): void {
    const since = this.#now();
    const list = this.#expire(leftover.localPort, since);
    this.#leftovers.set(leftover.localPort, [...list, { ...leftover, since }]);
  }

  /** The peer has reset the connection: nothing is left of it. */
  forget(port: number, remote: Endpoint): void {
    const list = this.#leftovers.get(port);
    if (list === undefined) return;
    const rest = list.filter((l) => l.remote.port !== remote.port || l.remote.ip !== remote.ip);
    if (rest.length === 0) this.#leftovers.delete(port);
    else this.#leftovers.set(port, rest);
  }

  /**
   * A port that nobody has, for bind(2) to port 0 or for a connection; undefined if there is none left.
   * @param remote for a connection: a port is as good as free if only connections to other places have it
   */
  ephemeral(user: U, ip: string, remote: Endpoint | undefined): number | undefined {
    const count = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
    const now = this.#now();
    for (let tries = 0; tries < count; tries++) {
      this.#last = this.#last >= LAST_EPHEMERAL ? FIRST_EPHEMERAL : this.#last + 1;
      const port = this.#last;
      if (this.#users.has(port)) continue;
      if (remote === undefined ? this.isFree(user, ip, port) : this.#oldEnough(port, remote, now)) return port;
    }
    if (remote === undefined) return undefined;
    for (let port = FIRST_EPHEMERAL; port <= LAST_EPHEMERAL; port++) {
      let free = this.#oldEnough(port, remote, now);
      for (const other of this.usersOf(port)) {
        if (other.remote === undefined || (other.remote.port === remote.port && other.remote.ip === remote.ip))
          free = false;
      }
      if (free) return port;
    }
    return undefined;
  }

  #oldEnough(port: number, remote: Endpoint, now: number): boolean {
    const same = this.#expire(port, now).filter((l) => l.remote.port === remote.port && l.remote.ip === remote.ip);
    return same.every(({ since }) => now - since >= REUSE_AFTER);
  }
}

/** Could a packet be meant for either? inet_rcv_saddr_equal() */
function overlap(user: PortUser, ip: string, other: PortUser): boolean {
  if (ip === other.localIp) return true;
  return covers(ip, user, other.localIp) || covers(other.localIp, other, ip);
}

/** Does a socket bound to `bound` get what is sent to `ip`? */
export function covers(bound: string, user: PortUser, ip: string): boolean {
  if (bound === ip) return true;
  if (bound === ANY4) return !isV6(ip);
  if (bound === ANY6) return isV6(ip) || !(user.onlyV6 && user.family === AF_INET6);
  return false;
}
