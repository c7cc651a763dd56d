/** MMX, SSE up to SSE4.2, cryptography and AVX, which share what they do, as a family of instructions. */
import { avxTables, defineAvx } from "./avx.ts";
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
  table: sseTable + mmxTable + extensionTables + avxTables,
  define: (module) => {
    const nan = defineNanFunctions(module);
    const soft = defineSoft(module);
    const float = sseFloat(module, nan, soft);
    const convert = sseConvert(nan, soft);
    const extensions = defineExtensions(module, nan, soft);
    return {
      ...sseMove,
      ...sseInteger,
      ...float.definitions,
      ...convert.definitions,
      ...defineMmx(soft),
      ...extensions.definitions,
      ...defineAvx(module, { soft, float, convert, extensions }),
    };
  },
};
