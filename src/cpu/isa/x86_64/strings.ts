/**
 * String instructions. Operand 0 only tells the element size.
 *
 * With a rep prefix the registers are brought up to date after each element (or run of elements), so that a fault in the
 * middle leaves exactly the state from which the instruction continues. Forward movs and stos go in runs that end at a
 * page boundary of either side, by memory.copy and memory.fill.
 */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import { sizeOfOperand } from "./arithmetic.ts";
import { type Definition, Flag, FlagKind, Reg, type Sem, type Size, type Word, wordOps } from "./sem.ts";

/** Element size, negative if DF is set. */
function stride(s: Sem, size: Size): I64 {
  const down = i32.and(s.flags.rest(), i32.const(Flag.DF));
  return s.f.let(select(down, i64.const(-size), i64.const(size)));
}

function loadAt(size: Size, at: I32): Word {
  if (size === 1) return i32.load8_u(at, BIAS);
  if (size === 2) return i32.load16_u(at, BIAS);
  return wordOps(size).load(at, BIAS);
}
function storeAt(s: Sem, size: Size, at: I32, value: Word): void {
  if (size === 1) s.f.exec(i32.store8(at, value as I32, BIAS));
  else if (size === 2) s.f.exec(i32.store16(at, value as I32, BIAS));
  else s.f.exec(wordOps(size).store(at, value, BIAS));
}

const get = (s: Sem, register: number): I64 => s.gpr(register, 8) as I64;
function advance(s: Sem, register: number, by: I64): void {
  s.setGpr(register, 8, i64.add(get(s, register), by));
}

/** One element; `by` is the stride. */
type Step = (s: Sem, size: Size, by: I64) => void;

const movsStep: Step = (s, size, by) => {
  const from = s.readable(get(s, Reg.rsi), size);
  const to = s.writable(get(s, Reg.rdi), size);
  storeAt(s, size, to, loadAt(size, from));
  advance(s, Reg.rsi, by);
  advance(s, Reg.rdi, by);
};
const stosStep: Step = (s, size, by) => {
  const to = s.writable(get(s, Reg.rdi), size);
  storeAt(s, size, to, s.gpr(Reg.rax, size));
  advance(s, Reg.rdi, by);
};
const lodsStep: Step = (s, size, by) => {
  const value = s.f.let(loadAt(size, s.readable(get(s, Reg.rsi), size)));
  s.setGpr(Reg.rax, size, value);
  advance(s, Reg.rsi, by);
};
const cmpsStep: Step = (s, size, by) => {
  const from = s.readable(get(s, Reg.rsi), size);
  const to = s.readable(get(s, Reg.rdi), size);
  const a = s.f.let(loadAt(size, from));
  const b = s.f.let(loadAt(size, to));
  s.flags.set(FlagKind.Sub, size, wordOps(size).sub(a, b), b);
  advance(s, Reg.rsi, by);
  advance(s, Reg.rdi, by);
};
const scasStep: Step = (s, size, by) => {
  const b = s.f.let(loadAt(size, s.readable(get(s, Reg.rdi), size)));
  const a = s.gpr(Reg.rax, size);
  s.flags.set(FlagKind.Sub, size, wordOps(size).sub(a, b), b);
  advance(s, Reg.rdi, by);
};

function once(step: Step): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    step(s, size, stride(s, size));
  };
}

/** Repeats while rcx is not 0 and, if `until` is given, ZF is not that. */
function repeated(step: Step, until?: 0 | 1): Definition {
  return (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const by = stride(s, size);
    f.block((end) =>
      f.loop((again) => {
        f.brIf(end, i64.eqz(get(s, Reg.rcx)));
        step(s, size, by);
        advance(s, Reg.rcx, i64.const(-1));
        if (until === undefined) f.br(again);
        else {
          const zero = s.flags.condition(4);
          f.brIf(again, until === 1 ? i32.eqz(zero) : zero);
        }
      }),
    );
  };
}

/** Elements from `address` up to the end of its page, as an i64. */
function elementsInPage(address: I64, size: Size): I64 {
  const bytes = i64.sub(i64.const(4096), i64.and(address, i64.const(4095)));
  return i64.shr_u(bytes, i64.const(Math.log2(size)));
}

function minimum(s: Sem, a: I64, b: I64): I64 {
  const [x, y] = [s.f.let(a), s.f.let(b)];
  return s.f.let(select(i64.lt_u(x, y), x, y));
}

/** Runs `bulk` on as many elements as lie in one page, or the step on one, until rcx is 0. */
function inRuns(
  step: Step,
  limit: (s: Sem, size: Size) => I64,
  bulk: (s: Sem, size: Size, count: I64, bytes: I64) => void,
): Definition {
  return (s) => {
    const { f } = s;
    const size = sizeOfOperand(s);
    const by = stride(s, size);
    f.block((end) =>
      f.loop((again) => {
        const left = get(s, Reg.rcx);
        f.brIf(end, i64.eqz(left));
        const count = minimum(s, left, limit(s, size));
        const wanted = i32.and(i64.gt_s(by, i64.const(0)), i64.ne(count, i64.const(0)));
        f.if(
          wanted,
          () => {
            bulk(s, size, count, f.let(i64.mul(count, i64.const(size))));
            s.setGpr(Reg.rcx, 8, i64.sub(left, count));
          },
          () => {
            step(s, size, by);
            advance(s, Reg.rcx, i64.const(-1));
          },
        );
        f.br(again);
      }),
    );
  };
}

const repMovs = inRuns(
  movsStep,
  (s, size) => {
    const from = get(s, Reg.rsi);
    const to = get(s, Reg.rdi);
    const inPages = minimum(s, elementsInPage(from, size), elementsInPage(to, size));
    // A destination a little ahead of the source repeats what was just written: element by element, or in runs of the
    // distance.
    const distance = s.f.let(i64.sub(to, from));
    const apart = i64.shr_u(distance, i64.const(Math.log2(size)));
    return select(i64.eqz(distance), inPages, minimum(s, inPages, apart));
  },
  (s, _size, _count, bytes) => {
    const from = s.readable(get(s, Reg.rsi), 1);
    const to = s.writable(get(s, Reg.rdi), 1);
    s.f.memoryCopy(i32.add(to, i32.const(BIAS)), i32.add(from, i32.const(BIAS)), i32.wrap(bytes));
    advance(s, Reg.rsi, bytes);
    advance(s, Reg.rdi, bytes);
  },
);

const repStos = inRuns(
  stosStep,
  (s, size) => elementsInPage(get(s, Reg.rdi), size),
  (s, size, _count, bytes) => {
    const { f } = s;
    const to = s.writable(get(s, Reg.rdi), 1);
    const value = s.gpr(Reg.rax, size);
    const length = f.let(i32.wrap(bytes));
    if (size === 1) f.memoryFill(i32.add(to, i32.const(BIAS)), value as I32, length);
    else {
      const at = f.local("i32");
      const end = f.let(i32.add(to, length));
      f.set(at, to);
      f.loop((again) => {
        storeAt(s, size, at, value);
        f.set(at, i32.add(at, i32.const(size)));
        f.brIf(again, i32.lt_u(at, end));
      });
    }
    advance(s, Reg.rdi, bytes);
  },
);

export const strings: Readonly<Record<string, Definition>> = {
  movs: once(movsStep),
  stos: once(stosStep),
  lods: once(lodsStep),
  cmps: once(cmpsStep),
  scas: once(scasStep),
  rep_movs: repMovs,
  rep_stos: repStos,
  rep_lods: repeated(lodsStep),
  repe_cmps: repeated(cmpsStep, 0),
  repne_cmps: repeated(cmpsStep, 1),
  repe_scas: repeated(scasStep, 0),
  repne_scas: repeated(scasStep, 1),
};
