/** Records tests/loader/fixtures/stacks.json with the kernel of this machine: npx tsx scripts/record-stacks.ts */
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";

const COMPILER = "cc";
const folder = mkdtempSync(join(tmpdir(), "stack-"));
const program = join(folder, "stack");
execFileSync(COMPILER, ["-O1", "-static", "-o", program, new URL("../tests/loader/stack.c", import.meta.url).pathname]);
const cases: { argv: string[]; env: Record<string, string> }[] = [
  { argv: [], env: {} },
  { argv: ["one"], env: { A: "b" } },
  { argv: ["", "two words", "x".repeat(100)], env: { PATH: "/bin", EMPTY: "", LONG: "y".repeat(5000) } },
  { argv: Array.from({ length: 37 }, (_, i) => `arg${i}`), env: { HOME: "/" } },
];
const recorded = cases.map(({ argv, env }) => {
  const output = execFileSync("setarch", ["x86_64", "-R", "./stack", ...argv], { env, cwd: folder }).toString();
  return { filename: "./stack", argv: ["./stack", ...argv], env, stack: JSON.parse(output) };
});
const kernel = release().split(".").slice(0, 2).join(".");
writeFileSync(
  new URL("../tests/loader/fixtures/stacks.json", import.meta.url),
  `${JSON.stringify({ kernel, cases: recorded })}\n`,
);
