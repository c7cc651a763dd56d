/** /proc/[pid]/mem: the memory of a process as a file whose positions are addresses (proc(5)). */
import { EINVAL, EIO } from "../../abi/errno.ts";
import { BaseFile } from "../../vfs/file.ts";
import type { Path } from "../../vfs/path.ts";
import { SyntheticFile } from "../../vfs/types/synthetic.ts";
import type { File, Inode, OpenContext } from "../../vfs/types.ts";
import { accessMemory } from "../inspect.ts";
import type { GuestSpace } from "../mm.ts";

const SEEK_SET = 0;
const SEEK_CUR = 1;

/** The node: `space` is asked for at each open. */
export class MemoryNode extends SyntheticFile {
  space!: () => GuestSpace | undefined;

  override open(flags: number, context: OpenContext, path?: Path): File {
    this.options.admit?.(context);
    return new MemoryFile(this.space(), this, flags, path);
  }
}

class MemoryFile extends BaseFile {
  readonly #space: GuestSpace | undefined;

  constructor(space: GuestSpace | undefined, inode: Inode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.#space = space;
  }

  #access(buffer: Uint8Array, position: number, write: boolean): number {
    // The address space of a process that has ended, or that is another program by now, is empty.
    if (this.#space === undefined || this.#space.users <= 0 || buffer.length === 0) return 0;
    const n = accessMemory(this.#space, position, buffer, { write, force: true });
    return n === 0 ? -EIO : n;
  }

  override read(into: Uint8Array): number {
    const n = this.pread(into, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(into: Uint8Array, position: number): number {
    // Into a buffer of its own: the guest's is in the memory that is looked at, or in one that is put aside meanwhile.
    const buffer = new Uint8Array(into.length);
    const n = this.#access(buffer, position, false);
    if (n > 0) into.set(buffer.subarray(0, n));
    return n;
  }

  override write(from: Uint8Array): number {
    const n = this.pwrite(from, this.position);
    if (n > 0) this.position += n;
    return n;
  }

  override pwrite(from: Uint8Array, position: number): number {
    return this.#access(from.slice(), position, true);
  }

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== SEEK_CUR) return -EINVAL;
    this.position = whence === SEEK_SET ? offset : this.position + offset;
    return this.position;
  }
}
