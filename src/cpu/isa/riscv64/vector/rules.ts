/** What is reserved, and refused: a function of kit.ts returns REFUSED then, before it has changed anything. */
import { type I32, i32 } from "../../../wasm/expr.ts";
import type { FunctionBuilder } from "../../../wasm/module.ts";
import { FRM, V_USED, VectorUse, VLENB, VSTART, VTYPE } from "../context.ts";
import { atLeast0, c32, isVector, lmulOf, loadState, REFUSED, sewOf, storeState, type Word, ZERO } from "./kit.ts";

/** An operand in a register group: of elements as wide as SEW, or 2 ** n times as wide. */
export type Width = number;

/** What operands an instruction has (5.2, 5.3, 11.2, 14, 15...). */
export interface Rules {
  /** Destination: a group of elements; a mask; element 0 of a register. */
  readonly vd: Width | "mask" | "scalar";
  readonly vs2: Width | "none";
  /** If the second operand is a vector. */
  readonly vs1?: Width;
  /** What are floating-point numbers: elements as wide as SEW, those and ones twice as wide, the latter alone. */
  readonly float?: "plain" | "both" | "wide";
  /** The destination must be apart from sources of the same width as well. */
  readonly apart?: boolean;
  /** Not to be begun in the middle. */
  readonly fromStart?: boolean;
}

export function refuseIf(f: FunctionBuilder, condition: I32): void {
  f.if(condition, () => f.return(REFUSED));
}

/** Nothing can be done without a vtype. */
export function checkType(f: FunctionBuilder): void {
  refuseIf(f, i32.lt_s(loadState(VTYPE), ZERO));
}

/** For what asks for no vtype. */
export function useVectors(f: FunctionBuilder): void {
  refuseIf(f, i32.eq(loadState(V_USED), c32(VectorUse.Forbidden)));
  storeState(f, V_USED, c32(VectorUse.Used));
}

/** Bytes of the registers in a group with that log2 of EMUL. */
export function groupSize(f: FunctionBuilder, emul: I32): I32 {
  return f.let(i32.shl(c32(VLENB), atLeast0(f.let(emul))));
}

/** Refuses registers that no group of that size begins at. */
export function refuseUnaligned(f: FunctionBuilder, registers: I32, size: I32): void {
  refuseIf(f, i32.and(registers, i32.sub(size, c32(VLENB))));
}

/** Two ranges of registers have one in common. Uses all but `sizeB` twice. */
export const overlap = (a: I32, sizeA: I32, b: I32, sizeB: I32): I32 =>
  i32.and(i32.lt_u(a, i32.add(b, sizeB)), i32.lt_u(b, i32.add(a, sizeA)));

/** The elements are numbers that have a format, and there is a rounding mode. */
export function checkFloat(f: FunctionBuilder, sew: I32, kind: NonNullable<Rules["float"]>): void {
  const [least, most] = { plain: [1, 3], both: [1, 2], wide: [0, 2] }[kind] as [number, number];
  refuseIf(f, i32.gt_u(i32.sub(sew, c32(least)), c32(most - least)));
  refuseIf(f, i32.gt_u(loadState(FRM), c32(4)));
}

/** What is left to check by the instruction is what depends on more than the operands' widths. */
export function check(f: FunctionBuilder, { word, vd, vs1, vs2, vm }: Word, rules: Rules): void {
  checkType(f);
  if (rules.fromStart === true) refuseIf(f, loadState(VSTART));
  const vtype = f.let(loadState(VTYPE));
  const lmul = f.let(lmulOf(vtype));
  const sew = f.let(sewOf(vtype));
  const widest = Math.max(0, ...[rules.vd, rules.vs2].filter((width) => typeof width === "number"));
  if (widest > 0) {
    refuseIf(f, i32.gt_s(sew, c32(3 - widest)));
    refuseIf(f, i32.gt_s(lmul, c32(3 - widest)));
  }
  if (rules.float !== undefined) checkFloat(f, sew, rules.float);

  const sizeOf = (width: Width): I32 => groupSize(f, width === 0 ? lmul : i32.add(lmul, c32(width)));
  const size = rules.vd === "mask" || rules.vd === "scalar" ? c32(VLENB) : sizeOf(rules.vd);
  if (typeof rules.vd === "number") {
    // The mask, if there is one, is read for each element.
    refuseIf(f, i32.eqz(i32.or(vd, vm)));
    refuseUnaligned(f, vd, size);
  }
  const source = (register: I32, width: Width): void => {
    const own = width === rules.vd ? size : sizeOf(width);
    refuseUnaligned(f, register, own);
    if (rules.vd === "scalar") return;
    const overlaps = overlap(vd, size, register, own);
    const same = i32.eq(vd, register);
    if (rules.vd === width) {
      if (rules.apart === true) refuseIf(f, same);
    } else if (rules.vd === "mask" || rules.vd < width) {
      // The destination is narrower: it may be the lowest part.
      refuseIf(f, i32.and(overlaps, i32.eqz(same)));
    } else {
      // It is wider: the source may be its highest part, if it is of whole registers.
      const whole = i32.and(i32.gt_u(size, own), i32.ge_s(i32.add(lmul, c32(width)), ZERO));
      const highest = i32.and(i32.eq(i32.add(vd, size), i32.add(register, own)), whole);
      refuseIf(f, i32.and(overlaps, i32.eqz(highest)));
    }
  };
  if (rules.vs2 !== "none") source(vs2, rules.vs2);
  const { vs1: second } = rules;
  if (second !== undefined) f.if(isVector(word), () => source(vs1, second));
}
