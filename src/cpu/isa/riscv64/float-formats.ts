/** The floating-point formats, and how a narrow one lies in a register: boxed, that is with all ones above it. */
import { BIAS } from "../../../mm/layout.ts";
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import { isNaN32, isNaN64 } from "../../wasm/nan.ts";
import type { Sem, Source } from "./sem.ts";

const c64 = i64.const;

export interface Format {
  readonly suffix: "s" | "d" | "h";
  /** fmt field, and width field of loads and stores. */
  readonly code: string;
  readonly width: string;
  /** Bits of the fraction. */
  readonly mant: number;
  readonly bytes: 2 | 4 | 8;
  readonly nan: bigint;
  readonly sign: bigint;
}

export const SINGLE: Format = {
  suffix: "s",
  code: "00",
  width: "010",
  mant: 23,
  bytes: 4,
  nan: 0x7fc0_0000n,
  sign: 1n << 31n,
};
export const DOUBLE: Format = {
  suffix: "d",
  code: "01",
  width: "011",
  mant: 52,
  bytes: 8,
  nan: 0x7ff8_0000_0000_0000n,
  sign: 1n << 63n,
};
export const HALF: Format = {
  suffix: "h",
  code: "10",
  width: "001",
  mant: 10,
  bytes: 2,
  nan: 0x7e00n,
  sign: 1n << 15n,
};

/** The bits of a source, zero-extended: the canonical NaN if it is not boxed. Evaluated. */
export function source(s: Sem, format: Format, n: Source): I64 {
  if (format === DOUBLE) return s.bits(n);
  if (format === SINGLE) return s.f.let(i64.extend_i32_u(s.f32Bits(n)));
  const bits = s.bits(n);
  const boxed = i64.eq(i64.shr_s(bits, c64(16)), c64(-1));
  return s.f.let(select(boxed, i64.and(bits, c64(0xffff)), c64(format.nan)));
}

/** Stores bits, of which only those of the format count, boxed. */
export function give(s: Sem, format: Format, bits: I64): void {
  if (format === DOUBLE) s.setBits(bits);
  else if (format === SINGLE) s.setF32Bits(i32.wrap(bits));
  else s.setBits(i64.or(bits, c64(-1n << 16n)));
}

/** Loads and stores of the bits at an address that was checked. */
export function loadBits(format: Format, at: I32): I64 {
  if (format === DOUBLE) return i64.load(at, BIAS);
  return format === SINGLE ? i64.load32_u(at, BIAS) : i64.load16_u(at, BIAS);
}
export function storeBits(s: Sem, format: Format, at: I32, bits: I64): void {
  const write = format === DOUBLE ? i64.store : format === SINGLE ? i64.store32 : i64.store16;
  s.f.exec(write(at, bits, BIAS));
}

/** wasm's arithmetic on the formats that it has: NaNs become canonical when a result is stored. */
export interface Arithmetic<T extends F32 | F64> {
  readonly ops: T extends F32 ? typeof f32 : typeof f64;
  read(s: Sem, n: Source): T;
  write(s: Sem, value: T): void;
}
export const singles: Arithmetic<F32> = {
  ops: f32,
  read: (s, n) => s.f32(n),
  write: (s, value) => {
    const v = s.f.local("f32");
    s.f.set(v, value);
    s.rarely(isNaN32(v), () => s.f.set(v, f32.const(Number.NaN)));
    s.setF32(v);
  },
};
export const doubles: Arithmetic<F64> = {
  ops: f64,
  read: (s, n) => s.f64(n),
  write: (s, value) => {
    const v = s.f.local("f64");
    s.f.set(v, value);
    s.rarely(isNaN64(v), () => s.f.set(v, f64.const(Number.NaN)));
    s.setF64(v);
  },
};
