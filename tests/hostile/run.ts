/**
 * Programs that are hard on an engine, natively and in tsrcore:
 *
 *     npm run test:hostile -- --cpu interp --only rewrite,fault --jit-threshold 2
 */
import { isCpuName } from "../support/guest.ts";
import { whyNoNativePrograms } from "../support/native.ts";
import { differenceOf, PROGRAMS } from "./compare.ts";

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

const why = whyNoNativePrograms();
if (why !== undefined) {
  console.error(`hostile programs: ${why}`);
  process.exit(1);
}
const cpus = option("cpu", "interp").split(",");
const only = option("only", PROGRAMS.join(",")).split(",");
const threshold = option("jit-threshold", "") === "" ? undefined : Number(option("jit-threshold", ""));
let failed = 0;
for (const cpu of cpus) {
  if (!isCpuName(cpu)) throw new Error(`no engine "${cpu}"`);
  for (const name of PROGRAMS.filter((program) => only.includes(program))) {
    const started = performance.now();
    const difference = await differenceOf(name, cpu, threshold);
    if (difference !== undefined) failed++;
    console.log(`${cpu} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s): ${difference ?? "same"}`);
  }
}
process.exit(failed > 0 ? 1 : 0);
