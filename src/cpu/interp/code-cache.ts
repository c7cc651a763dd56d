/**
 * Decoded code of one address space: records, the hash table that finds them, and the links between them.
 *
 * Code is decoded from an entry point straight on, through conditional branches and calls, until the control flow cannot
 * fall through. Every record is entered in the hash table under its guest address, so a branch into the middle of what
 * is decoded finds it, and each instruction is decoded once. A branch to code that isn't decoded yet goes to a *stub*, a
 * "#lookup" record for that address. The stub heads a list, threaded through the displacement fields of the branch
 * records (which have none), of all that wait for it: when its code is decoded they are linked directly.
 *
 * Invalidation turns the records concerned into "#gone" where they stand: whoever jumps or falls into one asks for its
 * address anew, and finds a "#forward" there the next time. Nothing else needs to be found and patched. (Both leave the
 * words alone that a list of waiting branches may go through.) Their space is regained when the area is full and all is
 * dropped.
 */

import type { GuestMemory } from "../../mm/guest-memory.ts";
import { BIAS, GUEST_LIMIT, PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../mm/layout.ts";
import { type HandlerList, PAIR } from "./handlers.ts";
import type { RecordDecoder } from "./isa.ts";
import { type KeptBlocks, type Zone, zoneOf } from "./kept-blocks.ts";
import {
  HASH,
  HASH_INITIAL_ENTRIES,
  HASH_MASK,
  HASH_MAX_ENTRIES,
  MAX_RECORDS,
  R_LENGTH,
  RECORD_SIZE,
  RECORDS,
  RIPS,
  SCRATCH_RECORDS,
} from "./layout.ts";
import type { SharedBlock, SharedBlocks } from "./shared-blocks.ts";

/** A block is cut after so many instructions, lest much be decoded that never runs. */
const BLOCK_INSTRUCTIONS = 64;

/** Handler numbers of the records that are no instructions. */
interface Internal {
  readonly lookup: number;
  readonly goto: number;
  readonly gone: number;
  readonly far: number;
  readonly forward: number;
  readonly stepped: number;
  readonly illegal: number;
  readonly expected: number;
}

function isFar(address: number): boolean {
  return address <= 0 || address > 0xffff_ffff;
}

export class CodeCache {
  readonly #memory: GuestMemory;
  readonly #decoder: RecordDecoder;
  readonly #handlers: HandlerList;
  readonly #internal: Internal;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  #records = SCRATCH_RECORDS;
  #entries = 0;
  #capacity = 0;
  #flushes = 0;
  /** Branches of the block being decoded, and their targets. */
  readonly #branches: number[] = [];
  readonly #targets: number[] = [];

  readonly #shared: SharedBlocks;
  readonly #kept: KeptBlocks | undefined;
  /** Zones in which something had to be decoded. */
  readonly #zones = new Map<number, Zone>();

  constructor(
    memory: GuestMemory,
    decoder: RecordDecoder,
    handlers: HandlerList,
    { shared, kept }: { readonly shared: SharedBlocks; readonly kept?: KeptBlocks | undefined },
  ) {
    this.#shared = shared;
    this.#kept = kept;
    this.#memory = memory;
    this.#decoder = decoder;
    this.#handlers = handlers;
    const number = (form: string): number => handlers.numberOf.get(form) as number;
    this.#internal = {
      lookup: number("#lookup"),
      goto: number("#goto:j"),
      gone: number("#gone"),
      far: number("#far:q"),
      forward: number("#forward"),
      stepped: number("#stepped"),
      illegal: number("#illegal"),
      expected: number("#expected"),
    };
    const { buffer } = memory.memory;
    this.#u8 = new Uint8Array(buffer, 0, BIAS);
    this.#u16 = new Uint16Array(buffer, 0, BIAS / 2);
    this.#i32 = new Int32Array(buffer, 0, BIAS / 4);
    this.#u32 = new Uint32Array(buffer, 0, BIAS / 4);
    this.#setCapacity(HASH_INITIAL_ENTRIES);
  }

  /**
   * Guest addresses where translated code takes over: no records are made for them, so that whoever comes there asks.
   */
  readonly #excluded = new Set<number>();

  exclude(rip: number): void {
    this.#excluded.add(rip);
    const record = this.#find(rip);
    if (this.#isCode(record)) this.#drop((record - RECORDS) / RECORD_SIZE, rip, rip + 1);
  }
  include(rip: number): void {
    this.#excluded.delete(rip);
  }

  /** Guest addresses where the interpreter asks whether translated code expects to go on there. */
  readonly #expected = new Set<number>();

  expect(rip: number): void {
    if (this.#expected.has(rip)) return;
    this.#expected.add(rip);
    const record = this.#find(rip);
    if (this.#isCode(record)) this.#drop((record - RECORDS) / RECORD_SIZE, rip, rip + 1);
  }
  /** Whether execution came to an address, or to just before it. */
  has(rip: number): boolean {
    return this.#isCode(this.#find(rip)) || this.#excluded.has(rip);
  }
  /** Code outside of here was made from these bytes: whoever writes to them has to say so. */
  watch(start: number, end: number): void {
    for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) this.#mark(page);
    this.#markedPage = -1;
  }

  /** Where decoding failed, after a result of 0: the address of the fetch that isn't allowed. */
  faultAddress = 0;

  get recordCount(): number {
    return this.#records;
  }

  /**
   * The record for a guest address, decoded if it must be; 0 for an address that may not be executed.
   * @param from the record without code that asked for it, if any, which leads to the found one from now on
   */
  resolve(rip: number, from = 0): number {
    const known = this.#find(rip);
    const flushes = this.#flushes;
    const record = this.#isCode(known) ? known : this.#decodeBlock(rip);
    if (from !== 0 && record !== 0 && flushes === this.#flushes) this.#relink(from, record);
    return record;
  }

  /** What compiled code needs to know of the hash table; whoever clears the context puts it back by this. */
  publish(): void {
    this.#u32[HASH_MASK >> 2] = (this.#capacity - 1) * 8;
  }

  /**
   * Decodes one instruction into the scratch records, where it is followed by a "#stepped" record. Its page isn't marked
   * as having code. 0 for an address that may not be executed.
   */
  scratch(rip: number): number {
    const { stepped } = this.#internal;
    this.#branches.length = 0;
    this.#targets.length = 0;
    this.#previous = 0;
    const first = RECORDS;
    const after = this.#decodeOne(rip, first, false);
    if (after === 0) return 0;
    this.#put(after, stepped, rip + this.#decoder.length);
    this.#branches.forEach((record, i) => {
      const target = this.#targets[i] as number;
      if (isFar(target)) this.#putFar(after + RECORD_SIZE, target);
      else this.#put(after + RECORD_SIZE, stepped, target);
      this.#i32[(record >> 2) + 3] = after + RECORD_SIZE;
    });
    return first;
  }

  /** The record that execution found no code in leads to this record from now on. */
  #relink(from: number, to: number): void {
    const { lookup, gone, goto, forward } = this.#internal;
    const handler = this.#u16[from >> 1];
    if (from < RECORDS + SCRATCH_RECORDS * RECORD_SIZE) return;
    if (handler === lookup) {
      this.#u16[from >> 1] = goto;
      this.#i32[(from >> 2) + 3] = to;
    } else if (handler === gone) {
      this.#u16[from >> 1] = forward;
      this.#i32[(from >> 2) + 1] = to;
    }
  }

  #isCode(record: number): boolean {
    const { lookup, gone } = this.#internal;
    const handler = this.#u16[record >> 1];
    return record !== 0 && handler !== lookup && handler !== gone;
  }

  /** Drops all records of [start, end). */
  invalidate(start: number, end: number): void {
    const firstPage = Math.floor(start / PAGE_SIZE);
    for (const [number, zone] of this.#zones)
      if (number >= zoneOf(start) && number <= zoneOf(end - 1)) zone.volatile = true;
    const { pages } = this.#memory;
    const lastPage = Math.min(pages.length, Math.ceil(end / PAGE_SIZE));
    this.#index ??= this.#makeIndex();
    const index = this.#index;
    const concerned =
      lastPage - firstPage > index.size
        ? [...index.keys()].filter((page) => page >= firstPage && page < lastPage)
        : Array.from({ length: lastPage - firstPage }, (_, i) => firstPage + i);
    for (const page of concerned) {
      const ranges = index.get(page);
      if (ranges === undefined) continue;
      for (let i = 0; i < ranges.length; i += 2)
        for (let n = ranges[i] as number; n < (ranges[i + 1] as number); n++) this.#drop(n, start, end);
      if (page * PAGE_SIZE >= start && (page + 1) * PAGE_SIZE <= end) index.delete(page);
    }
    for (let page = firstPage; page < lastPage; page++) pages[page] = (pages[page] as number) & ~PageBits.Code;
  }

  /** Drops record number n if its instruction has bytes in [start, end). */
  #drop(n: number, start: number, end: number): void {
    const rip = this.#u32[(RIPS >> 2) + n] as number;
    const record = RECORDS + n * RECORD_SIZE;
    // Before an instruction with a split address stands a record of length 0.
    const length = Math.max(this.#u8[record + R_LENGTH] as number, 1);
    if (rip >= end || rip + length <= start) return;
    const { gone } = this.#internal;
    this.#u16[record >> 1] = gone;
    // Records before it may stand for this one as well: a fused one, a pair, a pair whose second is fused.
    const { firstFused, fusedEnd } = this.#handlers;
    for (let before = record - RECORD_SIZE; before >= record - 2 * RECORD_SIZE; before -= RECORD_SIZE) {
      const handler = this.#u16[before >> 1] as number;
      if (handler >= firstFused && handler < fusedEnd) this.#u16[before >> 1] = gone;
    }
  }

  /**
   * Record numbers by guest page: pairs of from, up to (exclusive). Few processes ever drop code, so it is made when one
   * does, and kept from then on.
   */
  #index: Map<number, number[]> | undefined;

  #makeIndex(): Map<number, number[]> {
    const index = new Map<number, number[]>();
    this.#addToIndex(index, SCRATCH_RECORDS, this.#records);
    return index;
  }

  #addToIndex(index: Map<number, number[]>, from: number, to: number): void {
    const add = (page: number, n: number): void => {
      const ranges = index.get(page);
      if (ranges === undefined) index.set(page, [n, n + 1]);
      else if (ranges[ranges.length - 1] === n) ranges[ranges.length - 1] = n + 1;
      else ranges.push(n, n + 1);
    };
    for (let n = from; n < to; n++) {
      const record = RECORDS + n * RECORD_SIZE;
      const rip = this.#u32[(RIPS >> 2) + n] as number;
      const handler = this.#u16[record >> 1] as number;
      // Records that stand for no instruction ask or lead on; they need no care.
      if (handler === this.#internal.lookup || handler === this.#internal.goto || rip === 0) continue;
      const last = rip + Math.max(this.#u8[record + R_LENGTH] as number, 1) - 1;
      add(rip >>> PAGE_SHIFT, n);
      if (last >>> PAGE_SHIFT !== rip >>> PAGE_SHIFT) add(last >>> PAGE_SHIFT, n);
    }
  }

  /** Drops everything. */
  flush(): void {
    this.#memory.clear(HASH, HASH + this.#capacity * 8);
    this.#flushes++;
    this.#index = undefined;
    this.#records = SCRATCH_RECORDS;
    this.#entries = 0;
    this.#setCapacity(HASH_INITIAL_ENTRIES);
  }

  /** A copy of this address space executes the same program. */
  lendZones(child: CodeCache): void {
    for (const [number, zone] of this.#zones) child.#zones.set(number, zone);
  }

  /** Copies everything to the cache of a copy of this address space. */
  copyTo(child: CodeCache): void {
    const copy = (from: number, to: number): void => {
      child.#u8.set(this.#u8.subarray(from, to), from);
    };
    copy(HASH, HASH + this.#capacity * 8);
    copy(RECORDS, RECORDS + this.#records * RECORD_SIZE);
    copy(RIPS, RIPS + this.#records * 4);
    child.#records = this.#records;
    child.#entries = this.#entries;
    child.#setCapacity(this.#capacity);
  }

  #setCapacity(entries: number): void {
    this.#capacity = entries;
    this.publish();
  }

  /** Index in words of the entry for an address, or of the free one where it belongs. */
  #slot(rip: number): number {
    const mask = this.#capacity - 1;
    let at = (rip ^ (rip >>> 11)) & mask;
    for (;;) {
      const word = (HASH >> 2) + at * 2;
      const key = this.#u32[word] as number;
      if (key === rip || key === 0) return word;
      at = (at + 1) & mask;
    }
  }

  #find(rip: number): number {
    return this.#u32[this.#slot(rip) + 1] as number;
  }

  #enter(word: number, rip: number, record: number): void {
    if (this.#u32[word] === 0) {
      this.#entries++;
      this.#u32[word] = rip;
    }
    this.#u32[word + 1] = record;
  }

  #grow(): void {
    const start = HASH >> 2;
    const old = this.#u32.slice(start, start + this.#capacity * 2);
    this.#memory.clear(HASH, HASH + this.#capacity * 8);
    this.#setCapacity(Math.min(this.#capacity * 4, HASH_MAX_ENTRIES));
    for (let i = 0; i < old.length; i += 2) {
      const rip = old[i] as number;
      if (rip === 0) continue;
      const word = this.#slot(rip);
      this.#u32[word] = rip;
      this.#u32[word + 1] = old[i + 1] as number;
    }
  }

  #put(record: number, handler: number, rip: number): void {
    const word = record >> 2;
    this.#i32[word] = handler;
    this.#i32[word + 1] = 0;
    this.#i32[word + 2] = 0;
    this.#i32[word + 3] = 0;
    this.#u32[(RIPS >> 2) + ((record - RECORDS) >> 4)] = rip;
  }

  /** A record that continues at an address where nothing can be. */
  #putFar(record: number, target: number): void {
    this.#put(record, this.#internal.far, 0);
    this.#i32[(record >> 2) + 2] = target | 0;
    this.#i32[(record >> 2) + 3] = Math.floor(target / 0x1_0000_0000);
  }

  #full(): boolean {
    const margin = BLOCK_INSTRUCTIONS * 5;
    return this.#records + margin > MAX_RECORDS || this.#entries + margin > HASH_MAX_ENTRIES - HASH_MAX_ENTRIES / 4;
  }

  #decodeBlock(start: number): number {
    if (this.#full()) this.flush();
    // A block's entries fit: a table that is half full is grown before.
    if (this.#entries * 2 > this.#capacity && this.#capacity < HASH_MAX_ENTRIES) this.#grow();
    const firstNumber = this.#records;
    const first = RECORDS + firstNumber * RECORD_SIZE;
    if (this.#adoptAny(start) || (this.#openZone(start) && this.#adoptAny(start))) return first;
    this.#branches.length = 0;
    this.#targets.length = 0;
    this.#previous = 0;
    this.#markedPage = -1;
    // It has records that only this address space wants.
    let own = false;
    let record = first;
    let instructionsEnd = first;
    let rip = start;
    for (let left = BLOCK_INSTRUCTIONS; ; left--) {
      const word = this.#slot(rip);
      const known = this.#u32[word + 1] as number;
      const stop = rip !== start && (this.#isCode(known) || this.#excluded.has(rip));
      const prefixed = this.#expected.has(rip);
      const after = left === 0 || stop ? 0 : this.#decodeOne(rip, prefixed ? record + RECORD_SIZE : record, true);
      if (after === 0) {
        if (rip === start) return 0;
        instructionsEnd = record;
        this.#put(record, this.#internal.goto, rip);
        this.#branch(record, rip);
        record += RECORD_SIZE;
        break;
      }
      if (prefixed) {
        this.#put(record, this.#internal.expected, rip);
        own = true;
      }
      // What was decoded is entered at once, so that later branches of the block find it.
      this.#enter(word, rip, record);
      if (known !== 0) this.#resolveStub(known, record);
      record = after;
      instructionsEnd = after;
      rip += this.#decoder.length;
      if (this.#ended) break;
    }
    this.#records = (record - RECORDS) >> 4;
    this.#pair(firstNumber, this.#records);
    if (this.#shared.recording && !own) this.#keep(start, rip, firstNumber, (instructionsEnd - first) >> 4);
    if (this.#index !== undefined) this.#addToIndex(this.#index, firstNumber, this.#records);
    for (let i = 0; i < this.#branches.length; i++) this.#link(this.#branches[i] as number, this.#targets[i] as number);
    return first;
  }

  #adoptAny(start: number): boolean {
    for (const shared of this.#shared.find(start)) if (this.#adopt(shared, start)) return true;
    return false;
  }
  /** Looks for what other runs have left. True if that may be news. */
  #openZone(start: number): boolean {
    if (this.#kept === undefined || this.#zones.has(zoneOf(start))) return false;
    const zone = this.#kept.open(start, this.#memory);
    if (zone !== undefined) this.#zones.set(zoneOf(start), zone);
    return zone !== undefined;
  }

  /** Offers the block just decoded, not yet linked, to other address spaces. */
  #keep(start: number, end: number, firstNumber: number, instructionRecords: number): void {
    const first = RECORDS + firstNumber * RECORD_SIZE;
    const branches: number[] = [];
    for (let i = 0; i < this.#branches.length; i++) {
      const target = this.#targets[i] as number;
      if (isFar(target)) return;
      branches.push(((this.#branches[i] as number) - first) >> 4, target);
    }
    const block = this.#shared.keep(
      start,
      this.#memory.u8.subarray(start, end),
      this.#i32.subarray(first >> 2, (RECORDS + this.#records * RECORD_SIZE) >> 2),
      this.#u32.subarray((RIPS >> 2) + firstNumber, (RIPS >> 2) + this.#records),
      instructionRecords,
      branches,
    );
    if (block !== undefined) this.#zones.get(zoneOf(start))?.news.push(block);
  }

  /** Takes a block over as the next records, if the code here is what it was decoded from. */
  #adopt(block: SharedBlock, start: number): boolean {
    const { pages, u8 } = this.#memory;
    const { words, rips, code, branches } = block.from;
    const { length, codeAt, records, instructionRecords, recordsAt } = block;
    const lastPage = (start + length - 1) >>> PAGE_SHIFT;
    if (((pages[start >>> PAGE_SHIFT] as number) & (pages[lastPage] as number) & PageBits.Exec) === 0) return false;
    for (let i = 0; i < length; i++) if (u8[start + i] !== code[codeAt + i]) return false;
    if (this.#excluded.size > 0 || this.#expected.size > 0)
      for (let i = 0; i < instructionRecords; i++) {
        const rip = rips[recordsAt + i] as number;
        if ((i > 0 && this.#excluded.has(rip)) || this.#expected.has(rip)) return false;
      }
    const firstNumber = this.#records;
    const first = RECORDS + firstNumber * RECORD_SIZE;
    const toWord = first >> 2;
    const fromWord = recordsAt * 4;
    this.#i32.set(words.subarray(fromWord, fromWord + records * 4), toWord);
    const toRip = (RIPS >> 2) + firstNumber;
    this.#u32.set(rips.subarray(recordsAt, recordsAt + records), toRip);
    this.#records += records;
    let previous = 0;
    for (let i = 0; i < instructionRecords; i++) {
      const rip = rips[recordsAt + i] as number;
      // An instruction with a split address has two records and is entered by the first.
      if (rip === previous) continue;
      previous = rip;
      const word = this.#slot(rip);
      const known = this.#u32[word + 1] as number;
      if (this.#isCode(known)) continue;
      this.#enter(word, rip, first + i * RECORD_SIZE);
      if (known !== 0) this.#resolveStub(known, first + i * RECORD_SIZE);
    }
    this.#mark(start >>> PAGE_SHIFT);
    this.#mark(lastPage);
    if (this.#index !== undefined) this.#addToIndex(this.#index, firstNumber, this.#records);
    for (let i = block.branchesAt; i < block.branchesEnd; i += 2)
      this.#link(first + (branches[i] as number) * RECORD_SIZE, branches[i + 1] as number);
    return true;
  }

  /** The page that was marked as having code last. */
  #markedPage = -1;
  /** The record of the instruction decoded before, if it is of the same block. */
  #previous = 0;
  /** The instruction decoded last doesn't fall through. */
  #ended = false;

  #branch(record: number, target: number): void {
    this.#branches.push(record);
    this.#targets.push(target);
  }

  /** The code that a stub stood for is there: the branches that waited for it are linked. */
  #resolveStub(stub: number, record: number): void {
    if (this.#u16[stub >> 1] !== this.#internal.lookup) return;
    let waiting = this.#i32[(stub >> 2) + 3] as number;
    while (waiting !== 0) {
      const next = this.#i32[(waiting >> 2) + 2] as number;
      this.#i32[(waiting >> 2) + 2] = 0;
      this.#i32[(waiting >> 2) + 3] = record;
      waiting = next;
    }
    this.#relink(stub, record);
  }

  #link(record: number, target: number): void {
    const word = record >> 2;
    const far = isFar(target);
    const entry = far ? 0 : this.#slot(target);
    let to = far ? 0 : (this.#u32[entry + 1] as number);
    if (to === 0) {
      to = RECORDS + this.#records++ * RECORD_SIZE;
      if (far) this.#putFar(to, target);
      else {
        this.#put(to, this.#internal.lookup, target);
        this.#enter(entry, target, to);
      }
    }
    this.#i32[word + 3] = to;
    if (this.#u16[to >> 1] !== this.#internal.lookup) return;
    this.#i32[word + 2] = this.#i32[(to >> 2) + 3] as number;
    this.#i32[(to >> 2) + 3] = record;
  }

  /** Decodes the instruction at `rip` to `record`. Returns the place after its records, 0 if it may not be fetched. */
  #decodeOne(rip: number, record: number, mark: boolean): number {
    const { u8, view } = this.#memory;
    const d = this.#decoder;
    this.#ended = true;
    if (!this.#executable(rip)) return 0;
    // The decoder may look up to 15 bytes ahead; whether it may rely on them is checked when the length is known.
    const exists = rip + 32 < GUEST_LIMIT && d.decode(u8, view, rip);
    const last = rip + Math.max(d.length, 1) - 1;
    if (last >>> PAGE_SHIFT !== rip >>> PAGE_SHIFT && !this.#executable((last & -4096) >>> 0)) return 0;
    if (mark) {
      if (this.#markedPage !== rip >>> PAGE_SHIFT) this.#mark(rip >>> PAGE_SHIFT);
      if (this.#markedPage !== last >>> PAGE_SHIFT) this.#mark(last >>> PAGE_SHIFT);
    }
    if (!exists) {
      this.#put(record, this.#internal.illegal, rip);
      this.#u8[record + R_LENGTH] = d.length;
      return record + RECORD_SIZE;
    }
    const at = d.write(this.#i32, record);
    for (let r = record; r <= at; r += RECORD_SIZE) this.#u32[(RIPS >> 2) + ((r - RECORDS) >> 4)] = rip;
    const { target } = d;
    if (!Number.isNaN(target)) {
      this.#fuse(at, rip, this.#u16[at >> 1] as number);
      this.#branch(at, target);
    }
    this.#previous = at;
    this.#ended = d.ends;
    return at + RECORD_SIZE;
  }

  /** Makes pairs of records from, up to (exclusive) that have a handler for both. All keep their own for who jumps to them. */
  #pair(from: number, to: number): void {
    const { fusedWith, startsPair, firstFused, firstPair } = this.#handlers;
    const u16 = this.#u16;
    const step = RECORD_SIZE >> 1;
    const end = (RECORDS + to * RECORD_SIZE) >> 1;
    for (let at = (RECORDS + from * RECORD_SIZE) >> 1; at + step < end; at += step) {
      const handler = u16[at] as number;
      if (handler >= firstFused) {
        // Fused with the branch after it.
        if (handler < firstPair) at += step;
        continue;
      }
      if (startsPair[handler] === 0) continue;
      const next = u16[at + step] as number;
      const both = fusedWith.get(handler * PAIR + next);
      if (both === undefined) continue;
      u16[at] = both;
      at += next >= firstFused && next < firstPair ? 2 * step : step;
    }
  }

  /** If the record before this branch's can do both, it does. The branch keeps its record, for those who jump to it. */
  #fuse(record: number, rip: number, handler: number): void {
    const before = record - RECORD_SIZE;
    if (before !== this.#previous) return;
    const both = this.#handlers.fusedWith.get((this.#u16[before >> 1] as number) * PAIR + handler);
    const start = this.#u32[(RIPS >> 2) + ((before - RECORDS) >> 4)] as number;
    if (both !== undefined && start + (this.#u8[before + 7] as number) === rip) this.#u16[before >> 1] = both;
  }

  #mark(page: number): void {
    const { pages } = this.#memory;
    pages[page] = ((pages[page] as number) | PageBits.Code) & ~(PageBits.Write | PageBits.WriteOn);
    this.#memory.rightsTaken(page);
    this.#markedPage = page;
  }

  #executable(address: number): boolean {
    if (((this.#memory.pages[address >>> PAGE_SHIFT] as number) & PageBits.Exec) !== 0) return true;
    this.faultAddress = address;
    return false;
  }
}
