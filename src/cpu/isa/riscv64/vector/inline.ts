/**
 * Vector instructions in translated code without a call, for what loops mostly are: vtype is what the last vset before the
 * instruction says, vl is VLMAX and vstart 0. That is looked at first; where it is otherwise, the function is called. So it does not
 * matter whether the translator has been right about vtype.
 */
import { BIAS, CONTEXT_OFFSET } from "../../../../mm/layout.ts";
import { type I32, type I64, i32, i64, type V128, v128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder, Label } from "../../../wasm/module.ts";
import { bits, i8x16, i16x8, i32x4, i64x2 } from "../../../wasm/simd.ts";
import { VL, VLENB, VSTART, VTYPE } from "../context.ts";
import type { Sem } from "../sem.ts";
import { type Chunks, spread } from "./chunks.ts";
import { c32, c64, loadState, REGISTERS, storeState, ZERO } from "./kit.ts";

/** What can be done so, and how its immediate is extended. */
export interface Inlining {
  readonly chunks: Chunks;
  readonly toMask: boolean;
  readonly immediate: "signed" | "unsigned" | undefined;
}

interface Type {
  readonly sew: number;
  readonly lmul: number;
  /** VLMAX */
  readonly most: number;
}

/** Of a type that exists. */
export function typeOf(vtype: number): Type | undefined {
  const [sew, lmul] = [(vtype >> 3) & 7, ((vtype & 7) ^ 4) - 4];
  return vtype < 256 && sew <= 3 + Math.min(lmul, 0) ? { sew, lmul, most: 2 ** (4 - sew + lmul) } : undefined;
}

const registersOf = (lmul: number): number => 2 ** Math.max(0, lmul);
const place = (register: number): number => REGISTERS + register * VLENB;
const loadAt = (offset: number): V128 => v128.load(ZERO, offset);
const SPLATS = [i8x16, i16x8, i32x4] as const;
const bytesOf = (count: number): bigint =>
  count >= 8 ? (1n << 64n) - 1n : (1n << BigInt(8 * Math.max(0, count))) - 1n;
/** Ones in so many bytes. */
const firstBytes = (count: number): V128 => v128.const(bytesOf(count), bytesOf(count - 8));

/**
 * Emits the quick way, in which the label may be left for, and the general one.
 * @param quick undefined if there is none
 */
function either(s: Sem, vtype: number, most: number, quick: (slow: Label) => void, general: () => void): void {
  const { f } = s;
  f.block((done) => {
    f.block((slow) => {
      // vstart is the upper half.
      f.brIf(slow, i64.ne(i64.load(ZERO, CONTEXT_OFFSET + VTYPE), c64(vtype)));
      f.brIf(slow, i32.ne(loadState(VL), c32(most)));
      quick(slow);
      f.br(done);
    });
    general();
  });
}

/** What of an instruction's word is asked for. */
function fieldsOf(word: number): { vd: number; vs1: number; vs2: number; isMasked: boolean; kind: number } {
  const register = (at: number): number => (word >>> at) & 31;
  return {
    vd: register(7),
    vs1: register(15),
    vs2: register(20),
    isMasked: (word & (1 << 25)) === 0,
    kind: (word >>> 12) & 7,
  };
}
const IMMEDIATE = 3;

/** @param scalar the scalar operand, its bits */
export function operate(
  s: Sem,
  { chunks, toMask, immediate }: Inlining,
  scalar: (sew: number) => I64,
  general: () => void,
): void {
  const { f, vtype } = s;
  const word = s.imm32().constant as number | undefined;
  const type = vtype === undefined ? undefined : typeOf(vtype);
  if (word === undefined || vtype === undefined || type === undefined) {
    general();
    return;
  }
  const { vd, vs1, vs2, isMasked, kind } = fieldsOf(word);
  const { sew, lmul, most } = type;
  const lanewise = chunks.lanes[sew];
  const registers = registersOf(lmul);
  const isVector = kind < IMMEDIATE;
  const bytes = most << sew;
  const sources = isVector ? [vs1, vs2] : [vs2];
  const groups = toMask ? sources : [...sources, vd];
  const isKnown =
    lanewise !== undefined &&
    groups.every((register) => register % registers === 0) &&
    (toMask
      ? sources.every((register) => vd === register || vd < register || vd >= register + registers)
      : !(isMasked && vd === 0)) &&
    !(chunks.scalarOnly === true && isVector) &&
    !(chunks.wholeOnly === true && (isMasked || bytes < VLENB));
  if (!isKnown) {
    general();
    return;
  }
  const lanes = VLENB >> sew;
  either(
    s,
    vtype,
    most,
    (slow) => {
      if (chunks.unless !== undefined) f.if(s.careful(), () => f.br(slow));
      let second: V128 | undefined;
      if (!isVector) {
        const field = word << 12;
        const value = kind === IMMEDIATE ? c64(immediate === "unsigned" ? field >>> 27 : field >> 27) : scalar(sew);
        second = f.let(sew === 3 ? i64x2.splat(value) : (SPLATS[sew] as typeof i8x16).splat(i32.wrap(value)));
      }
      for (let r = 0; r < registers; r++) {
        const d = loadAt(place(vd + r));
        const a = loadAt(place(vs2 + r));
        const b = second ?? loadAt(place(vs1 + r));
        const lane = r * lanes;
        const rather = (condition: I32): void =>
          f.if(condition, () => {
            storeState(f, VSTART, c32(lane));
            f.br(slow);
          });
        const result = lanewise({ f, a, b, d, rather });
        const masked = i32.shr_u(i32.load16_u(ZERO, REGISTERS + (lane >> 3)), c32(lane & 7));
        if (toMask)
          storeBits(f, vd, { lane, count: Math.min(lanes, most), sew }, result, isMasked ? masked : undefined);
        else {
          const value = isMasked
            ? bits.select(result, chunks.merges === true ? a : d, spread(f.let(masked), sew))
            : result;
          const whole = bytes >= VLENB ? value : bits.select(value, d, firstBytes(bytes));
          f.exec(v128.store(ZERO, whole, place(vd + r)));
        }
      }
    },
    general,
  );
}

/** The lanes' bits into a mask. */
function storeBits(
  f: FunctionBuilder,
  vd: number,
  { lane, count, sew }: { lane: number; count: number; sew: number },
  result: V128,
  masked: I32 | undefined,
): void {
  const found = ([i8x16, i16x8, i32x4, i64x2][sew] as typeof i8x16).bitmask(result);
  const at = place(vd) + (lane >> 3);
  const all = 2 ** count - 1;
  if (masked === undefined && count >= 8) {
    f.exec((count === 16 ? i32.store16 : i32.store8)(ZERO, found, at));
    return;
  }
  const shift = c32(lane & 7);
  const inside = masked === undefined ? c32(all) : i32.and(masked, c32(all));
  const valid = f.let(i32.shl(inside, shift));
  const old = i32.load16_u(ZERO, at);
  f.exec(i32.store16(ZERO, i32.xor(old, i32.and(i32.xor(old, i32.shl(found, shift)), valid)), at));
}

/** A load or store of elements in a row, of one field, without a mask. */
export function moveInRow(s: Sem, isStore: boolean, general: () => void): void {
  const { f, vtype } = s;
  const word = s.imm32().constant as number | undefined;
  const type = vtype === undefined ? undefined : typeOf(vtype);
  if (word === undefined || vtype === undefined || type === undefined) {
    general();
    return;
  }
  const { vd, isMasked, kind } = fieldsOf(word);
  const emul = (kind & 3) - type.sew + type.lmul;
  const fields = word >>> 29;
  if (isMasked || fields !== 0 || Math.abs(emul) > 3 || vd % registersOf(emul) !== 0) {
    general();
    return;
  }
  const bytes = type.most << (kind & 3);
  either(
    s,
    vtype,
    type.most,
    () => {
      const address = s.x("rs1");
      const at = isStore ? s.writable(address, bytes) : s.readable(address, bytes);
      for (let done = 0; done < bytes; ) {
        const register = place(vd) + done;
        const left = bytes - done;
        if (left >= VLENB)
          f.exec(
            isStore
              ? v128.store(at, loadAt(register), BIAS + done)
              : v128.store(ZERO, v128.load(at, BIAS + done), register),
          );
        else {
          const [load, store] = (
            [
              [i64.load8_u, i64.store8],
              [i64.load16_u, i64.store16],
              [i64.load32_u, i64.store32],
              [i64.load, i64.store],
            ] as const
          )[Math.log2(left)] as [typeof i64.load, typeof i64.store];
          f.exec(isStore ? store(at, load(ZERO, register), BIAS + done) : store(ZERO, load(at, BIAS + done), register));
        }
        done += Math.min(left, VLENB);
      }
    },
    general,
  );
}
