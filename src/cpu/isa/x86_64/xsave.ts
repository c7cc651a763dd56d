/**
 * XSAVE and its kin: the state in parts, of which the program names those it means (Intel SDM vol. 1, chapter 13).
 *
 * There are three parts: the x87, SSE (the xmm registers, and in most respects MXCSR) and AVX (the upper halves of the ymm
 * registers). The first two are where FXSAVE has them, then come a header and the third, at the same place in the standard
 * and in the compacted format, since nothing is in between that could be left out.
 *
 * The processor may leave out a part that is as at reset, and say so in the header. Here it does so for AVX, which a
 * program that has executed VZEROUPPER saves; the other two count as always in use.
 */
import { BIAS, CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type I32, type I64, i32, i64, v128 } from "../../wasm/expr.ts";
import type { ModuleBuilder } from "../../wasm/module.ts";
import { bits } from "../../wasm/simd.ts";
import { MXCSR, X87_REGS, YMM, YMM_SIZE } from "./context.ts";
import { type Definition, Reg, type Sem } from "./sem.ts";
import { checkMxcsr, type LegacyImage } from "./x87-environment.ts";
import { RESET_MXCSR, run, type X87State } from "./x87-state.ts";
import { COMPACTION_BV, STATE_BV, StatePart, XCR0, XSAVE_AVX, XSAVE_SIZE } from "./xsave-layout.ts";

export const xsaveTable = `
np 0f 01 /2 mod=r rm=0 xgetbv -
np 0f 01 /2 mod=r rm=1 privileged -  # xsetbv
np 0f ae /4 mod=m  xsave    M
np 0f ae /5 mod=m  xrstor   M
np 0f ae /6 mod=m  xsaveopt M
np 0f c7 /4 mod=m  xsavec   M
`;

const { X87, SSE, AVX } = StatePart;
const HEADER_END = XSAVE_AVX;
const AVX_SIZE: number = XSAVE_SIZE - XSAVE_AVX;
const COMPACTED = 1n << 63n;

const c = i32.const;
const ZERO = v128.const(0n, 0n);
const upper = (register: number): number => CONTEXT_OFFSET + YMM + YMM_SIZE * register + 16;
const wide = (v: I32): I64 => i64.extend_i32_u(v);

/** The parts that the instruction is about. */
function requested(s: Sem): I32 {
  return s.f.let(i32.and(s.gpr(Reg.rax, 4) as I32, c(XCR0)));
}

export function defineXsave(m: ModuleBuilder, x: X87State, image: LegacyImage): Readonly<Record<string, Definition>> {
  const saveAvx = m.func("xsave.avx", ["i32"], [], (f) => {
    for (let i = 0; i < 16; i++)
      f.exec(v128.store(f.param(0, "i32"), v128.load(c(0), upper(i)), BIAS + HEADER_END + 16 * i));
  });
  const restoreAvx = m.func("xrstor.avx", ["i32"], [], (f) => {
    for (let i = 0; i < 16; i++)
      f.exec(v128.store(c(0), v128.load(f.param(0, "i32"), BIAS + HEADER_END + 16 * i), upper(i)));
  });
  /** () -> AVX where the upper half of a register is not 0, else 0. */
  const avxInUse = m.func("xsave.avxInUse", [], ["i32"], (f) => {
    const any = Array.from({ length: 16 }, (_, i) => v128.load(c(0), upper(i))).reduce(bits.or);
    f.return(i32.shl(bits.anyTrue(any), c(Math.log2(AVX))));
  });
  const initX87 = m.func("xrstor.initX87", [], [], (f) => {
    run(f, x.init);
    for (let i = 0; i < 8; i++) f.exec(v128.store(c(0), ZERO, CONTEXT_OFFSET + X87_REGS + 16 * i));
  });
  const initVectors = m.func("xrstor.initVectors", ["i32"], [], (f) => {
    for (let i = 0; i < 16; i++) f.exec(v128.store(f.param(0, "i32"), ZERO, CONTEXT_OFFSET + YMM + YMM_SIZE * i));
  });

  /** @param skips leaves out what is as at reset */
  const save =
    (skips: boolean, compacts: boolean): Definition =>
    (s) => {
      const { f } = s;
      const address = f.let(s.address(0));
      s.aligned(address, 64);
      const parts = requested(s);
      const has = (part: number): I32 => i32.and(parts, c(part));
      const at = s.writable(address, HEADER_END);
      f.if(has(AVX), () => {
        s.writable(i64.add(address, i64.const(HEADER_END)), AVX_SIZE);
      });
      const inUse = f.let(i32.and(parts, i32.or(f.call("i32", avxInUse, []), c(X87 | SSE))));
      f.if(has(X87), () => run(f, image.saveX87, [at]));
      f.if(has(SSE), () => run(f, image.saveSse, [at]));
      f.if(has(compacts ? SSE : SSE | AVX), () => run(f, image.saveMxcsr, [at]));
      f.if(skips ? i32.and(inUse, c(AVX)) : has(AVX), () => run(f, saveAvx, [at]));
      if (compacts) {
        f.exec(i64.store(at, wide(inUse), BIAS + STATE_BV));
        f.exec(i64.store(at, i64.or(wide(parts), i64.const(COMPACTED)), BIAS + COMPACTION_BV));
        return;
      }
      const others = i64.and(i64.load(at, BIAS + STATE_BV), i64.xor(wide(parts), i64.const(-1)));
      f.exec(i64.store(at, i64.or(others, wide(inUse)), BIAS + STATE_BV));
    };

  const restore: Definition = (s) => {
    const { f } = s;
    const address = f.let(s.address(0));
    s.aligned(address, 64);
    const parts = requested(s);
    const has = (part: number): I32 => i32.and(parts, c(part));
    const at = s.readable(address, HEADER_END);
    const saved = f.let(i64.load(at, BIAS + STATE_BV));
    const compaction = f.let(i64.load(at, BIAS + COMPACTION_BV));
    const isCompacted = f.let(i64.lt_s(compaction, i64.const(0)));
    const refuseUnlessZero = (value: I64): void => f.if(i32.eqz(i64.eqz(value)), () => s.trap(Trap.GeneralProtection));
    refuseUnlessZero(i64.load(at, BIAS + COMPACTION_BV + 8));
    f.if(
      isCompacted,
      () => {
        refuseUnlessZero(i64.and(compaction, i64.const(~(COMPACTED | BigInt(XCR0)))));
        refuseUnlessZero(i64.and(saved, i64.xor(compaction, i64.const(-1))));
        for (let offset = COMPACTION_BV + 16; offset < HEADER_END; offset += 8)
          refuseUnlessZero(i64.load(at, BIAS + offset));
      },
      () => {
        refuseUnlessZero(compaction);
        refuseUnlessZero(i64.and(saved, i64.const(~BigInt(XCR0))));
      },
    );
    const present = f.let(i32.wrap(saved));
    const load = f.let(i32.and(parts, present));
    f.if(i32.and(load, c(AVX)), () => {
      s.readable(i64.add(address, i64.const(HEADER_END)), AVX_SIZE);
    });
    // In the standard format MXCSR is loaded whenever vectors are meant, in the compacted one as a part of SSE.
    const mxcsr = f.local("i32");
    f.set(mxcsr, has(SSE | AVX));
    f.if(isCompacted, () => f.set(mxcsr, i32.and(load, c(SSE))));
    f.if(mxcsr, () => checkMxcsr(s, at));

    const absent = (part: number): I32 => i32.and(has(part), i32.xor(present, c(-1)));
    f.if(mxcsr, () => run(f, image.restoreMxcsr, [at]));
    f.if(i32.and(isCompacted, i32.ne(absent(SSE), c(0))), () =>
      f.exec(i32.store(c(0), c(RESET_MXCSR), CONTEXT_OFFSET + MXCSR)),
    );
    f.if(i32.and(load, c(X87)), () => run(f, image.restoreX87, [at]));
    f.if(absent(X87), () => run(f, initX87));
    f.if(i32.and(load, c(SSE)), () => run(f, image.restoreSse, [at]));
    f.if(absent(SSE), () => run(f, initVectors, [c(0)]));
    f.if(i32.and(load, c(AVX)), () => run(f, restoreAvx, [at]));
    f.if(absent(AVX), () => run(f, initVectors, [c(16)]));
  };

  return {
    xsave: save(false, false),
    xsaveopt: save(true, false),
    xsavec: save(true, true),
    xrstor: restore,
    xgetbv: (s) => {
      s.f.if(s.gpr(Reg.rcx, 4) as I32, () => s.trap(Trap.GeneralProtection));
      s.setGpr(Reg.rax, 4, c(XCR0));
      s.setGpr(Reg.rdx, 4, c(0));
    },
  };
}
