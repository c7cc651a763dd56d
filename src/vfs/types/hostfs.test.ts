import * as nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memfs } from "memfs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EACCES, EINVAL, EPERM, EROFS, Errno } from "../../abi/errno.ts";
import { O_CREAT, O_RDONLY, O_RDWR } from "../../abi/fcntl.ts";
import { S_IFCHR, S_IFREG } from "../../abi/stat.ts";
import { release, retain } from "../file.ts";
import { FsContext } from "../fs-context.ts";
import { DeviceNumbers, MountTable } from "../mounts.ts";
import { mkdirAt, renameAt, symlinkAt, unlinkAt } from "../namespace.ts";
import { openAt } from "../open.ts";
import type { FileSystem } from "../types.ts";
import { FOLLOW, lookup, type View } from "../walk.ts";
import { HostChanges, type HostFileSystem, HostFs, type HostFsOptions } from "./hostfs.ts";
import { overlay } from "./memory.ts";

const clock = { realtime: () => 1_700_000_000_000_000_000n, monotonic: () => 0n };
const node = nodeFs as unknown as HostFileSystem;
const root = { uid: 0, gid: 0 };
let top: string;

beforeAll(() => {
  top = nodeFs.mkdtempSync(join(tmpdir(), "tsrcore-hostfs-"));
  nodeFs.mkdirSync(join(top, "inside/sub"), { recursive: true });
  nodeFs.writeFileSync(join(top, "secret"), "secret");
  nodeFs.writeFileSync(join(top, "inside/file"), "hello");
});

afterAll(() => nodeFs.rmSync(top, { recursive: true, force: true }));

function mounted(fs: FileSystem): View {
  const mounts = new MountTable(fs, { clock, deviceNumbers: new DeviceNumbers() });
  return {
    fs: new FsContext(mounts),
    credentials: { fsuid: 0, fsgid: 0, groups: [], capable: () => true, capableOver: () => true },
  };
}

function inside(options: Partial<HostFsOptions> = {}): { fs: HostFs; view: View } {
  const fs = new HostFs(node, { dev: 1, directory: join(top, "inside"), ...options });
  return { fs, view: mounted(fs) };
}

function text(view: View, path: string): string {
  const file = retain(openAt(view, undefined, path, O_RDONLY, 0));
  const into = new Uint8Array(100);
  const n = file.read(into);
  release(file);
  return new TextDecoder().decode(into.subarray(0, n));
}

describe("a host directory", () => {
  it("takes times before 1970, and microseconds as they are", () => {
    const { view } = inside();
    const { inode } = lookup(view, undefined, "/file", FOLLOW);
    inode.setAttributes({ atime: { sec: 3, nsec: 999_999_000 }, mtime: { sec: -5, nsec: 0 } });
    const { atime, mtime } = inode.attributes();
    expect([atime, mtime]).toEqual([
      { sec: 3, nsec: 999_999_000 },
      { sec: -5, nsec: 0 },
    ]);
  });

  it("allocates by making files longer, and punches holes by writing zeros", () => {
    const { view } = inside();
    nodeFs.writeFileSync(join(top, "inside/space"), "0123456789");
    const { inode } = lookup(view, undefined, "/space", FOLLOW);
    inode.allocate?.(0, 5, 15);
    inode.allocate?.(3, 2, 3);
    expect(nodeFs.readFileSync(join(top, "inside/space"), "latin1")).toBe(`01\0\0\0${"56789"}${"\0".repeat(10)}`);
    inode.allocate?.(1, 0, 100);
    expect(inode.attributes().size).toBe(20);
    expect(() => inode.allocate?.(8, 0, 4096)).toThrow(Errno);
    nodeFs.rmSync(join(top, "inside/space"));
  });

  it("is asked once for what a lookup and the attributes need, and again when something may have changed", async () => {
    let asked = 0;
    const counting = {
      ...node,
      lstatSync: (...args: Parameters<HostFileSystem["lstatSync"]>) => {
        asked++;
        return node.lstatSync(...args);
      },
    };
    const fs = new HostFs(counting, { dev: 1, directory: join(top, "inside") });
    const view = mounted(fs);
    const find = (): number => lookup(view, undefined, "/file", FOLLOW).inode.attributes().size;
    const asks = (use: () => unknown): number => {
      const before = asked;
      use();
      return asked - before;
    };
    expect(asks(find)).toBe(1);
    const { inode } = lookup(view, undefined, "/file", FOLLOW);
    expect(asks(() => inode.attributes())).toBe(0);
    expect(asks(find)).toBe(0);
    // The next turn.
    await Promise.resolve();
    expect(asks(find)).toBe(1);
    // Reading may change the access time, but mostly does not.
    const readAndAsk = (): number => {
      inode.read(0, new Uint8Array(1));
      return asks(() => inode.attributes());
    };
    expect(readAndAsk()).toBe(1);
    readAndAsk();
    expect(readAndAsk()).toBe(0);
    // What was not there before: others may have been changed before it was made.
    nodeFs.writeFileSync(join(top, "inside/new"), "");
    lookup(view, undefined, "/new", FOLLOW);
    nodeFs.unlinkSync(join(top, "inside/new"));
    expect(asks(() => inode.attributes())).toBe(1);
    // The guest writes.
    lookup(view, undefined, "/file", FOLLOW);
    inode.write(0, new TextEncoder().encode("HELLO, and more"));
    expect(inode.attributes().size).toBe(15);
    inode.setAttributes({ size: 5 });
    expect(find()).toBe(5);
    // The host does, later.
    lookup(view, undefined, "/file", FOLLOW);
    await new Promise((resolve) => setTimeout(resolve));
    nodeFs.writeFileSync(join(top, "inside/file"), "hello");
    nodeFs.chmodSync(join(top, "inside/file"), 0o600);
    expect(inode.attributes().mode & 0o777).toBe(0o600);
    nodeFs.chmodSync(join(top, "inside/file"), 0o644);
  });

  it("keeps the descriptor of a file that is read again in the same turn, and no longer", async () => {
    let open = 0;
    let opened = 0;
    const counting = {
      ...node,
      openSync: (...args: Parameters<HostFileSystem["openSync"]>) => {
        open++;
        opened++;
        return node.openSync(...args);
      },
      closeSync: (fd: number) => {
        open--;
        node.closeSync(fd);
      },
    };
    const view = mounted(new HostFs(counting, { dev: 1, directory: join(top, "inside") }));
    for (let i = 0; i < 3; i++) expect(text(view, "/file")).toBe("hello");
    expect([open, opened]).toEqual([1, 1]);
    await Promise.resolve();
    expect(open).toBe(0);
    for (let i = 0; i < 40; i++) nodeFs.writeFileSync(join(top, `inside/many${i}`), `${i}`);
    for (let i = 0; i < 40; i++) expect(text(view, `/many${i}`)).toBe(`${i}`);
    expect(open).toBe(16);
    const file = retain(openAt(view, undefined, "/many39", O_RDWR, 0));
    unlinkAt(view, undefined, "/many39");
    file.write(new TextEncoder().encode("x"));
    release(file);
    await Promise.resolve();
    expect(open).toBe(0);
    for (let i = 0; i < 39; i++) nodeFs.unlinkSync(join(top, `inside/many${i}`));
  });

  it("reads a small file that is read again and again once in a turn, unless something has changed", async () => {
    let asked = 0;
    const counting = {
      ...node,
      readSync: (...args: Parameters<HostFileSystem["readSync"]>) => {
        asked++;
        return node.readSync(...args);
      },
    };
    const fs = new HostFs(counting, { dev: 1, directory: join(top, "inside") });
    const view = mounted(fs);
    nodeFs.writeFileSync(join(top, "inside/often"), "again");
    const into = new Uint8Array(5);
    const whole = (): string => {
      const { inode } = lookup(view, undefined, "/often", FOLLOW);
      return new TextDecoder().decode(into.subarray(0, inode.read(0, into)));
    };
    for (let i = 0; i < 6; i++) expect(whole()).toBe("again");
    asked = 0;
    expect(whole()).toBe("again");
    const { inode } = lookup(view, undefined, "/often", FOLLOW);
    expect([inode.read(3, into), into[0], inode.read(5, into), inode.read(9, into)]).toEqual([2, 0x69, 0, 0]);
    expect(asked).toBe(0);
    inode.write(0, new TextEncoder().encode("A"));
    expect(whole()).toBe("Again");
    for (let i = 0; i < 6; i++) whole();
    await Promise.resolve();
    nodeFs.writeFileSync(join(top, "inside/often"), "other");
    expect(whole()).toBe("other");
    nodeFs.unlinkSync(join(top, "inside/often"));
  });

  it("is not left by links, whatever they say", () => {
    const { view } = inside();
    for (const target of ["../secret", "/secret", join(top, "secret"), "sub/../../secret", "../../../../etc/passwd"]) {
      symlinkAt(view, target, undefined, "/l");
      expect(() => lookup(view, undefined, "/l", FOLLOW)).toThrow(Errno);
      expect(() => openAt(view, undefined, "/l", O_RDONLY, 0)).toThrow(Errno);
      unlinkAt(view, undefined, "/l");
    }
    // A link to a directory outside: what is below its name is looked for in the guest's own tree.
    nodeFs.symlinkSync(top, join(top, "inside/out"));
    expect(() => openAt(view, undefined, "/out/secret", O_RDONLY, 0)).toThrow(Errno);
    expect(() => openAt(view, undefined, "/out/new", O_RDWR | O_CREAT, 0o644)).toThrow(Errno);
    expect(nodeFs.existsSync(join(top, "new"))).toBe(false);
    nodeFs.unlinkSync(join(top, "inside/out"));
    expect(text(view, "/../../../file")).toBe("hello");
  });

  it("is not left by names", () => {
    const { fs } = inside();
    for (const name of ["..", ".", "", "../secret", "sub/x", "a\0b"]) {
      expect(() => fs.root.lookup(name)).toThrow(new Errno(EINVAL));
      expect(() => fs.root.create(name, S_IFREG | 0o644, root)).toThrow(Errno);
    }
    const windows = new HostFs(memfs({ "C:/guest/file": "x" }).fs as unknown as HostFileSystem, {
      dev: 1,
      directory: "C:/guest",
    });
    expect(() => windows.root.lookup("..\\x")).toThrow(new Errno(EINVAL));
  });

  it("can be read only", () => {
    const { fs, view } = inside({ readOnly: true });
    for (const change of [
      () => mkdirAt(view, undefined, "/d", 0o755),
      () => unlinkAt(view, undefined, "/file"),
      () => renameAt(view, undefined, "/file", undefined, "/g", 0),
      () => openAt(view, undefined, "/file", O_RDWR, 0),
      () => openAt(view, undefined, "/new", O_RDWR | O_CREAT, 0o644),
      () => fs.root.lookup("file")?.setAttributes({ mode: 0o777 }),
      () => fs.root.lookup("file")?.write(0, new Uint8Array(1)),
    ]) {
      expect(change).toThrow(new Errno(EROFS));
    }
    expect(text(view, "/file")).toBe("hello");
  });

  it("lets an open file be read and written after its name has gone", () => {
    const { view } = inside();
    const file = retain(openAt(view, undefined, "/gone", O_RDWR | O_CREAT, 0o600));
    expect(file.write(new TextEncoder().encode("still here"))).toBe(10);
    unlinkAt(view, undefined, "/gone");
    expect(nodeFs.existsSync(join(top, "inside/gone"))).toBe(false);
    expect(file.pwrite(new TextEncoder().encode("S"), 0)).toBe(1);
    const into = new Uint8Array(20);
    expect(new TextDecoder().decode(into.subarray(0, file.pread(into, 0)))).toBe("Still here");
    expect(file.inode.attributes().nlink).toBe(0);
    release(file);
  });

  it("shows what the host changes", () => {
    const { view } = inside();
    nodeFs.writeFileSync(join(top, "inside/changing"), "one");
    expect(text(view, "/changing")).toBe("one");
    nodeFs.unlinkSync(join(top, "inside/changing"));
    expect(() => lookup(view, undefined, "/changing", 0)).toThrow(Errno);
    nodeFs.mkdirSync(join(top, "inside/changing"));
    expect(lookup(view, undefined, "/changing", 0).dentry.isDirectory).toBe(true);
    nodeFs.rmdirSync(join(top, "inside/changing"));
  });

  it("maps owners if told so, and then changes none", () => {
    const { fs } = inside({ owner: { uid: 7, gid: 8 } });
    const file = fs.root.lookup("file");
    expect(file?.attributes()).toMatchObject({ uid: 7, gid: 8 });
    file?.setAttributes({ uid: 7 });
    expect(() => file?.setAttributes({ uid: 9 })).toThrow(new Errno(EPERM));
  });

  it("keeps names that are not UTF-8", () => {
    const { view } = inside();
    const raw = Buffer.concat([Buffer.from(join(top, "inside/")), Buffer.from([0x61, 0xff, 0x62])]);
    nodeFs.writeFileSync(raw, "bytes");
    expect(text(view, "/a\udcffb")).toBe("bytes");
    expect(
      lookup(view, undefined, "/", 0)
        .inode.list()
        .map((e) => e.name),
    ).toContain("a\udcffb");
    unlinkAt(view, undefined, "/a\udcffb");
    expect(nodeFs.existsSync(raw)).toBe(false);
  });

  it("makes no devices, and says so", () => {
    const { fs } = inside();
    expect(() => fs.root.create("null", S_IFCHR | 0o666, root, 0x103)).toThrow(new Errno(EPERM));
  });

  it("is a lower tree for an overlay, which leaves it alone", () => {
    const { fs } = inside({ readOnly: true });
    const view = mounted(overlay(fs.root, { dev: 2, clock }));
    const file = retain(openAt(view, undefined, "/file", O_RDWR, 0));
    file.write(new TextEncoder().encode("J"));
    release(file);
    expect(text(view, "/file")).toBe("Jello");
    unlinkAt(view, undefined, "/file");
    mkdirAt(view, undefined, "/sub/new", 0o755);
    expect(nodeFs.readFileSync(join(top, "inside/file"), "utf8")).toBe("hello");
    expect(nodeFs.readdirSync(join(top, "inside/sub"))).toEqual([]);
  });
});

describe("a memfs volume", () => {
  it("is mounted like a host directory", () => {
    const volume = memfs({ "/data/in.txt": "from memfs" });
    const view = mounted(new HostFs(volume.fs as unknown as HostFileSystem, { dev: 1, directory: "/data/" }));
    expect(text(view, "/in.txt")).toBe("from memfs");
    const file = retain(openAt(view, undefined, "/out.txt", O_RDWR | O_CREAT, 0o640));
    file.write(new TextEncoder().encode("from the guest"));
    release(file);
    expect(volume.fs.readFileSync("/data/out.txt", "utf8")).toBe("from the guest");
    expect(lookup(view, undefined, "/out.txt", 0).inode.attributes()).toMatchObject({
      mode: S_IFREG | 0o640,
      size: 14,
    });
  });
});

describe("errors of the host", () => {
  it("come through by name; what has none is a bug", () => {
    const broken = {
      ...node,
      readdirSync: () => {
        throw Object.assign(new Error("no"), { code: "EACCES" });
      },
      readlinkSync: () => {
        throw new TypeError("a bug");
      },
    } as HostFileSystem;
    const fs = new HostFs(broken, { dev: 1, directory: join(top, "inside") });
    expect(() => fs.root.list()).toThrow(new Errno(EACCES));
    nodeFs.symlinkSync("x", join(top, "inside/link"));
    expect(() => fs.root.lookup("link")?.readlink()).toThrow(TypeError);
    nodeFs.unlinkSync(join(top, "inside/link"));
  });
});

describe("two mounts of one host directory", () => {
  it("do not lead each other out by a link in the place of a directory", () => {
    const changes = new HostChanges();
    const directory = nodeFs.mkdtempSync(join(top, "shared-"));
    nodeFs.mkdirSync(join(directory, "d"));
    const a = mounted(new HostFs(node, { dev: 1, directory, changes }));
    const b = mounted(new HostFs(node, { dev: 2, directory, changes }));
    a.fs.cwd = lookup(a, undefined, "/d", FOLLOW);
    renameAt(b, undefined, "/d", undefined, "/e", 0);
    symlinkAt(b, top, undefined, "/d");
    expect(nodeFs.readFileSync(join(directory, "d/secret"), "utf8")).toBe("secret");
    expect(() => openAt(a, undefined, "secret", O_RDONLY, 0)).toThrow(/ESTALE/);
    expect(() => openAt(a, undefined, "new", O_CREAT | O_RDWR, 0o644)).toThrow(/ESTALE/);
    expect(nodeFs.existsSync(join(top, "new"))).toBe(false);
  });

  it("do not change the mode of what a link in the place of a file points to", () => {
    const changes = new HostChanges();
    const directory = nodeFs.mkdtempSync(join(top, "shared-"));
    nodeFs.writeFileSync(join(directory, "f"), "");
    nodeFs.chmodSync(join(top, "secret"), 0o600);
    const a = mounted(new HostFs(node, { dev: 1, directory, changes }));
    const b = mounted(new HostFs(node, { dev: 2, directory, changes }));
    const file = lookup(a, undefined, "/f", FOLLOW).inode;
    unlinkAt(b, undefined, "/f");
    symlinkAt(b, join(top, "secret"), undefined, "/f");
    expect(() => file.setAttributes({ mode: 0o777 })).toThrow(/ESTALE/);
    expect(nodeFs.statSync(join(top, "secret")).mode & 0o777).toBe(0o600);
  });
});
