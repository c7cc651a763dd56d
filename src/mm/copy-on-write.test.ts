/**
 * Processes that fork and then touch, unmap, protect and move what they share, and end in any order, against a model in which
 * a fork copies everything.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MADV_DONTNEED,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
} from "../abi/mman.ts";
import { AddressSpace, NO_LIMITS } from "./address-space.ts";
import { BytesFile, BytesInode } from "./bytes-file.ts";
import { Access } from "./guest-access.ts";
import { PAGE_SHIFT, PAGE_SIZE, PageBits } from "./layout.ts";
import { MemoryPool } from "./memory-pool.ts";

/** Pages of the window in which all happens, and of the area that is mapped shared. */
const WINDOW = 16;
const SHARED = 2;
const BASE = 0x2000_0000;
const SHARED_BASE = 0x3000_0000;
const FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

interface Page {
  readonly bytes: Uint8Array;
  writable: boolean;
  /** Contents of a mapping of the file, which MADV_DONTNEED brings back. */
  readonly original: Uint8Array;
  wiped: boolean;
}

interface Process {
  readonly space: AddressSpace;
  readonly pages: (Page | null)[];
  readonly shared: Uint8Array;
}

const zeros = new Uint8Array(PAGE_SIZE);
const fileBytes = Uint8Array.from({ length: WINDOW * PAGE_SIZE }, (_, i) => (i >>> PAGE_SHIFT) + 100);

type Step =
  | { readonly op: "switch" | "exit"; readonly to: number }
  | { readonly op: "fork" }
  | { readonly op: "write" | "read"; readonly page: number; readonly byte: number; readonly value: number }
  | { readonly op: "writeShared" | "readShared"; readonly page: number; readonly byte: number; readonly value: number }
  | {
      readonly op: "unmap" | "map" | "mapFile" | "readOnly" | "writable" | "forget" | "wipe";
      readonly page: number;
      readonly count: number;
    }
  | { readonly op: "move"; readonly page: number; readonly count: number; readonly to: number };

const page = fc.nat(WINDOW - 1);
const count = fc.integer({ min: 1, max: 6 });
const byte = fc.constantFrom(0, 1, 2048, PAGE_SIZE - 1);
const value = fc.integer({ min: 1, max: 255 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant("switch" as const), to: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("fork" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("exit" as const), to: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom("write" as const, "read" as const), page, byte, value }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("writeShared" as const, "readShared" as const),
      page: fc.nat(SHARED - 1),
      byte,
      value,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constantFrom("unmap", "map", "mapFile", "readOnly", "writable", "forget", "wipe" as const),
      page,
      count,
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("move" as const), page, count, to: page }) },
);

function forked({ space, pages, shared }: Process): Process {
  const copies = pages.map((p) => p && { ...p, bytes: p.wiped ? zeros.slice() : p.bytes.slice() });
  return { space: space.fork(), pages: copies, shared };
}

function apply(process: Process, action: Step, file: BytesFile): void {
  const { space, pages, shared } = process;
  if (action.op === "write" || action.op === "read") {
    const model = pages[action.page];
    const address = BASE + action.page * PAGE_SIZE + action.byte;
    const ok = model !== null && model !== undefined && (action.op === "read" || model.writable);
    const result = space.handleFault(address, action.op === "read" ? Access.Read : Access.Write);
    expect(result.ok).toBe(ok);
    if (!ok) return;
    if (action.op === "read") expect(space.readU8(address)).toBe(model.bytes[action.byte]);
    else space.writeU8(address, (model.bytes[action.byte] = action.value));
  } else if (action.op === "writeShared") {
    const at = action.page * PAGE_SIZE + action.byte;
    space.writeU8(SHARED_BASE + at, (shared[at] = action.value));
  } else if (action.op === "readShared") {
    const at = action.page * PAGE_SIZE + action.byte;
    expect(space.readU8(SHARED_BASE + at)).toBe(shared[at]);
  } else if ("count" in action) {
    const first = action.page;
    const last = Math.min(WINDOW, first + action.count);
    const start = BASE + first * PAGE_SIZE;
    const length = (last - first) * PAGE_SIZE;
    const mapped = pages.slice(first, last).every((p) => p !== null);
    switch (action.op) {
      case "unmap":
        space.munmap(start, length);
        pages.fill(null, first, last);
        break;
      case "map":
      case "mapFile":
        if (action.op === "map") space.mmap(start, length, 3, FLAGS);
        else space.mmap(start, length, 3, MAP_PRIVATE | MAP_FIXED, file, first * PAGE_SIZE);
        for (let p = first; p < last; p++) {
          const original = action.op === "map" ? zeros : fileBytes.subarray(p * PAGE_SIZE, (p + 1) * PAGE_SIZE);
          pages[p] = { bytes: original.slice(), writable: true, original, wiped: false };
        }
        break;
      case "readOnly":
      case "writable":
        if (!mapped) break;
        space.mprotect(start, length, action.op === "writable" ? 3 : 1);
        for (const p of pages.slice(first, last)) if (p) p.writable = action.op === "writable";
        break;
      case "forget":
        if (!mapped) break;
        space.madvise(start, length, MADV_DONTNEED);
        for (const p of pages.slice(first, last)) p?.bytes.set(p.original);
        break;
      case "wipe":
        if (!pages.slice(first, last).every((p) => p?.original === zeros)) break;
        space.madvise(start, length, MADV_WIPEONFORK);
        for (const p of pages.slice(first, last)) if (p) p.wiped = true;
        break;
      case "move": {
        const { to } = action;
        const overlaps = first < to + (last - first) && to < last;
        if (!mapped || overlaps || to + (last - first) > WINDOW) break;
        const target = BASE + to * PAGE_SIZE;
        // One mapping at a time, so that it does not matter how they are cut.
        for (let p = 0; p < last - first; p++) {
          const from = start + p * PAGE_SIZE;
          space.mremap(from, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, target + p * PAGE_SIZE);
        }
        for (let p = first; p < last; p++) {
          pages[to + p - first] = pages[p] ?? null;
          pages[p] = null;
        }
      }
    }
  }
}

function compare({ space, pages, shared }: Process): void {
  for (const [index, model] of pages.entries()) {
    if (model) expect(Buffer.compare(space.readable(BASE + index * PAGE_SIZE, PAGE_SIZE), model.bytes)).toBe(0);
  }
  expect(Buffer.compare(space.readable(SHARED_BASE, SHARED * PAGE_SIZE), shared)).toBe(0);
}

function run(pool: MemoryPool, steps: readonly Step[], order: readonly number[]): void {
  const inode = new BytesInode(fileBytes);
  const file = new BytesFile(inode, 0);
  file.references++;
  const first = new AddressSpace(pool, { limits: { ...NO_LIMITS } });
  first.mmap(BASE, WINDOW * PAGE_SIZE, 3, FLAGS);
  first.mmap(SHARED_BASE, SHARED * PAGE_SIZE, 3, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
  const empty = Array.from({ length: WINDOW }, (): Page => {
    return { bytes: zeros.slice(), writable: true, original: zeros, wiped: false };
  });
  const processes: Process[] = [{ space: first, pages: empty, shared: new Uint8Array(SHARED * PAGE_SIZE) }];
  for (let p = 0; p < WINDOW; p++)
    apply(processes[0] as Process, { op: "write", page: p, byte: 7, value: p + 1 }, file);
  let current = processes[0] as Process;
  pool.activate(current.space);
  const end = (index: number): void => {
    const [ended] = processes.splice(index, 1);
    ended?.space.release();
  };
  for (const action of steps) {
    switch (action.op) {
      case "switch":
        current = processes[action.to % processes.length] as Process;
        break;
      case "fork":
        if (processes.length < 6) processes.push(forked(current));
        break;
      case "exit":
        if (processes.length > 1) end(action.to % processes.length);
        if (!processes.includes(current)) current = processes[0] as Process;
        break;
      default:
        apply(current, action, file);
    }
    pool.activate(current.space);
  }
  for (const at of order) {
    if (processes.length === 0) break;
    const index = at % processes.length;
    const process = processes[index] as Process;
    pool.activate(process.space);
    compare(process);
    end(index);
  }
  for (const process of processes) {
    pool.activate(process.space);
    compare(process);
  }
  while (processes.length > 0) end(0);
  expect(pool.committedPages).toBe(0);
  expect(file.references).toBe(1);
}

/** A process with `pages` pages written, each with its number. */
function writer(pool: MemoryPool, pages: number): AddressSpace {
  const space = new AddressSpace(pool, { limits: { ...NO_LIMITS } });
  space.mmap(BASE, pages * PAGE_SIZE, 3, FLAGS);
  for (let p = 0; p < pages; p++) space.writeU32(BASE + p * PAGE_SIZE, p + 1);
  return space;
}

const bits = (space: AddressSpace, index: number): number =>
  space.memory.pages[(BASE >>> PAGE_SHIFT) + index] as number;

describe("memory after a fork", () => {
  it("is what it would be if all had been copied", () => {
    const pool = new MemoryPool({ copyAtFork: 0 });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 10, maxLength: 100 }),
        fc.array(fc.nat(5), { maxLength: 6 }),
        (steps, order) => run(pool, steps, order),
      ),
      { numRuns: 300, seed: 11 },
    );
  });

  it("is copied for pages that somebody touches, and for no others", () => {
    const pages = 51_200; // 200 MB
    const pool = new MemoryPool();
    const parent = writer(pool, pages);
    const before = pool.committedPages;
    const child = parent.fork();
    expect(pool.committedPages).toBe(before);
    expect(child.presentPages).toBe(parent.presentPages);
    for (let p = 0; p < 100; p++) child.writeU32(BASE + p * PAGE_SIZE, 0);
    for (let p = 50; p < 200; p++) parent.writeU32(BASE + p * PAGE_SIZE, 0);
    // 100 of the child's; of the parent's those that the child had not taken already.
    expect(pool.committedPages).toBe(before + 200);
    expect(child.readU32(BASE + 150 * PAGE_SIZE)).toBe(151);
    expect(child.readU32(BASE + 60_0 * PAGE_SIZE)).toBe(601);
    expect(parent.readU32(BASE)).toBe(1);
    child.release();
    expect(pool.committedPages).toBe(before);
    // Nobody is left to keep anything for: the parent's next writes copy nothing.
    for (let p = 0; p < 1000; p++) parent.writeU32(BASE + p * PAGE_SIZE, 7);
    expect(pool.committedPages).toBe(before);
    parent.release();
    expect(pool.committedPages).toBe(0);
  });

  it("is copied at once for a small process", () => {
    const pool = new MemoryPool();
    const parent = writer(pool, 8);
    const child = parent.fork();
    expect(bits(child, 0) & PageBits.Inherited).toBe(0);
    expect(bits(parent, 0) & PageBits.Write).toBe(PageBits.Write);
    child.release();
    parent.release();
  });

  it("outlives the process whose it was", () => {
    const pool = new MemoryPool({ copyAtFork: 0 });
    const parent = writer(pool, 8);
    const children = [parent.fork(), parent.fork()];
    const grandchild = (children[0] as AddressSpace).fork();
    expect(pool.committedPages).toBe(8);
    parent.release();
    expect(pool.committedPages).toBe(8);
    for (const space of [...children, grandchild]) {
      for (let p = 0; p < 8; p++) expect(space.readU32(BASE + p * PAGE_SIZE)).toBe(p + 1);
      space.release();
    }
    expect(pool.committedPages).toBe(0);
  });

  it("takes away the right to write that both sides had to two pages at once", () => {
    const pool = new MemoryPool({ copyAtFork: 0 });
    const parent = writer(pool, 3);
    const { pages } = parent.memory;
    const at = BASE >>> PAGE_SHIFT;
    for (let p = 0; p < 2; p++) pages[at + p] = (pages[at + p] as number) | PageBits.WriteOn | PageBits.ReadOn;
    const child = parent.fork();
    for (let p = 0; p < 3; p++) {
      expect(bits(parent, p) & (PageBits.Write | PageBits.WriteOn)).toBe(0);
      expect(bits(child, p)).toBe(PageBits.Present | PageBits.Inherited);
    }
    child.release();
    parent.release();
  });

  it("that cannot be had is a kill, not more than the machine may have", () => {
    const pool = new MemoryPool({ copyAtFork: 0, limitBytes: 10 * PAGE_SIZE });
    const parent = writer(pool, 8);
    const child = parent.fork();
    for (let p = 0; p < 2; p++) expect(child.handleFault(BASE + p * PAGE_SIZE, Access.Write).ok).toBe(true);
    expect(child.handleFault(BASE + 2 * PAGE_SIZE, Access.Read)).toMatchObject({ ok: false, signal: 9 });
    expect(parent.handleFault(BASE + 3 * PAGE_SIZE, Access.Write)).toMatchObject({ ok: false, signal: 9 });
    expect(pool.committedPages).toBe(10);
    child.release();
    expect(parent.handleFault(BASE + 3 * PAGE_SIZE, Access.Write).ok).toBe(true);
    parent.release();
    expect(pool.committedPages).toBe(0);
  });
});
