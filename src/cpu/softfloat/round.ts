/** Rounding to the precision and range of the control word, NaN propagation, and wide products and quotients. */
import { type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, GlobalRef, ModuleBuilder } from "../wasm/module.ts";
import {
  BIAS,
  both,
  C1,
  c32,
  c64,
  either,
  F80,
  IE,
  INTEGER_BIT,
  isNaN80,
  isSignalling,
  type Kit,
  MAX_EXP,
  not,
  OE,
  PE,
  quiet,
  raise,
  returnCall,
  shiftRightJam,
  UE,
  withSign,
} from "./parts.ts";

/** What unmasked overflow and underflow add to or take off the exponent (SDM vol. 1, 8.5.4 and 8.5.5). */
const SCALE = 0x6000;

/** Control word bits: precision control 24, reserved, 53, 64 bits; rounding nearest, down, up, toward zero. */
const CONTROL_PC_RC = 0xf00;
const PC64_NEAREST = 0x300;
/** For the operations that ignore precision control: the control word with PC = 64 bits. */
export const fullPrecision = (cw: I32): I32 => i32.or(cw, c32(0x300));
export const roundingControl = (cw: I32): I32 => i32.and(i32.shr_u(cw, c32(10)), c32(3));

/**
 * 1 if a magnitude with the fraction `lo` (of 2^64) beyond its last place is to be rounded away from zero.
 * `odd`: whether the last place is 1.
 */
export function roundsUp(rc: I32, sign: I32, odd: I32, lo: I64): I32 {
  const nearest = both(i32.wrap(i64.shr_u(lo, c64(63))), either(i64.ne(i64.shl(lo, c64(1)), c64(0)), odd));
  const directed = both(both(i32.ne(rc, c32(3)), i64.ne(lo, c64(0))), i32.eq(i32.eq(rc, c32(1)), sign));
  return select(rc, directed, nearest);
}

/** Moves what lies below the last place 2^drop of `hi` into `lo`, as a sticky fraction of 2^64. */
function split(f: FunctionBuilder, hi: I64, lo: I64, drop: I64, ulp: I64): { hi: I64; lo: I64 } {
  const h = f.local("i64");
  const l = f.local("i64");
  f.set(h, hi);
  f.set(l, lo);
  f.if(i32.wrap(drop), () => {
    f.set(l, i64.or(i64.shl(hi, i64.sub(c64(64), drop)), i64.extend_i32_u(i64.ne(lo, c64(0)))));
    f.set(h, i64.and(hi, i64.sub(c64(0), ulp)));
  });
  return { hi: h, lo: l };
}

function defineRound(m: ModuleBuilder, flags: GlobalRef<"i32">): FunctionRef {
  return m.func("f80.round", ["i32", "i32", "i64", "i64", "i32"], F80, (f) => {
    const kit = { flags };
    const sign = f.param(0, "i32");
    const exp = f.param(1, "i32");
    const hi = f.param(2, "i64");
    const lo = f.param(3, "i64");
    const cw = f.param(4, "i32");
    const rc = f.let(roundingControl(cw));
    const pc = f.let(i32.and(i32.shr_u(cw, c32(8)), c32(3)));
    const drop = f.let(select(i32.eqz(pc), c64(40), select(i32.eq(pc, c32(2)), c64(11), c64(0))));
    const ulp = f.let(i64.shl(c64(1), drop));
    const tiny = f.local("i32");
    const subnormal = f.local("i32");
    f.set(tiny, c32(0));
    f.set(subnormal, c32(0));
    f.if(i32.le_s(exp, c32(0)), () => {
      // Tiny is decided after rounding, as if the exponent had no bounds.
      const r = split(f, hi, lo, drop, ulp);
      const up = roundsUp(rc, sign, i64.ne(i64.and(r.hi, ulp), c64(0)), r.lo);
      f.set(tiny, not(both(both(i32.eqz(exp), up), i64.eqz(i64.add(r.hi, ulp)))));
      f.if(
        both(both(tiny, not(i32.and(cw, c32(UE)))), i32.gt_s(exp, c32(-SCALE))),
        () => {
          raise(f, kit, UE);
          f.set(exp, i32.add(exp, c32(SCALE)));
        },
        () => {
          // Not even the scaled exponent will do (FSCALE): processors give zero.
          f.if(both(tiny, not(i32.and(cw, c32(UE)))), () => {
            raise(f, kit, UE | PE);
            f.return(c64(0), withSign(sign, 0));
          });
          const s = shiftRightJam(f, hi, lo, f.let(i32.sub(c32(1), exp)));
          f.set(hi, s.hi);
          f.set(lo, s.lo);
          f.set(exp, c32(0));
          f.set(subnormal, c32(1));
        },
      );
    });
    const r = split(f, hi, lo, drop, ulp);
    const up = f.let(roundsUp(rc, sign, i64.ne(i64.and(r.hi, ulp), c64(0)), r.lo));
    const sum = f.let(i64.add(r.hi, select(up, ulp, c64(0))));
    f.if(i64.ne(r.lo, c64(0)), () => {
      raise(f, kit, i32.or(c32(PE), i32.shl(up, c32(9))));
      f.if(both(tiny, subnormal), () => raise(f, kit, UE));
    });
    f.if(subnormal, () => {
      f.return(sum, withSign(sign, i32.wrap(i64.shr_u(sum, c64(63)))));
    });
    f.set(hi, sum);
    f.if(i64.eqz(sum), () => {
      f.set(hi, c64(INTEGER_BIT));
      f.set(exp, i32.add(exp, c32(1)));
    });
    f.if(i32.ge_s(exp, c32(MAX_EXP)), () => {
      raise(f, kit, OE);
      f.if(
        both(not(i32.and(cw, c32(OE))), i32.lt_s(exp, c32(MAX_EXP + SCALE))),
        () => f.set(exp, i32.sub(exp, c32(SCALE))),
        () => {
          raise(f, kit, PE);
          f.if(
            either(
              either(i32.eqz(rc), i32.eq(rc, i32.sub(c32(2), sign))),
              // Beyond the scaled exponents (FSCALE) it is infinity in any case.
              not(i32.and(cw, c32(OE))),
            ),
            () => {
              raise(f, kit, C1);
              f.return(c64(INTEGER_BIT), withSign(sign, MAX_EXP));
            },
            () => f.return(i64.sub(c64(0), ulp), withSign(sign, MAX_EXP - 1)),
          );
          f.unreachable();
        },
      );
    });
    f.return(hi, withSign(sign, exp));
  });
}

/** Returns hi:lo (top bit set) rounded: at once when it is a normal number, 64 bits precise and nearest, as nearly always. */
export function finish(f: FunctionBuilder, kit: Kit, sign: I32, exp: I32, hi: I64, lo: I64, cw: I32): void {
  f.if(
    both(i32.eq(i32.and(cw, c32(CONTROL_PC_RC)), c32(PC64_NEAREST)), i32.lt_u(i32.sub(exp, c32(1)), c32(MAX_EXP - 2))),
    () => {
      f.if(i64.eqz(lo), () => f.return(hi, withSign(sign, exp)));
      const up = f.let(
        i64.and(i64.shr_u(lo, c64(63)), i64.or(i64.extend_i32_u(i64.ne(i64.shl(lo, c64(1)), c64(0))), hi)),
      );
      raise(f, kit, i32.or(c32(PE), i32.shl(i32.wrap(up), c32(9))));
      const sum = f.let(i64.add(hi, up));
      f.if(i64.eqz(sum), () => f.return(c64(INTEGER_BIT), withSign(sign, i32.add(exp, c32(1)))));
      f.return(sum, withSign(sign, exp));
    },
  );
  returnCall(f, kit.round, [sign, exp, hi, lo, cw]);
}

/**
 * SDM vol. 1, table 4-7: of a signalling and a quiet NaN the quiet one; of two of a kind the one with the larger
 * significand, and when these are equal the positive one.
 */
function definePropagate(m: ModuleBuilder, flags: GlobalRef<"i32">): FunctionRef {
  return m.func("f80.propagate", ["i64", "i32", "i64", "i32"], F80, (f) => {
    const sa = f.param(0, "i64");
    const ea = f.param(1, "i32");
    const sb = f.param(2, "i64");
    const eb = f.param(3, "i32");
    const aSignals = f.let(isSignalling(sa, ea));
    const bSignals = f.let(isSignalling(sb, eb));
    raise(f, { flags }, i32.mul(either(aSignals, bSignals), c32(IE)));
    f.if(not(isNaN80(sb, eb)), () => f.return(quiet(sa), ea));
    f.if(not(isNaN80(sa, ea)), () => f.return(quiet(sb), eb));
    f.if(i32.ne(aSignals, bSignals), () => {
      f.if(aSignals, () => f.return(quiet(sb), eb));
      f.return(quiet(sa), ea);
    });
    f.if(either(i64.gt_u(sb, sa), both(i64.eq(sa, sb), i32.lt_u(eb, ea))), () => f.return(quiet(sb), eb));
    f.return(quiet(sa), ea);
  });
}

function defineMulWide(m: ModuleBuilder): FunctionRef {
  return m.func("u64.mulWide", ["i64", "i64"], ["i64", "i64"], (f) => {
    const a = f.param(0, "i64");
    const b = f.param(1, "i64");
    const p = multiply(f, a, b);
    f.return(p.hi, p.lo);
  });
}

/** The 128-bit product of two numbers, inline. */
export function multiply(f: FunctionBuilder, a: I64, b: I64): { hi: I64; lo: I64 } {
  const low = (v: I64): I64 => i64.and(v, c64(0xffff_ffffn));
  const high = (v: I64): I64 => i64.shr_u(v, c64(32));
  const a0 = f.let(low(a));
  const a1 = f.let(high(a));
  const b0 = f.let(low(b));
  const b1 = f.let(high(b));
  const p00 = f.let(i64.mul(a0, b0));
  const p10 = f.let(i64.add(i64.mul(a1, b0), high(p00)));
  const p01 = f.let(i64.add(i64.mul(a0, b1), low(p10)));
  const hi = f.let(i64.add(i64.add(i64.mul(a1, b1), high(p10)), high(p01)));
  const lo = f.let(i64.or(i64.shl(p01, c64(32)), low(p00)));
  return { hi, lo };
}

/** Knuth's algorithm D with two digits of 32 bits (TAOCP vol. 2, 4.3.1). */
function defineDivWide(m: ModuleBuilder): FunctionRef {
  return m.func("u64.divWide", ["i64", "i64", "i64"], ["i64", "i64"], (f) => {
    const rest = f.param(0, "i64");
    const lo = f.param(1, "i64");
    const d = f.param(2, "i64");
    const d1 = f.let(i64.shr_u(d, c64(32)));
    const d0 = f.let(i64.and(d, c64(0xffff_ffffn)));
    const digit = (next: I64): I64 => {
      const q = f.local("i64");
      const r = f.local("i64");
      f.set(q, i64.div_u(rest, d1));
      f.set(r, i64.sub(rest, i64.mul(q, d1)));
      const wanted = f.let(next);
      // The estimate is at most 2 too large.
      f.block((done) => {
        f.loop((again) => {
          f.if(
            i32.eqz(
              either(i64.ge_u(q, c64(0x1_0000_0000n)), i64.gt_u(i64.mul(q, d0), i64.or(i64.shl(r, c64(32)), wanted))),
            ),
            () => f.br(done),
          );
          f.set(q, i64.sub(q, c64(1)));
          f.set(r, i64.add(r, d1));
          f.brIf(again, i64.lt_u(r, c64(0x1_0000_0000n)));
        });
      });
      f.set(rest, i64.sub(i64.or(i64.shl(rest, c64(32)), wanted), i64.mul(q, d)));
      return q;
    };
    const q1 = digit(i64.shr_u(lo, c64(32)));
    const q0 = digit(i64.and(lo, c64(0xffff_ffffn)));
    f.return(i64.or(i64.shl(q1, c64(32)), q0), rest);
  });
}

export function defineKit(m: ModuleBuilder): Kit {
  const flags = m.global("i32", true, c32(0));
  return {
    m,
    flags,
    round: defineRound(m, flags),
    propagate: definePropagate(m, flags),
    mulWide: defineMulWide(m),
    divWide: defineDivWide(m),
  };
}

/** The f80 encoding of a signed integer held as sign and magnitude; zero is +0 unless `sign`. */
export function packInteger(f: FunctionBuilder, sign: I32, magnitude: I64): { sig: I64; se: I32 } {
  const zeros = f.let(i64.clz(magnitude));
  const sig = f.let(i64.shl(magnitude, zeros));
  const exp = select(i64.eqz(magnitude), c32(0), i32.sub(c32(BIAS + 63), i32.wrap(zeros)));
  return { sig, se: f.let(withSign(sign, exp)) };
}
