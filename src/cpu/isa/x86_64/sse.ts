/** MMX and SSE, up to SSE4.2 and cryptography, as a family of instructions. */
import { defineMmx, mmxTable } from "./mmx.ts";
import type { Family } from "./sem.ts";
import { sseConvert } from "./sse-convert.ts";
import { defineExtensions, extensionTables } from "./sse-extensions.ts";
import { sseFloat } from "./sse-float.ts";
import { sseInteger } from "./sse-integer.ts";
import { sseMove } from "./sse-move.ts";
import { defineNanFunctions } from "./sse-nan.ts";
import { defineSoft } from "./sse-soft.ts";
import { sseTable } from "./sse-table.ts";

export const sse: Family = {
  name: "sse",
  table: sseTable + mmxTable + extensionTables,
  define: (module) => {
    const nan = defineNanFunctions(module);
    const soft = defineSoft(module);
    return {
      ...sseMove,
      ...sseInteger,
      ...sseFloat(module, nan, soft).definitions,
      ...sseConvert(nan, soft).definitions,
      ...defineMmx(soft),
      ...defineExtensions(module, nan, soft).definitions,
    };
  },
};
