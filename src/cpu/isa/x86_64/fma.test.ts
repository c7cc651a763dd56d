import { expect, it } from "vitest";
import { GuestMemory } from "../../../mm/guest-memory.ts";
import { PAGE_SHIFT, PageBits } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { InterpEngine } from "../../interp/engine.ts";
import { generateModule } from "../../interp/generate.ts";
import { registers } from "./arch.ts";
import { YMM, YMM_SIZE } from "./context.ts";

const CODE = 0x10000;
// vfmadd213pd xmm0, xmm1, xmm2; syscall. And of floats.
const DOUBLES = [0xc4, 0xe2, 0xf1, 0xa8, 0xc2, 0x0f, 0x05];
const SINGLES = [0xc4, 0xe2, 0x71, 0xa8, 0xc2, 0x0f, 0x05];

const memory = new GuestMemory();
const core = new InterpEngine({ module: generateModule() }).attach(memory);
const { context, pages, u8 } = memory;
registers.reset(context);
pages[CODE >> PAGE_SHIFT] = PageBits.Present | PageBits.Read | PageBits.Exec;
u8.set(DOUBLES, CODE);
u8.set(SINGLES, CODE + 16);

function execute(pc: number): void {
  registers.setPc(context, pc);
  expect(core.run(1000)).toBe(Trap.Syscall);
}

/** a * b + c in both lanes by the instruction. */
function fused(a: number, b: number, c: number): number {
  for (const [i, v] of [a, b, c].entries())
    for (const lane of [0, 8]) context.setFloat64(YMM + YMM_SIZE * i + lane, v, true);
  execute(CODE);
  expect(context.getBigUint64(YMM, true)).toBe(context.getBigUint64(YMM + 8, true));
  return context.getFloat64(YMM, true);
}
function fusedSingle(a: number, b: number, c: number): number {
  for (const [i, v] of [a, b, c].entries())
    for (const lane of [0, 4, 8, 12]) context.setFloat32(YMM + YMM_SIZE * i + lane, v, true);
  execute(CODE + 16);
  return context.getFloat32(YMM + 12, true);
}

const view = new DataView(new ArrayBuffer(8));
/** A finite number as m * 2^e. */
function exact(v: number): [bigint, number] {
  view.setFloat64(0, v);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const m = exponent === 0 ? fraction : fraction | (1n << 52n);
  return [bits >> 63n ? -m : m, Math.max(exponent, 1) - 1075];
}

/** m * 2^e to the nearest number with `places` bits and no bit below 2^least; ties to even. Of 0 only the magnitude. */
function rounded(m: bigint, e: number, places: number, least: number): number {
  const magnitude = m < 0n ? -m : m;
  if (magnitude === 0n) return 0;
  const drop = Math.max(magnitude.toString(2).length - places, least - e, 0);
  let kept = magnitude >> BigInt(drop);
  const rest = magnitude - (kept << BigInt(drop));
  const half = drop === 0 ? 1n : 1n << BigInt(drop - 1);
  if (rest > half || (drop > 0 && rest === half && (kept & 1n) === 1n)) kept++;
  // In two steps, neither of which rounds: 2^1023 is the largest power of two there is.
  const power = e + drop;
  const value = Number(kept) * 2 ** Math.min(power, 900) * 2 ** Math.max(power - 900, 0);
  return m < 0n ? -value : value;
}

function expected(a: number, b: number, c: number, places: number, least: number): number {
  const [ma, ea] = exact(a);
  const [mb, eb] = exact(b);
  const [mc, ec] = exact(c);
  const e = Math.min(ea + eb, ec);
  return rounded(((ma * mb) << BigInt(ea + eb - e)) + (mc << BigInt(ec - e)), e, places, least);
}

/** A repeatable sequence of numbers from 0 up to 1 (Numerical Recipes' generator). */
let state = 12345;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const below = (n: number): number => Math.floor(random() * n);
/** With a fraction of 52 random bits, or of a few. */
const number = (spread: number): number =>
  (random() < 0.5 ? -1 : 1) *
  (1 + (random() < 0.5 ? random() + random() * 2 ** -32 : below(64) / 64)) *
  2 ** (below(2 * spread + 1) - spread);

/** An addend that makes it hard: opposite to the product, close to that, far below or above, halfway between numbers. */
function addend(product: number, unit: number): number {
  const kinds = [
    () => -product,
    () => -product * (1 + (below(9) - 4) * unit),
    () => product * unit * (below(9) - 4) * 0.5,
    () => product * 2 ** (below(240) - 120),
    () => 0,
    () => number(60),
  ];
  return (kinds[below(kinds.length)] as () => number)();
}

it("multiplies and adds doubles with one rounding", () => {
  for (const spread of [8, 200, 490, 530, 1000])
    for (let i = 0; i < 1500; i++) {
      const [a, b] = [number(spread), number(spread)];
      const c = addend(a * b, 2 ** -52);
      if (!Number.isFinite(a * b) || !Number.isFinite(c)) continue;
      const want = expected(a, b, c, 53, -1074);
      const got = fused(a, b, c);
      expect({ a, b, c, result: want === 0 ? Math.abs(got) : got }).toEqual({ a, b, c, result: want === 0 ? 0 : want });
    }
});

it("multiplies and adds floats with one rounding", () => {
  const single = Math.fround;
  for (const spread of [4, 30, 63, 74])
    for (let i = 0; i < 1500; i++) {
      const [a, b] = [single(number(spread)), single(number(spread))];
      const c = single(addend(a * b, 2 ** -23));
      if (!Number.isFinite(c)) continue;
      const exactly = expected(a, b, c, 24, -149);
      const want = Math.abs(exactly) >= 2 ** 128 ? Math.sign(exactly) * Number.POSITIVE_INFINITY : exactly;
      const got = fusedSingle(a, b, c);
      expect({ a, b, c, result: want === 0 ? Math.abs(got) : got }).toEqual({ a, b, c, result: want === 0 ? 0 : want });
    }
});

it("gives zeros their signs", () => {
  for (const a of [0, -0, 3])
    for (const b of [0, -0, -5])
      for (const c of [0, -0]) {
        if (a * b !== 0) continue;
        expect(Object.is(fused(a, b, c), a * b + c)).toBe(true);
        expect(Object.is(fusedSingle(a, b, c), a * b + c)).toBe(true);
      }
  expect(Object.is(fused(3, -5, 15), 0)).toBe(true);
});
