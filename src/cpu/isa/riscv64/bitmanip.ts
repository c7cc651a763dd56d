/** The Zba, Zbb, Zbc and Zbs extensions (RISC-V Bit-Manipulation ISA-extensions, version 1.0). */
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import type { Definition, Family } from "./sem.ts";

const TABLE = `
0000100 rs2 rs1 000 rd 0111011 add.uw
0010000 rs2 rs1 010 rd 0110011 sh1add
0010000 rs2 rs1 100 rd 0110011 sh2add
0010000 rs2 rs1 110 rd 0110011 sh3add
0010000 rs2 rs1 010 rd 0111011 sh1add.uw
0010000 rs2 rs1 100 rd 0111011 sh2add.uw
0010000 rs2 rs1 110 rd 0111011 sh3add.uw
000010 sh6 rs1 001 rd 0011011 slli.uw
0100000 rs2 rs1 111 rd 0110011 andn
0100000 rs2 rs1 110 rd 0110011 orn
0100000 rs2 rs1 100 rd 0110011 xnor
0110000 00000 rs1 001 rd 0010011 clz
0110000 00001 rs1 001 rd 0010011 ctz
0110000 00010 rs1 001 rd 0010011 cpop
0110000 00000 rs1 001 rd 0011011 clzw
0110000 00001 rs1 001 rd 0011011 ctzw
0110000 00010 rs1 001 rd 0011011 cpopw
0000101 rs2 rs1 100 rd 0110011 min
0000101 rs2 rs1 101 rd 0110011 minu
0000101 rs2 rs1 110 rd 0110011 max
0000101 rs2 rs1 111 rd 0110011 maxu
0110000 00100 rs1 001 rd 0010011 sext.b
0110000 00101 rs1 001 rd 0010011 sext.h
0000100 00000 rs1 100 rd 0111011 zext.h
0110000 rs2 rs1 001 rd 0110011 rol
0110000 rs2 rs1 101 rd 0110011 ror
011000 sh6 rs1 101 rd 0010011 rori
0110000 rs2 rs1 001 rd 0111011 rolw
0110000 rs2 rs1 101 rd 0111011 rorw
0110000 sh5 rs1 101 rd 0011011 roriw
001010000111 rs1 101 rd 0010011 orc.b
011010111000 rs1 101 rd 0010011 rev8
0000101 rs2 rs1 001 rd 0110011 clmul
0000101 rs2 rs1 010 rd 0110011 clmulr
0000101 rs2 rs1 011 rd 0110011 clmulh
0100100 rs2 rs1 001 rd 0110011 bclr
010010 sh6 rs1 001 rd 0010011 bclri
0100100 rs2 rs1 101 rd 0110011 bext
010010 sh6 rs1 101 rd 0010011 bexti
0110100 rs2 rs1 001 rd 0110011 binv
011010 sh6 rs1 001 rd 0010011 binvi
0010100 rs2 rs1 001 rd 0110011 bset
001010 sh6 rs1 001 rd 0010011 bseti
`;

const c64 = i64.const;
const LOW32 = c64(0xffff_ffffn);
const not = (v: I64): I64 => i64.xor(v, c64(-1));

type Binary = (a: I64, b: I64) => I64;
const registers =
  (op: Binary): Definition =>
  (s) =>
    s.setX(op(s.x("rs1"), s.x("rs2")));
const immediate =
  (op: Binary): Definition =>
  (s) =>
    s.setX(op(s.x("rs1"), s.imm()));
const unary =
  (op: (a: I64) => I64): Definition =>
  (s) =>
    s.setX(op(s.x("rs1")));
const unaryW =
  (op: (a: I32) => I32): Definition =>
  (s) =>
    s.setW(op(s.w("rs1")));
const chosen =
  (prefersFirst: (a: I64, b: I64) => I32): Definition =>
  (s) => {
    const [a, b] = [s.x("rs1"), s.x("rs2")];
    s.setX(select(prefersFirst(a, b), a, b));
  };

const shiftAdd =
  (n: number): Binary =>
  (a, b) =>
    i64.add(b, i64.shl(a, c64(n)));
const shiftAddW =
  (n: number): Binary =>
  (a, b) =>
    i64.add(b, i64.shl(i64.and(a, LOW32), c64(n)));

const bit = (n: I64): I64 => i64.shl(c64(1), n);
const single: Readonly<Record<string, Binary>> = {
  bclr: (a, n) => i64.and(a, not(bit(n))),
  bext: (a, n) => i64.and(i64.shr_u(a, n), c64(1)),
  binv: (a, n) => i64.xor(a, bit(n)),
  bset: (a, n) => i64.or(a, bit(n)),
};

/** Every second group of `bits` bits, from the lowest. */
function everySecond(bits: number): I64 {
  let mask = 0n;
  for (let at = 0; at < 64; at += 2 * bits) mask |= ((1n << BigInt(bits)) - 1n) << BigInt(at);
  return c64(mask);
}
const rev8: Definition = (s) => {
  let v = s.x("rs1");
  for (const bits of [8, 16]) {
    const mask = everySecond(bits);
    const count = c64(bits);
    v = s.f.let(i64.or(i64.shl(i64.and(v, mask), count), i64.and(i64.shr_u(v, count), mask)));
  }
  s.setX(i64.rotl(v, c64(32)));
};
/** All ones in each byte that is not 0: its seven lower bits carry into the eighth unless they are 0. */
const orcB: Definition = (s) => {
  const v = s.x("rs1");
  const low = c64(0x7f7f_7f7f_7f7f_7f7fn);
  const top = i64.or(i64.add(i64.and(v, low), low), v);
  s.setX(i64.mul(i64.and(i64.shr_u(top, c64(7)), c64(0x0101_0101_0101_0101n)), c64(0xff)));
};

/** (a, b) -> low and high half of the carry-less product. */
function defineCarryless(module: ModuleBuilder): FunctionRef {
  return module.func("carryless", ["i64", "i64"], ["i64", "i64"], (f) => {
    const [a, b] = [f.param(0, "i64"), f.param(1, "i64")];
    const low = f.local("i64");
    const high = f.local("i64");
    const n = f.local("i64");
    f.set(low, c64(0));
    f.set(high, c64(0));
    f.loop((again) => {
      f.if(i64.eqz(b), () => f.return(low, high));
      f.set(n, i64.ctz(b));
      f.set(low, i64.xor(low, i64.shl(a, n)));
      // In two steps, as a shift by 64 is none.
      f.set(high, i64.xor(high, i64.shr_u(i64.shr_u(a, c64(1)), i64.sub(c64(63), n))));
      f.set(b, i64.and(b, i64.sub(b, c64(1))));
      f.br(again);
    });
    f.unreachable();
  });
}

function define(module: ModuleBuilder): Readonly<Record<string, Definition>> {
  const carryless = defineCarryless(module);
  const product =
    (part: (low: I64, high: I64) => I64): Definition =>
    (s) => {
      const [low, high] = s.f.callStatement(carryless, [s.x("rs1"), s.x("rs2")]) as unknown as [I64, I64];
      s.setX(part(low, high));
    };
  const all: Record<string, Definition> = {
    "add.uw": registers(shiftAddW(0)),
    "slli.uw": (s) => s.setX(i64.shl(i64.and(s.x("rs1"), LOW32), s.imm())),
    andn: registers((a, b) => i64.and(a, not(b))),
    orn: registers((a, b) => i64.or(a, not(b))),
    xnor: registers((a, b) => not(i64.xor(a, b))),
    clz: unary(i64.clz),
    ctz: unary(i64.ctz),
    cpop: unary(i64.popcnt),
    clzw: unaryW(i32.clz),
    ctzw: unaryW(i32.ctz),
    cpopw: unaryW(i32.popcnt),
    min: chosen(i64.lt_s),
    minu: chosen(i64.lt_u),
    max: chosen(i64.gt_s),
    maxu: chosen(i64.gt_u),
    "sext.b": unary(i64.extend8_s),
    "sext.h": unary(i64.extend16_s),
    "zext.h": unary((a) => i64.and(a, c64(0xffff))),
    rol: registers(i64.rotl),
    ror: registers(i64.rotr),
    rori: immediate(i64.rotr),
    rolw: (s) => s.setW(i32.rotl(s.w("rs1"), s.w("rs2"))),
    rorw: (s) => s.setW(i32.rotr(s.w("rs1"), s.w("rs2"))),
    roriw: (s) => s.setW(i32.rotr(s.w("rs1"), s.imm32())),
    "orc.b": orcB,
    rev8,
    clmul: product((low) => low),
    clmulh: product((_low, high) => high),
    clmulr: product((low, high) => i64.or(i64.shl(high, c64(1)), i64.shr_u(low, c64(63)))),
  };
  for (const n of [1, 2, 3]) {
    all[`sh${n}add`] = registers(shiftAdd(n));
    all[`sh${n}add.uw`] = registers(shiftAddW(n));
  }
  for (const [name, op] of Object.entries(single)) {
    all[name] = registers(op);
    all[`${name}i`] = immediate(op);
  }
  return all;
}

export const bitManipFamily: Family = { name: "bitmanip", table: TABLE, define };
