import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CodeStore } from "../../host/interface.ts";
import { GuestMemory } from "../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../mm/layout.ts";
import { Trap } from "../core.ts";
import { registers } from "../isa/x86_64/arch.ts";
import { GPR } from "../isa/x86_64/context.ts";
import { InterpEngine } from "./engine.ts";
import { generateModule } from "./generate.ts";

const CODE = 0x10000;
const module = generateModule();

class Store implements CodeStore {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  writes = 0;
  digest(parts: readonly Uint8Array[]): string {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  }
  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    return this.files.get(name)?.slice();
  }
  write(name: string, content: Uint8Array): void {
    this.writes++;
    this.files.set(name, content.slice());
  }
  trim(): void {}
}

let store: Store;
beforeEach(() => {
  store = new Store();
});

/** "add eax, n" for each, with a conditional jump over the next in between, and "syscall" in the end: the code and what is in eax then. */
function program(length: number, last = 1): { bytes: number[]; sum: number } {
  const bytes = [0x31, 0xc0];
  let sum = 0;
  for (let i = 1; i <= length; i++) {
    const n = i === length ? last : i;
    // jnz: never over the first, as eax is 0, and over all others.
    if (i % 10 === 0) bytes.push(0x75, 5);
    bytes.push(0x05, n & 0xff, n >> 8, 0, 0);
    if (i % 10 !== 0) sum += n;
  }
  // Decoding ends at the jump.
  bytes.push(0x0f, 0x05, 0xeb, 0xfe);
  return { bytes, sum };
}

interface Outcome {
  readonly eax: number;
  /** Instructions that were decoded. */
  readonly decoded: number;
}

function run(bytes: readonly number[], change?: { at: number; byte: number }, at = CODE): Outcome {
  const engine = new InterpEngine({ module, store });
  const decode = vi.spyOn(engine.decoder, "decode");
  const memory = new GuestMemory();
  const core = engine.attach(memory);
  registers.reset(memory.context);
  const { Present, Read, Exec } = PageBits;
  memory.pages.fill(Present | Read | Exec, at >>> PAGE_SHIFT, (at >>> PAGE_SHIFT) + 4);
  memory.u8.set(bytes, at);
  const go = (): void => {
    registers.setPc(memory.context, at);
    let trap: Trap;
    do trap = core.run(1000);
    while (trap === Trap.Fuel);
    expect(trap).toBe(Trap.Syscall);
  };
  go();
  if (change !== undefined) {
    memory.u8[change.at] = change.byte;
    core.invalidate(change.at, change.at + 1);
    go();
  }
  engine.save();
  return { eax: memory.context.getUint32(GPR, true), decoded: decode.mock.calls.length };
}

describe("blocks of other runs", () => {
  it("need not be decoded again", () => {
    const { bytes, sum } = program(100);
    const first = run(bytes);
    expect(first).toEqual({ eax: sum, decoded: 113 });
    expect(store.writes).toBe(1);
    expect(run(bytes)).toEqual({ eax: sum, decoded: 0 });
    expect(store.writes).toBe(1);
  });

  it("are found by address as well", () => {
    const { bytes, sum } = program(100);
    run(bytes);
    expect(run(bytes, undefined, CODE + 0x1000)).toEqual({ eax: sum, decoded: 113 });
    expect(store.files.size).toBe(2);
  });

  it("are compared with the code that is there", () => {
    // The second page differs, and what is kept is found by the first.
    const { bytes, sum } = program(1500);
    const other = program(1500, 9);
    expect(run(bytes).eax).toBe(sum);
    expect(store.files.size).toBe(1);
    const { eax, decoded } = run(other.bytes);
    expect(eax).toBe(other.sum);
    expect(decoded).toBeGreaterThan(0);
    expect(decoded).toBeLessThan(100);
  });

  it("are added to if there is enough news", () => {
    const { bytes, sum } = program(1500);
    const jump = [0xe9, 0, 0, 0, 0, ...bytes];
    run(jump);
    // The jump is on the page that says what is to be found.
    const [name] = [...store.files.keys()];
    const before = store.files.get(name as string) as Uint8Array;
    const more = [...jump, ...new Array(3000).fill(0x90)];
    more.splice(more.length - 4, 4, 0x0f, 0x05, 0xeb, 0xfe);
    more.fill(0x90, jump.length - 4, jump.length);
    expect(run(more).eax).toBe(sum);
    expect(store.files.size).toBe(1);
    expect((store.files.get(name as string) as Uint8Array).length).toBeGreaterThan(before.length + 3000 * 20);
    expect(run(more)).toEqual({ eax: sum, decoded: 0 });
  });

  it("are not kept of code that changes, and little is not worth it", () => {
    const { bytes } = program(100);
    run(bytes, { at: CODE + 3, byte: 7 });
    run(program(20).bytes);
    expect(store.files.size).toBe(0);
  });

  it("are no worse than none where a file is damaged", () => {
    const { bytes, sum } = program(100);
    run(bytes);
    const [[name, whole]] = [...store.files] as [[string, Uint8Array<ArrayBuffer>]];
    for (const content of [
      new Uint8Array(0),
      whole.slice(0, 4),
      whole.slice(0, whole.length - 1),
      whole.slice(0, 400),
    ]) {
      store.files.set(name, content);
      expect(run(bytes)).toEqual({ eax: sum, decoded: 113 });
      expect(store.files.get(name)).toEqual(whole);
    }
  });

  it("are read wherever they lie in a buffer", () => {
    const { bytes, sum } = program(100);
    run(bytes);
    vi.spyOn(store, "read").mockImplementation((name) => {
      const file = store.files.get(name) as Uint8Array;
      const shifted = new Uint8Array(file.length + 1);
      shifted.set(file, 1);
      return shifted.subarray(1);
    });
    expect(run(bytes)).toEqual({ eax: sum, decoded: 0 });
  });
});
