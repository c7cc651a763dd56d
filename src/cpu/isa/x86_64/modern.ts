/**
 * Integer instructions that came after the first x86-64 processors: counting zeros, swapped moves, carry chains, random
 * numbers, segment bases, cache control. (Intel SDM vol. 2; those with VEX encodings are in bmi.ts.)
 */
import { CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type I32, type I64, i32, i64 } from "../../wasm/expr.ts";
import type { FunctionRef } from "../../wasm/module.ts";
import { sizeOfOperand, swapBytes } from "./arithmetic.ts";
import { FS_BASE, GS_BASE } from "./context.ts";
import { type Definition, type Family, Flag, type Sem, type Word, wordOps } from "./sem.ts";

/** The old instructions at these opcodes ignore the repeat prefixes that tell the new ones. */
const TABLE = `
f3 0f bc tzcnt Gv,Ev
f3 0f bd lzcnt Gv,Ev
0f 38 f0 movbe Gv,Mv
0f 38 f1 movbe Mv,Gv
f3 0f 38 f0 mod=m ud2 -
f3 0f 38 f1 mod=m ud2 -
66 0f 38 f6 adcx Gy,Ey
f3 0f 38 f6 adox Gy,Ey
0f c7 /6 mod=r rdrand Rv
0f c7 /7 mod=r rdseed Rv
f2 0f c7 /6 mod=r ud2 -
f3 0f c7 /6 mod=r ud2 -
f2 0f c7 /7 mod=r ud2 -
f3 0f c7 /7 mod=r ud2 -   # rdpid
f3 0f ae /0 mod=r rdfsbase Ry
f3 0f ae /1 mod=r rdgsbase Ry
f3 0f ae /2 mod=r wrfsbase Ry
f3 0f ae /3 mod=r wrgsbase Ry
66 0f ae /7 clflush Mb    # clflushopt
66 0f ae /6 clflush Mb    # clwb
`;

const ZERO = i32.const(0);

const isZero = (s: Sem, value: Word): I32 => wordOps(sizeOfOperand(s)).eqz(value);

/** CF: the source is zero; ZF: the count is. The other flags are undefined, and 0 here. */
function countZeros(count: (s: Sem, source: Word) => Word): Definition {
  return (s) => {
    const source = s.read(1);
    const result = s.f.let(count(s, source));
    s.write(0, result);
    s.flags.setAll(i32.or(isZero(s, source), i32.shl(isZero(s, result), i32.const(6))));
  };
}
const tzcnt = countZeros((s, source) => {
  const size = sizeOfOperand(s);
  return size === 2 ? i32.ctz(i32.or(source as I32, i32.const(0x1_0000))) : wordOps(size).ctz(source);
});
const lzcnt = countZeros((s, source) => {
  const size = sizeOfOperand(s);
  return size === 2 ? i32.sub(i32.clz(source as I32), i32.const(16)) : wordOps(size).clz(source);
});

const movbe: Definition = (s) => s.write(0, swapBytes(s.f, s.read(1), sizeOfOperand(s)));

/** An addition whose carry goes in and out by one flag only, so that two chains can run side by side. */
function addWithFlag(flag: number, carryIn: (s: Sem) => I32): Definition {
  return (s) => {
    const size = sizeOfOperand(s);
    const w = wordOps(size);
    const a = s.read(0);
    const b = s.read(1);
    const carry = s.f.let(carryIn(s));
    const sum = s.f.let(w.add(a, b));
    const result = s.f.let(w.add(sum, size === 8 ? i64.extend_i32_u(carry) : carry));
    const out = s.f.let(i32.or(w.lt_u(sum, a), w.lt_u(result, sum)));
    s.write(0, result);
    s.flags.update(flag, i32.shl(out, i32.const(Math.log2(flag))));
  };
}

const readBase =
  (slot: number): Definition =>
  (s) => {
    const base = i64.load(ZERO, CONTEXT_OFFSET + slot);
    s.write(0, sizeOfOperand(s) === 8 ? base : i32.wrap(base));
  };
const writeBase =
  (slot: number): Definition =>
  (s) => {
    const value = s.read(0);
    const wide = sizeOfOperand(s) === 8 ? (value as I64) : s.f.let(i64.extend_i32_u(value as I32));
    const canonical = i64.eqz(i64.shr_u(i64.add(wide, i64.const(0x8000_0000_0000n)), i64.const(48)));
    s.f.if(i32.eqz(canonical), () => s.trap(Trap.GeneralProtection));
    s.f.exec(i64.store(ZERO, wide, CONTEXT_OFFSET + slot));
  };

/** An import without parameters: 64 random bits. */
export const RANDOM = "random";

/** `rdrand` and `rdseed` always have a number: CF is 1, the other flags 0. */
function randomNumber(random: FunctionRef): Definition {
  return (s) => {
    const value = s.f.let(s.f.call("i64", random, []));
    s.write(0, sizeOfOperand(s) === 8 ? value : i32.wrap(value));
    s.flags.setAll(i32.const(Flag.CF));
  };
}

export const modern: Family = {
  name: "modern",
  table: TABLE,
  imports: [{ name: RANDOM, params: [], results: ["i64"] }],
  define: (_module, imports) => {
    const random = randomNumber(imports[RANDOM] as FunctionRef);
    return {
      tzcnt,
      lzcnt,
      movbe,
      adcx: addWithFlag(Flag.CF, (s) => s.flags.carry()),
      adox: addWithFlag(Flag.OF, (s) => s.flags.condition(0)),
      rdrand: random,
      rdseed: random,
      rdfsbase: readBase(FS_BASE),
      rdgsbase: readBase(GS_BASE),
      wrfsbase: writeBase(FS_BASE),
      wrgsbase: writeBase(GS_BASE),
    };
  },
};
