/** Moves, ALU operations, comparison, bit tests, exchanges. See sem.ts for the rules that definitions keep. */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionBuilder } from "../../wasm/module.ts";
import { CONDITIONS, type Definition, Flag, FlagKind, Reg, type Sem, type Size, type Word, wordOps } from "./sem.ts";

export const sizeOfOperand = (s: Sem, n = 0): Size => s.operands[n]?.bytes as Size;

const mov: Definition = (s) => s.write(0, s.read(1));

/** dst = a op b, with flags of a kind that takes dst and b. */
function binary(kind: FlagKind, compute: (s: Sem, size: Size, a: Word, b: Word) => Word, writes = true): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const a = writes ? s.modify(0) : s.read(0);
    const b = s.read(1);
    const result = s.f.let(compute(s, size, a, b));
    if (writes) s.write(0, result);
    if (kind === FlagKind.Logic) s.flags.set(kind, size, result);
    else s.flags.set(kind, size, result, b, undefined, a);
  };
}

const add = binary(FlagKind.Add, (_s, size, a, b) => wordOps(size).add(a, b));
const sub = binary(FlagKind.Sub, (_s, size, a, b) => wordOps(size).sub(a, b));
const cmp = binary(FlagKind.Sub, (_s, size, a, b) => wordOps(size).sub(a, b), false);
const and = binary(FlagKind.Logic, (_s, size, a, b) => wordOps(size).and(a, b));
const or = binary(FlagKind.Logic, (_s, size, a, b) => wordOps(size).or(a, b));
const xor = binary(FlagKind.Logic, (_s, size, a, b) => wordOps(size).xor(a, b));
const test = binary(FlagKind.Logic, (_s, size, a, b) => wordOps(size).and(a, b), false);

function carrying(kind: FlagKind): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const a = s.modify(0);
    const b = s.read(1);
    const carry = s.f.let(s.flags.carry());
    const wide: Word = size === 8 ? i64.extend_i32_u(carry) : carry;
    const result = s.f.let(kind === FlagKind.Adc ? w.add(w.add(a, b), wide) : w.sub(w.sub(a, b), wide));
    s.write(0, result);
    s.flags.set(kind, size, result, b, carry);
  };
}

function step(kind: FlagKind): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const a = s.modify(0);
    const result = s.f.let(kind === FlagKind.Inc ? w.add(a, w.const(1)) : w.sub(a, w.const(1)));
    s.write(0, result);
    s.flags.set(kind, size, result);
  };
}

const neg: Definition = (s) => {
  const size = sizeOfOperand(s);
  const w = wordOps(size);
  const a = s.modify(0);
  const result = s.f.let(w.sub(w.const(0), a));
  s.write(0, result);
  s.flags.set(FlagKind.Sub, size, result, a);
};

const not: Definition = (s) => {
  const w = wordOps(sizeOfOperand(s));
  s.write(0, w.xor(s.modify(0), w.const(-1)));
};

/** A value of one size as another size's, zero- or sign-extended. */
export function extend(value: Word, from: Size, to: Size, signed: boolean): Word {
  let v = value;
  if (signed && from === 1) v = i32.extend8_s(v as I32);
  if (signed && from === 2) v = i32.extend16_s(v as I32);
  if (to !== 8 || from === 8) return v;
  return signed ? i64.extend_i32_s(v as I32) : i64.extend_i32_u(v as I32);
}

const movzx: Definition = (s) => s.write(0, extend(s.read(1), sizeOfOperand(s, 1), sizeOfOperand(s), false));
const movsx: Definition = (s) => s.write(0, extend(s.read(1), sizeOfOperand(s, 1), sizeOfOperand(s), true));
/** movsxd with an operand size of 32 or 16 bits just moves. */
const movsxd: Definition = (s) => {
  const size = sizeOfOperand(s);
  s.write(0, size === 8 ? i64.extend_i32_s(s.read(1) as I32) : s.read(1));
};

const lea: Definition = (s) => {
  const address = s.address(1);
  s.write(0, sizeOfOperand(s) === 8 ? address : i32.wrap(address));
};

const xchg: Definition = (s) => {
  const a = s.modify(0);
  const b = s.read(1);
  s.write(1, a);
  s.write(0, b);
};

const xadd: Definition = (s) => {
  const size = sizeOfOperand(s);
  const a = s.modify(0);
  const b = s.read(1);
  const sum = s.f.let(wordOps(size).add(a, b));
  s.write(1, a);
  s.write(0, sum);
  s.flags.set(FlagKind.Add, size, sum, b);
};

const cmpxchg: Definition = (s) => {
  const size = sizeOfOperand(s);
  const w = wordOps(size);
  const dest = s.modify(0);
  const source = s.read(1);
  const accumulator = s.gpr(Reg.rax, size);
  s.f.if(
    w.eq(accumulator, dest),
    () => s.write(0, source),
    () => s.setGpr(Reg.rax, size, dest),
  );
  s.flags.set(FlagKind.Sub, size, w.sub(accumulator, dest), dest);
};

/** cmpxchg8b and cmpxchg16b: operand 1 only tells the size of the halves. */
const cmpxchg8b: Definition = (s) => {
  const half = sizeOfOperand(s, 1);
  const w = wordOps(half);
  if (half === 8) s.aligned(s.address(0), 16);
  const at = s.writable(s.address(0), 2 * half);
  const low = s.f.let(w.load(at, BIAS));
  const high = s.f.let(w.load(at, BIAS + half));
  const equal = s.f.let(i32.and(w.eq(low, s.gpr(Reg.rax, half)), w.eq(high, s.gpr(Reg.rdx, half))));
  s.f.if(
    equal,
    () => {
      s.f.exec(w.store(at, s.gpr(Reg.rbx, half), BIAS));
      s.f.exec(w.store(at, s.gpr(Reg.rcx, half), BIAS + half));
    },
    () => {
      s.setGpr(Reg.rax, half, low);
      s.setGpr(Reg.rdx, half, high);
    },
  );
  s.flags.update(Flag.ZF, i32.shl(equal, i32.const(6)));
};

/** The bytes of a value of 2, 4 or 8 bytes in the opposite order. */
export function swapBytes(f: FunctionBuilder, value: Word, size: Size): Word {
  const swap32 = (v: I32): I32 =>
    i32.or(
      i32.and(i32.rotl(v, i32.const(8)), i32.const(0x00ff00ff)),
      i32.and(i32.rotr(v, i32.const(8)), i32.const(0xff00ff00)),
    );
  if (size === 2) return i32.shr_u(swap32(value as I32), i32.const(16));
  if (size === 4) return swap32(value as I32);
  const low = f.let(i32.wrap(value as I64));
  const high = f.let(i32.wrap(i64.shr_u(value as I64, i64.const(32))));
  return i64.or(i64.shl(i64.extend_i32_u(swap32(low)), i64.const(32)), i64.extend_i32_u(swap32(high)));
}

const bswap: Definition = (s) => {
  const size = sizeOfOperand(s);
  // Of a word undefined by the manual; processors store 0.
  s.write(0, size === 2 ? i32.const(0) : swapBytes(s.f, s.read(0), size));
};

/** cbw cwde cdqe: the accumulator's lower half, sign-extended. */
const cbw: Definition = (s) => {
  const size = sizeOfOperand(s);
  const half = (size / 2) as Size;
  s.write(0, extend(s.gpr(Reg.rax, half), half, size, true));
};
/** cwd cdq cqo: the accumulator's sign to rdx. */
const cwd: Definition = (s) => {
  const size = sizeOfOperand(s);
  const w = wordOps(size);
  const a = size === 2 ? i32.extend16_s(s.gpr(Reg.rax, 2) as I32) : s.gpr(Reg.rax, size);
  s.setGpr(Reg.rdx, size, w.shr_s(a, w.const(size === 8 ? 63 : 31)));
};

/** bt, bts, btr, btc. A register bit offset reaches beyond a memory operand (Intel SDM vol. 2, "BT"). */
function bitTest(change: ((w: ReturnType<typeof wordOps>, value: Word, bit: Word) => Word) | undefined): Definition {
  return (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const bits = size * 8;
    const memory = s.operands[0]?.kind === "m";
    const far = memory && s.operands[1]?.kind === "r";
    let value: Word;
    let at: I32 | undefined;
    const offset = s.read(1);
    if (far) {
      const wide = extend(offset, size, 8, true) as I64;
      const units = i64.shr_s(wide, i64.const(Math.log2(bits)));
      const address = i64.add(s.address(0), i64.shl(units, i64.const(Math.log2(size))));
      at = change === undefined ? s.readable(address, size) : s.writable(address, size);
      value = f.let(size === 2 ? i32.load16_u(at, BIAS) : w.load(at, BIAS));
    } else value = change === undefined ? s.read(0) : s.modify(0);
    const position = f.let(w.and(offset, w.const(bits - 1)));
    const bit = f.let(w.and(w.shr_u(value, position), w.const(1)));
    if (change !== undefined) {
      const result = change(w, value, w.shl(w.const(1), position));
      if (at === undefined) s.write(0, result);
      else f.exec(size === 2 ? i32.store16(at, result as I32, BIAS) : w.store(at, result, BIAS));
    }
    s.flags.update(Flag.CF, size === 8 ? i32.wrap(bit as I64) : (bit as I32));
  };
}

/** bsf and bsr: a zero source sets ZF and leaves the destination as it is (as both vendors' processors do). */
function bitScan(forward: boolean): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const source = s.read(1);
    s.f.if(w.ne(source, w.const(0)), () => {
      const top = size === 8 ? 63 : 31;
      s.write(0, forward ? w.ctz(source) : w.xor(w.clz(source), w.const(top)));
    });
    s.flags.set(FlagKind.Logic, size, source);
  };
}

const cmovs: Record<string, Definition> = {};
const setccs: Record<string, Definition> = {};
CONDITIONS.forEach((name, code) => {
  // The source is read, and may fault, whether the condition holds or not; a 4-byte destination is always zero-extended.
  cmovs[`cmov${name}`] = (s) => {
    const source = s.read(1);
    const old = s.read(0);
    s.write(0, select(s.flags.condition(code), source, old));
  };
  setccs[`set${name}`] = (s) => {
    s.write(0, s.flags.condition(code));
  };
});

export const arithmetic: Readonly<Record<string, Definition>> = {
  mov,
  add,
  sub,
  cmp,
  and,
  or,
  xor,
  test,
  adc: carrying(FlagKind.Adc),
  sbb: carrying(FlagKind.Sbb),
  inc: step(FlagKind.Inc),
  dec: step(FlagKind.Dec),
  neg,
  not,
  movzx,
  movsx,
  movsxd,
  lea,
  xchg,
  xadd,
  cmpxchg,
  cmpxchg8b,
  bswap,
  cbw,
  cwd,
  bt: bitTest(undefined),
  bts: bitTest((w, value, bit) => w.or(value, bit)),
  btr: bitTest((w, value, bit) => w.and(value, w.xor(bit, w.const(-1)))),
  btc: bitTest((w, value, bit) => w.xor(value, bit)),
  bsf: bitScan(true),
  bsr: bitScan(false),
  ...cmovs,
  ...setccs,
};
