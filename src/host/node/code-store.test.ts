import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CodeStore } from "../interface.ts";
import { openCodeStore } from "./code-store.ts";

let base: string;
let directory: string;
beforeEach(() => {
  base = fs.mkdtempSync(path.join(tmpdir(), "code-store-"));
  directory = path.join(base, "tsrcore");
});
afterEach(() => fs.rmSync(base, { recursive: true }));

const open = (limit?: number): CodeStore =>
  openCodeStore({ directory, ...(limit === undefined ? {} : { limit }) }) as CodeStore;
const content = (n: number, length = 1000): Uint8Array => new Uint8Array(length).fill(n);
const nameOf = (n: number): string => open().digest([Uint8Array.of(n)]);
const fileOf = (n: number): string => path.join(directory, nameOf(n));
const mode = (file: string): number => fs.statSync(file).mode & 0o777;

describe("the code store on disk", () => {
  it("gives back what any has kept", () => {
    expect(open().read(nameOf(1))).toBeUndefined();
    open().write(nameOf(1), content(1));
    expect(open().read(nameOf(1))).toEqual(content(1));
    open().write(nameOf(1), content(2));
    expect(open().read(nameOf(1))).toEqual(content(2));
    expect(open().read(nameOf(2))).toBeUndefined();
  });

  it("is the user's alone", () => {
    open().write(nameOf(1), content(1));
    expect(mode(directory)).toBe(0o700);
    expect(mode(fileOf(1))).toBe(0o600);
  });

  it("leaves nothing behind but its files", () => {
    open().write(nameOf(1), content(1));
    expect(fs.readdirSync(directory)).toEqual([nameOf(1)]);
  });

  it.each<[string, () => void]>([
    ["is empty", () => fs.truncateSync(fileOf(1), 0)],
    ["is cut off", () => fs.truncateSync(fileOf(1), 500)],
    ["has more at its end", () => fs.appendFileSync(fileOf(1), "x")],
    ["has a byte that is different", () => alter(fileOf(1), 700)],
    ["has another checksum", () => alter(fileOf(1), 20)],
    ["has another beginning", () => alter(fileOf(1), 0)],
    ["was another's", () => fs.renameSync(fileOf(1), fileOf(2))],
    ["is a link", () => fs.renameSync(fileOf(1), `${fileOf(1)}x`) ?? fs.symlinkSync(`${fileOf(1)}x`, fileOf(1))],
    ["is a directory", () => fs.rmSync(fileOf(1)) ?? fs.mkdirSync(fileOf(1))],
  ])("ignores a file that %s", (_, damage) => {
    open().write(nameOf(1), content(1));
    damage();
    expect(open().read(nameOf(1))).toBeUndefined();
    expect(open().read(nameOf(2))).toBeUndefined();
  });

  it("replaces what is damaged", () => {
    open().write(nameOf(1), content(1));
    alter(fileOf(1), 100);
    open().write(nameOf(1), content(1));
    expect(open().read(nameOf(1))).toEqual(content(1));
  });

  it("is none where others can write", () => {
    open().write(nameOf(1), content(1));
    fs.chmodSync(directory, 0o770);
    expect(open().read(nameOf(1))).toBeUndefined();
    open().write(nameOf(2), content(2));
    expect(fs.readdirSync(directory)).toEqual([nameOf(1)]);
  });

  it.runIf(process.getuid?.() === 0)("is none where the directory or the file is somebody else's", () => {
    open().write(nameOf(1), content(1));
    fs.chownSync(fileOf(1), 12345, 12345);
    expect(open().read(nameOf(1))).toBeUndefined();
    fs.chownSync(fileOf(1), 0, 0);
    expect(open().read(nameOf(1))).toEqual(content(1));
    fs.chownSync(directory, 12345, 12345);
    expect(open().read(nameOf(1))).toBeUndefined();
    open().write(nameOf(2), content(2));
    expect(fs.readdirSync(directory)).toEqual([nameOf(1)]);
  });

  it("is none where it cannot be made", () => {
    fs.writeFileSync(directory, "a file");
    open().write(nameOf(1), content(1));
    open().trim();
    expect(open().read(nameOf(1))).toBeUndefined();
    directory = "/proc/no/such/place";
    open().write(nameOf(1), content(1));
    expect(open().read(nameOf(1))).toBeUndefined();
  });

  it("drops what was not used for the longest time", () => {
    for (const n of [1, 2, 3, 4]) {
      open().write(nameOf(n), content(n));
      const hours = Date.now() / 1000 - (10 - n) * 3600;
      fs.utimesSync(fileOf(n), hours, hours);
    }
    const foreign = path.join(directory, "notes");
    fs.writeFileSync(foreign, content(0, 5000));
    // Being read is being used.
    expect(open().read(nameOf(1))).toEqual(content(1));
    const store = open(5000);
    store.write(nameOf(5), content(5));
    store.trim();
    // Five files of 1040 bytes; what is left is at most three quarters of the limit.
    expect([1, 2, 3, 4, 5].filter((n) => fs.existsSync(fileOf(n)))).toEqual([1, 4, 5]);
    expect(fs.existsSync(foreign)).toBe(true);
  });

  it("drops nothing when nothing was written, and nothing as long as there is room", () => {
    for (const n of [1, 2, 3]) open().write(nameOf(n), content(n));
    open(2000).trim();
    expect(fs.readdirSync(directory)).toHaveLength(3);
    const store = open(10_000);
    store.write(nameOf(4), content(4));
    store.trim();
    expect(fs.readdirSync(directory)).toHaveLength(4);
  });

  it("keeps nothing that is larger than all may be", () => {
    const store = open(5000);
    store.write(nameOf(1), content(1, 6000));
    expect(store.read(nameOf(1))).toBeUndefined();
  });

  it("clears away what a run left half written, but not what one is writing", () => {
    open().write(nameOf(1), content(1));
    const [old, young] = [`${fileOf(2)}.77.abcdef01`, `${fileOf(2)}.78.abcdef02`];
    fs.writeFileSync(old, "half");
    fs.writeFileSync(young, "half");
    fs.utimesSync(old, 1000, 1000);
    const store = open();
    store.write(nameOf(3), content(3));
    store.trim();
    expect([old, young].map((file) => fs.existsSync(file))).toEqual([false, true]);
  });
});

function alter(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 1;
  fs.writeFileSync(file, bytes);
}
