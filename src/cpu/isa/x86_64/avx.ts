/** AVX, AVX2 and their company: the VEX forms of what SSE does, and what there is beyond. */
import type { V128 } from "../../wasm/expr.ts";
import type { ModuleBuilder } from "../../wasm/module.ts";
import { i64x2 } from "../../wasm/simd.ts";
import { lowHalves, vexForms } from "./avx-lanes.ts";
import { avxMemory } from "./avx-memory.ts";
import { avxMove } from "./avx-move.ts";
import { avxPermute } from "./avx-permute.ts";
import { avxTable } from "./avx-table.ts";
import { defineF16c, f16cTable } from "./f16c.ts";
import { defineFma, fmaTable } from "./fma.ts";
import { type FloatLane, runFloat, ZERO } from "./lanes.ts";
import type { Definition } from "./sem.ts";
import type { SseConvert } from "./sse-convert.ts";
import type { Extensions } from "./sse-extensions.ts";
import type { SseFloat } from "./sse-float.ts";
import { shufpd, sseIntegerBinary, sseIntegerBinaryImm, sseIntegerUnaryImm } from "./sse-integer.ts";
import type { SoftFunctions } from "./sse-soft.ts";

export const avxTables: string = avxTable + f16cTable + fmaTable;

/** What the definitions of SSE are made of. */
export interface SseParts {
  readonly soft: SoftFunctions;
  readonly float: SseFloat;
  readonly convert: SseConvert;
  readonly extensions: Extensions;
}

/** To lanes of twice the width. */
const widening =
  (lane: FloatLane, soft: SoftFunctions): Definition =>
  (s) => {
    const source = lowHalves(s, 1);
    s.setVector(0, runFloat(s, soft, lane, source, source));
  };

/** To lanes of half the width, in the low half of a register: those of two registers fill it. */
const narrowing =
  (lane: FloatLane, soft: SoftFunctions): Definition =>
  (s) => {
    const source = s.vector(1);
    const [low, high] = runFloat(s, soft, lane, source, source) as [V128, V128 | undefined];
    const both = (v: V128): V128 => i64x2.replace(low, 1, i64x2.extract(v, 0));
    s.setVector(0, [high === undefined ? low : both(high)]);
  };

function forms(
  of: Readonly<Record<string, FloatLane>>,
  make: (lane: FloatLane, soft: SoftFunctions) => Definition,
  soft: SoftFunctions,
): Record<string, Definition> {
  return Object.fromEntries(Object.entries(of).map(([name, lane]) => [`v${name}`, make(lane, soft)]));
}

export function defineAvx(m: ModuleBuilder, parts: SseParts): Readonly<Record<string, Definition>> {
  const { soft, float, convert, extensions } = parts;
  const { compare, mask } = extensions.strings;
  /** The mask is in xmm0, and what is above it becomes 0. */
  const stringMask: Definition = (s) => {
    mask(s, compare(s));
    s.setYmm(0, 1, ZERO);
  };
  return {
    ...vexForms(extensions.lanes, soft),
    ...vexForms(
      {
        binary: sseIntegerBinary,
        unaryImm: sseIntegerUnaryImm,
        binaryImm: { ...sseIntegerBinaryImm, shufpd },
        float: { ...float.lanes, ...float.avxLanes, ...convert.same },
      },
      soft,
    ),
    ...forms(convert.widening, widening, soft),
    ...forms(convert.narrowing, narrowing, soft),
    ...avxMove,
    ...avxPermute(m),
    ...avxMemory,
    ...defineF16c(m, soft),
    ...defineFma(m, soft),
    vpcmpestrm: stringMask,
    vpcmpistrm: stringMask,
  };
}
