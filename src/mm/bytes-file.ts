/** Files for the tests of this folder and the loader's: bytes in memory. */
import type { MappedFile, MappedInode } from "./vma.ts";

export class BytesInode implements MappedInode {
  readonly ino = 1;
  bytes: Uint8Array;
  reads = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(position: number, into: Uint8Array): number {
    this.reads++;
    const part = this.bytes.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  write(position: number, from: Uint8Array): number {
    if (position + from.length > this.bytes.length) {
      const grown = new Uint8Array(position + from.length);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(from, position);
    return from.length;
  }

  attributes(): { size: number; dev: number; ino: number } {
    return { size: this.bytes.length, dev: 1, ino: this.ino };
  }
}

export class BytesFile implements MappedFile {
  readonly inode: BytesInode;
  readonly flags: number;
  readonly path: string;
  references = 0;
  closed = false;

  constructor(inode: BytesInode | Uint8Array, flags = 0, path = "/test") {
    this.inode = inode instanceof BytesInode ? inode : new BytesInode(inode);
    this.flags = flags;
    this.path = path;
  }

  describe(): string {
    return this.path;
  }

  close(): void {
    this.closed = true;
  }
}
