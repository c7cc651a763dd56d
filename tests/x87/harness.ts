/**
 * The x87 definitions without an engine: every form as an exported function over a plain memory, with the smallest `Sem`
 * that the family needs. So the instructions can be compared with the processor hundreds of thousands of times in seconds.
 */
import {
  CC_DST,
  GPR,
  X87_CONTROL,
  X87_EMPTY,
  X87_REGS,
  X87_STATUS,
  X87_TOP,
} from "../../src/cpu/isa/x86_64/context.ts";
import type { Definition, Sem } from "../../src/cpu/isa/x86_64/sem.ts";
import { formName, parseForm, parseTable } from "../../src/cpu/isa/x86_64/table.ts";
import { X87_EVALUATE, x87 } from "../../src/cpu/isa/x86_64/x87.ts";
import { X87_TABLE } from "../../src/cpu/isa/x86_64/x87-table.ts";
import { evaluate } from "../../src/cpu/softfloat/evaluate.ts";
import { type Expr, type I32, type I64, i32, i64 } from "../../src/cpu/wasm/expr.ts";
import { type FunctionBuilder, ModuleBuilder } from "../../src/cpu/wasm/module.ts";
import { BIAS, CONTEXT_OFFSET } from "../../src/mm/layout.ts";
import { INPUT_SIZE, type Instruction, OUTPUT_SIZE } from "./cases.ts";

/** Returned by a form that did not trap. */
const NO_TRAP = -1;
/** Guest address of the memory operand. */
export const OPERAND = 0x1000;

const FLAGS_AT = CONTEXT_OFFSET + CC_DST;

function sem(f: FunctionBuilder, form: string): Sem {
  const { operands } = parseForm(form);
  const flags = i32.load(i32.const(0), FLAGS_AT);
  const bit = (n: number): I32 => i32.and(i32.shr_u(flags, i32.const(n)), i32.const(1));
  const conditions = [bit(11), bit(0), bit(6), i32.or(bit(0), bit(6)), bit(7), bit(2)];
  const unsupported = (name: string) => (): never => {
    throw new Error(`the x87 harness has no ${name}`);
  };
  const provided: Partial<Sem> = {
    f,
    operands,
    x87: undefined,
    number: () => f.param(0, "i32"),
    address: () => i64.extend_i32_u(f.param(1, "i32")),
    readable: (address: I64) => f.let(i32.wrap(address)),
    writable: (address: I64) => f.let(i32.wrap(address)),
    aligned: () => {},
    read: () => f.let(i32.load16_u(f.param(1, "i32"), BIAS)),
    write: (_n: number, value: Expr) => f.exec(i32.store16(f.param(1, "i32"), value as I32, BIAS)),
    setGpr: (n: number, _size: number, value: Expr) =>
      f.exec(i32.store16(i32.const(0), value as I32, CONTEXT_OFFSET + GPR + 8 * n)),
    trap: (trap: number) => f.return(i32.const(trap)),
    flags: {
      setAll: (value: I32) => f.exec(i32.store(i32.const(0), value, FLAGS_AT)),
      condition: (code: number) => {
        const c = conditions[code >> 1] as I32;
        return f.let((code & 1) !== 0 ? i32.eqz(c) : c);
      },
    } as Sem["flags"],
  };
  return new Proxy(provided, {
    get: (target, name) =>
      name in target ? (target as Record<string | symbol, unknown>)[name] : unsupported(String(name)),
  }) as Sem;
}

export class X87Harness {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({
    initial: BIAS / 65536 + 1,
    maximum: BIAS / 65536 + 1,
  });
  readonly context: DataView;
  readonly operand: Uint8Array;
  readonly #forms: Readonly<Record<string, (number: number, address: number) => number>>;

  constructor() {
    this.context = new DataView(this.memory.buffer, CONTEXT_OFFSET);
    this.operand = new Uint8Array(this.memory.buffer, BIAS + OPERAND, 512);
    const m = new ModuleBuilder();
    m.importMemory("env", "memory", BIAS / 65536 + 1, BIAS / 65536 + 1);
    const imports = Object.fromEntries(
      (x87.imports ?? []).map((i) => [i.name, m.importFunction("env", i.name, i.params, i.results)]),
    );
    const definitions: Readonly<Record<string, Definition>> = x87.define(m, imports);
    const rows = parseTable(X87_TABLE);
    for (const form of new Set(rows.map((row) => formName(row, 4, row.mod === "m")))) {
      const { mnemonic } = parseForm(form);
      const define = definitions[mnemonic];
      if (define === undefined) throw new Error(`${mnemonic} is in the table but not defined`);
      const fn = m.func(form, ["i32", "i32"], ["i32"], (f) => {
        define(sem(f, form));
        f.return(i32.const(NO_TRAP));
      });
      m.exportFunction(form, fn);
    }
    const module = new WebAssembly.Module(m.encode());
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory, [X87_EVALUATE]: evaluate } });
    this.#forms = instance.exports as never;
  }

  /** Runs the form of an instruction; the memory operand is at `address`. The result is the trap, or -1. */
  run(form: string, number = 0, address: number = OPERAND): number {
    const fn = this.#forms[form];
    if (fn === undefined) throw new Error(`no form ${form}`);
    return fn(number, address);
  }

  /** Executes a case as runner.c does, into the layout of `struct output`. */
  execute(instruction: Instruction, input: Uint8Array, output: Uint8Array): void {
    const { context, operand } = this;
    const view = new DataView(input.buffer, input.byteOffset, INPUT_SIZE);
    const out = new DataView(output.buffer, output.byteOffset, OUTPUT_SIZE);
    output.fill(0, 0, OUTPUT_SIZE);
    const cw = view.getUint16(2, true);
    const sw = view.getUint16(4, true);
    const top = (sw >> 11) & 7;
    const pending = (sw & ~cw & 0x3f) !== 0 ? 0x8080 : 0;
    context.setUint16(X87_CONTROL, cw, true);
    context.setUint16(X87_STATUS, (sw & 0x477f) | pending, true);
    context.setUint32(X87_TOP, top, true);
    context.setUint32(X87_EMPTY, view.getUint8(6), true);
    context.setUint32(CC_DST, view.getUint32(8, true), true);
    context.setUint16(GPR, 0, true);
    for (let i = 0; i < 8; i++) {
      const at = X87_REGS + 16 * ((top + i) & 7);
      const filler: [bigint, number] = [(1n << 63n) | BigInt(i), 0x4000 | i];
      const [sig, se] = i < 2 ? [view.getBigUint64(12 + 10 * i, true), view.getUint16(20 + 10 * i, true)] : filler;
      context.setBigUint64(at, sig, true);
      context.setUint16(at + 8, se, true);
    }
    operand.set(input.subarray(32, 64));
    const trap = this.run(formName(instruction.row, 4, instruction.memory > 0), instruction.modrm & 7);
    if (trap !== NO_TRAP) {
      out.setUint32(12, 1, true);
      return;
    }
    // As FNSAVE would store it, and what the runner reads besides.
    output.set(operand.subarray(0, 32), 96);
    if (instruction.row.mnemonic !== "fnstsw_ax") context.setUint16(GPR, 0, true);
    out.setUint16(6, context.getUint16(GPR, true), true);
    out.setUint32(8, context.getUint32(CC_DST, true), true);
    const scratch = OPERAND + 0x100;
    this.run("fnsave:m0", 0, scratch);
    const image = new DataView(this.memory.buffer, BIAS + scratch, 108);
    out.setUint16(0, image.getUint16(4, true), true);
    out.setUint16(2, image.getUint16(0, true), true);
    out.setUint16(4, image.getUint16(8, true), true);
    output.set(new Uint8Array(this.memory.buffer, BIAS + scratch + 28, 80), 16);
  }
}
