import { execFileSync } from "node:child_process";
import * as nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makedev } from "../../abi/device.ts";
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from "../../abi/stat.ts";
import type { Inode } from "../types.ts";
import { ArchiveError, type ArchiveFs, openArchive } from "./archive.ts";

let top: string;
beforeAll(() => {
  top = nodeFs.mkdtempSync(join(tmpdir(), "tsrcore-archive-"));
});
afterAll(() => nodeFs.rmSync(top, { recursive: true, force: true }));

function walk(fs: ArchiveFs, path: string): Inode {
  let at: Inode = fs.root;
  for (const name of path.split("/")) {
    const next = at.lookup(name);
    if (next === undefined) throw new Error(`no ${name} of ${path}`);
    at = next;
  }
  return at;
}

function content(inode: Inode): string {
  const into = new Uint8Array(inode.attributes().size);
  return Buffer.from(into.subarray(0, inode.read(0, into))).toString("latin1");
}

const open = (bytes: Uint8Array): Promise<ArchiveFs> => openArchive(bytes, { dev: 3, name: "test.tar" });

type Entry = Parameters<ReturnType<typeof pack>["entry"]>[0];

async function tar(entries: readonly [Entry, string?][]): Promise<Buffer> {
  const packer = pack();
  for (const [header, data] of entries) {
    if (data === undefined) packer.entry(header);
    else packer.entry(header, data);
  }
  packer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe("archives", () => {
  it("keep types, modes, owners, links, devices and times", async () => {
    const mtime = new Date(1_500_000_000_000);
    const bytes = await tar([
      [{ name: "./", type: "directory", mode: 0o711, uid: 1, gid: 2, mtime }],
      [{ name: "./d/", type: "directory", mode: 0o2755, uid: 3, gid: 4, mtime }],
      [{ name: "./d/f", mode: 0o4755, uid: 5, gid: 6, mtime }, "contents"],
      [{ name: "./d/hard", type: "link", linkname: "./d/f", mtime }],
      [{ name: "./s", type: "symlink", linkname: "d/f", mtime }],
      [{ name: "./null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666, mtime }],
      [{ name: "./fifo", type: "fifo", mode: 0o600, mtime }],
      [{ name: "./no/parent/entry", mtime }, "x"],
    ]);
    const fs = await open(bytes);
    expect(fs.root.attributes()).toMatchObject({ mode: S_IFDIR | 0o711, uid: 1, gid: 2 });
    expect(fs.root.attributes().nlink).toBe(4);
    expect(walk(fs, "d").attributes()).toMatchObject({ mode: S_IFDIR | 0o2755, uid: 3, gid: 4, nlink: 2 });
    const file = walk(fs, "d/f");
    expect(file.attributes()).toMatchObject({
      mode: S_IFREG | 0o4755,
      uid: 5,
      gid: 6,
      size: 8,
      nlink: 2,
      mtime: { sec: 1_500_000_000, nsec: 0 },
    });
    expect(content(file)).toBe("contents");
    expect(walk(fs, "d/hard")).toBe(file);
    expect(walk(fs, "s").attributes().mode).toBe(S_IFLNK | 0o777);
    expect(walk(fs, "s").readlink()).toBe("d/f");
    expect(walk(fs, "null").attributes()).toMatchObject({ mode: S_IFCHR | 0o666, rdev: makedev(1, 3) });
    expect(walk(fs, "fifo").attributes().mode).toBe(S_IFIFO | 0o600);
    expect(content(walk(fs, "no/parent/entry"))).toBe("x");
  });

  for (const format of ["gnu", "posix"] as const) {
    it(`read what tar --format=${format} writes: long names, times, bytes that are not UTF-8`, async () => {
      const source = join(top, format);
      const long = `${"directory-with-a-long-name/".repeat(8)}${"f".repeat(150)}`;
      nodeFs.mkdirSync(join(source, long, ".."), { recursive: true });
      nodeFs.writeFileSync(join(source, long), "far away");
      nodeFs.symlinkSync("t".repeat(150), join(source, "link"));
      if (format === "gnu") nodeFs.writeFileSync(Buffer.from(`${source}/odd\xff`, "latin1"), "odd");
      nodeFs.writeFileSync(join(source, "time"), "t");
      nodeFs.utimesSync(join(source, "time"), 1_234_567_890.25, 1_234_567_890.25);
      const bytes = execFileSync("tar", [`--format=${format}`, "-C", source, "-c", "."], { maxBuffer: 1 << 24 });
      const fs = await open(bytes);
      expect(content(walk(fs, long))).toBe("far away");
      expect(walk(fs, "link").readlink()).toBe("t".repeat(150));
      if (format === "gnu") expect(content(walk(fs, "odd\udcff"))).toBe("odd");
      const nsec = format === "posix" ? 250_000_000 : 0;
      expect(walk(fs, "time").attributes().mtime).toEqual({ sec: 1_234_567_890, nsec });
    });
  }

  it("are inflated, with a function of the host or without", async () => {
    const bytes = await tar([[{ name: "f" }, "squeezed"]]);
    const zipped = gzipSync(bytes);
    expect(content(walk(await open(zipped), "f"))).toBe("squeezed");
    const fs = await openArchive(zipped, { dev: 1, name: "x", gunzip: gunzipSync });
    expect(content(walk(fs, "f"))).toBe("squeezed");
  });

  it("take the last entry of a name", async () => {
    const fs = await open(
      await tar([
        [{ name: "f" }, "old"],
        [{ name: "f" }, "new"],
        [{ name: "d/f" }, "in"],
        [{ name: "d", type: "directory", mode: 0o700 }],
      ]),
    );
    expect(content(walk(fs, "f"))).toBe("new");
    expect(content(walk(fs, "d/f"))).toBe("in");
    expect(walk(fs, "d").attributes().mode).toBe(S_IFDIR | 0o700);
  });

  it("say where they are damaged", async () => {
    const whole = await tar([
      [{ name: "first" }, "x".repeat(1000)],
      [{ name: "second" }, "y".repeat(5000)],
    ]);
    await expect(open(whole.subarray(0, 4000))).rejects.toThrow(
      /test\.tar: second: the archive ends within .* byte 2048/,
    );
    const garbled = Buffer.from(whole);
    garbled.fill(0x41, 1536, 2048);
    await expect(open(garbled)).rejects.toThrow(/test\.tar: .* at byte \d+/);
    await expect(open(gzipSync(whole).subarray(0, 40))).rejects.toThrow(/test\.tar: damaged gzip data/);
    await expect(open(Buffer.from("not an archive"))).rejects.toThrow(ArchiveError);
    const outside = await tar([[{ name: "../up" }, "x"]]);
    await expect(open(outside)).rejects.toThrow(/outside/);
    const dangling = await tar([[{ name: "l", type: "link", linkname: "nothing" }]]);
    await expect(open(dangling)).rejects.toThrow(/hard link to nothing/);
  });

  it("neither crash nor hang on any damage", async () => {
    const whole = await tar([
      [{ name: "d", type: "directory" }],
      [{ name: "d/f" }, "x".repeat(1000)],
      [{ name: "l", type: "symlink", linkname: "d/f" }],
    ]);
    let state = 99;
    const next = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >> 8) % n;
    };
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k <= next(4); k++) bytes[next(bytes.length)] = next(256);
      const cut = next(3) === 0 ? bytes.subarray(0, next(bytes.length)) : bytes;
      const result = await open(cut).catch((e: unknown) => e);
      expect(result instanceof ArchiveError || typeof result === "object").toBe(true);
      if (result instanceof Error) expect(result).toBeInstanceOf(ArchiveError);
    }
  });
});
