/** The initial stack against the one that the real kernel builds (recorded: npx tsx scripts/record-stacks.ts). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AT_EXECFN, AT_NULL, AT_PLATFORM, AT_RANDOM, EM_X86_64 } from "../../src/abi/elf.ts";
import { MemoryHost } from "../../src/host/memory/index.ts";
import { loadProgram } from "../../src/loader/exec.ts";
import { buildElf } from "../../src/loader/test-elf.ts";
import { vdsoX86_64 } from "../../src/loader/vdso-x86_64.ts";
import { NO_LIMITS } from "../../src/mm/address-space.ts";
import { BytesFile } from "../../src/mm/bytes-file.ts";
import { MemoryPool } from "../../src/mm/memory-pool.ts";
import { makeClockPage, makeVdso } from "../../src/proc/vdso.ts";
import { encodeBytes } from "../../src/util/bytes.ts";

interface Case {
  filename: string;
  argv: string[];
  env: Record<string, string>;
  /** All addresses as distances from the top; values in auxv that are no addresses in the stack are -1. */
  stack: { sp: number; argv: number[]; envp: number[]; auxv: [number, number][]; bytes: string };
}
const { cases } = JSON.parse(readFileSync(new URL("./fixtures/stacks.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

const { clock } = new MemoryHost();

describe("initial stack", () => {
  it.each(cases)("of $argv.length arguments", ({ filename, argv, env, stack }) => {
    const random = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
    const pool = new MemoryPool();
    const vdso = makeVdso(vdsoX86_64(), makeClockPage({ ...clock, realtimeOffset: () => 0n }, pool, 0n));
    const { space, stackPointer } = loadProgram({
      pool,
      limits: NO_LIMITS,
      filename,
      file: new BytesFile(buildElf({})),
      argv: argv.map(encodeBytes),
      envp: Object.entries(env).map(([key, value]) => encodeBytes(`${key}=${value}`)),
      kinds: [
        {
          vdso,
          machine: {
            machine: EM_X86_64,
            platform: "x86_64",
            hwcap: 0,
            hwcap2: 2,
            minSignalStack: 3376,
            rseq: { featureSize: 28, align: 32 },
          },
        },
      ],
      personality: 0,
      openExecutable: () => {
        throw new Error("no interpreter expected");
      },
      credentials: () => ({ uid: 0, euid: 0, gid: 0, egid: 0, secure: false }),
      random: (into) => into.set(random),
      randomize: false,
    });
    const top = space.stackTop;
    const word = (index: number): number => space.readNumber64(stackPointer + index * 8);
    const pointers = (from: number, count: number): number[] =>
      Array.from({ length: count }, (_, index) => top - word(from + index));
    expect(word(0)).toBe(argv.length);
    expect(pointers(1, argv.length)).toEqual(stack.argv);
    const envp = argv.length + 2;
    expect(word(envp - 1)).toBe(0);
    expect(pointers(envp, stack.envp.length)).toEqual(stack.envp);
    let at = envp + stack.envp.length + 1;
    const auxv: [number, number][] = [];
    for (; auxv.at(-1)?.[0] !== AT_NULL; at += 2) {
      const isAddress = [AT_RANDOM, AT_EXECFN, AT_PLATFORM].includes(word(at));
      auxv.push([word(at), isAddress ? top - word(at + 1) : -1]);
    }
    expect(auxv).toEqual(stack.auxv);
    expect(top - stackPointer).toBe(stack.sp);
    expect(stackPointer % 16).toBe(0);
    const randomAt = top - (stack.auxv.find(([type]) => type === AT_RANDOM)?.[1] ?? 0);
    expect(space.readable(randomAt, 16)).toEqual(random);
    expect(Buffer.from(space.readable(randomAt + 16, top - randomAt - 16)).toString("hex")).toBe(stack.bytes);
    // 128 KiB of mapping below what the strings take, as the kernel leaves it.
    const used = Math.ceil(stack.bytes.length / 2 / 4096) * 4096;
    expect(top - (space.vmas.find(stackPointer)?.start ?? 0)).toBe(used + 131072);
  });
});
