/** x87 arithmetic, comparison, loads and stores. The values are softfloat's; here is what happens to the stack and flags. */
import { BIAS as GUEST_BIAS } from "../../../mm/layout.ts";
import {
  C0,
  C1,
  C2,
  C3,
  DE,
  DEFAULT_NAN_SE,
  DEFAULT_NAN_SIG,
  IE,
  isSignalling,
  quiet,
  REMAINDER,
} from "../../softfloat/parts.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import { type FunctionBuilder, type FunctionRef, getGlobal, type ModuleBuilder } from "../../wasm/module.ts";
import type { Definition, Sem } from "./sem.ts";
import {
  CONDITION_CODES,
  clearFlags,
  controlWord,
  empty,
  FATAL_MEMORY,
  FATAL_REGISTER,
  isEmpty,
  physical,
  run,
  SF,
  setDefaultNaN,
  setEmpty,
  setRegister,
  setStatusWord,
  setTop,
  settle,
  signExponent,
  significand,
  statusWord,
  TRUNCATE,
  top,
  waitForErrors,
  type X87State,
} from "./x87-state.ts";

const c32 = i32.const;
type Value = readonly [I64, I32];
type Definitions = Record<string, Definition>;

const call = (f: FunctionBuilder, fn: FunctionRef, args: Parameters<FunctionBuilder["callStatement"]>[1]): Value =>
  f.callStatement(fn, args) as unknown as Value;

/** (dst, a, b, pops) with physical numbers: dst = a op b. */
function defineOnStack(m: ModuleBuilder, x: X87State, name: string, op: FunctionRef, remainder = false): FunctionRef {
  return m.func(`x87.${name}`, ["i32", "i32", "i32", "i32"], [], (f) => {
    const dst = f.param(0, "i32");
    const a = f.param(1, "i32");
    const b = f.param(2, "i32");
    const pops = f.param(3, "i32");
    const popIfAsked = (): void => f.if(pops, () => run(f, x.pop));
    if (remainder) f.exec(setStatusWord(i32.and(statusWord(), c32(~C2))));
    f.if(i32.or(isEmpty(a), isEmpty(b)), () => {
      f.if(f.call("i32", x.fault, [c32(IE | SF)]), () => {
        setDefaultNaN(f, dst);
        f.exec(setEmpty(i32.and(empty(), i32.xor(i32.shl(c32(1), dst), c32(-1)))));
        popIfAsked();
      });
      f.return();
    });
    clearFlags(f, x);
    const [sig, se] = call(f, op, [significand(a), signExponent(a), significand(b), signExponent(b), controlWord()]);
    if (remainder) {
      const raised = f.let(getGlobal(x.f80.flags));
      const stopped = i32.and(i32.and(raised, c32(FATAL_REGISTER)), i32.xor(controlWord(), c32(-1)));
      f.if(i32.and(i32.eqz(stopped), i32.ne(i32.and(raised, c32(REMAINDER)), c32(0))), () =>
        f.exec(setStatusWord(i32.and(statusWord(), c32(~CONDITION_CODES)))),
      );
    }
    f.if(settle(f, x, FATAL_REGISTER), () => {
      setRegister(f, dst, sig, se);
      popIfAsked();
    });
  });
}

/** (significand, sign and exponent, reversed): ST(0) = ST(0) op value, or value op ST(0). `flags` are the conversion's. */
function defineWithMemory(m: ModuleBuilder, x: X87State, name: string, op: FunctionRef): FunctionRef {
  return m.func(`x87.${name}.memory`, ["i64", "i32", "i32"], [], (f) => {
    const sig = f.param(0, "i64");
    const se = f.param(1, "i32");
    f.if(i32.eqz(f.call("i32", x.needTop, [])), () => f.return());
    const t = f.let(top());
    const a = f.let(significand(t));
    const ea = f.let(signExponent(t));
    const [r, re] = [f.local("i64"), f.local("i32")];
    const converted = f.let(getGlobal(x.f80.flags));
    clearFlags(f, x);
    const apply = (args: readonly (I64 | I32)[]): void => {
      const [v, ve] = call(f, op, [...args, controlWord()]);
      f.set(r, v);
      f.set(re, ve);
    };
    f.if(
      f.param(2, "i32"),
      () => apply([sig, se, a, ea]),
      () => apply([a, ea, sig, se]),
    );
    // A denormal in memory is reported unless something graver was: a NaN, an invalid operation, a division by zero.
    const special = i32.eq(i32.and(ea, c32(0x7fff)), c32(0x7fff));
    const nan = i32.and(special, i64.ne(i64.shl(a, i64.const(1)), i64.const(0)));
    const raised = f.let(getGlobal(x.f80.flags));
    const graver = i32.or(nan, i32.ne(i32.and(raised, c32(IE | 4)), c32(0)));
    const kept = select(graver, i32.and(converted, c32(~DE)), converted);
    f.setGlobal(x.f80.flags, i32.or(raised, kept));
    f.if(settle(f, x, FATAL_REGISTER), () => setRegister(f, t, r, re));
  });
}

/** The value of memory operand 0, with `flags` set by its conversion. */
function loadReal(s: Sem, x: X87State): Value {
  const { f } = s;
  const bytes = s.operands[0]?.bytes ?? 0;
  const address = s.readable(s.address(0), bytes);
  const bits = f.let(bytes === 4 ? i64.load32_u(address, GUEST_BIAS) : i64.load(address, GUEST_BIAS));
  clearFlags(f, x);
  return call(f, bytes === 4 ? x.f80.fromF32 : x.f80.fromF64, [bits]);
}

function loadInteger(s: Sem, x: X87State): Value {
  const bytes = s.operands[0]?.bytes ?? 0;
  const address = s.readable(s.address(0), bytes);
  const load = bytes === 2 ? i64.load16_s : bytes === 4 ? i64.load32_s : i64.load;
  const value = s.f.let(load(address, GUEST_BIAS));
  clearFlags(s.f, x);
  return call(s.f, x.f80.fromInteger, [value]);
}

const sti = (s: Sem): I32 => s.f.let(physical(s.number(0)));

function arithmetic(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const { add, sub, mul, div } = x.f80;
  for (const [name, op, swappable] of [
    ["fadd", add, false],
    ["fmul", mul, false],
    ["fsub", sub, true],
    ["fdiv", div, true],
  ] as const) {
    const stack = defineOnStack(m, x, name, op);
    const memory = defineWithMemory(m, x, name, op);
    const fromMemory = (load: (s: Sem, x: X87State) => Value, reversed: number): Definition => {
      return (s) => {
        waitForErrors(s);
        const [sig, se] = load(s, x);
        run(s.f, memory, [sig, se, c32(reversed)]);
      };
    };
    const onStack = (toTop: boolean, reversed: boolean, pops: number): Definition => {
      return (s) => {
        waitForErrors(s);
        const t = s.f.let(top());
        const i = sti(s);
        const dst = toTop ? t : i;
        const src = toTop ? i : t;
        run(s.f, stack, reversed ? [dst, src, dst, c32(pops)] : [dst, dst, src, c32(pops)]);
      };
    };
    for (const reversed of swappable ? [false, true] : [false]) {
      const r = reversed ? `${name}r` : name;
      all[r] = fromMemory(loadReal, reversed ? 1 : 0);
      all[`${r}_i`] = fromMemory(loadInteger, reversed ? 1 : 0);
      all[`${r}_0i`] = onStack(true, reversed, 0);
      all[`${r}_i0`] = onStack(false, reversed, 0);
      all[`${r}p_i0`] = onStack(false, reversed, 1);
    }
  }
  return all;
}

/** Operations on ST(0) alone, and on ST(0) and ST(1). */
function functions(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const { f80 } = x;
  const unary = (name: string, op: FunctionRef, limited = false): void => {
    const fn = m.func(`x87.${name}`, [], [], (f) => {
      if (limited) f.exec(setStatusWord(i32.and(statusWord(), c32(~C2))));
      f.if(i32.eqz(f.call("i32", x.needTop, [])), () => f.return());
      const t = f.let(top());
      if (limited) leaveIfTooLarge(f, t);
      clearFlags(f, x);
      const [sig, se] = call(f, op, [significand(t), signExponent(t), controlWord()]);
      f.if(settle(f, x, FATAL_REGISTER), () => setRegister(f, t, sig, se));
    });
    all[name] = (s) => {
      waitForErrors(s);
      run(s.f, fn);
    };
  };
  unary("fsqrt", f80.sqrt);
  unary("frndint", f80.roundToInteger);
  unary("f2xm1", f80.exp2m1);
  unary("fsin", f80.sin, true);
  unary("fcos", f80.cos, true);

  const one = c32(1);
  for (const [name, op, remainder] of [
    ["fprem", f80.remTruncated, true],
    ["fprem1", f80.remNearest, true],
    ["fscale", f80.scale, false],
  ] as const) {
    const fn = defineOnStack(m, x, name, op, remainder);
    all[name] = (s) => {
      waitForErrors(s);
      const t = s.f.let(top());
      run(s.f, fn, [t, t, s.f.let(physical(one)), c32(0)]);
    };
  }
  for (const [name, op] of [
    ["fyl2x", f80.yLog2],
    ["fyl2xp1", f80.yLog2p1],
    ["fpatan", f80.atan2],
  ] as const) {
    const fn = defineOnStack(m, x, name, op);
    all[name] = (s) => {
      waitForErrors(s);
      const t = s.f.let(top());
      const below = s.f.let(physical(one));
      run(s.f, fn, [below, below, t, c32(1)]);
    };
  }

  /** Replaces ST(0) by one result and pushes another. `results`: what stays, then what is pushed. */
  const twoResults = (
    name: string,
    limited: boolean,
    results: (f: FunctionBuilder, t: I32) => [Value, Value],
  ): void => {
    const fn = m.func(`x87.${name}`, [], [], (f) => {
      if (limited) f.exec(setStatusWord(i32.and(statusWord(), c32(~C2))));
      const t = f.let(top());
      const next = f.let(i32.and(i32.sub(t, one), c32(7)));
      const underflow = f.let(isEmpty(t));
      f.if(i32.or(underflow, i32.eqz(isEmpty(next))), () => {
        const bits = select(underflow, c32(IE | SF), c32(IE | SF | C1));
        f.if(f.call("i32", x.fault, [bits]), () => {
          setDefaultNaN(f, t);
          setDefaultNaN(f, next);
          f.exec(setEmpty(i32.and(empty(), i32.xor(i32.or(i32.shl(one, t), i32.shl(one, next)), c32(-1)))));
          f.exec(setTop(next));
        });
        f.return();
      });
      if (limited) leaveIfTooLarge(f, t);
      clearFlags(f, x);
      const [stays, pushed] = results(f, t);
      f.if(settle(f, x, FATAL_REGISTER), () => {
        setRegister(f, t, ...stays);
        setRegister(f, next, ...pushed);
        f.exec(setEmpty(i32.and(empty(), i32.xor(i32.shl(one, next), c32(-1)))));
        f.exec(setTop(next));
      });
    });
    all[name] = (s) => {
      waitForErrors(s);
      run(s.f, fn);
    };
  };
  twoResults("fxtract", false, (f, t) => {
    const r = f.callStatement(f80.extract, [significand(t), signExponent(t), controlWord()]);
    const [e, ee, sig, se] = r as unknown as [I64, I32, I64, I32];
    return [
      [e, ee],
      [sig, se],
    ];
  });
  twoResults("fsincos", true, (f, t) => [
    call(f, f80.sin, [significand(t), signExponent(t), controlWord()]),
    call(f, f80.cos, [significand(t), signExponent(t), controlWord()]),
  ]);
  twoResults("fptan", true, (f, t) => {
    const tan = call(f, f80.tan, [significand(t), signExponent(t), controlWord()]);
    // What is pushed is 1.0, but a NaN when the operand was one or invalid.
    const nan = f.let(
      i32.and(i32.eq(i32.and(tan[1], c32(0x7fff)), c32(0x7fff)), i64.ne(i64.shl(tan[0], i64.const(1)), i64.const(0))),
    );
    return [tan, [select(nan, tan[0], i64.const(1n << 63n)), select(nan, tan[1], c32(0x3fff))]];
  });
  return all;
}

/** Trigonometric instructions take |x| < 2^63; beyond it they set C2 and do nothing else. */
function leaveIfTooLarge(f: FunctionBuilder, t: I32): void {
  const exp = f.let(i32.and(signExponent(t), c32(0x7fff)));
  const normal = i64.lt_s(significand(t), i64.const(0));
  f.if(i32.and(i32.and(i32.ge_u(exp, c32(0x3fff + 63)), i32.ne(exp, c32(0x7fff))), normal), () => {
    f.exec(setStatusWord(i32.or(i32.and(statusWord(), c32(~C1)), c32(C2))));
    f.return();
  });
}

/** Comparisons. The functions return C3, C2, C0 with bit 0 set where the instruction may pop, and STACK_FAULT. */
const STACK_FAULT = 2;

function comparisons(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const define = (name: string, op: FunctionRef): { stack: FunctionRef; memory: FunctionRef } => {
    const unordered = C0 | C2 | C3;
    const finish = (f: FunctionBuilder, codes: I32): void => {
      const c = f.let(codes);
      f.return(i32.or(settle(f, x, FATAL_REGISTER), c));
    };
    const memory = m.func(`x87.${name}.value`, ["i64", "i32"], ["i32"], (f) => {
      const t = f.let(top());
      f.if(isEmpty(t), () => f.return(i32.or(f.call("i32", x.fault, [c32(IE | SF)]), c32(unordered))));
      const codes = f.let(f.call("i32", op, [significand(t), signExponent(t), f.param(0, "i64"), f.param(1, "i32")]));
      // An unordered comparison has no denormal operand to report.
      f.if(i32.eq(codes, c32(unordered)), () => f.setGlobal(x.f80.flags, i32.and(getGlobal(x.f80.flags), c32(~DE))));
      finish(f, codes);
    });
    const stack = m.func(`x87.${name}`, ["i32"], ["i32"], (f) => {
      const t = f.let(top());
      const b = f.param(0, "i32");
      f.if(i32.or(isEmpty(t), isEmpty(b)), () =>
        f.return(i32.or(f.call("i32", x.fault, [c32(IE | SF)]), c32(unordered | STACK_FAULT))),
      );
      clearFlags(f, x);
      finish(f, f.call("i32", op, [significand(t), signExponent(t), significand(b), signExponent(b)]));
    });
    return { stack, memory };
  };
  const ordered = define("fcom", x.f80.compare);
  const quiet = define("fucom", x.f80.compareQuiet);

  const setCodes = (s: Sem, result: I32, pops: number): void => {
    const r = s.f.let(result);
    const codes = i32.and(r, c32(C0 | C2 | C3));
    s.f.exec(setStatusWord(i32.or(i32.and(statusWord(), c32(~(C0 | C2 | C3))), codes)));
    if (pops > 0)
      s.f.if(i32.and(r, c32(1)), () => {
        for (let i = 0; i < pops; i++) run(s.f, x.pop);
      });
  };
  const fromMemory = (load: (s: Sem, x: X87State) => Value, pops: number): Definition => {
    return (s) => {
      waitForErrors(s);
      const [sig, se] = load(s, x);
      setCodes(s, s.f.call("i32", ordered.memory, [sig, se]), pops);
    };
  };
  const onStack = (fn: FunctionRef, pops: number, register?: number): Definition => {
    return (s) => {
      waitForErrors(s);
      const i = register === undefined ? sti(s) : s.f.let(physical(c32(register)));
      setCodes(s, s.f.call("i32", fn, [i]), pops);
    };
  };
  /** C0, C2, C3 are CF, PF, ZF, eight bits up. */
  const toFlags = (fn: FunctionRef, pops: boolean): Definition => {
    return (s) => {
      waitForErrors(s);
      const c1 = s.f.let(i32.and(statusWord(), c32(C1)));
      const r = s.f.let(s.f.call("i32", fn, [sti(s)]));
      s.f.if(i32.eqz(i32.and(r, c32(STACK_FAULT))), () => s.f.exec(setStatusWord(i32.or(statusWord(), c1))));
      s.flags.setAll(i32.and(i32.shr_u(r, c32(8)), c32(0x45)));
      if (pops) s.f.if(i32.and(r, c32(1)), () => run(s.f, x.pop));
    };
  };
  all["fcom"] = fromMemory(loadReal, 0);
  all["fcomp"] = fromMemory(loadReal, 1);
  all["fcom_i"] = fromMemory(loadInteger, 0);
  all["fcomp_i"] = fromMemory(loadInteger, 1);
  all["fcom_0i"] = onStack(ordered.stack, 0);
  all["fcomp_0i"] = onStack(ordered.stack, 1);
  all["fcompp"] = onStack(ordered.stack, 2, 1);
  all["fucom_0i"] = onStack(quiet.stack, 0);
  all["fucomp_0i"] = onStack(quiet.stack, 1);
  all["fucompp"] = onStack(quiet.stack, 2, 1);
  all["fcomi"] = toFlags(ordered.stack, false);
  all["fcomip"] = toFlags(ordered.stack, true);
  all["fucomi"] = toFlags(quiet.stack, false);
  all["fucomip"] = toFlags(quiet.stack, true);
  all["ftst"] = (s) => {
    waitForErrors(s);
    clearFlags(s.f, x);
    setCodes(s, s.f.call("i32", ordered.memory, [i64.const(0), c32(0)]), 0);
  };
  return all;
}

function loadsAndStores(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const { f80 } = x;
  const load = (read: (s: Sem, x: X87State) => Value): Definition => {
    return (s) => {
      waitForErrors(s);
      const [sig, se] = read(s, x);
      run(s.f, x.push, [sig, se]);
    };
  };
  const real = load((s) => {
    const [sig, se] = loadReal(s, x);
    s.f.if(isSignalling(sig, se), () => s.f.setGlobal(f80.flags, c32(IE)));
    const nan = i32.eq(i32.and(se, c32(0x7fff)), c32(0x7fff));
    const fraction = i64.ne(i64.shl(sig, i64.const(1)), i64.const(0));
    return [s.f.let(select(i32.and(nan, fraction), quiet(sig), sig)), se];
  });
  const extended = load((s) => {
    const address = s.readable(s.address(0), 10);
    const sig = s.f.let(i64.load(address, GUEST_BIAS));
    const se = s.f.let(i32.load16_u(address, GUEST_BIAS + 8));
    clearFlags(s.f, x);
    return [sig, se];
  });
  all["fld"] = (s) => (s.operands[0]?.bytes === 10 ? extended(s) : real(s));
  all["fild"] = load(loadInteger);
  all["fbld"] = load((s) => {
    const address = s.readable(s.address(0), 10);
    const digits = s.f.let(i64.load(address, GUEST_BIAS));
    const rest = s.f.let(i32.load16_u(address, GUEST_BIAS + 8));
    clearFlags(s.f, x);
    return call(s.f, f80.fromBcd, [digits, rest]);
  });

  /** () -> whether to store, and ST(0) in the format of memory. */
  const convert = (name: string, indefinite: bigint, op: (f: FunctionBuilder, t: I32) => I64): FunctionRef =>
    m.func(`x87.store.${name}`, [], ["i32", "i64"], (f) => {
      const t = f.let(top());
      f.if(isEmpty(t), () => f.return(f.call("i32", x.fault, [c32(IE | SF)]), i64.const(indefinite)));
      clearFlags(f, x);
      const bits = f.let(op(f, t));
      f.return(settle(f, x, FATAL_MEMORY), bits);
    });
  const operand = (t: I32): [I64, I32, I32] => [significand(t), signExponent(t), controlWord()];
  const toReal = {
    4: convert("f32", 0xffc0_0000n, (f, t) => f.call("i64", f80.toF32, operand(t))),
    8: convert("f64", 0xfff8_0000_0000_0000n, (f, t) => f.call("i64", f80.toF64, operand(t))),
  };
  const toInteger = (bits: 16 | 32 | 64): FunctionRef =>
    convert(`i${bits}`, 1n << BigInt(bits - 1), (f, t) => f.call("i64", f80.toInteger, [...operand(t), c32(bits)]));
  const integers = { 2: toInteger(16), 4: toInteger(32), 8: toInteger(64) };
  /** Towards zero, whatever the control word says. */
  const truncate = (bits: 16 | 32 | 64): FunctionRef =>
    convert(`t${bits}`, 1n << BigInt(bits - 1), (f, t) => {
      const [sig, se, control] = operand(t);
      return f.call("i64", f80.toInteger, [sig, se, i32.or(control, c32(TRUNCATE)), c32(bits)]);
    });

  const store = (formats: Readonly<Record<number, FunctionRef>>, pops: boolean): Definition => {
    return (s) => {
      waitForErrors(s);
      const bytes = s.operands[0]?.bytes ?? 0;
      const address = s.writable(s.address(0), bytes);
      const [ok, bits] = s.f.callStatement(formats[bytes] as FunctionRef, []) as unknown as [I32, I64];
      s.f.if(ok, () => {
        const write = bytes === 2 ? i64.store16 : bytes === 4 ? i64.store32 : i64.store;
        s.f.exec(write(address, bits, GUEST_BIAS));
        if (pops) run(s.f, x.pop);
      });
    };
  };
  all["fst"] = store(toReal, false);
  const storeReal = store(toReal, true);
  const storeExtended: Definition = (s) => {
    waitForErrors(s);
    const address = s.writable(s.address(0), 10);
    const t = s.f.let(top());
    const write = (sig: I64, se: I32): void => {
      s.f.exec(i64.store(address, sig, GUEST_BIAS));
      s.f.exec(i32.store16(address, se, GUEST_BIAS + 8));
      run(s.f, x.pop);
    };
    s.f.if(
      isEmpty(t),
      () =>
        s.f.if(s.f.call("i32", x.fault, [c32(IE | SF)]), () => write(i64.const(DEFAULT_NAN_SIG), c32(DEFAULT_NAN_SE))),
      () => {
        s.f.exec(setStatusWord(i32.and(statusWord(), c32(~C1))));
        write(significand(t), signExponent(t));
      },
    );
  };
  all["fstp"] = (s) => (s.operands[0]?.bytes === 10 ? storeExtended(s) : storeReal(s));
  all["fist"] = store(integers, false);
  all["fistp"] = store(integers, true);
  all["fisttp"] = store({ 2: truncate(16), 4: truncate(32), 8: truncate(64) }, true);

  const toBcd = m.func("x87.store.bcd", [], ["i32", "i64", "i32"], (f) => {
    const t = f.let(top());
    f.if(isEmpty(t), () =>
      f.return(f.call("i32", x.fault, [c32(IE | SF)]), i64.const(0xc000_0000_0000_0000n), c32(0xffff)),
    );
    clearFlags(f, x);
    const [digits, rest] = call(f, f80.toBcd, operand(t));
    f.return(settle(f, x, FATAL_MEMORY), digits, rest);
  });
  all["fbstp"] = (s) => {
    waitForErrors(s);
    const address = s.writable(s.address(0), 10);
    const [ok, digits, rest] = s.f.callStatement(toBcd, []) as unknown as [I32, I64, I32];
    s.f.if(ok, () => {
      s.f.exec(i64.store(address, digits, GUEST_BIAS));
      s.f.exec(i32.store16(address, rest, GUEST_BIAS + 8));
      run(s.f, x.pop);
    });
  };
  return all;
}

export function defineX87Arithmetic(m: ModuleBuilder, x: X87State): Readonly<Record<string, Definition>> {
  return { ...arithmetic(m, x), ...functions(m, x), ...comparisons(m, x), ...loadsAndStores(m, x) };
}
