/**
 * Compares the x87 with the real processor.
 *
 *     npm run test:x87 -- [count] [seed]     compare (default 200000 cases)
 *     npm run test:x87 -- --record           write the vectors that the unit test replays
 *
 * Needs gcc and an x86_64 machine.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { INPUT_SIZE, makeCases, OUTPUT_SIZE } from "./cases.ts";
import { describeDifference, find, replay } from "./replay.ts";

const here = import.meta.dirname;

/** The processor's answers to the cases. */
function runNatively(inputs: Uint8Array): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), "x87-"));
  try {
    const program = join(folder, "runner");
    execFileSync(process.env.CC ?? "gcc", ["-O1", "-mno-red-zone", "-o", program, join(here, "runner.c")]);
    const result = spawnSync(program, [], { input: inputs, maxBuffer: 1 << 30 });
    if (result.status !== 0) throw new Error(`the runner failed: ${result.stderr.toString()}`);
    return new Uint8Array(result.stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === "--record") {
  const inputs = makeCases(20, 5000);
  const outputs = runNatively(inputs);
  const both = new Uint8Array(inputs.length + outputs.length);
  both.set(inputs);
  both.set(outputs, inputs.length);
  const packed = gzipSync(both, { level: 9 });
  writeFileSync(join(here, "fixtures/vectors.bin.gz"), packed);
  const wanted = /^(vendor_id|cpu family|model|model name|stepping)\s/;
  const cpu = readFileSync("/proc/cpuinfo", "utf8").split("\n\n")[0] as string;
  const lines = cpu.split("\n").filter((line) => wanted.test(line));
  writeFileSync(join(here, "fixtures/oracle.txt"), `${lines.join("\n")}\n`);
  console.log(`${inputs.length / INPUT_SIZE} cases, ${packed.length} bytes`);
} else {
  const count = Number(process.argv[2] ?? 200_000);
  const inputs = makeCases(Number(process.argv[3] ?? 1), count);
  const outputs = runNatively(inputs);
  if (outputs.length !== count * OUTPUT_SIZE) throw new Error("the runner answered too little");
  const byName = new Map<string, number>();
  const failures = replay(inputs, outputs);
  for (const { index, actual } of failures) {
    const input = inputs.subarray(index * INPUT_SIZE, (index + 1) * INPUT_SIZE);
    const { mnemonic } = find(input).row;
    const seen = (byName.get(mnemonic) ?? 0) + 1;
    byName.set(mnemonic, seen);
    if (seen <= Number(process.env.SHOW ?? 2))
      console.log(describeDifference(input, outputs.subarray(index * OUTPUT_SIZE, (index + 1) * OUTPUT_SIZE), actual));
  }
  console.log(
    [...byName]
      .sort((a, b) => b[1] - a[1])
      .map(([name, n]) => `${name} ${n}`)
      .join("\n"),
  );
  console.log(`${count} cases, ${failures.length} differ`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
