/**
 * Programs that nobody here wrote, each natively, under qemu-user and in tsrcore: the same output and exit status, and how
 * long it took.
 *
 *   npm run test:programs -- [--only id,id...] [--group name] [--again] [--native] [--no-qemu] [--show] [--write]
 *
 * `--native` leaves tsrcore out, `--no-qemu` qemu; `--show` prints the output. `--write` puts the table into docs/programs.md. What was measured before is kept in the cache and used by it, unless the program is run
 * again; native and qemu results are kept as well, until `--again`. TSRCORE_BIN says which tsrcore to run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CACHE, type How, obstacle, prepareQemu, type Result, run } from "./guest.ts";
import { programs } from "./list.ts";
import { fullScript, normalised, type Program } from "./program.ts";
import { table } from "./table.ts";

export interface Outcome {
  readonly native: Result;
  readonly qemu?: Result;
  readonly tsrcore: Result;
  readonly same: boolean;
  readonly qemuSame: boolean;
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    group: { type: "string" },
    again: { type: "boolean", default: false },
    "no-qemu": { type: "boolean", default: false },
    show: { type: "boolean", default: false },
    native: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const command = [process.execPath, resolve(process.env.TSRCORE_BIN ?? "bin/tsrcore.mjs")];
const root = join(CACHE, "debian");
const results = join(CACHE, "results");
mkdirSync(results, { recursive: true });

/** A result of an earlier run, as long as the program is the same. */
function cached(program: Program, how: How): Result | undefined {
  const path = join(results, `${program.id}.${how}.json`);
  if (!existsSync(path)) return undefined;
  const { script, result } = JSON.parse(readFileSync(path, "utf8")) as { script: string; result: Result };
  return script === fullScript(program) ? result : undefined;
}
function measure(program: Program, how: How): Result {
  // On a machine that is busy with other things, more.
  const limit = program.limit * Number(process.env.TIME_FACTOR ?? 1);
  const result = run(how, root, fullScript(program), limit, command);
  writeFileSync(join(results, `${program.id}.${how}.json`), JSON.stringify({ script: fullScript(program), result }));
  return result;
}

function main(): number {
  const reason =
    obstacle() ?? (existsSync(join(root, ".stamp")) ? undefined : `no ${root}: run tests/programs/build-root.sh`);
  if (reason !== undefined) {
    console.log(`programs: skipped: ${reason}`);
    return 0;
  }
  const only = values.only?.split(",");
  const chosen = programs.filter(
    ({ id, group }) =>
      (only === undefined || only.includes(id)) && (values.group === undefined || group === values.group),
  );
  const release = values["no-qemu"] || values.write ? undefined : prepareQemu(root);
  let failures = 0;
  const outcomes = new Map<string, Outcome>();
  for (const program of chosen) {
    if (program.requires !== undefined && !existsSync(join(root, program.requires))) {
      console.log(`${program.id}: skipped: no ${program.requires} in the root`);
      continue;
    }
    const use = (how: How, fresh: boolean): Result =>
      (fresh ? undefined : cached(program, how)) ?? measure(program, how);
    const native = values.write ? cached(program, "native") : use("native", values.again);
    if (native === undefined) continue;
    const qemu = release === undefined || program.qemu === false ? cached(program, "qemu") : use("qemu", values.again);
    if (values.native) {
      console.log(
        `${program.id}: ${native.status} ${native.cpu.toFixed(2)}, qemu ${qemu?.status} ${qemu?.cpu.toFixed(2)}` +
          (values.show ? `\n${normalised(program, native.output)}` : ""),
      );
      continue;
    }
    const tsrcore = values.write ? cached(program, "tsrcore") : measure(program, "tsrcore");
    if (tsrcore === undefined) continue;
    const same =
      normalised(program, native.output) === normalised(program, tsrcore.output) && native.status === tsrcore.status;
    const qemuSame = qemu === undefined || normalised(program, native.output) === normalised(program, qemu.output);
    outcomes.set(program.id, { native, tsrcore, same, qemuSame, ...(qemu === undefined ? {} : { qemu }) });
    if (!same) failures++;
    const seconds = (r: Result | undefined): string => (r === undefined ? "-" : r.cpu.toFixed(2)).padStart(7);
    console.log(
      `${same ? "ok  " : "DIFF"} ${program.id.padEnd(22)} native ${seconds(native)} qemu ${seconds(qemu)}${qemuSame ? " " : "!"} ` +
        `tsrcore ${seconds(tsrcore)} (wall ${tsrcore.wall.toFixed(1)}) status ${native.status}/${tsrcore.status}`,
    );
    if (!same || values.show) {
      console.log(
        `--- native\n${tail(normalised(program, native.output))}\n--- tsrcore\n${tail(normalised(program, tsrcore.output))}`,
      );
    }
  }
  release?.();
  if (values.write) writeFileSync("docs/programs.md", table(programs, outcomes));
  if (!values.native) console.log(`${outcomes.size - failures} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

function tail(text: string): string {
  return text.length > 1500 ? `…${text.slice(-1500)}` : text;
}

process.exitCode = main();
