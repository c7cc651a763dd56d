// The cache of translations as the command has it: on disk, between processes.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const TSRCORE = new URL("../../bin/tsrcore.mjs", import.meta.url).pathname;
const SCRIPT = "i=0; s=0; while [ $i -lt 8000 ]; do i=$((i + 1)); s=$((s + i * i % 7)); done; echo $s";
const ANSWER = "16002\n";

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(tmpdir(), "tsrcore-home-"));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

function run(
  options: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeOptions, TSRCORE, "run", ...options, "sh", "-c", SCRIPT], {
      env: { PATH: process.env["PATH"] ?? "", HOME: home, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (status) => (status === 0 ? resolve(output) : reject(new Error(`status ${status}: ${output}`))));
  });
}
const directory = (): string => path.join(home, ".cache", "tsrcore");
/** What is in the cache, with what changes when a file is written. */
function files(where: string = directory()): Map<string, number> {
  if (!fs.existsSync(where)) return new Map();
  return new Map(fs.readdirSync(where).map((name) => [name, fs.statSync(path.join(where, name)).ino]));
}

describe("translations on disk", () => {
  it("are kept by one run and used by others, until there is nothing to be added", async () => {
    expect(await run()).toBe(ANSWER);
    expect(files().size).toBeGreaterThan(0);
    // Where code is warm from the start other code gets hot, at first.
    let before = files();
    for (let i = 0; i < 5; i++) {
      expect(await run()).toBe(ANSWER);
      const after = files();
      if ([...after].every(([name, ino]) => before.get(name) === ino)) return;
      before = after;
    }
    throw new Error("each run has something to write");
  });

  it("are not kept with --no-cache", async () => {
    expect(await run(["--no-cache"])).toBe(ANSWER);
    expect(fs.readdirSync(home)).toEqual([]);
  });

  it("are where XDG_CACHE_HOME says, if that is an absolute path", async () => {
    const elsewhere = path.join(home, "elsewhere");
    expect(await run([], { XDG_CACHE_HOME: elsewhere })).toBe(ANSWER);
    expect(fs.readdirSync(home)).toEqual(["elsewhere"]);
    expect(files(path.join(elsewhere, "tsrcore")).size).toBeGreaterThan(0);
    expect(await run([], { XDG_CACHE_HOME: "relative" })).toBe(ANSWER);
    expect(files().size).toBeGreaterThan(0);
  });

  it("survive several runs at once, each file whole", async () => {
    expect(await Promise.all([run(), run(), run(), run()])).toEqual([ANSWER, ANSWER, ANSWER, ANSWER]);
    expect([...files().keys()].filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
    expect(await run()).toBe(ANSWER);
  });

  it("are made anew where files are damaged", async () => {
    await run();
    const names = [...files().keys()];
    names.forEach((name, i) => {
      const file = path.join(directory(), name);
      if (i % 2 === 0) fs.truncateSync(file, fs.statSync(file).size >> 1);
      else fs.writeFileSync(file, Buffer.alloc(3000, i));
    });
    const damaged = files();
    expect(await run()).toBe(ANSWER);
    const replaced = names.filter((name) => files().get(name) !== damaged.get(name));
    expect(replaced).not.toEqual([]);
  });

  it("are done without where nothing can be written", async () => {
    fs.writeFileSync(path.join(home, ".cache"), "a file");
    expect(await run()).toBe(ANSWER);
    expect(await run([], { XDG_CACHE_HOME: "/proc/none" })).toBe(ANSWER);
  });
});

describe("V8's code on disk", () => {
  it.skipIf(!process.versions.v8.startsWith("11.3."))(
    "has the interpreter's loop optimised from the start",
    async () => {
      const trace = ["--trace-wasm-compilation-times"];
      // The largest function there is.
      const loop = /using TurboFan, .* bodysize [3-9]\d{4} /;
      expect(await run(["--cpu", "interp"], {}, trace)).toMatch(loop);
      expect(await run(["--cpu", "interp"], {}, trace)).not.toMatch(loop);
      expect(await run(["--cpu", "interp", "--no-cache"], {}, trace)).toMatch(loop);
    },
  );
});
