/** All families of x86_64 instructions that are implemented. */
import { bmi } from "./bmi.ts";
import { integerFamily } from "./integer.ts";
import { modern } from "./modern.ts";
import type { Family } from "./sem.ts";
import { sse } from "./sse.ts";
import { x87 } from "./x87.ts";

export const families: readonly Family[] = [integerFamily, modern, bmi, sse, x87];
