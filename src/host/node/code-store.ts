/**
 * The code store on disk: a directory of the user's cache, a file for each name.
 *
 * Whoever can write there can have us execute code; so the directory has to be the user's own, and
 * nobody else's to write to. A file begins with a checksum over its name and contents: what is cut off, foreign or
 * renamed is as if it were not there. Files appear by rename(2), so that readers never see half of one.
 */
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { cpus, homedir } from "node:os";
import * as path from "node:path";
import type { CodeStore } from "../interface.ts";

export interface CodeStoreOptions {
  /** `$XDG_CACHE_HOME/tsrcore`, or `~/.cache/tsrcore`. */
  readonly directory?: string;
  /** Bytes of all files together. */
  readonly limit?: number;
}

const LIMIT = 256 << 20;
/** So much is left when there was too much, so that not every run has to look for what is old. */
const LEFT = 0.75;
const MAGIC: Buffer = Buffer.from("tsrcode1");
const HEADER: number = MAGIC.length + 32;
const MAX_FILE = 64 << 20;
/** A file that is read is marked as used, if that is so long ago. */
const HOUR = 3_600_000;
const NAME = /^[0-9a-f]{64}$/;
const TEMPORARY = /^[0-9a-f]{64}\.[0-9]+\.[0-9a-f]+$/;

/** undefined if there is no place for it. */
export function openCodeStore(options: CodeStoreOptions = {}): CodeStore | undefined {
  const directory = options.directory ?? cacheDirectory();
  return directory === undefined ? undefined : new DiskStore(directory, options.limit ?? LIMIT);
}

/** By the XDG Base Directory Specification; a relative path is to be ignored. */
function cacheDirectory(): string | undefined {
  const base = process.env["XDG_CACHE_HOME"];
  if (base !== undefined && path.isAbsolute(base)) return path.join(base, "tsrcore");
  try {
    const home = homedir();
    return path.isAbsolute(home) ? path.join(home, ".cache", "tsrcore") : undefined;
  } catch {
    // A user without a home directory.
    return undefined;
  }
}

class DiskStore implements CodeStore {
  readonly #directory: string;
  readonly #limit: number;
  #written = false;
  /** undefined: not looked at yet. */
  #usable: boolean | undefined;

  constructor(directory: string, limit: number) {
    this.#directory = directory;
    this.#limit = limit;
  }

  digest(parts: readonly Uint8Array[]): string {
    // What V8 makes of a module, and which modules it takes, is its own affair, and of the processor that it runs on.
    const hash = createHash("sha256").update(`${process.arch} ${process.versions.v8} ${cpus()[0]?.model}\n`);
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  }

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#isUsable()) return undefined;
    try {
      return this.#readFile(name);
    } catch {
      return undefined;
    }
  }
  #readFile(name: string): Uint8Array<ArrayBuffer> | undefined {
    const fd = fs.openSync(this.#path(name), fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0));
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile() || !isOwn(stat) || stat.size < HEADER || stat.size > MAX_FILE) return undefined;
      const bytes = new Uint8Array(stat.size);
      if (fs.readSync(fd, bytes, 0, bytes.length, 0) !== bytes.length) return undefined;
      const content = bytes.subarray(HEADER);
      if (!header(name, content).equals(bytes.subarray(0, HEADER))) return undefined;
      const now = Date.now();
      if (now - stat.mtimeMs > HOUR) this.#touch(fd, now / 1000);
      return content;
    } finally {
      fs.closeSync(fd);
    }
  }
  #touch(fd: number, seconds: number): void {
    try {
      fs.futimesSync(fd, seconds, seconds);
    } catch {
      // A file system that is read-only: nothing will be dropped from it either.
    }
  }

  write(name: string, content: Uint8Array): void {
    if (content.length + HEADER > Math.min(MAX_FILE, this.#limit) || !this.#make()) return;
    const temporary = `${this.#path(name)}.${process.pid}.${randomBytes(4).toString("hex")}`;
    try {
      const fd = fs.openSync(temporary, "wx", 0o600);
      try {
        fs.writevSync(fd, [header(name, content), content]);
        if (fs.fstatSync(fd).size !== HEADER + content.length) throw new Error("the disk is full");
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(temporary, this.#path(name));
      this.#written = true;
    } catch {
      remove(temporary);
    }
  }

  trim(): void {
    if (!this.#written) return;
    this.#written = false;
    const files = this.#files();
    let size = files.reduce((sum, file) => sum + file.size, 0);
    if (size <= this.#limit) return;
    files.sort((a, b) => a.mtimeMs - b.mtimeMs);
    for (const file of files) {
      if (size <= this.#limit * LEFT) return;
      remove(file.path);
      size -= file.size;
    }
  }
  /** Ours alone: what else is in the directory is none of our business. What a run left half written goes. */
  #files(): { path: string; size: number; mtimeMs: number }[] {
    const found: { path: string; size: number; mtimeMs: number }[] = [];
    try {
      for (const name of fs.readdirSync(this.#directory)) {
        if (!NAME.test(name) && !TEMPORARY.test(name)) continue;
        const file = this.#path(name);
        const stat = fs.lstatSync(file, { throwIfNoEntry: false });
        if (stat === undefined) continue;
        if (NAME.test(name)) found.push({ path: file, size: stat.size, mtimeMs: stat.mtimeMs });
        else if (Date.now() - stat.mtimeMs > HOUR) remove(file);
      }
    } catch {
      // The directory has gone, and with it all that there was too much of.
    }
    return found;
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
  #isUsable(): boolean {
    this.#usable ??= isPrivate(this.#directory);
    return this.#usable;
  }
  #make(): boolean {
    if (this.#isUsable()) return true;
    // One after the other, since Node's recursive mkdir never returns where the file system refuses with ENOENT (/proc).
    for (const directory of [path.dirname(this.#directory), this.#directory])
      try {
        fs.mkdirSync(directory, 0o700);
      } catch {
        // It is there, or will be missed in a moment.
      }
    this.#usable = isPrivate(this.#directory);
    return this.#usable;
  }
}

/** What a file begins with. */
function header(name: string, content: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, createHash("sha256").update(name).update(content).digest()]);
}

function isPrivate(directory: string): boolean {
  try {
    const stat = fs.lstatSync(directory);
    return stat.isDirectory() && isOwn(stat) && (process.platform === "win32" || (stat.mode & 0o022) === 0);
  } catch {
    return false;
  }
}

function isOwn(stat: fs.Stats): boolean {
  return process.getuid === undefined || stat.uid === process.getuid();
}

function remove(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    // Somebody else has removed it, or it cannot be.
  }
}
