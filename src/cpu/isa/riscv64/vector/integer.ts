/** Vector integer arithmetic (riscv-v-spec 1.0, chapter 11) and fixed-point arithmetic (chapter 12). */
import { type I32, type I64, i32, i64, select } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../../wasm/module.ts";
import { defineProductHigh, type ProductHigh } from "../../../wasm/wide.ts";
import { VTYPE, VXRM, VXSAT } from "../context.ts";
import { type Chunks, inChunks } from "./chunks.ts";
import type { Inlining } from "./inline.ts";
import {
  c32,
  c64,
  DONE,
  Elements,
  type Extension,
  forEach,
  loadState,
  maskBit,
  operation,
  Second,
  setMaskBit,
  sewOf,
  storeState,
  ZERO,
} from "./kit.ts";
import { lanes, merging, saturating as saturatingLanes } from "./lanes.ts";
import { check, type Rules, type Width } from "./rules.ts";

/** What an operation is done with: its operands, evaluated, and what is known of the width. */
interface Operands {
  readonly f: FunctionBuilder;
  readonly a: I64;
  readonly b: I64;
  /** The destination's element, extended as `a` is. */
  readonly d: I64;
  readonly carry: I32;
  /** The elements of the first operand. */
  readonly elements: Elements;
  readonly is64: I32;
}

interface Operation {
  /** Widths of destination and first operand; the second's is SEW. */
  readonly vd?: Width | "mask";
  readonly vs2?: Width;
  /** How operands are loaded. `top` results are shifted down before they are stored. */
  readonly a: Extension;
  readonly b: Extension;
  readonly immediate?: "signed" | "unsigned";
  readonly accumulates?: true;
  /** The mask is an operand: 0 where there is none. */
  readonly carries?: true;
  readonly isTop?: true;
  readonly chunks?: Chunks;
  /** Evaluates its operands once each, or in any order. */
  compute(operands: Operands): I64;
}

const ONES = c64(-1);
const bool = (v: I32): I64 => i64.extend_i32_u(v);
const signOf = (v: I64): I64 => i64.shr_s(v, c64(63));
const MAX = c64((1n << 63n) - 1n);
const MIN = c64(-(1n << 63n));

type Binary = (a: I64, b: I64) => I64;
type Compare = (a: I64, b: I64) => I32;

/** Results of which only the low bits count, whatever the width. */
const plain = (compute: Binary, more: Partial<Operation> = {}): Operation => ({
  a: "u",
  b: "u",
  ...more,
  compute: ({ a, b }) => compute(a, b),
});
/** Compared at the top, where all widths compare alike. */
const chosen = (holds: Compare, more: Partial<Operation> = {}): Operation => ({
  a: "top",
  b: "top",
  isTop: true,
  ...more,
  compute: ({ a, b }) => select(holds(a, b), a, b),
});
const comparison = (holds: Compare, more: Partial<Operation> = {}): Operation => ({
  vd: "mask",
  a: "top",
  b: "top",
  ...more,
  compute: ({ a, b }) => bool(holds(a, b)),
});
const SIGNED = { immediate: "signed" } as const;
const UNSIGNED = { immediate: "unsigned" } as const;

/** The count is taken modulo the width of what is shifted. */
const shift = (op: Binary, as: Extension, more: Partial<Operation> = {}): Operation => ({
  a: as,
  b: "u",
  ...UNSIGNED,
  ...more,
  compute: ({ a, b, elements }) => op(a, i64.and(b, i64.sub(elements.bits, c64(1)))),
});
const accumulate = (compute: (d: I64, a: I64, b: I64) => I64, chunks: Chunks): Operation => ({
  a: "u",
  b: "u",
  accumulates: true,
  chunks,
  compute: ({ d, a, b }) => compute(d, a, b),
});
const widening = (compute: Binary, a: Extension, b: Extension, vs2: Width = 0): Operation => ({
  vd: 1,
  vs2,
  a,
  b,
  compute: (o) => compute(o.a, o.b),
});
const wideAccumulate = (a: Extension, b: Extension): Operation => ({
  vd: 1,
  a,
  b,
  accumulates: true,
  compute: (o) => i64.add(o.d, i64.mul(o.a, o.b)),
});

/** By zero there is a result, and where wasm would trap. */
function divide(signed: boolean, remainder: boolean): Operation {
  const as = signed ? "s" : "u";
  return {
    a: as,
    b: as,
    compute({ f, a, b }) {
      const result = f.local("i64");
      f.set(result, remainder ? a : ONES);
      f.if(i64.ne(b, c64(0)), () => {
        if (!signed) f.set(result, (remainder ? i64.rem_u : i64.div_u)(a, b));
        else if (remainder) f.set(result, i64.rem_s(a, b));
        else
          f.if(
            i64.eq(b, ONES),
            () => f.set(result, i64.sub(c64(0), a)),
            () => f.set(result, i64.div_s(a, b)),
          );
      });
      return result;
    },
  };
}

/** The upper half of a product. */
function high(productHigh: ProductHigh, a: Extension, b: Extension): Operation {
  return {
    a,
    b,
    compute({ f, a: x, b: y, elements, is64 }) {
      const result = f.local("i64");
      f.if(
        is64,
        () => f.set(result, highOf(f, productHigh, x, y, a === "s", b === "s")),
        () => f.set(result, i64.shr_u(i64.mul(x, y), elements.bits)),
      );
      return result;
    },
  };
}
/** Of 64 bits each. */
function highOf(f: FunctionBuilder, productHigh: ProductHigh, a: I64, b: I64, signedA: boolean, signedB: boolean): I64 {
  let result = productHigh(f, a, b);
  if (signedA) result = i64.sub(result, i64.and(signOf(a), b));
  if (signedB) result = i64.sub(result, i64.and(signOf(b), a));
  return result;
}

const saturated = (f: FunctionBuilder): void => storeState(f, VXSAT, c32(1));

/** At the top of 64 bits all widths overflow alike. */
function saturating(name: "add" | "sub", signed: boolean): Operation {
  return {
    a: "top",
    b: "top",
    isTop: true,
    chunks: saturatingLanes(name, signed),
    ...(name === "add" ? SIGNED : {}),
    compute({ f, a, b, elements }) {
      const r = f.local("i64");
      f.set(r, i64[name](a, b));
      if (signed) {
        // Of a sum, if both operands' signs differ from the result's; of a difference, if a's differs from it and from b's.
        const other = name === "add" ? b : i64.xor(b, ONES);
        const overflows = i64.and(i64.xor(a, r), i64.xor(other, r));
        f.if(i64.lt_s(overflows, c64(0)), () => {
          saturated(f);
          f.set(r, i64.xor(signOf(a), MAX));
        });
      } else {
        const overflows = name === "add" ? i64.lt_u(r, a) : i64.gt_u(r, a);
        f.if(overflows, () => {
          saturated(f);
          f.set(r, name === "add" ? elements.extend(ONES, "top") : c64(0));
        });
      }
      return r;
    },
  };
}

/** Half of a sum or difference, rounded; what is lost is one bit. */
function averaging(name: "add" | "sub", signed: boolean, round: FunctionRef): Operation {
  const as = signed ? "s" : "u";
  const half = (v: I64): I64 => (signed ? i64.shr_s : i64.shr_u)(v, c64(1));
  return {
    a: as,
    b: as,
    compute({ f, a, b }) {
      const differing = f.let(i64.xor(a, b));
      const down =
        name === "add"
          ? i64.add(i64.and(a, b), half(differing))
          : i64.sub(half(differing), i64.and(i64.xor(a, ONES), b));
      return f.call("i64", round, [down, i64.shl(differing, c64(63))]);
    },
  };
}

/** What a shift to the right loses, at the top of 64 bits. */
const lost = (a: I64, count: I64): I64 => select(i64.eqz(count), c64(0), i64.shl(a, i64.sub(c64(64), count)));

function roundingShift(signed: boolean, round: FunctionRef): Operation {
  return {
    a: signed ? "s" : "u",
    b: "u",
    ...UNSIGNED,
    compute({ f, a, b, elements }) {
      const count = f.let(i64.and(b, i64.sub(elements.bits, c64(1))));
      return f.call("i64", round, [(signed ? i64.shr_s : i64.shr_u)(a, count), lost(a, count)]);
    },
  };
}

/** A rounding shift, and what does not fit is the greatest or least number. */
function clip(signed: boolean, round: FunctionRef): Operation {
  const { compute } = roundingShift(signed, round);
  return {
    vs2: 1,
    a: signed ? "s" : "u",
    b: "u",
    ...UNSIGNED,
    compute(operands) {
      const { f, elements } = operands;
      const r = f.local("i64");
      f.set(r, compute(operands));
      // Half of the source's bits.
      const bits = f.let(i64.shr_u(elements.bits, c64(1)));
      const most = f.let(i64.sub(i64.shl(c64(1), signed ? i64.sub(bits, c64(1)) : bits), c64(1)));
      const cut = (condition: I32, value: I64): void =>
        f.if(condition, () => {
          saturated(f);
          f.set(r, value);
        });
      cut((signed ? i64.gt_s : i64.gt_u)(r, most), most);
      if (signed) cut(i64.lt_s(r, i64.xor(most, ONES)), i64.xor(most, ONES));
      return r;
    },
  };
}

/** The product of two fractions: but for a sign, its upper half. */
function fractions(productHigh: ProductHigh, round: FunctionRef): Operation {
  return {
    a: "s",
    b: "s",
    compute({ f, a, b, elements, is64 }) {
      const down = f.local("i64");
      const rest = f.local("i64");
      const low = f.let(i64.mul(a, b));
      f.if(
        is64,
        () => {
          const above = highOf(f, productHigh, a, b, true, true);
          f.set(down, i64.or(i64.shl(above, c64(1)), i64.shr_u(low, c64(63))));
          f.set(rest, i64.shl(low, c64(1)));
        },
        () => {
          f.set(down, i64.shr_s(low, i64.sub(elements.bits, c64(1))));
          f.set(rest, i64.shl(low, i64.add(elements.up, c64(1))));
        },
      );
      const least = i64.shr_s(MIN, elements.up);
      const overflows = i32.and(i64.eq(a, least), i64.eq(b, a));
      f.set(down, f.call("i64", round, [down, rest]));
      f.if(overflows, () => {
        saturated(f);
        f.set(down, i64.xor(least, ONES));
      });
      return down;
    },
  };
}

/** (rounded down, what was lost at the top of 64 bits) -> rounded as vxrm says (3.8). */
function defineRound(m: ModuleBuilder): FunctionRef {
  return m.func("v.round", ["i64", "i64"], ["i64"], (f) => {
    const down = f.param(0, "i64");
    const rest = f.param(1, "i64");
    const mode = f.let(loadState(VXRM));
    f.if(i32.eqz(mode), () => f.return(i64.add(down, i64.shr_u(rest, c64(63)))));
    f.if(i32.eq(mode, c32(1)), () => {
      const odd = i32.wrap(i64.and(down, c64(1)));
      const up = i32.or(i64.gt_u(rest, MIN), i32.and(i64.eq(rest, MIN), odd));
      f.return(i64.add(down, bool(up)));
    });
    f.if(i32.eq(mode, c32(3)), () => f.return(i64.or(down, bool(i64.ne(rest, c64(0))))));
    f.return(down);
  });
}

function operations(productHigh: ProductHigh, round: FunctionRef): Record<string, Operation> {
  const not = (v: I64): I64 => i64.xor(v, ONES);
  const carrySum: Operation["compute"] = ({ a, b, carry }) => i64.add(i64.add(a, b), bool(carry));
  return {
    vadd: plain(i64.add, { ...SIGNED, chunks: lanes("add") }),
    vsub: plain(i64.sub, { chunks: lanes("sub") }),
    vrsub: plain((a, b) => i64.sub(b, a), { ...SIGNED, chunks: lanes("rsub") }),
    vand: plain(i64.and, { ...SIGNED, chunks: lanes("and") }),
    vor: plain(i64.or, { ...SIGNED, chunks: lanes("or") }),
    vxor: plain(i64.xor, { ...SIGNED, chunks: lanes("xor") }),
    vminu: chosen(i64.lt_u, { chunks: lanes("min_u") }),
    vmin: chosen(i64.lt_s, { chunks: lanes("min_s") }),
    vmaxu: chosen(i64.gt_u, { chunks: lanes("max_u") }),
    vmax: chosen(i64.gt_s, { chunks: lanes("max_s") }),
    vmseq: comparison(i64.eq, { ...SIGNED, chunks: lanes("eq") }),
    vmsne: comparison(i64.ne, { ...SIGNED, chunks: lanes("ne") }),
    vmsltu: comparison(i64.lt_u, { chunks: lanes("lt_u") }),
    vmslt: comparison(i64.lt_s, { chunks: lanes("lt_s") }),
    vmsleu: comparison(i64.le_u, { ...SIGNED, chunks: lanes("le_u") }),
    vmsle: comparison(i64.le_s, { ...SIGNED, chunks: lanes("le_s") }),
    vmsgtu: comparison(i64.gt_u, { ...SIGNED, chunks: lanes("gt_u") }),
    vmsgt: comparison(i64.gt_s, { ...SIGNED, chunks: lanes("gt_s") }),
    vsll: shift(i64.shl, "u", { chunks: lanes("shl") }),
    vsrl: shift(i64.shr_u, "u", { chunks: lanes("shr_u") }),
    vsra: shift(i64.shr_s, "s", { chunks: lanes("shr_s") }),
    vnsrl: shift(i64.shr_u, "u", { vs2: 1 }),
    vnsra: shift(i64.shr_s, "s", { vs2: 1 }),
    vmul: plain(i64.mul, { chunks: lanes("mul") }),
    vmulhu: high(productHigh, "u", "u"),
    vmulh: high(productHigh, "s", "s"),
    vmulhsu: high(productHigh, "s", "u"),
    vdivu: divide(false, false),
    vdiv: divide(true, false),
    vremu: divide(false, true),
    vrem: divide(true, true),
    vmacc: accumulate((d, a, b) => i64.add(d, i64.mul(a, b)), lanes("macc")),
    vnmsac: accumulate((d, a, b) => i64.sub(d, i64.mul(a, b)), lanes("nmsac")),
    vmadd: accumulate((d, a, b) => i64.add(a, i64.mul(d, b)), lanes("madd")),
    vnmsub: accumulate((d, a, b) => i64.sub(a, i64.mul(d, b)), lanes("nmsub")),
    vwaddu: widening(i64.add, "u", "u"),
    vwadd: widening(i64.add, "s", "s"),
    vwsubu: widening(i64.sub, "u", "u"),
    vwsub: widening(i64.sub, "s", "s"),
    "vwaddu.w": widening(i64.add, "u", "u", 1),
    "vwadd.w": widening(i64.add, "s", "s", 1),
    "vwsubu.w": widening(i64.sub, "u", "u", 1),
    "vwsub.w": widening(i64.sub, "s", "s", 1),
    vwmulu: widening(i64.mul, "u", "u"),
    vwmul: widening(i64.mul, "s", "s"),
    vwmulsu: widening(i64.mul, "s", "u"),
    vwmaccu: wideAccumulate("u", "u"),
    vwmacc: wideAccumulate("s", "s"),
    vwmaccus: wideAccumulate("s", "u"),
    vwmaccsu: wideAccumulate("u", "s"),
    vadc: { a: "u", b: "u", ...SIGNED, carries: true, compute: carrySum },
    vsbc: { a: "u", b: "u", carries: true, compute: ({ a, b, carry }) => i64.sub(i64.sub(a, b), bool(carry)) },
    vmadc: {
      vd: "mask",
      a: "top",
      b: "top",
      ...SIGNED,
      carries: true,
      compute({ f, a, b, carry, elements }) {
        // What the sum leaves room for: one more carries as well if there is a carry already.
        const room = f.let(i64.shr_u(not(a), elements.up));
        const other = f.let(i64.shr_u(b, elements.up));
        return bool(i32.or(i64.gt_u(other, room), i32.and(i64.eq(other, room), carry)));
      },
    },
    vmsbc: {
      vd: "mask",
      a: "top",
      b: "top",
      carries: true,
      compute: ({ a, b, carry }) => bool(i32.or(i64.lt_u(a, b), i32.and(i64.eq(a, b), carry))),
    },
    vmerge: {
      a: "u",
      b: "u",
      ...SIGNED,
      carries: true,
      chunks: merging,
      compute: ({ a, b, carry }) => select(carry, b, a),
    },
    vsaddu: saturating("add", false),
    vsadd: saturating("add", true),
    vssubu: saturating("sub", false),
    vssub: saturating("sub", true),
    vaaddu: averaging("add", false, round),
    vaadd: averaging("add", true, round),
    vasubu: averaging("sub", false, round),
    vasub: averaging("sub", true, round),
    vsmul: fractions(productHigh, round),
    vssrl: roundingShift(false, round),
    vssra: roundingShift(true, round),
    vnclipu: clip(false, round),
    vnclip: clip(true, round),
  };
}

function define(m: ModuleBuilder, name: string, op: Operation): FunctionRef {
  const vd = op.vd ?? 0;
  const vs2 = op.vs2 ?? 0;
  const rules: Rules = { vd, vs2, vs1: 0 };
  return operation(m, name, (f, fields, scalar) => {
    check(f, fields, rules);
    const sew = f.let(sewOf(loadState(VTYPE)));
    const elements = new Elements(f, sew);
    const first = vs2 === 0 ? elements : new Elements(f, sew, vs2);
    const result = vd === "mask" || vd === 0 ? elements : vd === vs2 ? first : new Elements(f, sew, vd);
    const second = new Second(f, fields, scalar, elements, op.b, op.immediate);
    if (op.chunks !== undefined) inChunks(f, fields, second, sew, op.chunks, vd === "mask");
    const is64 = f.let(i32.eq(sew, c32(3)));
    forEach(f, op.carries === true ? undefined : fields.vm, (i) => {
      const a = f.let(first.load(fields.vs2, i, op.a));
      const b = second.at(i);
      const d = op.accumulates === true ? f.let(result.load(fields.vd, i, "u")) : c64(0);
      const carry = op.carries === true ? f.let(i32.and(i32.eqz(fields.vm), maskBit(i))) : ZERO;
      const value = op.compute({ f, a, b, d, carry, elements: first, is64 });
      if (vd === "mask") setMaskBit(f, fields.vd, i, i32.wrap(value));
      else result.store(fields.vd, i, op.isTop === true ? result.down(value) : value);
    });
    f.return(DONE);
  });
}

/** Sources that are a half, a quarter or an eighth as wide (11.3). */
function defineExtension(m: ModuleBuilder, name: string, as: Extension, power: number): FunctionRef {
  return operation(m, name, (f, fields) => {
    check(f, fields, { vd: 0, vs2: -power, apart: true });
    const sew = f.let(sewOf(loadState(VTYPE)));
    f.if(i32.lt_u(sew, c32(power)), () => f.return(c32(1)));
    const from = new Elements(f, sew, -power);
    const to = new Elements(f, sew);
    forEach(f, fields.vm, (i) => to.store(fields.vd, i, f.let(from.load(fields.vs2, i, as))));
    f.return(DONE);
  });
}

/** vmv.v.v and the like: a source that is in the place of the second operand. */
function defineSplat(m: ModuleBuilder): FunctionRef {
  return operation(m, "vmv.v", (f, fields, scalar) => {
    check(f, fields, { vd: 0, vs2: "none", vs1: 0 });
    const sew = f.let(sewOf(loadState(VTYPE)));
    const elements = new Elements(f, sew);
    const second = new Second(f, fields, scalar, elements, "u", "signed");
    inChunks(f, fields, second, sew, lanes("move"), false);
    forEach(f, undefined, (i) => elements.store(fields.vd, i, second.at(i)));
    f.return(DONE);
  });
}

/** Functions by the name of the operation, which is the mnemonic up to the dot, or all of it. */
export function defineInteger(m: ModuleBuilder): {
  functions: Record<string, FunctionRef>;
  inlinings: Record<string, Inlining>;
} {
  const all: Record<string, FunctionRef> = {};
  const inlinings: Record<string, Inlining> = {};
  const productHigh = defineProductHigh(m, "v.product_high");
  const round = defineRound(m);
  for (const [name, op] of Object.entries(operations(productHigh, round))) {
    all[name] = define(m, name, op);
    const { chunks, immediate } = op;
    if (chunks !== undefined) inlinings[name] = { chunks, toMask: op.vd === "mask", immediate };
  }
  for (const power of [1, 2, 3]) {
    all[`vzext.vf${1 << power}`] = defineExtension(m, `vzext.vf${1 << power}`, "u", power);
    all[`vsext.vf${1 << power}`] = defineExtension(m, `vsext.vf${1 << power}`, "s", power);
  }
  all["vmv.v"] = defineSplat(m);
  inlinings["vmv.v"] = { chunks: lanes("move"), toMask: false, immediate: "signed" };
  return { functions: all, inlinings };
}
