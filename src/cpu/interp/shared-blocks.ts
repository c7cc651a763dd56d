/**
 * Blocks decoded before: by earlier processes of the machine, and by earlier runs (kept-blocks.ts).
 *
 * Each exec of a shell's commands runs the same dynamic linker and the same library at the same addresses, and decoding
 * them was a third of the time of fork and exec of /bin/true. So the records of a block are kept, by its address together
 * with the bytes of its code; another address space where the same bytes are found copies the records and only has to
 * link them. (Measured: a fifth of the time of decoding.)
 *
 * Where nothing is kept for other runs the first process keeps nothing, since most runs of tsrcore have no other.
 */

/** More than that is not kept: 24 MB. */
const MAX_RECORDS = 1 << 20;
/** So many programs may have different code at the same address. Also what a program that rewrites its code can fill. */
const MAX_VARIANTS = 4;

const NONE: readonly SharedBlock[] = [];

/** Where the parts of blocks are, one after another. */
export interface Blocks {
  readonly words: Int32Array;
  readonly rips: Uint32Array;
  readonly code: Uint8Array;
  /** Pairs of record (counted from the block's first) and target. */
  readonly branches: ArrayLike<number>;
}

export interface SharedBlock {
  readonly start: number;
  readonly from: Blocks;
  /** Guest bytes of its code, and where they are in `code`. */
  readonly length: number;
  readonly codeAt: number;
  /** Number of records (the last may be a goto), and of those that belong to instructions. */
  readonly records: number;
  readonly instructionRecords: number;
  /** Where they are in `words` (by 4) and `rips`. */
  readonly recordsAt: number;
  /** Where those are that belong to the block. */
  readonly branchesAt: number;
  readonly branchesEnd: number;
}

/** What was decoded in this run; grows. */
class Decoded implements Blocks {
  words: Int32Array = new Int32Array(0);
  rips: Uint32Array = new Uint32Array(0);
  code: Uint8Array = new Uint8Array(0);
  readonly branches: number[] = [];
  records = 0;
  codeBytes = 0;

  reserve(records: number, codeBytes: number): void {
    while (this.rips.length < this.records + records) this.#growRecords();
    while (this.code.length < this.codeBytes + codeBytes) this.#growCode();
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

export class SharedBlocks {
  /** Set once there is somebody to whom blocks are of use. */
  recording = false;
  readonly #blocks = new Map<number, SharedBlock[]>();
  readonly #decoded = new Decoded();
  #records = 0;

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
  ): SharedBlock | undefined {
    const decoded = this.#decoded;
    const records = rips.length;
    if (this.#records + records > MAX_RECORDS) return undefined;
    decoded.reserve(records, code.length);
    const block: SharedBlock = {
      start,
      from: decoded,
      length: code.length,
      codeAt: decoded.codeBytes,
      records,
      instructionRecords,
      recordsAt: decoded.records,
      branchesAt: decoded.branches.length,
      branchesEnd: decoded.branches.length + branches.length,
    };
    if (!this.add(block)) return undefined;
    decoded.words.set(words, decoded.records * 4);
    decoded.rips.set(rips, decoded.records);
    decoded.code.set(code, decoded.codeBytes);
    decoded.branches.push(...branches);
    decoded.records += records;
    decoded.codeBytes += code.length;
    return block;
  }

  /** False if there is no room for it. */
  add(block: SharedBlock): boolean {
    const variants = this.#blocks.get(block.start);
    if (this.#records + block.records > MAX_RECORDS || variants?.length === MAX_VARIANTS) return false;
    if (variants === undefined) this.#blocks.set(block.start, [block]);
    else variants.push(block);
    this.#records += block.records;
    return true;
  }
}
