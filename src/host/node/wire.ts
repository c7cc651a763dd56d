/**
 * What two threads tell each other: records, put together and sent in one message for each turn of the sender's event loop. All
 * small things are in one buffer; what is large changes hands as it is.
 */

/** Bytes of a record's head: what, about whom, a number, the length of the bytes that follow (or ~index of a part). */
const HEAD = 16;
/** Bytes that are worth a buffer of their own. */
const LARGE = 16_384;
/** A batch that was larger is not expected to come again. */
const MOST_KEPT = 1 << 20;

/** What may be told of a connection or a listener. */
export const Tell = {
  // To the thread that has the sockets.
  Connect: 0,
  Listen: 1,
  Unlisten: 2,
  Write: 3,
  End: 4,
  Reset: 5,
  /** So many bytes that have arrived are out of the way. */
  Taken: 6,
  Flush: 7,
  // From it.
  Connected: 8,
  Listening: 9,
  Failed: 10,
  Accepted: 11,
  Data: 12,
  Ended: 13,
  /** So many bytes that were written have left. */
  Left: 14,
  Closed: 15,
  Flushed: 16,
} as const;
export type Tell = (typeof Tell)[keyof typeof Tell];

/** The records, and what was too large to be among them. */
export type Message = readonly [records: ArrayBuffer, ...parts: ArrayBuffer[]];

/** A thread, or a port of one: what `Worker` and `MessagePort` have in common. */
export interface Port {
  postMessage(message: Message, transfer: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (message: Message) => void): unknown;
}

const NOTHING = new Uint8Array(0);

export class Outbox {
  readonly #post: (message: Message) => void;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(LARGE);
  #words: Int32Array = new Int32Array(this.#bytes.buffer);
  #used = 0;
  #parts: ArrayBuffer[] = [];

  /** @param post gets what was told in one turn, when that is over */
  constructor(post: (message: Message) => void) {
    this.#post = post;
  }

  /** Adds a record. The bytes are the outbox's from now on if they fill their buffer, and copied otherwise. */
  tell(what: Tell, id: number, number = 0, bytes: Uint8Array = NOTHING): void {
    const { buffer, length } = bytes;
    const apart = length >= LARGE && length === buffer.byteLength && buffer instanceof ArrayBuffer;
    const end = (this.#used + HEAD + (apart ? 0 : length) + 3) & ~3;
    if (end > this.#bytes.length) this.#resize(Math.max(end, this.#bytes.length * 2));
    if (this.#used === 0) queueMicrotask(() => this.#send());
    const word = this.#used >> 2;
    this.#words[word] = what;
    this.#words[word + 1] = id;
    this.#words[word + 2] = number;
    this.#words[word + 3] = apart ? ~this.#parts.length : length;
    if (apart) this.#parts.push(buffer);
    else this.#bytes.set(bytes, this.#used + HEAD);
    this.#used = end;
  }

  #resize(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
  }

  #send(): void {
    const message: Message = [this.#bytes.buffer.slice(0, this.#used), ...this.#parts];
    this.#used = 0;
    this.#parts = [];
    if (this.#bytes.length > MOST_KEPT) this.#resize(LARGE);
    this.#post(message);
  }
}

/** Calls with each record of a message. Its bytes are the callee's. */
export function read(
  [records, ...parts]: Message,
  handle: (what: Tell, id: number, number: number, bytes: Uint8Array<ArrayBuffer>) => void,
): void {
  const words = new Int32Array(records);
  for (let at = 0; at < records.byteLength; ) {
    const word = at >> 2;
    const length = words[word + 3] as number;
    at += HEAD;
    const bytes = length < 0 ? new Uint8Array(parts[~length] as ArrayBuffer) : new Uint8Array(records, at, length);
    if (length > 0) at = (at + length + 3) & ~3;
    handle(words[word] as Tell, words[word + 1] as number, words[word + 2] as number, bytes);
  }
}

/** Whatever else is to be told, as bytes. */
export function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

export function decode(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
