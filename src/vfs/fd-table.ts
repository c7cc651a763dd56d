/** The descriptors of a process: what CLONE_FILES shares. */
import { EBADF, EINVAL, EMFILE, errno } from "../abi/errno.ts";
import { O_PATH } from "../abi/fcntl.ts";
import { release, retain } from "./file.ts";
import type { File } from "./types.ts";

export class FdTable {
  readonly #files: (File | undefined)[] = [];
  readonly #closeOnExec: Set<number> = new Set();
  /** No free descriptor below it. */
  #lowest = 0;
  /** Tasks that share it. */
  references: number = 1;

  /** The file of a descriptor, for all calls that use the file: EBADF for O_PATH as well. */
  get(fd: number): File {
    const file = this.#files[fd];
    if (file === undefined || file.flags & O_PATH) throw errno(EBADF);
    return file;
  }

  /** As `get`, O_PATH included: for close, dup, fstat, the *at calls. */
  getAny(fd: number): File {
    const file = this.#files[fd];
    if (file === undefined) throw errno(EBADF);
    return file;
  }

  /** As `getAny`, undefined for a closed one. */
  peek(fd: number): File | undefined {
    return this.#files[fd];
  }

  /**
   * Takes a reference to `file` under the lowest free descriptor from `from` on.
   * @param limit RLIMIT_NOFILE: EMFILE at or above it
   */
  add(file: File, closeOnExec: boolean, limit: number, from = 0): number {
    let fd = Math.max(from, this.#lowest);
    while (this.#files[fd] !== undefined) fd++;
    if (fd >= limit) throw errno(EMFILE);
    if (from <= this.#lowest) this.#lowest = fd + 1;
    this.#put(fd, file, closeOnExec);
    return fd;
  }

  /** EMFILE if `count` more descriptors would exceed the limit: to be asked before something is made that must not leak. */
  checkRoom(count: number, limit: number): void {
    let fd = this.#lowest;
    for (let left = count; left > 0; fd++) {
      if (fd >= limit) throw errno(EMFILE);
      if (this.#files[fd] === undefined) left--;
    }
  }

  #put(fd: number, file: File, closeOnExec: boolean): void {
    // No holes in the array: V8 would turn it into a dictionary.
    while (this.#files.length < fd) this.#files.push(undefined);
    this.#files[fd] = retain(file);
    if (closeOnExec) this.#closeOnExec.add(fd);
    else this.#closeOnExec.delete(fd);
  }

  /** dup2 and dup3: `fd` becomes `file`, what was there is closed. EBADF for a bad number. */
  set(fd: number, file: File, closeOnExec: boolean, limit: number, owner: unknown): void {
    if (fd < 0 || fd >= limit) throw errno(EBADF);
    const old = this.#files[fd];
    this.#put(fd, file, closeOnExec);
    if (old !== undefined) {
      old.flush?.(owner);
      release(old);
    }
  }

  /** @param owner of POSIX locks: the process, whose locks on the file end with any close of it */
  close(fd: number, owner: unknown): void {
    const file = this.#files[fd];
    if (file === undefined) throw errno(EBADF);
    this.#files[fd] = undefined;
    this.#closeOnExec.delete(fd);
    if (fd < this.#lowest) this.#lowest = fd;
    file.flush?.(owner);
    release(file);
  }

  isCloseOnExec(fd: number): boolean {
    return this.#closeOnExec.has(fd);
  }

  setCloseOnExec(fd: number, on: boolean): void {
    if (this.#files[fd] === undefined) throw errno(EBADF);
    if (on) this.#closeOnExec.add(fd);
    else this.#closeOnExec.delete(fd);
  }

  /** Open descriptors in ascending order: /proc/self/fd. */
  *descriptors(): IterableIterator<number> {
    for (let fd = 0; fd < this.#files.length; fd++) if (this.#files[fd] !== undefined) yield fd;
  }

  /** close_range(2), both ends included. */
  closeRange(first: number, last: number, owner: unknown, onlyMark: boolean): void {
    if (first > last) throw errno(EINVAL);
    for (let fd = first; fd <= last && fd < this.#files.length; fd++) {
      if (this.#files[fd] === undefined) continue;
      if (onlyMark) this.#closeOnExec.add(fd);
      else this.close(fd, owner);
    }
  }

  /** At execve. */
  closeOnExec(owner: unknown): void {
    for (const fd of [...this.#closeOnExec]) this.close(fd, owner);
  }

  /** For a clone without CLONE_FILES. */
  clone(): FdTable {
    const copy = new FdTable();
    this.#files.forEach((file, fd) => {
      if (file !== undefined) copy.#put(fd, file, this.#closeOnExec.has(fd));
    });
    copy.#lowest = this.#lowest;
    return copy;
  }

  /** The last task that used it is gone. */
  closeAll(owner: unknown): void {
    for (let fd = 0; fd < this.#files.length; fd++) if (this.#files[fd] !== undefined) this.close(fd, owner);
    this.#files.length = 0;
    this.#lowest = 0;
  }
}
