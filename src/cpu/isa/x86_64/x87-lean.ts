/**
 * The commonest x87 instructions once more, as code in place for engines that know the stack along straight code (x87-stack.ts):
 * registers that are not empty, exceptions that are masked, operands in memory that are numbers. Wherever that is not so they
 * leave, and x87-arith.ts and x87-control.ts say what happens.
 */
import { BIAS as GUEST_BIAS } from "../../../mm/layout.ts";
import { BIAS, C0, C1, C2, C3, INTEGER_BIT, withSign } from "../../softfloat/parts.ts";
import { packInteger } from "../../softfloat/round.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionRef, Local } from "../../wasm/module.ts";
import type { Definition, Sem } from "./sem.ts";
import { type Value, X87Stack } from "./x87-stack.ts";
import { BUSY, CONDITION_CODES, CONTROL_BITS, ES, MAGNITUDE, TRUNCATE, type X87State } from "./x87-state.ts";

const c32 = i32.const;
const c64 = i64.const;

/** An instruction of an engine that knows the stack. */
type Lean = (s: Sem, stack: X87Stack) => void;

const bytesOf = (s: Sem): number => s.operands[0]?.bytes ?? 0;
/** The i of st(i). */
const index = (s: Sem): number => s.number(0).constant as number;

/** A float or double in memory. Zero, infinite, NaN and denormal share an exponent with few: only zero is done here. */
function loadReal(s: Sem, stack: X87Stack): Value {
  const { f } = s;
  const [width, bits] = bytesOf(s) === 4 ? [23, 8] : [52, 11];
  const address = s.readable(s.address(0), bytesOf(s));
  const value = f.let(width === 23 ? i64.load32_u(address, GUEST_BIAS) : i64.load(address, GUEST_BIAS));
  const most = (1 << bits) - 1;
  const exponent = f.let(i32.and(i32.wrap(i64.shr_u(value, c64(width))), c32(most)));
  const sign = i32.and(i32.wrap(i64.shr_u(value, c64(width + bits))), c32(1));
  const sig = f.local("i64");
  const se = f.local("i32");
  f.set(sig, i64.or(i64.shl(value, c64(63 - width)), c64(INTEGER_BIT)));
  f.set(se, withSign(sign, i32.add(exponent, c32(BIAS - (most >> 1)))));
  f.if(i32.ge_u(i32.sub(exponent, c32(1)), c32(most - 1)), () => {
    stack.leaveIf(i32.eqz(i64.eqz(i64.shl(value, c64(64 - width - bits)))));
    f.set(sig, c64(0));
    f.set(se, withSign(sign, 0));
  });
  return [sig, se];
}

function loadInteger(s: Sem): Value {
  const { f } = s;
  const bytes = bytesOf(s);
  const address = s.readable(s.address(0), bytes);
  const load = bytes === 2 ? i64.load16_s : bytes === 4 ? i64.load32_s : i64.load;
  const value = f.let(load(address, GUEST_BIAS));
  const sign = f.let(i64.shr_s(value, c64(63)));
  const magnitude = f.let(i64.sub(i64.xor(value, sign), sign));
  const { sig, se } = packInteger(f, i32.and(i32.wrap(sign), c32(1)), magnitude);
  return [sig, se];
}

function loads(all: Record<string, Lean>): void {
  const push = (stack: X87Stack, value: Value): void => {
    stack.clearC1();
    stack.push(value);
  };
  all["fld"] = (s, stack) => {
    stack.room();
    if (bytesOf(s) !== 10) {
      push(stack, loadReal(s, stack));
      return;
    }
    const address = s.readable(s.address(0), 10);
    const value: Value = [s.f.let(i64.load(address, GUEST_BIAS)), s.f.let(i32.load16_u(address, GUEST_BIAS + 8))];
    push(stack, value);
  };
  all["fild"] = (s, stack) => {
    stack.room();
    push(stack, loadInteger(s));
  };
  all["fld_i"] = (s, stack) => {
    stack.room();
    push(stack, stack.value(index(s)));
  };
  const constant = (name: string, sig: bigint, se: number): void => {
    all[name] = (_, stack) => {
      stack.room();
      push(stack, [c64(sig), c32(se)]);
    };
  };
  constant("fldz", 0n, 0);
  constant("fld1", INTEGER_BIT, BIAS);
}

function stores(all: Record<string, Lean>, { f80 }: X87State): void {
  type Convert = (stack: X87Stack, bytes: number) => { bits: I64; flags: I32 };
  const toReal: Convert = (stack, bytes) => {
    const args = [...stack.value(0), stack.control];
    const { results, flags } = stack.raising(bytes === 4 ? f80.toF32 : f80.toF64, args);
    return { bits: results[0] as Local<"i64">, flags };
  };
  const toInteger = (truncates: boolean): Convert => {
    return (stack, bytes) => {
      const rounding = truncates ? i32.or(stack.control, c32(TRUNCATE)) : stack.control;
      const { results, flags } = stack.raising(f80.toInteger, [...stack.value(0), rounding, c32(bytes * 8)]);
      return { bits: results[0] as Local<"i64">, flags };
    };
  };
  const store = (convert: Convert, pops: boolean): Lean => {
    return (s, stack) => {
      const bytes = bytesOf(s);
      const address = s.writable(s.address(0), bytes);
      stack.need(0);
      stack.masked();
      const { bits, flags } = convert(stack, bytes);
      stack.replaceStatus(0, flags);
      const write = bytes === 2 ? i64.store16 : bytes === 4 ? i64.store32 : i64.store;
      s.f.exec(write(address, bits, GUEST_BIAS));
      if (pops) stack.pop();
    };
  };
  const storeReal = store(toReal, true);
  all["fst"] = store(toReal, false);
  all["fstp"] = (s, stack) => {
    if (bytesOf(s) !== 10) {
      storeReal(s, stack);
      return;
    }
    const address = s.writable(s.address(0), 10);
    const [sig, se] = stack.value(0);
    stack.clearC1();
    s.f.exec(i64.store(address, sig, GUEST_BIAS));
    s.f.exec(i32.store16(address, se, GUEST_BIAS + 8));
    stack.pop();
  };
  all["fist"] = store(toInteger(false), false);
  all["fistp"] = store(toInteger(false), true);
  all["fisttp"] = store(toInteger(true), true);
}

function moves(all: Record<string, Lean>): void {
  for (const [name, pops] of [
    ["fst_i", false],
    ["fstp_i", true],
  ] as const)
    all[name] = (s, stack) => {
      const value = stack.value(0);
      stack.clearC1();
      if (index(s) !== 0) stack.set(index(s), value);
      if (pops) stack.pop();
    };
  all["fxch"] = (s, stack) => {
    const i = index(s);
    const [above, below] = [stack.copy(0), stack.copy(i)];
    stack.clearC1();
    if (i === 0) return;
    stack.set(0, below);
    stack.set(i, above);
  };
  for (const [name, change] of [
    ["fchs", (se: I32) => i32.xor(se, c32(0x8000))],
    ["fabs", (se: I32) => i32.and(se, c32(MAGNITUDE))],
  ] as const)
    all[name] = (_, stack) => {
      const [sig, se] = stack.value(0);
      stack.clearC1();
      stack.set(0, [sig, change(se)]);
    };
  const conditions = { fcmovb: 2, fcmove: 4, fcmovbe: 6, fcmovu: 10, fcmovnb: 3, fcmovne: 5, fcmovnbe: 7, fcmovnu: 11 };
  for (const [name, code] of Object.entries(conditions))
    all[name] = (s, stack) => {
      const [[sig, se], [otherSig, otherSe]] = [stack.copy(0), stack.copy(index(s))];
      const holds = s.f.let(s.flags.condition(code));
      stack.set(0, [select(holds, otherSig, sig), select(holds, otherSe, se)]);
    };
  all["ffree"] = (s, stack) => {
    stack.clearC1();
    stack.free(index(s));
  };
  all["ffreep"] = (s, stack) => {
    stack.clearC1();
    stack.free(index(s));
    stack.pop();
  };
  for (const [name, by] of [
    ["fincstp", 1],
    ["fdecstp", 7],
  ] as const)
    all[name] = (_, stack) => {
      stack.clearC1();
      stack.move(by);
    };
}

function arithmetic(all: Record<string, Lean>, { f80 }: X87State): void {
  const compute = (stack: X87Stack, to: number, fn: FunctionRef, a: Value, b: Value): void => {
    const { results, flags } = stack.raising(fn, [...a, ...b, stack.control]);
    stack.replaceStatus(0, flags);
    stack.set(to, results as unknown as Value);
  };
  for (const [name, op, swappable] of [
    ["fadd", f80.add, false],
    ["fmul", f80.mul, false],
    ["fsub", f80.sub, true],
    ["fdiv", f80.div, true],
  ] as const)
    for (const reversed of swappable ? [false, true] : [false]) {
      const withMemory = (load: (s: Sem, stack: X87Stack) => Value): Lean => {
        return (s, stack) => {
          stack.masked();
          const [a, b] = [stack.value(0), load(s, stack)];
          compute(stack, 0, op, ...(reversed ? ([b, a] as const) : ([a, b] as const)));
        };
      };
      const onStack = (toTop: boolean, pops: boolean): Lean => {
        return (s, stack) => {
          stack.masked();
          const i = index(s);
          const [to, from] = toTop ? [0, i] : [i, 0];
          const [a, b] = [stack.value(to), stack.value(from)];
          compute(stack, to, op, ...(reversed ? ([b, a] as const) : ([a, b] as const)));
          if (pops) stack.pop();
        };
      };
      const r = reversed ? `${name}r` : name;
      all[r] = withMemory(loadReal);
      all[`${r}_i`] = withMemory(loadInteger);
      all[`${r}_0i`] = onStack(true, false);
      all[`${r}_i0`] = onStack(false, false);
      all[`${r}p_i0`] = onStack(false, true);
    }
  for (const [name, fn] of [
    ["fsqrt", f80.sqrt],
    ["frndint", f80.roundToInteger],
  ] as const)
    all[name] = (_, stack) => {
      stack.masked();
      const { results, flags } = stack.raising(fn, [...stack.value(0), stack.control]);
      stack.replaceStatus(0, flags);
      stack.set(0, results as unknown as Value);
    };
}

function comparisons(all: Record<string, Lean>, { f80 }: X87State): void {
  const compare = (stack: X87Stack, fn: FunctionRef, b: Value): { codes: I32; flags: I32 } => {
    const { results, flags } = stack.raising(fn, [...stack.value(0), ...b]);
    return { codes: results[0] as Local<"i32">, flags };
  };
  const setCodes = (stack: X87Stack, fn: FunctionRef, b: Value, pops: number): void => {
    const { codes, flags } = compare(stack, fn, b);
    stack.replaceStatus(C0 | C2 | C3, i32.or(codes, flags));
    for (let i = 0; i < pops; i++) stack.pop();
  };
  const withMemory = (load: (s: Sem, stack: X87Stack) => Value, pops: number): Lean => {
    return (s, stack) => {
      stack.masked();
      stack.need(0);
      setCodes(stack, f80.compare, load(s, stack), pops);
    };
  };
  const onStack = (fn: FunctionRef, pops: number): Lean => {
    return (s, stack) => {
      stack.masked();
      stack.need(0);
      setCodes(stack, fn, stack.value(pops === 2 ? 1 : index(s)), pops);
    };
  };
  /** C0, C2, C3 are CF, PF, ZF, eight bits up; C1 stays. */
  const toFlags = (fn: FunctionRef, pops: boolean): Lean => {
    return (s, stack) => {
      stack.masked();
      stack.need(0);
      const { codes, flags } = compare(stack, fn, stack.value(index(s)));
      stack.raise(flags);
      s.flags.setAll(i32.and(i32.shr_u(codes, c32(8)), c32(0x45)));
      if (pops) stack.pop();
    };
  };
  all["fcom"] = withMemory(loadReal, 0);
  all["fcomp"] = withMemory(loadReal, 1);
  all["fcom_i"] = withMemory(loadInteger, 0);
  all["fcomp_i"] = withMemory(loadInteger, 1);
  for (const [letter, fn] of [
    ["", f80.compare],
    ["u", f80.compareQuiet],
  ] as const) {
    all[`f${letter}com_0i`] = onStack(fn, 0);
    all[`f${letter}comp_0i`] = onStack(fn, 1);
    all[`f${letter}compp`] = onStack(fn, 2);
    all[`f${letter}comi`] = toFlags(fn, false);
    all[`f${letter}comip`] = toFlags(fn, true);
  }
  all["ftst"] = (_, stack) => {
    stack.masked();
    stack.need(0);
    setCodes(stack, f80.compare, [c64(0), c32(0)], 0);
  };
  all["fxam"] = (s, stack) => {
    const { f } = s;
    const [sig, se] = stack.value(0);
    const exp = f.let(i32.and(se, c32(MAGNITUDE)));
    const fractionZero = i64.eqz(i64.shl(sig, c64(1)));
    const large = select(i32.eq(exp, c32(MAGNITUDE)), select(fractionZero, c32(C2 | C0), c32(C0)), c32(C2));
    const special = select(i64.lt_s(sig, c64(0)), large, c32(0));
    const codes = select(exp, special, select(i64.eqz(sig), c32(C3), c32(C3 | C2)));
    stack.replaceStatus(CONDITION_CODES, i32.or(codes, i32.and(i32.shr_u(se, c32(6)), c32(C1))));
  };
}

function control(all: Record<string, Lean>): void {
  all["fwait"] = () => {};
  all["fnop"] = () => {};
  all["fldcw"] = (s, stack) => {
    const value = s.f.let(i32.or(i32.and(s.read(0) as I32, c32(CONTROL_BITS)), c32(0x40)));
    // What was raised before may be unmasked now.
    stack.leaveIf(i32.and(i32.and(stack.status, c32(0x3f)), i32.xor(value, c32(-1))));
    stack.setControl(value);
  };
  // These two don't wait for exceptions; if there is one pending, an engine that knows the stack has left.
  all["fnstcw"] = (s, stack) => s.write(0, stack.control);
  all["fnstsw"] = (s, stack) => s.write(0, s.f.let(stack.fullStatus));
  all["fnstsw_ax"] = (s, stack) => s.setGpr(0, 2, s.f.let(stack.fullStatus));
  all["fnclex"] = (_, stack) => stack.clearExceptions(0x7f | ES | BUSY);
}

/**
 * The definitions with those in place for engines that know the stack. After an instruction that is not among these, nothing is
 * known any more.
 */
export function withLean(definitions: Readonly<Record<string, Definition>>, x: X87State): Record<string, Definition> {
  const all: Record<string, Lean> = {};
  loads(all);
  stores(all, x);
  moves(all);
  arithmetic(all, x);
  comparisons(all, x);
  control(all);
  const lean = new Map(Object.entries(all));
  return Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => {
      const inPlace = lean.get(name);
      const either: Definition = (s) => {
        const { x87 } = s;
        if (x87 !== undefined && inPlace !== undefined) inPlace(s, new X87Stack(s, x87, x.f80.flags));
        else definition(s);
        if (inPlace === undefined) x87?.known.forget();
      };
      return [name, either];
    }),
  );
}
