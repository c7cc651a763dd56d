// Profiles of a program that is known to spend three times as long in one function as in another.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CpuName } from "../../src/cli/options.ts";
import type { CpuProfile } from "../../src/runtime/profiling.ts";
import { command } from "../strace/tsrcore.ts";
import { build, type Program, profile, whyNot } from "./run.ts";
import { at, pathsTo, timeIn, treeOf } from "./tree.ts";

const why = whyNot();
if (why !== undefined) console.warn(`profiles are not tested: ${why}`);

const NO_TABLES = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fomit-frame-pointer"];
const CPUS: readonly CpuName[] = ["interp", "jit"];

describe.skipIf(why !== undefined).each(CPUS)("a profile by %s", (cpu) => {
  const built = new Map<string, Program>();
  const program = (flags: readonly string[] = [], strip = false): Program => {
    const key = `${flags.join(" ")} ${strip}`;
    const known = built.get(key) ?? build(flags, strip);
    built.set(key, known);
    return known;
  };

  it.each([
    ["by call frame information", []],
    ["in a position-independent program", ["-fPIE", "-static-pie"]],
    ["without any information", NO_TABLES],
    ["by frame pointers", [...NO_TABLES, "-fno-omit-frame-pointer", "-O0"]],
  ] as const)("has the ratio of two functions and who called them, %s", async (_how, flags) => {
    const tree = treeOf(await profile(cpu, program(flags)));
    const hot = timeIn(tree, "hot");
    const warm = timeIn(tree, "warm");
    expect(hot / warm).toBeGreaterThan(2.5);
    expect(hot / warm).toBeLessThan(3.5);
    expect(hot + warm).toBeGreaterThan(tree.total * 0.9);
    for (const name of ["hot", "warm"]) {
      const [path, ...more] = pathsTo(tree, name);
      expect(more).toEqual([]);
      expect(path).toMatch(new RegExp(`^\\(root\\) > hot \\[2\\] > _start > .*main > work > ${name}$`));
    }
    expect(timeIn(tree, "spin")).toBeGreaterThan(0.98 * (hot + warm));
  });

  it.each([
    ["with call frame information", []],
    ["without", NO_TABLES],
  ] as const)("names functions of a stripped file by their beginning, %s", async (_how, flags) => {
    const stripped = program(flags, true);
    const tree = treeOf(await profile(cpu, stripped));
    const name = (symbol: string): string => `hot+0x${(stripped.symbols.get(symbol) as number).toString(16)}`;
    const ratio = timeIn(tree, name("hot")) / timeIn(tree, name("warm"));
    expect(ratio).toBeGreaterThan(2.5);
    expect(ratio).toBeLessThan(3.5);
    expect(pathsTo(tree, name("hot"))).toEqual([expect.stringContaining(`${name("work")} > ${name("hot")}`)]);
  });

  it("has a tree for each process", async () => {
    const tree = treeOf(await profile(cpu, program(), "fork"));
    const parent = at(tree, "hot [2]");
    const child = at(tree, "hot [3]");
    if (parent === undefined || child === undefined) throw new Error("a process is missing");
    expect(timeIn(parent, "hot")).toBeGreaterThan(0.8 * parent.total);
    expect([timeIn(parent, "warm"), timeIn(child, "hot")]).toEqual([0, 0]);
    expect(timeIn(child, "warm")).toBeGreaterThan(0.8 * child.total);
  });

  it("has a tree for each thread", async () => {
    const tree = treeOf(await profile(cpu, program(), "thread"));
    const [path] = pathsTo(tree, "work");
    expect(path).toMatch(/^\(root\) > hot \[2\/3\] > (.* > )?thread > work$/);
  });

  it("looks through signal handlers", async () => {
    const tree = treeOf(await profile(cpu, program(), "signal"));
    expect(pathsTo(tree, "hot")).toEqual([expect.stringMatching(/main > .*raise > .*handler > hot$/)]);
  });

  it("looks through functions of the C library, which has no information", async () => {
    const tree = treeOf(await profile(cpu, program(), "sort"));
    const paths = pathsTo(tree, "warm");
    expect(paths).not.toEqual([]);
    for (const path of paths) expect(path).toMatch(/ > main > .*> compare > warm$/);
  });

  it("shows system calls below who makes them", async () => {
    const tree = treeOf(await profile(cpu, program(), "calls"));
    expect(pathsTo(tree, "getppid (system call)")).toEqual([
      expect.stringMatching(/main > getppid > getppid \(system call\)$/),
    ]);
  });

  it("is the same every time, and adds up", async () => {
    const [first, second] = [await profile(cpu, program()), await profile(cpu, program())];
    expect(second).toEqual(first);
    checkFormat(first);
  });
});

/** What the viewers rely on. */
function checkFormat(p: CpuProfile): void {
  const ids = p.nodes.map((node) => node.id);
  expect(new Set(ids).size).toBe(ids.length);
  const children = p.nodes.flatMap((node) => node.children);
  expect([...children].sort((a, b) => a - b)).toEqual(ids.slice(1));
  expect(p.nodes[0]?.callFrame.functionName).toBe("(root)");
  expect(p.samples.length).toBe(p.timeDeltas.length);
  expect(p.samples.filter((id) => !ids.includes(id))).toEqual([]);
  expect(p.timeDeltas.filter((delta) => delta < 0 || !Number.isInteger(delta))).toEqual([]);
  expect(p.timeDeltas.reduce((a, b) => a + b, 0)).toBe(p.endTime - p.startTime);
  expect(p.endTime).toBeGreaterThan(p.startTime);
}

describe("the command line", () => {
  const run = (...args: string[]): { status: number | null; stderr: string; stdout: string } =>
    spawnSync(process.execPath, [...command(), "run", ...args], { encoding: "utf8" });

  it("writes the profile when the program has ended, however it did", () => {
    const directory = mkdtempSync(join(tmpdir(), "profile-"));
    try {
      const file = join(directory, "out.cpuprofile");
      const { status, stdout } = run("--profile", file, "sh", "-c", "echo x; kill -9 $$");
      expect([status, stdout]).toEqual([137, "x\n"]);
      const written = JSON.parse(readFileSync(file, "utf8")) as CpuProfile;
      checkFormat(written);
      expect(written.nodes.map((node) => node.callFrame.functionName)).toContain("sh [2]");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("says at once that the file cannot be written", () => {
    const { status, stdout, stderr } = run("--profile", "/nowhere/x", "echo", "x");
    expect([status, stdout]).toEqual([125, ""]);
    expect(stderr).toBe("tsrcore: --profile /nowhere/x: no such file or directory\n");
  });
});
