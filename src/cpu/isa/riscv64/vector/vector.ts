/** The vector extension: a definition for each mnemonic of the table. */
import { Trap } from "../../../core.ts";
import { type I32, type I64, i32, i64 } from "../../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../../wasm/module.ts";
import { FRM, VTYPE } from "../context.ts";
import type { SoftFunctions } from "../float-soft.ts";
import type { Definition, Sem } from "../sem.ts";
import { parseTable, type Row } from "../table.ts";
import { defineConfig } from "./config.ts";
import { defineVectorFloat } from "./float.ts";
import { type Inlining, operate } from "./inline.ts";
import { defineInteger } from "./integer.ts";
import { c32, c64, loadState, perform, sewOf, ZERO } from "./kit.ts";
import { defineMask, NO_RESULT } from "./mask.ts";
import { defineMemory } from "./memory.ts";
import { definePermute } from "./permute.ts";
import { vectorTable } from "./table.ts";

/** The number that a function gives, or none. */
const counting =
  (fn: FunctionRef): Definition =>
  (s) => {
    const result = s.f.let(s.f.call("i64", fn, [s.imm32()]));
    s.f.if(i64.eq(result, c64(NO_RESULT)), () => s.trap(Trap.IllegalInstruction));
    s.setX(result);
  };

/** Element 0 to a register. */
function elementDefinitions(elementZero: FunctionRef): Record<string, Definition> {
  const refuse = (s: Sem, condition: I32): void => s.f.if(condition, () => s.trap(Trap.IllegalInstruction));
  const value = (s: Sem): I64 => s.f.let(s.f.call("i64", elementZero, [s.imm32()]));
  return {
    "vmv.x.s": (s) => {
      refuse(s, i32.lt_s(loadState(VTYPE), ZERO));
      s.setX(value(s));
    },
    "vfmv.f.s": (s) => {
      const vtype = s.f.let(loadState(VTYPE));
      const sew = s.f.let(sewOf(vtype));
      const badMode = i32.gt_u(loadState(FRM), c32(4));
      refuse(s, i32.or(i32.or(i32.lt_s(vtype, ZERO), i32.eqz(sew)), badMode));
      // Boxed: ones above what it is wide.
      const box = i64.shl(c64(-2), i64.extend_i32_u(i32.sub(i32.shl(c32(8), sew), c32(1))));
      s.setBits(i64.or(value(s), box));
    },
  };
}

export function defineVector(
  m: ModuleBuilder,
  scalar: Readonly<Record<string, Definition>>,
  soft: SoftFunctions,
): Record<string, Definition> {
  const integer = defineInteger(m);
  const float = defineVectorFloat(m, scalar, soft);
  const mask = defineMask(m);
  const permute = definePermute(m, float.unbox, integer.functions);
  const functions: Readonly<Record<string, FunctionRef>> = {
    ...integer.functions,
    ...float.functions,
    ...mask,
    ...permute,
  };
  const inlinings: Readonly<Record<string, Inlining>> = { ...integer.inlinings, ...float.inlinings };
  const all: Record<string, Definition> = {
    ...defineConfig(m),
    ...defineMemory(m),
    ...elementDefinitions(permute["vmv.x.s"] as FunctionRef),
    "vcpop.m": counting(mask["vcpop"] as FunctionRef),
    "vfirst.m": counting(mask["vfirst"] as FunctionRef),
  };
  for (const row of parseTable(vectorTable())) all[row.mnemonic] ??= definition(row, functions, inlinings, float.unbox);
  return all;
}

/** The function is found by the whole mnemonic, or by what is before the operands; `.w` is part of the name where there are two. */
function definition(
  row: Row,
  functions: Readonly<Record<string, FunctionRef>>,
  inlinings: Readonly<Record<string, Inlining>>,
  unbox: FunctionRef,
): Definition {
  const { mnemonic, match } = row;
  const dot = mnemonic.lastIndexOf(".");
  const [name, operands] = [mnemonic.slice(0, dot), mnemonic.slice(dot + 1)];
  const wide = operands.startsWith("w") ? functions[`${name}.w`] : undefined;
  const fn = functions[mnemonic] ?? wide ?? functions[name];
  if (fn === undefined) throw new Error(`no function for ${mnemonic}`);
  const kind = (match >>> 12) & 7;
  const scalar = (s: Sem): I64 => (kind === 5 ? s.bits("rs1") : kind > 3 ? s.x("rs1") : c64(0));
  const inlining = inlinings[name];
  if (inlining === undefined) return (s) => perform(s, fn, scalar(s));
  const element = (s: Sem, sew: number): I64 => {
    if (kind === 5 && sew === 1) return s.f.call("i64", unbox, [scalar(s), c32(sew)]);
    if (kind === 5 && sew === 2) return i64.extend_i32_u(s.f32Bits("rs1"));
    return scalar(s);
  };
  return (s) =>
    operate(
      s,
      inlining,
      (sew) => element(s, sew),
      () => perform(s, fn, scalar(s)),
    );
}
