/** Definitions of riscv64 instructions instantiated for the interpreter: operands come from the record at `pc`. */
import { CONTEXT_OFFSET, PAGE_TABLE, PageBits } from "../../../mm/layout.ts";
import { Access, Trap } from "../../core.ts";
import { FAULT_ADDRESS } from "../../isa/common.ts";
import { F, FP_CAREFUL, X } from "../../isa/riscv64/context.ts";
import type { Sem, Source } from "../../isa/riscv64/sem.ts";
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionBuilder } from "../../wasm/module.ts";
import type { CoreFunctions, HandlerEnd } from "../isa.ts";
import { R_DISP, R_IMM, R_LENGTH, RIP_OF } from "../layout.ts";
import { R_RD, R_ROUNDING, R_RS1, R_RS2, R_RS3 } from "./layout.ts";

const ZERO = i32.const(0);
const PLACES = { rs1: R_RS1, rs2: R_RS2, rs3: R_RS3 } as const;
/** rd is counted from x1. */
const X_RD = CONTEXT_OFFSET + X + 8;
const BOX = i64.const(0xffff_ffff_0000_0000n);
const NAN32 = i32.const(0x7fc0_0000);

export class RecordSem implements Sem {
  readonly f: FunctionBuilder;
  readonly rounding: Sem["rounding"];
  readonly #pc: I32;
  readonly #wideImmediate: boolean;
  readonly #core: CoreFunctions;
  readonly #end: HandlerEnd;

  constructor(
    f: FunctionBuilder,
    pc: I32,
    form: { readonly rounding: Sem["rounding"]; readonly wideImmediate: boolean },
    core: CoreFunctions,
    end: HandlerEnd,
  ) {
    this.f = f;
    this.rounding = form.rounding;
    this.#wideImmediate = form.wideImmediate;
    this.#pc = pc;
    this.#core = core;
    this.#end = end;
  }

  #source(n: Source): I32 {
    return i32.load8_u(this.#pc, PLACES[n]);
  }
  #destination(): I32 {
    return i32.load8_u(this.#pc, R_RD);
  }

  x(n: Source): I64 {
    return this.f.let(i64.load(this.#source(n), CONTEXT_OFFSET + X));
  }
  w(n: Source): I32 {
    return this.f.let(i32.load(this.#source(n), CONTEXT_OFFSET + X));
  }
  setX(value: I64): void {
    this.f.exec(i64.store(this.#destination(), value, X_RD));
  }
  setW(value: I32): void {
    this.setX(i64.extend_i32_s(value));
  }
  imm(): I64 {
    return this.#wideImmediate ? i64.load(this.#pc, R_DISP) : i64.load32_s(this.#pc, R_IMM);
  }
  imm32(): I32 {
    return i32.load(this.#pc, R_IMM);
  }
  rs1Number(): I32 {
    return i32.shr_u(this.#source("rs1"), i32.const(3));
  }
  rm(): I32 {
    return i32.load8_u(this.#pc, R_ROUNDING);
  }

  bits(n: Source): I64 {
    return this.f.let(i64.load(this.#source(n), CONTEXT_OFFSET + F));
  }
  setBits(value: I64): void {
    this.f.exec(i64.store(this.#destination(), value, CONTEXT_OFFSET + F));
  }
  f64(n: Source): F64 {
    return this.f.let(f64.load(this.#source(n), CONTEXT_OFFSET + F));
  }
  setF64(value: F64): void {
    this.f.exec(f64.store(this.#destination(), value, CONTEXT_OFFSET + F));
  }
  f32(n: Source): F32 {
    return this.f.let(f32.reinterpret_i32(this.f32Bits(n)));
  }
  f32Bits(n: Source): I32 {
    const { f } = this;
    const at = f.let(this.#source(n));
    const boxed = i32.eq(i32.load(at, CONTEXT_OFFSET + F + 4), i32.const(-1));
    return f.let(select(boxed, i32.load(at, CONTEXT_OFFSET + F), NAN32));
  }
  setF32(value: F32): void {
    this.setF32Bits(i32.reinterpret_f32(value));
  }
  setF32Bits(value: I32): void {
    this.setBits(i64.or(i64.extend_i32_u(value), BOX));
  }

  careful(): I32 {
    return i32.load(ZERO, CONTEXT_OFFSET + FP_CAREFUL);
  }
  rarely(condition: I32, body: () => void): void {
    this.f.if(condition, body);
  }

  readable(address: I64, bytes: number): I32 {
    return this.#check(address, bytes, PageBits.Read, Access.Read);
  }
  writable(address: I64, bytes: number): I32 {
    return this.#check(address, bytes, PageBits.Write, Access.Write);
  }
  #check(address: I64, bytes: number, bit: number, access: Access): I32 {
    const { f } = this;
    const a = f.let(address);
    const low = f.let(i32.wrap(a));
    const page = (of: I32): I32 => i32.load8_u(i32.shr_u(of, i32.const(12)), PAGE_TABLE);
    const first = page(low);
    const both = bytes > 1 ? i32.and(first, page(i32.add(low, i32.const(bytes - 1)))) : first;
    const allowed = i32.and(both, i32.const(bit));
    const high = i32.wrap(i64.shr_u(a, i64.const(32)));
    f.if(i32.or(i32.eqz(allowed), high), () =>
      this.#end.leave(f.call("i32", this.#core.fault, [this.#pc, a, i32.const(bytes), i32.const(access)])),
    );
    return low;
  }
  aligned(address: I64, alignment: number): void {
    this.f.if(i32.and(i32.wrap(address), i32.const(alignment - 1)), () => {
      this.f.exec(i64.store(ZERO, address, CONTEXT_OFFSET + FAULT_ADDRESS));
      this.trap(Trap.Misaligned);
    });
  }

  pc(): I64 {
    return i64.load32_u(i32.shr_u(this.#pc, i32.const(2)), RIP_OF);
  }
  nextPc(): I64 {
    return i64.add(this.pc(), i64.load8_u(this.#pc, R_LENGTH));
  }
  trap(trap: Trap): void {
    this.#end.leave(this.f.call("i32", this.#core.raise, [this.#pc, i32.const(trap)]));
  }
  trapAfter(trap: Trap): void {
    this.#end.leave(this.f.call("i32", this.#core.raiseAfter, [this.#pc, i32.const(trap)]));
  }
  /** Whatever it is, `find` sees to it. */
  checkTarget(_target: I64): void {}
  jump(target?: I64): void {
    if (target === undefined) this.#end.to(i32.load(this.#pc, R_IMM));
    else this.#end.found(target);
  }
  computed(target: I64): void {
    this.f.drop(this.f.call("i32", this.#core.note, [this.#pc, target]));
    this.#end.found(target);
  }
  done(): void {
    this.#end.next();
  }
}
