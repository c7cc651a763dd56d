import { beforeEach, describe, expect, it } from "vitest";
import { EBUSY, EINVAL, ELOOP, ENOENT, ENOTDIR, EROFS, Errno, EXDEV } from "../abi/errno.ts";
import {
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi/fcntl.ts";
import { S_IFIFO } from "../abi/stat.ts";
import { MS_RDONLY } from "../abi/statfs.ts";
import { directoryOf } from "./file.ts";
import { FsContext } from "./fs-context.ts";
import { DeviceNumbers, MountTable } from "./mounts.ts";
import { mkdirAt, mknodAt, renameAt, rmdirAt, symlinkAt, unlinkAt } from "./namespace.ts";
import { openAt } from "./open.ts";
import { displayName, nameOf, type Path, workingDirectoryName } from "./path.ts";
import { PipeFile } from "./pipe.ts";
import { tmpfs } from "./types/memory.ts";
import { FOLLOW, lookup, type View } from "./walk.ts";

const clock = { realtime: () => 1_700_000_000_000_000_000n, monotonic: () => 0n };
let mounts: MountTable;
let view: View;

beforeEach(() => {
  mounts = new MountTable(tmpfs({ dev: 1, clock }), { clock, deviceNumbers: new DeviceNumbers() });
  view = {
    fs: new FsContext(mounts),
    credentials: { fsuid: 0, fsgid: 0, groups: [], capable: () => true, capableOver: () => true },
  };
});

function mkdir(...paths: string[]): void {
  for (const path of paths) mkdirAt(view, undefined, path, 0o755);
}

function at(path: string): Path {
  return lookup(view, undefined, path, FOLLOW);
}

function name(path: string): string {
  return nameOf(at(path), view.fs.root).text;
}

function touch(path: string): void {
  openAt(view, undefined, path, O_RDWR | O_CREAT, 0o644);
}

describe("mounts", () => {
  it("are entered and left, nested and stacked", () => {
    mkdir("/m", "/m/hidden");
    const first = mounts.mount(tmpfs({ dev: 2, clock }), at("/m"));
    expect(at("/m").mount).toBe(first);
    expect(() => at("/m/hidden")).toThrow(new Errno(ENOENT));
    mkdir("/m/n");
    const second = mounts.mount(tmpfs({ dev: 3, clock }), at("/m/n"));
    mkdir("/m/n/deep");
    expect(name("/m/n/deep/../../n/deep")).toBe("/m/n/deep");
    expect(at("/m/n/..").mount).toBe(first);
    const third = mounts.mount(tmpfs({ dev: 4, clock }), at("/m/n"));
    expect(at("/m/n").mount).toBe(third);
    expect(name("/m/n")).toBe("/m/n");
    expect(name("/m/n/../..")).toBe("/");
    mounts.unmount(third, false, () => false);
    expect(at("/m/n").mount).toBe(second);
    expect(() => mounts.unmount(first, false, () => false)).toThrow(new Errno(EBUSY));
    mounts.unmount(first, true, () => true);
    expect(name("/m/hidden")).toBe("/m/hidden");
    expect(mounts.mounts).toEqual([mounts.root]);
  });

  it("keep their place from being removed or renamed", () => {
    mkdir("/m", "/e");
    mounts.mount(tmpfs({ dev: 2, clock }), at("/m"));
    expect(() => rmdirAt(view, undefined, "/m")).toThrow(new Errno(EBUSY));
    expect(() => renameAt(view, undefined, "/m", undefined, "/x", 0)).toThrow(new Errno(EBUSY));
    expect(() => renameAt(view, undefined, "/e", undefined, "/m", 0)).toThrow(new Errno(EBUSY));
    mkdir("/m/a");
    expect(() => renameAt(view, undefined, "/m/a", undefined, "/e/a", 0)).toThrow(new Errno(EXDEV));
  });

  it("can show one directory in two places", () => {
    mkdir("/a", "/a/sub", "/b");
    mounts.bind(at("/a"), at("/b"), false);
    touch("/b/sub/file");
    expect(at("/a/sub/file").inode).toBe(at("/b/sub/file").inode);
    expect(name("/b/sub/file")).toBe("/b/sub/file");
    expect(name("/b/sub/../..")).toBe("/");
    touch("/f");
    touch("/g");
    mounts.bind(at("/f"), at("/g"), false);
    expect(at("/g").inode).toBe(at("/f").inode);
    expect(() => mounts.bind(at("/f"), at("/a"), false)).toThrow(new Errno(ENOTDIR));
  });

  it("bind with what is mounted below, or without", () => {
    mkdir("/a", "/a/m", "/b", "/c");
    mounts.mount(tmpfs({ dev: 2, clock }), at("/a/m"));
    touch("/a/m/file");
    mounts.bind(at("/a"), at("/b"), true);
    expect(name("/b/m/file")).toBe("/b/m/file");
    mounts.bind(at("/a"), at("/c"), false);
    expect(() => at("/c/m/file")).toThrow(new Errno(ENOENT));
  });

  it("can be read only, and moved", () => {
    mkdir("/m", "/n");
    const mount = mounts.mount(tmpfs({ dev: 2, clock }), at("/m"));
    touch("/m/file");
    mount.flags |= MS_RDONLY;
    expect(() => touch("/m/new")).toThrow(new Errno(EROFS));
    expect(() => openAt(view, undefined, "/m/file", O_RDWR, 0)).toThrow(new Errno(EROFS));
    expect(() => unlinkAt(view, undefined, "/m/file")).toThrow(new Errno(EROFS));
    openAt(view, undefined, "/m/file", O_RDONLY | O_CREAT, 0);
    mounts.move(mount, at("/n"));
    expect(name("/n/file")).toBe("/n/file");
    expect(() => at("/m/file")).toThrow(new Errno(ENOENT));
    expect(() => mounts.move(mounts.root, at("/m"))).toThrow(new Errno(EINVAL));
  });
});

describe("names of places", () => {
  it("follow renames and say what is deleted", () => {
    mkdir("/a", "/a/b");
    const cwd = at("/a/b");
    renameAt(view, undefined, "/a", undefined, "/z", 0);
    expect(workingDirectoryName(cwd, view.fs.root)).toBe("/z/b");
    rmdirAt(view, undefined, "/z/b");
    expect(displayName(cwd, view.fs.root)).toBe("/z/b (deleted)");
    expect(() => workingDirectoryName(cwd, view.fs.root)).toThrow(new Errno(ENOENT));
    view.fs.cwd = cwd;
    expect(() => mkdir("x")).toThrow(new Errno(ENOENT));
    expect(name("..")).toBe("/z");
  });

  it("are relative to the root of a chroot, out of which no path leads", () => {
    mkdir("/jail", "/jail/in", "/out");
    symlinkAt(view, "/in", undefined, "/jail/link");
    const outside = at("/out");
    view.fs.root = at("/jail");
    view.fs.cwd = view.fs.root;
    expect(name("/link/../../../in")).toBe("/in");
    expect(name("../..")).toBe("/");
    expect(workingDirectoryName(outside, view.fs.root)).toBe("(unreachable)/out");
  });
});

describe("openat2's ways to resolve", () => {
  const open = (path: string, resolve: number): unknown =>
    openAt(view, at("/base"), path, O_RDONLY, 0, resolve).describe();

  beforeEach(() => {
    mkdir("/base", "/base/d", "/base/m", "/etc");
    touch("/base/file");
    touch("/etc/file");
    symlinkAt(view, "/etc/file", undefined, "/base/absolute");
    symlinkAt(view, "../etc/file", undefined, "/base/up");
    symlinkAt(view, "d/../file", undefined, "/base/within");
    mounts.mount(tmpfs({ dev: 2, clock }), at("/base/m"));
  });

  it("RESOLVE_BENEATH", () => {
    expect(open("within", RESOLVE_BENEATH)).toBe("/base/file");
    for (const path of ["absolute", "up", "../base/file", "/base/file", "d/../../base"]) {
      expect(() => open(path, RESOLVE_BENEATH)).toThrow(new Errno(EXDEV));
    }
  });

  it("RESOLVE_IN_ROOT", () => {
    mkdir("/base/etc");
    touch("/base/etc/file");
    for (const path of ["absolute", "up", "/etc/file", "../../etc/file"]) {
      expect(open(path, RESOLVE_IN_ROOT)).toBe("/base/etc/file");
    }
  });

  it("RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV", () => {
    expect(() => open("within", RESOLVE_NO_SYMLINKS)).toThrow(new Errno(ELOOP));
    expect(open("file", RESOLVE_NO_SYMLINKS)).toBe("/base/file");
    expect(() => open("m", RESOLVE_NO_XDEV)).toThrow(new Errno(EXDEV));
    expect(open("within", RESOLVE_NO_XDEV)).toBe("/base/file");
  });

  it("RESOLVE_NO_MAGICLINKS", () => {
    const link = at("/base/d");
    symlinkAt(view, "text", undefined, "/magic");
    const { inode } = lookup(view, undefined, "/magic", 0);
    inode.follow = () => link;
    expect(open("/magic", 0)).toBe("/base/d");
    expect(name("/magic/../file")).toBe("/base/file");
    expect(() => open("/magic", RESOLVE_NO_MAGICLINKS)).toThrow(new Errno(ELOOP));
    // The same object even when its name is gone.
    rmdirAt(view, undefined, "/base/d");
    expect(open("/magic", 0)).toBe("/base/d (deleted)");
  });
});

describe("opening", () => {
  it("with O_PATH gives a place, of links too", () => {
    symlinkAt(view, "nowhere", undefined, "/l");
    const link = openAt(view, undefined, "/l", O_PATH | O_NOFOLLOW, 0);
    expect(link.inode.readlink()).toBe("nowhere");
    expect(() => openAt(view, undefined, "/l", O_PATH, 0)).toThrow(new Errno(ENOENT));
    expect(() => openAt(view, undefined, "/l", O_PATH | O_NOFOLLOW | O_DIRECTORY, 0)).toThrow(new Errno(ENOTDIR));
    mkdir("/d");
    touch("/d/f");
    const directory = directoryOf(openAt(view, undefined, "/d", O_PATH, 0));
    expect(lookup(view, directory, "f", 0).inode).toBe(at("/d/f").inode);
  });

  it("joins all who open one FIFO, under any of its names", () => {
    mknodAt(view, undefined, "/fifo", S_IFIFO | 0o600, 0);
    const one = openAt(view, undefined, "/fifo", O_RDWR, 0);
    renameAt(view, undefined, "/fifo", undefined, "/other", 0);
    const two = openAt(view, undefined, "/other", O_RDONLY, 0);
    expect(two).toBeInstanceOf(PipeFile);
    expect((two as PipeFile).ready()).toBe(true);
    expect(one.write(new Uint8Array([1, 2, 3]))).toBe(3);
    expect(two.read(new Uint8Array(10))).toBe(3);
  });

  it("of a pipe's place opens the pipe again", () => {
    const inode = mounts.special.pipeInode({ uid: 0, gid: 0 });
    const place = mounts.place(inode, `pipe:[${inode.ino}]`);
    symlinkAt(view, "text", undefined, "/magic");
    lookup(view, undefined, "/magic", 0).inode.follow = () => place;
    const writer = openAt(view, undefined, "/magic", O_RDWR, 0);
    writer.write(new Uint8Array(7));
    expect(writer.describe()).toBe(`pipe:[${inode.ino}]`);
    expect(mounts.special.pipeOf(inode).length).toBe(7);
    // Nobody is waited for, unlike with a FIFO.
    writer.close();
    const reader = openAt(view, undefined, "/magic", O_RDONLY, 0);
    expect((reader as PipeFile).ready()).toBe(true);
  });
});
