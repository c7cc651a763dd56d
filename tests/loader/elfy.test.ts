/** Our ELF reader against elfy, an independent one, on every ELF file at hand: test binaries, sysroot, Alpine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import elfy from "elfy";
import tar from "tar-stream";
import { describe, expect, it } from "vitest";
import { EM_RISCV, EM_X86_64, ET_DYN } from "../../src/abi/elf.ts";
import { isElf, readElf, readInterpreter } from "../../src/loader/elf.ts";
import { BytesInode } from "../../src/mm/bytes-file.ts";
import { decodeBytes } from "../../src/util/bytes.ts";
import { repository, rootTarball } from "../golden/roots.ts";

type Files = Map<string, Buffer>;

function fromFolder(folder: string): Files {
  const files: Files = new Map();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path, readFileSync(path));
  }
  return files;
}

async function fromTarball(path: string): Promise<Files> {
  const files: Files = new Map();
  const extract = tar.extract();
  extract.end(gunzipSync(readFileSync(path)));
  for await (const entry of extract) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.type === "file") files.set(`${path}:${entry.header.name}`, Buffer.concat(chunks));
  }
  return files;
}

/** The names that elfy gives: Sun's for the number of PT_GNU_EH_FRAME. */
const PT_NAMES: Record<number, string> = {
  1: "load",
  2: "dynamic",
  3: "interp",
  4: "note",
  6: "phdr",
  7: "tls",
  1685382480: "sunw_eh_frame",
  1685382481: "gnu_stack",
  1685382482: "gnu_relro",
};

/** Compares one file; answers false for one that is no program. */
function compare(path: string, bytes: Buffer): boolean {
  if (!isElf(bytes)) return false;
  const type = bytes.readUInt16LE(16);
  if (type !== 2 && type !== ET_DYN) return false;
  const machine = bytes.readUInt16LE(18);
  if (machine !== EM_X86_64 && machine !== EM_RISCV) return false;
  const theirs = elfy.parse(bytes);
  const inode = new BytesInode(bytes);
  const ours = readElf(inode, path, [machine]);
  expect({ entry: ours.entry, phoff: ours.phoff, flags: ours.flags, type: ours.type === ET_DYN ? "dyn" : "exec" }, path)
    .toEqual({ entry: theirs.entry, phoff: theirs.phoff, flags: theirs.flags, type: theirs.type }); // biome-ignore format: aligned
  expect(
    ours.programs.map((program) => ({
      // elfy does not know all types.
      type: PT_NAMES[program.type],
      offset: program.offset,
      vaddr: program.vaddr,
      paddr: program.paddr,
      filesz: program.filesz,
      memsz: program.memsz,
      align: program.align,
      flags: [program.flags & 4, program.flags & 2, program.flags & 1].map((flag) => flag !== 0),
    })),
    path,
  ).toEqual(
    theirs.body.programs.map(({ type, offset, vaddr, paddr, filesz, memsz, align, flags }) => ({
      type,
      offset,
      vaddr,
      paddr,
      filesz,
      memsz,
      align,
      flags: [flags.r, flags.w, flags.x].map((flag) => flag === true),
    })),
  );
  const interpreter = readInterpreter(inode, path, ours);
  const program = theirs.body.programs.find((header) => header.type === "interp");
  expect(interpreter && decodeBytes(interpreter), path).toBe(
    program ? program.data.toString().replace(/\0.*$/s, "") : null,
  );
  return true;
}

describe("ELF files read by tsrcore and by elfy", () => {
  it("agree on the test binaries and the sysroot", async () => {
    const sysroot = rootTarball("sysroot");
    const files = new Map([
      ...fromFolder(join(repository, "test-binaries/bin")),
      ...(sysroot ? await fromTarball(sysroot) : []),
    ]);
    const compared = [...files].filter(([path, bytes]) => compare(path, bytes)).length;
    expect(compared).toBeGreaterThan(0);
  });

  it("agree on Alpine's programs and libraries of both architectures", async (context) => {
    const alpine = rootTarball("alpine");
    if (alpine === undefined) return context.skip("no Alpine tarball here: set TSRCORE_ALPINE");
    const tarballs = readdirSync(dirname(alpine)).filter((name) => /(x86_64|riscv64)\.tar\.gz$/.test(name));
    for (const name of tarballs) {
      const files = await fromTarball(join(dirname(alpine), name));
      expect([...files].filter(([path, bytes]) => compare(path, bytes)).length, name).toBeGreaterThan(5);
    }
  });
});
