/**
 * MMX, with the instructions that SSE and SSE2 added on its registers.
 *
 * The eight registers are the significands of the physical x87 registers. Every MMX instruction but EMMS makes all of
 * them valid and the stack top 0 (Intel SDM vol. 1, 9.5), and waits for pending x87 exceptions first. What is computed
 * lane by lane is computed by the 16-byte operation on the low half.
 */
import { BIAS, CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { type I32, type I64, i32, i64, select, type V128, v128 } from "../../wasm/expr.ts";
import { bits, f64x2, i8x16, i16x8, i32x4, i64x2 } from "../../wasm/simd.ts";
import { X87_EMPTY, X87_TOP } from "./context.ts";
import { type FloatLane, runFloat } from "./lanes.ts";
import { type Definition, Reg, type Sem } from "./sem.ts";
import { doublesToIntegers, floatsToIntegers, integersToFloats } from "./sse-convert.ts";
import { interleave, packed, sumAbsoluteDifferences, wordIndices } from "./sse-integer.ts";
import type { SoftFunctions } from "./sse-soft.ts";
import { waitForErrors } from "./x87-state.ts";

/** Opcode of each two-operand instruction, in map 0f without prefix. */
const BINARY: readonly (readonly [number, string])[] = [
  [0x63, "packsswb"],
  [0x64, "pcmpgtb"],
  [0x65, "pcmpgtw"],
  [0x66, "pcmpgtd"],
  [0x67, "packuswb"],
  [0x68, "punpckhbw"],
  [0x69, "punpckhwd"],
  [0x6a, "punpckhdq"],
  [0x6b, "packssdw"],
  [0x74, "pcmpeqb"],
  [0x75, "pcmpeqw"],
  [0x76, "pcmpeqd"],
  [0xd1, "psrlw"],
  [0xd2, "psrld"],
  [0xd3, "psrlq"],
  [0xd4, "paddq"],
  [0xd5, "pmullw"],
  [0xd8, "psubusb"],
  [0xd9, "psubusw"],
  [0xda, "pminub"],
  [0xdb, "pand"],
  [0xdc, "paddusb"],
  [0xdd, "paddusw"],
  [0xde, "pmaxub"],
  [0xdf, "pandn"],
  [0xe0, "pavgb"],
  [0xe1, "psraw"],
  [0xe2, "psrad"],
  [0xe3, "pavgw"],
  [0xe4, "pmulhuw"],
  [0xe5, "pmulhw"],
  [0xe8, "psubsb"],
  [0xe9, "psubsw"],
  [0xea, "pminsw"],
  [0xeb, "por"],
  [0xec, "paddsb"],
  [0xed, "paddsw"],
  [0xee, "pmaxsw"],
  [0xef, "pxor"],
  [0xf1, "psllw"],
  [0xf2, "pslld"],
  [0xf3, "psllq"],
  [0xf4, "pmuludq"],
  [0xf5, "pmaddwd"],
  [0xf6, "psadbw"],
  [0xf8, "psubb"],
  [0xf9, "psubw"],
  [0xfa, "psubd"],
  [0xfb, "psubq"],
  [0xfc, "paddb"],
  [0xfd, "paddw"],
  [0xfe, "paddd"],
];

export const mmxTable: string = `
${BINARY.map(([opcode, name]) => `np 0f ${opcode.toString(16)} mmx_${name} Pq,Qq`).join("\n")}
np 0f 60        mmx_punpcklbw Pq,Qd
np 0f 61        mmx_punpcklwd Pq,Qd
np 0f 62        mmx_punpckldq Pq,Qd
np 0f 6e        mmx_movd_load Pq,Ey
np 0f 6f        mmx_movq Pq,Qq
np 0f 70        pshufw   Pq,Qq,Ib
np 0f 71 /2     mmx_psrlw Nq,Ib
np 0f 71 /4     mmx_psraw Nq,Ib
np 0f 71 /6     mmx_psllw Nq,Ib
np 0f 72 /2     mmx_psrld Nq,Ib
np 0f 72 /4     mmx_psrad Nq,Ib
np 0f 72 /6     mmx_pslld Nq,Ib
np 0f 73 /2     mmx_psrlq Nq,Ib
np 0f 73 /6     mmx_psllq Nq,Ib
np 0f 77        emms     -
np 0f 7e        mmx_movd_store Ey,Pq
np 0f 7f        mmx_movq Qq,Pq
np 0f c4        mmx_pinsrw Pq,Ew,Ib
np 0f c5        mmx_pextrw Gd,Nq,Ib
np 0f d7        mmx_pmovmskb Gd,Nq
np 0f e7        mmx_movq Mq,Pq
np 0f f7        maskmovq Pq,Nq
f3 0f d6        movq2dq  Vx,Nq
f2 0f d6        movdq2q  Pq,Uq
np 0f 2a        cvtpi2ps Vq,Qq
66 0f 2a        cvtpi2pd Vx,Qq
np 0f 2c        cvttps2pi Pq,Wq
66 0f 2c        cvttpd2pi Pq,Wx
np 0f 2d        cvtps2pi Pq,Wq
66 0f 2d        cvtpd2pi Pq,Wx
`;

const ZERO: V128 = v128.const(0n, 0n);
export const wide = (v: I64): V128 => i64x2.splat(v);
export const low = (v: V128): I64 => i64x2.extract(v, 0);

/** The registers become MMX registers: all valid, top of stack 0. */
function enterMmx(s: Sem): void {
  s.f.exec(i32.store(i32.const(0), i32.const(0), CONTEXT_OFFSET + X87_TOP));
  s.f.exec(i32.store(i32.const(0), i32.const(0), CONTEXT_OFFSET + X87_EMPTY));
  s.x87?.known.forget();
}

/** A definition that works on MMX registers. */
export function mmx(definition: Definition): Definition {
  return (s) => {
    waitForErrors(s);
    definition(s);
    enterMmx(s);
  };
}

/** With a memory operand these leave the x87 alone (so does cvtpi2ps, as measured, whatever its description says). */
const unlessMemory =
  (definition: Definition): Definition =>
  (s) =>
    (s.operands[1]?.kind === "m" ? definition : mmx(definition))(s);

/** Operand 1, of which only 4 bytes are read from memory where the table says so. */
function source(s: Sem): I64 {
  const o = s.operands[1];
  if (o?.kind === "m" && o.bytes === 4) return s.f.let(i64.extend_i32_u(s.low32(1)));
  return s.mmx(1);
}

function binary(f: (a: V128, b: V128) => V128): Definition {
  return mmx((s) => {
    const b = s.f.let(wide(source(s)));
    const a = s.f.let(wide(s.mmx(0)));
    s.setMmx(0, low(f(a, b)));
  });
}

/** Packing takes the lanes of both operands, which here stand side by side in one register. */
function packing(f: (a: V128, b: V128) => V128): Definition {
  return mmx((s) => {
    const b = source(s);
    const both = s.f.let(i64x2.replace(wide(s.mmx(0)), 1, b));
    s.setMmx(0, low(f(both, both)));
  });
}

function shift(width: number, f: (a: V128, count: I32) => V128, arithmetic: boolean): Definition {
  return mmx((s) => {
    const count =
      s.operands[1]?.kind === "i" ? s.f.let(i64.extend_i32_u(i32.and(s.imm(1), i32.const(0xff)))) : s.mmx(1);
    const fits = s.f.let(i64.lt_u(count, i64.const(width)));
    const a = wide(s.mmx(0));
    if (arithmetic) s.setMmx(0, low(f(a, select(fits, i32.wrap(count), i32.const(width - 1)))));
    else s.setMmx(0, select(fits, low(f(a, i32.wrap(count))), i64.const(0)));
  });
}

const QUARTERS = v128.const(0x0003_0002_0001_0000n, 0x0007_0006_0005_0004n);

const maskmovq: Definition = (s) => {
  const { f } = s;
  const at = s.writable(s.gpr(Reg.rdi, 8) as I64, 8);
  const mask = i8x16.shr_s(wide(s.mmx(1)), i32.const(7));
  const old = wide(f.let(i64.load(at, BIAS)));
  f.exec(i64.store(at, low(bits.select(wide(s.mmx(0)), old, mask)), BIAS));
};

export function defineMmx(soft: SoftFunctions): Readonly<Record<string, Definition>> {
  const convert = (s: Sem, lane: FloatLane, source: V128): I64 =>
    low(runFloat(s, soft, lane, [source], [source])[0] as V128);
  const fromFloats = (truncate: boolean): Definition =>
    mmx((s) =>
      s.setMmx(0, convert(s, floatsToIntegers(soft, 2, truncate), s.f.let(i64x2.replace(ZERO, 0, s.low64(1))))),
    );
  const fromDoubles = (truncate: boolean): Definition =>
    mmx((s) => s.setMmx(0, convert(s, doublesToIntegers(soft, truncate), s.xmm(1))));
  const definitions: Record<string, Definition> = {
    mmx_punpcklbw: binary(interleave(1, 0)),
    mmx_punpcklwd: binary(interleave(2, 0)),
    mmx_punpckldq: binary(interleave(4, 0)),
    mmx_punpckhbw: binary(interleave(1, 4)),
    mmx_punpckhwd: binary(interleave(2, 4)),
    mmx_punpckhdq: binary(interleave(4, 4)),
    mmx_packsswb: packing(i8x16.narrow_i16x8_s),
    mmx_packuswb: packing(i8x16.narrow_i16x8_u),
    mmx_packssdw: packing(i16x8.narrow_i32x4_s),
    mmx_psllw: shift(16, i16x8.shl, false),
    mmx_pslld: shift(32, i32x4.shl, false),
    mmx_psllq: shift(64, i64x2.shl, false),
    mmx_psrlw: shift(16, i16x8.shr_u, false),
    mmx_psrld: shift(32, i32x4.shr_u, false),
    mmx_psrlq: shift(64, i64x2.shr_u, false),
    mmx_psraw: shift(16, i16x8.shr_s, true),
    mmx_psrad: shift(32, i32x4.shr_s, true),
    mmx_psadbw: mmx((s) => {
      const b = s.f.let(wide(source(s)));
      const sums = s.f.let(low(sumAbsoluteDifferences(s.f.let(wide(s.mmx(0))), b)));
      s.setMmx(0, i64.add(i64.and(sums, i64.const(0xffff)), i64.shr_u(sums, i64.const(32))));
    }),
    mmx_movq: mmx((s) => s.setMmx(0, s.mmx(1))),
    mmx_movd_load: mmx((s) => {
      const value = s.read(1);
      s.setMmx(0, s.operands[1]?.bytes === 8 ? (value as I64) : i64.extend_i32_u(value as I32));
    }),
    mmx_movd_store: mmx((s) => s.write(0, s.operands[0]?.bytes === 8 ? s.mmx(1) : i32.wrap(s.mmx(1)))),
    pshufw: mmx((s) => s.setMmx(0, low(i8x16.swizzle(wide(s.mmx(1)), wordIndices(s.imm(2)))))),
    mmx_pinsrw: mmx((s) => {
      const value = s.read(1) as I32;
      const mask = i16x8.eq(QUARTERS, i16x8.splat(i32.and(s.imm(2), i32.const(3))));
      s.setMmx(0, low(bits.select(i16x8.splat(value), wide(s.mmx(0)), mask)));
    }),
    mmx_pextrw: mmx((s) => {
      const by = i64.extend_i32_u(i32.shl(i32.and(s.imm(2), i32.const(3)), i32.const(4)));
      s.write(0, i32.and(i32.wrap(i64.shr_u(s.mmx(1), by)), i32.const(0xffff)));
    }),
    mmx_pmovmskb: mmx((s) => s.write(0, i8x16.bitmask(i64x2.replace(ZERO, 0, s.mmx(1))))),
    maskmovq: mmx(maskmovq),
    movq2dq: mmx((s) => s.setXmm(0, i64x2.replace(ZERO, 0, s.mmx(1)))),
    movdq2q: mmx((s) => s.setMmx(0, s.low64(1))),
    cvtpi2ps: unlessMemory((s) => s.setLow64(0, convert(s, integersToFloats(soft, 2), s.f.let(wide(s.mmx(1)))))),
    cvtpi2pd: unlessMemory((s) => s.setXmm(0, f64x2.convert_low_i32x4_s(wide(s.mmx(1))))),
    cvtps2pi: fromFloats(false),
    cvttps2pi: fromFloats(true),
    cvtpd2pi: fromDoubles(false),
    cvttpd2pi: fromDoubles(true),
    emms: (s) => {
      waitForErrors(s);
      enterMmx(s);
      s.f.exec(i32.store(i32.const(0), i32.const(0xff), CONTEXT_OFFSET + X87_EMPTY));
    },
  };
  for (const [name, f] of Object.entries(packed)) definitions[`mmx_${name}`] = binary(f);
  return definitions;
}
