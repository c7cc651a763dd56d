/** MMX, SSE and SSE2 as a family of instructions. */
import { defineMmx, mmxTable } from "./mmx.ts";
import type { Family } from "./sem.ts";
import { defineRounding, sseConvert } from "./sse-convert.ts";
import { sseFloat } from "./sse-float.ts";
import { sseInteger } from "./sse-integer.ts";
import { sseMove } from "./sse-move.ts";
import { defineNanFunctions } from "./sse-nan.ts";
import { sseTable } from "./sse-table.ts";

export const sse: Family = {
  name: "sse",
  table: sseTable + mmxTable,
  define: (module) => {
    const nan = defineNanFunctions(module);
    const round = defineRounding(module);
    return {
      ...sseMove,
      ...sseInteger,
      ...sseFloat(nan),
      ...sseConvert(round, nan),
      ...defineMmx(round),
    };
  },
};
