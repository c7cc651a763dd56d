/** Instructions on masks (riscv-v-spec 1.0, chapter 15): 128 bits at once, as two halves. */
import { type I32, type I64, i32, i64, select } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../../wasm/module.ts";
import { VL, VLENB, VSTART, VTYPE } from "../context.ts";
import {
  c32,
  c64,
  DONE,
  Elements,
  fieldsOf,
  forEach,
  lmulOf,
  loadState,
  maskBit,
  operation,
  REGISTERS,
  sewOf,
  storeState,
  type Word,
  ZERO,
} from "./kit.ts";
import { checkType, groupSize, overlap, refuseIf, refuseUnaligned } from "./rules.ts";

const ONES = c64(-1);
const not = (v: I64): I64 => i64.xor(v, ONES);
const HALVES = [0, 1] as const;
type Half = 0 | 1;

/** Of the half, the bits below bit n of the whole. Uses n more than once. */
function below(n: I32, half: Half): I64 {
  const k = half === 0 ? n : i32.sub(n, c32(64));
  const some = i64.sub(i64.shl(c64(1), i64.extend_i32_u(k)), c64(1));
  const all = i32.ge_s(k, c32(64));
  return select(all, ONES, half === 0 ? some : select(i32.gt_s(k, ZERO), some, c64(0)));
}
const load = (register: I32, half: Half): I64 => i64.load(register, REGISTERS + half * 8);
function store(f: FunctionBuilder, register: I32, half: Half, value: I64): void {
  f.exec(i64.store(register, value, REGISTERS + half * 8));
}

type Logic = (a: I64, b: I64) => I64;
const LOGIC: Readonly<Record<string, Logic>> = {
  vmandn: (a, b) => i64.and(a, not(b)),
  vmand: i64.and,
  vmor: i64.or,
  vmxor: i64.xor,
  vmorn: (a, b) => i64.or(a, not(b)),
  vmnand: (a, b) => not(i64.and(a, b)),
  vmnor: (a, b) => not(i64.or(a, b)),
  vmxnor: (a, b) => not(i64.xor(a, b)),
};

function defineLogic(m: ModuleBuilder, name: string, logic: Logic): FunctionRef {
  return operation(m, name, (f, { vd, vs1, vs2 }) => {
    checkType(f);
    const vl = f.let(loadState(VL));
    const start = f.let(loadState(VSTART));
    for (const half of HALVES) {
      const valid = f.let(i64.and(below(vl, half), not(below(start, half))));
      const result = i64.and(logic(load(vs2, half), load(vs1, half)), valid);
      store(f, vd, half, i64.or(i64.and(load(vd, half), not(valid)), result));
    }
    storeState(f, VSTART, ZERO);
    f.return(DONE);
  });
}

/** Bits of elements that are not masked off. */
function active(f: FunctionBuilder, vm: I32, half: Half): I64 {
  const vl = f.let(loadState(VL));
  return f.let(i64.and(below(vl, half), select(vm, ONES, load(ZERO, half))));
}

/** The number of the first bit, 128 if there is none. Uses both more than once. */
const first = (low: I64, high: I64): I64 => select(i64.eqz(low), i64.add(i64.ctz(high), c64(64)), i64.ctz(low));

/** What the functions that give a number return if they refuse. */
export const NO_RESULT = -2;

/** (word) -> a number, or NO_RESULT */
function defineCount(m: ModuleBuilder, name: string, count: (low: I64, high: I64) => I64): FunctionRef {
  return m.func(`v.${name}`, ["i32"], ["i64"], (f) => {
    const { vs2, vm } = fieldsOf(f.param(0, "i32"));
    f.if(i32.or(i32.lt_s(loadState(VTYPE), ZERO), loadState(VSTART)), () => f.return(c64(NO_RESULT)));
    const [low, high] = HALVES.map((half) => f.let(i64.and(load(vs2, half), active(f, vm, half)))) as [I64, I64];
    f.return(count(low, high));
  });
}

/** Sets bits up to the first one (15.4 to 15.6). */
function defineSetFirst(m: ModuleBuilder, name: "vmsbf" | "vmsif" | "vmsof"): FunctionRef {
  return operation(m, name, (f, { vd, vs2, vm }) => {
    checkType(f);
    refuseIf(f, loadState(VSTART));
    refuseIf(f, i32.or(i32.eq(vd, vs2), i32.eqz(i32.or(vd, vm))));
    const masks = HALVES.map((half) => active(f, vm, half)) as [I64, I64];
    const [low, high] = HALVES.map((half) => f.let(i64.and(load(vs2, half), masks[half]))) as [I64, I64];
    const at = f.let(i32.wrap(first(low, high)));
    const behind = f.let(i32.add(at, c32(1)));
    for (const half of HALVES) {
      const upTo = below(name === "vmsbf" ? at : behind, half);
      const bits = name === "vmsof" ? i64.and(upTo, not(below(at, half))) : upTo;
      const mask = masks[half];
      store(f, vd, half, i64.or(i64.and(load(vd, half), not(mask)), i64.and(bits, mask)));
    }
    f.return(DONE);
  });
}

/** Where the destination is a group of elements as wide as SEW. */
function checkGroup(f: FunctionBuilder, { vd, vm }: Word): I32 {
  checkType(f);
  const size = groupSize(f, lmulOf(loadState(VTYPE)));
  refuseUnaligned(f, vd, size);
  refuseIf(f, i32.eqz(i32.or(vd, vm)));
  return size;
}

export function defineMask(m: ModuleBuilder): Record<string, FunctionRef> {
  const all: Record<string, FunctionRef> = {};
  for (const [name, logic] of Object.entries(LOGIC)) all[name] = defineLogic(m, name, logic);
  for (const name of ["vmsbf", "vmsif", "vmsof"] as const) all[name] = defineSetFirst(m, name);
  all["vcpop"] = defineCount(m, "vcpop", (low, high) => i64.add(i64.popcnt(low), i64.popcnt(high)));
  all["vfirst"] = defineCount(m, "vfirst", (low, high) => select(i64.eqz(i64.or(low, high)), ONES, first(low, high)));
  all["vid"] = operation(m, "vid", (f, fields) => {
    checkGroup(f, fields);
    const elements = new Elements(f, sewOf(loadState(VTYPE)));
    forEach(f, fields.vm, (i) => elements.store(fields.vd, i, i64.extend_i32_u(i)));
    f.return(DONE);
  });
  all["viota"] = operation(m, "viota", (f, fields) => {
    const size = checkGroup(f, fields);
    refuseIf(f, i32.or(loadState(VSTART), overlap(fields.vd, size, fields.vs2, c32(VLENB))));
    const elements = new Elements(f, sewOf(loadState(VTYPE)));
    const sum = f.local("i64");
    f.set(sum, c64(0));
    forEach(f, fields.vm, (i) => {
      elements.store(fields.vd, i, sum);
      f.set(sum, i64.add(sum, i64.extend_i32_u(maskBit(i, fields.vs2))));
    });
    f.return(DONE);
  });
  return all;
}
