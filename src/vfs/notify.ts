/**
 * Who is told when something happens to a file: the part of inotify(7) that the rest of the VFS calls.
 *
 * A watch sits on an inode. What happens to a file is told to the watches on the file itself, without a name, and to those on
 * the directory in which it was opened, with its name there. Where nobody watches, it costs two loads.
 */
import {
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_ISDIR,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_UNMOUNT,
} from "../abi/inotify.ts";
import { S_IFDIR } from "../abi/stat.ts";
import type { Path } from "./path.ts";
import type { FileSystem, Inode } from "./types.ts";

export interface Watch {
  /** IN_*, and IN_ONESHOT. */
  readonly mask: number;
  /** An event that the mask may or may not want. `name` is empty for the watched file itself. */
  tell(event: number, name: string, cookie: number): void;
  /** The inode is gone: IN_IGNORED and no more. */
  end(): void;
}

/** Tells the watches on `inode`; `name` is that of an entry if it is a directory in which something happened. */
export function notify(inode: Inode, event: number, name = "", cookie = 0): void {
  if (inode.watches === undefined) return;
  for (const watch of [...inode.watches]) {
    if (watch.mask & event || event & (IN_DELETE_SELF | IN_IGNORED)) watch.tell(event, name, cookie);
  }
}

/** Something has happened to a file that was reached by `path`: tells its own watches and those on its directory. */
export function notifyFile(inode: Inode, path: Path | undefined, event: number): void {
  const parent = path?.dentry.parent.inode;
  if (inode.watches === undefined && parent?.watches === undefined) return;
  const what = inode.format === S_IFDIR ? event | IN_ISDIR : event;
  if (path !== undefined && parent !== undefined && parent !== inode) notify(parent, what, path.dentry.name);
  notify(inode, what);
}

/** An entry of a directory was made or removed: IN_CREATE, IN_DELETE. */
export function notifyEntry(directory: Inode, name: string, entry: Inode, event: number): void {
  if (directory.watches === undefined) return;
  notify(directory, entry.format === S_IFDIR ? event | IN_ISDIR : event, name);
}

/** The last reference to an open file has gone. */
export function notifyClose(inode: Inode, path: Path | undefined, writable: boolean): void {
  notifyFile(inode, path, writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

/** A name of an inode has gone, or an open file of it: the watches on it end with the last of them. */
export function notifyGone(inode: Inode): void {
  if (inode.watches === undefined || inode.inUse === true) return;
  if (inode.format !== S_IFDIR && inode.attributes().nlink > 0) return;
  notify(inode, IN_DELETE_SELF);
  for (const watch of [...inode.watches]) watch.end();
}

/** The last mount of a file system is gone, and with it the watches on what is in it. */
export function notifyUnmounted(fs: FileSystem): void {
  for (const inode of fs.watched ?? []) {
    for (const watch of [...(inode.watches ?? [])]) {
      watch.tell(inode.format === S_IFDIR ? IN_UNMOUNT | IN_ISDIR : IN_UNMOUNT, "", 0);
      watch.end();
    }
  }
  fs.watched = undefined;
}

/** A file has another name now. `cookie` ties the two events together. */
export function notifyMove(
  from: Inode,
  fromName: string,
  to: Inode,
  toName: string,
  moved: Inode,
  cookie: number,
): void {
  const directory = moved.format === S_IFDIR ? IN_ISDIR : 0;
  notify(from, IN_MOVED_FROM | directory, fromName, cookie);
  notify(to, IN_MOVED_TO | directory, toName, cookie);
  notify(moved, IN_MOVE_SELF);
}
