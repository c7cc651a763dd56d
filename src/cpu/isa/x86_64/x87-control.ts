/**
 * The x87 instructions that move values unchanged, and those on its control state: environment, whole state, FXSAVE.
 *
 * The pointers to the last instruction and operand (FIP, FDP, FOP): only handlers of unmasked exceptions read them, and newer
 * processors keep them for just that case (CPUID.7.0:EBX bit 6; AMD saves them only while ES is set). Here they hold what
 * was loaded into them, by FLDENV, FRSTOR or FXRSTOR, and 0 otherwise.
 */
import { CONTEXT_OFFSET, BIAS as GUEST_BIAS } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { C0, C1, C2, C3, IE } from "../../softfloat/parts.ts";
import { type I32, i32, i64, select, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { MXCSR, X87_FDP, X87_FIP, X87_FOP, YMM, YMM_SIZE } from "./context.ts";
import type { Definition, Sem } from "./sem.ts";
import {
  BUSY,
  CONDITION_CODES,
  controlWord,
  ES,
  empty,
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

/** Bits of the control word that can be changed; the obsolete infinity control (12) is kept too. Bit 6 is always 1. */
export const CONTROL_BITS = 0x1f3f;

/** MXCSR bits that may be set: all exceptions, masks, rounding, FTZ and DAZ. */
export const MXCSR_MASK = 0xffff;

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

/** The status word as programs see it. */
const fullStatus = (): I32 => i32.or(statusWord(), i32.shl(top(), c32(11)));

/** Splits a status word into TOP and the rest. */
function loadStatus(f: FunctionBuilder, value: I32): void {
  f.exec(setTop(i32.and(i32.shr_u(value, c32(11)), c32(7))));
  f.exec(setStatusWord(i32.and(value, c32(0xc7ff))));
}

/** () -> the tag word: 0 valid, 1 zero, 2 special, 3 empty, two bits for each physical register. */
function defineTags(m: ModuleBuilder): FunctionRef {
  return m.func("x87.tags", [], ["i32"], (f) => {
    const i = f.local("i32");
    const tags = f.local("i32");
    f.set(i, c32(7));
    f.set(tags, c32(0));
    f.loop((again) => {
      const exp = f.let(i32.and(signExponent(i), c32(0x7fff)));
      const sig = f.let(significand(i));
      const valid = i32.and(i64.lt_s(sig, i64.const(0)), i32.ne(exp, c32(0x7fff)));
      const tag = select(exp, select(valid, c32(0), c32(2)), select(i64.eqz(sig), c32(1), c32(2)));
      f.set(tags, i32.or(i32.shl(tags, c32(2)), select(isEmpty(i), c32(3), tag)));
      f.set(i, i32.sub(i, c32(1)));
      f.brIf(again, i32.ge_s(i, c32(0)));
    });
    f.return(tags);
  });
}

const ENVIRONMENT_SIZE = 28;
const STATE_SIZE = 108;

function environments(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const tags = defineTags(m);
  const upper = c32(-0x10000);
  const field = (offset: number): number => GUEST_BIAS + offset;
  const context = (offset: number): number => CONTEXT_OFFSET + offset;

  /** (wasm address less BIAS). The 32-bit format of protected mode; selectors are 0. */
  const storeEnvironment = m.func("x87.storeEnvironment", ["i32"], [], (f) => {
    const to = f.param(0, "i32");
    f.exec(i32.store(to, i32.or(controlWord(), upper), field(0)));
    f.exec(i32.store(to, i32.or(fullStatus(), upper), field(4)));
    f.exec(i32.store(to, i32.or(f.call("i32", tags, []), upper), field(8)));
    f.exec(i32.store(to, i32.load(c32(0), context(X87_FIP)), field(12)));
    f.exec(i32.store(to, i32.shl(i32.load16_u(c32(0), context(X87_FOP)), c32(16)), field(16)));
    f.exec(i32.store(to, i32.load(c32(0), context(X87_FDP)), field(20)));
    f.exec(i32.store(to, upper, field(24)));
  });
  const loadEnvironment = m.func("x87.loadEnvironment", ["i32"], [], (f) => {
    const from = f.param(0, "i32");
    f.exec(setControlWord(i32.or(i32.and(i32.load16_u(from, field(0)), c32(CONTROL_BITS)), c32(0x40))));
    loadStatus(f, f.let(i32.load16_u(from, field(4))));
    const word = f.let(i32.load16_u(from, field(8)));
    // A register is empty where both bits of its tag are set.
    const both = f.let(i32.and(i32.and(word, i32.shr_u(word, c32(1))), c32(0x5555)));
    let bits: I32 = c32(0);
    for (let i = 0; i < 8; i++) bits = i32.or(bits, i32.and(i32.shr_u(both, c32(i)), c32(1 << i)));
    f.exec(setEmpty(bits));
    f.exec(i64.store(c32(0), i64.load32_u(from, field(12)), context(X87_FIP)));
    f.exec(i32.store16(c32(0), i32.and(i32.load16_u(from, field(18)), c32(0x7ff)), context(X87_FOP)));
    f.exec(i64.store(c32(0), i64.load32_u(from, field(20)), context(X87_FDP)));
    run(f, x.summarize);
  });

  all["fnstenv"] = (s) => {
    const address = s.writable(s.address(0), ENVIRONMENT_SIZE);
    run(s.f, storeEnvironment, [address]);
    s.f.exec(setControlWord(i32.or(controlWord(), c32(0x3f))));
    run(s.f, x.summarize);
  };
  all["fldenv"] = (s) => {
    waitForErrors(s);
    run(s.f, loadEnvironment, [s.readable(s.address(0), ENVIRONMENT_SIZE)]);
  };
  const saveRegisters = m.func("x87.saveRegisters", ["i32"], [], (f) => {
    for (let i = 0; i < 8; i++) {
      const r = f.let(physical(c32(i)));
      f.exec(i64.store(f.param(0, "i32"), significand(r), field(ENVIRONMENT_SIZE + 10 * i)));
      f.exec(i32.store16(f.param(0, "i32"), signExponent(r), field(ENVIRONMENT_SIZE + 10 * i + 8)));
    }
  });
  const restoreRegisters = m.func("x87.restoreRegisters", ["i32"], [], (f) => {
    for (let i = 0; i < 8; i++) {
      const at = field(ENVIRONMENT_SIZE + 10 * i);
      const from = f.param(0, "i32");
      setRegister(f, f.let(physical(c32(i))), i64.load(from, at), i32.load16_u(from, at + 8));
    }
  });
  all["fnsave"] = (s) => {
    const address = s.writable(s.address(0), STATE_SIZE);
    run(s.f, storeEnvironment, [address]);
    run(s.f, saveRegisters, [address]);
    run(s.f, x.init);
  };
  all["frstor"] = (s) => {
    waitForErrors(s);
    const address = s.readable(s.address(0), STATE_SIZE);
    run(s.f, loadEnvironment, [address]);
    run(s.f, restoreRegisters, [address]);
  };

  const save = m.func("x87.fxsave", ["i32"], [], (f) => {
    const to = f.param(0, "i32");
    f.exec(i32.store16(to, controlWord(), field(0)));
    f.exec(i32.store16(to, fullStatus(), field(2)));
    f.exec(i32.store16(to, i32.and(i32.xor(empty(), c32(-1)), c32(0xff)), field(4)));
    f.exec(i32.store16(to, i32.load16_u(c32(0), context(X87_FOP)), field(6)));
    f.exec(i64.store(to, i64.load(c32(0), context(X87_FIP)), field(8)));
    f.exec(i64.store(to, i64.load(c32(0), context(X87_FDP)), field(16)));
    f.exec(i32.store(to, i32.load(c32(0), context(MXCSR)), field(24)));
    f.exec(i32.store(to, c32(MXCSR_MASK), field(28)));
    for (let i = 0; i < 8; i++) {
      const r = f.let(physical(c32(i)));
      f.exec(i64.store(to, significand(r), field(32 + 16 * i)));
      f.exec(i64.store(to, i64.extend_i32_u(signExponent(r)), field(40 + 16 * i)));
    }
    for (let i = 0; i < 16; i++)
      f.exec(v128.store(to, v128.load(c32(0), context(YMM + YMM_SIZE * i)), field(160 + 16 * i)));
  });
  const restore = m.func("x87.fxrstor", ["i32"], [], (f) => {
    const from = f.param(0, "i32");
    f.exec(setControlWord(i32.or(i32.and(i32.load16_u(from, field(0)), c32(CONTROL_BITS)), c32(0x40))));
    loadStatus(f, f.let(i32.load16_u(from, field(2))));
    f.exec(setEmpty(i32.xor(i32.load8_u(from, field(4)), c32(0xff))));
    f.exec(i32.store16(c32(0), i32.and(i32.load16_u(from, field(6)), c32(0x7ff)), context(X87_FOP)));
    f.exec(i64.store(c32(0), i64.load(from, field(8)), context(X87_FIP)));
    f.exec(i64.store(c32(0), i64.load(from, field(16)), context(X87_FDP)));
    f.exec(i32.store(c32(0), i32.load(from, field(24)), context(MXCSR)));
    for (let i = 0; i < 8; i++) {
      const at = field(32 + 16 * i);
      setRegister(f, f.let(physical(c32(i))), i64.load(from, at), i32.load16_u(from, at + 8));
    }
    for (let i = 0; i < 16; i++)
      f.exec(v128.store(c32(0), v128.load(from, field(160 + 16 * i)), context(YMM + YMM_SIZE * i)));
    run(f, x.summarize);
  });
  all["fxsave"] = (s) => {
    const address = s.f.let(s.address(0));
    s.aligned(address, 16);
    run(s.f, save, [s.writable(address, 416)]);
  };
  all["fxrstor"] = (s) => {
    const address = s.f.let(s.address(0));
    s.aligned(address, 16);
    const from = s.readable(address, 416);
    s.f.if(i32.and(i32.load(from, field(24)), c32(~MXCSR_MASK)), () => s.trap(Trap.GeneralProtection));
    run(s.f, restore, [from]);
  };
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
  return { ...moves(m, x), ...environments(m, x), ...control(x) };
}
