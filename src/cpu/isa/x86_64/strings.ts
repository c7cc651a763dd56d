/**
 * String instructions. Operand 0 only tells the element size; operand 1 is a memory operand whose address is the base of
 * the source's segment. Every definition exists twice: with an address size of 32 bits (`_a32`) the index registers and
 * the count are esi, edi and ecx.
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
  const down = s.f.let(i32.and(s.flags.rest(), i32.const(Flag.DF)));
  if (s.excludes(down)) return i64.const(size);
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

/** A string instruction being defined: its sizes and its index registers. */
class StringOp {
  readonly s: Sem;
  readonly size: Size;
  /** Element size, negative if DF is set. */
  readonly by: I64;
  readonly #wide: boolean;

  constructor(s: Sem, wide: boolean) {
    this.s = s;
    this.size = sizeOfOperand(s);
    this.by = stride(s, this.size);
    this.#wide = wide;
  }
  get(register: number): I64 {
    if (this.#wide) return this.s.gpr(register, 8) as I64;
    return this.s.f.let(i64.extend_i32_u(this.s.gpr(register, 4) as I32));
  }
  advance(register: number, by: I64): void {
    const next = i64.add(this.get(register), by);
    if (this.#wide) this.s.setGpr(register, 8, next);
    else this.s.setGpr(register, 4, i32.wrap(next));
  }
  /** Guest address of the source element. */
  source(): I64 {
    const base = this.s.address(1);
    return base.constant === 0n ? this.get(Reg.rsi) : this.s.f.let(i64.add(base, this.get(Reg.rsi)));
  }
  destination(): I64 {
    return this.get(Reg.rdi);
  }
}

/** One element. */
type Step = (o: StringOp) => void;

const movsStep: Step = (o) => {
  const { s, size, by } = o;
  const from = s.readable(o.source(), size);
  const to = s.writable(o.destination(), size);
  storeAt(s, size, to, loadAt(size, from));
  o.advance(Reg.rsi, by);
  o.advance(Reg.rdi, by);
};
const stosStep: Step = (o) => {
  const { s, size, by } = o;
  const to = s.writable(o.destination(), size);
  storeAt(s, size, to, s.gpr(Reg.rax, size));
  o.advance(Reg.rdi, by);
};
const lodsStep: Step = (o) => {
  const { s, size, by } = o;
  const value = s.f.let(loadAt(size, s.readable(o.source(), size)));
  s.setGpr(Reg.rax, size, value);
  o.advance(Reg.rsi, by);
};
const cmpsStep: Step = (o) => {
  const { s, size, by } = o;
  const from = s.readable(o.source(), size);
  const to = s.readable(o.destination(), size);
  const a = s.f.let(loadAt(size, from));
  const b = s.f.let(loadAt(size, to));
  s.flags.set(FlagKind.Sub, size, wordOps(size).sub(a, b), b);
  o.advance(Reg.rsi, by);
  o.advance(Reg.rdi, by);
};
const scasStep: Step = (o) => {
  const { s, size, by } = o;
  const b = s.f.let(loadAt(size, s.readable(o.destination(), size)));
  const a = s.gpr(Reg.rax, size);
  s.flags.set(FlagKind.Sub, size, wordOps(size).sub(a, b), b);
  o.advance(Reg.rdi, by);
};

/** A definition for either address size. */
type Sized = (wide: boolean) => Definition;

function once(step: Step): Sized {
  return (wide) => (s) => step(new StringOp(s, wide));
}

/** Repeats while rcx is not 0 and, if `until` is given, ZF is not that. */
function repeated(step: Step, until?: 0 | 1): Sized {
  return (wide) => (s) => {
    const { f } = s;
    const o = new StringOp(s, wide);
    f.block((end) =>
      f.loop((again) => {
        f.brIf(end, i64.eqz(o.get(Reg.rcx)));
        step(o);
        o.advance(Reg.rcx, i64.const(-1));
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

/** Bytes up to which an element after the other is faster than a call of the host's. */
const SHORT = 128;

/**
 * Runs `bulk` on as many elements as lie in one page, or the step on one, until rcx is 0. A few elements, all in one page on
 * each side, are done by `few`: most copies of programs are short.
 */
function inRuns(
  step: Step,
  limit: (o: StringOp) => I64,
  bulk: (o: StringOp, bytes: I64) => void,
  few: { readonly within: (o: StringOp, count: I64) => I32; readonly run: (o: StringOp, bytes: I64) => void },
): Sized {
  return (wide) => (s) => {
    const { f } = s;
    const o = new StringOp(s, wide);
    const { size, by } = o;
    f.block((end) => {
      const all = o.get(Reg.rcx);
      f.brIf(end, i64.eqz(all));
      const short = i32.and(i64.lt_u(all, i64.const(SHORT / Math.max(size, 4) + 1)), i64.gt_s(by, i64.const(0)));
      f.if(i32.and(short, few.within(o, all)), () => {
        few.run(o, f.let(i64.mul(all, i64.const(size))));
        o.advance(Reg.rcx, i64.sub(i64.const(0), all));
        f.br(end);
      });
      f.loop((again) => {
        const left = o.get(Reg.rcx);
        f.brIf(end, i64.eqz(left));
        const count = minimum(s, left, limit(o));
        const wanted = i32.and(i64.gt_s(by, i64.const(0)), i64.ne(count, i64.const(0)));
        f.if(
          wanted,
          () => {
            bulk(o, f.let(i64.mul(count, i64.const(size))));
            o.advance(Reg.rcx, i64.sub(i64.const(0), count));
          },
          () => {
            step(o);
            o.advance(Reg.rcx, i64.const(-1));
          },
        );
        f.br(again);
      });
    });
  };
}

/** The elements from an address on lie in one page. */
function isInPage(address: I64, count: I64, size: Size): I32 {
  const end = i64.add(i64.and(address, i64.const(4095)), i64.mul(count, i64.const(size)));
  return i64.le_u(end, i64.const(4096));
}

/** Element by element, forward. */
function storeEach(s: Sem, size: Size, to: I32, bytes: I64, value: (at: I32) => Word): void {
  const { f } = s;
  const done = f.local("i32");
  const length = f.let(i32.wrap(bytes));
  f.set(done, i32.const(0));
  f.loop((again) => {
    storeAt(s, size, i32.add(to, done), value(done));
    f.set(done, i32.add(done, i32.const(size)));
    f.brIf(again, i32.lt_u(done, length));
  });
}

const repMovs = inRuns(
  movsStep,
  (o) => {
    const { s, size } = o;
    const from = o.source();
    const to = o.destination();
    const inPages = minimum(s, elementsInPage(from, size), elementsInPage(to, size));
    // A destination a little ahead of the source repeats what was just written: element by element, or in runs of the
    // distance.
    const distance = s.f.let(i64.sub(to, from));
    const apart = i64.shr_u(distance, i64.const(Math.log2(size)));
    return select(i64.eqz(distance), inPages, minimum(s, inPages, apart));
  },
  (o, bytes) => {
    const { s } = o;
    const from = s.readable(o.source(), 1);
    const to = s.writable(o.destination(), 1);
    s.f.memoryCopy(i32.add(to, i32.const(BIAS)), i32.add(from, i32.const(BIAS)), i32.wrap(bytes));
    o.advance(Reg.rsi, bytes);
    o.advance(Reg.rdi, bytes);
  },
  {
    within: (o, count) => i32.and(isInPage(o.source(), count, o.size), isInPage(o.destination(), count, o.size)),
    run: (o, bytes) => {
      const { s, size } = o;
      const from = s.readable(o.source(), 1);
      const to = s.writable(o.destination(), 1);
      storeEach(s, size, to, bytes, (done) => loadAt(size, i32.add(from, done)));
      o.advance(Reg.rsi, bytes);
      o.advance(Reg.rdi, bytes);
    },
  },
);

const repStos = inRuns(
  stosStep,
  (o) => elementsInPage(o.destination(), o.size),
  (o, bytes) => {
    const { s, size } = o;
    const to = s.writable(o.destination(), 1);
    const value = s.gpr(Reg.rax, size);
    if (size === 1) s.f.memoryFill(i32.add(to, i32.const(BIAS)), value as I32, i32.wrap(bytes));
    else storeEach(s, size, to, bytes, () => value);
    o.advance(Reg.rdi, bytes);
  },
  {
    within: (o, count) => isInPage(o.destination(), count, o.size),
    run: (o, bytes) => {
      const { s, size } = o;
      const to = s.writable(o.destination(), 1);
      const value = s.gpr(Reg.rax, size);
      storeEach(s, size, to, bytes, () => value);
      o.advance(Reg.rdi, bytes);
    },
  },
);

const sized: Readonly<Record<string, Sized>> = {
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

export const strings: Readonly<Record<string, Definition>> = Object.fromEntries(
  Object.entries(sized).flatMap(([name, make]) => [
    [name, make(true)],
    [`${name}_a32`, make(false)],
  ]),
);
