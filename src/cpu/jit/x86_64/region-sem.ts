/** Definitions of x86_64 instructions instantiated for the translator. */
import { BIAS, CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { EFLAGS_REST, FS_BASE, GS_BASE, HIGH_SLOT, X87_REGS, ZERO_SLOT } from "../../isa/x86_64/context.ts";
import { ccOp, keepsCarry, LazyFlags } from "../../isa/x86_64/flags.ts";
import {
  ARITHMETIC_FLAGS,
  Flag,
  FlagKind,
  type Operand,
  type Sem,
  type SemFlags,
  type Size,
  type Word,
} from "../../isa/x86_64/sem.ts";
import type { X87Context } from "../../isa/x86_64/x87-stack.ts";
import {
  type F32,
  type F64,
  f32,
  f64,
  type I32,
  type I64,
  i32,
  i64,
  type Origin,
  select,
  type V128,
  v128,
  withOrigin,
} from "../../wasm/expr.ts";
import type { FunctionRef } from "../../wasm/module.ts";
import { f32x4, f64x2, i32x4, i64x2 } from "../../wasm/simd.ts";
import { carriedBy, FIRST_STEP, type KnownFlags, keepsCarryOf } from "../known-flags.ts";
import { RegionSem, type Surroundings } from "../region-sem.ts";
import { bit, CARRY_FLAG, FLAGS, OTHER_FLAGS, type StateSet, ZERO_FLAG } from "../state.ts";
import { X86Known } from "./known.ts";
import type { LinkedFlags, X86Instruction } from "./set.ts";
import { HIGH, LOW, type X86State } from "./state.ts";

const ZERO = i32.const(0);

export class X86RegionSem extends RegionSem implements Sem {
  declare readonly instruction: X86Instruction;
  readonly operands: readonly Operand[];
  readonly state: X86State;
  readonly flags: RegionFlags;
  readonly flagsDead: boolean;
  readonly flagsWanted: StateSet;
  #address: I64 | undefined;
  readonly #checked: (I32 | undefined)[] = [];

  constructor(state: X86State, instruction: X86Instruction, linked: LinkedFlags, surroundings: Surroundings) {
    super(state, instruction, surroundings);
    this.operands = instruction.operands;
    this.state = state;
    this.flagsDead = surroundings.flagsDead;
    this.flagsWanted = surroundings.flagsWanted;
    this.flags = new RegionFlags(this, linked, surroundings.known);
  }

  run(): void {
    // The address is the one before the instruction changes anything, on every path.
    const memory = this.operands.findIndex((o) => o.kind === "m");
    if (memory >= 0) this.address(memory);
    this.instruction.definition(this);
    this.effects.flags = this.flags.known;
  }
  override get knownFlags(): KnownFlags | undefined {
    return this.flags.known;
  }

  // General registers

  /** @param at context offset, as operands have it: the second byte of a register for AH to BH */
  #getGpr(at: number, size: Size): Word {
    const { f } = this;
    const n = at >> 3;
    this.uses(n);
    const whole = this.state.gpr(n);
    if (size === 8) return this.copy(withOrigin(whole, this.symbols.register(n)));
    if ((at & 7) !== 0) return f.let(i32.and(i32.shr_u(i32.wrap(whole), i32.const(8)), i32.const(0xff)));
    if (size === 4) return f.let(i32.wrap(whole));
    return f.let(i32.and(i32.wrap(whole), i32.const(size === 2 ? 0xffff : 0xff)));
  }
  #putGpr(at: number, size: Size, value: Word): void {
    const { f } = this;
    const n = at >> 3;
    const whole = this.state.gpr(n);
    this.writes(n, size >= 4);
    this.symbols.assign(n, size === 8 && this.isCertain ? (value as I64).origin : undefined);
    if (size === 8) f.set(whole, value as I64);
    else if (size === 4) f.set(whole, i64.extend_i32_u(value as I32));
    else {
      const shift = (at & 7) * 8;
      const mask = size === 2 ? 0xffffn : 0xffn << BigInt(shift);
      const low = i32.and(value as I32, i32.const(size === 2 ? 0xffff : 0xff));
      const placed = i64.extend_i32_u(shift === 0 ? low : i32.shl(low, i32.const(shift)));
      f.set(whole, i64.or(i64.and(whole, i64.const(~mask)), placed));
    }
  }
  gpr(register: number, size: Size): Word {
    return this.#getGpr(register * 8, size);
  }
  setGpr(register: number, size: Size, value: Word): void {
    this.#putGpr(register * 8, size, value);
  }

  // Operands

  #operand(n: number): Operand {
    const o = this.operands[n];
    if (o === undefined) throw new Error(`no operand ${n}`);
    return o;
  }
  #register(n: number): number {
    return this.instruction.registers[n] as number;
  }

  read(n: number): Word {
    const o = this.#operand(n);
    const size = o.bytes as Size;
    const { imm, immHigh } = this.instruction;
    switch (o.kind) {
      case "r":
        return this.#getGpr(this.#register(n), size);
      case "m":
        return this.f.let(loadWord(size, this.readable(this.address(n), size)));
      case "q":
        return i64.const((BigInt(immHigh) << 32n) | BigInt(imm >>> 0));
      case "i": {
        const bytes = o.bytes || (this.operands[0] as Operand).bytes;
        if (bytes === 8) return i64.const(imm);
        return i32.const(bytes === 1 ? imm & 0xff : bytes === 2 ? imm & 0xffff : imm);
      }
      default:
        throw new Error(`operand ${n} of kind ${o.kind} is not an integer`);
    }
  }
  modify(n: number): Word {
    const o = this.#operand(n);
    if (o.kind !== "m") return this.read(n);
    this.prepareWrite(n);
    return this.f.let(loadWord(o.bytes as Size, this.#checked[n] as I32));
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
      this.f.exec(storeWord(size, at, value));
    } else this.#putGpr(this.#register(n), size, value);
  }
  imm(n: number): I32 {
    if (this.#operand(n).kind !== "i") throw new Error(`operand ${n} is no immediate`);
    const second = this.operands.some((o, i) => i > n && o.kind === "i");
    return i32.const(second ? this.instruction.disp : this.instruction.imm);
  }
  number(n: number): I32 {
    return i32.const(this.#register(n));
  }

  // Memory

  /** The value of a part of an address, by the decoder's context offsets. */
  #part(at: number): I64 {
    if (at === ZERO_SLOT) return i64.const(0);
    if (at === HIGH_SLOT) return i64.const(0x1_0000_0000n);
    if (at === FS_BASE || at === GS_BASE) return i64.load(ZERO, CONTEXT_OFFSET + at);
    this.uses(at >> 3);
    return withOrigin(this.state.gpr(at >> 3), this.symbols.register(at >> 3));
  }
  address(n: number): I64 {
    if (this.#operand(n).kind !== "m") throw new Error(`operand ${n} is no memory`);
    const { base, index, scale, disp, segment, address32 } = this.instruction;
    if (this.#address === undefined) {
      const from = this.#part(base);
      const by = this.#part(index);
      let start = from;
      if (index !== ZERO_SLOT) {
        const plain = i64.add(from, i64.shl(by, i64.const(scale)));
        const known = from.origin !== undefined && by.origin !== undefined;
        if (known) start = withOrigin(plain, this.symbols.sum(from.origin as Origin, by.origin as Origin, scale));
        else if (from.constant === 0n && by.origin !== undefined)
          start = withOrigin(plain, this.symbols.scaled(by.origin, scale));
        else start = plain;
      }
      let sum = i64.add(start, i64.const(disp));
      if (address32) sum = i64.and(sum, i64.const(0xffff_ffffn));
      if (segment !== 0) sum = i64.add(sum, this.#part(segment));
      this.#address = sum.constant === undefined ? this.copy(sum) : sum;
    }
    return this.#address;
  }
  // Vector registers

  #inRegister(n: number): boolean {
    return this.#operand(n).kind !== "m";
  }
  #memory(n: number, bytes: number, write: boolean): I32 {
    const checked = this.#checked[n];
    if (checked !== undefined) return checked;
    return write ? this.writable(this.address(n), bytes) : this.readable(this.address(n), bytes);
  }
  #copyVector(value: V128): V128 {
    const copy = this.f.local("v128");
    this.f.set(copy, value);
    return copy;
  }
  ymm(register: number, half: 0 | 1): V128 {
    this.uses((half === 0 ? LOW : HIGH) + register);
    return this.#copyVector(this.state.vector(register, half));
  }
  setYmm(register: number, half: 0 | 1, value: V128): void {
    this.writes((half === 0 ? LOW : HIGH) + register, true);
    this.f.set(this.state.vector(register, half), value);
    if (half === 0) this.#besides.low[register] = undefined;
  }
  xmm(n: number): V128 {
    if (!this.#inRegister(n)) this.aligned(this.address(n), 16);
    return this.xmmUnaligned(n);
  }
  xmmUnaligned(n: number): V128 {
    if (this.#inRegister(n)) return this.ymm(this.#register(n), 0);
    return this.f.let(v128.load(this.#memory(n, 16, false), BIAS));
  }
  setXmm(n: number, value: V128): void {
    if (!this.#inRegister(n)) this.aligned(this.address(n), 16);
    this.setXmmUnaligned(n, value);
  }
  setXmmUnaligned(n: number, value: V128): void {
    if (this.#inRegister(n)) this.setYmm(this.#register(n), 0, value);
    else this.f.exec(v128.store(this.#memory(n, 16, true), value, BIAS));
  }
  vector(n: number): readonly V128[] {
    const { bytes } = this.#operand(n);
    if (this.#inRegister(n)) {
      const low = this.ymm(this.#register(n), 0);
      return bytes === 16 ? [low] : [low, this.ymm(this.#register(n), 1)];
    }
    const at = this.#memory(n, bytes, false);
    const low = this.f.let(v128.load(at, BIAS));
    return bytes === 16 ? [low] : [low, this.f.let(v128.load(at, BIAS + 16))];
  }
  setVector(n: number, halves: readonly V128[]): void {
    const { f } = this;
    const [low, high] = halves as [V128, V128 | undefined];
    const values = high === undefined ? [low] : [f.let(low), f.let(high)];
    if (this.#inRegister(n)) {
      this.setYmm(this.#register(n), 0, values[0] as V128);
      this.setYmm(this.#register(n), 1, values[1] ?? v128.const(0n, 0n));
      return;
    }
    const at = this.#memory(n, halves.length * 16, true);
    values.forEach((v, half) => {
      f.exec(v128.store(at, v, BIAS + half * 16));
    });
  }
  indices(n: number): readonly [V128, V128] {
    if (this.#operand(n).kind !== "g") throw new Error(`operand ${n} has no vector of indices`);
    const { index } = this.instruction;
    return [this.ymm(index, 0), this.ymm(index, 1)];
  }
  element(n: number, index: I64, address32: boolean): I64 {
    if (this.#operand(n).kind !== "g") throw new Error(`operand ${n} has no vector of indices`);
    const { base, scale, disp, segment } = this.instruction;
    const start = i64.add(this.#part(base), i64.const(disp));
    const sum = i64.add(start, i64.shl(index, i64.const(scale)));
    const cut = address32 ? i64.and(sum, i64.const(0xffff_ffffn)) : sum;
    return this.copy(segment === 0 ? cut : i64.add(cut, this.#part(segment)));
  }

  low64(n: number): I64 {
    if (this.#inRegister(n)) return this.f.let(i64x2.extract(this.ymm(this.#register(n), 0), 0));
    return this.f.let(i64.load(this.#memory(n, 8, false), BIAS));
  }
  low32(n: number): I32 {
    if (this.#inRegister(n)) return this.f.let(i32x4.extract(this.ymm(this.#register(n), 0), 0));
    return this.f.let(i32.load(this.#memory(n, 4, false), BIAS));
  }
  lowF64(n: number): F64 {
    const register = this.#register(n);
    if (this.#inRegister(n)) {
      if (this.#besides.low[register] !== "f64") return this.f.let(f64x2.extract(this.ymm(register, 0), 0));
      this.uses(LOW + register);
      return this.f.let(this.state.low64(register));
    }
    return this.f.let(f64.load(this.#memory(n, 8, false), BIAS));
  }
  lowF32(n: number): F32 {
    const register = this.#register(n);
    if (this.#inRegister(n)) {
      if (this.#besides.low[register] !== "f32") return this.f.let(f32x4.extract(this.ymm(register, 0), 0));
      this.uses(LOW + register);
      return this.f.let(this.state.low32(register));
    }
    return this.f.let(f32.load(this.#memory(n, 4, false), BIAS));
  }
  /** Changes a part of a vector register. */
  #insert(n: number, change: (old: V128) => V128): void {
    const register = this.#register(n);
    const local = this.state.vector(register, 0);
    this.writes(LOW + register, false);
    this.f.set(local, change(local));
    this.#besides.low[register] = undefined;
  }
  get #besides(): X86Known {
    this.symbols.besides ??= new X86Known();
    return this.symbols.besides as X86Known;
  }
  lowIsF64(n: number, value: F64): void {
    const register = this.#register(n);
    this.f.set(this.state.low64(register), value);
    if (this.isCertain) this.#besides.low[register] = "f64";
  }
  lowIsF32(n: number, value: F32): void {
    const register = this.#register(n);
    this.f.set(this.state.low32(register), value);
    if (this.isCertain) this.#besides.low[register] = "f32";
  }
  lowIsThatOf(n: number, other: number): void {
    if (!this.#inRegister(n) || !this.#inRegister(other)) return;
    const { low } = this.#besides;
    const from = this.#register(other);
    if (low[from] === "f64") this.lowIsF64(n, this.state.low64(from));
    else if (low[from] === "f32") this.lowIsF32(n, this.state.low32(from));
  }
  setLow64(n: number, value: I64): void {
    if (this.#inRegister(n)) this.#insert(n, (old) => i64x2.replace(old, 0, value));
    else this.f.exec(i64.store(this.#memory(n, 8, true), value, BIAS));
  }
  setLow32(n: number, value: I32): void {
    if (this.#inRegister(n)) this.#insert(n, (old) => i32x4.replace(old, 0, value));
    else this.f.exec(i32.store(this.#memory(n, 4, true), value, BIAS));
  }
  setLowF64(n: number, value: F64): void {
    if (this.#inRegister(n)) {
      const low = this.f.let(value);
      this.#insert(n, (old) => f64x2.replace(old, 0, low));
      this.lowIsF64(n, low);
    } else this.f.exec(f64.store(this.#memory(n, 8, true), value, BIAS));
  }
  setLowF32(n: number, value: F32): void {
    if (this.#inRegister(n)) {
      const low = this.f.let(value);
      this.#insert(n, (old) => f32x4.replace(old, 0, low));
      this.lowIsF32(n, low);
    } else this.f.exec(f32.store(this.#memory(n, 4, true), value, BIAS));
  }

  get x87(): X87Context | undefined {
    if (!this.state.lean) return undefined;
    return { locals: this.state.x87, known: this.#besides.x87 };
  }
  mmx(n: number): I64 {
    if (!this.#inRegister(n)) return this.low64(n);
    return this.f.let(i64.load(ZERO, CONTEXT_OFFSET + X87_REGS + this.#register(n) * 16));
  }
  setMmx(n: number, value: I64): void {
    if (!this.#inRegister(n)) {
      this.f.exec(i64.store(this.#memory(n, 8, true), value, BIAS));
      return;
    }
    const at = CONTEXT_OFFSET + X87_REGS + this.#register(n) * 16;
    this.f.exec(i64.store(ZERO, value, at));
    this.f.exec(i64.store(ZERO, i64.const(0xffff), at + 8));
  }
  jump(target: number | I64): void {
    this.leaveTo(typeof target === "number" ? undefined : target);
  }
  computed(target: I64): void {
    this.leaveTo(target);
  }
}

function loadWord(size: Size, at: I32): Word {
  switch (size) {
    case 1:
      return i32.load8_u(at, BIAS);
    case 2:
      return i32.load16_u(at, BIAS);
    case 4:
      return i32.load(at, BIAS);
    default:
      return i64.load(at, BIAS);
  }
}

function storeWord(size: Size, at: I32, value: Word): ReturnType<typeof i32.store> {
  switch (size) {
    case 1:
      return i32.store8(at, value as I32, BIAS);
    case 2:
      return i32.store16(at, value as I32, BIAS);
    case 4:
      return i32.store(at, value as I32, BIAS);
    default:
      return i64.store(at, value as I64, BIAS);
  }
}

/** The flags in locals. Where the kind is known, a condition is computed from its values, else by the shared functions. */
/** Which flags there are of each kind (../state.ts). */
const KINDS: readonly { readonly kind: number; readonly flags: number }[] = [
  { kind: CARRY_FLAG, flags: Flag.CF },
  { kind: ZERO_FLAG, flags: Flag.ZF },
  { kind: OTHER_FLAGS, flags: ARITHMETIC_FLAGS & ~(Flag.CF | Flag.ZF) },
];
/** Kinds that conditions depend on: o, b, e, be, s, p, l, le. */
const CONDITION_KINDS: readonly (readonly number[])[] = [
  [OTHER_FLAGS],
  [CARRY_FLAG],
  [ZERO_FLAG],
  [CARRY_FLAG, ZERO_FLAG],
  [OTHER_FLAGS],
  [OTHER_FLAGS],
  [OTHER_FLAGS],
  [OTHER_FLAGS, ZERO_FLAG],
];

class RegionFlags implements SemFlags {
  /** What is known after the instruction so far. */
  known: KnownFlags | undefined;
  readonly #sem: X86RegionSem;
  readonly #linked: LinkedFlags;
  constructor(sem: X86RegionSem, linked: LinkedFlags, known: KnownFlags | undefined) {
    this.#sem = sem;
    this.#linked = linked;
    this.known = known;
  }

  set(kind: FlagKind, size: Size, result: Word, src?: Word, aux?: I32, first?: Word): void {
    const { f, state } = this.#sem;
    const { flags } = state;
    const op = ccOp(kind, size);
    const wide = (v: Word): I64 => (size === 8 ? (v as I64) : i64.extend_i32_u(v as I32));
    const { effects } = this.#sem;
    if (keepsCarry(kind)) {
      this.#sem.merges(FLAGS);
      effects.steps = true;
      const before = this.known;
      if (this.#sem.flagsDead) return;
      if (before === undefined) {
        const steps = i32.le_u(i32.sub(flags.op, i32.const(FIRST_STEP)), i32.const(7));
        f.set(flags.previous, select(steps, flags.previous, flags.op));
      } else if (!keepsCarryOf(before.op)) f.set(flags.previous, i32.const(before.op));
      f.set(flags.stepped, wide(result));
      f.set(flags.op, i32.const(op));
      this.#learn({ op, previous: carriedBy(before), first: false });
      return;
    }
    this.#replaces();
    if (aux !== undefined) effects.aux = true;
    if (this.#sem.flagsDead) return;
    f.set(flags.dst, wide(result));
    if (src !== undefined) f.set(flags.src, wide(src));
    if (aux !== undefined) f.set(flags.aux, aux);
    // Only for conditions; the context has no place for it.
    if (first !== undefined) f.set(flags.first, wide(first));
    f.set(flags.op, i32.const(op));
    this.#learn({ op, previous: -1, first: first !== undefined });
  }
  #replaces(): void {
    this.#sem.writes(FLAGS, true);
    for (const { kind } of KINDS) this.#sem.kills(kind);
  }
  /** Asks about flags of certain kinds. */
  #uses(...kinds: readonly number[]): void {
    this.#sem.uses(FLAGS);
    for (const kind of kinds) this.#sem.uses(kind);
  }
  #learn(known: KnownFlags): void {
    this.known = this.#sem.isCertain ? known : undefined;
  }
  setAll(value: I32, compared?: readonly [F64, F64]): void {
    this.#replaces();
    this.#set(value, compared);
  }
  #set(value: I32, compared?: readonly [F64, F64]): void {
    const { f, state } = this.#sem;
    if (this.#sem.flagsDead) return;
    if (compared !== undefined) {
      f.set(state.compared[0], compared[0]);
      f.set(state.compared[1], compared[1]);
    }
    f.set(state.flags.src, i64.extend_i32_u(i32.and(value, i32.const(ARITHMETIC_FLAGS))));
    f.set(state.flags.op, i32.const(ccOp(FlagKind.Explicit, 1)));
    this.#learn({ op: ccOp(FlagKind.Explicit, 1), previous: -1, first: false, compared: compared !== undefined });
  }
  update(mask: number, value: I32): void {
    this.#sem.merges(FLAGS);
    let others = ARITHMETIC_FLAGS & ~mask;
    for (const { kind, flags } of KINDS) {
      if ((flags & others) === 0) this.#sem.kills(kind);
      if ((this.#sem.flagsWanted & bit(kind)) === 0n) others &= ~flags;
    }
    if (this.#sem.flagsDead) return;
    const changed = i32.and(this.#sem.f.let(value), i32.const(mask));
    this.#set(others === 0 ? changed : i32.or(changed, i32.and(this.#all(), i32.const(ARITHMETIC_FLAGS & ~mask))));
  }

  /** The flags as they follow from what is known. */
  #lazy({ op, previous, first }: KnownFlags): LazyFlags {
    const { flags } = this.#sem.state;
    const kind = (op >> 2) as FlagKind;
    const size = (1 << (op & 3)) as Size;
    const narrow = (v: I64): Word => (size === 8 ? v : i32.wrap(v));
    const explicit = kind === FlagKind.Explicit;
    return new LazyFlags(kind, size, {
      dst: narrow(keepsCarry(kind) ? flags.stepped : flags.dst),
      src: explicit ? i32.wrap(flags.src) : narrow(flags.src),
      aux: flags.aux,
      ...(first ? { first: narrow(flags.first) } : {}),
      kept: () =>
        previous >= 0
          ? this.#lazy({ op: previous, previous: -1, first: false }).carry()
          : this.#call(this.#linked.kept),
    });
  }
  /** A condition of what the comparison of two numbers gave. */
  #compared(code: number): I32 {
    const [left, right] = this.#sem.state.compared;
    const not = (negated: boolean, holds: I32): I32 => (negated ? i32.eqz(holds) : holds);
    const odd = (code & 1) !== 0;
    switch (code >> 1) {
      // Carry: less or unordered. With zero: not greater.
      case 1:
        return not(!odd, f64.ge(left, right));
      case 3:
        return not(!odd, f64.gt(left, right));
      // Zero: equal or unordered. The sign and overflow are 0, so this is what is less or equal, too.
      case 2:
      case 7:
        return not(!odd, i32.or(f64.lt(left, right), f64.gt(left, right)));
      case 5:
        return not(!odd, i32.and(f64.le(left, left), f64.le(right, right)));
      default:
        return i32.const(odd ? 1 : 0);
    }
  }
  /** By a function that looks at the context. */
  #call(fn: FunctionRef): I32 {
    const { f, state } = this.#sem;
    state.storeFlags();
    return f.let(f.call("i32", fn, []));
  }
  condition(code: number): I32 {
    const { f } = this.#sem;
    this.#uses(...(CONDITION_KINDS[code >> 1] as readonly number[]));
    const { known } = this;
    if (known?.compared) return f.let(this.#compared(code));
    if (known !== undefined) return f.let(this.#lazy(known).condition(code));
    const holds = this.#call(this.#linked.conditions[code >> 1] as FunctionRef);
    return f.let((code & 1) !== 0 ? i32.eqz(holds) : holds);
  }
  carry(): I32 {
    return this.condition(2);
  }
  all(): I32 {
    this.#uses(CARRY_FLAG, ZERO_FLAG, OTHER_FLAGS);
    return this.#all();
  }
  #all(): I32 {
    const { known } = this;
    if (known === undefined) return this.#call(this.#linked.all);
    return this.#sem.f.let(this.#lazy(known).all());
  }
  rest(): I32 {
    return this.#sem.f.let(i32.load(ZERO, CONTEXT_OFFSET + EFLAGS_REST));
  }
  setRest(value: I32): void {
    this.#sem.f.exec(i32.store(ZERO, value, CONTEXT_OFFSET + EFLAGS_REST));
  }
}
