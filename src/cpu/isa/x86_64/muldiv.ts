/** Multiplication and division. */
import { Trap } from "../../core.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { defineProductHigh } from "../../wasm/wide.ts";
import { extend, sizeOfOperand } from "./arithmetic.ts";
import { type Definition, FlagKind, Reg, type Sem, type Size } from "./sem.ts";

/** (high, low, divisor) -> quotient, remainder, where high < divisor: one bit at a time. */
function defineDivide128(module: ModuleBuilder): FunctionRef {
  return module.func("divide_128", ["i64", "i64", "i64"], ["i64", "i64"], (f) => {
    const [high, low, divisor] = [f.param(0, "i64"), f.param(1, "i64"), f.param(2, "i64")];
    const left = f.local("i32");
    const out = f.local("i64");
    f.if(i64.eqz(high), () => f.return(i64.div_u(low, divisor), i64.rem_u(low, divisor)));
    f.set(left, i32.const(64));
    f.loop((again) => {
      // The bit that leaves the remainder at the top counts as one more bit of it.
      f.set(out, i64.shr_u(high, i64.const(63)));
      f.set(high, i64.or(i64.shl(high, i64.const(1)), i64.shr_u(low, i64.const(63))));
      f.set(low, i64.shl(low, i64.const(1)));
      f.if(i32.or(i32.wrap(out), i64.ge_u(high, divisor)), () => {
        f.set(high, i64.sub(high, divisor));
        f.set(low, i64.or(low, i64.const(1)));
      });
      f.set(left, i32.sub(left, i32.const(1)));
      f.brIf(again, left);
    });
    f.return(low, high);
  });
}

export function defineMulDiv(module: ModuleBuilder): Readonly<Record<string, Definition>> {
  const productHigh = defineProductHigh(module, "mul_high_u");
  const divide128 = defineDivide128(module);

  const highUnsigned = (s: Sem, a: I64, b: I64): I64 => productHigh(s.f, a, b);
  const highSigned = (s: Sem, a: I64, b: I64): I64 => {
    const fix = (x: I64, y: I64): I64 => i64.and(i64.shr_s(x, i64.const(63)), y);
    return i64.sub(i64.sub(highUnsigned(s, a, b), fix(a, b)), fix(b, a));
  };

  /** mul and imul with one operand: rdx:rax = rax * operand. CF = OF = the upper half says something. */
  const wide =
    (signed: boolean): Definition =>
    (s) => {
      const { f } = s;
      const size = sizeOfOperand(s);
      const b = s.read(0);
      const a = s.gpr(Reg.rax, size);
      if (size === 8) {
        const low = f.let(i64.mul(a as I64, b as I64));
        const high = f.let((signed ? highSigned : highUnsigned)(s, a as I64, b as I64));
        s.setGpr(Reg.rax, 8, low);
        s.setGpr(Reg.rdx, 8, high);
        s.flags.set(FlagKind.Mul, 8, low, signed ? i64.xor(high, i64.shr_s(low, i64.const(63))) : high);
        return;
      }
      const product = f.let(i64.mul(extend(a, size, 8, signed) as I64, extend(b, size, 8, signed) as I64));
      const low = f.let(i32.wrap(product));
      if (size === 1) s.setGpr(Reg.rax, 2, low);
      else {
        s.setGpr(Reg.rax, size, low);
        s.setGpr(Reg.rdx, size, i32.wrap(i64.shr_u(product, i64.const(size * 8))));
      }
      const reach = i64.const(64 - size * 8);
      const back = (signed ? i64.shr_s : i64.shr_u)(i64.shl(product, reach), reach);
      // Any non-zero source of the flags' size will do.
      s.flags.set(FlagKind.Mul, size, low, i64.ne(product, back));
    };

  /** imul with a destination of its own: r *= source, or r = source * immediate. */
  const narrow =
    (a: number, b: number): Definition =>
    (s) => {
      const { f } = s;
      const size = sizeOfOperand(s);
      const x = s.read(a);
      const y = s.read(b);
      if (size === 8) {
        const low = f.let(i64.mul(x as I64, y as I64));
        const high = highSigned(s, x as I64, y as I64);
        s.write(0, low);
        s.flags.set(FlagKind.Mul, 8, low, i64.xor(high, i64.shr_s(low, i64.const(63))));
        return;
      }
      const product = f.let(i64.mul(extend(x, size, 8, true) as I64, extend(y, size, 8, true) as I64));
      const low = f.let(i32.wrap(product));
      s.write(0, low);
      const back = size === 2 ? i64.extend16_s(product) : i64.extend32_s(product);
      s.flags.set(FlagKind.Mul, size, low, i64.ne(product, back));
    };

  const divideError = (s: Sem, when: I32): void => s.f.if(when, () => s.trap(Trap.DivideError));

  const div: Definition = (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const divisor = s.read(0);
    if (size === 8) {
      const d = divisor as I64;
      const high = s.gpr(Reg.rdx, 8) as I64;
      const low = s.gpr(Reg.rax, 8) as I64;
      divideError(s, i64.ge_u(high, d)); // also for a divisor of 0
      const [quotient, remainder] = f.callStatement(divide128, [high, low, d]) as unknown as [I64, I64];
      s.setGpr(Reg.rax, 8, quotient);
      s.setGpr(Reg.rdx, 8, remainder);
      return;
    }
    const d = f.let(i64.extend_i32_u(divisor as I32));
    divideError(s, i64.eqz(d));
    const dividend = f.let(dividendOf(s, size));
    const quotient = f.let(i64.div_u(dividend, d));
    divideError(s, i64.ne(i64.shr_u(quotient, i64.const(size * 8)), i64.const(0)));
    storeQuotient(s, size, quotient, i64.rem_u(dividend, d));
  };

  const idiv: Definition = (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const divisor = s.read(0);
    if (size === 8) {
      signedDivide128(s, divisor as I64);
      return;
    }
    const d = f.let(extend(divisor, size, 8, true) as I64);
    divideError(s, i64.eqz(d));
    const dividend = f.let(signedDividendOf(s, size));
    // -2^63 / -1 would trap in wasm; its quotient fits no size anyway.
    divideError(s, i32.and(i64.eq(d, i64.const(-1)), i64.eq(dividend, i64.const(-(2n ** 63n)))));
    const quotient = f.let(i64.div_s(dividend, d));
    const reach = i64.const(64 - size * 8);
    divideError(s, i64.ne(quotient, i64.shr_s(i64.shl(quotient, reach), reach)));
    storeQuotient(s, size, quotient, i64.rem_s(dividend, d));
  };

  const signedDivide128 = (s: Sem, d: I64): void => {
    const { f } = s;
    const high = s.gpr(Reg.rdx, 8) as I64;
    const low = s.gpr(Reg.rax, 8) as I64;
    const minimum = i64.const(-(2n ** 63n));
    divideError(s, i64.eqz(d));
    const small = f.let(
      i32.and(
        i64.eq(high, i64.shr_s(low, i64.const(63))),
        i32.eqz(i32.and(i64.eq(d, i64.const(-1)), i64.eq(low, minimum))),
      ),
    );
    f.if(
      small,
      () => {
        const quotient = f.let(i64.div_s(low, d));
        const remainder = f.let(i64.rem_s(low, d));
        s.setGpr(Reg.rax, 8, quotient);
        s.setGpr(Reg.rdx, 8, remainder);
      },
      () => {
        const negative = f.let(i64.lt_s(high, i64.const(0)));
        const negate = (v: I64, when: I32): I64 => select(when, i64.sub(i64.const(0), v), v);
        const magnitudeLow = f.let(negate(low, negative));
        const borrow = i64.extend_i32_u(i64.ne(low, i64.const(0)));
        const magnitudeHigh = f.let(select(negative, i64.sub(i64.sub(i64.const(0), high), borrow), high));
        const divisorNegative = f.let(i64.lt_s(d, i64.const(0)));
        const magnitude = f.let(negate(d, divisorNegative));
        divideError(s, i64.ge_u(magnitudeHigh, magnitude));
        const [q, r] = f.callStatement(divide128, [magnitudeHigh, magnitudeLow, magnitude]) as unknown as [I64, I64];
        const opposite = f.let(i32.xor(negative, divisorNegative));
        // The magnitude of the quotient may be 2^63 only if it is negative.
        const limit = i64.add(i64.const(2n ** 63n - 1n), i64.extend_i32_u(opposite));
        divideError(s, i64.gt_u(q, limit));
        s.setGpr(Reg.rax, 8, negate(q, opposite));
        s.setGpr(Reg.rdx, 8, negate(r, negative));
      },
    );
  };

  return { mul: wide(false), imul1: wide(true), imul: narrow(0, 1), imul3: narrow(1, 2), div, idiv };
}

/** The dividend of 2, 4 or 8 bytes for a divisor of half the size: ax, dx:ax, edx:eax. */
function dividendOf(s: Sem, size: Size): I64 {
  if (size === 1) return i64.extend_i32_u(s.gpr(Reg.rax, 2) as I32);
  const half = (register: number): I64 => i64.extend_i32_u(s.gpr(register, size) as I32);
  return i64.or(i64.shl(half(Reg.rdx), i64.const(size * 8)), half(Reg.rax));
}
function signedDividendOf(s: Sem, size: Size): I64 {
  const value = dividendOf(s, size);
  if (size === 4) return value;
  return size === 2 ? i64.extend32_s(value) : i64.extend16_s(value);
}

function storeQuotient(s: Sem, size: Size, quotient: I64, remainder: I64): void {
  const low = s.f.let(i32.wrap(remainder));
  if (size === 1) {
    const both = i32.or(i32.and(i32.wrap(quotient), i32.const(0xff)), i32.shl(low, i32.const(8)));
    s.setGpr(Reg.rax, 2, both);
    return;
  }
  s.setGpr(Reg.rax, size, i32.wrap(quotient));
  s.setGpr(Reg.rdx, size, low);
}
