/**
 * Bytes on their way: pushed at one end in pieces of any size, taken at the other. What is pushed is copied into blocks
 * with room for more, so that a stream of small writes needs no allocation of its own for each; a piece that the queue is
 * *given* (it came from the host, and nobody else has it) is kept as it is.
 */

/** Bytes of a block. */
const BLOCK = 16384;

interface Block {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Ours, with room behind `end`. */
  readonly open: boolean;
}

export class ByteQueue {
  readonly #blocks: Block[] = [];
  #spare: Uint8Array | undefined;
  length = 0;

  /** Adds a copy. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    this.length += bytes.length;
    const last = this.#blocks[this.#blocks.length - 1];
    if (last?.open) {
      const n = Math.min(rest.length, last.bytes.length - last.end);
      if (n > 0) {
        last.bytes.set(n === rest.length ? rest : rest.subarray(0, n), last.end);
        last.end += n;
        if (n === rest.length) return;
        rest = rest.subarray(n);
      }
    }
    if (rest.length === 0) return;
    const block = rest.length <= BLOCK ? (this.#spare ?? new Uint8Array(BLOCK)) : new Uint8Array(rest.length);
    if (block === this.#spare) this.#spare = undefined;
    block.set(rest);
    this.#blocks.push({ bytes: block, start: 0, end: rest.length, open: true });
  }

  /** Adds bytes that are the queue's from now on. */
  give(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    this.#blocks.push({ bytes, start: 0, end: bytes.length, open: false });
  }

  /** Fills `into` as far as there are bytes; they stay if `peek`. */
  take(into: Uint8Array, peek: boolean): number {
    let n = 0;
    let index = 0;
    while (n < into.length) {
      const block = this.#blocks[index];
      if (block === undefined) break;
      const count = Math.min(into.length - n, block.end - block.start);
      into.set(block.bytes.subarray(block.start, block.start + count), n);
      n += count;
      if (peek) index++;
      else this.#drop(block, count);
    }
    if (!peek) this.length -= n;
    return n;
  }

  /** Takes bytes without looking at them. */
  skip(wanted: number): number {
    let n = 0;
    while (n < wanted) {
      const block = this.#blocks[0];
      if (block === undefined) break;
      const count = Math.min(wanted - n, block.end - block.start);
      n += count;
      this.#drop(block, count);
    }
    this.length -= n;
    return n;
  }

  #drop(block: Block, count: number): void {
    block.start += count;
    if (block.start < block.end) return;
    this.#blocks.shift();
    if (block.open && block.bytes.length === BLOCK) this.#spare = block.bytes;
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#spare = undefined;
    this.length = 0;
  }
}
