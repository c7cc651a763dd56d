/**
 * Blocks decoded by earlier processes of a machine.
 *
 * Each exec of a shell's commands runs the same dynamic linker and the same library at the same addresses, and decoding
 * them was a third of the time of fork and exec of /bin/true. So the records of a block are kept, by its address together
 * with the bytes of its code; another address space where the same bytes are found copies the records and only has to
 * link them. (Measured: a fifth of the time of decoding.)
 *
 * The first process keeps nothing, since most runs of tsrcore have no other.
 */

/** More than that is not kept: 24 MB. */
const MAX_RECORDS = 1 << 20;
/** So many programs may have different code at the same address. Also what a program that rewrites its code can fill. */
const MAX_VARIANTS = 4;

const NONE: readonly SharedBlock[] = [];

export interface SharedBlock {
  /** Guest bytes of its code, and where they are in `code`. */
  readonly length: number;
  readonly codeAt: number;
  /** Number of records (the last may be a goto), and of those that belong to instructions. */
  readonly records: number;
  readonly instructionRecords: number;
  /** Where they are in `words` (by 4) and `rips`. */
  readonly recordsAt: number;
  /** Pairs of record (counted from the block's first) and target. */
  readonly branches: readonly number[];
}

export class SharedBlocks {
  words: Int32Array = new Int32Array(0);
  rips: Uint32Array = new Uint32Array(0);
  code: Uint8Array = new Uint8Array(0);
  /** Set once there is more than one address space. */
  recording = false;
  readonly #blocks = new Map<number, SharedBlock[]>();
  #records = 0;
  #codeBytes = 0;

  /** The blocks known for an address, for different code. */
  find(start: number): readonly SharedBlock[] {
    return this.#blocks.get(start) ?? NONE;
  }

  /**
   * Keeps a block whose branches aren't linked yet.
   * @param words the records, 4 words each
   */
  keep(
    start: number,
    code: Uint8Array,
    words: Int32Array,
    rips: Uint32Array,
    instructionRecords: number,
    branches: readonly number[],
  ): void {
    const records = rips.length;
    const variants = this.#blocks.get(start) ?? [];
    if (this.#records + records > MAX_RECORDS || variants.length === MAX_VARIANTS) return;
    while (this.rips.length < this.#records + records) this.#growRecords();
    while (this.code.length < this.#codeBytes + code.length) this.#growCode();
    this.words.set(words, this.#records * 4);
    this.rips.set(rips, this.#records);
    this.code.set(code, this.#codeBytes);
    if (variants.length === 0) this.#blocks.set(start, variants);
    variants.push({
      length: code.length,
      codeAt: this.#codeBytes,
      records,
      instructionRecords,
      recordsAt: this.#records,
      branches,
    });
    this.#records += records;
    this.#codeBytes += code.length;
  }

  #growRecords(): void {
    const size = Math.max(0x1000, this.rips.length * 2);
    const words = new Int32Array(size * 4);
    words.set(this.words);
    this.words = words;
    const rips = new Uint32Array(size);
    rips.set(this.rips);
    this.rips = rips;
  }

  #growCode(): void {
    const code = new Uint8Array(Math.max(0x4000, this.code.length * 2));
    code.set(this.code);
    this.code = code;
  }
}
