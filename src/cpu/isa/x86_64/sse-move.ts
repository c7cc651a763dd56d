/** SSE and SSE2: moves. Definitions: see sem.ts for the rules they keep. */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, type V128, v128 } from "../../wasm/expr.ts";
import { bits, f32x4, f64x2, i8x16, i32x4, i64x2 } from "../../wasm/simd.ts";
import { type Definition, Reg, type Sem } from "./sem.ts";

const ZERO = v128.const(0n, 0n);

/** The low 8 or 4 bytes of an operand, and zeros. Floating-point lanes can be moved without a general register. */
export function lowOnly(s: Sem, n: number, bytes: 4 | 8): V128 {
  if (s.operands[n]?.kind === "m") {
    const at = s.readable(s.address(n), bytes);
    return s.f.let(bytes === 8 ? v128.load64_zero(at, BIAS) : v128.load32_zero(at, BIAS));
  }
  return bytes === 8 ? f64x2.replace(ZERO, 0, s.lowF64(n)) : f32x4.replace(ZERO, 0, s.lowF32(n));
}

/** A number from memory, to compute with most likely; zeros above. */
export function loadDouble(s: Sem, set: (v: V128) => void): void {
  const value = s.lowF64(1);
  set(f64x2.replace(ZERO, 0, value));
  s.lowIsF64?.(0, value);
}
export function loadSingle(s: Sem, set: (v: V128) => void): void {
  const value = s.lowF32(1);
  set(f32x4.replace(ZERO, 0, value));
  s.lowIsF32?.(0, value);
}

/** movd and movq from a general register or memory: the rest of the register becomes 0. */
const movdLoad: Definition = (s) => {
  if (s.operands[1]?.kind === "m") {
    s.setXmm(0, lowOnly(s, 1, s.operands[1].bytes === 8 ? 8 : 4));
    return;
  }
  const value = s.read(1);
  s.setXmm(0, s.operands[1]?.bytes === 8 ? i64x2.replace(ZERO, 0, value as I64) : i32x4.replace(ZERO, 0, value as I32));
};

const movdStore: Definition = (s) => s.write(0, s.operands[0]?.bytes === 8 ? s.low64(1) : s.low32(1));

/** Bytes of xmm0 whose mask byte has its highest bit set go to [rdi]. A segment prefix is not honoured. */
const maskmovdqu: Definition = (s) => {
  const { f } = s;
  const at = s.writable(s.gpr(Reg.rdi, 8) as I64, 16);
  const mask = i8x16.shr_s(s.xmm(1), i32.const(7));
  f.exec(v128.store(at, bits.select(s.xmm(0), f.let(v128.load(at, BIAS)), mask), BIAS));
};

export const sseMove: Readonly<Record<string, Definition>> = {
  movaps: (s) => {
    s.setXmm(0, s.xmm(1));
    s.lowIsThatOf?.(0, 1);
  },
  movups: (s) => {
    s.setXmmUnaligned(0, s.xmmUnaligned(1));
    s.lowIsThatOf?.(0, 1);
  },
  /** Loads clear the rest of the register, moves between registers do not. */
  movss_load: (s) => loadSingle(s, (v) => s.setXmm(0, v)),
  movss: (s) => s.setLowF32(0, s.lowF32(1)),
  movsd_load: (s) => loadDouble(s, (v) => s.setXmm(0, v)),
  movq_load: (s) => s.setXmm(0, lowOnly(s, 1, 8)),
  movsd: (s) => s.setLowF64(0, s.lowF64(1)),
  movd_load: movdLoad,
  movd_store: movdStore,
  movhlps: (s) => s.setLowF64(0, f64x2.extract(s.xmm(1), 1)),
  movhps_load: (s) => {
    const high = s.lowF64(1);
    s.setXmm(0, f64x2.replace(s.xmm(0), 1, high));
  },
  movhps_store: (s) => s.setLowF64(0, f64x2.extract(s.xmm(1), 1)),
  maskmovdqu,
  clflush: (s) => {
    s.readable(s.address(0), 1);
  },
};
