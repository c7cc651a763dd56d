/**
 * The x87's 80-bit extended arithmetic, as functions of a WebAssembly module.
 *
 * wasm has no wider float than f64, and musl's printf and strtod do all their work in long double, so this is integer
 * arithmetic that must be exact to the last bit and flag, and fast in the usual case: two normal numbers, 64 bits of
 * precision, round to nearest. A value is an i64 significand and an i32 of sign and exponent (parts.ts), passed in locals;
 * functions of two results return them as wasm multi-values, which V8 keeps in registers.
 *
 * Exceptions are ORed into one global, `flags`, as bits of the status word; C1 is set there when a result was rounded away
 * from zero. Whether an exception is masked, and what then happens to the destination, is the instruction's affair, with one
 * exception: unmasked overflow and underflow scale the result (SDM vol. 1, 8.5.4), which the rounding must know, and so the
 * control word is a parameter.
 *
 * An invariant of the cores: an operand's significand has its top bit set and its exponent is a plain number, 0 or negative for
 * what was denormal; results go as hi:lo (128 bits, the lowest sticky) through `finish`, the only place that rounds.
 *
 * Everything is tested against a real processor: see x87-vectors in the fixtures.
 */
import type { FunctionRef, GlobalRef, ModuleBuilder } from "../wasm/module.ts";
import { type Arithmetic, defineArithmetic } from "./arith.ts";
import { type Conversions, defineConversions } from "./convert.ts";
import { defineIntegral, type Integral } from "./integral.ts";
import { defineKit } from "./round.ts";
import { defineTranscendental, type Transcendental } from "./transcendental.ts";

export interface F80Functions extends Arithmetic, Integral, Conversions, Transcendental {
  readonly flags: GlobalRef<"i32">;
}

/** @param evaluate the import made by `importEvaluate`, before any function of the module was defined. */
export function defineF80(m: ModuleBuilder, evaluate: FunctionRef): F80Functions {
  const kit = defineKit(m);
  return {
    flags: kit.flags,
    ...defineArithmetic(kit),
    ...defineIntegral(kit),
    ...defineConversions(kit),
    ...defineTranscendental(kit, evaluate),
  };
}
