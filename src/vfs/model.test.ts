/**
 * Random sequences of calls on every file system type, and the real kernel (through node:fs) beside them: each call must
 * succeed or fail with the same errno, and the trees must be the same afterwards.
 */
import * as nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memfs } from "memfs";
import { afterAll, describe, expect, it } from "vitest";
import { CAP_FSETID } from "../abi/capability.ts";
import { Errno, errnoName } from "../abi/errno.ts";
import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from "../abi/fcntl.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../abi/stat.ts";
import { changeMode, changeOwner, truncateInode } from "./attributes.ts";
import { release, retain } from "./file.ts";
import { FsContext } from "./fs-context.ts";
import { DeviceNumbers, MountTable } from "./mounts.ts";
import { linkAt, mkdirAt, renameAt, rmdirAt, symlinkAt, unlinkAt } from "./namespace.ts";
import { openAt } from "./open.ts";
import { type HostFileSystem, HostFs } from "./types/hostfs.ts";
import { overlay, tmpfs } from "./types/memory.ts";
import type { FileSystem } from "./types.ts";
import { FOLLOW, lookup, type View } from "./walk.ts";

/** Deep enough that no path of a test climbs out. */
const DEPTH = Array.from({ length: 12 }, () => "d").join("/");

type Operation =
  | { readonly call: "mkdir" | "rmdir" | "unlink" | "readlink" | "readdir"; readonly path: string }
  | { readonly call: "stat" | "lstat"; readonly path: string }
  | { readonly call: "open"; readonly path: string; readonly flags: number; readonly data: string }
  | { readonly call: "rename" | "link" | "symlink"; readonly path: string; readonly to: string }
  | { readonly call: "truncate"; readonly path: string; readonly size: number }
  | { readonly call: "chmod"; readonly path: string; readonly mode: number }
  | { readonly call: "chown"; readonly path: string; readonly uid: number; readonly gid: number };

interface Subject {
  run(operation: Operation): string;
}

/** Two ordinary users, who share a group. */
const USERS = [
  { uid: 1001, gid: 1001, groups: [2000] },
  { uid: 1002, gid: 1002, groups: [2000] },
] as const;

// What is compared of a stat: not times, owners or sizes of directories, which differ from type to type.
function describeStat(mode: number, nlink: number, size: number): string {
  const format = mode & 0o170000;
  return `${format.toString(8)} ${format === S_IFDIR ? "" : `${nlink} ${size}`}`;
}

class Native implements Subject {
  /** Paths are taken from the working directory, so that the rights on directories above do not count. */
  constructor(base: string) {
    process.chdir(base);
  }

  run(op: Operation): string {
    try {
      return this.#run(op);
    } catch (e) {
      return (e as NodeJS.ErrnoException).code ?? String(e);
    }
  }

  #run(op: Operation): string {
    const path = `./${op.path}`;
    switch (op.call) {
      case "mkdir":
        nodeFs.mkdirSync(path);
        return "ok";
      case "rmdir":
        nodeFs.rmdirSync(path);
        return "ok";
      case "unlink":
        nodeFs.unlinkSync(path);
        return "ok";
      case "readlink":
        return nodeFs.readlinkSync(path);
      case "readdir":
        return nodeFs.readdirSync(path).sort().join(" ");
      case "stat":
      case "lstat": {
        const s = op.call === "stat" ? nodeFs.statSync(path) : nodeFs.lstatSync(path);
        return describeStat(s.mode, s.nlink, s.size);
      }
      case "open": {
        const fd = nodeFs.openSync(path, op.flags, 0o644);
        try {
          if (op.flags & 3) nodeFs.writeSync(fd, op.data);
          return "ok";
        } finally {
          nodeFs.closeSync(fd);
        }
      }
      case "truncate": {
        const fd = nodeFs.openSync(path, O_WRONLY);
        try {
          nodeFs.ftruncateSync(fd, op.size);
          return "ok";
        } finally {
          nodeFs.closeSync(fd);
        }
      }
      case "rename":
        nodeFs.renameSync(path, `./${op.to}`);
        return "ok";
      case "link":
        nodeFs.linkSync(path, `./${op.to}`);
        return "ok";
      case "symlink":
        nodeFs.symlinkSync(op.to, path);
        return "ok";
      case "chmod":
        nodeFs.chmodSync(path, op.mode);
        return "ok";
      case "chown":
        nodeFs.chownSync(path, op.uid, op.gid);
        return "ok";
    }
  }
}

class Ours implements Subject {
  view: View;

  constructor(fs: FileSystem) {
    const clock = { realtime: () => 1_700_000_000_000_000_000n, monotonic: () => 0n };
    const mounts = new MountTable(fs, { clock, deviceNumbers: new DeviceNumbers() });
    this.view = {
      fs: new FsContext(mounts, undefined, undefined, 0o022),
      credentials: { fsuid: 0, fsgid: 0, groups: [], capable: () => true, capableOver: () => true },
    };
    if (!fs.readOnly) {
      const parts = DEPTH.split("/");
      parts.forEach((_, i) => {
        try {
          mkdirAt(this.view, undefined, `/${parts.slice(0, i + 1).join("/")}`, 0o755);
        } catch (e) {
          if (!(e instanceof Errno)) throw e;
        }
      });
    }
    this.view.fs.cwd = lookup(this.view, undefined, `/${DEPTH}`, FOLLOW);
  }

  become(uid: number, gid: number, groups: readonly number[]): void {
    this.view = {
      fs: this.view.fs,
      credentials: { fsuid: uid, fsgid: gid, groups, capable: () => uid === 0, capableOver: () => uid === 0 },
    };
  }

  run(op: Operation): string {
    try {
      return this.#run(op);
    } catch (e) {
      if (e instanceof Errno) return errnoName(e.code);
      throw e;
    }
  }

  #run(op: Operation): string {
    const { view } = this;
    const { path } = op;
    switch (op.call) {
      case "mkdir":
        mkdirAt(view, undefined, path, 0o777);
        return "ok";
      case "rmdir":
        rmdirAt(view, undefined, path);
        return "ok";
      case "unlink":
        unlinkAt(view, undefined, path);
        return "ok";
      case "readlink":
        return lookup(view, undefined, path, 0).inode.readlink();
      case "readdir": {
        const file = retain(openAt(view, undefined, path, O_RDONLY | O_DIRECTORY, 0));
        const names = file.entries?.().map((e) => e.name) ?? [];
        release(file);
        return names
          .filter((n) => n !== "." && n !== "..")
          .sort()
          .join(" ");
      }
      case "stat":
      case "lstat": {
        const { mode, nlink, size } = lookup(view, undefined, path, op.call === "stat" ? FOLLOW : 0).inode.attributes();
        return describeStat(mode, nlink, size);
      }
      case "open": {
        const file = retain(openAt(view, undefined, path, op.flags, 0o644));
        try {
          if (op.flags & 3) {
            // As the write call does.
            if (!view.credentials.capable(CAP_FSETID)) file.inode.dropPrivileges?.(view.credentials);
            const n = file.write(new TextEncoder().encode(op.data));
            if (n < 0) return errnoName(-n);
          }
          return "ok";
        } finally {
          release(file);
        }
      }
      case "truncate": {
        const file = retain(openAt(view, undefined, path, O_WRONLY, 0));
        truncateInode(file.inode, op.size, view.credentials, file.path);
        release(file);
        return "ok";
      }
      case "rename":
        renameAt(view, undefined, path, undefined, op.to, 0);
        return "ok";
      case "link":
        linkAt(view, lookup(view, undefined, path, 0), undefined, op.to);
        return "ok";
      case "symlink":
        symlinkAt(view, op.to, undefined, path);
        return "ok";
      case "chmod":
        changeMode(lookup(view, undefined, path, FOLLOW), op.mode, view.credentials);
        return "ok";
      case "chown":
        changeOwner(lookup(view, undefined, path, FOLLOW), op.uid, op.gid, view.credentials);
        return "ok";
    }
  }
}

/** Numbers 0..2^32-1 that depend on the seed alone (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = ["a", "b", "c", "a", "b", ".", "..", "a", "b"];

function randomPath(next: (below: number) => number): string {
  const parts = Array.from({ length: 1 + next(3) }, () => NAMES[next(NAMES.length)] as string);
  const text = parts.join(next(12) === 0 ? "//" : "/");
  return next(8) === 0 ? `${text}/` : text;
}

const OPEN_FLAGS = [
  O_RDONLY,
  O_WRONLY,
  O_RDWR,
  O_WRONLY | O_CREAT,
  O_WRONLY | O_CREAT,
  O_RDWR | O_CREAT | O_EXCL,
  O_WRONLY | O_CREAT | O_TRUNC,
  O_WRONLY | O_TRUNC,
  O_RDONLY | O_CREAT,
  O_RDONLY | O_DIRECTORY,
  O_RDONLY | O_NOFOLLOW,
  O_WRONLY | O_CREAT | O_NOFOLLOW,
  O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
];

function randomOperation(next: (below: number) => number): Operation {
  const path = randomPath(next);
  switch (next(13)) {
    case 0:
    case 1:
    case 2:
      return { call: "mkdir", path };
    case 3:
      return { call: "rmdir", path };
    case 4:
      return { call: "unlink", path };
    case 5:
    case 6: {
      const flags = OPEN_FLAGS[next(OPEN_FLAGS.length)] as number;
      return { call: "open", path, flags, data: "x".repeat(1 + next(20)) };
    }
    case 7:
    case 8:
      return { call: "rename", path, to: randomPath(next) };
    case 9:
      return { call: "link", path, to: randomPath(next) };
    case 10:
      return { call: "symlink", path, to: randomPath(next) };
    case 11:
      return { call: (["stat", "lstat", "readlink", "readdir"] as const)[next(4)] as "stat", path };
    default:
      return { call: "truncate", path, size: next(10000) };
  }
}

/** The whole tree as text: names, types, links, contents. */
function dump(subject: Subject, read: (path: string) => string, path = "."): string {
  const lines: string[] = [];
  for (const name of subject.run({ call: "readdir", path }).split(" ")) {
    if (name === "") continue;
    const child = `${path}/${name}`;
    const stat = subject.run({ call: "lstat", path: child });
    const format = Number.parseInt(stat, 8);
    lines.push(`${child} ${stat}`);
    if (format === S_IFDIR) lines.push(dump(subject, read, child));
    else if (format === S_IFLNK) lines.push(`-> ${subject.run({ call: "readlink", path: child })}`);
    else if (format === S_IFREG) lines.push(read(child));
  }
  return lines.filter((l) => l !== "").join("\n");
}

const clock = { realtime: () => 1_700_000_000_000_000_000n, monotonic: () => 0n };
const scratch: string[] = [];
// A tmpfs of the real kernel where there is one: it is what ours is to be like.
const place = nodeFs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

function newDirectory(): string {
  const top = nodeFs.mkdtempSync(join(place, "tsrcore-model-"));
  scratch.push(top);
  nodeFs.chmodSync(top, 0o755);
  nodeFs.mkdirSync(join(top, DEPTH), { recursive: true });
  return top;
}

const home = process.cwd();

afterAll(() => {
  process.chdir(home);
  for (const top of scratch) nodeFs.rmSync(top, { recursive: true, force: true });
});

function nativeRead(base: string): (path: string) => string {
  return (path) => nodeFs.readFileSync(`${base}/${path}`, "latin1");
}

function ourRead(view: View): (path: string) => string {
  return (path) => {
    const { inode } = lookup(view, undefined, path, 0);
    const bytes = new Uint8Array(inode.attributes().size);
    return Buffer.from(bytes.subarray(0, inode.read(0, bytes))).toString("latin1");
  };
}

function runModel(make: () => FileSystem, seed: number, steps: number, prepare = 0): void {
  const next = random(seed);
  const base = join(newDirectory(), DEPTH);
  const native = new Native(base);
  const lowerSteps = Array.from({ length: prepare }, () => randomOperation(next));
  let fs = make();
  if (prepare > 0) {
    // The overlay's lower tree comes into being by the same calls on a tmpfs.
    const lower = new Ours(fs);
    for (const op of lowerSteps) expect([op, lower.run(op)]).toEqual([op, native.run(op)]);
    fs = overlay(fs.root, { dev: 9, clock });
  }
  const ours = new Ours(fs);
  for (let i = 0; i < steps; i++) {
    const op = randomOperation(next);
    expect([i, op, ours.run(op)]).toEqual([i, op, native.run(op)]);
  }
  expect(dump(ours, ourRead(ours.view))).toBe(dump(native, nativeRead(base)));
}

const MODES = [0o777, 0o755, 0o700, 0o644, 0o600, 0o1777, 0o2775, 0o2711, 0o311, 0o500, 0o070, 0o007, 0o4755, 0o6755];

function permissionOperation(next: (below: number) => number): Operation {
  switch (next(5)) {
    case 0:
    case 1:
      return { call: "chmod", path: randomPath(next), mode: MODES[next(MODES.length)] as number };
    case 2: {
      const ids = [-1, 1001, 1002, 2000];
      const pick = (): number => ids[next(ids.length)] as number;
      return { call: "chown", path: randomPath(next), uid: pick(), gid: pick() };
    }
    default:
      return randomOperation(next);
  }
}

/** As a tree: every mode, owner and group. */
function dumpOwners(list: (path: string) => [string, number, number, number][], path = "."): string {
  return list(path)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, mode, uid, gid]) => {
      const child = `${path}/${name}`;
      const line = `${child} ${mode.toString(8)} ${uid} ${gid}`;
      return (mode & 0o170000) === S_IFDIR ? `${line}\n${dumpOwners(list, child)}` : line;
    })
    .join("\n");
}

function runAsUsers(seed: number, steps: number): void {
  const next = random(seed);
  const base = join(newDirectory(), DEPTH);
  const native = new Native(base);
  const ours = new Ours(tmpfs({ dev: 1, clock }));
  native.run({ call: "chmod", path: ".", mode: 0o777 });
  ours.run({ call: "chmod", path: ".", mode: 0o777 });
  const groups = process.getgroups?.() ?? [];
  try {
    for (let i = 0; i < steps; i++) {
      const op = permissionOperation(next);
      const user = next(5) === 0 ? { uid: 0, gid: 0, groups: [] } : (USERS[next(2)] as (typeof USERS)[number]);
      ours.become(user.uid, user.gid, user.groups);
      process.setgroups?.([...user.groups]);
      process.setegid?.(user.gid);
      process.seteuid?.(user.uid);
      let expected: string;
      try {
        expected = native.run(op);
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
      }
      expect([i, user.uid, op, ours.run(op)]).toEqual([i, user.uid, op, expected]);
    }
  } finally {
    process.setgroups?.(groups);
  }
  ours.become(0, 0, []);
  const nativeList = (path: string): [string, number, number, number][] =>
    nodeFs.readdirSync(`${base}/${path}`).map((name) => {
      const s = nodeFs.lstatSync(`${base}/${path}/${name}`);
      return [name, s.mode, s.uid, s.gid];
    });
  const ourList = (path: string): [string, number, number, number][] => {
    const { inode } = lookup(ours.view, undefined, path, 0);
    return inode.list().map(({ name }) => {
      const s = inode.lookup(name)?.attributes();
      return [name, s?.mode ?? 0, s?.uid ?? 0, s?.gid ?? 0];
    });
  };
  expect(dumpOwners(ourList)).toBe(dumpOwners(nativeList));
}

describe.skipIf(process.getuid?.() !== 0 || process.seteuid === undefined)("as several users", () => {
  for (let seed = 1; seed <= 10; seed++) it(`seed ${seed}`, () => runAsUsers(seed + 400, 600));
});

describe("random calls against the real kernel", () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`tmpfs, seed ${seed}`, () => runModel(() => tmpfs({ dev: 1, clock }), seed, 600));
    it(`overlay, seed ${seed}`, () => runModel(() => tmpfs({ dev: 1, clock }), seed + 100, 500, 150));
  }
  for (let seed = 1; seed <= 6; seed++) {
    it(`host directory, seed ${seed}`, () =>
      runModel(
        () => new HostFs(nodeFs as unknown as HostFileSystem, { dev: 1, directory: newDirectory() }),
        seed + 200,
        400,
      ));
    it(`memfs, seed ${seed}`, () =>
      runModel(() => new HostFs(memfs().fs as unknown as HostFileSystem, { dev: 1, directory: "/" }), seed + 300, 400));
  }
});
