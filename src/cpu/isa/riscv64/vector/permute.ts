/** Moves, slides, gathers (riscv-v-spec 1.0, chapter 16), and reductions of integers (chapter 14). */
import { type I32, type I64, i32, i64, select, v128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Local, ModuleBuilder } from "../../../wasm/module.ts";
import { VL, VLENB, VSTART, VTYPE } from "../context.ts";
import {
  c32,
  c64,
  DONE,
  Elements,
  type Extension,
  forEach,
  lmulOf,
  loadState,
  maskBit,
  maxElements,
  operation,
  REGISTERS,
  Second,
  sewOf,
  storeState,
  type Word,
  ZERO,
} from "./kit.ts";
import { check, checkFloat, checkType, groupSize, overlap, refuseIf, refuseUnaligned, useVectors } from "./rules.ts";

/** Number of elements that a group has: VLMAX, for comparisons with 64-bit indices. */
function capacity(f: FunctionBuilder): I64 {
  const vtype = f.let(loadState(VTYPE));
  return f.let(i64.extend_i32_u(maxElements(sewOf(vtype), lmulOf(vtype))));
}
const elementsOf = (f: FunctionBuilder): Elements => new Elements(f, f.let(sewOf(loadState(VTYPE))));
const wide = (v: I32): I64 => i64.extend_i32_u(v);

/** All 64 bits of the offset count: it is not an element. */
function offset(f: FunctionBuilder, word: I32, scalar: I64): I64 {
  const isImmediate = i32.eq(i32.and(word, c32(0x7000)), c32(0x3000));
  return f.let(select(isImmediate, wide(i32.shr_u(i32.shl(word, c32(12)), c32(27))), scalar));
}

function defineSlideUp(m: ModuleBuilder): FunctionRef {
  return operation(m, "vslideup", (f, fields, scalar) => {
    check(f, fields, { vd: 0, vs2: 0, apart: true });
    const elements = elementsOf(f);
    const by = offset(f, fields.word, scalar);
    forEach(f, fields.vm, (i, skip) => {
      f.brIf(skip, i64.lt_u(wide(i), by));
      elements.store(fields.vd, i, f.let(elements.load(fields.vs2, i32.sub(i, i32.wrap(by)), "u")));
    });
    f.return(DONE);
  });
}

function defineSlideDown(m: ModuleBuilder): FunctionRef {
  return operation(m, "vslidedown", (f, fields, scalar) => {
    check(f, fields, { vd: 0, vs2: 0 });
    const elements = elementsOf(f);
    const by = offset(f, fields.word, scalar);
    const most = capacity(f);
    forEach(f, fields.vm, (i) => {
      elements.store(fields.vd, i, pick(f, elements, fields.vs2, i64.add(wide(i), by), most, by));
    });
    f.return(DONE);
  });
}

/** The element with an index, or 0 if there is none, or if `also` is beyond as well. */
function pick(f: FunctionBuilder, elements: Elements, group: I32, index: I64, most: I64, also?: I64): I64 {
  const at = f.let(index);
  const value = f.local("i64");
  f.set(value, c64(0));
  const inside = i64.lt_u(at, most);
  f.if(also === undefined ? inside : i32.and(inside, i64.lt_u(also, most)), () =>
    f.set(value, elements.load(group, i32.wrap(at), "u")),
  );
  return value;
}

/** One element further, and the scalar where there is room. */
function defineSlide1(m: ModuleBuilder, name: string, up: boolean, unbox: FunctionRef | undefined): FunctionRef {
  return operation(m, name, (f, fields, scalar) => {
    check(f, fields, { vd: 0, vs2: 0, ...(up ? { apart: true } : {}), ...(unbox ? { float: "plain" } : {}) });
    const elements = elementsOf(f);
    if (unbox !== undefined) f.set(scalar, f.call("i64", unbox, [scalar, elements.size]));
    const place = up ? ZERO : f.let(i32.sub(loadState(VL), c32(1)));
    forEach(f, fields.vm, (i) => {
      const value = f.local("i64");
      f.set(value, scalar);
      f.if(i32.ne(i, place), () =>
        f.set(value, elements.load(fields.vs2, up ? i32.sub(i, c32(1)) : i32.add(i, c32(1)), "u")),
      );
      elements.store(fields.vd, i, value);
    });
    f.return(DONE);
  });
}

function defineGather(m: ModuleBuilder): FunctionRef {
  return operation(m, "vrgather", (f, fields, scalar) => {
    check(f, fields, { vd: 0, vs2: 0, vs1: 0, apart: true });
    const elements = elementsOf(f);
    const most = capacity(f);
    const by = offset(f, fields.word, scalar);
    const second = new Second(f, fields, scalar, elements, "u");
    forEach(f, fields.vm, (i) => {
      const index = f.local("i64");
      f.set(index, by);
      f.if(second.isVector, () => f.set(index, second.at(i)));
      elements.store(fields.vd, i, pick(f, elements, fields.vs2, index, most));
    });
    f.return(DONE);
  });
}

/** Indices of 16 bits, whatever SEW is. */
function defineGather16(m: ModuleBuilder): FunctionRef {
  return operation(m, "vrgatherei16", (f, fields) => {
    const { vd, vs1, vs2 } = fields;
    check(f, fields, { vd: 0, vs2: 0, apart: true });
    const vtype = f.let(loadState(VTYPE));
    const sew = f.let(sewOf(vtype));
    const lmul = f.let(lmulOf(vtype));
    const indexLmul = f.let(i32.add(i32.sub(c32(1), sew), lmul));
    refuseIf(f, i32.gt_u(i32.add(indexLmul, c32(3)), c32(6)));
    const size = groupSize(f, lmul);
    const indexSize = groupSize(f, indexLmul);
    refuseUnaligned(f, vs1, indexSize);
    refuseIf(f, overlap(vd, size, vs1, indexSize));
    const elements = new Elements(f, sew);
    const indices = new Elements(f, c32(1));
    const most = capacity(f);
    forEach(f, fields.vm, (i) => elements.store(vd, i, pick(f, elements, vs2, indices.load(vs1, i, "u"), most)));
    f.return(DONE);
  });
}

function defineCompress(m: ModuleBuilder): FunctionRef {
  return operation(m, "vcompress", (f, fields) => {
    const { vd, vs1, vs2 } = fields;
    check(f, fields, { vd: 0, vs2: 0, apart: true, fromStart: true });
    refuseIf(f, overlap(vd, groupSize(f, lmulOf(loadState(VTYPE))), vs1, c32(VLENB)));
    const elements = elementsOf(f);
    const to = f.local("i32");
    f.set(to, ZERO);
    forEach(f, undefined, (i, skip) => {
      f.brIf(skip, i32.eqz(maskBit(i, vs1)));
      elements.store(vd, to, f.let(elements.load(vs2, i, "u")));
      f.set(to, i32.add(to, c32(1)));
    });
    f.return(DONE);
  });
}

/** Whole registers, whatever vtype is (16.6). */
function defineMoveWhole(m: ModuleBuilder, count: number): FunctionRef {
  return operation(m, `vmv${count}r`, (f, { vd, vs2 }) => {
    refuseUnaligned(f, i32.or(vd, vs2), c32(count * VLENB));
    useVectors(f);
    const sew = f.let(sewOf(loadState(VTYPE)));
    f.if(loadState(VSTART), () => {
      const elements = new Elements(f, sew);
      const copy = (i: Local<"i32">): void => elements.store(vd, i, f.let(elements.load(vs2, i, "u")));
      forEach(f, undefined, copy, i32.shr_u(c32(count * VLENB), sew));
      f.return(DONE);
    });
    for (let at = 0; at < count * VLENB; at += VLENB)
      f.exec(v128.store(vd, v128.load(vs2, REGISTERS + at), REGISTERS + at));
    f.return(DONE);
  });
}

/** The scalar to element 0, if there is any element (16.1, 16.2). */
function defineMoveToElement(m: ModuleBuilder, name: string, unbox: FunctionRef | undefined): FunctionRef {
  return operation(m, name, (f, { vd }, scalar) => {
    checkType(f);
    const elements = elementsOf(f);
    if (unbox !== undefined) {
      checkFloat(f, elements.size, "plain");
      f.set(scalar, f.call("i64", unbox, [scalar, elements.size]));
    }
    f.if(i32.lt_u(loadState(VSTART), loadState(VL)), () => elements.store(vd, ZERO, scalar));
    storeState(f, VSTART, ZERO);
    f.return(DONE);
  });
}

/** The vector of a scalar, or a mixture of it and a vector: those of integers do it, once the number is out of its box. */
function defineUnboxed(m: ModuleBuilder, name: string, unbox: FunctionRef, then: FunctionRef): FunctionRef {
  return m.func(`v.${name}`, ["i32", "i64"], ["i32"], (f) => {
    checkType(f);
    const sew = f.let(sewOf(loadState(VTYPE)));
    checkFloat(f, sew, "plain");
    // Its second operand looks like an integer register then.
    const word = i32.and(f.param(0, "i32"), c32(~0x1000));
    f.return(f.call("i32", then, [word, f.call("i64", unbox, [f.param(1, "i64"), sew])]));
  });
}

interface Reduction {
  readonly as: Extension;
  readonly widens?: true;
  readonly reduce: (sum: I64, element: I64) => I64;
}
const least = (holds: (a: I64, b: I64) => I32) => (a: I64, b: I64) => select(holds(a, b), a, b);
const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  vredsum: { as: "u", reduce: i64.add },
  vredand: { as: "u", reduce: i64.and },
  vredor: { as: "u", reduce: i64.or },
  vredxor: { as: "u", reduce: i64.xor },
  vredminu: { as: "u", reduce: least(i64.lt_u) },
  vredmin: { as: "s", reduce: least(i64.lt_s) },
  vredmaxu: { as: "u", reduce: least(i64.gt_u) },
  vredmax: { as: "s", reduce: least(i64.gt_s) },
  vwredsumu: { as: "u", widens: true, reduce: i64.add },
  vwredsum: { as: "s", widens: true, reduce: i64.add },
};

/** From the scalar in element 0 of vs1, over the elements of vs2, to element 0 of vd; nothing without elements. */
export function reduceOver(
  f: FunctionBuilder,
  { vd, vs1, vs2, vm }: Word,
  as: Extension,
  widens: boolean,
  reduce: (sum: Local<"i64">, element: I64, size: I32) => I64,
): void {
  const elements = elementsOf(f);
  const result = widens ? new Elements(f, elements.size, 1) : elements;
  f.if(i32.eqz(loadState(VL)), () => f.return(DONE));
  const sum = f.local("i64");
  f.set(sum, result.load(vs1, ZERO, as));
  forEach(f, vm, (i) => f.set(sum, reduce(sum, f.let(elements.load(vs2, i, as)), elements.size)));
  result.store(vd, ZERO, sum);
  f.return(DONE);
}

export function definePermute(
  m: ModuleBuilder,
  unbox: FunctionRef,
  integer: Readonly<Record<string, FunctionRef>>,
): Record<string, FunctionRef> {
  const all: Record<string, FunctionRef> = {
    vslideup: defineSlideUp(m),
    vslidedown: defineSlideDown(m),
    vslide1up: defineSlide1(m, "vslide1up", true, undefined),
    vslide1down: defineSlide1(m, "vslide1down", false, undefined),
    vfslide1up: defineSlide1(m, "vfslide1up", true, unbox),
    vfslide1down: defineSlide1(m, "vfslide1down", false, unbox),
    vrgather: defineGather(m),
    vrgatherei16: defineGather16(m),
    vcompress: defineCompress(m),
    "vmv.s.x": defineMoveToElement(m, "vmv.s.x", undefined),
    "vfmv.s.f": defineMoveToElement(m, "vfmv.s.f", unbox),
    "vfmv.v": defineUnboxed(m, "vfmv.v", unbox, integer["vmv.v"] as FunctionRef),
    vfmerge: defineUnboxed(m, "vfmerge", unbox, integer["vmerge"] as FunctionRef),
  };
  for (const count of [1, 2, 4, 8]) all[`vmv${count}r`] = defineMoveWhole(m, count);
  for (const [name, { as, widens, reduce }] of Object.entries(REDUCTIONS))
    all[name] = operation(m, name, (f, fields) => {
      check(f, fields, { vd: "scalar", vs2: 0, fromStart: true });
      if (widens === true) refuseIf(f, i32.eq(sewOf(loadState(VTYPE)), c32(3)));
      reduceOver(f, fields, as, widens ?? false, reduce);
    });
  // (word) -> element 0, extended with its sign
  all["vmv.x.s"] = m.func("v.vmv.x.s", ["i32"], ["i64"], (f) => {
    const group = i32.and(i32.shr_u(f.param(0, "i32"), c32(16)), c32(0x1f0));
    storeState(f, VSTART, ZERO);
    f.return(elementsOf(f).load(group, ZERO, "s"));
  });
  return all;
}
