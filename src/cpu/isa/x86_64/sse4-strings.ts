/**
 * SSE4.2: comparison of strings in vectors (Intel SDM vol. 2, 4.1: "Imm8 control byte operation for PCMPESTRI ...").
 *
 * One function does it all and gives a bit per element of the second operand; instructions differ in where the lengths come
 * from and in what becomes of the bits.
 */
import { type I32, type I64, i32, i64, select, type V128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { bits, i8x16, i16x8, i64x2 } from "../../wasm/simd.ts";
import { byteVector, splat32, ZERO } from "./lanes.ts";
import { type Definition, Flag, Reg, type Sem } from "./sem.ts";

export const stringTable = `
66 0f 3a 60     pcmpestrm Vx,Wx,Ay,Ib
66 0f 3a 61     pcmpestri Vx,Wx,Ay,Ib
66 0f 3a 62     pcmpistrm Vx,Wx,Ib
66 0f 3a 63     pcmpistri Vx,Wx,Ib
`;

/** Bits of the immediate. */
const WORDS = 0x01;
const SIGNED = 0x02;
const NEGATE = 0x10;
const NEGATE_VALID = 0x20;
/** Of the index: the highest; of the mask: whole elements. */
const ALTERNATIVE = 0x40;
/** Bits 2 and 3. */
const Aggregate = { Any: 0, Ranges: 1, Each: 2, Ordered: 3 } as const;

/** (a, b, length of a, length of b, immediate) -> a bit for each element of b. */
function defineCompare(m: ModuleBuilder, words: boolean): FunctionRef {
  const lanes = words ? i16x8 : i8x16;
  const count = words ? 8 : 16;
  const all = i32.const((1 << count) - 1);
  const below = (n: I32): I32 => i32.sub(i32.shl(i32.const(1), n), i32.const(1));
  const name = `sse4.strings.${words ? "words" : "bytes"}`;
  return m.func(name, ["v128", "v128", "i32", "i32", "i32"], ["i32"], (f) => {
    const a = f.param(0, "v128");
    const b = f.param(1, "v128");
    const lengthA = f.param(2, "i32");
    const lengthB = f.param(3, "i32");
    const imm = f.param(4, "i32");
    const validB = f.let(below(lengthB));
    const result = f.local("i32");
    const at = f.local("i32");
    /** Element number n of a, everywhere. */
    const each = (n: I32): V128 => {
      if (!words) return i8x16.swizzle(a, i8x16.splat(n));
      return i8x16.swizzle(a, i16x8.splat(i32.add(i32.mul(n, i32.const(0x0202)), i32.const(0x0100))));
    };
    /** For the elements of a, in steps of one or two, as far as they are valid. */
    const forEach = (step: 1 | 2, body: () => void): void => {
      f.set(at, i32.const(0));
      f.block((end) => {
        f.loop((again) => {
          f.brIf(end, i32.ge_u(i32.add(at, i32.const(step - 1)), lengthA));
          body();
          f.set(at, i32.add(at, i32.const(step)));
          f.br(again);
        });
      });
    };
    const any = (): void => {
      f.set(result, i32.const(0));
      forEach(1, () => f.set(result, i32.or(result, lanes.bitmask(lanes.eq(each(at), b)))));
      f.set(result, i32.and(result, validB));
    };
    /** Elements of a are lower and upper bounds in turn. Unsigned ones are compared as signed ones, from half the range. */
    const ranges = (): void => {
      const half = splat32(words ? 0x8000_8000 : 0x8080_8080);
      f.if(i32.eqz(i32.and(imm, i32.const(SIGNED))), () => {
        f.set(a, bits.xor(a, half));
        f.set(b, bits.xor(b, half));
      });
      f.set(result, i32.const(0));
      forEach(2, () => {
        const outside = bits.or(lanes.gt_s(each(at), b), lanes.gt_s(b, each(i32.add(at, i32.const(1)))));
        f.set(result, i32.or(result, i32.xor(lanes.bitmask(outside), all)));
      });
      f.set(result, i32.and(result, validB));
    };
    /** Past both ends is equal, past one of them is not. */
    const inTurn = (): void => {
      const validA = f.let(below(lengthA));
      const equal = i32.and(lanes.bitmask(lanes.eq(a, b)), i32.and(validA, validB));
      f.set(result, i32.or(equal, i32.xor(i32.or(validA, validB), all)));
    };
    /** a as a whole at each place of b; what would be past the last element is not compared. */
    const ordered = (): void => {
      f.set(result, all);
      forEach(1, () => {
        const equal = i32.and(lanes.bitmask(lanes.eq(each(at), b)), validB);
        const beyond = i32.xor(i32.shr_u(all, at), all);
        f.set(result, i32.and(result, i32.or(i32.shr_u(equal, at), beyond)));
      });
    };
    const aggregate = f.let(i32.and(i32.shr_u(imm, i32.const(2)), i32.const(3)));
    const is = (n: number): I32 => i32.eq(aggregate, i32.const(n));
    f.if(is(Aggregate.Any), any, () =>
      f.if(is(Aggregate.Ranges), ranges, () => f.if(is(Aggregate.Each), inTurn, ordered)),
    );
    f.if(i32.and(imm, i32.const(NEGATE)), () =>
      f.set(result, i32.xor(result, select(i32.and(imm, i32.const(NEGATE_VALID)), validB, all))),
    );
    f.return(result);
  });
}

interface Compared {
  readonly result: I32;
  /** Number of elements in a register. */
  readonly count: I32;
}

/** All four: the comparison and its flags. */
function compare(s: Sem, functions: readonly [bytes: FunctionRef, words: FunctionRef]): Compared {
  const { f } = s;
  // Memory need not be aligned.
  const b = s.xmmUnaligned(1);
  const a = s.xmm(0);
  const explicit = s.operands[2]?.kind === "r";
  const imm = s.imm(explicit ? 3 : 2);
  const words = f.let(i32.and(imm, i32.const(WORDS)));
  const count = f.let(i32.shr_u(i32.const(16), words));
  const length = (register: number, v: V128): I32 =>
    f.let(explicit ? explicitLength(s, register, count) : implicitLength(f, v, words));
  const lengthA = length(Reg.rax, a);
  const lengthB = length(Reg.rdx, b);
  const result = f.local("i32");
  const args = [a, b, lengthA, lengthB, imm];
  f.if(
    words,
    () => f.set(result, f.call("i32", functions[1], args)),
    () => f.set(result, f.call("i32", functions[0], args)),
  );
  const flag = (bit: number, condition: I32): I32 => i32.shl(condition, i32.const(31 - Math.clz32(bit)));
  const flags = [
    flag(Flag.CF, i32.ne(result, i32.const(0))),
    flag(Flag.ZF, i32.lt_u(lengthB, count)),
    flag(Flag.SF, i32.lt_u(lengthA, count)),
    flag(Flag.OF, i32.and(result, i32.const(1))),
  ];
  s.flags.setAll(flags.reduce((x, y) => i32.or(x, y)));
  return { result, count };
}

/** The magnitude of a register, up to the number of elements. */
function explicitLength(s: Sem, register: number, count: I32): I32 {
  const { f } = s;
  if (s.operands[2]?.bytes === 8) {
    const n = s.gpr(register, 8) as I64;
    const magnitude = f.let(select(i64.lt_s(n, i64.const(0)), i64.sub(i64.const(0), n), n));
    return select(i64.lt_u(magnitude, i64.extend_i32_u(count)), i32.wrap(magnitude), count);
  }
  const n = s.gpr(register, 4) as I32;
  const magnitude = f.let(select(i32.lt_s(n, i32.const(0)), i32.sub(i32.const(0), n), n));
  return select(i32.lt_u(magnitude, count), magnitude, count);
}

/** Elements before the first that is 0. */
function implicitLength(f: FunctionBuilder, v: V128, words: I32): I32 {
  const zeros = f.local("i32");
  f.if(
    words,
    () => f.set(zeros, i32.or(i16x8.bitmask(i16x8.eq(v, ZERO)), i32.const(0x100))),
    () => f.set(zeros, i32.or(i8x16.bitmask(i8x16.eq(v, ZERO)), i32.const(0x1_0000))),
  );
  return i32.ctz(zeros);
}

const immediate = (s: Sem): I32 => s.imm(s.operands.length - 1);

/** The number of the lowest or the highest bit that is set, or the number of elements, to ecx. */
function index(s: Sem, { result, count }: Compared): void {
  const lowest = i32.ctz(i32.or(result, i32.shl(i32.const(1), count)));
  const highest = select(result, i32.sub(i32.const(31), i32.clz(result)), count);
  s.setGpr(Reg.rcx, 4, select(i32.and(immediate(s), i32.const(ALTERNATIVE)), highest, lowest));
}

/** The bits, or elements of all ones and zeros, to xmm0. */
function mask(s: Sem, { result }: Compared): void {
  const { f } = s;
  const imm = immediate(s);
  const r = f.local("v128");
  const spread = (lanes: typeof i8x16 | typeof i16x8, value: V128, each: V128): V128 =>
    lanes.eq(bits.and(value, each), each);
  const places = Array.from({ length: 16 }, (_, i) => 1 << (i & 7));
  const wordPlaces = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 1 << (i / 2) : 0));
  f.if(
    i32.and(imm, i32.const(ALTERNATIVE)),
    () =>
      f.if(
        i32.and(imm, i32.const(WORDS)),
        () => f.set(r, spread(i16x8, i16x8.splat(result), byteVector(wordPlaces))),
        () => {
          const bytes = i8x16.swizzle(i16x8.splat(result), byteVector(places.map((_, i) => i >> 3)));
          f.set(r, spread(i8x16, bytes, byteVector(places)));
        },
      ),
    () => f.set(r, i64x2.replace(ZERO, 0, i64.extend_i32_u(result))),
  );
  s.setYmm(0, 0, r);
}

export type StringResult = (s: Sem, compared: Compared) => void;

/** The comparison of both kinds, and what may be done with it: for VEX forms, which clear what is above the mask. */
export interface StringComparison {
  readonly compare: (s: Sem) => Compared;
  readonly index: StringResult;
  readonly mask: StringResult;
}

export function defineStrings(m: ModuleBuilder): StringComparison {
  const functions = [defineCompare(m, false), defineCompare(m, true)] as const;
  return { compare: (s) => compare(s, functions), index, mask };
}

export function stringDefinitions(c: StringComparison): Readonly<Record<string, Definition>> {
  const toIndex: Definition = (s) => c.index(s, c.compare(s));
  const toMask: Definition = (s) => c.mask(s, c.compare(s));
  return { pcmpestri: toIndex, pcmpistri: toIndex, pcmpestrm: toMask, pcmpistrm: toMask };
}
