/** Where the guest's root file system comes from: a directory, an archive, or the one that tsrcore brings along. */
import * as fs from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { Clock, DeviceNumbers, FileSystem, HostChanges } from "../runtime/parts.ts";
import { ArchiveError, archiveOf, type HostFileSystem, HostFs, openArchive, overlay } from "../runtime/parts.ts";
import type { ArchitectureName } from "./architecture.ts";
import { CliError } from "./errors.ts";

/** The embedded root file system for programs of an architecture: taken apart by the build in `dist` (tsdown.config.ts), or beside `src` in the checkout. */
async function embeddedRoot(arch: ArchitectureName, shared: HostMounts): Promise<FileSystem> {
  const find = (...places: readonly string[]): string | undefined =>
    places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => fs.existsSync(path));
  const tar = find(`./sysroot-${arch}.tar`, `../sysroot-${arch}.tar`);
  if (tar !== undefined) {
    const entries = JSON.parse(fs.readFileSync(tar.replace(/tar$/, "json"), "utf8"));
    return archiveOf(entries, fs.readFileSync(tar), { dev: shared.numbers.next(), name: tar });
  }
  const source = find(`../../sysroot/${arch}.tar.gz`);
  if (source !== undefined) return openArchiveFile(source, shared);
  throw new CliError(`the embedded root file system is missing from this installation (sysroot/${arch}.tar.gz)`);
}

/** What all file systems of one machine share. */
export interface HostMounts {
  readonly numbers: DeviceNumbers;
  readonly changes: HostChanges;
}

export const HOST_FS: HostFileSystem = fs as unknown as HostFileSystem;

/** Opens `path`, or the embedded root for an architecture; what the guest changes stays in memory. */
export async function openRoot(
  root: { readonly path: string } | { readonly arch: ArchitectureName },
  shared: HostMounts,
  clock: Clock,
): Promise<FileSystem> {
  const lower = "path" in root ? await hostRoot(root.path, shared) : await embeddedRoot(root.arch, shared);
  return overlay(lower.root, { dev: shared.numbers.next(), clock });
}

async function hostRoot(name: string, shared: HostMounts): Promise<FileSystem> {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(name);
  } catch (error) {
    throw new CliError(`--root ${name}: ${reason(error)}`);
  }
  if (!stat.isDirectory()) return openArchiveFile(name, shared);
  return new HostFs(HOST_FS, {
    dev: shared.numbers.next(),
    directory: fs.realpathSync(name),
    readOnly: true,
    changes: shared.changes,
  });
}

async function openArchiveFile(name: string, shared: HostMounts): Promise<FileSystem> {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(name);
  } catch (error) {
    throw new CliError(`--root ${name}: ${reason(error)}`);
  }
  try {
    return await openArchive(bytes, { dev: shared.numbers.next(), name, gunzip: (data) => gunzipSync(data) });
  } catch (error) {
    if (error instanceof ArchiveError) throw new CliError(`--root ${error.message}`);
    throw error;
  }
}

/** "no such file or directory" of "ENOENT: no such file or directory, stat 'x'". */
export function reason(error: unknown): string {
  const { message } = error as Error;
  return /^[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
}
