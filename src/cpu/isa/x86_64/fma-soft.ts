/**
 * Fused multiply-add as MXCSR says, in integers: the product in full, the sum of it and the addend to 128 bits, of which
 * what falls out below is kept as one sticky bit, and one rounding (Intel SDM vol. 1, 14.5.2). See sse-soft.ts.
 */
import { emitProductAndSum } from "../../softfloat/fma.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { mxcsr, SoftClass, type SoftFunctions } from "./sse-soft.ts";

const c32 = i32.const;
const c64 = i64.const;
const ZERO = c32(0);
const IE = 1;
const SIGN = 0x8000;
const INFINITE = 0x7fff;
const INTEGER_BIT = 1n << 63n;

/** What the last parameter changes the sign of. */
export const Negate = { Product: 1, Addend: 2 } as const;

/** (a, b, c, mant, Negate flags) -> a * b + c */
export function defineSoftFma(m: ModuleBuilder, soft: SoftFunctions): FunctionRef {
  return m.func("fma.soft", ["i64", "i64", "i64", "i32", "i32"], ["i64"], (f) => {
    const mant = f.param(3, "i32");
    const negate = f.param(4, "i32");
    const operands = [0, 1, 2].map((n) => f.param(n, "i64"));
    const [a, b, c] = operands.map((x) => {
      const [cls, sig, se, denormal] = f.callStatement(soft.unpack, [x, mant]) as unknown as [I32, I64, I32, I32];
      return { cls, sig, se, denormal };
    }) as [Unpacked, Unpacked, Unpacked];
    const raise = (what: I32): void => {
      f.callStatement(soft.raise, [what]);
    };
    const pack = (sig: I64, se: I32): void => f.return(f.call("i64", soft.pack, [sig, se, mant]));
    const double = i32.eq(mant, c32(52));

    // The first NaN decides, made quiet. An infinity times zero is then no invalid operation.
    f.if(i32.or(i32.or(a.cls, b.cls), c.cls), () => {
      const signals = (u: Unpacked): I32 => i32.eq(u.cls, c32(SoftClass.SignallingNaN));
      f.if(i32.or(i32.or(signals(a), signals(b)), signals(c)), () => raise(c32(IE)));
      const quiet = select(double, c64(1n << 51n), c64(1n << 22n));
      [a, b, c].forEach((u, n) => {
        f.if(u.cls, () => f.return(i64.or(operands[n] as I64, quiet)));
      });
    });
    const invalid = (): void => {
      raise(c32(IE));
      f.return(select(double, c64(0xfff8_0000_0000_0000n), c64(0xffc0_0000n)));
    };
    const isInfinite = (u: Unpacked): I32 => i32.eq(i32.and(u.se, c32(INFINITE)), c32(INFINITE));
    const isZero = (u: Unpacked): I32 => i64.eqz(u.sig);
    const sign = f.let(i32.and(i32.xor(i32.xor(a.se, b.se), i32.shl(negate, c32(15))), c32(SIGN)));
    const signC = f.let(i32.and(i32.xor(c.se, i32.shl(i32.shr_u(negate, c32(1)), c32(15))), c32(SIGN)));
    const differ = f.let(i32.ne(sign, signC));

    f.if(i32.or(isInfinite(a), isInfinite(b)), () => {
      f.if(i32.or(isZero(a), isZero(b)), invalid);
      f.if(i32.and(isInfinite(c), differ), invalid);
      raise(i32.or(i32.or(a.denormal, b.denormal), c.denormal));
      pack(c64(INTEGER_BIT), i32.or(sign, c32(INFINITE)));
    });
    raise(i32.or(i32.or(a.denormal, b.denormal), c.denormal));
    f.if(isInfinite(c), () => pack(c64(INTEGER_BIT), i32.or(signC, c32(INFINITE))));
    const roundsDown = i32.eq(i32.and(i32.shr_u(mxcsr(), c32(13)), c32(3)), c32(1));
    /** What is 0 as a sum of opposites, or of zeros. */
    const zero = (): void => pack(c64(0), select(i32.eqz(differ), sign, select(roundsDown, c32(SIGN), ZERO)));
    f.if(i32.or(isZero(a), isZero(b)), () => {
      f.if(isZero(c), zero);
      pack(c.sig, i32.or(i32.and(c.se, c32(INFINITE)), signC));
    });

    emitProductAndSum(f, { a, b, c, cIsZero: isZero(c), sign, signC, differ, zero, pack });
  });
}

interface Unpacked {
  readonly cls: I32;
  readonly sig: I64;
  readonly se: I32;
  readonly denormal: I32;
}
