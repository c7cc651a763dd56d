/**
 * What the 80-bit operations share: the exception bits, the classes of operands, and small pieces of code.
 *
 * A value is a pair: the significand as i64, whose top bit is the explicit integer bit, and an i32 with the sign in bit 15
 * and the biased exponent in bits 0..14 (Intel SDM vol. 1, 4.2.2 and 4.8.3).
 */
import { type Expr, type I32, type I64, i32, i64, select } from "../wasm/expr.ts";
import {
  type FunctionBuilder,
  type FunctionRef,
  type GlobalRef,
  getGlobal,
  type ModuleBuilder,
} from "../wasm/module.ts";

/** Exceptions and condition codes, at their places in the x87 status word. */
export const IE = 0x01;
export const DE = 0x02;
export const ZE = 0x04;
export const OE = 0x08;
export const UE = 0x10;
export const PE = 0x20;
export const C0 = 0x100;
export const C1 = 0x200;
export const C2 = 0x400;
export const C3 = 0x4000;

/** Not an exception: the condition codes are the quotient's (beyond the 16 bits of the status word). */
export const REMAINDER = 0x10000;

export const BIAS = 0x3fff;
export const MAX_EXP = 0x7fff;
export const INTEGER_BIT: bigint = 1n << 63n;
const QUIET_BIT = 1n << 62n;

/** Parameters and results of a function of one and of two 80-bit operands; the last parameter is the control word. */
export const UNARY = ["i64", "i32", "i32"] as const;
export const BINARY = ["i64", "i32", "i64", "i32", "i32"] as const;
export const F80 = ["i64", "i32"] as const;

export const c32: (v: number) => I32 = i32.const;
export const c64: (v: number | bigint) => I64 = i64.const;

/** What the defining functions of the parts hand to each other. */
export interface Kit {
  readonly m: ModuleBuilder;
  /** Where an operation ORs the exceptions (and C1 when it rounded up) that it raises. */
  readonly flags: GlobalRef<"i32">;
  /** (sign, exponent, hi, lo, control) -> f80: rounds hi:lo, whose top bit is set, to the precision and range. */
  readonly round: FunctionRef;
  /** (sigA, seA, sigB, seB) -> f80: the NaN that an operation with at least one NaN operand returns. */
  readonly propagate: FunctionRef;
  /** (a, b) -> hi, lo: the 128-bit product. */
  readonly mulWide: FunctionRef;
  /** (hi, lo, divisor) -> quotient, remainder, where the divisor's top bit is set and hi < divisor. */
  readonly divWide: FunctionRef;
}

export function raise(f: FunctionBuilder, kit: Pick<Kit, "flags">, bits: number | I32): void {
  f.setGlobal(kit.flags, i32.or(getGlobal(kit.flags), typeof bits === "number" ? c32(bits) : bits));
}

export const exponent = (se: I32): I32 => i32.and(se, c32(MAX_EXP));
export const signOf = (se: I32): I32 => i32.and(i32.shr_u(se, c32(15)), c32(1));
export const both = (a: I32, b: I32): I32 => i32.and(a, b);
export const either = (a: I32, b: I32): I32 => i32.or(a, b);
export const not = (a: I32): I32 => i32.eqz(a);

/** Finite, not zero, not denormal, valid: what the fast paths take. */
export const isNormal = (sig: I64, se: I32): I32 =>
  both(i64.lt_s(sig, c64(0)), i32.lt_u(i32.sub(exponent(se), c32(1)), c32(MAX_EXP - 1)));

/** Encodings that are no number at all: unnormals, pseudo-infinities, pseudo-NaNs (SDM vol. 1, 8.2.2). */
export const isUnsupported = (sig: I64, se: I32): I32 => both(i32.ne(exponent(se), c32(0)), i64.ge_s(sig, c64(0)));

/** A NaN, given that the encoding is supported. */
export const isNaN80 = (sig: I64, se: I32): I32 =>
  both(i32.eq(exponent(se), c32(MAX_EXP)), i64.ne(i64.shl(sig, c64(1)), c64(0)));
export const isSignalling = (sig: I64, se: I32): I32 => both(isNaN80(sig, se), i64.eqz(i64.and(sig, c64(QUIET_BIT))));
/** Infinity, given that it is neither unsupported nor a NaN. */
export const isInfinite = (se: I32): I32 => i32.eq(exponent(se), c32(MAX_EXP));
/** A denormal or pseudo-denormal. */
export const isDenormal = (sig: I64, se: I32): I32 => both(i32.eqz(exponent(se)), i64.ne(sig, c64(0)));

export const quiet = (sig: I64): I64 => i64.or(sig, c64(QUIET_BIT | INTEGER_BIT));
export const DEFAULT_NAN_SIG: bigint = INTEGER_BIT | QUIET_BIT;
export const DEFAULT_NAN_SE = 0xffff;

export const withSign = (sign: I32, exp: I32 | number): I32 =>
  i32.or(i32.shl(sign, c32(15)), typeof exp === "number" ? c32(exp) : exp);

export function returnDefaultNaN(f: FunctionBuilder, kit: Pick<Kit, "flags">): void {
  raise(f, kit, IE);
  f.return(c64(DEFAULT_NAN_SIG), c32(DEFAULT_NAN_SE));
}

/** Returns what `fn` returns, an f80. */
export function returnCall(f: FunctionBuilder, fn: FunctionRef, args: readonly Expr[]): void {
  f.return(...f.callStatement(fn, args));
}

/** Leaves the function for unsupported operands and NaNs of a binary operation. */
export function returnNaNs(f: FunctionBuilder, kit: Kit, sa: I64, ea: I32, sb: I64, eb: I32): void {
  f.if(either(isUnsupported(sa, ea), isUnsupported(sb, eb)), () => returnDefaultNaN(f, kit));
  f.if(either(isNaN80(sa, ea), isNaN80(sb, eb)), () => returnCall(f, kit.propagate, [sa, ea, sb, eb]));
}

/** The same for a unary one. */
export function returnNaN(f: FunctionBuilder, kit: Kit, s: I64, e: I32): void {
  f.if(isUnsupported(s, e), () => returnDefaultNaN(f, kit));
  f.if(isNaN80(s, e), () => {
    f.if(isSignalling(s, e), () => raise(f, kit, IE));
    f.return(quiet(s), e);
  });
}

/** Exponent and significand of a finite value that is not zero, with the top bit set and so an exponent of maybe 0 or less. */
export function normalise(f: FunctionBuilder, sig: I64, se: I32): { exp: I32; sig: I64 } {
  const exp = f.local("i32");
  const s = f.local("i64");
  f.set(exp, exponent(se));
  f.set(s, sig);
  f.if(i32.eqz(exp), () => {
    const shift = f.let(i64.clz(s));
    f.set(s, i64.shl(s, shift));
    f.set(exp, i32.sub(c32(1), i32.wrap(shift)));
  });
  return { exp, sig: s };
}

/** hi:lo shifted right by n > 0, the bits that fall out kept in the lowest one. */
export function shiftRightJam(f: FunctionBuilder, hi: I64, lo: I64, n: I32): { hi: I64; lo: I64 } {
  const h = f.local("i64");
  const l = f.local("i64");
  const count = f.let(i64.extend_i32_u(n));
  f.if(
    i32.lt_u(n, c32(64)),
    () => {
      const back = f.let(i64.sub(c64(64), count));
      f.set(
        l,
        i64.or(i64.or(i64.shl(hi, back), i64.shr_u(lo, count)), i64.extend_i32_u(i64.ne(i64.shl(lo, back), c64(0)))),
      );
      f.set(h, i64.shr_u(hi, count));
    },
    () => {
      f.if(
        i32.lt_u(n, c32(128)),
        () => {
          // For n = 64 both shifts are by 0 modulo 64 and `lost` takes all of hi as well, so that case goes by itself.
          const lost = f.let(i64.or(lo, select(i32.eq(n, c32(64)), c64(0), i64.shl(hi, i64.sub(c64(128), count)))));
          f.set(l, i64.or(i64.shr_u(hi, i64.sub(count, c64(64))), i64.extend_i32_u(i64.ne(lost, c64(0)))));
        },
        () => f.set(l, i64.extend_i32_u(i64.ne(i64.or(hi, lo), c64(0)))),
      );
      f.set(h, c64(0));
    },
  );
  return { hi: h, lo: l };
}

export function divide(f: FunctionBuilder, kit: Kit, hi: I64, lo: I64, divisor: I64): { quotient: I64; rest: I64 } {
  const [quotient, rest] = f.callStatement(kit.divWide, [hi, lo, divisor]) as unknown as [I64, I64];
  return { quotient, rest };
}
