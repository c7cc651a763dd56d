/**
 * Random C programs, natively and in tsrcore:
 *
 *     npm run test:random-c -- --count 1000 --seed 1 --cpu interp,jit --level O0,O2,haswell --jit-threshold 2
 *
 * Programs that differ are kept, and so are their sources.
 */
import { isCpuName } from "../support/guest.ts";
import { whyNoNativePrograms } from "../support/native.ts";
import { comparePrograms, LEVELS, RISCV64_LEVELS, whyNotLevel } from "./compare.ts";

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

function stop(message: string): never {
  console.error(`random C programs: ${message}`);
  process.exit(1);
}

const why = whyNoNativePrograms();
if (why !== undefined) stop(why);
const cpus = option("cpu", "interp").split(",").filter(isCpuName);
if (cpus.length === 0) stop(`no engine "${option("cpu", "")}"`);
const levels = option("level", Object.keys(LEVELS).join(",")).split(",");
for (const level of levels) {
  const known = { ...LEVELS, ...RISCV64_LEVELS };
  if (known[level] === undefined) stop(`no level "${level}"; there are ${Object.keys(known).join(", ")}`);
  const reason = whyNotLevel(level);
  if (reason !== undefined) stop(`${level}: ${reason}`);
}
const count = Number(option("count", "100"));
const seed = Number(option("seed", "1"));
const started = performance.now();
const { compared, differences } = await comparePrograms({
  seed,
  count,
  levels,
  cpus,
  jitThreshold: Number(option("jit-threshold", "2")),
  report: (difference) => console.log(`${difference}\n`),
  progress: (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${count}`);
  },
});
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`${count} programs, ${compared} comparisons, ${differences.length} differ (${seconds} s)`);
process.exit(differences.length > 0 ? 1 : 0);
