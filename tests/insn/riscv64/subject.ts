/** Our interpreter as the one that is compared. */
import { type CpuCore, type CpuEngine, SINGLE_STEP, Trap } from "../../../src/cpu/core.ts";
import { InterpEngine } from "../../../src/cpu/interp/engine.ts";
import { generateModule } from "../../../src/cpu/interp/generate.ts";
import { riscvRuntime } from "../../../src/cpu/interp/riscv64/runtime.ts";
import { registers } from "../../../src/cpu/isa/riscv64/arch.ts";
import { FP_CAREFUL, PC } from "../../../src/cpu/isa/riscv64/context.ts";
import { createJitEngine } from "../../../src/cpu/jit/create.ts";
import { allowRelaxedSimd } from "../../../src/host/node/relaxed-simd.ts";
import { V8Flags } from "../../../src/host/node/v8-flags.ts";
import { GuestMemory } from "../../../src/mm/guest-memory.ts";
import { BIAS, PAGE_SHIFT, PageBits } from "../../../src/mm/layout.ts";
import * as p from "./protocol.ts";

const SIGNALS: ReadonlyMap<Trap, number> = new Map([
  [Trap.PageFault, p.Signal.SEGV],
  [Trap.IllegalInstruction, p.Signal.ILL],
  [Trap.Breakpoint, p.Signal.TRAP],
  [Trap.Misaligned, p.Signal.BUS],
]);

/** jit: everything is translated that can be. */
export type Mode = "interp" | "brief" | "step" | "jit";

export class Subject {
  readonly #memory = new GuestMemory();
  readonly #core: CpuCore;
  readonly #pattern = p.dataPattern();
  /** The pattern and what is there now. */
  readonly #before: Uint32Array;
  readonly #now: Uint32Array;
  readonly #step: boolean;

  private constructor(engine: CpuEngine, mode: Mode) {
    this.#step = mode === "step";
    this.#before = new Uint32Array(this.#pattern.buffer, 0, p.WRITABLE / 4);
    this.#now = new Uint32Array(this.#memory.memory.buffer, BIAS + p.DATA, p.WRITABLE / 4);
    this.#core = engine.attach(this.#memory);
    this.#protect(p.DATA, p.DATA_SIZE, PageBits.Read);
    this.#protect(p.DATA, p.WRITABLE, PageBits.Read | PageBits.Write);
    this.#memory.u8.set(this.#pattern, p.DATA);
  }

  static async create(mode: Mode): Promise<Subject> {
    if (mode === "jit") allowRelaxedSimd(new V8Flags());
    if (mode === "jit") return new Subject(await createJitEngine({ isa: riscvRuntime, threshold: 1 }), mode);
    const briefBranches = mode === "interp" ? 0 : Number.POSITIVE_INFINITY;
    return new Subject(new InterpEngine({ module: generateModule("riscv64"), isa: riscvRuntime, briefBranches }), mode);
  }

  #protect(start: number, size: number, bits: number): void {
    this.#memory.pages.fill(PageBits.Present | bits, start >>> PAGE_SHIFT, (start + size) >>> PAGE_SHIFT);
  }

  run(cases: readonly p.Case[]): p.Outcome[] {
    this.#core.invalidate(p.CODE, p.CODE + p.codeSize(cases.length));
    this.#protect(p.CODE, p.codeSize(cases.length), PageBits.Read | PageBits.Exec);
    this.#memory.u8.set(p.codeImage(cases), p.CODE);
    return cases.map((c, i) => this.#run(c, i));
  }

  #run(c: p.Case, index: number): p.Outcome {
    const { context, view } = this.#memory;
    registers.reset(context);
    registers.setPc(context, p.codeAddress(index));
    for (let n = 0; n < 32; n++) {
      registers.setGpr(context, n, c.x[n] as bigint);
      registers.setFpr(context, n, c.f[n] as bigint);
    }
    registers.writeFcsr(context, c.fcsr);
    if (!c.quick) context.setUint32(FP_CAREFUL, 1, true);
    registers.setVectors(context, c.vectors);
    let trap: Trap;
    do trap = this.#core.run(this.#step ? SINGLE_STEP : 1000);
    while (trap === Trap.Fuel || trap === Trap.SingleStep);

    const out = new DataView(new ArrayBuffer(p.OUTPUT_SIZE));
    const { OUT } = p;
    out.setUint32(OUT.SIGNAL, SIGNALS.get(trap) ?? 0, true);
    out.setBigUint64(OUT.PC, context.getBigUint64(PC, true), true);
    if (trap === Trap.PageFault || trap === Trap.Misaligned)
      out.setBigInt64(OUT.ADDRESS, BigInt(this.#core.faultAddress), true);
    for (let n = 0; n < 32; n++) {
      out.setBigUint64(OUT.X + n * 8, registers.getGpr(context, n), true);
      out.setBigUint64(OUT.F + n * 8, registers.getFpr(context, n), true);
    }
    out.setUint32(OUT.FCSR, registers.readFcsr(context), true);
    const vectors = registers.getVectors(context);
    out.setBigUint64(OUT.VL, BigInt(vectors.vl), true);
    out.setBigUint64(OUT.VTYPE, vectors.vtype < 0 ? 1n << 63n : BigInt(vectors.vtype), true);
    out.setBigUint64(OUT.VSTART, BigInt(vectors.vstart), true);
    out.setBigUint64(OUT.VCSR, BigInt(vectors.vcsr), true);
    new Uint8Array(out.buffer, OUT.V).set(vectors.registers);
    let dirty = 0;
    const [before, now] = [this.#before, this.#now];
    for (let i = 0; i < now.length; i += 2) {
      if (now[i] === before[i] && now[i + 1] === before[i + 1]) continue;
      if (dirty < p.MAX_DIRTY) {
        out.setBigUint64(OUT.DIRTY + dirty * 16, BigInt(i * 4), true);
        out.setBigUint64(OUT.DIRTY + dirty * 16 + 8, view.getBigUint64(p.DATA + i * 4, true), true);
        dirty++;
      }
      now[i] = before[i] as number;
      now[i + 1] = before[i + 1] as number;
    }
    out.setUint32(OUT.DIRTY_COUNT, dirty, true);
    return out;
  }
}
