/**
 * The images of the x87 state in memory: FSTENV, FSAVE, FXSAVE and what loads them.
 *
 * The pointers to the last instruction and operand (FIP, FDP, FOP): only handlers of unmasked exceptions read them, and newer
 * processors keep them for just that case (CPUID.7.0:EBX bit 6; AMD's FXSAVE stores them only while ES is set). Here they hold
 * what was loaded into them, by FLDENV, FRSTOR or FXRSTOR, and 0 otherwise.
 */
import { CONTEXT_OFFSET, BIAS as GUEST_BIAS } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type I32, type I64, i32, i64, select, v128 } from "../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from "../../wasm/module.ts";
import { MXCSR, SSE_CAREFUL, X87_FDP, X87_FIP, X87_FOP, YMM, YMM_SIZE } from "./context.ts";
import type { Definition, Sem } from "./sem.ts";
import {
  CONTROL_BITS,
  controlWord,
  empty,
  fullStatus,
  isEmpty,
  MXCSR_CONTROL,
  MXCSR_MASK,
  physical,
  RESET_MXCSR,
  run,
  setControlWord,
  setEmpty,
  setRegister,
  setStatusWord,
  setTop,
  signExponent,
  significand,
  waitForErrors,
  type X87State,
} from "./x87-state.ts";

const c32 = i32.const;
type Definitions = Record<string, Definition>;

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

/** The two formats of FSTENV and FSAVE in protected mode: bytes per field of the environment (SDM vol. 1, 8.1.10). */
const FORMATS = [
  { suffix: "", word: 4 },
  { suffix: "16", word: 2 },
] as const;

const field = (offset: number): number => GUEST_BIAS + offset;
const context = (offset: number): number => CONTEXT_OFFSET + offset;

/** Without 66, and with it ("16"): seven fields, then in FSAVE the registers. Selectors are stored as 0. */
function environments(m: ModuleBuilder, x: X87State): Definitions {
  const all: Definitions = {};
  const tags = defineTags(m);
  for (const { suffix, word } of FORMATS) {
    const environment = 7 * word;
    const whole = environment + 80;
    const store = m.func(`x87.storeEnvironment${suffix}`, ["i32"], [], (f) => {
      const to = f.param(0, "i32");
      const put = (index: number, value: I32): void =>
        f.exec(word === 4 ? i32.store(to, value, field(4 * index)) : i32.store16(to, value, field(2 * index)));
      // The upper halves of the words and of the last selector are stored as ones.
      const upper = c32(-0x10000);
      put(0, i32.or(controlWord(), upper));
      put(1, i32.or(fullStatus(), upper));
      put(2, i32.or(f.call("i32", tags, []), upper));
      put(3, i32.load(c32(0), context(X87_FIP)));
      put(4, i32.shl(i32.load16_u(c32(0), context(X87_FOP)), c32(16)));
      put(5, i32.load(c32(0), context(X87_FDP)));
      put(6, upper);
    });
    const load = m.func(`x87.loadEnvironment${suffix}`, ["i32"], [], (f) => {
      const from = f.param(0, "i32");
      const get = (index: number): I32 => i32.load16_u(from, field(word * index));
      const pointer = (index: number): I64 =>
        word === 4 ? i64.load32_u(from, field(4 * index)) : i64.load16_u(from, field(2 * index));
      f.exec(setControlWord(i32.or(i32.and(get(0), c32(CONTROL_BITS)), c32(0x40))));
      loadStatus(f, f.let(get(1)));
      const tagWord = f.let(get(2));
      // A register is empty where both bits of its tag are set.
      const both = f.let(i32.and(i32.and(tagWord, i32.shr_u(tagWord, c32(1))), c32(0x5555)));
      let bits: I32 = c32(0);
      for (let i = 0; i < 8; i++) bits = i32.or(bits, i32.and(i32.shr_u(both, c32(i)), c32(1 << i)));
      f.exec(setEmpty(bits));
      f.exec(i64.store(c32(0), pointer(3), context(X87_FIP)));
      const opcode = word === 4 ? i32.and(i32.load16_u(from, field(18)), c32(0x7ff)) : c32(0);
      f.exec(i32.store16(c32(0), opcode, context(X87_FOP)));
      f.exec(i64.store(c32(0), pointer(5), context(X87_FDP)));
      run(f, x.summarize);
    });
    const saveRegisters = m.func(`x87.saveRegisters${suffix}`, ["i32"], [], (f) => {
      for (let i = 0; i < 8; i++) {
        const r = f.let(physical(c32(i)));
        f.exec(i64.store(f.param(0, "i32"), significand(r), field(environment + 10 * i)));
        f.exec(i32.store16(f.param(0, "i32"), signExponent(r), field(environment + 10 * i + 8)));
      }
    });
    const restoreRegisters = m.func(`x87.restoreRegisters${suffix}`, ["i32"], [], (f) => {
      for (let i = 0; i < 8; i++) {
        const at = field(environment + 10 * i);
        const from = f.param(0, "i32");
        setRegister(f, f.let(physical(c32(i))), i64.load(from, at), i32.load16_u(from, at + 8));
      }
    });

    all[`fnstenv${suffix}`] = (s) => {
      run(s.f, store, [s.writable(s.address(0), environment)]);
      s.f.exec(setControlWord(i32.or(controlWord(), c32(0x3f))));
      run(s.f, x.summarize);
    };
    all[`fldenv${suffix}`] = (s) => {
      waitForErrors(s);
      run(s.f, load, [s.readable(s.address(0), environment)]);
    };
    all[`fnsave${suffix}`] = (s) => {
      const address = s.writable(s.address(0), whole);
      run(s.f, store, [address]);
      run(s.f, saveRegisters, [address]);
      run(s.f, x.init);
    };
    all[`frstor${suffix}`] = (s) => {
      waitForErrors(s);
      const address = s.readable(s.address(0), whole);
      run(s.f, load, [address]);
      run(s.f, restoreRegisters, [address]);
    };
  }
  return all;
}

/** The parts of the FXSAVE image, which XSAVE has too: functions of its address. */
export interface LegacyImage {
  readonly saveX87: FunctionRef;
  readonly restoreX87: FunctionRef;
  /** The xmm registers. */
  readonly saveSse: FunctionRef;
  readonly restoreSse: FunctionRef;
  /** MXCSR and its mask. */
  readonly saveMxcsr: FunctionRef;
  readonly restoreMxcsr: FunctionRef;
}

export function defineLegacyImage(m: ModuleBuilder, x: X87State): LegacyImage {
  const part = (name: string, body: (f: FunctionBuilder, at: I32) => void): FunctionRef =>
    m.func(`x87.${name}`, ["i32"], [], (f) => body(f, f.param(0, "i32")));
  return {
    saveX87: part("fxsave.x87", (f, to) => {
      f.exec(i32.store16(to, controlWord(), field(0)));
      f.exec(i32.store16(to, fullStatus(), field(2)));
      f.exec(i32.store16(to, i32.and(i32.xor(empty(), c32(-1)), c32(0xff)), field(4)));
      f.exec(i32.store16(to, i32.load16_u(c32(0), context(X87_FOP)), field(6)));
      f.exec(i64.store(to, i64.load(c32(0), context(X87_FIP)), field(8)));
      f.exec(i64.store(to, i64.load(c32(0), context(X87_FDP)), field(16)));
      for (let i = 0; i < 8; i++) {
        const r = f.let(physical(c32(i)));
        f.exec(i64.store(to, significand(r), field(32 + 16 * i)));
        f.exec(i64.store(to, i64.extend_i32_u(signExponent(r)), field(40 + 16 * i)));
      }
    }),
    restoreX87: part("fxrstor.x87", (f, from) => {
      f.exec(setControlWord(i32.or(i32.and(i32.load16_u(from, field(0)), c32(CONTROL_BITS)), c32(0x40))));
      loadStatus(f, f.let(i32.load16_u(from, field(2))));
      f.exec(setEmpty(i32.xor(i32.load8_u(from, field(4)), c32(0xff))));
      f.exec(i32.store16(c32(0), i32.and(i32.load16_u(from, field(6)), c32(0x7ff)), context(X87_FOP)));
      f.exec(i64.store(c32(0), i64.load(from, field(8)), context(X87_FIP)));
      f.exec(i64.store(c32(0), i64.load(from, field(16)), context(X87_FDP)));
      for (let i = 0; i < 8; i++) {
        const at = field(32 + 16 * i);
        setRegister(f, f.let(physical(c32(i))), i64.load(from, at), i32.load16_u(from, at + 8));
      }
      run(f, x.summarize);
    }),
    saveSse: part("fxsave.sse", (f, to) => {
      for (let i = 0; i < 16; i++)
        f.exec(v128.store(to, v128.load(c32(0), context(YMM + YMM_SIZE * i)), field(160 + 16 * i)));
    }),
    restoreSse: part("fxrstor.sse", (f, from) => {
      for (let i = 0; i < 16; i++)
        f.exec(v128.store(c32(0), v128.load(from, field(160 + 16 * i)), context(YMM + YMM_SIZE * i)));
    }),
    saveMxcsr: part("fxsave.mxcsr", (f, to) => {
      f.exec(i32.store(to, i32.load(c32(0), context(MXCSR)), field(24)));
      f.exec(i32.store(to, c32(MXCSR_MASK), field(28)));
    }),
    restoreMxcsr: part("fxrstor.mxcsr", (f, from) => {
      const mxcsr = f.let(i32.load(from, field(24)));
      f.exec(i32.store(c32(0), mxcsr, context(MXCSR)));
      f.if(i32.ne(i32.and(mxcsr, c32(MXCSR_CONTROL)), c32(RESET_MXCSR)), () =>
        f.exec(i32.store(c32(0), c32(1), context(SSE_CAREFUL))),
      );
    }),
  };
}

/** GeneralProtection if MXCSR in the image has bits that do not exist. */
export function checkMxcsr(s: Sem, image: I32): void {
  s.f.if(i32.and(i32.load(image, field(24)), c32(~MXCSR_MASK)), () => s.trap(Trap.GeneralProtection));
}

/** FXSAVE and FXRSTOR: the x87, MXCSR and the xmm registers (SDM vol. 1, 10.5). */
function fxImages(image: LegacyImage): Definitions {
  return {
    fxsave: (s) => {
      const address = s.f.let(s.address(0));
      s.aligned(address, 16);
      const to = s.writable(address, 416);
      for (const part of [image.saveX87, image.saveMxcsr, image.saveSse]) run(s.f, part, [to]);
    },
    fxrstor: (s) => {
      const address = s.f.let(s.address(0));
      s.aligned(address, 16);
      const from = s.readable(address, 416);
      checkMxcsr(s, from);
      for (const part of [image.restoreMxcsr, image.restoreX87, image.restoreSse]) run(s.f, part, [from]);
    },
  };
}

export function defineX87Environment(
  m: ModuleBuilder,
  x: X87State,
  image: LegacyImage,
): Readonly<Record<string, Definition>> {
  return { ...environments(m, x), ...fxImages(image) };
}
