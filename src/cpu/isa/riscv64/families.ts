/** All families of riscv64 instructions that are implemented. */
import { atomicsFamily } from "./atomics.ts";
import { bitManipFamily } from "./bitmanip.ts";
import { floatFamily } from "./float.ts";
import { integerFamily } from "./integer.ts";
import { mulDivFamily } from "./muldiv.ts";
import type { Family } from "./sem.ts";

export const families: readonly Family[] = [integerFamily, mulDivFamily, bitManipFamily, atomicsFamily, floatFamily];
