import { C0, C1, C2, C3, IE } from "../../softfloat/parts.ts";
import { type I32, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionBuilder, ModuleBuilder } from "../../wasm/module.ts";
import type { Definition, Sem } from "./sem.ts";
import {
  BUSY,
  CONDITION_CODES,
  CONTROL_BITS,
  controlWord,
  ES,
  empty,
  fullStatus,
  isEmpty,
  physical,
  run,
  SF,
  setControlWord,
  setDefaultNaN,
  setEmpty,
  setRegister,
  setStatusWord,
  setTop,
  signExponent,
  significand,
  statusWord,
  top,
  waitForErrors,
  type X87State,
} from "./x87-state.ts";

const c32 = i32.const;
type Definitions = Record<string, Definition>;

const clearC1 = (f: FunctionBuilder): void => f.exec(setStatusWord(i32.and(statusWord(), c32(~C1))));
const markFull = (f: FunctionBuilder, register: I32): void =>
  f.exec(setEmpty(i32.and(empty(), i32.xor(i32.shl(c32(1), register), c32(-1)))));

function moves(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const sti = (s: Sem): I32 => s.f.let(physical(s.number(0)));

  const loadStack = m.func("x87.fld", ["i32"], [], (f) => {
    const from = f.param(0, "i32");
    const next = f.let(physical(c32(7)));
    const faulty = f.let(i32.or(isEmpty(from), i32.eqz(isEmpty(next))));
    f.if(
      faulty,
      () => {
        const bits = select(isEmpty(from), c32(IE | SF), c32(IE | SF | C1));
        f.if(f.call("i32", x.fault, [bits]), () => {
          f.exec(setTop(next));
          markFull(f, next);
          setDefaultNaN(f, next);
        });
      },
      () => {
        clearC1(f);
        setRegister(f, next, significand(from), signExponent(from));
        f.exec(setTop(next));
        markFull(f, next);
      },
    );
  });
  all["fld_i"] = (s) => {
    waitForErrors(s);
    run(s.f, loadStack, [sti(s)]);
  };

  const storeStack = m.func("x87.fst", ["i32", "i32"], [], (f) => {
    const to = f.param(0, "i32");
    const t = f.let(top());
    f.if(
      isEmpty(t),
      () => {
        f.if(i32.eqz(f.call("i32", x.fault, [c32(IE | SF)])), () => f.return());
        setDefaultNaN(f, to);
      },
      () => {
        clearC1(f);
        setRegister(f, to, significand(t), signExponent(t));
      },
    );
    markFull(f, to);
    f.if(f.param(1, "i32"), () => run(f, x.pop));
  });
  for (const [name, pops] of [
    ["fst_i", 0],
    ["fstp_i", 1],
  ] as const) {
    all[name] = (s) => {
      waitForErrors(s);
      run(s.f, storeStack, [sti(s), c32(pops)]);
    };
  }

  // The oldest alias of FSTP ("no check of empty"): an empty ST(0) is only popped.
  all["fstpnce_i"] = (s) => {
    waitForErrors(s);
    clearC1(s.f);
    const i = sti(s);
    const t = s.f.let(top());
    s.f.if(i32.eqz(isEmpty(t)), () => {
      setRegister(s.f, i, significand(t), signExponent(t));
      markFull(s.f, i);
    });
    run(s.f, x.pop);
  };

  const exchange = m.func("x87.fxch", ["i32"], [], (f) => {
    const i = f.param(0, "i32");
    const t = f.let(top());
    f.if(
      i32.or(isEmpty(t), isEmpty(i)),
      () => {
        f.if(i32.eqz(f.call("i32", x.fault, [c32(IE | SF)])), () => f.return());
        for (const register of [t, i])
          f.if(isEmpty(register), () => {
            setDefaultNaN(f, register);
            markFull(f, register);
          });
      },
      () => clearC1(f),
    );
    const sig = f.let(significand(t));
    const se = f.let(signExponent(t));
    setRegister(f, t, f.let(significand(i)), f.let(signExponent(i)));
    setRegister(f, i, sig, se);
  });
  all["fxch"] = (s) => {
    waitForErrors(s);
    run(s.f, exchange, [sti(s)]);
  };

  /** (source register, condition) */
  const move = m.func("x87.fcmov", ["i32", "i32"], [], (f) => {
    const i = f.param(0, "i32");
    const t = f.let(top());
    f.if(i32.or(isEmpty(t), isEmpty(i)), () => {
      f.if(f.call("i32", x.fault, [c32(IE | SF)]), () => {
        setDefaultNaN(f, t);
        markFull(f, t);
      });
      f.return();
    });
    f.if(f.param(1, "i32"), () => setRegister(f, t, significand(i), signExponent(i)));
  });
  const conditions = { fcmovb: 2, fcmove: 4, fcmovbe: 6, fcmovu: 10, fcmovnb: 3, fcmovne: 5, fcmovnbe: 7, fcmovnu: 11 };
  for (const [name, code] of Object.entries(conditions)) {
    all[name] = (s) => {
      waitForErrors(s);
      run(s.f, move, [sti(s), s.flags.condition(code)]);
    };
  }

  all["ffree"] = (s) => {
    waitForErrors(s);
    clearC1(s.f);
    s.f.exec(setEmpty(i32.or(empty(), i32.shl(c32(1), sti(s)))));
  };
  all["ffreep"] = (s) => {
    waitForErrors(s);
    clearC1(s.f);
    s.f.exec(setEmpty(i32.or(empty(), i32.shl(c32(1), sti(s)))));
    run(s.f, x.pop);
  };
  for (const [name, by] of [
    ["fincstp", 1],
    ["fdecstp", 7],
  ] as const) {
    all[name] = (s) => {
      waitForErrors(s);
      clearC1(s.f);
      s.f.exec(setTop(physical(c32(by))));
    };
  }

  const changeSign = (name: string, change: (se: I32) => I32): void => {
    all[name] = (s) => {
      waitForErrors(s);
      s.f.if(s.f.call("i32", x.needTop, []), () => {
        clearC1(s.f);
        const t = s.f.let(top());
        setRegister(s.f, t, significand(t), change(signExponent(t)));
      });
    };
  };
  changeSign("fchs", (se) => i32.xor(se, c32(0x8000)));
  changeSign("fabs", (se) => i32.and(se, c32(0x7fff)));

  all["fxam"] = (s) => {
    waitForErrors(s);
    const { f } = s;
    const t = f.let(top());
    const sig = f.let(significand(t));
    const exp = f.let(i32.and(signExponent(t), c32(0x7fff)));
    const integerBit = i64.lt_s(sig, i64.const(0));
    const fractionZero = i64.eqz(i64.shl(sig, i64.const(1)));
    const special = select(
      integerBit,
      select(i32.eq(exp, c32(0x7fff)), select(fractionZero, c32(C2 | C0), c32(C0)), c32(C2)),
      c32(0),
    );
    const small = select(i64.eqz(sig), c32(C3), c32(C3 | C2));
    const codes = select(isEmpty(t), c32(C3 | C0), select(exp, special, small));
    const sign = i32.and(i32.shr_u(signExponent(t), c32(6)), c32(C1));
    f.exec(setStatusWord(i32.or(i32.and(statusWord(), c32(~CONDITION_CODES)), i32.or(codes, sign))));
  };

  // Constants are kept with more bits than 64 (SDM vol. 1, 8.3.8): `down` and `up` say what other roundings than nearest change.
  const constant = (name: string, se: number, sig: bigint, down: bigint, up: bigint): void => {
    all[name] = (s) => {
      waitForErrors(s);
      const rc = s.f.let(i32.and(i32.shr_u(controlWord(), c32(10)), c32(3)));
      const value =
        down === up
          ? i64.const(sig)
          : select(rc, select(i32.eq(rc, c32(2)), i64.const(sig + up), i64.const(sig + down)), i64.const(sig));
      s.f.setGlobal(x.f80.flags, c32(0));
      run(s.f, x.push, [value, c32(se)]);
    };
  };
  constant("fld1", 0x3fff, 0x8000000000000000n, 0n, 0n);
  constant("fldl2t", 0x4000, 0xd49a784bcd1b8afen, 0n, 1n);
  constant("fldl2e", 0x3fff, 0xb8aa3b295c17f0bcn, -1n, 0n);
  constant("fldpi", 0x4000, 0xc90fdaa22168c235n, -1n, 0n);
  constant("fldlg2", 0x3ffd, 0x9a209a84fbcff799n, -1n, 0n);
  constant("fldln2", 0x3ffe, 0xb17217f7d1cf79acn, -1n, 0n);
  constant("fldz", 0, 0n, 0n, 0n);
  return all;
}

function control(x: X87State): Definitions {
  return {
    fwait: waitForErrors,
    fnop: waitForErrors,
    // FENI, FDISI and FSETPM of the 8087 and 80287 do nothing.
    fnop_nowait: () => {},
    fninit: (s) => run(s.f, x.init),
    fnclex: (s) => s.f.exec(setStatusWord(i32.and(statusWord(), c32(~(0x7f | ES | BUSY))))),
    fldcw: (s) => {
      waitForErrors(s);
      const value = s.read(0) as I32;
      s.f.exec(setControlWord(i32.or(i32.and(value, c32(CONTROL_BITS)), c32(0x40))));
      run(s.f, x.summarize);
    },
    fnstcw: (s) => s.write(0, s.f.let(controlWord())),
    fnstsw: (s) => s.write(0, s.f.let(fullStatus())),
    fnstsw_ax: (s) => s.setGpr(0, 2, s.f.let(fullStatus())),
  };
}

export function defineX87Control(m: ModuleBuilder, x: X87State): Readonly<Record<string, Definition>> {
  return { ...moves(m, x), ...control(x) };
}
