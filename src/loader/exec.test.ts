import { describe, expect, it } from "vitest";
import * as E from "../abi/elf.ts";
import { E2BIG, EACCES, EINVAL, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOMEM, Errno, errno } from "../abi/errno.ts";
import { SIGSEGV } from "../abi/signal.ts";
import { NO_LIMITS } from "../mm/address-space.ts";
import { BytesFile } from "../mm/bytes-file.ts";
import { Access } from "../mm/guest-access.ts";
import { PAGE_SIZE, TASK_SIZE } from "../mm/layout.ts";
import { MemoryPool } from "../mm/memory-pool.ts";
import { decodeBytes, encodeBytes } from "../util/bytes.ts";
import { LoadError } from "./elf.ts";
import { type ExecRequest, type LoadedProgram, loadProgram, PIE_BASE } from "./exec.ts";
import { checkArguments } from "./stack.ts";
import { buildElf, type Segment } from "./test-elf.ts";

type Files = Record<string, Uint8Array | string>;

function request(files: Files, path = "/prog", more: Partial<ExecRequest> = {}): ExecRequest {
  const open = (name: string): BytesFile => {
    const contents = files[name];
    if (contents === undefined) throw errno(ENOENT);
    return new BytesFile(typeof contents === "string" ? encodeBytes(contents) : contents, 0, name);
  };
  return {
    pool: new MemoryPool(),
    limits: NO_LIMITS,
    filename: path,
    file: open(path),
    argv: [encodeBytes(path)],
    envp: [],
    kinds: [
      { machine: { machine: E.EM_X86_64, platform: "x86_64", hwcap: 0, hwcap2: 0, minSignalStack: 2048 } },
      {
        machine: {
          machine: E.EM_RISCV,
          platform: null,
          hwcap: 5,
          minSignalStack: 2048,
          auxv: [[E.AT_L1I_CACHESIZE, 7]],
        },
      },
    ],
    personality: 0,
    openExecutable: open,
    credentials: () => ({ uid: 1, euid: 2, gid: 3, egid: 4, secure: true }),
    random: (into) => into.fill(5),
    randomize: false,
    ...more,
  };
}

function failure(files: Files, path?: string, more?: Partial<ExecRequest>): LoadError {
  const asked = request(files, path, more);
  try {
    loadProgram(asked);
  } catch (error) {
    expect(asked.pool.committedPages).toBe(0);
    if (error instanceof LoadError) return error;
    throw error;
  }
  throw new Error("it was loaded");
}

function arguments_({ space, stackPointer }: LoadedProgram): string[] {
  return space.readStringArray(stackPointer + 8).map(decodeBytes);
}

function maps({ space }: LoadedProgram): string[] {
  return [...space.vmas].map((vma) => {
    const perms = `${vma.prot & 1 ? "r" : "-"}${vma.prot & 2 ? "w" : "-"}${vma.prot & 4 ? "x" : "-"}`;
    return `${vma.start.toString(16)}-${vma.end.toString(16)} ${perms} ${vma.offset.toString(16)} ${space.nameOf(vma)}`.trim();
  });
}

function auxv({ space }: LoadedProgram): Map<number, number> {
  const view = new DataView(space.auxv.buffer, space.auxv.byteOffset, space.auxv.byteLength);
  const entries = new Map<number, number>();
  for (let at = 0; at < space.auxv.byteLength; at += 16) {
    entries.set(Number(view.getBigUint64(at, true)), Number(view.getBigUint64(at + 8, true)));
  }
  return entries;
}

describe("programs", () => {
  it("maps an ET_EXEC where it says, .bss zeroed, brk behind it", () => {
    const program = loadProgram(request({ "/prog": buildElf({}) }));
    const { space } = program;
    expect(maps(program).slice(0, -1)).toEqual([
      "400000-401000 r-- 0 /prog",
      "401000-402000 r-x 1000 /prog",
      "403000-404000 rw- 2000 /prog",
      "404000-407000 rw- 0",
    ]);
    expect(maps(program).at(-1)).toMatch(/rw- 0 \[stack\]$/);
    expect([space.readU8(0x4032ff), space.readU8(0x403300), space.readU8(0x403fff)]).toEqual([0xc3, 0, 0]);
    expect(space.startBrk).toBe(0x407000);
    expect(program.entry).toBe(0x401000);
    expect(space.handleFault(0x402000, Access.Read)).toMatchObject({ signal: SIGSEGV });
    expect(space.executable?.describe()).toBe("/prog");
    space.release();
  });

  it("leaves the last page of a read-only segment alone, whatever its memory size", () => {
    const segments: Segment[] = [{ flags: 5, offset: 0, vaddr: 0x40_0000, filesz: 0x1100, memsz: 0x2800 }];
    const program = loadProgram(request({ "/prog": buildElf({ segments }) }));
    expect(program.space.readU8(0x401fff)).toBe(0xc3);
    expect(maps(program)[1]).toBe("402000-403000 rwx 0");
  });

  it("puts a PIE at its base with the interpreter in the mmap area, and tells it all in auxv", () => {
    const files = {
      "/prog": buildElf({ type: E.ET_DYN, interpreter: "/lib/ld.so" }),
      "/lib/ld.so": buildElf({ type: E.ET_DYN }),
    };
    const program = loadProgram(request(files));
    const { space } = program;
    const linker = space.mmapBase - 0x7000;
    const aux = auxv(program);
    expect(program.entry).toBe(linker + 0x1000);
    expect(aux.get(E.AT_BASE)).toBe(linker);
    expect(aux.get(E.AT_ENTRY)).toBe(PIE_BASE + 0x1000);
    expect(aux.get(E.AT_PHDR)).toBe(PIE_BASE + 64);
    expect([aux.get(E.AT_PHNUM), aux.get(E.AT_PHENT), aux.get(E.AT_PAGESZ)]).toEqual([4, 56, PAGE_SIZE]);
    expect([E.AT_UID, E.AT_EUID, E.AT_GID, E.AT_EGID, E.AT_SECURE].map((type) => aux.get(type))).toEqual([
      1, 2, 3, 4, 1,
    ]);
    expect(space.readCString(aux.get(E.AT_EXECFN) as number)).toBe("/prog");
    expect(space.readCString(aux.get(E.AT_PLATFORM) as number)).toBe("x86_64");
    expect(space.startBrk).toBe(PIE_BASE + 0x7000);
  });

  it("aligns an image as its segments ask", () => {
    const segments: Segment[] = [{ flags: 5, vaddr: 0, offset: 0, filesz: 0x1000, align: 0x20_0000 }];
    const program = loadProgram(request({ "/prog": buildElf({ type: E.ET_DYN, segments, entry: 0 }) }));
    expect(program.entry % 0x20_0000).toBe(0);
    expect(program.entry).toBeGreaterThan(program.space.mmapBase - 0x40_0000);
  });

  it("lets later segments cover earlier ones", () => {
    const segments: Segment[] = [
      { flags: 4, offset: 0, vaddr: 0x40_0000, filesz: 0x3000 },
      { flags: 6, offset: 0x1000, vaddr: 0x40_1000, filesz: 0x1000 },
    ];
    const program = loadProgram(request({ "/prog": buildElf({ segments }) }));
    expect(maps(program).slice(0, 3)).toEqual([
      "400000-401000 r-- 0 /prog",
      "401000-402000 rw- 1000 /prog",
      "402000-403000 r-- 2000 /prog",
    ]);
  });

  it("makes the stack executable when PT_GNU_STACK asks", () => {
    const load: Segment = { flags: 5, offset: 0, vaddr: 0x40_0000, filesz: 0x2000 };
    const stack = (flags: number): string =>
      maps(loadProgram(request({ "/prog": buildElf({ segments: [load, { type: E.PT_GNU_STACK, flags }] }) }))).at(-1) ??
      "";
    expect(stack(7)).toContain("rwx");
    expect(stack(6)).toContain("rw-");
  });

  it("randomises only when asked, and not against the personality", () => {
    const files = { "/prog": buildElf({ type: E.ET_DYN, interpreter: "/ld" }), "/ld": buildElf({ type: E.ET_DYN }) };
    const entries = (more: Partial<ExecRequest>): number[] => {
      const program = loadProgram(request(files, "/prog", more));
      return [program.entry, auxv(program).get(E.AT_ENTRY) as number, program.space.stackTop, program.space.startBrk];
    };
    const plain = entries({});
    expect(entries({ randomize: true, personality: 0x4_0000 })).toEqual(plain);
    for (const [index, address] of entries({ randomize: true }).entries()) expect(address).not.toBe(plain[index]);
  });
});

describe("refusals", () => {
  it.each<[string, Uint8Array | string, number, RegExp]>([
    ["an empty file", "", ENOEXEC, /offset 0/],
    ["text", "hello", ENOEXEC, /offset 0/],
    ["a cut header", buildElf({}).subarray(0, 40), ENOEXEC, /ends after 40 bytes/],
    [
      "another machine",
      buildElf({ machine: 183 }),
      ENOEXEC,
      /machine 183 \(AArch64\), expected 62 \(x86-64\) or 243 \(RISC-V\)/,
    ],
    ["an object file", buildElf({ type: 1 }), ENOEXEC, /type 1/],
    ["no headers", buildElf({ segments: [] }), ENOEXEC, /no program headers/],
    ["cut headers", buildElf({}).subarray(0, 100), ENOEXEC, /36 bytes of program headers, expected 168/],
    [
      "more in the file than in memory",
      buildElf({ segments: [{ filesz: 9, memsz: 8 }] }),
      EINVAL,
      /9 bytes in the file/,
    ],
    [
      "an address out of reach",
      buildElf({ segments: [{ vaddr: 2 ** 40, filesz: 9 }] }),
      EINVAL,
      /beyond the address space/,
    ],
    ["the zero page", buildElf({ segments: [{ vaddr: 0, filesz: 9 }] }), EINVAL, /at least 0x10000/],
    ["an entry out of reach", buildElf({ entry: TASK_SIZE }), EINVAL, /entry point/],
    ["incongruent offsets", buildElf({ segments: [{ vaddr: 0x40_0010, filesz: 9 }] }), EINVAL, /congruent/],
    ["the stack's place", buildElf({ segments: [{ vaddr: TASK_SIZE - 4096, filesz: 9 }] }), ENOMEM, /stack/],
  ])("of %s", (_name, contents, code, reason) => {
    const error = failure({ "/prog": contents });
    expect(error.code).toBe(code);
    expect(error.reason).toMatch(reason);
    expect(error.fatal).toBe(code !== ENOEXEC);
  });

  it("of an interpreter: missing, no ELF file, of another machine", () => {
    const program = buildElf({ type: E.ET_DYN, interpreter: "/ld" });
    expect(failure({ "/prog": program })).toMatchObject({ code: ENOENT, reason: expect.stringContaining("/ld") });
    expect(failure({ "/prog": program, "/ld": "x".repeat(99) }).code).toBe(ELIBBAD);
    expect(failure({ "/prog": program, "/ld": buildElf({ machine: 3 }) }).code).toBe(ELIBBAD);
    expect(failure({ "/prog": program, "/ld": buildElf({ machine: E.EM_RISCV }) }).code).toBe(ELIBBAD);
  });
});

describe("scripts", () => {
  const sh = buildElf({});

  // As the real kernel does them: tried with a script that runs /bin/echo.
  it.each<[string, string[]]>([
    ["#!/sh", ["/sh", "/prog"]],
    ["#!/sh\n", ["/sh", "/prog"]],
    ["#! \t/sh  a b  \nrest", ["/sh", "a b", "/prog"]],
    ["#!/sh\0x y\n", ["/sh", "/prog"]],
    ["#!/sh a\0b c\n", ["/sh", "a", "/prog"]],
    [`#!/sh ${"a".repeat(300)}`, ["/sh", "a".repeat(249), "/prog"]],
  ])("%j", (text, expected) => {
    const program = loadProgram(request({ "/prog": text, "/sh": sh }));
    expect(arguments_(program)).toEqual(expected);
    expect(program.file.describe()).toBe("/sh");
  });

  it.each<[string, number]>([
    ["#!\n", ENOEXEC],
    ["#! \n", ENOEXEC],
    ["#!", EACCES],
    ["#! ", EACCES],
    [`#!${" ".repeat(300)}`, ENOEXEC],
    [`#!/${"s".repeat(300)}\n`, ENOEXEC],
  ])("%j is refused", (text, code) => {
    expect(failure({ "/prog": text, "/sh": sh }).code).toBe(code);
  });

  it("takes 254 characters of path and no more", () => {
    const files = (slashes: number): Files => ({
      "/prog": `#!${"/".repeat(slashes)}sh\n`,
      [`${"/".repeat(slashes)}sh`]: sh,
    });
    expect(arguments_(loadProgram(request(files(251))))[0]?.length).toBe(253);
    expect(failure(files(252)).code).toBe(ENOEXEC);
  });

  it("follows five interpreters, replaces argv[0], keeps AT_EXECFN", () => {
    const files: Files = { "/s0": "#!/sh x\n", "/sh": sh };
    for (let i = 1; i <= 5; i++) files[`/s${i}`] = `#!/s${i - 1}\n`;
    const argv = ["zero", "one"].map(encodeBytes);
    const program = loadProgram(request(files, "/s4", { argv }));
    expect(arguments_(program)).toEqual(["/sh", "x", "/s0", "/s1", "/s2", "/s3", "/s4", "one"]);
    expect(program.space.readCString(auxv(program).get(E.AT_EXECFN) as number)).toBe("/s4");
    expect(failure(files, "/s5").code).toBe(ELOOP);
  });

  it("passes on the error of an interpreter that is not there", () => {
    expect(() => loadProgram(request({ "/prog": "#!/nowhere\n" }))).toThrow(Errno);
  });
});

describe("arguments", () => {
  const files = { "/prog": buildElf({}) };
  const tryWith = (argv: number[], stack = 8 << 20): number => {
    const strings = argv.map((length) => new Uint8Array(length).fill(0x61));
    try {
      loadProgram(request(files, "/prog", { argv: strings, limits: { ...NO_LIMITS, stack } })).space.release();
      return 0;
    } catch (error) {
      return (error as LoadError).code;
    }
  };

  it("limits one string to 128 KiB", () => {
    expect(tryWith([131071])).toBe(0);
    expect(tryWith([131072])).toBe(E2BIG);
  });

  it("limits all to a quarter of RLIMIT_STACK, at least 128 KiB, at most 6 MiB", () => {
    const block = 131071;
    expect(tryWith(Array(15).fill(block))).toBe(0);
    expect(tryWith(Array(16).fill(block))).toBe(E2BIG);
    expect(tryWith(Array(47).fill(block), Number.POSITIVE_INFINITY)).toBe(0);
    expect(tryWith(Array(48).fill(block), Number.POSITIVE_INFINITY)).toBe(E2BIG);
    expect(tryWith([100_000], 1 << 18)).toBe(0);
    expect(tryWith([100_000, 40_000], 1 << 18)).toBe(E2BIG);
  });

  it("counts strings and pointers as the kernel does: limits found by trying /bin/true with RLIMIT_STACK of 256 KiB", () => {
    const filename = encodeBytes("/bin/true");
    const check = (...rest: number[]): void => {
      const strings = rest.map((length) => new Uint8Array(length));
      checkArguments({ filename, argv: [filename, ...strings], envp: [] }, 1 << 18);
    };
    check(131035);
    expect(() => check(131036)).toThrow("E2BIG");
    check(...Array<number>(14560).fill(0));
    expect(() => check(...Array<number>(14561).fill(0))).toThrow("E2BIG");
  });

  it("gives a program without arguments an empty one", () => {
    expect(arguments_(loadProgram(request(files, "/prog", { argv: [] })))).toEqual([""]);
  });
});
