/**
 * Cases for the x87: a state, one instruction, and (from the processor) the state after it. Binary layouts are those of runner.c.
 */
import { parseTable, type Row } from "../../src/cpu/isa/x86_64/table.ts";
import { X87_TABLE } from "../../src/cpu/isa/x86_64/x87-table.ts";

export const INPUT_SIZE = 64;
export const OUTPUT_SIZE = 128;

/** Numbers that are the same on every run: xorshift128. */
export class Random {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #d = 0xb7e15162;
  constructor(seed: number) {
    this.#a = seed | 0;
    for (let i = 0; i < 20; i++) this.u32();
  }
  u32(): number {
    let t = this.#d;
    const s = this.#a;
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.#a = t ^ s ^ (s >>> 19);
    return this.#a >>> 0;
  }
  below(n: number): number {
    return this.u32() % n;
  }
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

export interface Instruction {
  readonly row: Row;
  /** 0x66, or 0 without a prefix. */
  readonly prefix: number;
  readonly op: number;
  readonly modrm: number;
  /** Bytes of the memory operand, 0 without one. */
  readonly memory: number;
}

const EXCLUDED = new Set(["frstor", "frstor16", "fxsave", "fxrstor"]);
const SIZES: Readonly<Record<string, number>> = { w: 2, d: 4, q: 8, t: 10, "": 32 };

/** Every encoding of the table with a one-byte opcode, `[rax]` as the memory operand and all i of st(i). */
export function instructions(): Instruction[] {
  const all: Instruction[] = [];
  for (const row of parseTable(X87_TABLE)) {
    if (row.map !== 0 || EXCLUDED.has(row.mnemonic)) continue;
    const ext = (row.ext ?? 0) << 3;
    const prefix = row.prefix === "66" ? 0x66 : 0;
    if (row.mod === "m") {
      all.push({ row, prefix, op: row.opcode, modrm: ext, memory: SIZES[row.operands[0]?.size ?? ""] as number });
    } else if (row.ext === undefined) {
      all.push({ row, prefix, op: row.opcode, modrm: 0xc3, memory: 0 });
    } else {
      for (let i = 0; i < 8; i++)
        if (row.rm === undefined || row.rm === i)
          all.push({ row, prefix, op: row.opcode, modrm: 0xc0 | ext | i, memory: 0 });
    }
  }
  return all;
}

const TOP_BIT = 1n << 63n;

function significand(r: Random): bigint {
  switch (r.below(8)) {
    case 0:
      return TOP_BIT;
    case 1:
      return TOP_BIT | (r.u64() >> BigInt(1 + r.below(63)));
    case 2:
      return TOP_BIT | (r.u64() << BigInt(r.below(64)));
    case 3:
      return 0xffff_ffff_ffff_ffffn - (r.u64() >> BigInt(40 + r.below(24)));
    case 4: {
      // Near half a unit of the shorter precisions.
      const at = BigInt(r.pick([10, 39, 40, 11, 0, 1]));
      return TOP_BIT | (r.u64() & ~((2n << at) - 1n)) | (1n << at) | BigInt(r.below(2));
    }
    default:
      return TOP_BIT | r.u64();
  }
}

/** An 80-bit operand: [significand, sign and exponent]. `near` is one to be close to now and then. */
export function operand(r: Random, near?: readonly [bigint, number]): [bigint, number] {
  const sign = r.below(2) << 15;
  if (near !== undefined && r.below(3) === 0) {
    const exp = ((near[1] & 0x7fff) + r.below(5) - 2 + 0x8000) & 0x7fff;
    const sig = r.below(2) === 0 ? near[0] : significand(r);
    return [BigInt.asUintN(64, sig + BigInt(r.below(3) - 1)), sign | exp];
  }
  switch (r.below(24)) {
    case 0:
      return [0n, sign];
    case 1:
      return [TOP_BIT, sign | 0x7fff];
    case 2:
      return [TOP_BIT | (r.u64() >> BigInt(1 + r.below(20))) | 1n, sign | 0x7fff];
    case 3:
      return [(3n << 62n) | (r.u64() >> BigInt(2 + r.below(62))), sign | 0x7fff];
    case 4:
      return [(r.u64() >> BigInt(1 + r.below(63))) & ~TOP_BIT, sign];
    case 5:
      return [significand(r), sign];
    case 6:
      return [r.u64() >> 1n, sign | r.below(0x8000)];
    case 7:
      return [significand(r), sign | (1 + r.below(70))];
    case 8:
      return [significand(r), sign | (0x7ffe - r.below(70))];
    case 9: {
      const v = BigInt(r.u32() >>> r.below(32));
      if (v === 0n) return [0n, sign];
      const zeros = 64 - v.toString(2).length;
      return [BigInt.asUintN(64, v << BigInt(zeros)), sign | (0x3fff + 63 - zeros)];
    }
    case 10:
      return [significand(r), sign | r.below(0x7fff)];
    case 11:
      return [significand(r), sign | (0x3fff + r.pick([-126, 127, -1022, 1023, -149, -1074]) + r.below(5) - 2)];
    case 12:
    case 13:
      return [significand(r), sign | (0x3fff + r.below(70))];
    case 14:
      return [TOP_BIT, sign | 0x3fff];
    default:
      return [significand(r), sign | (0x3fff + r.below(24) - 12)];
  }
}

function putOperand(view: DataView, offset: number, [sig, se]: readonly [bigint, number]): void {
  view.setBigUint64(offset, sig, true);
  view.setUint16(offset + 8, se, true);
}

function putMemory(r: Random, view: DataView, offset: number, instruction: Instruction): void {
  for (let i = 0; i < instruction.memory; i += 4) view.setUint32(offset + i, r.u32(), true);
  const { mnemonic } = instruction.row;
  if (mnemonic === "fldcw")
    view.setUint16(offset, r.below(2) === 0 ? r.u32() & 0xffff : 0x7f | (r.below(16) << 8), true);
  else if (mnemonic.startsWith("fldenv")) view.setUint16(offset, r.u32() & 0xffff, true);
  else if (mnemonic === "fbld") {
    for (let i = 0; i < 9; i++) view.setUint8(offset + i, r.below(10) * 16 + r.below(10));
    if (r.below(3) === 0) for (let i = r.below(9); i < 9; i++) view.setUint8(offset + i, 0);
    view.setUint8(offset + 9, r.below(2) << 7);
  } else if (mnemonic.endsWith("_i") || mnemonic === "fild") {
    if (r.below(3) === 0) view.setBigInt64(offset, BigInt(r.pick([0, 1, -1, 2, -2, 10, 0x7fff, -0x8000])), true);
  } else if (instruction.memory === 4) {
    const exp = r.pick([0, 1, 255, 254, 127, 128, 126, r.below(256), r.below(256), 120 + r.below(16)]);
    const fraction = r.pick([0, 1, 0x400000, r.u32() & 0x7fffff, r.u32() & 0x7fffff, 0x7fffff]);
    view.setUint32(offset, ((r.below(2) << 31) | (exp << 23) | fraction) >>> 0, true);
  } else if (instruction.memory === 8) {
    const exp = r.pick([0, 1, 2047, 2046, 1023, 1024, 1022, r.below(2048), r.below(2048), 1015 + r.below(16)]);
    const fraction = r.pick([0n, 1n, 1n << 51n, r.u64() >> 12n, r.u64() >> 12n, (1n << 52n) - 1n]);
    view.setBigUint64(offset, (BigInt(r.below(2)) << 63n) | (BigInt(exp) << 52n) | fraction, true);
  } else if (instruction.memory === 10) putOperand(view, offset, operand(r));
}

/** The operand ranges in which a transcendental instruction is defined. */
function inRange(r: Random, mnemonic: string, view: DataView): void {
  if (mnemonic === "f2xm1" && r.below(4) !== 0)
    putOperand(view, 12, [
      significand(r),
      (r.below(2) << 15) | (0x3ffe - r.pick([0, 1, 2, r.below(60), r.below(16000)])),
    ]);
  if (mnemonic === "fyl2xp1")
    putOperand(view, 12, [
      significand(r),
      (r.below(2) << 15) | (0x3ffd - 1 - r.pick([0, 1, 2, r.below(60), r.below(16000)])),
    ]);
}

/** One case in the layout of `struct input`. */
export function makeCase(r: Random, instruction: Instruction, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, INPUT_SIZE);
  bytes.fill(0, 0, INPUT_SIZE);
  const masks = r.below(8) === 0 ? r.below(64) : 0x3f;
  const precision = r.below(16) === 0 ? r.below(4) : r.pick([0, 2, 3, 3, 3, 3]);
  const cw = masks | 0x40 | (precision << 8) | (r.below(2) === 0 ? r.below(4) << 10 : 0);
  const top = r.below(8) === 0 ? r.below(8) : 4;
  let flags = r.below(4) === 0 ? r.below(0x80) : 0;
  if (r.below(16) !== 0) flags &= ~0x3f | masks;
  const sw = flags | (r.below(4) === 0 ? r.u32() & 0x4700 : 0) | (top << 11);
  const usual = (1 << ((top - 1) & 7)) | (1 << ((top - 2) & 7));
  const empty = r.below(16) === 0 ? r.below(256) : usual;
  view.setUint8(0, instruction.op);
  view.setUint8(1, instruction.modrm);
  view.setUint16(2, cw, true);
  view.setUint16(4, sw, true);
  view.setUint8(6, empty);
  view.setUint8(7, instruction.prefix);
  view.setUint32(8, r.u32() & 0x8d5, true);
  const a = operand(r);
  putOperand(view, 12, a);
  putOperand(view, 22, operand(r, a));
  putMemory(r, view, 32, instruction);
  inRange(r, instruction.row.mnemonic, view);
}

/** How many cases of each: arithmetic gets more of them. */
export function weight(instruction: Instruction): number {
  const { mnemonic } = instruction.row;
  if (/^f(add|sub|mul|div|com|ucom)/.test(mnemonic))
    return instruction.memory > 0 || (instruction.modrm & 7) === 1 ? 4 : 1;
  if (/^f(prem|sqrt|scale|rndint|ist|st|xtract|bstp|ld$)/.test(mnemonic)) return 8;
  return instruction.memory === 0 && (instruction.modrm & 7) > 1 && instruction.row.rm === undefined ? 1 : 3;
}

/** The inputs of a run of about `count` cases, one after the other. */
export function makeCases(seed: number, count: number): Uint8Array<ArrayBuffer> {
  const r = new Random(seed);
  const list = instructions().flatMap((i) => new Array<Instruction>(weight(i)).fill(i));
  const bytes = new Uint8Array(count * INPUT_SIZE);
  for (let n = 0; n < count; n++)
    makeCase(r, list[n % list.length] as Instruction, bytes.subarray(n * INPUT_SIZE, (n + 1) * INPUT_SIZE));
  return bytes;
}
