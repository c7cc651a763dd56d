/** Executes recorded cases and finds where the result is not the processor's. */
import { INPUT_SIZE, type Instruction, instructions, OUTPUT_SIZE } from "./cases.ts";
import { X87Harness } from "./harness.ts";

const byCode = new Map(instructions().map((i) => [(i.prefix << 16) | (i.op << 8) | i.modrm, i]));

export function find(input: Uint8Array): Instruction {
  const instruction = byCode.get(((input[7] as number) << 16) | ((input[0] as number) << 8) | (input[1] as number));
  if (instruction === undefined) throw new Error(`no instruction ${input[0]} ${input[1]}`);
  return instruction;
}

export interface Failure {
  readonly index: number;
  readonly actual: Uint8Array;
}

export function replay(inputs: Uint8Array, outputs: Uint8Array): Failure[] {
  const harness = new X87Harness();
  const failures: Failure[] = [];
  const actual = new Uint8Array(OUTPUT_SIZE);
  for (let index = 0; index * INPUT_SIZE < inputs.length; index++) {
    const input = inputs.subarray(index * INPUT_SIZE, (index + 1) * INPUT_SIZE);
    const expected = outputs.subarray(index * OUTPUT_SIZE, (index + 1) * OUTPUT_SIZE);
    const instruction = find(input);
    harness.execute(instruction, input, actual);
    if (!matches(instruction, input, expected, actual)) failures.push({ index, actual: actual.slice() });
  }
  return failures;
}

const TRANSCENDENTAL = new Set(["f2xm1", "fyl2x", "fyl2xp1", "fpatan", "fptan", "fsin", "fcos", "fsincos"]);
/** Where in memory the pointers to the last instruction begin, which are not kept as the processor does. */
const ENVIRONMENT: Readonly<Record<string, number>> = { fnstenv: 12, fnsave: 12, fnstenv16: 6, fnsave16: 6 };

function matches(instruction: Instruction, _input: Uint8Array, expected: Uint8Array, actual: Uint8Array): boolean {
  const { mnemonic } = instruction.row;
  const e = new DataView(expected.buffer, expected.byteOffset, OUTPUT_SIZE);
  const a = new DataView(actual.buffer, actual.byteOffset, OUTPUT_SIZE);
  const inexact = TRANSCENDENTAL.has(mnemonic);
  for (let i = 0; i < OUTPUT_SIZE; i++) {
    if (i >= 96 + (ENVIRONMENT[mnemonic] ?? OUTPUT_SIZE)) break;
    if (inexact && i < 2) continue;
    if (inexact && i >= 16 && i < 36) continue;
    if (expected[i] !== actual[i]) return false;
  }
  if (!inexact) return true;
  // The last place and whether it was rounded up are the implementation's.
  if (((e.getUint16(0, true) ^ a.getUint16(0, true)) & ~0x200) !== 0) return false;
  return [16, 26].every((at) => distance(e, a, at) <= 1n);
}

/** Units in the last place between two values; 0 for identical ones, far for those of different sign. */
function distance(e: DataView, a: DataView, at: number): bigint {
  const key = (v: DataView): bigint =>
    (BigInt(v.getUint16(at + 8, true) & 0x7fff) << 63n) + (v.getBigUint64(at, true) & ((1n << 63n) - 1n));
  if (((e.getUint16(at + 8, true) ^ a.getUint16(at + 8, true)) & 0x8000) !== 0) return 1n << 80n;
  const d = key(e) - key(a);
  return d < 0n ? -d : d;
}

function f80(v: DataView, at: number): string {
  return `${v
    .getUint16(at + 8, true)
    .toString(16)
    .padStart(4, "0")}:${v.getBigUint64(at, true).toString(16).padStart(16, "0")}`;
}

/** A readable account of one failure. */
export function describeDifference(input: Uint8Array, expected: Uint8Array, actual: Uint8Array): string {
  const { row, op, modrm } = find(input);
  const i = new DataView(input.buffer, input.byteOffset, INPUT_SIZE);
  const hex = (n: number): string => n.toString(16);
  const memory = (bytes: Uint8Array, at: number): string =>
    [...bytes.subarray(at, at + 32)].map((b) => b.toString(16).padStart(2, "0")).join("");
  const state = (o: Uint8Array): string => {
    const v = new DataView(o.buffer, o.byteOffset, OUTPUT_SIZE);
    const regs = [0, 1, 2, 7].map((r) => f80(v, 16 + 10 * r)).join(" ");
    return `trap ${v.getUint32(12, true)} sw ${hex(v.getUint16(0, true))} cw ${hex(v.getUint16(2, true))} tw ${hex(v.getUint16(4, true))} ax ${hex(v.getUint16(6, true))} fl ${hex(v.getUint32(8, true))} st ${regs} m ${memory(o, 96)}`;
  };
  return [
    `${row.mnemonic} (${hex(op)} ${hex(modrm)}) cw ${hex(i.getUint16(2, true))} sw ${hex(i.getUint16(4, true))} empty ${hex(i.getUint8(6))} fl ${hex(i.getUint32(8, true))} st ${f80(i, 12)} ${f80(i, 22)} m ${memory(input, 32)}`,
    `  processor ${state(expected)}`,
    `  here      ${state(actual)}`,
  ].join("\n");
}
