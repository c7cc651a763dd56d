/**
 * Several processes that fork, switch, write and read private memory, shared memory and a mapped file, against a model
 * in which sharing is simply the same array.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from "../abi/mman.ts";
import { AddressSpace, NO_LIMITS } from "./address-space.ts";
import { BytesFile, BytesInode } from "./bytes-file.ts";
import { PAGE_SIZE } from "./layout.ts";
import { MemoryPool } from "./memory-pool.ts";

const PAGES = 3;
const SIZE = PAGES * PAGE_SIZE;
const AREA = { private: 0x2000_0000, shared: 0x2001_0000, file: 0x2002_0000, alias: 0x2003_0000 } as const;
type Area = keyof typeof AREA;

interface Process {
  readonly space: AddressSpace;
  /** What the model has in each area; shared areas are one array in all processes. */
  readonly model: Record<Area, Uint8Array>;
}

type Step =
  | { readonly op: "switch"; readonly to: number }
  | { readonly op: "fork" | "exit" }
  | { readonly op: "write" | "read"; readonly area: Area; readonly at: number; readonly value: number }
  | { readonly op: "fileWrite" | "fileRead"; readonly at: number; readonly value: number }
  | { readonly op: "unmapAlias" };

const at = fc
  .tuple(fc.nat(PAGES - 1), fc.constantFrom(0, 1, 2048, PAGE_SIZE - 1))
  .map(([page, byte]) => page * PAGE_SIZE + byte);
const area = fc.constantFrom<Area>("private", "shared", "file", "alias");
const value = fc.integer({ min: 1, max: 255 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant("switch" as const), to: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("fork" as const, "exit" as const) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant("write" as const), area, at, value }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant("read" as const), area, at, value }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("fileWrite" as const, "fileRead" as const), at, value }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("unmapAlias" as const) }) },
);

function run(pool: MemoryPool, steps: readonly Step[]): void {
  const inode = new BytesInode(new Uint8Array(SIZE));
  const file = new BytesFile(inode, 2);
  file.references++;
  const first = new AddressSpace(pool, { limits: { ...NO_LIMITS } });
  first.mmap(AREA.private, SIZE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  first.mmap(AREA.shared, SIZE, 3, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
  first.mmap(AREA.file, SIZE, 3, MAP_SHARED | MAP_FIXED, file);
  first.mmap(AREA.alias, SIZE, 3, MAP_SHARED | MAP_FIXED, file);
  const contents = new Uint8Array(SIZE);
  const model = { private: new Uint8Array(SIZE), shared: new Uint8Array(SIZE), file: contents, alias: contents };
  const processes: Process[] = [{ space: first, model }];
  let current = processes[0] as Process;
  pool.activate(current.space);
  for (const action of steps) {
    const { space } = current;
    switch (action.op) {
      case "switch":
        current = processes[action.to % processes.length] as Process;
        pool.activate(current.space);
        break;
      case "fork":
        if (processes.length < 5) {
          processes.push({ space: space.fork(), model: { ...current.model, private: current.model.private.slice() } });
        }
        break;
      case "exit":
        if (processes.length === 1) break;
        processes.splice(processes.indexOf(current), 1);
        space.release();
        current = processes[0] as Process;
        pool.activate(current.space);
        break;
      case "write":
        space.writeU8(AREA[action.area] + action.at, action.value);
        current.model[action.area][action.at] = action.value;
        break;
      case "read":
        expect(space.readU8(AREA[action.area] + action.at)).toBe(current.model[action.area][action.at]);
        break;
      case "fileWrite":
        pool.beforeWrite(inode);
        inode.write(action.at, Uint8Array.of(action.value));
        pool.afterWrite(inode, action.at, 1);
        contents[action.at] = action.value;
        break;
      case "fileRead":
        pool.beforeRead(inode);
        expect(inode.bytes[action.at]).toBe(contents[action.at]);
        break;
      case "unmapAlias":
        space.munmap(AREA.alias, SIZE);
        space.mmap(AREA.alias, SIZE, 3, MAP_SHARED | MAP_FIXED, file);
    }
  }
  for (const process of processes) {
    pool.activate(process.space);
    for (const name of Object.keys(AREA) as Area[]) {
      expect(Buffer.compare(process.space.readable(AREA[name], SIZE), process.model[name]), name).toBe(0);
    }
  }
  for (const process of processes) process.space.release();
  expect(pool.committedPages).toBe(0);
  expect(file.references).toBe(1);
}

describe("memory of several processes", () => {
  it("is shared where it should be, and nowhere else", () => {
    const pool = new MemoryPool();
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => run(pool, steps)),
      { numRuns: 300, seed: 7 },
    );
  });
});
