import { describe, expect, it } from "vitest";
import { EFAULT, ENAMETOOLONG, ENOMEM, Errno } from "../abi/errno.ts";
import * as M from "../abi/mman.ts";
import { SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGKILL, SIGSEGV } from "../abi/signal.ts";
import { AddressSpace, type AttachedCore, NO_LIMITS } from "./address-space.ts";
import { BytesFile, BytesInode } from "./bytes-file.ts";
import { Access } from "./guest-access.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { GUEST_LIMIT, PAGE_SIZE, PageBits, TASK_SIZE } from "./layout.ts";
import { MemoryPool } from "./memory-pool.ts";

const ANON = M.MAP_PRIVATE | M.MAP_ANONYMOUS;
const RW = M.PROT_READ | M.PROT_WRITE;
const AT = 0x2000_0000;

function make(pool = new MemoryPool(), limits = NO_LIMITS): AddressSpace<FakeCore> {
  return new AddressSpace<FakeCore>(pool, { limits: { ...limits } });
}

function code(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof Errno) return error.code;
    throw error;
  }
  return 0;
}

/** An engine that only remembers what it is told. */
class FakeCore implements AttachedCore {
  readonly memory: GuestMemory;
  readonly invalidated: [number, number][] = [];
  detached = false;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  /** As if code of this page had been decoded. */
  decode(address: number): void {
    const page = address / PAGE_SIZE;
    this.memory.pages[page] = ((this.memory.pages[page] as number) & ~PageBits.Write) | PageBits.Code;
  }

  invalidate(start: number, end: number): void {
    this.invalidated.push([start, end]);
  }

  fork(child: GuestMemory): FakeCore {
    return new FakeCore(child);
  }

  detach(): void {
    this.detached = true;
  }
}

describe("faults", () => {
  it("populates on the first access and says why it cannot", () => {
    const space = make();
    space.mmap(AT, PAGE_SIZE, M.PROT_READ, ANON | M.MAP_FIXED);
    expect(space.presentPages).toBe(0);
    expect(space.handleFault(AT, Access.Read)).toEqual({ ok: true });
    expect(space.presentPages).toBe(1);
    const failure = (signal: number, si: number, address: number) => ({ ok: false, signal, code: si, address });
    expect(space.handleFault(AT + 5, Access.Write)).toEqual(failure(SIGSEGV, SEGV_ACCERR, AT + 5));
    expect(space.handleFault(AT, Access.Exec)).toEqual(failure(SIGSEGV, SEGV_ACCERR, AT));
    expect(space.handleFault(AT - 1, Access.Read)).toEqual(failure(SIGSEGV, SEGV_MAPERR, AT - 1));
    for (const wild of [0, GUEST_LIMIT, 2 ** 47, 2 ** 64 - 4096, TASK_SIZE]) {
      expect(space.handleFault(wild, Access.Read)).toEqual(failure(SIGSEGV, SEGV_MAPERR, wild));
    }
  });

  it("reads file pages around the fault, zero-fills the last one, and raises SIGBUS beyond it", () => {
    const inode = new BytesInode(new Uint8Array(PAGE_SIZE * 3 + 10).fill(7));
    const file = new BytesFile(inode);
    const space = make();
    space.mmap(AT, PAGE_SIZE * 8, RW, M.MAP_PRIVATE | M.MAP_FIXED, file);
    expect(space.handleFault(AT + PAGE_SIZE, Access.Read).ok).toBe(true);
    expect(inode.reads).toBe(1);
    expect(space.presentPages).toBe(4);
    const last = space.readable(AT + 3 * PAGE_SIZE, PAGE_SIZE);
    expect([last[9], last[10], last[PAGE_SIZE - 1]]).toEqual([7, 0, 0]);
    expect(space.handleFault(AT + 4 * PAGE_SIZE, Access.Read)).toMatchObject({ ok: false, signal: SIGBUS });
    space.writeU8(AT, 9);
    expect(inode.bytes[0]).toBe(7);
    // Dropped, it is the file's again.
    space.madvise(AT, PAGE_SIZE, M.MADV_DONTNEED);
    expect(space.readU8(AT)).toBe(7);
    space.release();
    expect(file.closed).toBe(true);
  });

  it("grows a stack within RLIMIT_STACK and away from its neighbour", () => {
    const space = make(new MemoryPool(), { ...NO_LIMITS, stack: 1 << 20 });
    space.mapStack(PAGE_SIZE, RW);
    const top = space.stackTop;
    expect(space.handleFault(top - 0x8_0000, Access.Write).ok).toBe(true);
    expect(space.vmas.find(top - 0x8_0000)?.end).toBe(top);
    expect(space.handleFault(top - (1 << 20), Access.Write).ok).toBe(true);
    expect(space.handleFault(top - (1 << 20) - 1, Access.Write)).toMatchObject({ code: SEGV_MAPERR });

    const near = make();
    near.mapStack(PAGE_SIZE, RW);
    near.mmap(near.stackTop - 0x20_0000, PAGE_SIZE, RW, ANON | M.MAP_FIXED);
    expect(near.handleFault(near.stackTop - 0x10_0000, Access.Read).ok).toBe(false);
    expect(near.handleFault(near.stackTop - 0xf_e000, Access.Read).ok).toBe(true);
  });

  it("is out of memory at the machine's budget, for one process and for fork, and recovers", () => {
    const pool = new MemoryPool({ limitBytes: 64 * PAGE_SIZE });
    const space = make(pool);
    expect(code(() => space.mmap(0, 65 * PAGE_SIZE, RW, ANON))).toBe(ENOMEM);
    const at = space.mmap(0, 100 * PAGE_SIZE, RW, ANON | M.MAP_NORESERVE);
    for (let page = 0; page < 64; page++) space.writeU8(at + page * PAGE_SIZE, 1);
    expect(space.handleFault(at + 64 * PAGE_SIZE, Access.Write)).toMatchObject({ ok: false, signal: SIGKILL });
    expect(code(() => space.writeU8(at + 64 * PAGE_SIZE, 1))).toBe(EFAULT);
    expect(code(() => space.fork())).toBe(ENOMEM);
    expect(pool.committedPages).toBe(64);
    space.munmap(at, 40 * PAGE_SIZE);
    const child = space.fork();
    expect(pool.committedPages).toBe(48);
    child.release();
    space.release();
    expect(pool.committedPages).toBe(0);
  });
});

describe("layout", () => {
  it("places mappings from the top down, first under the stack, and heeds hints that are free", () => {
    const space = make();
    const first = space.mmap(0, 100, RW, ANON);
    const second = space.mmap(0, PAGE_SIZE, M.PROT_READ, ANON);
    expect([first, second]).toEqual([space.mmapBase - PAGE_SIZE, space.mmapBase - 2 * PAGE_SIZE]);
    expect(space.mmap(AT + 5, PAGE_SIZE, RW, ANON)).toBe(AT);
    expect(space.mmap(AT, PAGE_SIZE, RW, ANON)).toBe(second - PAGE_SIZE);
    expect(space.mmap(2 ** 46, PAGE_SIZE, RW, ANON)).toBe(second - 2 * PAGE_SIZE);
    expect(code(() => space.mmap(2 ** 46, PAGE_SIZE, RW, ANON | M.MAP_FIXED))).toBe(ENOMEM);
    expect(space.mmap(0, PAGE_SIZE, RW, ANON | M.MAP_32BIT)).toBe(0x4000_0000);
    expect(space.mmap(0x5000_0000, PAGE_SIZE, RW, ANON | M.MAP_32BIT)).toBe(0x5000_0000);
    expect(space.mmap(0x9000_0000, PAGE_SIZE, RW, ANON | M.MAP_32BIT)).toBe(0x4000_0000 + PAGE_SIZE);
    space.munmap(first, PAGE_SIZE);
    expect(space.mmap(0, PAGE_SIZE, RW, ANON)).toBe(first);
  });

  it("gives whoever proposes an address beyond its range the alignment of that, up to the length", () => {
    const space = make();
    const megabyte = 1 << 20;
    space.mmap(0, PAGE_SIZE, RW, ANON);
    const arena = space.mmap(2 ** 41 + 4 * megabyte, 4 * megabyte, RW, ANON);
    expect(arena % (4 * megabyte)).toBe(0);
    expect(space.mmapBase - arena).toBeLessThanOrEqual(8 * megabyte + PAGE_SIZE);
    const next = space.mmap(2 ** 41 + 8 * megabyte, 4 * megabyte, RW, ANON);
    expect(next).toBe(arena - 4 * megabyte);
    expect(space.mmap(2 ** 41 + megabyte, 3 * megabyte, RW, ANON) % megabyte).toBe(0);
    // What is left between them is used by others.
    expect(space.mmap(0, PAGE_SIZE, RW, ANON)).toBeGreaterThan(arena);
    // Where there is no room for that, without.
    expect(space.mmap(2 ** 41, 2 ** 31, M.PROT_NONE, ANON | M.MAP_NORESERVE) % 2 ** 31).not.toBe(0);
  });

  it("moves the break, and keeps it where it cannot move", () => {
    const space = make(new MemoryPool(), { ...NO_LIMITS, data: 1 << 20 });
    space.startBrk = space.currentBrk = AT;
    expect(space.brk(0)).toBe(AT);
    expect(space.brk(AT + 100)).toBe(AT + 100);
    space.writeU8(AT + 99, 5);
    expect(space.nameOf(space.vmas.find(AT) as never)).toBe("[heap]");
    expect(space.brk(AT + 3 * PAGE_SIZE)).toBe(AT + 3 * PAGE_SIZE);
    expect(space.vmas.count).toBe(1);
    expect(space.brk(AT + (2 << 20))).toBe(AT + 3 * PAGE_SIZE);
    expect(space.brk(AT - 1)).toBe(AT + 3 * PAGE_SIZE);
    space.mmap(AT + 0x1_0000, PAGE_SIZE, RW, ANON | M.MAP_FIXED);
    expect(space.brk(AT + 0x1_0000)).toBe(AT + 3 * PAGE_SIZE);
    expect(space.brk(AT)).toBe(AT);
    expect(space.brk(AT + 100)).toBe(AT + 100);
    expect(space.readU8(AT + 99)).toBe(0);
  });

  it("keeps to RLIMIT_AS", () => {
    const space = make(new MemoryPool(), { ...NO_LIMITS, addressSpace: 16 * PAGE_SIZE });
    const at = space.mmap(0, 16 * PAGE_SIZE, RW, ANON);
    expect(code(() => space.mmap(0, PAGE_SIZE, RW, ANON))).toBe(ENOMEM);
    expect(space.mmap(at, 4 * PAGE_SIZE, M.PROT_READ, ANON | M.MAP_FIXED)).toBe(at);
    expect(code(() => space.mremap(at, 4 * PAGE_SIZE, 5 * PAGE_SIZE, M.MREMAP_MAYMOVE))).toBe(ENOMEM);
  });
});

describe("fork", () => {
  it("copies contents, protections, registers and layout, and nothing is common afterwards", () => {
    const pool = new MemoryPool();
    const space = make(pool);
    space.startBrk = space.currentBrk = AT;
    const at = space.mmap(0, 20 * PAGE_SIZE, RW, ANON);
    for (const page of [0, 1, 7, 19]) space.writeU32(at + page * PAGE_SIZE, page + 100);
    space.mprotect(at + PAGE_SIZE, PAGE_SIZE, M.PROT_NONE);
    space.memory.context.setUint32(8, 1234, true);
    const child = space.fork();
    expect(child.presentPages).toBe(space.presentPages);
    expect(child.memory.context.getUint32(8, true)).toBe(1234);
    expect([0, 7, 19].map((page) => child.readU32(at + page * PAGE_SIZE))).toEqual([100, 107, 119]);
    expect(code(() => child.readU8(at + PAGE_SIZE))).toBe(EFAULT);
    child.mprotect(at + PAGE_SIZE, PAGE_SIZE, RW);
    expect(child.readU32(at + PAGE_SIZE)).toBe(101);
    child.writeU32(at, 1);
    expect(space.readU32(at)).toBe(100);
    expect(child.mmap(0, PAGE_SIZE, RW, ANON)).toBe(space.mmap(0, PAGE_SIZE, RW, ANON));
    child.release();
    // What the child leaves behind is clean for the next one.
    const next = make(pool);
    next.mmap(at, 20 * PAGE_SIZE, RW, ANON | M.MAP_FIXED);
    expect(next.readable(at, 20 * PAGE_SIZE).every((byte) => byte === 0)).toBe(true);
    expect(next.memory.context.getUint32(8, true)).toBe(0);
  });

  it("honours MADV_DONTFORK and MADV_WIPEONFORK", () => {
    const space = make();
    const at = space.mmap(0, 3 * PAGE_SIZE, RW, ANON);
    space.writable(at, 3 * PAGE_SIZE).fill(1);
    space.madvise(at, PAGE_SIZE, M.MADV_DONTFORK);
    space.madvise(at + PAGE_SIZE, PAGE_SIZE, M.MADV_WIPEONFORK);
    const child = space.fork();
    expect(code(() => child.readU8(at))).toBe(EFAULT);
    expect([child.readU8(at + PAGE_SIZE), child.readU8(at + 2 * PAGE_SIZE)]).toEqual([0, 1]);
  });
});

describe("shared mappings", () => {
  it("carry anonymous memory between processes at each switch, both ways", () => {
    const pool = new MemoryPool();
    const parent = make(pool);
    pool.activate(parent);
    const at = parent.mmap(0, 4 * PAGE_SIZE, RW, M.MAP_SHARED | M.MAP_ANONYMOUS);
    parent.writeU32(at, 1);
    const child = parent.fork();
    pool.activate(child);
    expect(child.readU32(at)).toBe(1);
    child.writeU32(at, 2);
    child.writeU32(at + PAGE_SIZE, 22);
    pool.activate(parent);
    expect([parent.readU32(at), parent.readU32(at + PAGE_SIZE)]).toEqual([2, 22]);
    parent.writeU32(at, 3);
    pool.activate(child);
    expect(child.readU32(at)).toBe(3);
    child.writeU32(at + 2 * PAGE_SIZE, 33);
    child.release();
    pool.activate(parent);
    expect(parent.readU32(at + 2 * PAGE_SIZE)).toBe(33);
  });

  it("are one with the file: read(2), write(2), truncation and two places in one process", () => {
    const pool = new MemoryPool();
    const space = make(pool);
    pool.activate(space);
    const inode = new BytesInode(new Uint8Array(2 * PAGE_SIZE));
    const file = new BytesFile(inode, 2);
    const a = space.mmap(0, 2 * PAGE_SIZE, RW, M.MAP_SHARED, file);
    const b = space.mmap(0, 2 * PAGE_SIZE, RW, M.MAP_SHARED, file);
    space.writeU8(a, 1);
    expect(space.readU8(b)).toBe(1);
    space.writeU8(b, 2);
    expect(space.readU8(a)).toBe(2);
    pool.beforeRead(inode);
    expect(inode.bytes[0]).toBe(2);
    inode.write(0, Uint8Array.of(3));
    pool.afterWrite(inode, 0, 1);
    expect([space.readU8(a), space.readU8(b)]).toEqual([3, 3]);
    space.writeU8(a + PAGE_SIZE, 4);
    pool.beforeWrite(inode);
    inode.bytes = inode.bytes.slice(0, PAGE_SIZE);
    pool.afterTruncate(inode);
    expect(space.handleFault(a + PAGE_SIZE, Access.Read)).toMatchObject({ signal: SIGBUS });
    space.writeU8(a + 1, 5);
    space.munmap(a, 2 * PAGE_SIZE);
    expect(inode.bytes[1]).toBe(5);
    expect(inode.bytes.length).toBe(PAGE_SIZE);
  });
});

describe("code", () => {
  it("keeps Write off pages with decoded code until they are written, and reports what happens to them", () => {
    const space = make();
    const core = new FakeCore(space.memory);
    space.core = core;
    const rwx = M.PROT_READ | M.PROT_WRITE | M.PROT_EXEC;
    const at = space.mmap(0, 4 * PAGE_SIZE, rwx, ANON);
    space.writable(at, 4 * PAGE_SIZE).fill(0x90);
    core.decode(at);
    expect(space.handleFault(at, Access.Write).ok).toBe(true);
    expect(core.invalidated.pop()).toEqual([at, at + PAGE_SIZE]);
    expect((space.memory.pages[at / PAGE_SIZE] as number) & PageBits.Write).toBe(PageBits.Write);
    // The kernel's own writes count too.
    core.decode(at);
    space.writeU8(at + 10, 1);
    expect(core.invalidated.pop()).toEqual([at, at + PAGE_SIZE]);
    // A change of protection that keeps PROT_EXEC does not bring Write back.
    core.decode(at);
    space.mprotect(at, PAGE_SIZE, rwx & ~M.PROT_WRITE);
    space.mprotect(at, PAGE_SIZE, rwx);
    expect((space.memory.pages[at / PAGE_SIZE] as number) & (PageBits.Code | PageBits.Write)).toBe(PageBits.Code);
    expect(core.invalidated).toEqual([]);
    space.mprotect(at, PAGE_SIZE, RW);
    expect(core.invalidated.pop()).toEqual([at, at + PAGE_SIZE]);
    core.decode(at + PAGE_SIZE);
    space.munmap(at, 4 * PAGE_SIZE);
    expect(core.invalidated.length).toBe(1);
    space.release();
    expect(core.detached).toBe(true);
  });
});

describe("access by the kernel", () => {
  it("answers EFAULT for what the guest may not do, and takes prefixes", () => {
    const space = make();
    const at = space.mmap(0, 2 * PAGE_SIZE, RW, ANON);
    space.mprotect(at + PAGE_SIZE, PAGE_SIZE, M.PROT_READ);
    expect(code(() => space.writable(at + PAGE_SIZE - 4, 8))).toBe(EFAULT);
    expect(space.writablePrefix(at + PAGE_SIZE - 4, 8).length).toBe(4);
    expect(space.readablePrefix(at + PAGE_SIZE, 3 * PAGE_SIZE).length).toBe(PAGE_SIZE);
    expect(code(() => space.writeU64(at + PAGE_SIZE - 4, 1n))).toBe(EFAULT);
    for (const wild of [0, -1, 2 ** 32, 2 ** 63, 2 ** 64, GUEST_LIMIT, Number.NaN]) {
      expect(code(() => space.readU32(wild))).toBe(EFAULT);
      expect(code(() => space.writablePrefix(wild, 1))).toBe(EFAULT);
      expect(space.readable(wild, 0).length).toBe(0);
    }
    expect(code(() => space.readable(at, 2 ** 40))).toBe(EFAULT);
    space.writeNumber64(at, -2);
    expect([space.readU64(at), space.readSigned64(at), space.readI32(at)]).toEqual([2n ** 64n - 2n, -2, -2]);
    space.writeNumber64(at, 2 ** 40 + 3);
    expect(space.readNumber64(at)).toBe(2 ** 40 + 3);
  });

  it("reads strings across pages, up to a limit, and arrays of them", () => {
    const space = make();
    const at = space.mmap(0, 2 * PAGE_SIZE, RW, ANON);
    const text = "/ü/\udc80x";
    space.copyOut(at + PAGE_SIZE - 3, Uint8Array.of(0x2f, 0xc3, 0xbc, 0x2f, 0x80, 0x78, 0));
    expect(space.readCString(at + PAGE_SIZE - 3)).toBe(text);
    expect(space.readCString(at + PAGE_SIZE - 3, 7)).toBe(text);
    expect(code(() => space.readCString(at + PAGE_SIZE - 3, 6))).toBe(ENAMETOOLONG);
    space.writable(at + PAGE_SIZE, PAGE_SIZE).fill(0x61);
    expect(code(() => space.readCString(at + PAGE_SIZE, 2 * PAGE_SIZE))).toBe(EFAULT);
    expect(code(() => space.readCString(0))).toBe(EFAULT);
    space.copyOut(at, Uint8Array.of(0x61, 0x62, 0));
    [at, at + 1, 0].forEach((pointer, index) => {
      space.writeNumber64(at + 64 + index * 8, pointer);
    });
    expect(space.readStringArray(at + 64).map((bytes) => [...bytes])).toEqual([[0x61, 0x62], [0x62]]);
    expect(space.readStringArray(0)).toEqual([]);
  });
});
