/** The M extension (RISC-V Instruction Set Manual, volume I, "M" Extension). */
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { ModuleBuilder } from "../../wasm/module.ts";
import { defineProductHigh } from "../../wasm/wide.ts";
import type { Definition, Family } from "./sem.ts";

const TABLE = `
0000001 rs2 rs1 000 rd 0110011 mul
0000001 rs2 rs1 001 rd 0110011 mulh
0000001 rs2 rs1 010 rd 0110011 mulhsu
0000001 rs2 rs1 011 rd 0110011 mulhu
0000001 rs2 rs1 100 rd 0110011 div
0000001 rs2 rs1 101 rd 0110011 divu
0000001 rs2 rs1 110 rd 0110011 rem
0000001 rs2 rs1 111 rd 0110011 remu
0000001 rs2 rs1 000 rd 0111011 mulw
0000001 rs2 rs1 100 rd 0111011 divw
0000001 rs2 rs1 101 rd 0111011 divuw
0000001 rs2 rs1 110 rd 0111011 remw
0000001 rs2 rs1 111 rd 0111011 remuw
`;

const c64 = i64.const;
const c32 = i32.const;
/** What a product's upper half has too much if `a`, taken as unsigned, is negative. */
const excess = (a: I64, b: I64): I64 => i64.and(i64.shr_s(a, c64(63)), b);

/** Division traps on nothing: by zero gives all ones, the remainder the dividend; overflow gives the dividend and 0. */
function define(module: ModuleBuilder): Readonly<Record<string, Definition>> {
  const productHigh = defineProductHigh(module, "mul_high_u");
  const high =
    (signedA: boolean, signedB: boolean): Definition =>
    (s) => {
      const [a, b] = [s.x("rs1"), s.x("rs2")];
      let product: I64 = productHigh(s.f, a, b);
      if (signedA) product = i64.sub(product, excess(a, b));
      if (signedB) product = i64.sub(product, excess(b, a));
      s.setX(product);
    };
  const divide =
    (signed: boolean, remainder: boolean): Definition =>
    (s) => {
      const { f } = s;
      const [a, b] = [s.x("rs1"), s.x("rs2")];
      const result = f.local("i64");
      f.set(result, remainder ? a : c64(-1));
      f.if(i64.ne(b, c64(0)), () => {
        if (!signed) f.set(result, (remainder ? i64.rem_u : i64.div_u)(a, b));
        else if (remainder) f.set(result, i64.rem_s(a, b));
        // By -1, where wasm would trap on overflow: the negative, which overflow leaves as it is.
        else
          f.if(
            i64.eq(b, c64(-1)),
            () => f.set(result, i64.sub(c64(0), a)),
            () => f.set(result, i64.div_s(a, b)),
          );
      });
      s.setX(result);
    };
  const divideW =
    (signed: boolean, remainder: boolean): Definition =>
    (s) => {
      const { f } = s;
      const [a, b] = [s.w("rs1"), s.w("rs2")];
      const result = f.local("i32");
      f.set(result, remainder ? a : c32(-1));
      f.if(b, () => {
        if (!signed) f.set(result, (remainder ? i32.rem_u : i32.div_u)(a, b));
        else if (remainder) f.set(result, i32.rem_s(a, b));
        else {
          const minusOne: I32 = i32.eq(b, c32(-1));
          // Any divisor but -1 and 0 will do where the result is not this one.
          f.set(result, select(minusOne, i32.sub(c32(0), a), i32.div_s(a, select(minusOne, c32(1), b))));
        }
      });
      s.setW(result);
    };
  return {
    mul: (s) => s.setX(i64.mul(s.x("rs1"), s.x("rs2"))),
    mulw: (s) => s.setW(i32.mul(s.w("rs1"), s.w("rs2"))),
    mulh: high(true, true),
    mulhsu: high(true, false),
    mulhu: high(false, false),
    div: divide(true, false),
    divu: divide(false, false),
    rem: divide(true, true),
    remu: divide(false, true),
    divw: divideW(true, false),
    divuw: divideW(false, false),
    remw: divideW(true, true),
    remuw: divideW(false, true),
  };
}

export const mulDivFamily: Family = { name: "muldiv", table: TABLE, define };
