/** Shifts and rotates. The count is taken modulo 32, or 64 for 8-byte operands; a count of 0 changes no flag. */
import { type I32, type I64, i32, i64 } from "../../wasm/expr.ts";
import { extend, sizeOfOperand } from "./arithmetic.ts";
import { type Definition, Flag, FlagKind, Reg, type Sem, type Size, type Word, wordOps } from "./sem.ts";

/** The masked count, as a Word of the operand's type, and the same as an i32. */
function countOf(s: Sem, size: Size): { count: Word; nonZero: I32 } {
  const raw = s.operands[1]?.kind === "r" ? (s.gpr(Reg.rcx, 1) as I32) : s.imm(1);
  const masked = s.f.let(i32.and(raw, i32.const(size === 8 ? 63 : 31)));
  return { count: size === 8 ? s.f.let(i64.extend_i32_u(masked)) : masked, nonZero: masked };
}

function shift(kind: FlagKind, move: (w: ReturnType<typeof wordOps>, value: Word, count: Word) => Word): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const read = s.modify(0);
    const signed = kind === FlagKind.Sar && move === sarMove && size < 4;
    const value = signed ? s.f.let(extend(read, size, 4, true)) : read;
    const { count, nonZero } = countOf(s, size);
    const result = s.f.let(move(w, value, count));
    s.write(0, result);
    s.f.if(nonZero, () => s.flags.set(kind, size, result, move(w, value, w.sub(count, w.const(1)))));
  };
}

type Move = (w: ReturnType<typeof wordOps>, value: Word, count: Word) => Word;
const shlMove: Move = (w, value, count) => w.shl(value, count);
const shrMove: Move = (w, value, count) => w.shr_u(value, count);
const sarMove: Move = (w, value, count) => w.shr_s(value, count);

/** Bit `bit` of a value, at the place of a flag. */
function bitAs(value: Word, size: Size, bit: number, flagBit: number): I32 {
  const w = wordOps(size);
  const moved = w.and(w.shr_u(value, w.const(bit)), w.const(1));
  return i32.shl(size === 8 ? i32.wrap(moved as I64) : (moved as I32), i32.const(flagBit));
}

/** rol and ror. CF is the bit that went around; OF, defined for a count of 1, whether the sign changed. */
function rotate(left: boolean): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const bits = size * 8;
    const value = s.modify(0);
    const { count, nonZero } = countOf(s, size);
    let result: Word;
    if (size >= 4) result = left ? w.rotl(value, count) : w.rotr(value, count);
    else {
      // The value beside itself: shifting the pair rotates.
      const by = s.f.let(i32.and(count as I32, i32.const(bits - 1)));
      const pair = s.f.let(i32.or(value as I32, i32.shl(value as I32, i32.const(bits))));
      result = left ? i32.shr_u(pair, i32.sub(i32.const(bits), by)) : i32.shr_u(pair, by);
    }
    const rotated = s.f.let(result);
    s.write(0, rotated);
    s.f.if(nonZero, () => {
      const top = bits - 1;
      const carry = s.f.let(bitAs(rotated, size, left ? 0 : top, 0));
      const overflow = i32.xor(
        bitAs(rotated, size, top, 11),
        left ? i32.shl(carry, i32.const(11)) : bitAs(rotated, size, top - 1, 11),
      );
      s.flags.update(Flag.CF | Flag.OF, i32.or(carry, overflow));
    });
  };
}

/** rcl and rcr: the carry flag is a bit more of the value. */
function rotateCarry(left: boolean): Definition {
  return (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const bits = size * 8;
    const value = s.modify(0);
    const { nonZero } = countOf(s, size);
    const carryIn = f.let(i64.extend_i32_u(s.flags.carry()));
    const wide = f.let(extend(value, size, 8, false) as I64);
    const count = f.let(i64.extend_i32_u(size < 4 ? i32.rem_u(nonZero, i32.const(bits + 1)) : nonZero));
    const result = f.local("i64");
    const carry = f.local("i64");
    f.set(result, wide);
    f.set(carry, carryIn);
    f.if(i32.wrap(count), () => {
      const back = i64.sub(i64.const(bits), count);
      // Bits that left on one side come back on the other, after the carry. Two steps, since a shift by 64 would be one by 0.
      if (left) {
        f.set(carry, i64.and(i64.shr_u(wide, back), i64.const(1)));
        const returned = i64.shr_u(i64.shr_u(wide, back), i64.const(1));
        const entered = i64.shl(carryIn, i64.sub(count, i64.const(1)));
        f.set(result, i64.or(i64.or(i64.shl(wide, count), entered), returned));
      } else {
        f.set(carry, i64.and(i64.shr_u(wide, i64.sub(count, i64.const(1))), i64.const(1)));
        const returned = i64.shl(i64.shl(wide, back), i64.const(1));
        const entered = i64.shl(carryIn, back);
        f.set(result, i64.or(i64.or(i64.shr_u(wide, count), entered), returned));
      }
    });
    const final: Word = size === 8 ? result : f.let(i32.wrap(result));
    s.write(0, final);
    f.if(nonZero, () => {
      const carryFlag = f.let(i32.wrap(carry));
      const sign = bitAs(result, 8, bits - 1, 11);
      const other = left ? i32.shl(carryFlag, i32.const(11)) : bitAs(result, 8, bits - 2, 11);
      s.flags.update(Flag.CF | Flag.OF, i32.or(carryFlag, i32.xor(sign, other)));
    });
  };
}

/** shld and shrd: bits from operand 1 are shifted in. A count above 16 for 2-byte operands is undefined by the manual. */
function doubleShift(left: boolean, byRegister: boolean): Definition {
  return (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const bits = size * 8;
    const a = s.modify(0);
    const b = s.read(1);
    const raw = byRegister ? (s.gpr(Reg.rcx, 1) as I32) : s.imm(2);
    const masked = f.let(i32.and(raw, i32.const(size === 8 ? 63 : 31)));
    f.if(
      masked,
      () => {
        const count: Word = size === 8 ? f.let(i64.extend_i32_u(masked)) : masked;
        let result: Word;
        let last: Word;
        if (size === 2) {
          // As a 48-bit value a:b:a (left) or a:b:a read from the other end, which is what processors do above 16.
          const wideA = f.let(i64.extend_i32_u(a as I32));
          const wideB = i64.extend_i32_u(b as I32);
          const count64 = f.let(i64.extend_i32_u(masked));
          const around = i64.or(wideA, i64.shl(wideA, i64.const(32)));
          const pair = f.let(i64.or(around, i64.shl(wideB, i64.const(16))));
          const shifted = (by: I64): I32 =>
            left ? i32.wrap(i64.shr_u(i64.shl(pair, by), i64.const(32))) : i32.wrap(i64.shr_u(pair, by));
          result = shifted(count64);
          last = shifted(i64.sub(count64, i64.const(1)));
        } else if (left) {
          result = w.or(w.shl(a, count), w.shr_u(b, w.sub(w.const(bits), count)));
          last = w.shl(a, w.sub(count, w.const(1)));
        } else {
          result = w.or(w.shr_u(a, count), w.shl(b, w.sub(w.const(bits), count)));
          last = w.shr_u(a, w.sub(count, w.const(1)));
        }
        const dst = f.let(result);
        s.write(0, dst);
        // OF (defined for a count of 1) compares the sign before and after: both kinds take it from src ^ dst; a right
        // shift's source therefore carries the old sign, which for a count of 1 is `last` itself.
        s.flags.set(left ? FlagKind.Shl : FlagKind.Sar, size, dst, last);
      },
      () => {
        if (size === 4) s.write(0, a);
      },
    );
  };
}

export const shifts: Readonly<Record<string, Definition>> = {
  shl: shift(FlagKind.Shl, shlMove),
  shr: shift(FlagKind.Sar, shrMove),
  sar: shift(FlagKind.Sar, sarMove),
  rol: rotate(true),
  ror: rotate(false),
  rcl: rotateCarry(true),
  rcr: rotateCarry(false),
  shld: doubleShift(true, false),
  shld_cl: doubleShift(true, true),
  shrd: doubleShift(false, false),
  shrd_cl: doubleShift(false, true),
};
