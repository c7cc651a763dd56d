/**
 * Unicorn's registers, in the layout of the CPU context. Unicorn reads and writes most of them in place, by pointer; the
 * flags (lazy in the context) and the x87 status and tag words are put together at the boundary.
 */
import { readFlags, writeFlags } from "../isa/x86_64/arch.ts";
import * as ctx from "../isa/x86_64/context.ts";
import { type Batch, type Handle, Register, type UnicornApi } from "./api.ts";

const TOP = 0x3800;

export class RegisterFile {
  /** In the layout of the context; without flags, x87 status and tags until `finish` was called. */
  readonly view: DataView;
  /** The same, to compare quickly. */
  readonly words: Int32Array;
  readonly #api: UnicornApi;
  readonly #handle: Handle;
  readonly #batch: Batch;
  /** Flags, x87 status, tags: u64, u16, u16. */
  readonly #scratch: DataView;

  /** @param bytes where the registers live: X86_64_CONTEXT_SIZE bytes that do not move */
  constructor(api: UnicornApi, handle: Handle, bytes: Uint8Array) {
    this.#api = api;
    this.#handle = handle;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const scratch = new Uint8Array(new ArrayBuffer(16));
    this.#scratch = new DataView(scratch.buffer);
    const ids: number[] = [];
    const views: Uint8Array[] = [];
    const inContext = (id: number, offset: number, size: number): void => {
      ids.push(id);
      views.push(bytes.subarray(offset, offset + size));
    };
    Register.Gpr.forEach((id, i) => {
      inContext(id, ctx.GPR + i * 8, 8);
    });
    inContext(Register.Rip, ctx.RIP, 8);
    inContext(Register.FsBase, ctx.FS_BASE, 8);
    inContext(Register.GsBase, ctx.GS_BASE, 8);
    ids.push(Register.Rflags);
    views.push(scratch.subarray(0, 8));
    inContext(Register.Mxcsr, ctx.MXCSR, 4);
    inContext(Register.FpControl, ctx.X87_CONTROL, 2);
    for (let i = 0; i < 8; i++) inContext(Register.Fp0 + i, ctx.X87_REGS + i * 16, 10);
    for (let i = 0; i < 16; i++) inContext(Register.Xmm0 + i, ctx.YMM + i * ctx.YMM_SIZE, 16);
    ids.push(Register.FpStatus, Register.FpTag);
    views.push(scratch.subarray(8, 10), scratch.subarray(10, 12));
    this.#batch = api.batch(ids, views);
  }

  /** RFLAGS as last read. */
  get flags(): number {
    return this.#scratch.getUint32(0, true);
  }

  /** TOP of the x87 as last read. */
  get top(): number {
    return (this.#scratch.getUint16(8, true) & TOP) >> 11;
  }

  /** The x87's status word as last read, without TOP. */
  get status(): number {
    return this.#scratch.getUint16(8, true) & ~TOP;
  }

  /** Bit i: physical x87 register i is empty, as last read. */
  get empty(): number {
    const tags = this.#scratch.getUint16(10, true);
    let empty = 0;
    for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) === 3) empty |= 1 << i;
    return empty;
  }

  /** Into Unicorn. */
  write(): void {
    const { view } = this;
    this.#scratch.setBigUint64(0, BigInt(readFlags(view)), true);
    const top = view.getUint32(ctx.X87_TOP, true) & 7;
    this.#scratch.setUint16(8, (view.getUint16(ctx.X87_STATUS, true) & ~TOP) | (top << 11), true);
    let tags = 0;
    const empty = view.getUint32(ctx.X87_EMPTY, true);
    for (let i = 0; i < 8; i++) if ((empty >> i) & 1) tags |= 3 << (2 * i);
    this.#scratch.setUint16(10, tags, true);
    this.#api.regWrite(this.#handle, this.#batch);
  }

  /** Back into Unicorn as they were read. */
  restore(): void {
    this.#api.regWrite(this.#handle, this.#batch);
  }

  /** Out of Unicorn, but for what `finish` does. */
  read(): void {
    this.#api.regRead(this.#handle, this.#batch);
  }

  /** Flags, x87 status and tags to where the context has them. */
  finish(): void {
    const { view } = this;
    writeFlags(view, this.flags);
    view.setUint32(ctx.X87_TOP, this.top, true);
    view.setUint16(ctx.X87_STATUS, this.status, true);
    view.setUint32(ctx.X87_EMPTY, this.empty, true);
  }
}
