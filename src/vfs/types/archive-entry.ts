/** What is known of an archive before it is a file system. */

/** What an archive says of one file: plain data, that JSON keeps. */
export interface ArchiveEntry {
  readonly path: string;
  /** Type and permissions; 0 for one more name of a file that was there before. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds and nanoseconds. */
  readonly mtime: readonly [sec: number, nsec: number];
  /** Where the contents of a regular file lie in the inflated archive. */
  readonly offset: number;
  readonly size: number;
  /** Of a symbolic link; the other name of a hard link. */
  readonly target?: string;
  readonly rdev?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** The archive cannot be read: says which file and where. */
export class ArchiveError extends Error {
  constructor(name: string, problem: string, offset?: number) {
    super(`${name}: ${problem}${offset === undefined ? "" : ` at byte ${offset}`}`);
    this.name = "ArchiveError";
  }
}
