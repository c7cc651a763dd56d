/**
 * Decoded blocks that outlive the run, in the host's code store.
 *
 * A program that starts executes much code once: of the start of Python, 450 ms, 100 were decoding its 200,000 instructions.
 * Blocks are found by *zone*, 256 KB of addresses: the name of a file is the hash of the interpreter, the zone's number and the 4096 bytes of
 * that page of it in which something is missing first. That is the same page whenever the same program runs, and what is kept about
 * it is what that program has executed. A block is compared with the code in memory before it is used, as within a run
 * (shared-blocks.ts), so a file that belongs to something else is of no use but does no harm.
 *
 * Files are written when the machine ends, for zones about which there is news, but for those whose code has changed: what
 * a compiler of the guest's makes is not there again in the next run.
 *
 * A file, in words of 32 bits: number of blocks; for each start, bytes of code, records, those of instructions, words
 * of branches. Then of all blocks, one after another: branches, guest addresses of records, records, code.
 */
import type { CodeStore } from "../../host/interface.ts";
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PAGE_SIZE, PageBits } from "../../mm/layout.ts";
import type { SharedBlock, SharedBlocks } from "./shared-blocks.ts";

/** Changes with the format of files. */
const FORMAT = 1;
const ZONE_SHIFT = 18;
/** Words about a block. */
const HEAD = 5;
/** Fewer new records than this, or than this part of what there is, are not worth being written. */
const MIN_NEWS = 64;
const NEWS_SHARE = 16;

/** What is known of a zone of one program. */
export interface Zone {
  readonly name: string;
  readonly loaded: readonly SharedBlock[];
  readonly news: SharedBlock[];
  /** Its code has changed. */
  volatile: boolean;
}

export function zoneOf(address: number): number {
  return address >>> ZONE_SHIFT;
}

export class KeptBlocks {
  readonly #store: CodeStore;
  readonly #identify: () => string;
  readonly #shared: SharedBlocks;
  #identity: Uint8Array | undefined;
  readonly #zones = new Map<string, Zone>();

  /** @param identify something that differs wherever records are not interchangeable; asked for when it is needed */
  constructor(store: CodeStore, identify: () => string, shared: SharedBlocks) {
    this.#store = store;
    this.#identify = identify;
    this.#shared = shared;
  }

  /** The zone of an address where something is missing; its blocks are shared from now on. Undefined if that is not in memory. */
  open(rip: number, { u8, pages }: GuestMemory): Zone | undefined {
    const page = rip >>> PAGE_SHIFT;
    if (((pages[page] as number) & PageBits.Exec) === 0) return undefined;
    this.#identity ??= new TextEncoder().encode(this.#identify());
    const number = new Uint8Array(Uint32Array.of(FORMAT, page).buffer);
    const content = u8.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    const name = this.#store.digest([this.#identity, number, content]);
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      const loaded = this.#load(name);
      for (const block of loaded) this.#shared.add(block);
      this.#zones.set(name, (zone = { name, loaded, news: [], volatile: false }));
    }
    return zone;
  }
  #load(name: string): readonly SharedBlock[] {
    const bytes = this.#store.read(name);
    try {
      return bytes === undefined ? [] : decode(bytes);
    } catch {
      // The store has kept it well, so it was wrong from the beginning: it is replaced at the next occasion.
      return [];
    }
  }

  save(): void {
    let written = false;
    for (const { name, loaded, news, volatile } of this.#zones.values()) {
      const added = sum(news, (block) => block.records);
      const there = sum(loaded, (block) => block.records);
      if (volatile || added < Math.max(MIN_NEWS, there / NEWS_SHARE)) continue;
      this.#store.write(name, encode([...loaded, ...news]));
      written = true;
    }
    this.#zones.clear();
    if (written) this.#store.trim();
  }
}

function sum(blocks: readonly SharedBlock[], of: (block: SharedBlock) => number): number {
  let total = 0;
  for (const block of blocks) total += of(block);
  return total;
}

function branchesOf(block: SharedBlock): number {
  return block.branchesEnd - block.branchesAt;
}

function encode(blocks: readonly SharedBlock[]): Uint8Array {
  const heads = 1 + HEAD * blocks.length;
  const branches = sum(blocks, branchesOf);
  const records = sum(blocks, (block) => block.records);
  const words = heads + branches + records * 5;
  const content = new Uint8Array(words * 4 + sum(blocks, (block) => block.length));
  const u32 = new Uint32Array(content.buffer, 0, words);
  const i32 = new Int32Array(content.buffer, 0, words);
  u32[0] = blocks.length;
  let headAt = 1;
  let branchAt = heads;
  let ripAt = heads + branches;
  let wordAt = ripAt + records;
  let codeAt = words * 4;
  for (const block of blocks) {
    const { from, recordsAt } = block;
    u32.set([block.start, block.length, block.records, block.instructionRecords, branchesOf(block)], headAt);
    for (let i = block.branchesAt; i < block.branchesEnd; i++) u32[branchAt++] = from.branches[i] as number;
    u32.set(from.rips.subarray(recordsAt, recordsAt + block.records), ripAt);
    i32.set(from.words.subarray(recordsAt * 4, (recordsAt + block.records) * 4), wordAt);
    content.set(from.code.subarray(block.codeAt, block.codeAt + block.length), codeAt);
    headAt += HEAD;
    ripAt += block.records;
    wordAt += block.records * 4;
    codeAt += block.length;
  }
  return content;
}

function decode(content: Uint8Array<ArrayBuffer>): SharedBlock[] {
  const aligned = content.byteOffset % 4 === 0 ? content : content.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  const u32 = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
  const count = u32[0] ?? 0;
  const heads = 1 + HEAD * count;
  if (heads > u32.length) throw new RangeError("cut off");
  let codeBytes = 0;
  let branches = 0;
  let records = 0;
  for (let at = 1; at < heads; at += HEAD) {
    codeBytes += u32[at + 1] as number;
    records += u32[at + 2] as number;
    branches += u32[at + 4] as number;
  }
  const ripsAt = heads + branches;
  const wordsAt = ripsAt + records;
  if ((wordsAt + records * 4) * 4 + codeBytes !== byteLength) throw new RangeError("another length");
  const from = {
    rips: u32.subarray(ripsAt, wordsAt),
    words: new Int32Array(buffer, byteOffset + wordsAt * 4, records * 4),
    code: new Uint8Array(buffer, byteOffset + (wordsAt + records * 4) * 4),
    branches: u32.subarray(heads, ripsAt),
  };
  const blocks: SharedBlock[] = [];
  let branchesAt = 0;
  let recordsAt = 0;
  let codeAt = 0;
  for (let at = 1; at < heads; at += HEAD) {
    const length = u32[at + 1] as number;
    const block: SharedBlock = {
      start: u32[at] as number,
      from,
      length,
      codeAt,
      records: u32[at + 2] as number,
      instructionRecords: u32[at + 3] as number,
      recordsAt,
      branchesAt,
      branchesEnd: branchesAt + (u32[at + 4] as number),
    };
    blocks.push(block);
    codeAt += length;
    recordsAt += block.records;
    branchesAt = block.branchesEnd;
  }
  return blocks;
}
