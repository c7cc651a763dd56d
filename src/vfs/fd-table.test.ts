import { describe, expect, it } from "vitest";
import { EBADF, EMFILE, Errno } from "../abi/errno.ts";
import { O_PATH } from "../abi/fcntl.ts";
import { FdTable } from "./fd-table.ts";
import type { File } from "./types.ts";

class Fake {
  flags: number;
  references = 0;
  closed = 0;
  flushed: unknown[] = [];
  constructor(flags = 0) {
    this.flags = flags;
  }
  close(): void {
    this.closed++;
  }
  flush(owner: unknown): void {
    this.flushed.push(owner);
  }
}

function fake(flags = 0): Fake & File {
  return new Fake(flags) as unknown as Fake & File;
}

describe("FdTable", () => {
  it("hands out the lowest free descriptor", () => {
    const table = new FdTable();
    const file = fake();
    expect([0, 1, 2, 3].map(() => table.add(file, false, 10))).toEqual([0, 1, 2, 3]);
    table.close(1, "me");
    expect(table.add(file, false, 10, 5)).toBe(5);
    expect(table.add(file, false, 10)).toBe(1);
    expect(table.add(file, false, 10)).toBe(4);
    expect(table.add(file, false, 10)).toBe(6);
    expect([...table.descriptors()]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(file.references).toBe(7);
  });

  it("stops at the limit", () => {
    const table = new FdTable();
    table.add(fake(), false, 2);
    expect(() => table.checkRoom(2, 2)).toThrow(new Errno(EMFILE));
    table.checkRoom(1, 2);
    table.add(fake(), false, 2);
    expect(() => table.add(fake(), false, 2)).toThrow(new Errno(EMFILE));
    expect(() => table.set(2, fake(), false, 2, "me")).toThrow(new Errno(EBADF));
  });

  it("closes a file with its last descriptor, and flushes at each", () => {
    const table = new FdTable();
    const file = fake();
    table.add(file, false, 10);
    table.add(file, false, 10);
    const copy = table.clone();
    table.closeAll("one");
    expect([file.closed, file.flushed]).toEqual([0, ["one", "one"]]);
    copy.set(1, fake(), false, 10, "two");
    expect(file.closed).toBe(0);
    copy.close(0, "two");
    expect([file.closed, file.references]).toEqual([1, 0]);
  });

  it("closes on exec what is marked", () => {
    const table = new FdTable();
    for (const mark of [false, true, true, false]) table.add(fake(), mark, 10);
    table.setCloseOnExec(2, false);
    table.closeRange(3, 1000, "me", true);
    table.closeOnExec("me");
    expect([...table.descriptors()]).toEqual([0, 2]);
    expect(table.add(fake(), false, 10)).toBe(1);
  });

  it("keeps O_PATH from calls that use the file", () => {
    const table = new FdTable();
    const file = fake(O_PATH);
    table.add(file, false, 10);
    expect(() => table.get(0)).toThrow(new Errno(EBADF));
    expect(table.getAny(0)).toBe(file);
    expect(() => table.getAny(-1)).toThrow(new Errno(EBADF));
  });
});
