// The directory /w of a case: filled before the run, looked at before and after.

import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { SetupEntry } from "./types.ts";

/** Path relative to the top -> one line that says what is there. */
export type Tree = ReadonlyMap<string, string>;

/** The modification time of everything that a case finds: 2024-01-01T00:00:00Z. */
const setupTime = 1_704_067_200;

export function fillTree(top: string, setup: readonly SetupEntry[]): void {
  chmodSync(top, 0o755);
  for (const entry of setup) {
    const path = join(top, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    switch (entry.kind) {
      case "file":
        writeFileSync(path, entry.content);
        break;
      case "dir":
        mkdirSync(path, { recursive: true });
        break;
      case "symlink":
        symlinkSync(entry.target, path);
        break;
      case "touch":
        break;
    }
  }
  setTimes(top);
  for (const entry of setup) {
    const path = join(top, entry.path);
    if (entry.kind === "touch") {
      utimesSync(path, entry.mtime, entry.mtime);
    } else if (entry.kind !== "symlink") {
      chmodSync(path, entry.mode);
    }
  }
}

function setTimes(path: string): void {
  const stat = lstatSync(path);
  if (stat.isDirectory()) {
    for (const name of readdirSync(path)) {
      setTimes(join(path, name));
    }
  }
  lutimesSync(path, setupTime, setupTime);
}

export function readTree(top: string, mtimes: boolean): Tree {
  const tree = new Map<string, string>();
  visit(top, "", mtimes, tree);
  return tree;
}

function visit(top: string, relative: string, mtimes: boolean, tree: Map<string, string>): void {
  for (const name of readdirSync(join(top, relative)).sort()) {
    const path = relative === "" ? name : `${relative}/${name}`;
    const full = join(top, path);
    const stat = lstatSync(full);
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, "0");
    const words: string[] = [];
    if (stat.isDirectory()) {
      words.push("dir", mode);
    } else if (stat.isSymbolicLink()) {
      words.push("symlink", readlinkSync(full));
    } else if (stat.isFile()) {
      words.push("file", mode, String(stat.size), describeContent(readFileSync(full)));
    } else {
      words.push(stat.isFIFO() ? "fifo" : stat.isSocket() ? "socket" : "device", mode);
    }
    if (!stat.isDirectory() && stat.nlink > 1) {
      words.push(`links=${stat.nlink}`);
    }
    if (mtimes && stat.isFile()) {
      words.push(`mtime=${new Date(Math.floor(stat.mtimeMs / 1000) * 1000).toISOString().replace(".000", "")}`);
    }
    tree.set(path, words.join(" "));
    if (stat.isDirectory()) {
      visit(top, path, mtimes, tree);
    }
  }
}

/** Short text as it is, so that a difference can be read; everything else by its hash. */
function describeContent(content: Buffer): string {
  const text = content.toString("utf8");
  if (content.length <= 200 && /^[\t\n\x20-\x7e]*$/.test(text)) {
    return JSON.stringify(text);
  }
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** What differs in `after`, in the order of the paths. */
export function changedEntries(before: Tree, after: Tree): Record<string, string> {
  const changed: Record<string, string> = {};
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const now = after.get(path);
    if (now !== before.get(path)) {
      changed[path] = now ?? "gone";
    }
  }
  return changed;
}
