/** Where the guest's root file system comes from: a directory, an archive, or the one that tsrcore brings along. */
import * as fs from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { Clock } from "../host/interface.ts";
import type { DeviceNumbers } from "../vfs/mounts.ts";
import { ArchiveError, openArchive } from "../vfs/types/archive.ts";
import { type HostFileSystem, HostFs } from "../vfs/types/hostfs.ts";
import { overlay } from "../vfs/types/memory.ts";
import type { FileSystem } from "../vfs/types.ts";
import { CliError } from "./errors.ts";

/** The embedded root file system: inflated by the build in `dist`, or beside `src` in the checkout. */
function embeddedRoot(): string {
  for (const relative of ["./sysroot-x86_64.tar", "../sysroot-x86_64.tar", "../../sysroot/x86_64.tar.gz"]) {
    const path = fileURLToPath(new URL(relative, import.meta.url));
    if (fs.existsSync(path)) return path;
  }
  throw new CliError("the embedded root file system is missing from this installation (sysroot/x86_64.tar.gz)");
}

export const HOST_FS: HostFileSystem = fs as unknown as HostFileSystem;

/** Opens `path` (the embedded root if undefined); what the guest changes stays in memory. */
export async function openRoot(path: string | undefined, numbers: DeviceNumbers, clock: Clock): Promise<FileSystem> {
  const name = path ?? embeddedRoot();
  let stat: fs.Stats;
  try {
    stat = fs.statSync(name);
  } catch (error) {
    throw new CliError(`--root ${name}: ${reason(error)}`);
  }
  const lower = stat.isDirectory()
    ? new HostFs(HOST_FS, { dev: numbers.next(), directory: fs.realpathSync(name), readOnly: true })
    : await openArchiveFile(name, numbers);
  return overlay(lower.root, { dev: numbers.next(), clock });
}

async function openArchiveFile(name: string, numbers: DeviceNumbers): Promise<FileSystem> {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(name);
  } catch (error) {
    throw new CliError(`--root ${name}: ${reason(error)}`);
  }
  try {
    return await openArchive(bytes, { dev: numbers.next(), name, gunzip: (data) => gunzipSync(data) });
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
