/**
 * What vector instructions are made of. (Numbers of sections are of riscv-v-spec 1.0.)
 *
 * Each operation is one function of the module, for all of its encodings, element widths and groups:
 *
 *     (word, scalar) -> 0, or REFUSED with nothing changed
 *
 * `word` is the instruction, a constant where a translated program calls; `scalar` is x[rs1] or f[rs1], if it has one. vtype, vl,
 * vstart and the registers are in the context, always: translated code keeps nothing of them in locals.
 *
 * The loop over elements is generic in the width. An element is loaded as 64 bits, whatever is behind it, and shifted
 * up and down again to extend it (or up alone: what is at the top of 64 bits overflows where 64 bits do, and compares as they
 * do, so most operations need no case for each width). It is stored by changing its bits in 64. Behind v31 there is room for
 * that in the context.
 *
 * What is masked off and the tail are left as they are, whatever vta and vma say ("undisturbed", which agnostic allows, 3.4.3).
 */
import { CONTEXT_OFFSET } from "../../../../mm/layout.ts";
import { Trap } from "../../../core.ts";
import { type I32, type I64, i32, i64, select } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Label, Local, ModuleBuilder } from "../../../wasm/module.ts";
import { V, VL, VSTART } from "../context.ts";
import type { Sem } from "../sem.ts";

export const c32: (value: number | bigint) => I32 = i32.const;
export const c64: (value: number | bigint) => I64 = i64.const;
export const ZERO: I32 = c32(0);

export const DONE: I32 = ZERO;
export const REFUSED: I32 = c32(1);

/** Where v0 is in memory. */
export const REGISTERS: number = CONTEXT_OFFSET + V;

export const loadState = (at: number): I32 => i32.load(ZERO, CONTEXT_OFFSET + at);
export function storeState(f: FunctionBuilder, at: number, value: I32): void {
  f.exec(i32.store(ZERO, value, CONTEXT_OFFSET + at));
}

/** Fields of the instruction. */
export interface Word {
  readonly word: I32;
  /** The numbers, times 16: offsets from REGISTERS. */
  readonly vd: I32;
  readonly vs1: I32;
  readonly vs2: I32;
  /** Not 0: there is no mask. */
  readonly vm: I32;
}

export function fieldsOf(word: I32): Word {
  const offset = (shift: number): I32 => i32.and(i32.shr_u(word, c32(shift)), c32(0x1f0));
  return { word, vd: offset(3), vs1: offset(11), vs2: offset(16), vm: i32.and(word, c32(1 << 25)) };
}

/** log2 of SEW / 8, and of LMUL. */
export const sewOf = (vtype: I32): I32 => i32.and(i32.shr_u(vtype, c32(3)), c32(7));
export const lmulOf = (vtype: I32): I32 => i32.shr_s(i32.shl(vtype, c32(29)), c32(29));
/** Not negative: 0 instead. Uses it twice. */
export const atLeast0 = (v: I32): I32 => i32.and(v, i32.xor(i32.shr_s(v, c32(31)), c32(-1)));
/** funct3 is 0 to 2 where the second operand is a vector, 3 where it is an immediate. */
export const isVector = (word: I32): I32 => i32.lt_u(i32.and(word, c32(0x7000)), c32(0x3000));

/** The function of an operation. */
export function operation(
  m: ModuleBuilder,
  name: string,
  body: (f: FunctionBuilder, fields: Word, scalar: Local<"i64">) => void,
): FunctionRef {
  return m.func(`v.${name}`, ["i32", "i64"], ["i32"], (f) => {
    const { word, vd, vs1, vs2, vm } = fieldsOf(f.param(0, "i32"));
    body(f, { word, vd: f.let(vd), vs1: f.let(vs1), vs2: f.let(vs2), vm: f.let(vm) }, f.param(1, "i64"));
  });
}

/** How a definition has the operation done. */
export function perform(s: Sem, fn: FunctionRef, scalar: I64 = c64(0)): void {
  s.f.if(s.f.call("i32", fn, [s.imm32(), scalar]), () => s.trap(Trap.IllegalInstruction));
}

/** As what elements are loaded: extended with the sign or with zeros, or at the top of 64 bits with anything below cut off. */
export type Extension = "s" | "u" | "top";

/** Elements as wide as SEW, or 2 ** plus times as wide: computed once before a loop. */
export class Elements {
  /** log2 of the bytes, and 64 less the bits. */
  readonly size: I32;
  readonly up: I64;
  readonly #f: FunctionBuilder;

  constructor(f: FunctionBuilder, sew: I32, plus = 0) {
    this.#f = f;
    this.size = f.let(i32.add(sew, c32(plus)));
    this.up = f.let(i64.extend_i32_u(i32.sub(c32(64), i32.shl(c32(8), this.size))));
  }
  /** Where element i of a group is, from REGISTERS. */
  at(group: I32, i: I32): I32 {
    return i32.add(group, i32.shl(i, this.size));
  }
  extend(value: I64, as: Extension): I64 {
    const top = i64.shl(value, this.up);
    return as === "top" ? top : as === "s" ? i64.shr_s(top, this.up) : i64.shr_u(top, this.up);
  }
  load(group: I32, i: I32, as: Extension): I64 {
    return this.extend(i64.load(this.at(group, i), REGISTERS), as);
  }
  /** From the top of 64 bits down, to be stored. */
  down(value: I64): I64 {
    return i64.shr_u(value, this.up);
  }
  store(group: I32, i: I32, value: I64): void {
    const f = this.#f;
    const at = f.let(this.at(group, i));
    const old = i64.load(at, REGISTERS);
    // The bits of `old` that differ and belong to the element.
    const changed = this.extend(i64.xor(old, value), "u");
    f.exec(i64.store(at, i64.xor(old, changed), REGISTERS));
  }
  get bits(): I64 {
    return i64.sub(c64(64), this.up);
  }
}

/** Bit i of a mask register, v0 if none is given. */
export function maskBit(i: I32, register?: I32): I32 {
  const byte = i32.shr_u(i, c32(3));
  const bits = i32.load8_u(register === undefined ? byte : i32.add(register, byte), REGISTERS);
  return i32.and(i32.shr_u(bits, i32.and(i, c32(7))), c32(1));
}
/** Stores bit i of a mask register. Uses i more than once. */
export function setMaskBit(f: FunctionBuilder, register: I32, i: I32, bit: I32): void {
  const at = f.let(i32.add(register, i32.shr_u(i, c32(3))));
  const place = f.let(i32.and(i, c32(7)));
  const others = i32.and(i32.load8_u(at, REGISTERS), i32.rotl(c32(-2), place));
  f.exec(i32.store8(at, i32.or(others, i32.shl(bit, place)), REGISTERS));
}

/**
 * Runs the body for each element from vstart up to `limit` (vl, if none is given) that is not masked off; `vm` undefined: for
 * all of them. Then vstart is 0.
 */
export function forEach(
  f: FunctionBuilder,
  vm: I32 | undefined,
  body: (i: Local<"i32">, skip: Label) => void,
  limit?: I32,
): void {
  const i = f.local("i32");
  f.set(i, loadState(VSTART));
  const end = f.let(limit ?? loadState(VL));
  f.block((done) => {
    f.loop((again) => {
      f.brIf(done, i32.ge_u(i, end));
      f.block((skip) => {
        if (vm !== undefined) f.brIf(skip, i32.eqz(i32.or(vm, maskBit(i))));
        f.scope(() => body(i, skip));
      });
      f.set(i, i32.add(i, c32(1)));
      f.br(again);
    });
  });
  storeState(f, VSTART, ZERO);
}

/** The second operand: a vector's elements, or the scalar, or an immediate. */
export class Second {
  readonly #isVector: I32;
  readonly #vs1: I32;
  readonly #scalar: I64;
  readonly #elements: Elements;
  readonly #as: Extension;
  readonly #f: FunctionBuilder;

  /** @param immediate what the five bits are, if the operation has them */
  constructor(
    f: FunctionBuilder,
    { word, vs1 }: Word,
    scalar: I64,
    elements: Elements,
    as: Extension,
    immediate?: "signed" | "unsigned",
  ) {
    this.#f = f;
    this.#vs1 = vs1;
    this.#elements = elements;
    this.#as = as;
    const isImmediate = i32.eq(i32.and(word, c32(0x7000)), c32(0x3000));
    this.#isVector = f.let(isVector(word));
    const shift = immediate === "unsigned" ? i32.shr_u : i32.shr_s;
    const value =
      immediate === undefined
        ? scalar
        : select(isImmediate, i64.extend_i32_s(shift(i32.shl(word, c32(12)), c32(27))), scalar);
    this.#scalar = f.let(elements.extend(value, as));
  }
  get isVector(): I32 {
    return this.#isVector;
  }
  /** The scalar's bits, of which those that an element has count. */
  get scalar(): I64 {
    return this.#as === "top" ? this.#elements.down(this.#scalar) : this.#scalar;
  }
  at(i: I32): I64 {
    const value = this.#f.local("i64");
    this.#f.set(value, this.#scalar);
    this.#f.if(this.#isVector, () => this.#f.set(value, this.#elements.load(this.#vs1, i, this.#as)));
    return value;
  }
}

/** VLMAX. */
export function maxElements(sew: I32, lmul: I32): I32 {
  return i32.shl(c32(1), i32.add(i32.sub(c32(4), sew), lmul));
}
