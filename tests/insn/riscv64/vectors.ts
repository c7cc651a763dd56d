/** Vector state, and operands of vector instructions that make sense with it, most of the time. */
import type { Row } from "../../../src/cpu/isa/riscv64/table.ts";
import type { Random } from "../random.ts";
import { half, pointer } from "./generate.ts";
import type { Vectors } from "./protocol.ts";

const VLENB = 16;

export function isVector(row: Row): boolean {
  return row.immediate === "word";
}
export function isVectorMemory(row: Row): boolean {
  return isVector(row) && (row.match & 0x7f) !== 0x57;
}
/** After these qemu 7.2 leaves vstart as it was, or fails: it is 0 then (riscv-v-spec 1.0, 3.7). */
const KEEPS_VSTART = /^(vf?mv\.(x\.s|s\.x|f\.s|s\.f)|vslideup|vmv[1248]r|v[ls][1248]r)/;
const isFloat = (row: Row): boolean => /^vm?f/.test(row.mnemonic) && row.mnemonic !== "vfirst.m";

interface Type {
  readonly sew: number;
  readonly lmul: number;
}

/** log2 of SEW / 8 and of LMUL, of those that exist and suit the instruction, mostly. */
function makeType(rng: Random, row: Row | undefined): Type {
  for (;;) {
    const type = { sew: rng.below(4), lmul: rng.below(7) - 3 };
    const exists = type.sew <= 3 + Math.min(type.lmul, 0);
    const isWide = row !== undefined && /^v(w|n|f[wn])/.test(row.mnemonic);
    const suits = !isWide || (type.sew < 3 && type.lmul < 3);
    const part = /vf([248])$/.exec(row?.mnemonic ?? "");
    const parts = part === null || 1 << type.sew >= Number(part[1]);
    const floats = row === undefined || !isFloat(row) || type.sew > 0;
    if (exists && ((suits && floats && parts) || rng.oneIn(12))) return type;
  }
}

/** Fills registers with elements of a width. */
function fill(rng: Random, view: DataView, from: number, to: number, size: number, float: boolean): void {
  for (let at = from; at < to; at += 1 << size) {
    if (size === 0) view.setUint8(at, Number(rng.integer() & 0xffn));
    else if (size === 1) view.setUint16(at, Number((float ? half(rng) : rng.integer()) & 0xffffn), true);
    else if (size === 2) view.setUint32(at, Number((float ? rng.float(32) : rng.integer()) & 0xffff_ffffn), true);
    else view.setBigUint64(at, float ? rng.float(64) : rng.integer(), true);
  }
}

/** State for an instruction, the last of a case. */
export function makeVectors(rng: Random, row: Row | undefined, sequence: boolean): Vectors {
  const registers = new Uint8Array(32 * VLENB);
  const view = new DataView(registers.buffer);
  const vtype = makeType(rng, row);
  const { sew, lmul } = vtype;
  if (row === undefined || !isVector(row)) return { vl: 1, vtype: 0, vstart: 0, vcsr: 0, registers };
  const float = isFloat(row);
  const wide = rng.oneIn(4) ? 1 : 0;
  for (let at = 0; at < registers.length; at += 128)
    fill(rng, view, at, at + 128, Math.min(3, rng.oneIn(8) ? rng.below(4) : sew + (at === 128 ? wide : 0)), float);
  const most = 2 ** (4 - sew + lmul);
  const vl = rng.oneIn(3) ? most : rng.below(most + 1);
  const vstart = vl > 1 && !sequence && !KEEPS_VSTART.test(row.mnemonic) && rng.oneIn(10) ? rng.below(vl) : 0;
  const bits = sew * 8 + (lmul & 7) + rng.below(4) * 64;
  if (rng.oneIn(60)) return { vl: 0, vtype: -1, vstart: 0, vcsr: rng.below(8), registers };
  return { vl, vtype: bits, vstart, vcsr: rng.below(8), registers };
}

/** A random instruction of the row with its registers at places where groups begin, mostly; registers and memory operands that suit it. */
export function placeOperands(rng: Random, row: Row, word: number, vectors: Vectors, x: BigUint64Array): number {
  let placed = word;
  const put = (at: number, width: number, value: number): void => {
    const mask = ((2 ** width - 1) << at) >>> 0;
    placed = ((placed & ~mask) | ((value << at) & mask)) >>> 0;
  };
  const field = (at: number): number => (placed >>> at) & 31;
  const { fields, mnemonic } = row;
  const sew = (vectors.vtype >> 3) & 7;
  const lmul = ((vectors.vtype & 7) ^ 4) - 4;
  const align = (at: number, group: number): void => put(at, 5, field(at) & ~(2 ** Math.max(0, group) - 1));
  if (fields.has("rd") && rng.oneIn(8)) put(7, 5, 0);
  if (fields.has("rs1") && fields.has("vt11") && rng.oneIn(4)) put(15, 5, 0);
  if (fields.has("vm") && rng.oneIn(2)) put(25, 1, 1);
  // The type that is set exists, more often than not.
  for (const [name, at] of [
    ["vt11", 20],
    ["vt10", 20],
  ] as const)
    if (fields.has(name)) {
      const type = makeType(rng, undefined);
      if (!rng.oneIn(6)) put(at, name === "vt11" ? 11 : 10, type.sew * 8 + (type.lmul & 7) + rng.below(4) * 64);
    }
  if (mnemonic === "vsetvl" && !rng.oneIn(6)) {
    const type = makeType(rng, undefined);
    x[field(20)] = BigInt(type.sew * 8 + (type.lmul & 7) + rng.below(4) * 64);
  }
  if (mnemonic.startsWith("vset") && rng.oneIn(2) && !(mnemonic === "vsetvl" && field(15) === field(20)))
    x[field(15)] = BigInt(rng.below(40));
  x[0] = 0n;
  if (isVectorMemory(row)) return placeMemory(rng, row, placed, vectors, x);
  // Masked instructions don't write their mask.
  if (fields.has("vm") && ((placed >>> 25) & 1) === 0 && field(7) === 0) put(7, 5, 8);
  if (rng.oneIn(12)) return placed;
  const wide = /^v(w|fw)/.test(mnemonic) && !/red/.test(mnemonic) ? 1 : 0;
  const narrow = /^v(n(srl|sra|clip)|fncvt)/.test(mnemonic) ? 1 : 0;
  const wideSource = narrow === 1 || /\.w[vxf]$/.test(mnemonic) ? 1 : 0;
  const whole = /^vmv(\d)r/.exec(mnemonic);
  const group = whole === null ? lmul : Math.log2(Number(whole[1]));
  if (fields.has("vd") && !/^vm(s|f|ad)[a-z]+\.v|red/.test(mnemonic)) align(7, group + wide);
  const part = /vf([248])$/.exec(mnemonic);
  if (fields.has("vs2")) align(20, group + wideSource - (part === null ? 0 : Math.log2(Number(part[1]))));
  if (fields.has("vs1")) align(15, mnemonic.startsWith("vrgatherei16") ? 1 - sew + lmul : group);
  if (/slide(up|down)|vrgather/.test(mnemonic) && fields.has("rs1") && rng.oneIn(2))
    x[field(15)] = BigInt(rng.below(20));
  if (mnemonic.startsWith("vrgather") && rng.oneIn(2)) {
    // Indices that there are.
    const size = mnemonic.includes("16") ? 1 : sew;
    for (let at = field(15) * VLENB; at < Math.min(512, field(15) * VLENB + 128); at += 1 << size)
      vectors.registers.fill(0, at, at + (1 << size)).fill(rng.below(24), at, at + 1);
  }
  x[0] = 0n;
  return placed;
}

function placeMemory(rng: Random, row: Row, word: number, vectors: Vectors, x: BigUint64Array): number {
  let placed = word;
  const put = (at: number, width: number, value: number): void => {
    const mask = ((2 ** width - 1) << at) >>> 0;
    placed = ((placed & ~mask) | ((value << at) & mask)) >>> 0;
  };
  const field = (at: number): number => (placed >>> at) & 31;
  const { mnemonic, fields } = row;
  const sew = (vectors.vtype >> 3) & 7;
  const lmul = ((vectors.vtype & 7) ^ 4) - 4;
  const eew = (placed >>> 12) & 3;
  const isIndexed = /xei/.test(mnemonic);
  const whole = /^v[ls](\d)r/.exec(mnemonic);
  const emul = eew - sew + lmul;
  const group = whole === null ? (isIndexed ? lmul : emul) : Math.log2(Number(whole[1]));
  const registers = 2 ** Math.max(0, group);
  if (fields.has("nf")) put(29, 3, rng.oneIn(2) ? 0 : rng.below(Math.max(1, Math.min(8, Math.floor(8 / registers)))));
  if (rng.oneIn(12)) put(29, 3, rng.below(8));
  if (whole !== null) put(29, 3, Number(whole[1]) - 1);
  if (!fields.has("nf") && whole === null) put(29, 3, 0);
  const count = ((placed >>> 29) + 1) * registers;
  if (!rng.oneIn(16)) {
    put(7, 5, field(7) & ~(registers - 1));
    while (field(7) + count > 32 && field(7) > 0) put(7, 5, Math.max(0, field(7) - registers));
    if (((placed >>> 25) & 1) === 0 && field(7) === 0) put(7, 5, registers);
    if (isIndexed) put(20, 5, field(20) & ~(2 ** Math.max(0, emul) - 1));
  }
  const rs1 = 1 + rng.below(31);
  put(15, 5, rng.oneIn(40) ? 0 : rs1);
  x[rs1] = pointer(rng, rng.oneIn(2) ? 1 : 8);
  if (fields.has("rs2")) {
    const rs2 = 1 + rng.below(31);
    put(20, 5, rng.oneIn(10) ? 0 : rs2);
    if (rs2 !== rs1) x[rs2] = BigInt.asUintN(64, BigInt(rng.oneIn(3) ? rng.below(64) - 32 : (rng.below(9) - 4) << eew));
  }
  if (isIndexed && !rng.oneIn(8)) {
    // Small indices, in all that may be read of them.
    const limit = rng.pick([16, 200, 4000]);
    const view = new DataView(vectors.registers.buffer);
    const end = Math.min(512, field(20) * VLENB + 128);
    for (let at = field(20) * VLENB; at < end; at += 1 << eew) {
      const index = rng.below(limit);
      if (eew === 0) view.setUint8(at, index & 255);
      else if (eew === 1) view.setUint16(at, index, true);
      else if (eew === 2) view.setUint32(at, index, true);
      else view.setBigUint64(at, BigInt(index), true);
    }
  }
  return placed;
}
