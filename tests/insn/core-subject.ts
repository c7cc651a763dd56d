/** An engine of ours as a subject of the comparison: anything behind CpuCore. */
import { type CpuCore, type CpuEngine, SINGLE_STEP, Trap } from "../../src/cpu/core.ts";
import { readFlags, writeFlags } from "../../src/cpu/isa/x86_64/arch.ts";
import * as ctx from "../../src/cpu/isa/x86_64/context.ts";
import { GuestMemory } from "../../src/mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../src/mm/layout.ts";
import { contextFromFx, fxFromContext, resetFx } from "./fx.ts";
import * as p from "./protocol.ts";

const VECTORS: ReadonlyMap<Trap, number> = new Map([
  [Trap.PageFault, p.Vector.PF],
  [Trap.IllegalInstruction, p.Vector.UD],
  [Trap.Breakpoint, p.Vector.BP],
  [Trap.DivideError, p.Vector.DE],
  [Trap.GeneralProtection, p.Vector.GP],
  [Trap.X87Error, p.Vector.MF],
  [Trap.SimdError, p.Vector.XM],
]);

export class CoreSubject implements p.Subject {
  readonly name: string;
  readonly #memory = new GuestMemory();
  readonly #core: CpuCore;
  readonly #data: Uint8Array;
  readonly #image: Uint8Array;
  readonly #pattern: Uint8Array;
  readonly #resetFx = resetFx();
  #lastSlot = -1;

  readonly #step: boolean;

  /** @param step run one instruction at a time */
  constructor(engine: CpuEngine, step = false) {
    this.name = engine.name;
    this.#step = step;
    const { data, readonly } = p.regionPattern();
    const m = this.#memory;
    this.#pattern = data;
    this.#image = data.slice();
    this.#data = m.u8.subarray(p.DATA, p.DATA + p.DATA_SIZE);
    this.#protect(p.CODE, p.CODE_SIZE, PageBits.Read | PageBits.Exec);
    this.#protect(p.DATA, p.DATA_SIZE, PageBits.Read | PageBits.Write);
    this.#protect(p.READONLY, p.READONLY_SIZE, PageBits.Read);
    m.u8.fill(0xcc, p.CODE, p.CODE + p.CODE_SIZE);
    m.u8.set(readonly, p.READONLY);
    this.#core = engine.attach(m);
    // Flags are compared where a case faults, too.
    this.#core.expectExact();
  }

  run(c: p.Case): p.Outcome {
    const { u8, context } = this.#memory;
    const slot = Math.floor((c.codeAddress - p.CODE) / p.SLOT_SIZE);
    // A slot is used for the second time only after all translations were dropped.
    if (slot <= this.#lastSlot) this.#core.invalidate(p.CODE, p.CODE + p.CODE_SIZE);
    this.#lastSlot = slot;
    u8.set(c.code, c.codeAddress);
    this.#image.set(c.window, c.windowOffset);
    this.#data.set(this.#image);

    for (let i = 0; i < 16; i++) context.setBigUint64(ctx.GPR + i * 8, c.gpr[i] as bigint, true);
    context.setBigUint64(ctx.RIP, BigInt(c.codeAddress), true);
    context.setBigUint64(ctx.FS_BASE, BigInt(p.FS_BASE), true);
    context.setBigUint64(ctx.GS_BASE, BigInt(p.GS_BASE), true);
    contextFromFx(context, c.fx ?? this.#resetFx);
    // As if the program had loaded MXCSR itself.
    context.setUint32(ctx.SSE_CAREFUL, context.getUint32(ctx.MXCSR, true) === p.RESET_MXCSR ? 0 : 1, true);
    writeFlags(context, c.rflags | 0x202);

    let trap: Trap;
    let rounds = 0;
    do trap = this.#core.run(this.#step ? SINGLE_STEP : 1000);
    while ((trap === Trap.Fuel || trap === Trap.SingleStep) && ++rounds < 5000);

    const vector = VECTORS.get(trap) ?? -1;
    const gpr = new BigUint64Array(16);
    for (let i = 0; i < 16; i++) gpr[i] = context.getBigUint64(ctx.GPR + i * 8, true);
    const { dirtyStart, dirty } = this.#changes();
    const outcome: p.Outcome = {
      vector,
      error: 0,
      cr2: 0n,
      gpr,
      rflags: readFlags(context) & p.CASE_FLAGS,
      rip: Number(context.getBigUint64(ctx.RIP, true) & 0xffff_ffffn),
      fx: c.fx ? fxFromContext(context) : undefined,
      dirtyStart,
      dirty,
    };
    if (trap === Trap.PageFault) {
      outcome.cr2 = BigInt.asUintN(64, BigInt(this.#core.faultAddress));
      outcome.error = [0, p.PageFaultError.Write, p.PageFaultError.Fetch][this.#core.faultAccess] as number;
    }
    u8.fill(0xcc, c.codeAddress, c.codeAddress + c.code.length);
    this.#image.set(this.#pattern.subarray(c.windowOffset, c.windowOffset + c.window.length), c.windowOffset);
    return outcome;
  }

  #changes(): { dirtyStart: number; dirty: Uint8Array } {
    const now = this.#data;
    const before = this.#image;
    const nowWords = new BigUint64Array(now.buffer, now.byteOffset, now.length / 8);
    const beforeWords = new BigUint64Array(before.buffer, before.byteOffset, before.length / 8);
    let first = 0;
    let last = nowWords.length;
    while (first < last && nowWords[first] === beforeWords[first]) first++;
    if (first === last) return { dirtyStart: p.DATA_SIZE, dirty: new Uint8Array(0) };
    while (nowWords[last - 1] === beforeWords[last - 1]) last--;
    let start = first * 8;
    let end = last * 8;
    while (now[start] === before[start]) start++;
    while (now[end - 1] === before[end - 1]) end--;
    return { dirtyStart: start, dirty: now.slice(start, end) };
  }

  #protect(start: number, size: number, bits: number): void {
    this.#memory.pages.fill(bits | PageBits.Present, start >> PAGE_SHIFT, (start + size) >> PAGE_SHIFT);
  }
}
