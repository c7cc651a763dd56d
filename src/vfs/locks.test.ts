import { describe, expect, it } from "vitest";
import { EAGAIN, Errno } from "../abi/errno.ts";
import { F_RDLCK, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_SH, LOCK_UN } from "../abi/fcntl.ts";
import { FileLocks, LOCK_END, LockWaiters, type RecordLock } from "./locks.ts";

function lock(owner: string, type: number, start: number, end: number): RecordLock {
  return {
    owner,
    type,
    start: BigInt(start),
    end: end === Number.POSITIVE_INFINITY ? LOCK_END : BigInt(end),
    pid: owner.length,
  };
}

function shown(locks: FileLocks): string[] {
  return locks.records.map((l) => `${l.owner} ${"rwu"[l.type]} ${l.start}-${l.end}`);
}

describe("record locks", () => {
  it("agree with one cell per byte, for random ranges and owners", () => {
    const size = 40;
    const owners = ["a", "bb", "ccc"];
    let state = 12345;
    const next = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >> 8) % n;
    };
    const locks = new FileLocks();
    const cells: Map<string, number>[] = Array.from({ length: size }, () => new Map());
    for (let i = 0; i < 600; i++) {
      const start = next(size - 1);
      const wanted = lock(owners[next(3)] as string, next(3), start, start + 1 + next(size - start - 1));
      const range = cells.slice(Number(wanted.start), Number(wanted.end));
      const free = range.every((cell) =>
        [...cell].every(([o, t]) => o === wanted.owner || (t === F_RDLCK && wanted.type === F_RDLCK)),
      );
      const expected = wanted.type === F_UNLCK || free ? 0 : -EAGAIN;
      expect(locks.set(wanted)).toBe(expected);
      if (expected === 0) {
        for (const cell of range) {
          if (wanted.type === F_UNLCK) cell.delete(wanted.owner as string);
          else cell.set(wanted.owner as string, wanted.type);
        }
      }
      for (const owner of owners) {
        const own = locks.records.filter((l) => l.owner === owner);
        const held = cells.map((_, at) => own.filter((l) => l.start <= at && at < l.end).map((l) => l.type));
        const expectedTypes = cells.map((cell) => (cell.has(owner) ? [cell.get(owner)] : []));
        expect(JSON.stringify(held)).toBe(JSON.stringify(expectedTypes));
        // Neighbours of one type are one lock.
        expect(own.some((l, k) => own[k - 1]?.end === l.start && own[k - 1]?.type === l.type)).toBe(false);
      }
    }
  });

  it("reach to infinity", () => {
    const locks = new FileLocks();
    locks.set(lock("a", F_WRLCK, 10, Number.POSITIVE_INFINITY));
    expect(locks.set(lock("bb", F_RDLCK, 2 ** 40, 2 ** 40 + 1))).toBe(-EAGAIN);
    locks.set(lock("a", F_UNLCK, 20, 30));
    expect(shown(locks)).toEqual(["a w 10-20", `a w 30-${LOCK_END}`]);
    locks.releaseProcess("a");
    expect(shown(locks)).toEqual([]);
  });

  it("refuse to wait in a circle", () => {
    const waiters = new LockWaiters();
    waiters.begin("a", "b");
    waiters.begin("b", "c");
    expect(() => waiters.begin("c", "a")).toThrow(Errno);
    waiters.end("a");
    waiters.begin("c", "a");
  });
});

describe("flock", () => {
  it("is shared or exclusive, by open file", () => {
    const locks = new FileLocks();
    expect(locks.flock("x", LOCK_SH, 1)).toBe(0);
    expect(locks.flock("y", LOCK_SH, 1)).toBe(0);
    expect(locks.flock("z", LOCK_EX, 1)).toBe(-EAGAIN);
    expect(locks.flock("y", LOCK_UN, 1)).toBe(0);
    expect(locks.flock("x", LOCK_EX, 1)).toBe(0);
    expect(locks.flock("y", LOCK_SH, 1)).toBe(-EAGAIN);
    locks.releaseFile("x");
    expect(locks.flock("y", LOCK_SH, 1)).toBe(0);
  });
});
