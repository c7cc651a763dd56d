/**
 * Vector floating point (riscv-v-spec 1.0, chapter 13, and 14.3).
 *
 * An instruction does with each element what the scalar instruction does with a register; so it is that one's definition (../float.ts)
 * that is instantiated, over values instead of registers, once for each format: with wasm's arithmetic or exact flags, as
 * it has them. Half precision is there as well, as the extension Zvfh has it.
 */
import { CONTEXT_OFFSET } from "../../../../mm/layout.ts";
import { type F32, type F64, f32, f64, type I32, type I64, i32, i64, select, type V128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Local, ModuleBuilder } from "../../../wasm/module.ts";
import { bits as logic } from "../../../wasm/simd.ts";
import { FFLAGS, FP_CAREFUL, FRM, VTYPE } from "../context.ts";
import { DOUBLE, type Format, HALF, SINGLE } from "../float-formats.ts";
import { fflags, NX, Rounding, raise, type SoftFunctions } from "../float-soft.ts";
import type { Definition, Sem, Source } from "../sem.ts";
import { type Chunks, inChunks } from "./chunks.ts";
import { defineEstimates } from "./estimates.ts";
import type { Inlining } from "./inline.ts";
import {
  c32,
  c64,
  DONE,
  Elements,
  type Extension,
  forEach,
  loadState,
  operation,
  Second,
  setMaskBit,
  sewOf,
  ZERO,
} from "./kit.ts";
import { floatComparison, floatLanes, fused, signs } from "./lanes.ts";
import { reduceOver } from "./permute.ts";
import { check, type Rules, type Width } from "./rules.ts";

/** By log2 of the bytes, less 1. */
const FORMATS: readonly Format[] = [HALF, SINGLE, DOUBLE];
const format = (size: number): Format => FORMATS[size - 1] as Format;

/** A definition's operands and result as values: what it reads of the registers that instructions have no place for is not there. */
class ElementSem implements Sem {
  readonly f: FunctionBuilder;
  readonly rounding: Sem["rounding"];
  readonly #sources: Readonly<Record<Source, I64>>;
  readonly #result: Local<"i64">;
  /** The ones above a half, which is all that is asked of a box. */
  readonly #box: I64;

  constructor(
    f: FunctionBuilder,
    rounding: Sem["rounding"],
    sources: Readonly<Record<Source, I64>>,
    result: Local<"i64">,
    from: Format,
  ) {
    this.f = f;
    this.rounding = rounding;
    this.#sources = sources;
    this.#result = result;
    this.#box = c64(from === HALF ? -1n << 16n : 0n);
  }

  x(n: Source): I64 {
    return this.#sources[n];
  }
  w(n: Source): I32 {
    return this.f.let(i32.wrap(this.#sources[n]));
  }
  setX(value: I64): void {
    this.f.set(this.#result, value);
  }
  setW(value: I32): void {
    this.setX(i64.extend_i32_s(value));
  }
  bits(n: Source): I64 {
    return this.f.let(i64.or(this.#sources[n], this.#box));
  }
  setBits(value: I64): void {
    this.f.set(this.#result, value);
  }
  f64(n: Source): F64 {
    return this.f.let(f64.reinterpret_i64(this.#sources[n]));
  }
  setF64(value: F64): void {
    this.setBits(i64.reinterpret_f64(value));
  }
  f32(n: Source): F32 {
    return this.f.let(f32.reinterpret_i32(i32.wrap(this.#sources[n])));
  }
  f32Bits(n: Source): I32 {
    return this.w(n);
  }
  setF32(value: F32): void {
    this.setF32Bits(i32.reinterpret_f32(value));
  }
  setF32Bits(value: I32): void {
    this.setBits(i64.extend_i32_u(value));
  }
  careful(): I32 {
    return loadState(FP_CAREFUL);
  }
  rarely(condition: I32, body: () => void): void {
    this.f.if(condition, body);
  }
  /** The rounding mode was looked at before. */
  trap(): void {
    this.f.unreachable();
  }
  rm(): I32 {
    return c32(Rounding.RTZ);
  }

  imm(): I64 {
    return absent();
  }
  imm32(): I32 {
    return absent();
  }
  rs1Number(): I32 {
    return absent();
  }
  readable(): I32 {
    return absent();
  }
  writable(): I32 {
    return absent();
  }
  aligned(): void {
    absent();
  }
  pc(): I64 {
    return absent();
  }
  nextPc(): I64 {
    return absent();
  }
  trapAfter(): void {
    absent();
  }
  computed(): void {
    absent();
  }
  checkTarget(): void {
    absent();
  }
  jump(): void {
    absent();
  }
  done(): void {
    absent();
  }
}
function absent(): never {
  throw new Error("arithmetic on elements has no such operand");
}

/** (a, b, c, log2 of the bytes of the widest operand) -> result */
type ElementFunction = FunctionRef;
type ByName = Readonly<Record<string, Definition>>;

interface Kit {
  readonly m: ModuleBuilder;
  readonly scalar: ByName;
  readonly soft: SoftFunctions;
  /** By the scalar mnemonic without its format. */
  readonly known: Map<string, ElementFunction>;
}

/** What is done for the size that it is, 1 to 3, of those that there are. */
function bySize(f: FunctionBuilder, size: I32, sizes: readonly number[], body: (size: number) => void): void {
  const [first, ...rest] = sizes as [number, ...number[]];
  if (rest.length === 0) body(first);
  else
    f.if(
      i32.eq(size, c32(first)),
      () => body(first),
      () => bySize(f, size, rest, body),
    );
}

/**
 * The scalar instruction as a function of values.
 * @param mnemonic of a format, by log2 of the bytes that `sizes` lists
 */
function element(
  { m, scalar, known }: Kit,
  name: string,
  sizes: readonly number[],
  mnemonic: (size: number) => string,
  { rounding = "dynamic", from = format }: { rounding?: Sem["rounding"]; from?: (size: number) => Format } = {},
): ElementFunction {
  const before = known.get(name);
  if (before !== undefined) return before;
  const fn = m.func(`v.element.${name}`, ["i64", "i64", "i64", "i32"], ["i64"], (f) => {
    const sources = { rs1: f.param(0, "i64"), rs2: f.param(1, "i64"), rs3: f.param(2, "i64") };
    const result = f.local("i64");
    bySize(f, f.param(3, "i32"), sizes, (size) => {
      const definition = scalar[mnemonic(size)];
      if (definition === undefined) throw new Error(`no scalar instruction ${mnemonic(size)}`);
      definition(new ElementSem(f, rounding, sources, result, from(size)));
    });
    f.return(result);
  });
  known.set(name, fn);
  return fn;
}
const ALL = [1, 2, 3];
const arithmetic = (kit: Kit, name: string): ElementFunction =>
  element(kit, name, ALL, (size) => `${name}.${format(size).suffix}`);

type Compute = (f: FunctionBuilder, a: I64, b: I64, d: I64, size: I32) => I64;
interface Operation {
  readonly vd?: Width | "mask";
  readonly vs2?: Width;
  readonly accumulates?: true;
  readonly chunks?: Chunks;
  /** Of elements as wide as the destination, unless that is a mask. `size` is log2 of their bytes. */
  readonly compute: Compute;
}

function operations(kit: Kit): Record<string, Operation> {
  const all: Record<string, Operation> = {};
  const call = (fn: ElementFunction): Compute => {
    return (f, a, b, d, size) => f.call("i64", fn, [a, b, d, size]);
  };
  const swapped = (compute: Compute): Compute => {
    return (f, a, b, d, size) => compute(f, b, a, d, size);
  };
  for (const name of ["add", "sub", "mul", "div"] as const) {
    const compute = call(arithmetic(kit, `f${name}`));
    all[`vf${name}`] = { compute, chunks: floatLanes(name) };
    if (name === "sub" || name === "div")
      all[`vfr${name}`] = { compute: swapped(compute), chunks: floatLanes(name, true) };
    if (name === "div") continue;
    all[`vfw${name}`] = { vd: 1, compute };
    if (name !== "mul") all[`vfw${name}.w`] = { vd: 1, vs2: 1, compute };
  }
  for (const name of ["fmin", "fmax"]) all[`v${name}`] = { compute: call(arithmetic(kit, name)) };
  const sign = (name: string, of: (a: V128, b: V128) => V128): void => {
    all[`v${name}`] = { compute: call(arithmetic(kit, name)), chunks: signs(of) };
  };
  sign("fsgnj", (_a, b) => b);
  sign("fsgnjn", (_a, b) => logic.not(b));
  sign("fsgnjx", (a, b) => logic.xor(a, b));
  const compare = (name: string, compute: Compute, chunks: Chunks): void => {
    all[name] = { vd: "mask", compute, chunks };
  };
  const [equal, less, lessOrEqual] = ["feq", "flt", "fle"].map((name) => call(arithmetic(kit, name)));
  compare("vmfeq", equal as Compute, floatComparison("eq"));
  compare("vmfne", (...args) => i64.xor((equal as Compute)(...args), c64(1)), floatComparison("ne"));
  compare("vmflt", less as Compute, floatComparison("lt"));
  compare("vmfle", lessOrEqual as Compute, floatComparison("le"));
  compare("vmfgt", swapped(less as Compute), floatComparison("lt", true));
  compare("vmfge", swapped(lessOrEqual as Compute), floatComparison("le", true));
  for (const { toAddend, toFactor, scalar, product, addend } of [
    { toAddend: "macc", toFactor: "madd", scalar: "fmadd", product: false, addend: false },
    { toAddend: "nmacc", toFactor: "nmadd", scalar: "fnmadd", product: true, addend: true },
    { toAddend: "msac", toFactor: "msub", scalar: "fmsub", product: false, addend: true },
    { toAddend: "nmsac", toFactor: "nmsub", scalar: "fnmsub", product: true, addend: false },
  ]) {
    const compute = call(arithmetic(kit, scalar));
    // The product is of both sources, or of the destination and the second.
    all[`vf${toAddend}`] = { accumulates: true, compute, chunks: fused(product, addend, false) };
    all[`vfw${toAddend}`] = { vd: 1, accumulates: true, compute };
    all[`vf${toFactor}`] = {
      accumulates: true,
      compute: (f, a, b, d, size) => compute(f, d, b, a, size),
      chunks: fused(product, addend, true),
    };
  }
  return all;
}

/** A number out of its box: (bits, log2 of the bytes) -> bits, of the canonical NaN if it is not in one. */
function defineUnbox(m: ModuleBuilder): FunctionRef {
  return m.func("v.unbox", ["i64", "i32"], ["i64"], (f) => {
    const bits = f.param(0, "i64");
    const size = f.param(1, "i32");
    const boxed = (shift: number): I32 => i64.eq(i64.shr_s(bits, c64(shift)), c64(-1));
    f.if(i32.eq(size, c32(2)), () => f.return(select(boxed(32), i64.and(bits, c64(0xffff_ffffn)), c64(SINGLE.nan))));
    f.if(i32.eq(size, c32(1)), () => f.return(select(boxed(16), i64.and(bits, c64(0xffffn)), c64(HALF.nan))));
    f.return(bits);
  });
}

/** (value, log2 of its bytes) -> the same number, twice as wide. */
function defineWiden(kit: Kit): FunctionRef {
  const widen = element(kit, "widen", [1, 2], (size) => `fcvt.${format(size + 1).suffix}.${format(size).suffix}`);
  return kit.m.func("v.widen", ["i64", "i32"], ["i64"], (f) => {
    f.return(f.call("i64", widen, [f.param(0, "i64"), c64(0), c64(0), f.param(1, "i32")]));
  });
}

function defineOperation(kit: Kit, name: string, op: Operation, unbox: FunctionRef, widen: FunctionRef): FunctionRef {
  const vd = op.vd ?? 0;
  const vs2 = op.vs2 ?? 0;
  const wide = vd === 1;
  const rules: Rules = { vd, vs2, vs1: 0, float: wide ? "both" : "plain" };
  return operation(kit.m, name, (f, fields, scalar) => {
    check(f, fields, rules);
    const sew = f.let(sewOf(loadState(VTYPE)));
    const elements = new Elements(f, sew);
    const twice = wide ? new Elements(f, sew, 1) : elements;
    f.set(scalar, f.call("i64", unbox, [scalar, sew]));
    const second = new Second(f, fields, scalar, elements, "u");
    if (op.chunks !== undefined) inChunks(f, fields, second, sew, op.chunks, vd === "mask");
    const widened = (value: I64): I64 => (wide ? f.let(f.call("i64", widen, [value, sew])) : value);
    forEach(f, fields.vm, (i) => {
      const a = vs2 === 1 ? f.let(twice.load(fields.vs2, i, "u")) : widened(f.let(elements.load(fields.vs2, i, "u")));
      const b = widened(second.at(i));
      const d = op.accumulates === true ? f.let(twice.load(fields.vd, i, "u")) : c64(0);
      const result = op.compute(f, a, b, d, twice.size);
      if (vd === "mask") setMaskBit(f, fields.vd, i, i32.wrap(result));
      else twice.store(fields.vd, i, f.let(result));
    });
    f.return(DONE);
  });
}

/** Of one operand. */
interface Unary {
  readonly vd?: Width;
  readonly vs2?: Width;
  readonly float: NonNullable<Rules["float"]>;
  readonly as?: Extension;
  /** (a, log2 of SEW / 8) */
  readonly compute: (f: FunctionBuilder, a: I64, sew: I32) => I64;
}

const mantissa = (size: I32): I32 =>
  select(i32.eq(size, c32(3)), c32(52), select(i32.eq(size, c32(2)), c32(23), c32(10)));

/**
 * (a, log2 of the bytes of a, log2 of those of the result) -> integer. The scalar instructions are used where there is one of that
 * width; the others saturate to 8 or 16 bits.
 */
function defineToInteger(kit: Kit, signed: boolean, rounding: "dynamic" | "zero"): FunctionRef {
  const u = signed ? "" : "u";
  const suffix = `${signed ? "x" : "xu"}${rounding === "zero" ? ".rtz" : ""}`;
  const word = element(kit, `${suffix}.w`, ALL, (size) => `fcvt.w${u}.${format(size).suffix}`, { rounding });
  const long = element(kit, `${suffix}.l`, ALL, (size) => `fcvt.l${u}.${format(size).suffix}`, { rounding });
  return kit.m.func(`v.${suffix}`, ["i64", "i32", "i32"], ["i64"], (f) => {
    const [a, from, to] = [f.param(0, "i64"), f.param(1, "i32"), f.param(2, "i32")];
    const args = [a, c64(0), c64(0), from];
    f.if(i32.eq(to, c32(3)), () => f.return(f.call("i64", long, args)));
    f.if(i32.eq(to, c32(2)), () => f.return(f.call("i64", word, args)));
    const mode = rounding === "zero" ? c32(Rounding.RTZ) : loadState(FRM);
    const bits = i32.shl(c32(8), to);
    f.return(f.call("i64", kit.soft.toInteger, [a, mantissa(from), bits, c32(signed ? 1 : 0), mode]));
  });
}

function conversions(kit: Kit): Record<string, Unary> {
  const all: Record<string, Unary> = {};
  const plus = (size: I32, n: number): I32 => i32.add(size, c32(n));
  for (const signed of [true, false]) {
    const x = signed ? "x" : "xu";
    for (const rounding of ["dynamic", "zero"] as const) {
      const rtz = rounding === "zero" ? "rtz." : "";
      const fn = defineToInteger(kit, signed, rounding);
      const convert = (from: number, to: number): Unary["compute"] => {
        return (f, a, sew) => f.call("i64", fn, [a, plus(sew, from), plus(sew, to)]);
      };
      all[`vfcvt.${rtz}${x}.f.v`] = { float: "plain", compute: convert(0, 0) };
      all[`vfwcvt.${rtz}${x}.f.v`] = { vd: 1, float: "both", compute: convert(0, 1) };
      all[`vfncvt.${rtz}${x}.f.w`] = { vs2: 1, float: "wide", compute: convert(1, 0) };
    }
    // Integers are extended to 64 bits first.
    const fromLong = element(kit, `f.${x}`, ALL, (size) => `fcvt.${format(size).suffix}.l${signed ? "" : "u"}`);
    const convert = (to: number): Unary["compute"] => {
      return (f, a, sew) => f.call("i64", fromLong, [a, c64(0), c64(0), plus(sew, to)]);
    };
    const as = signed ? "s" : "u";
    all[`vfcvt.f.${x}.v`] = { float: "plain", as, compute: convert(0) };
    all[`vfwcvt.f.${x}.v`] = { vd: 1, float: "wide", as, compute: convert(1) };
    all[`vfncvt.f.${x}.w`] = { vs2: 1, float: "both", as, compute: convert(0) };
  }
  return all;
}

/** Narrower, and odd if it is not exact: so that it can be rounded once more (13.19). */
function defineToOdd(kit: Kit): FunctionRef {
  return kit.m.func("v.to_odd", ["i64", "i32"], ["i64"], (f) => {
    const size = f.param(1, "i32");
    const before = f.let(fflags());
    f.exec(i32.store(ZERO, ZERO, CONTEXT_OFFSET + FFLAGS));
    const modes = [mantissa(i32.add(size, c32(1))), mantissa(size), c32(Rounding.RTZ)];
    const result = f.let(f.call("i64", kit.soft.convert, [f.param(0, "i64"), ...modes]));
    const inexact = f.let(i32.and(fflags(), c32(NX)));
    raise(f, before);
    f.return(i64.or(result, i64.extend_i32_u(inexact)));
  });
}

function unaries(kit: Kit, widen: FunctionRef): Record<string, Unary> {
  const all = conversions(kit);
  const call = (fn: ElementFunction): Unary["compute"] => {
    return (f, a, sew) => f.call("i64", fn, [a, c64(0), c64(0), sew]);
  };
  all["vfsqrt.v"] = { float: "plain", compute: call(arithmetic(kit, "fsqrt")) };
  all["vfclass.v"] = { float: "plain", compute: call(arithmetic(kit, "fclass")) };
  all["vfwcvt.f.f.v"] = { vd: 1, float: "both", compute: (f, a, sew) => f.call("i64", widen, [a, sew]) };
  const suffix = (size: number): string => format(size).suffix;
  const narrow = element(kit, "narrow", [1, 2], (size) => `fcvt.${suffix(size)}.${suffix(size + 1)}`, {
    from: (size) => format(size + 1),
  });
  all["vfncvt.f.f.w"] = { vs2: 1, float: "both", compute: call(narrow) };
  const toOdd = defineToOdd(kit);
  all["vfncvt.rod.f.f.w"] = { vs2: 1, float: "both", compute: (f, a, sew) => f.call("i64", toOdd, [a, sew]) };
  const { reciprocal, squareRoot } = defineEstimates(kit.m, kit.soft);
  all["vfrec7.v"] = { float: "plain", compute: (f, a, sew) => f.call("i64", reciprocal, [a, mantissa(sew)]) };
  all["vfrsqrt7.v"] = { float: "plain", compute: (f, a, sew) => f.call("i64", squareRoot, [a, mantissa(sew)]) };
  return all;
}

function defineUnary(m: ModuleBuilder, name: string, op: Unary): FunctionRef {
  const { vd = 0, vs2 = 0, float, as = "u" } = op;
  return operation(m, name, (f, fields) => {
    check(f, fields, { vd, vs2, float });
    const sew = f.let(sewOf(loadState(VTYPE)));
    const from = new Elements(f, sew, vs2);
    const to = vd === vs2 ? from : new Elements(f, sew, vd);
    forEach(f, fields.vm, (i) => {
      const a = f.let(from.load(fields.vs2, i, as));
      to.store(fields.vd, i, f.let(op.compute(f, a, sew)));
    });
    f.return(DONE);
  });
}

/** The unordered sums are made in order, too. */
function defineReductions(kit: Kit, widen: FunctionRef): Record<string, FunctionRef> {
  const all: Record<string, FunctionRef> = {};
  const define = (name: string, scalar: string, widens: boolean): void => {
    const fn = arithmetic(kit, scalar);
    all[name] = operation(kit.m, name, (f, fields) => {
      check(f, fields, { vd: "scalar", vs2: 0, fromStart: true, float: widens ? "both" : "plain" });
      reduceOver(f, fields, "u", widens, (sum, element, sew) => {
        const value = widens ? f.let(f.call("i64", widen, [element, sew])) : element;
        return f.call("i64", fn, [sum, value, c64(0), widens ? i32.add(sew, c32(1)) : sew]);
      });
    });
  };
  for (const name of ["vfredusum", "vfredosum"]) define(name, "fadd", false);
  for (const name of ["vfwredusum", "vfwredosum"]) define(name, "fadd", true);
  define("vfredmin", "fmin", false);
  define("vfredmax", "fmax", false);
  return all;
}

/** Functions by the name of the operation, and the one that takes a number out of its box. */
export function defineVectorFloat(
  m: ModuleBuilder,
  scalar: ByName,
  soft: SoftFunctions,
): { functions: Record<string, FunctionRef>; inlinings: Record<string, Inlining>; unbox: FunctionRef } {
  const kit: Kit = { m, scalar, soft, known: new Map() };
  const unbox = defineUnbox(m);
  const widen = defineWiden(kit);
  const all: Record<string, FunctionRef> = {};
  const inlinings: Record<string, Inlining> = {};
  for (const [name, op] of Object.entries(operations(kit))) {
    all[name] = defineOperation(kit, name, op, unbox, widen);
    const { chunks } = op;
    if (chunks !== undefined) inlinings[name] = { chunks, toMask: op.vd === "mask", immediate: undefined };
  }
  for (const [name, op] of Object.entries(unaries(kit, widen))) all[name] = defineUnary(m, name, op);
  return { functions: { ...all, ...defineReductions(kit, widen) }, inlinings, unbox };
}
