/**
 * The bytes of a file in memory, possibly on top of the bytes of a read-only one below.
 *
 * Bytes lie in chunks of 64 KiB; a chunk that was never written is a hole, or shows the file below. The first chunk grows by
 * doubling, so that small files are small, and appends of any size cost no more than copying what is appended. Which 4 KiB
 * pages of a chunk have data is kept as bits: they make st_blocks, SEEK_DATA and the space that a tmpfs has left exact.
 */
import { ENOSPC, errno } from "../../abi/errno.ts";

const CHUNK = 65536;
const PAGE = 4096;
const PAGES = CHUNK / PAGE;
const MIN_FIRST = 256;

interface Chunk {
  data: Uint8Array;
  /** Bit i: page i has memory. */
  pages: number;
  /** Bit i: page i has data; memory that fallocate has reserved has none yet. */
  filled: number;
}

/** Where the pages are counted. */
export interface PageBudget {
  /** Takes `pages` (negative: gives back). False: there are not so many. */
  reserve(pages: number): boolean;
}

/** The contents of the file below. */
export interface Below {
  read(position: number, into: Uint8Array): number;
}

export class Content {
  size: number = 0;
  /** Pages with data here (those of the file below are not counted). */
  pages: number = 0;
  readonly #budget: PageBudget;
  #first: Chunk | undefined;
  #more: Map<number, Chunk> | undefined;
  #below: Below | undefined;
  /** Bytes that show the file below where there is no chunk. */
  #belowSize = 0;

  constructor(budget: PageBudget, below?: Below, belowSize = 0) {
    this.#budget = budget;
    this.#below = below;
    this.#belowSize = belowSize;
    this.size = belowSize;
  }

  /** Pages of the file below that show through. */
  get pagesBelow(): number {
    if (this.#belowSize === 0) return 0;
    let pages = Math.ceil(this.#belowSize / PAGE);
    if (this.#first === undefined && this.#more === undefined) return pages;
    for (const index of this.#indexes()) {
      if (index * CHUNK < this.#belowSize) {
        pages -= Math.min(PAGES, Math.ceil((this.#belowSize - index * CHUNK) / PAGE));
      }
    }
    return pages;
  }

  *#indexes(): IterableIterator<number> {
    if (this.#first !== undefined) yield 0;
    if (this.#more !== undefined) yield* this.#more.keys();
  }

  #chunk(index: number): Chunk | undefined {
    return index === 0 ? this.#first : this.#more?.get(index);
  }

  read(position: number, into: Uint8Array): number {
    const n = Math.min(into.length, this.size - position);
    if (n <= 0) return 0;
    for (let done = 0; done < n; ) {
      const at = position + done;
      const index = Math.floor(at / CHUNK);
      const offset = at - index * CHUNK;
      const length = Math.min(n - done, CHUNK - offset);
      const chunk = this.#chunk(index);
      if (chunk === undefined) this.#readBelow(at, into.subarray(done, done + length));
      else {
        const { data } = chunk;
        const present = Math.max(0, Math.min(length, data.length - offset));
        if (offset === 0 && present === data.length) into.set(data, done);
        else if (present > 0) into.set(data.subarray(offset, offset + present), done);
        if (present < length) into.fill(0, done + present, done + length);
      }
      done += length;
    }
    return n;
  }

  #readBelow(position: number, into: Uint8Array): void {
    const length = Math.max(0, Math.min(into.length, this.#belowSize - position));
    const n = length === 0 ? 0 : (this.#below as Below).read(position, into.subarray(0, length));
    if (n < into.length) into.fill(0, Math.max(0, n));
  }

  /** The bytes written: fewer than given if the space ends; throws ENOSPC if none could be. */
  write(position: number, from: Uint8Array): number {
    const n = from.length;
    let done = 0;
    while (done < n) {
      const at = position + done;
      const index = Math.floor(at / CHUNK);
      const offset = at - index * CHUNK;
      let length = Math.min(n - done, CHUNK - offset);
      let chunk = this.#take(index, offset, offset + length);
      if (chunk === undefined) {
        // Not all of it has room: page by page as far as it goes, as tmpfs writes.
        length = Math.min(length, PAGE - (offset % PAGE));
        chunk = this.#take(index, offset, offset + length);
        if (chunk === undefined) break;
      }
      chunk.data.set(done === 0 && length === n ? from : from.subarray(done, done + length), offset);
      done += length;
    }
    if (done === 0 && n > 0) throw errno(ENOSPC);
    if (position + done > this.size) this.size = position + done;
    return done;
  }

  /** The chunk with memory and page bits for [from, to), or undefined if the space is used up. */
  #take(index: number, from: number, to: number, fill = true): Chunk | undefined {
    let chunk = this.#chunk(index) ?? this.#copyUp(index);
    if (chunk === undefined) {
      chunk = { data: new Uint8Array(index === 0 ? Math.max(MIN_FIRST, roundUp(to)) : CHUNK), pages: 0, filled: 0 };
      if (!this.#mark(chunk, from, to, fill)) return undefined;
      this.#put(index, chunk);
      return chunk;
    }
    if (!this.#mark(chunk, from, to, fill)) return undefined;
    if (chunk.data.length < to) {
      const grown = new Uint8Array(roundUp(to));
      grown.set(chunk.data);
      chunk.data = grown;
    }
    return chunk;
  }

  #put(index: number, chunk: Chunk): void {
    if (index === 0) this.#first = chunk;
    else {
      this.#more ??= new Map();
      this.#more.set(index, chunk);
    }
  }

  #mark(chunk: Chunk, from: number, to: number, fill: boolean): boolean {
    const first = Math.floor(from / PAGE);
    const last = Math.floor((to - 1) / PAGE);
    const range = ((1 << (last + 1)) - 1) & ~((1 << first) - 1);
    const wanted = range & ~chunk.pages;
    const count = bitCount(wanted);
    if (wanted !== 0 && !this.#budget.reserve(count)) return false;
    if (fill) chunk.filled |= range;
    if (wanted === 0) return true;
    chunk.pages |= wanted;
    this.pages += count;
    return true;
  }

  /** A chunk of the file below becomes ours. */
  #copyUp(index: number): Chunk | undefined {
    const start = index * CHUNK;
    const length = Math.min(CHUNK, this.#belowSize - start);
    if (length <= 0) return undefined;
    const chunk: Chunk = { data: new Uint8Array(index === 0 ? roundUp(length) : CHUNK), pages: 0, filled: 0 };
    if (!this.#mark(chunk, 0, length, true)) throw errno(ENOSPC);
    this.#readBelow(start, chunk.data.subarray(0, length));
    this.#put(index, chunk);
    return chunk;
  }

  truncate(size: number): void {
    if (size < this.size) {
      this.#discard(size, Math.ceil(this.size / CHUNK) * CHUNK);
      this.#belowSize = Math.min(this.#belowSize, size);
      if (size === 0) this.#first = undefined;
    }
    this.size = size;
  }

  /** FALLOC_FL_PUNCH_HOLE and FALLOC_FL_ZERO_RANGE: [from, to) reads as zeros; whole pages are given back. */
  punch(from: number, to: number): void {
    this.#discard(from, Math.min(to, Math.max(from, this.size)));
  }

  #discard(from: number, to: number): void {
    if (to <= from) return;
    const first = Math.floor(from / CHUNK);
    const last = Math.floor((to - 1) / CHUNK);
    // Where the file below shows through, holes need chunks of their own.
    for (let index = first; index <= last && index * CHUNK < this.#belowSize; index++) {
      if (this.#chunk(index) === undefined && !(to >= this.size && from <= index * CHUNK)) this.#copyUp(index);
    }
    for (const index of [...this.#indexes()]) {
      if (index < first || index > last) continue;
      const chunk = this.#chunk(index) as Chunk;
      const start = Math.max(0, from - index * CHUNK);
      const end = Math.min(CHUNK, to - index * CHUNK);
      chunk.data.fill(0, start, end);
      const firstPage = Math.ceil(start / PAGE);
      const endPage = Math.floor(end / PAGE);
      if (endPage <= firstPage) continue;
      const emptied = ((1 << endPage) - 1) & ~((1 << firstPage) - 1);
      const gone = chunk.pages & emptied;
      chunk.filled &= ~emptied;
      const count = bitCount(gone);
      chunk.pages &= ~gone;
      this.pages -= count;
      this.#budget.reserve(-count);
      if (chunk.pages === 0 && index * CHUNK >= this.#belowSize) {
        if (index === 0) this.#first = undefined;
        else this.#more?.delete(index);
      }
    }
  }

  /** fallocate(2): memory for [from, to) is reserved; the size stays. */
  allocate(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const index = Math.floor(at / CHUNK);
      const end = Math.min(to, (index + 1) * CHUNK);
      if (this.#take(index, at - index * CHUNK, end - index * CHUNK, false) === undefined) throw errno(ENOSPC);
      at = end;
    }
  }

  /** Memory for [from, to), which is about to be written. False: the space is used up. */
  reserve(from: number, to: number): boolean {
    const index = Math.floor(from / CHUNK);
    return this.#take(index, from - index * CHUNK, to - index * CHUNK) !== undefined;
  }

  /** Moves all from `from` on by `by` bytes, both whole pages: FALLOC_FL_INSERT_RANGE, and with a negative number FALLOC_FL_COLLAPSE_RANGE. */
  shift(from: number, by: number): void {
    const size = this.size + by;
    const buffer = new Uint8Array(CHUNK);
    const move = (start: number, end: number): void => {
      const n = this.read(start, buffer.subarray(0, end - start));
      // Holes stay holes, page by page; which they are is to be asked before anything is written over them.
      const filled: boolean[] = [];
      for (let done = 0; done < n; done += PAGE) filled.push(this.#hasData(start + done));
      filled.forEach((data, page) => {
        const piece = buffer.subarray(page * PAGE, Math.min(n, (page + 1) * PAGE));
        const target = start + page * PAGE + by;
        if (data) this.write(target, piece);
        else this.punch(target, target + piece.length);
      });
    };
    const end = this.size;
    if (by < 0) for (let at = from; at < end; at += CHUNK) move(at, Math.min(end, at + CHUNK));
    else {
      this.truncate(size);
      for (let at = end; at > from; ) {
        const start = Math.max(from, at - CHUNK);
        move(start, at);
        at = start;
      }
      this.punch(from, from + by);
    }
    this.truncate(size);
  }

  /** The next data or hole from `position` on, by pages; undefined if there is no more data. */
  seek(position: number, hole: boolean): number | undefined {
    for (let at = position; at < this.size; at = (Math.floor(at / PAGE) + 1) * PAGE) {
      if (this.#hasData(at) !== hole) return at;
      const index = Math.floor(at / CHUNK);
      if (!hole && this.#chunk(index) === undefined && at >= this.#belowSize) {
        const next = this.#nextChunk(index);
        if (next === undefined) return undefined;
        at = next * CHUNK - 1;
      }
    }
    return hole ? this.size : undefined;
  }

  #nextChunk(after: number): number | undefined {
    let next: number | undefined;
    for (const index of this.#indexes()) if (index > after && (next === undefined || index < next)) next = index;
    return next;
  }

  #hasData(position: number): boolean {
    const index = Math.floor(position / CHUNK);
    const chunk = this.#chunk(index);
    if (chunk === undefined) return position < this.#belowSize;
    return (chunk.filled & (1 << Math.floor((position - index * CHUNK) / PAGE))) !== 0;
  }

  /** All memory is given back: the file is gone. */
  free(): void {
    this.#budget.reserve(-this.pages);
    this.pages = 0;
    this.#first = undefined;
    this.#more = undefined;
    this.#below = undefined;
    this.#belowSize = 0;
    this.size = 0;
  }
}

/** The size of the first chunk's buffer that holds `n` bytes. */
function roundUp(n: number): number {
  let size = MIN_FIRST;
  while (size < n) size *= 2;
  return size;
}

function bitCount(bits: number): number {
  let n = 0;
  for (let b = bits; b !== 0; b &= b - 1) n++;
  return n;
}
