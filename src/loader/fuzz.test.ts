/**
 * Malformed files: whatever is in them, loading ends soon, with a program or with an error of ours that has a reason, and
 * leaves nothing behind. A program that did load can have all of its memory touched.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as E from "../abi/elf.ts";
import { EACCES, EFAULT, EINVAL, EIO, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOMEM, errno } from "../abi/errno.ts";
import { NO_LIMITS } from "../mm/address-space.ts";
import { BytesFile } from "../mm/bytes-file.ts";
import { Access } from "../mm/guest-access.ts";
import { PAGE_SIZE } from "../mm/layout.ts";
import { MemoryPool } from "../mm/memory-pool.ts";
import { encodeBytes } from "../util/bytes.ts";
import { LoadError } from "./elf.ts";
import { loadProgram } from "./exec.ts";
import { buildElf } from "./test-elf.ts";

const RUNS = 12_000;
/** What execve may say about a file: execve(2). */
const ALLOWED = new Set([EACCES, EFAULT, EINVAL, EIO, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOMEM]);

const linker = buildElf({ type: E.ET_DYN });
const seeds: readonly Uint8Array[] = [
  buildElf({}),
  buildElf({ type: E.ET_DYN }),
  buildElf({ type: E.ET_DYN, interpreter: "/ld" }),
  encodeBytes("#!/ld first second\n".padEnd(300, "x")),
  encodeBytes("#!/prog\n"),
];

/** Numbers at which things tend to break. */
const edges: readonly bigint[] = [
  0n, 1n, 7n, 8n, 0xfffn, 0x1000n, 0x1001n, 0x1_0000n, 0x40_0000n, 0x40_1000n, 0x7fff_ffffn, 0x8000_0000n,
  0xfbff_f000n, 0xfc00_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_f000n, 1n << 52n, 1n << 53n, 1n << 63n,
  (1n << 64n) - 4096n, (1n << 64n) - 1n,
]; // biome-ignore format: a list of numbers

type Mutation =
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "byte"; readonly at: number; readonly value: number }
  | { readonly kind: "field"; readonly header: number; readonly field: number; readonly value: bigint }
  | { readonly kind: "entry"; readonly value: bigint }
  | { readonly kind: "phoff"; readonly value: bigint }
  | { readonly kind: "count"; readonly value: number }
  | { readonly kind: "swap"; readonly a: number; readonly b: number };

const value = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: 0x1_0000_0000n }));
const header = fc.nat(4);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("cut" as const), at: fc.oneof(fc.nat(400), fc.nat(0x3000)) }),
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(64 + 5 * 56), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("byte" as const), at: fc.nat(64 + 5 * 56), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("field" as const), header, field: fc.nat(6), value }),
  fc.record({ kind: fc.constant("field" as const), header, field: fc.nat(6), value }),
  fc.record({ kind: fc.constant("entry" as const), value }),
  fc.record({ kind: fc.constant("phoff" as const), value }),
  fc.record({ kind: fc.constant("count" as const), value: fc.oneof(fc.nat(8), fc.nat(65535)) }),
  fc.record({ kind: fc.constant("swap" as const), a: header, b: header }),
);

function mutate(original: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let file = original.slice();
  for (const step of mutations) {
    const view = new DataView(file.buffer);
    const set64 = (at: number, to: bigint): void => {
      if (at + 8 <= file.length) view.setBigUint64(at, to, true);
    };
    const at = (index: number): number => 64 + index * 56;
    switch (step.kind) {
      case "cut":
        file = file.slice(0, step.at);
        break;
      case "flip":
        if (step.at < file.length) file[step.at] = (file[step.at] as number) ^ (1 << step.bit);
        break;
      case "byte":
        if (step.at < file.length) file[step.at] = step.value;
        break;
      case "field":
        // Type and flags together, then offset, vaddr, paddr, filesz, memsz, align.
        set64(at(step.header) + step.field * 8, step.value);
        break;
      case "entry":
        set64(24, step.value);
        break;
      case "phoff":
        set64(32, step.value);
        break;
      case "count":
        if (file.length > 58) view.setUint16(56, step.value, true);
        break;
      case "swap":
        if (at(step.a) + 56 <= file.length && at(step.b) + 56 <= file.length) {
          const kept = file.slice(at(step.a), at(step.a) + 56);
          file.copyWithin(at(step.a), at(step.b), at(step.b) + 56);
          file.set(kept, at(step.b));
        }
    }
  }
  return file;
}

describe("malformed files", () => {
  it(`${RUNS} of them: no crash, no hang, no error but the allowed ones`, () => {
    const pool = new MemoryPool({ limitBytes: 1 << 28 });
    let loaded = 0;
    const attempt = (program: Uint8Array, interpreter: Uint8Array): void => {
      const files: Record<string, Uint8Array> = { "/prog": program, "/ld": interpreter };
      const open = (path: string): BytesFile => {
        const contents = files[path];
        if (contents === undefined) throw errno(ENOENT);
        return new BytesFile(contents, 0, path);
      };
      let result: ReturnType<typeof loadProgram>;
      try {
        result = loadProgram({
          pool,
          limits: NO_LIMITS,
          filename: "/prog",
          file: open("/prog"),
          argv: [],
          envp: [],
          kinds: [{ machine: { machine: E.EM_X86_64, platform: "x86_64", hwcap: 0, hwcap2: 0, minSignalStack: 2048 } }],
          personality: 0,
          openExecutable: open,
          credentials: () => ({ uid: 0, euid: 0, gid: 0, egid: 0, secure: false }),
          random: (into) => into.fill(1),
          randomize: false,
        });
      } catch (error) {
        expect(error).toMatchObject({ name: "Errno" });
        const { code } = error as LoadError;
        if (!ALLOWED.has(code)) throw error;
        if (error instanceof LoadError) expect(error.reason.length).toBeGreaterThan(10);
        expect(pool.committedPages).toBe(0);
        return;
      }
      loaded++;
      const { space } = result;
      let end = 0;
      for (const vma of [...space.vmas]) {
        expect(vma.start).toBeGreaterThanOrEqual(end);
        expect(vma.end).toBeGreaterThan(vma.start);
        end = vma.end;
        for (const at of [vma.start, vma.end - PAGE_SIZE, vma.end - 1]) space.handleFault(at, Access.Read);
        space.handleFault(vma.start, Access.Write);
      }
      space.handleFault(result.entry, Access.Exec);
      space.brk(space.startBrk + 100);
      space.mmap(0, 8 * PAGE_SIZE, 3, 0x22);
      space.release();
      expect(pool.committedPages).toBe(0);
    };
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (seed, mutations, ofInterpreter) => {
          if (ofInterpreter) attempt(seeds[2] as Uint8Array, mutate(linker, mutations));
          else attempt(mutate(seed, mutations), linker);
        },
      ),
      { numRuns: RUNS, seed: 1 },
    );
    // Enough of them must get past the checks to mean anything.
    expect(loaded).toBeGreaterThan(RUNS / 20);
  });
});
