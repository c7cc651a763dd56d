/** Definitions of riscv64 instructions instantiated for the translator. */

import type { Sem, Source } from "../../isa/riscv64/sem.ts";
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64, select, withOrigin } from "../../wasm/expr.ts";
import { f32x4, f64x2 } from "../../wasm/simd.ts";
import { RegionSem, type Surroundings } from "../region-sem.ts";
import type { RiscvInstruction } from "./set.ts";
import { FLOAT, type RiscvState } from "./state.ts";

const BOX = i64.const(0xffff_ffff_0000_0000n);
const NAN32 = i32.const(0x7fc0_0000);

export class RiscvRegionSem extends RegionSem implements Sem {
  declare readonly instruction: RiscvInstruction;
  readonly rounding: Sem["rounding"];
  readonly vtype: number | undefined;
  readonly #state: RiscvState;

  readonly fused64?: NonNullable<Sem["fused64"]>;
  readonly fused32?: NonNullable<Sem["fused32"]>;

  /** @param fused the host multiplies and adds with one rounding */
  constructor(state: RiscvState, instruction: RiscvInstruction, surroundings: Surroundings, fused: boolean) {
    super(state, instruction, surroundings);
    if (fused) {
      this.fused64 = (a, b, c) => f64x2.extract(f64x2.relaxed_madd(f64x2.splat(a), f64x2.splat(b), f64x2.splat(c)), 0);
      this.fused32 = (a, b, c) => f32x4.extract(f32x4.relaxed_madd(f32x4.splat(a), f32x4.splat(b), f32x4.splat(c)), 0);
    }
    this.rounding = instruction.rounding;
    this.vtype = instruction.vtype;
    this.#state = state;
  }

  run(): void {
    this.instruction.definition(this);
  }

  #number(n: Source): number {
    return this.instruction[n];
  }

  x(n: Source): I64 {
    const register = this.#number(n);
    if (register === 0) return i64.const(0);
    this.uses(register);
    return this.copy(withOrigin(this.#state.gpr(register), this.symbols.register(register)));
  }
  w(n: Source): I32 {
    const register = this.#number(n);
    if (register === 0) return i32.const(0);
    this.uses(register);
    return this.f.let(i32.wrap(this.#state.gpr(register)));
  }
  setX(value: I64): void {
    const { rd } = this.instruction;
    if (rd === 0) {
      // What it takes to compute it may have effects.
      this.f.drop(value);
      return;
    }
    this.writes(rd, true);
    this.symbols.assign(rd, this.isCertain ? value.origin : undefined);
    this.f.set(this.#state.gpr(rd), value);
  }
  setW(value: I32): void {
    this.setX(i64.extend_i32_s(value));
  }
  imm(): I64 {
    const { imm, immHigh } = this.instruction;
    return i64.const((BigInt(immHigh) << 32n) | BigInt(imm >>> 0));
  }
  imm32(): I32 {
    return i32.const(this.instruction.imm);
  }
  rs1Number(): I32 {
    return i32.const(this.instruction.rs1);
  }
  rm(): I32 {
    return i32.const(this.instruction.rm);
  }

  f64(n: Source): F64 {
    const register = this.#number(n);
    this.uses(FLOAT + register);
    const copy = this.f.local("f64");
    this.f.set(copy, this.#state.float(register));
    return copy;
  }
  setF64(value: F64): void {
    const { rd } = this.instruction;
    this.writes(FLOAT + rd, true);
    this.f.set(this.#state.float(rd), value);
  }
  bits(n: Source): I64 {
    const register = this.#number(n);
    this.uses(FLOAT + register);
    return this.f.let(i64.reinterpret_f64(this.#state.float(register)));
  }
  setBits(value: I64): void {
    this.setF64(f64.reinterpret_i64(value));
  }
  f32(n: Source): F32 {
    return this.f.let(f32.reinterpret_i32(this.f32Bits(n)));
  }
  f32Bits(n: Source): I32 {
    const bits = this.bits(n);
    return this.f.let(select(i64.ge_u(bits, BOX), i32.wrap(bits), NAN32));
  }
  setF32(value: F32): void {
    this.setF32Bits(i32.reinterpret_f32(value));
  }
  setF32Bits(value: I32): void {
    this.setBits(i64.or(i64.extend_i32_u(value), BOX));
  }

  pc(): I64 {
    return this.rip();
  }
  nextPc(): I64 {
    return this.nextRip();
  }
  jump(target?: I64): void {
    this.leaveTo(target);
  }
  computed(target: I64): void {
    this.leaveTo(target);
  }
}
