/** What of a context a program can see, for the comparison of two of our own engines: they agree on what is undefined. */

import type { GuestMemory } from "../mm/guest-memory.ts";
import { CONTEXT_OFFSET } from "../mm/layout.ts";
import type { IsaName } from "./core.ts";
import { PC } from "./isa/common.ts";
import * as riscv from "./isa/riscv64/context.ts";
import { readFlags } from "./isa/x86_64/arch.ts";
import * as x86 from "./isa/x86_64/context.ts";
import { type Difference, hex } from "./lockstep-compare.ts";

export interface Visible {
  /** Bytes of the context. */
  readonly size: number;
  equal(a: GuestMemory, b: GuestMemory): boolean;
  differences(actual: DataView, expected: DataView): Difference[];
}

/** Name, offset, bytes. */
type Field = readonly [name: string, at: number, size: number];

/** @param computed what is not in the context as such */
function make(size: number, fields: readonly Field[], computed: (context: DataView) => number): Visible {
  const words = fields.flatMap(([, at, length]) => Array.from({ length: length / 4 }, (_, i) => at / 4 + i));
  const text = (context: DataView, at: number, length: number): string => {
    let digits = "";
    for (let i = length - 4; i >= 0; i -= 4) digits += hex(context.getUint32(at + i, true), 8);
    return `0x${digits}`;
  };
  return {
    size,
    equal: ({ raw: a, context: contextA }, { raw: b, context: contextB }) => {
      const x = new Int32Array(a.buffer, CONTEXT_OFFSET, size / 4);
      const y = new Int32Array(b.buffer, CONTEXT_OFFSET, size / 4);
      for (const word of words) if (x[word] !== y[word]) return false;
      return computed(contextA) === computed(contextB);
    },
    differences: (actual, expected) => {
      const found: Difference[] = [];
      for (const [name, at, length] of fields) {
        const [a, e] = [text(actual, at, length), text(expected, at, length)];
        if (a !== e) found.push([name, a, e]);
      }
      const [a, e] = [computed(actual), computed(expected)];
      if (a !== e) found.push(["flags", hex(a, 8), hex(e, 8)]);
      return found;
    },
  };
}

const numbered = (name: string, n: number, at: number, step: number, size: number): Field[] =>
  Array.from({ length: n }, (_, i): Field => [`${name}${i}`, at + i * step, size]);

/** Of MXCSR and the x87's control word: what is control. The sticky flags are kept once a program looks at them. */
const MXCSR_CONTROL = 0xffc0;

export const visible: Readonly<Record<IsaName, Visible>> = {
  x86_64: make(
    x86.X86_64_CONTEXT_SIZE,
    [
      ...x86.GPR_NAMES.map((name, i): Field => [name, x86.GPR + i * 8, 8]),
      ["rip", PC, 8],
      ["fs_base", x86.FS_BASE, 8],
      ["gs_base", x86.GS_BASE, 8],
      ...numbered("ymm", 16, x86.YMM, x86.YMM_SIZE, 32),
      ...numbered("x87 register ", 8, x86.X87_REGS, 16, 8),
      ["x87 top", x86.X87_TOP, 4],
      ["x87 empty registers", x86.X87_EMPTY, 4],
    ],
    (context) =>
      readFlags(context) ^
      ((context.getUint16(x86.MXCSR, true) & MXCSR_CONTROL) << 16) ^
      (context.getUint16(x86.X87_CONTROL, true) << 12),
  ),
  riscv64: make(
    riscv.RISCV64_CONTEXT_SIZE,
    [
      ...riscv.X_NAMES.map((name, i): Field => [name, riscv.X + i * 8, 8]),
      ["pc", PC, 8],
      ...numbered("f", 32, riscv.F, 8, 8),
      ...numbered("v", 32, riscv.V, riscv.VLENB, riscv.VLENB),
      ["vl", riscv.VL, 4],
      ["vtype", riscv.VTYPE, 4],
    ],
    (context) => context.getUint32(riscv.FRM, true),
  ),
};
