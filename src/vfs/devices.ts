/** The memory devices of /dev (mem(4), null(4), random(4)): character devices of major 1. */
import { EFAULT, EINVAL, ENOSPC, ENOTTY } from "../abi/errno.ts";
import { S_IFCHR } from "../abi/stat.ts";
import type { Random } from "../host/interface.ts";
import { BaseFile } from "./file.ts";
import type { Path } from "./path.ts";
import type { SpecialFiles } from "./special.ts";
import type { GuestAccess, Inode } from "./types.ts";

export const MEM_MAJOR = 1;
const ZEROES: Uint8Array = new Uint8Array(16384);
const RNDGETENTCNT = 0x80045200;
const RNDADDTOENTCNT = 0x40045201;

/** Seeking is allowed and means nothing: the position stays 0, as Linux's null_lseek. */
abstract class MemoryDevice extends BaseFile {
  override seek(): number {
    this.position = 0;
    return 0;
  }
  override pread(into: Uint8Array): number {
    return this.read(into);
  }
  override pwrite(from: Uint8Array): number {
    return this.write(from);
  }
  override write(from: Uint8Array): number {
    return from.length;
  }
}

class NullDevice extends MemoryDevice {
  override read(): number {
    return 0;
  }
}

class ZeroDevice extends MemoryDevice {
  /** mmap_zero() */
  override get mappable(): boolean {
    return true;
  }
  get zeroes(): boolean {
    return true;
  }
  override read(into: Uint8Array): number {
    // TypedArray.fill is slow on the guest's memory, which is a shared one, and for a few bytes so is any call.
    const n = into.length;
    if (n <= 64) for (let i = 0; i < n; i++) into[i] = 0;
    else for (let at = 0; at < n; at += ZEROES.length) into.set(ZEROES.subarray(0, n - at), at);
    return n;
  }
}

class FullDevice extends ZeroDevice {
  override get mappable(): boolean {
    return false;
  }
  override write(): number {
    return -ENOSPC;
  }
}

class RandomDevice extends MemoryDevice {
  readonly #random: Random;

  constructor(random: Random, inode: Inode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.#random = random;
  }

  override read(into: Uint8Array): number {
    this.#random.fill(into);
    return into.length;
  }

  override ioctl(request: number, argument: number, guest: GuestAccess): number {
    if (request === RNDGETENTCNT) {
      guest.writeU32(argument, 256);
      return 0;
    }
    if (request === RNDADDTOENTCNT) return argument === 0 ? -EFAULT : -EINVAL;
    return -ENOTTY;
  }
}

export interface DeviceNode {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
}

export const MEMORY_DEVICES: readonly DeviceNode[] = [
  { name: "null", major: MEM_MAJOR, minor: 3, mode: 0o666 },
  { name: "zero", major: MEM_MAJOR, minor: 5, mode: 0o666 },
  { name: "full", major: MEM_MAJOR, minor: 7, mode: 0o666 },
  { name: "random", major: MEM_MAJOR, minor: 8, mode: 0o666 },
  { name: "urandom", major: MEM_MAJOR, minor: 9, mode: 0o666 },
];

export function registerMemoryDevices(special: SpecialFiles, random: Random): void {
  const register = (minor: number, open: (inode: Inode, flags: number, path: Path) => BaseFile): void =>
    special.register(S_IFCHR, MEM_MAJOR, minor, (inode, flags, _context, path) => open(inode, flags, path));
  register(3, (inode, flags, path) => new NullDevice(inode, flags, path));
  register(5, (inode, flags, path) => new ZeroDevice(inode, flags, path));
  register(7, (inode, flags, path) => new FullDevice(inode, flags, path));
  register(8, (inode, flags, path) => new RandomDevice(random, inode, flags, path));
  register(9, (inode, flags, path) => new RandomDevice(random, inode, flags, path));
}
