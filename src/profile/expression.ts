/**
 * DWARF expressions as they occur in call frame information (DWARF 5, section 2.5): in procedure linkage tables and in
 * functions that align their stack. Addresses are below 2^53, so numbers do.
 */
import { DwarfReader } from "./dwarf-reader.ts";

const BINARY: Readonly<Record<number, (a: number, b: number) => number>> = {
  26: (a, b) => Number(BigInt.asUintN(64, BigInt(a)) & BigInt.asUintN(64, BigInt(b))), // DW_OP_and
  28: (a, b) => a - b,
  30: (a, b) => a * b,
  33: (a, b) => Number(BigInt.asUintN(64, BigInt(a)) | BigInt.asUintN(64, BigInt(b))), // DW_OP_or
  34: (a, b) => a + b,
  36: (a, b) => a * 2 ** b, // DW_OP_shl
  37: (a, b) => Math.floor(a / 2 ** b), // DW_OP_shr
  41: (a, b) => Number(a === b),
  42: (a, b) => Number(a >= b),
  43: (a, b) => Number(a > b),
  44: (a, b) => Number(a <= b),
  45: (a, b) => Number(a < b),
  46: (a, b) => Number(a !== b),
};

/**
 * The value of an expression; undefined if it needs what is not there.
 * @param initial what is on the stack at the beginning: the frame address, or nothing
 * @param load 8 bytes of memory
 */
export function evaluateExpression(
  code: Uint8Array,
  registers: ArrayLike<number>,
  initial: readonly number[],
  load: (address: number) => number | undefined,
): number | undefined {
  const r = new DwarfReader(code);
  const stack = [...initial];
  while (r.at < code.length) {
    const op = r.u8();
    const binary = BINARY[op];
    if (binary !== undefined) {
      const b = stack.pop();
      const a = stack.pop();
      if (a === undefined || b === undefined) return undefined;
      stack.push(binary(a, b));
      continue;
    }
    const value = operand(op, r, registers, stack, load);
    if (value === undefined || Number.isNaN(value)) return undefined;
    stack.push(value);
  }
  return stack.pop();
}

function operand(
  op: number,
  r: DwarfReader,
  registers: ArrayLike<number>,
  stack: number[],
  load: (address: number) => number | undefined,
): number | undefined {
  if (op >= 0x30 && op < 0x50) return op - 0x30; // DW_OP_lit0..31
  if (op >= 0x70 && op < 0x90) return (registers[op - 0x70] ?? Number.NaN) + r.sleb(); // DW_OP_breg0..31
  switch (op) {
    case 0x06: // DW_OP_deref
      return load(stack.pop() ?? Number.NaN);
    case 0x08:
      return r.u8();
    case 0x09:
      return r.s8();
    case 0x0a:
      return r.u16();
    case 0x0b:
      return r.s16();
    case 0x0c:
      return r.u32();
    case 0x0d:
      return r.s32();
    case 0x10:
      return r.uleb();
    case 0x11:
      return r.sleb();
    case 0x12: // DW_OP_dup
      return stack.at(-1);
    case 0x23: // DW_OP_plus_uconst
      return (stack.pop() ?? Number.NaN) + r.uleb();
    default:
      return undefined;
  }
}
