import { describe, expect, it } from "vitest";
import { Errno } from "../../abi/errno.ts";
import { Content } from "./content.ts";

const unlimited = { reserve: () => true };

class Budget {
  left: number;
  constructor(pages: number) {
    this.left = pages;
  }
  reserve(pages: number): boolean {
    if (pages > this.left) return false;
    this.left -= pages;
    return true;
  }
}

function bytes(n: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 0xff);
}

/** The same operations on a Content and on a plain array. */
class Model {
  bytes = new Uint8Array(0);
  resize(size: number): void {
    const next = new Uint8Array(size);
    next.set(this.bytes.subarray(0, size));
    this.bytes = next;
  }
  write(at: number, from: Uint8Array): void {
    if (at + from.length > this.bytes.length) this.resize(at + from.length);
    this.bytes.set(from, at);
  }
}

function readAll(content: Content): Uint8Array {
  const into = new Uint8Array(content.size).fill(0xee);
  expect(content.read(0, into)).toBe(content.size);
  return into;
}

describe("Content", () => {
  for (const belowSize of [0, 1, 4096, 70_000, 200_000]) {
    it(`does what a plain array does, over ${belowSize} bytes below`, () => {
      const below = bytes(belowSize, 9);
      const source = {
        read(position: number, into: Uint8Array): number {
          const part = below.subarray(position, position + into.length);
          into.set(part);
          return part.length;
        },
      };
      const content = new Content(unlimited, source, belowSize);
      const model = new Model();
      model.write(0, below);
      let state = belowSize + 7;
      const next = (n: number): number => {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
        return (state >> 8) % n;
      };
      for (let i = 0; i < 300; i++) {
        const at = next(260_000);
        switch (next(5)) {
          case 0:
          case 1: {
            const data = bytes(1 + next(next(4) === 0 ? 150_000 : 3000), i);
            expect(content.write(at, data)).toBe(data.length);
            model.write(at, data);
            break;
          }
          case 2:
            content.truncate(at);
            model.resize(at);
            break;
          case 3: {
            const to = at + 1 + next(100_000);
            content.punch(at, to);
            model.bytes.fill(0, at, Math.min(to, model.bytes.length));
            break;
          }
          default: {
            const into = new Uint8Array(1 + next(100_000)).fill(0xaa);
            const n = content.read(at, into);
            const expected = model.bytes.subarray(at, at + into.length);
            expect(n).toBe(Math.max(0, expected.length));
            expect(Buffer.compare(into.subarray(0, n), expected)).toBe(0);
          }
        }
        expect(content.size).toBe(model.bytes.length);
      }
      expect(Buffer.compare(readAll(content), model.bytes)).toBe(0);
    });
  }

  it("counts pages exactly and gives them back", () => {
    const budget = new Budget(100);
    const content = new Content(budget);
    content.write(0, bytes(1));
    expect([content.pages, budget.left]).toEqual([1, 99]);
    content.write(1, bytes(4095));
    expect(content.pages).toBe(1);
    content.write(10 * 4096 + 5, bytes(4096));
    expect(content.pages).toBe(3);
    content.truncate(4097);
    expect([content.pages, budget.left]).toEqual([1, 99]);
    content.punch(0, 4096);
    expect([content.pages, budget.left]).toEqual([0, 100]);
    content.write(100_000, bytes(70_000));
    content.free();
    expect(budget.left).toBe(100);
  });

  it("writes what fits, then says ENOSPC", () => {
    const content = new Content(new Budget(20));
    expect(content.write(0, bytes(200_000))).toBe(20 * 4096);
    expect(() => content.write(20 * 4096, bytes(1))).toThrow(Errno);
    expect(content.size).toBe(20 * 4096);
  });

  it("finds data and holes by pages", () => {
    const content = new Content(unlimited);
    content.write(5 * 4096 + 100, bytes(10));
    content.write(40 * 2 ** 20, bytes(1));
    expect(content.seek(0, false)).toBe(5 * 4096);
    expect(content.seek(0, true)).toBe(0);
    expect(content.seek(5 * 4096 + 50, false)).toBe(5 * 4096 + 50);
    expect(content.seek(5 * 4096 + 50, true)).toBe(6 * 4096);
    expect(content.seek(6 * 4096, false)).toBe(40 * 2 ** 20);
    expect(content.seek(40 * 2 ** 20, true)).toBe(content.size);
  });

  it("keeps what is allocated apart from what is written", () => {
    const budget = new Budget(20);
    const content = new Content(budget);
    content.truncate(100_000);
    content.allocate(0, 5 * 4096);
    expect([content.pages, content.seek(0, false), content.seek(0, true)]).toEqual([5, undefined, 0]);
    content.write(4096, bytes(10));
    expect([content.pages, content.seek(0, false), content.seek(4096, true)]).toEqual([5, 4096, 2 * 4096]);
    content.punch(0, 100_000);
    expect([content.pages, content.seek(0, false)]).toEqual([0, undefined]);
    expect(() => content.allocate(0, 21 * 4096)).toThrow(Errno);
  });

  it("collapses and inserts ranges, holes and all", () => {
    const content = new Content(unlimited);
    const page = (fill: number): Uint8Array => new Uint8Array(4096).fill(fill);
    for (const i of [0, 1, 3, 20, 40]) content.write(i * 4096, page(i + 1));
    const before = readAll(content);
    content.shift(4 * 4096, -2 * 4096);
    const collapsed = readAll(content);
    const joined = Buffer.concat([before.subarray(0, 2 * 4096), before.subarray(4 * 4096)]);
    expect(joined.equals(collapsed)).toBe(true);
    expect(content.seek(2 * 4096, false)).toBe(18 * 4096);
    content.shift(2 * 4096, 3 * 4096);
    const inserted = readAll(content);
    const hole = new Uint8Array(3 * 4096);
    const spread = Buffer.concat([collapsed.subarray(0, 2 * 4096), hole, collapsed.subarray(2 * 4096)]);
    expect(spread.equals(inserted)).toBe(true);
    expect(content.seek(2 * 4096, false)).toBe(21 * 4096);
  });

  it("is sparse: a terabyte costs nothing until written", () => {
    const budget = new Budget(4);
    const content = new Content(budget);
    content.truncate(2 ** 40);
    content.write(2 ** 40 - 5, bytes(5));
    expect(content.pages).toBe(1);
    const into = new Uint8Array(10);
    expect(content.read(2 ** 40 - 10, into)).toBe(10);
    expect([...into]).toEqual([0, 0, 0, 0, 0, ...bytes(5)]);
  });
});
