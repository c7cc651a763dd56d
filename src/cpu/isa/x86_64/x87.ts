/** The x87 floating-point unit, and the images of its and the vectors' state, as a family of instructions. */
import { defineF80 } from "../../softfloat/f80.ts";
import { EVALUATE_PARAMS, EVALUATE_RESULTS } from "../../softfloat/transcendental.ts";
import type { Family } from "./sem.ts";
import { defineX87Arithmetic } from "./x87-arith.ts";
import { defineX87Control } from "./x87-control.ts";
import { defineLegacyImage, defineX87Environment } from "./x87-environment.ts";
import { withLean } from "./x87-lean.ts";
import { defineState } from "./x87-state.ts";
import { X87_TABLE } from "./x87-table.ts";
import { defineXsave, xsaveTable } from "./xsave.ts";

/** The import is `evaluate` of softfloat/evaluate.ts. */
export const X87_EVALUATE = "x87_evaluate";

export const x87: Family = {
  name: "x87",
  table: X87_TABLE + xsaveTable,
  imports: [{ name: X87_EVALUATE, params: EVALUATE_PARAMS, results: EVALUATE_RESULTS }],
  define(module, imports) {
    const evaluate = imports[X87_EVALUATE];
    if (evaluate === undefined) throw new Error(`the import ${X87_EVALUATE} is missing`);
    const state = defineState(module, defineF80(module, evaluate));
    const image = defineLegacyImage(module, state);
    const definitions = {
      ...defineX87Arithmetic(module, state),
      ...defineX87Control(module, state),
      ...defineX87Environment(module, state, image),
      ...defineXsave(module, state, image),
    };
    return withLean(definitions, state);
  },
};
