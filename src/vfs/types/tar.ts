/**
 * The headers of a tar archive. tar-stream reads them (ustar, GNU long names, pax) and says where each file's bytes lie.
 * What it does not keep is taken from the pax records themselves: nanoseconds of times, extended attributes.
 */
import { extract, type Header as TarHeader } from "tar-stream";
import { makedev } from "../../abi/device.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from "../../abi/stat.ts";
import { decodeBytes } from "../../util/bytes.ts";
import { type ArchiveEntry, ArchiveError } from "./archive-entry.ts";

const BLOCK = 512;

/** tar-stream's header, with what its types leave out. */
type Header = Omit<TarHeader, "pax"> & { byteOffset?: number; pax?: Record<string, string> | null };

/** All entries, in order. `archive` is for messages. */
export function readTar(tar: Uint8Array, archive: string): Promise<ArchiveEntry[]> {
  return new Promise((resolve, reject) => {
    // Names as bytes, so that those that are not UTF-8 survive.
    const options: object = { filenameEncoding: "latin1" };
    const reader = extract(options);
    const entries: ArchiveEntry[] = [];
    let at = 0;
    reader.on("entry", (header, stream, next) => {
      at = (header as Header).byteOffset ?? at;
      const entry = entryOf(header as Header, at);
      if (entry !== undefined) entries.push(entry);
      if (at + (header.size ?? 0) > tar.length) {
        reader.destroy();
        reject(new ArchiveError(archive, `${entry?.path ?? header.name}: the archive ends within the file`, at));
        return;
      }
      stream.on("error", () => {});
      stream.resume();
      next();
    });
    reader.on("error", (e: Error) => reject(new ArchiveError(archive, e.message, at)));
    reader.on("finish", () => resolve(entries));
    if (tar.length < BLOCK) {
      reader.destroy();
      reject(new ArchiveError(archive, "not a tar archive", at));
    } else reader.end(tar);
  });
}

const FORMATS: Readonly<Record<string, number>> = {
  file: S_IFREG,
  "contiguous-file": S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  fifo: S_IFIFO,
  "character-device": S_IFCHR,
  "block-device": S_IFBLK,
};

/** undefined for what is no file, such as an archive's label. */
function entryOf(header: Header, offset: number): ArchiveEntry | undefined {
  // tar-stream decodes pax values as UTF-8 and the rest as it was told to.
  const pax = header.pax ?? {};
  const path = pax["path"] !== undefined ? header.name : fromLatin1(header.name);
  const linkname = header.linkname ?? "";
  const target = pax["linkpath"] !== undefined ? linkname : fromLatin1(linkname);
  const common = {
    path,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtime: pax["mtime"] !== undefined ? parseTime(pax["mtime"]) : timeOf(header.mtime),
    offset,
    size: header.size ?? 0,
  };
  if (header.type === "link") return { ...common, mode: 0, target };
  const format = FORMATS[header.type ?? ""];
  if (format === undefined) return undefined;
  const isDevice = format === S_IFCHR || format === S_IFBLK;
  const xattrs = Object.entries(pax).filter(([key]) => key.startsWith(XATTR));
  return {
    ...common,
    mode: format | (format === S_IFLNK ? 0o777 : (header.mode ?? 0o644) & 0o7777),
    ...(format === S_IFLNK ? { target } : {}),
    ...(isDevice ? { rdev: makedev(header.devmajor ?? 0, header.devminor ?? 0) } : {}),
    ...(xattrs.length === 0
      ? {}
      : { xattrs: Object.fromEntries(xattrs.map(([key, value]) => [key.slice(XATTR.length), value])) }),
  };
}

const XATTR = "SCHILY.xattr.";

function fromLatin1(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return decodeBytes(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  }
  return text;
}

function timeOf(date: Date | undefined): [number, number] {
  const ms = date?.getTime() ?? 0;
  const sec = Math.floor(ms / 1000);
  return [sec, (ms - sec * 1000) * 1_000_000];
}

/** A pax time: decimal seconds with any number of digits after the point, perhaps negative. */
function parseTime(text: string): [number, number] {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) return [0, 0];
  const sec = Number(match[2]);
  const nsec = Number((match[3] ?? "").padEnd(9, "0").slice(0, 9));
  if (match[1] !== "-") return [sec, nsec];
  return nsec === 0 ? [-sec, nsec] : [-sec - 1, 1_000_000_000 - nsec];
}
