/** SSE and SSE2: moves. Definitions: see sem.ts for the rules they keep. */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, v128 } from "../../wasm/expr.ts";
import { bits, i8x16, i32x4, i64x2 } from "../../wasm/simd.ts";
import { type Definition, Reg } from "./sem.ts";

const ZERO = v128.const(0n, 0n);

/** movd and movq from a general register or memory: the rest of the register becomes 0. */
const movdLoad: Definition = (s) => {
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
  movaps: (s) => s.setXmm(0, s.xmm(1)),
  movups: (s) => s.setXmmUnaligned(0, s.xmmUnaligned(1)),
  /** Loads clear the rest of the register, moves between registers do not. */
  movss_load: (s) => s.setXmm(0, i32x4.replace(ZERO, 0, s.low32(1))),
  movss: (s) => s.setLow32(0, s.low32(1)),
  movsd_load: (s) => s.setXmm(0, i64x2.replace(ZERO, 0, s.low64(1))),
  movsd: (s) => s.setLow64(0, s.low64(1)),
  movd_load: movdLoad,
  movd_store: movdStore,
  movhlps: (s) => s.setLow64(0, i64x2.extract(s.xmm(1), 1)),
  movhps_load: (s) => {
    const high = s.low64(1);
    s.setXmm(0, i64x2.replace(s.xmm(0), 1, high));
  },
  movhps_store: (s) => s.setLow64(0, i64x2.extract(s.xmm(1), 1)),
  maskmovdqu,
  clflush: (s) => {
    s.readable(s.address(0), 1);
  },
};
