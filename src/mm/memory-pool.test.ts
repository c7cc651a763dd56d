import { describe, expect, it } from "vitest";
import { PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import { AddressSpace } from "./address-space.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { PAGE_SIZE } from "./layout.ts";
import { MemoryPool } from "./memory-pool.ts";

const START = 0x10_0000;

/** An address space with `pages` pages that were written to. */
function touched(pool: MemoryPool, pages: number): { space: AddressSpace; memory: GuestMemory } {
  const space = new AddressSpace(pool);
  space.mapAnonymous(START, START + pages * PAGE_SIZE, PROT_READ | PROT_WRITE);
  for (let page = 0; page < pages; page++) space.writeU8(START + page * PAGE_SIZE, 1);
  return { space, memory: space.memory };
}

describe("memories that are kept", () => {
  it("are given out again, the one that holds most first, and are zero", () => {
    const pool = new MemoryPool();
    const [small, large, middle] = [touched(pool, 1), touched(pool, 9), touched(pool, 5)];
    for (const { space } of [large, small, middle]) space.release();
    const memories = [large, middle, small].map(({ memory }) => memory);
    for (const memory of memories) {
      const space = new AddressSpace(pool);
      expect(space.memory).toBe(memory);
      for (let page = 0; page < 9; page++) expect(memory.u8[START + page * PAGE_SIZE]).toBe(0);
    }
  });

  it("hold no more than they may, and what is dropped is reported with all that it holds", () => {
    const dropped: number[] = [];
    const pool = new MemoryPool({ keepBytes: 10 * PAGE_SIZE, dropped: (bytes) => dropped.push(bytes / PAGE_SIZE) });
    const [first, second] = [touched(pool, 6), touched(pool, 5)];
    first.space.release();
    second.space.release();
    expect(dropped).toEqual([5]);
    expect(pool.committedPages).toBe(0);
    // A space of one page in the memory that holds six, while the memory of another has taken the room.
    const one = touched(pool, 1);
    expect(one.memory).toBe(first.memory);
    touched(pool, 7).space.release();
    one.space.release();
    expect(dropped).toEqual([5, 6]);
  });

  it("are no more in number than they may be", () => {
    let dropped = 0;
    const pool = new MemoryPool({ keep: 1, dropped: () => dropped++ });
    for (const { space } of [touched(pool, 1), touched(pool, 1)]) space.release();
    expect(dropped).toBe(1);
  });
});
