/**
 * Tests for NaNs, in the way that takes least code on x86 hosts: a value is none if it is less than or equal to itself, which is
 * one jump. (That it is unequal to itself takes two.) Values are used twice.
 */
import { type F32, type F64, f32, f64, type I32, i32, type V128 } from "./expr.ts";
import { i32x4 } from "./simd.ts";

export const isNaN32 = (v: F32): I32 => i32.eqz(f32.le(v, v));
export const isNaN64 = (v: F64): I32 => i32.eqz(f64.le(v, v));
/** Not 0 if a lane is set in the result of a comparison of lanes of 32 or 64 bits. */
export const anyLane = (compared: V128): I32 => i32x4.bitmask(compared);
