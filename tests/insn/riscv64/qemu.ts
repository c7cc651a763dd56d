/** qemu-riscv64 as the processor that is right, by means of runner.c. */
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, codeAddress, codeImage, dataPattern, INPUT_SIZE, OUTPUT_SIZE, type Outcome } from "./protocol.ts";

const CPU = "rv64,zba=true,zbb=true,zbc=true,zbs=true,Zfh=true,v=true,vlen=128,elen=64,vext_spec=v1.0";

/** Compiles the runner; its path. */
export function buildRunner(): string {
  const file = join(mkdtempSync(join(tmpdir(), "riscv-insn-")), "runner");
  const source = new URL("./runner.c", import.meta.url).pathname;
  const flags =
    "-O1 -nostdlib -static -ffreestanding -fno-builtin -mno-relax -msmall-data-limit=0 -march=rv64imafdc -Wl,-Ttext-segment=0x3a5c0000";
  const args = [...flags.split(" "), "-mabi=lp64d", "-o", file, source];
  const { status, stderr, error } = spawnSync("riscv64-linux-gnu-gcc", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`riscv64-linux-gnu-gcc: ${error ?? stderr}`);
  return file;
}

export function runInQemu(runner: string, cases: readonly Case[]): Outcome[] {
  const code = codeImage(cases);
  const pattern = dataPattern();
  const input = new Uint8Array(8 + code.length + pattern.length + cases.length * INPUT_SIZE);
  const view = new DataView(input.buffer);
  view.setUint32(0, cases.length, true);
  view.setUint32(4, code.length, true);
  input.set(code, 8);
  input.set(pattern, 8 + code.length);
  cases.forEach((c, i) => {
    const at = 8 + code.length + pattern.length + i * INPUT_SIZE;
    view.setBigUint64(at, BigInt(codeAddress(i)), true);
    for (let n = 0; n < 32; n++) {
      view.setBigUint64(at + 8 + n * 8, c.x[n] as bigint, true);
      view.setBigUint64(at + 264 + n * 8, c.f[n] as bigint, true);
    }
    view.setUint32(at + 520, c.fcsr, true);
    const { vl, vtype, vstart, vcsr, registers } = c.vectors;
    view.setBigUint64(at + 528, BigInt(vl), true);
    view.setBigUint64(at + 536, vtype < 0 ? 1n << 63n : BigInt(vtype), true);
    view.setBigUint64(at + 544, BigInt(vstart), true);
    view.setBigUint64(at + 552, BigInt(vcsr), true);
    input.set(registers, at + 560);
  });
  const options = { input, maxBuffer: 2 ** 30, timeout: 40_000 };
  const { status, stdout, stderr, signal } = spawnSync("qemu-riscv64-static", ["-cpu", CPU, runner], options);
  if (status !== 0 || stdout.length !== cases.length * OUTPUT_SIZE)
    throw new Error(`qemu-riscv64-static: status ${status} ${signal}, ${stdout.length} bytes of output: ${stderr}`);
  return cases.map((_, i) => new DataView(stdout.buffer, stdout.byteOffset + i * OUTPUT_SIZE, OUTPUT_SIZE));
}
