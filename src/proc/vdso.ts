/**
 * What the kernel keeps of the vdso: its image, the same for every program, and the page of data below it, which tells how
 * to get from the time stamp counter to the clocks. Programs see the page as a shared mapping that only the kernel writes.
 */
import type { Clock } from "../host/interface.ts";
import { MONOTONIC_OFFSET, REALTIME_OFFSET, type Vdso } from "../loader/vdso.ts";
import { PAGE_SIZE } from "../mm/layout.ts";
import type { MemoryPool } from "../mm/memory-pool.ts";
import type { SharedObject } from "../mm/shared-object.ts";
import type { MappedFile, MappedInode } from "../mm/vma.ts";

type RelatedClock = Clock & Required<Pick<Clock, "realtimeOffset">>;

class VdsoImage implements MappedFile, MappedInode {
  readonly ino = 0;
  readonly flags = 0;
  readonly #bytes: Uint8Array;
  references = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get inode(): MappedInode {
    return this;
  }

  read(position: number, into: Uint8Array): number {
    const part = this.#bytes.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  write(): number {
    throw new Error("the image of the vdso is never mapped shared");
  }

  attributes(): { size: number; dev: number; ino: number } {
    return { size: this.#bytes.length, dev: 0, ino: 0 };
  }

  describe(): string {
    return "[vdso]";
  }

  close(): void {
    throw new Error("the kernel's own reference to the vdso is gone");
  }
}

/** The data page. */
export class ClockPage implements SharedObject {
  readonly name = "[vvar]";
  readonly #pool: MemoryPool;
  readonly #page: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(PAGE_SIZE));
  readonly #clock: RelatedClock;
  #version = 0;
  #realtimeOffset = 0n;

  /** @param boot what the host's monotonic clock showed when the machine's began */
  constructor(clock: RelatedClock, pool: MemoryPool, boot: bigint) {
    this.#clock = clock;
    this.#pool = pool;
    this.#page.setBigInt64(MONOTONIC_OFFSET, -boot, true);
    this.refresh();
  }

  /** Looks whether the host's clock was set meanwhile. */
  refresh(): void {
    const offset = this.#clock.realtimeOffset();
    if (offset === this.#realtimeOffset) return;
    this.#realtimeOffset = offset;
    this.#page.setBigInt64(REALTIME_OFFSET, offset, true);
    this.#version++;
    this.#pool.changed();
  }

  readPage(index: number, into: Uint8Array): boolean {
    if (index !== 0) return false;
    into.set(new Uint8Array(this.#page.buffer));
    return true;
  }

  writePage(): void {
    throw new Error("no program can write to the data page of the vdso");
  }

  version(): number {
    return this.#version;
  }
}

/** What programs get mapped. Without a data page its functions make system calls. */
export function makeVdso(image: Uint8Array, data: ClockPage | undefined): Vdso {
  return { image: new VdsoImage(image), ...(data === undefined ? {} : { data }) };
}

/** The page for a counter of the host's time; undefined if the host cannot say how far it is from the time of day. */
export function makeClockPage(clock: Clock, pool: MemoryPool, boot: bigint): ClockPage | undefined {
  return hasOffset(clock) ? new ClockPage(clock, pool, boot) : undefined;
}

function hasOffset(clock: Clock): clock is RelatedClock {
  return clock.realtimeOffset !== undefined;
}
