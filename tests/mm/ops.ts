/**
 * Sequences of memory system calls, generated from a seed, and tsrcore's answers in the form that ops.c prints.
 */
import { Errno } from "../../src/abi/errno.ts";
import * as M from "../../src/abi/mman.ts";
import { AddressSpace, NO_LIMITS } from "../../src/mm/address-space.ts";
import { BytesFile, BytesInode } from "../../src/mm/bytes-file.ts";
import { Access } from "../../src/mm/guest-access.ts";
import { PageBits } from "../../src/mm/layout.ts";
import { MemoryPool } from "../../src/mm/memory-pool.ts";

const BASE = 0x2000_0000;
const SIZE = 0x10_0000;
const PAGE = 4096;

/** xorshift32: sequences must be the same everywhere. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/**
 * One sequence. With `touch` pages are read and written too; without, mappings stay untouched, so that those of the real
 * kernel merge by their attributes alone (and not by where their pages came from).
 */
export function sequence(seed: number, touch: boolean): string {
  const random = generator(seed * 2 + (touch ? 1 : 0));
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const address = (): number => {
    if (random(40) === 0) return pick([1, 0x800, PAGE + 1, SIZE - 1]);
    return random(24) * PAGE;
  };
  const length = (): number => {
    if (random(30) === 0) return pick([0, 1, PAGE + 1, 100, 2 ** 47]);
    return (1 + random(8)) * PAGE;
  };
  const prot = (): number => pick([0, 1, 3, 3, 3, 1, 5, 7, 2, 4, ...(random(20) === 0 ? [0x10, 0x100_0003] : [])]);
  const ops: string[] = [];
  const count = 6 + random(14);
  for (let i = 0; i < count; i++) {
    const kind = random(touch ? 15 : 9);
    if (kind <= 2) {
      const anonymous = random(3) !== 0;
      const type = pick([M.MAP_PRIVATE, M.MAP_PRIVATE, M.MAP_SHARED, ...(random(12) === 0 ? [0, 3, 4] : [])]);
      let flags = type | (anonymous ? M.MAP_ANONYMOUS : 0);
      flags |= pick([M.MAP_FIXED, M.MAP_FIXED, M.MAP_FIXED, M.MAP_FIXED_NOREPLACE, 0]);
      if (random(10) === 0) flags |= pick([M.MAP_NORESERVE, M.MAP_STACK]);
      if (touch && random(8) === 0) flags |= M.MAP_POPULATE;
      const offset = random(25) === 0 ? 100 : random(3) * PAGE;
      const file = anonymous ? 0 : pick([1, 3, 3, 3, ...(random(6) === 0 ? [2] : [])]);
      ops.push(`m ${address()} ${length()} ${prot() & 0x1f} ${flags} ${file} ${anonymous ? 0 : offset}`);
    } else if (kind === 3) ops.push(`u ${address()} ${length()}`);
    else if (kind <= 5) ops.push(`p ${address()} ${length()} ${prot()}`);
    else if (kind === 6) {
      const flags = pick([0, 3, 3, 3, 7, ...(random(10) === 0 ? [2, 5, 8] : [])]);
      const old = length();
      ops.push(`r ${address()} ${old} ${random(2) ? old : length()} ${flags} ${address()}`);
    } else if (kind === 7) {
      const advice = pick([M.MADV_DONTNEED, M.MADV_DONTNEED, M.MADV_DONTFORK, M.MADV_WIPEONFORK, M.MADV_RANDOM, 99]);
      // Not the whole address space: the native program lives there too.
      ops.push(`a ${address()} ${Math.min(length(), SIZE)} ${advice}`);
    } else if (kind === 8) ops.push(`s ${address()} ${length()} ${pick([1, 2, 4, 5, 8])}`);
    else if (kind <= 11) ops.push(`w ${random(24) * PAGE + random(PAGE)} ${random(256)}`);
    else if (kind === 12) ops.push(`f ${random(4 * PAGE)}`);
    else if (kind === 13) ops.push(`F ${random(3 * PAGE)} ${random(256)}`);
    else ops.push(`g ${random(24) * PAGE + random(PAGE)}`);
    // What was just written is looked at through all eyes.
    if (touch && random(3) === 0) ops.push(`g ${random(24) * PAGE + random(20)}`);
  }
  return ops.join(";");
}

/** Runs sequences on address spaces of our own. */
/** What is noted of a page and the next together has to be so. Then everything that could be noted is, as translated code does. */
function checkPairs(pages: Uint8Array): void {
  const last = (BASE + SIZE) / PAGE;
  for (let page = BASE / PAGE - 1; page <= last; page++)
    for (const [right, both] of [
      [PageBits.Read, PageBits.ReadOn],
      [PageBits.Write, PageBits.WriteOn],
    ] as const) {
      const allowed = ((pages[page] as number) & (pages[page + 1] as number) & right) !== 0;
      if (!allowed && ((pages[page] as number) & both) !== 0)
        throw new Error(`page ${page} says of itself and the next what does not hold`);
      if (allowed) pages[page] = (pages[page] as number) | both;
    }
}

export class Runner {
  readonly #pool = new MemoryPool();

  run(line: string): string[] {
    const space = new AddressSpace(this.#pool, { limits: { ...NO_LIMITS } });
    this.#pool.activate(space);
    const bytes = new Uint8Array(PAGE * 3 + 100);
    for (let i = 0; i < bytes.length; i++) bytes[i] = 1 + Math.floor(i / PAGE) * 16 + (i % 13);
    const inode = new BytesInode(bytes);
    const files = [null, new BytesFile(inode, 0), new BytesFile(inode, 1), new BytesFile(inode, 2)];
    const out = line.split(";").map((op) => {
      const result = this.#one(space, files, inode, op);
      checkPairs(space.memory.pages);
      return `${result}${maps(space)}`;
    });
    space.release();
    return out;
  }

  #one(space: AddressSpace, files: (BytesFile | null)[], inode: BytesInode, op: string): number {
    const [kind, ...rest] = op.split(" ");
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = rest.map(Number);
    const at = a + BASE;
    const outside = (result: number, length: number): number => {
      if (result >= BASE && result < BASE + SIZE) return result - BASE;
      space.munmap(result, Math.ceil(length / PAGE) * PAGE);
      return -9999;
    };
    try {
      switch (kind) {
        case "m":
          return outside(space.mmap(at, b, c, d, files[e] ?? null, f), b);
        case "u":
          space.munmap(at, b);
          return 0;
        case "p":
          space.mprotect(at, b, c);
          return 0;
        case "r":
          return outside(space.mremap(at, b, c, d, e + BASE), c);
        case "a":
          space.madvise(at, b, c);
          return 0;
        case "s":
          space.msync(at, b, c);
          return 0;
        case "w":
        case "g": {
          // As guest code does it: the page byte first, then the kernel, then again.
          const bit = kind === "w" ? 2 : 1;
          if (!((space.memory.pages[at >>> 12] as number) & bit)) {
            const fault = space.handleFault(at, kind === "w" ? Access.Write : Access.Read);
            if (!fault.ok) return -100000 - ((fault.signal << 8) | fault.code);
          }
          if (kind === "g") return space.memory.u8[at] as number;
          space.memory.u8[at] = b;
          return 0;
        }
        case "f":
          this.#pool.beforeRead(inode);
          return inode.bytes[a] ?? -1;
        case "F":
          this.#pool.beforeWrite(inode);
          inode.write(a, Uint8Array.of(b));
          this.#pool.afterWrite(inode, a, 1);
          return 1;
        default:
          throw new Error(op);
      }
    } catch (error) {
      if (error instanceof Errno) return -error.code;
      throw error;
    }
  }
}

function maps(space: AddressSpace): string {
  let text = "";
  for (const vma of space.vmas) {
    if (vma.start < BASE || vma.end > BASE + SIZE) continue;
    const perms = `${vma.prot & 1 ? "r" : "-"}${vma.prot & 2 ? "w" : "-"}${vma.prot & 4 ? "x" : "-"}`;
    const shared = vma.shared ? "s" : "p";
    text += ` ${(vma.start - BASE).toString(16)}-${(vma.end - BASE).toString(16)}:${perms}${shared}:${vma.isAnonymousPrivate ? 0 : vma.offset.toString(16)}`;
  }
  return text;
}
