/**
 * Instruction definitions instantiated for the interpreter: operands come from the record at `pc` at run time.
 *
 * A handler is either a function (pc) -> next pc, or inline in the main loop; the two differ only in how they end, which
 * `HandlerEnd` hides. Register numbers and the effective address are fetched at the start of a handler, unconditionally,
 * so that they may be used in any branch of it.
 */
import { BIAS, CONTEXT_OFFSET, PAGE_TABLE, PageBits } from "../../../mm/layout.ts";
import { Access, Trap } from "../../core.ts";
import {
  CC_AUX,
  CC_DST,
  CC_OP,
  CC_PREVIOUS,
  CC_SRC,
  CC_STEPPED,
  EFLAGS_REST,
  SSE_CAREFUL,
  X87_REGS,
  YMM,
  YMM_SIZE,
} from "../../isa/x86_64/context.ts";
import { ccOp, type FlagFunctions, keepsCarry, LazyFlags } from "../../isa/x86_64/flags.ts";
import {
  ARITHMETIC_FLAGS,
  FlagKind,
  type Operand,
  type Sem,
  type SemFlags,
  type Size,
  type Word,
  wordOps,
} from "../../isa/x86_64/sem.ts";
import {
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  select,
  type V128,
  v128,
} from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Local } from "../../wasm/module.ts";
import type { CoreFunctions, HandlerEnd } from "../isa.ts";
import { R_BASE, R_DISP, R_IMM, R_INDEX, R_LENGTH, R_REGISTERS, R_SCALE, RIP_OF } from "../layout.ts";

/** Functions that every handler may call. */
export interface Shared extends CoreFunctions {
  readonly flags: FlagFunctions;
}

const ZERO = i32.const(0);
const F64_BITS = 8;

export class RecordSem implements Sem {
  readonly f: FunctionBuilder;
  readonly operands: readonly Operand[];
  readonly flags: RecordFlags;
  readonly #pc: I32;
  readonly #shared: Shared;
  readonly #end: HandlerEnd;
  /** Context offset or number of each register operand. */
  readonly #registers: (I32 | undefined)[];
  readonly #address: I64 | undefined;
  /** Memory offset of a checked destination, by operand. */
  readonly #checked: (I32 | undefined)[] = [];

  constructor(f: FunctionBuilder, pc: I32, operands: readonly Operand[], shared: Shared, end: HandlerEnd) {
    this.f = f;
    this.operands = operands;
    this.#pc = pc;
    this.#shared = shared;
    this.#end = end;
    this.#registers = operands.map((o, n) => {
      if ("miqjg".includes(o.kind)) return undefined;
      return f.let(i32.load8_u(pc, registerByte(operands, n)));
    });
    const memory = operands.find((o) => o.kind === "m");
    if (memory !== undefined) this.#address = this.#effectiveAddress(memory.unindexed === true);
    this.flags = new RecordFlags(f, shared);
  }

  #effectiveAddress(unindexed: boolean): I64 {
    const { f } = this;
    const pc = this.#pc;
    const base = i64.load(i32.load8_u(pc, R_BASE), CONTEXT_OFFSET);
    if (unindexed) return f.let(i64.add(base, i64.load32_s(pc, R_DISP)));
    const index = i64.load(i32.load8_u(pc, R_INDEX), CONTEXT_OFFSET);
    const scaled = i64.shl(index, i64.load8_u(pc, R_SCALE));
    return f.let(i64.add(i64.add(base, scaled), i64.load32_s(pc, R_DISP)));
  }

  #operand(n: number): Operand {
    const o = this.operands[n];
    if (o === undefined) throw new Error(`no operand ${n}`);
    return o;
  }
  #register(n: number): I32 {
    const r = this.#registers[n];
    if (r === undefined) throw new Error(`operand ${n} is no register`);
    return r;
  }

  read(n: number): Word {
    const o = this.#operand(n);
    const size = o.bytes as Size;
    switch (o.kind) {
      case "r":
        return this.f.let(loadWord(size, this.#register(n), CONTEXT_OFFSET));
      case "m":
        return this.f.let(loadWord(size, this.readable(this.address(n), size), BIAS));
      case "q":
        return this.f.let(i64.load(this.#pc, R_DISP));
      case "i": {
        const at = this.operands[0] as Operand;
        const wide = (o.bytes || at.bytes) === 8;
        const value: Word = wide ? i64.load32_s(this.#pc, R_IMM) : i32.load(this.#pc, R_IMM);
        const bytes = o.bytes || at.bytes;
        if (bytes === 1) return this.f.let(i32.load8_u(this.#pc, R_IMM));
        if (bytes === 2) return this.f.let(i32.load16_u(this.#pc, R_IMM));
        return this.f.let(value);
      }
      default:
        throw new Error(`operand ${n} of kind ${o.kind} is not an integer`);
    }
  }

  modify(n: number): Word {
    const o = this.#operand(n);
    if (o.kind !== "m") return this.read(n);
    this.prepareWrite(n);
    return this.f.let(loadWord(o.bytes as Size, this.#checked[n] as I32, BIAS));
  }

  prepareWrite(n: number): void {
    const o = this.#operand(n);
    if (o.kind === "m") this.#checked[n] = this.writable(this.address(n), o.bytes);
  }

  write(n: number, value: Word): void {
    const o = this.#operand(n);
    const size = o.bytes as Size;
    if (o.kind === "m") {
      const at = this.#checked[n] ?? this.writable(this.address(n), size);
      this.f.exec(storeWord(size, at, value, BIAS));
    } else this.f.exec(storeRegister(size, this.#register(n), value, CONTEXT_OFFSET));
  }

  imm(n: number): I32 {
    if (this.#operand(n).kind !== "i") throw new Error(`operand ${n} is no immediate`);
    // With a second immediate (enter), the first is kept where the displacement would be.
    const second = this.operands.some((o, i) => i > n && o.kind === "i");
    return this.f.let(i32.load(this.#pc, second ? R_DISP : R_IMM));
  }

  address(n: number): I64 {
    if (this.#operand(n).kind !== "m" || this.#address === undefined) throw new Error(`operand ${n} is no memory`);
    return this.#address;
  }

  gpr(register: number, size: Size): Word {
    return this.f.let(loadWord(size, ZERO, CONTEXT_OFFSET + register * 8));
  }
  setGpr(register: number, size: Size, value: Word): void {
    this.f.exec(storeRegister(size, ZERO, value, CONTEXT_OFFSET + register * 8));
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
      this.#end.leave(f.call("i32", this.#shared.fault, [this.#pc, a, i32.const(bytes), i32.const(access)])),
    );
    return low;
  }

  aligned(address: I64, alignment: number): void {
    const low = i32.and(i32.wrap(address), i32.const(alignment - 1));
    this.f.if(low, () => this.trap(Trap.GeneralProtection));
  }

  #memory(n: number, bytes: number, write: boolean): I32 {
    const checked = this.#checked[n];
    if (checked !== undefined) return checked;
    const address = this.address(n);
    return write ? this.writable(address, bytes) : this.readable(address, bytes);
  }
  #xmmOffset(n: number): I32 {
    return i32.shl(this.#register(n), i32.const(5));
  }
  #inRegister(n: number): boolean {
    return this.#operand(n).kind !== "m";
  }

  xmm(n: number): V128 {
    if (!this.#inRegister(n)) this.aligned(this.address(n), 16);
    return this.xmmUnaligned(n);
  }
  xmmUnaligned(n: number): V128 {
    return this.f.let(
      this.#inRegister(n)
        ? v128.load(this.#xmmOffset(n), CONTEXT_OFFSET + YMM)
        : v128.load(this.#memory(n, 16, false), BIAS),
    );
  }
  setXmm(n: number, value: V128): void {
    if (!this.#inRegister(n)) this.aligned(this.address(n), 16);
    this.setXmmUnaligned(n, value);
  }
  setXmmUnaligned(n: number, value: V128): void {
    this.f.exec(
      this.#inRegister(n)
        ? v128.store(this.#xmmOffset(n), value, CONTEXT_OFFSET + YMM)
        : v128.store(this.#memory(n, 16, true), value, BIAS),
    );
  }

  vector(n: number): readonly V128[] {
    const { bytes } = this.#operand(n);
    if (this.#inRegister(n)) {
      const low = v128.load(this.#xmmOffset(n), CONTEXT_OFFSET + YMM);
      if (bytes === 16) return [this.f.let(low)];
      return [this.f.let(low), this.f.let(v128.load(this.#xmmOffset(n), CONTEXT_OFFSET + YMM + 16))];
    }
    const at = this.#memory(n, bytes, false);
    const low = this.f.let(v128.load(at, BIAS));
    return bytes === 16 ? [low] : [low, this.f.let(v128.load(at, BIAS + 16))];
  }
  setVector(n: number, halves: readonly V128[]): void {
    const { f } = this;
    const inRegister = this.#inRegister(n);
    const [low, high] = halves as [V128, V128 | undefined];
    // Both are computed before either is stored.
    const values = high === undefined ? [low] : [f.let(low), f.let(high)];
    const at = inRegister ? this.#xmmOffset(n) : this.#memory(n, halves.length * 16, true);
    const offset = inRegister ? CONTEXT_OFFSET + YMM : BIAS;
    values.forEach((v, half) => {
      f.exec(v128.store(at, v, offset + half * 16));
    });
    if (inRegister && high === undefined) f.exec(v128.store(at, v128.const(0n, 0n), offset + 16));
  }
  ymm(register: number, half: 0 | 1): V128 {
    return this.f.let(v128.load(ZERO, CONTEXT_OFFSET + YMM + register * YMM_SIZE + half * 16));
  }
  setYmm(register: number, half: 0 | 1, value: V128): void {
    this.f.exec(v128.store(ZERO, value, CONTEXT_OFFSET + YMM + register * YMM_SIZE + half * 16));
  }
  indices(n: number): readonly [V128, V128] {
    if (this.#operand(n).kind !== "g") throw new Error(`operand ${n} has no vector of indices`);
    const at = this.f.let(i32.shl(i32.load8_u(this.#pc, R_INDEX), i32.const(5)));
    const half = (h: number): V128 => this.f.let(v128.load(at, CONTEXT_OFFSET + YMM + h * 16));
    return [half(0), half(1)];
  }
  element(n: number, index: I64, address32: boolean): I64 {
    if (this.#operand(n).kind !== "g") throw new Error(`operand ${n} has no vector of indices`);
    const pc = this.#pc;
    const start = i64.add(i64.load(i32.load8_u(pc, R_BASE), CONTEXT_OFFSET), i64.load32_s(pc, R_DISP));
    const sum = i64.add(start, i64.shl(index, i64.load8_u(pc, R_SCALE)));
    const segment = i64.load(i32.load(pc, R_IMM), CONTEXT_OFFSET);
    return this.f.let(i64.add(address32 ? i64.and(sum, i64.const(0xffff_ffff)) : sum, segment));
  }

  /** Address and static offset of the low part of a vector operand. */
  #low(n: number, bytes: number, write: boolean): [I32, number] {
    if (this.#inRegister(n)) return [this.#xmmOffset(n), CONTEXT_OFFSET + YMM];
    return [this.#memory(n, bytes, write), BIAS];
  }
  low64(n: number): I64 {
    return this.f.let(i64.load(...this.#low(n, 8, false)));
  }
  low32(n: number): I32 {
    return this.f.let(i32.load(...this.#low(n, 4, false)));
  }
  lowF64(n: number): F64 {
    return this.f.let(f64.load(...this.#low(n, F64_BITS, false)));
  }
  lowF32(n: number): F32 {
    return this.f.let(f32.load(...this.#low(n, 4, false)));
  }
  setLow64(n: number, value: I64): void {
    const [at, offset] = this.#low(n, 8, true);
    this.f.exec(i64.store(at, value, offset));
  }
  setLow32(n: number, value: I32): void {
    const [at, offset] = this.#low(n, 4, true);
    this.f.exec(i32.store(at, value, offset));
  }
  setLowF64(n: number, value: F64): void {
    const [at, offset] = this.#low(n, 8, true);
    this.f.exec(f64.store(at, value, offset));
  }
  setLowF32(n: number, value: F32): void {
    const [at, offset] = this.#low(n, 4, true);
    this.f.exec(f32.store(at, value, offset));
  }

  mmx(n: number): I64 {
    if (!this.#inRegister(n)) return this.low64(n);
    return this.f.let(i64.load(i32.shl(this.#register(n), i32.const(4)), CONTEXT_OFFSET + X87_REGS));
  }
  setMmx(n: number, value: I64): void {
    if (!this.#inRegister(n)) {
      this.setLow64(n, value);
      return;
    }
    const at = i32.shl(this.#register(n), i32.const(4));
    this.f.exec(i64.store(at, value, CONTEXT_OFFSET + X87_REGS));
    this.f.exec(i64.store(at, i64.const(0xffff), CONTEXT_OFFSET + X87_REGS + 8));
  }

  careful(): I32 {
    return i32.load(ZERO, CONTEXT_OFFSET + SSE_CAREFUL);
  }
  rarely(condition: I32, body: () => void): void {
    this.f.if(condition, body);
  }
  excludes(_condition: I32): boolean {
    return false;
  }
  number(n: number): I32 {
    return this.#register(n);
  }

  rip(): I64 {
    return i64.load32_u(i32.shr_u(this.#pc, i32.const(2)), RIP_OF);
  }
  nextRip(): I64 {
    return i64.add(this.rip(), i64.load8_u(this.#pc, R_LENGTH));
  }

  trap(trap: Trap): void {
    this.#end.leave(this.f.call("i32", this.#shared.raise, [this.#pc, i32.const(trap)]));
  }
  trapAfter(trap: Trap): void {
    this.#end.leave(this.f.call("i32", this.#shared.raiseAfter, [this.#pc, i32.const(trap)]));
  }
  checkTarget(target: I64): void {
    const canonical = i64.eqz(i64.shr_u(i64.add(target, i64.const(0x8000_0000_0000n)), i64.const(48)));
    this.f.if(i32.eqz(canonical), () => this.trap(Trap.GeneralProtection));
  }
  jump(target: number | I64): void {
    if (typeof target === "number") {
      if (this.#operand(target).kind !== "j") throw new Error(`operand ${target} is no branch target`);
      this.#end.to(i32.load(this.#pc, R_IMM));
    } else this.#end.found(target);
  }
  computed(target: I64): void {
    this.f.drop(this.f.call("i32", this.#shared.note, [this.#pc, target]));
    this.#end.found(target);
  }
  done(): void {
    this.#end.next();
  }
}

/** Where in a record register operand n is: see layout.ts. */
function registerByte(operands: readonly Operand[], n: number): number {
  if (n < 2) return R_REGISTERS + n;
  const memory = operands.findIndex((o) => o.kind === "m" || o.kind === "g");
  if (memory < 0) return n === 2 ? R_BASE : R_INDEX;
  return n === 2 ? R_REGISTERS + memory : R_IMM;
}

function loadWord(size: Size, at: I32, offset: number): Word {
  switch (size) {
    case 1:
      return i32.load8_u(at, offset);
    case 2:
      return i32.load16_u(at, offset);
    case 4:
      return i32.load(at, offset);
    case 8:
      return i64.load(at, offset);
    default:
      throw new Error(`no integer of ${size} bytes`);
  }
}

function storeWord(size: Size, at: I32, value: Word, offset: number): ReturnType<typeof i32.store> {
  switch (size) {
    case 1:
      return i32.store8(at, value as I32, offset);
    case 2:
      return i32.store16(at, value as I32, offset);
    case 4:
      return i32.store(at, value as I32, offset);
    case 8:
      return i64.store(at, value as Local<"i64">, offset);
    default:
      throw new Error(`no integer of ${size} bytes`);
  }
}

function storeRegister(size: Size, at: I32, value: Word, offset: number): ReturnType<typeof i32.store> {
  if (size === 4) return i64.store(at, i64.extend_i32_u(value as I32), offset);
  return storeWord(size, at, value, offset);
}

class RecordFlags implements SemFlags {
  readonly #f: FunctionBuilder;
  readonly #shared: Shared;
  /** What `set` was last given, for a fused branch. */
  #last: LazyFlags | undefined;
  /** The same of the instruction before, which runs in the same handler. */
  #before: LazyFlags | undefined;

  constructor(f: FunctionBuilder, shared: Shared) {
    this.#f = f;
    this.#shared = shared;
  }

  /** Conditions are to be computed from what the instruction before has set, in the same handler and always. */
  follow(flags: RecordFlags): void {
    this.#before = flags.#last;
  }

  /** A condition on the flags that the definition has just set unconditionally, from the values at hand. */
  fusedCondition(code: number): I32 {
    if (this.#last === undefined) throw new Error("nothing to fuse a branch with");
    return this.#last.condition(code);
  }

  set(kind: FlagKind, size: Size, result: Word, src?: Word, aux?: I32): void {
    const f = this.#f;
    const w = wordOps(size);
    const dst = f.let(result);
    const kept = (): I32 => f.call("i32", this.#shared.flags.kept, []);
    this.#last = new LazyFlags(kind, size, { dst, src: src ?? w.const(0), aux: aux ?? ZERO, kept });
    if (keepsCarry(kind)) {
      // CC_PREVIOUS becomes CC_OP, unless that is an inc or dec, whose CC_PREVIOUS goes on.
      const op = f.let(i32.load(ZERO, CONTEXT_OFFSET + CC_OP));
      const steps = i32.le_u(i32.sub(op, i32.const(ccOp(FlagKind.Inc, 1))), i32.const(7));
      const previous = select(steps, i32.load(ZERO, CONTEXT_OFFSET + CC_PREVIOUS), op);
      f.exec(i32.store(ZERO, previous, CONTEXT_OFFSET + CC_PREVIOUS));
      f.exec(w.store(ZERO, dst, CONTEXT_OFFSET + CC_STEPPED));
      f.exec(i32.store(ZERO, i32.const(ccOp(kind, size)), CONTEXT_OFFSET + CC_OP));
      return;
    }
    f.exec(w.store(ZERO, dst, CONTEXT_OFFSET + CC_DST));
    if (src !== undefined) f.exec(w.store(ZERO, src, CONTEXT_OFFSET + CC_SRC));
    if (aux !== undefined) f.exec(i32.store(ZERO, aux, CONTEXT_OFFSET + CC_AUX));
    f.exec(i32.store(ZERO, i32.const(ccOp(kind, size)), CONTEXT_OFFSET + CC_OP));
  }
  setAll(value: I32): void {
    this.#f.exec(i32.store(ZERO, i32.and(value, i32.const(ARITHMETIC_FLAGS)), CONTEXT_OFFSET + CC_SRC));
    this.#f.exec(i32.store(ZERO, i32.const(ccOp(FlagKind.Explicit, 1)), CONTEXT_OFFSET + CC_OP));
  }
  update(mask: number, value: I32): void {
    const kept = i32.and(this.all(), i32.const(ARITHMETIC_FLAGS & ~mask));
    this.setAll(i32.or(kept, i32.and(value, i32.const(mask))));
  }
  condition(code: number): I32 {
    if (this.#before !== undefined) return this.#f.let(this.#before.condition(code));
    const holds = this.#f.call("i32", this.#shared.flags.conditions[code >> 1] as FunctionRef, []);
    return this.#f.let((code & 1) !== 0 ? i32.eqz(holds) : holds);
  }
  carry(): I32 {
    return this.condition(2);
  }
  all(): I32 {
    return this.#f.let(this.#f.call("i32", this.#shared.flags.all, []));
  }
  rest(): I32 {
    return this.#f.let(i32.load(ZERO, CONTEXT_OFFSET + EFLAGS_REST));
  }
  setRest(value: I32): void {
    this.#f.exec(i32.store(ZERO, value, CONTEXT_OFFSET + EFLAGS_REST));
  }
}
