/**
 * Everything that tsrcore takes from the world outside: the only source of time, randomness, terminals and storage.
 * host/node and host/browser implement it; host/memory is the deterministic one for tests.
 */

export interface Clock {
  /** Nanoseconds since 1970 as a bigint. */
  realtime(): bigint;
  /** Nanoseconds since some fixed point, never going back. */
  monotonic(): bigint;
  /**
   * What `realtime` is ahead of `monotonic`, which changes only when the clock is set. Absent: they cannot be related
   * exactly.
   */
  realtimeOffset?(): bigint;
  /**
   * Puts `realtime` ahead by so many nanoseconds (back, if negative): for this machine alone, whose guest has set its
   * clock. Absent: it cannot be set.
   */
  shift?(by: bigint): void;
}

export interface Timers {
  /** Calls back once, `ms` milliseconds from now (fractions allowed). The returned function cancels. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back in a later turn of the host's event loop, after pending input and output was looked at. */
  yield(callback: () => void): void;
}

export interface Random {
  fill(into: Uint8Array): void;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** A byte stream from the host: standard input, or a host pipe. Push with back-pressure. */
export interface ByteSource {
  /**
   * Starts delivery: `data` for each chunk, `end` once. The source stops delivering after `data` returned false, until
   * `resume` is called.
   */
  start(data: (chunk: Uint8Array) => boolean, end: () => void): void;
  resume(): void;
  /** No more is wanted; lets the host process end. */
  stop(): void;
  /**
   * Only for sources that never have to wait (a regular file): reads at once, no more than asked for. Bytes, or 0 at the
   * end. Used instead of `start`.
   */
  readNow?(into: Uint8Array): number;
}

/** A byte stream to the host. */
export interface ByteSink {
  /** Takes all of it. False: more than enough is pending, wait for `drained` before writing again. */
  write(chunk: Uint8Array): boolean;
  /** Called after a write returned false and the pending bytes have gone. */
  onDrained(callback: () => void): void;
  /** The reader has gone: what is written is lost (EPIPE). */
  readonly closed: boolean;
  /** Called once when the reader has gone. */
  onClosed(callback: () => void): void;
  /** Resolves when everything written has left the process. */
  flush(): Promise<void>;
}

/** The host's terminal. */
export interface HostTerminal {
  readonly input: ByteSource;
  readonly output: ByteSink;
  size(): WindowSize;
  onResize(callback: () => void): void;
  /** The host's line discipline off (ours does the work) and on again. `restore` may be called at any time, twice. */
  setRaw(): void;
  restore(): void;
}

/** `null` is the host's null device, or a stream that is closed. */
export type StreamKind = "terminal" | "stream" | "null";

export interface Console {
  readonly terminal?: HostTerminal;
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** What each of the three standard streams is. `terminal` is the one above. */
  readonly kinds: { readonly stdin: StreamKind; readonly stdout: StreamKind; readonly stderr: StreamKind };
}

/** A place on the network: an address in its usual text ("192.0.2.1", "2001:db8::1") and a port. */
export interface HostEndpoint {
  readonly ip: string;
  readonly port: number;
}

/** A TCP connection of the host's. */
export interface HostConnection {
  /** Takes the bytes, which are the host's from now on. False: enough is on its way; `drained` says when to go on. */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** What was written is all: the other side will read the end. */
  end(): void;
  /** Ends it at once, and tells the other side that something was lost. */
  reset(): void;
  /** Delivery goes on after `data` has answered false. */
  resume(): void;
}

/** What happens to a connection. Errors are those of Linux (abi/errno.ts). */
export interface HostConnectionEvents {
  /** One that was asked for is there. */
  connected(): void;
  /** Bytes, which are the callee's from now on. False: no more, until `resume`. */
  data(bytes: Uint8Array): boolean;
  /** The other side will send no more. */
  end(): void;
  drained(): void;
  /** Nothing will happen any more. @param error 0: both sides had ended it */
  closed(error: number): void;
}

export interface HostListener {
  readonly port: number;
  close(): void;
}

/** A UDP socket of the host's. */
export interface HostDatagrams {
  send(bytes: Uint8Array<ArrayBuffer>, to: HostEndpoint): void;
  close(): void;
}

export interface HostDatagramEvents {
  message(bytes: Uint8Array, from: HostEndpoint): void;
  /** A datagram could not be delivered (ECONNREFUSED, EHOSTUNREACH), as far as the host knows. */
  error(error: number): void;
}

/** The network that the host is on. */
export interface HostNetwork {
  connect(to: HostEndpoint, events: HostConnectionEvents): HostConnection;
  /**
   * @param at `ip` undefined: every address of the host's
   * @param accept may answer undefined: the connection is reset
   */
  listen(
    at: { readonly ip: string | undefined; readonly port: number },
    accept: (connection: HostConnection, remote: HostEndpoint) => HostConnectionEvents | undefined,
  ): Promise<HostListener>;
  /** A socket at a port of the host's choice. @param remote only to and from there */
  datagrams(remote: HostEndpoint, events: HostDatagramEvents): HostDatagrams;
  /** A socket at a given port. @param at as in `listen` */
  listenDatagrams(
    at: { readonly ip: string | undefined; readonly port: number },
    events: HostDatagramEvents,
  ): Promise<HostDatagrams>;
  /** Whom the host asks for the addresses of names. */
  nameservers(): readonly HostEndpoint[];
  /** Where the host looks for short names. */
  searchDomains(): readonly string[];
  /** Is there a way to the rest of the world by IPv6? */
  readonly ipv6: boolean;
  /** Resolves when what was written to connections that have been ended is out of the process, or is given up. */
  flush(): Promise<void>;
}

/**
 * Where an engine keeps code that it has made, for other runs: contents by name, from which any may be gone at any time.
 * Nothing here fails: what goes wrong is as if nothing had been kept.
 */
export interface CodeStore {
  /** A cryptographic hash, in hexadecimal, that no two hosts share whose code is not interchangeable. */
  digest(parts: readonly Uint8Array[]): string;
  /** What any run has kept under a name; undefined if there is nothing, or nothing whole. */
  read(name: string): Uint8Array<ArrayBuffer> | undefined;
  /** Keeps all of it, or nothing, in place of what there was. */
  write(name: string, content: Uint8Array): void;
  /** Drops what was not used for the longest time, if there is too much. */
  trim(): void;
}

/** A module, compiled by the host. */
export interface CompiledModule {
  readonly module: WebAssembly.Module;
  /** The host's optimised code is there from the start. */
  readonly optimised: boolean;
  /** The function of the module whose optimised code is worth being kept. */
  watch(exported: CallableFunction): void;
}

/** Compiles, with what other runs have left where the host can keep that. */
export type ModuleCompiler = (bytes: Uint8Array<ArrayBuffer>) => CompiledModule;

export interface Host {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly console: Console;
  /**
   * About so many bytes of guest memory are garbage now, which the host's collector cannot tell from the objects that
   * hold them. Absent where nothing can be done about it.
   */
  dropped?(bytes: number): void;
  /** Absent where nothing lasts, or nothing is to be kept. */
  readonly codeStore?: CodeStore;
  /** Absent where there is no network. */
  readonly network?: HostNetwork;
  /** A line for the developer (an unknown opcode, an internal error), shown on the host's standard error. */
  log(line: string): void;
}
