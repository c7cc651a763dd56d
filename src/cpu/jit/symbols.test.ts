import { describe, expect, it } from "vitest";
import { FRAME, Symbols } from "./symbols.ts";

const RAX = 0;
const RSP = 4;
const RSI = 6;
const plus = ({ name, plus }: { name: number; plus: number }, n: number): { name: number; plus: number } => ({
  name,
  plus: plus + n,
});

describe("what is known of addresses", () => {
  it("gives each register a value of its own until it is assigned", () => {
    const symbols = new Symbols();
    expect(symbols.register(RSI)).toEqual({ name: RSI, plus: 0 });
    symbols.assign(RAX, plus(symbols.register(RSI), 8));
    expect(symbols.register(RAX)).toEqual({ name: RSI, plus: 8 });
  });

  it("forgets a register that gets something unknown, but not what was copied from it", () => {
    const symbols = new Symbols();
    const old = symbols.register(RSI);
    symbols.assign(RAX, old);
    symbols.assign(RSI, undefined);
    const { name } = symbols.register(RSI);
    expect(name).toBeGreaterThanOrEqual(16);
    expect(symbols.register(RSI).name).toBe(name);
    expect(symbols.register(RAX)).toEqual(old);
    symbols.assign(RSI, undefined);
    expect(symbols.register(RSI).name).not.toBe(name);
  });

  it("knows equal sums as such, wherever the constants were added", () => {
    const symbols = new Symbols();
    const [base, index] = [symbols.register(RSI), symbols.register(RAX)];
    const sum = symbols.sum(base, index, 2);
    expect(symbols.sum(plus(base, 16), plus(index, -3), 2)).toEqual(plus(sum, 16 - 12));
    expect(symbols.sum(base, index, 3).name).not.toBe(sum.name);
    expect(symbols.sum(index, base, 2).name).not.toBe(sum.name);
    expect(symbols.scaled(index, 2).name).not.toBe(sum.name);
    symbols.assign(RAX, undefined);
    expect(symbols.sum(base, symbols.register(RAX), 2).name).not.toBe(sum.name);
  });

  it("takes a check for all within it, and one for writing for reads as well", () => {
    const symbols = new Symbols();
    const at = symbols.register(RSI);
    symbols.check(at, -8, 24, false);
    expect(symbols.isChecked(at, -8, 24, false)).toBe(true);
    expect(symbols.isChecked(plus(at, 16), 0, 8, false)).toBe(true);
    expect(symbols.isChecked(plus(at, 17), 0, 8, false)).toBe(false);
    expect(symbols.isChecked(plus(at, -9), 0, 8, false)).toBe(false);
    expect(symbols.isChecked(at, 0, 8, true)).toBe(false);
    expect(symbols.isChecked(symbols.register(RAX), 0, 8, false)).toBe(false);
    symbols.check(at, 0, 8, true);
    expect(symbols.isChecked(at, 0, 8, true)).toBe(true);
    expect(symbols.isChecked(at, 0, 9, true)).toBe(false);
  });

  it("knows the frame from the start, by any register that points to it", () => {
    const symbols = new Symbols({ low: -64, high: 16 }, [undefined, undefined, undefined, undefined, -64, -8]);
    expect(symbols.register(RSP)).toEqual({ name: FRAME, plus: -64 });
    expect(symbols.isChecked(symbols.register(RSP), 0, 80, true)).toBe(true);
    expect(symbols.isChecked(symbols.register(RSP), -8, 0, true)).toBe(false);
    expect(symbols.isChecked(symbols.register(5), 16, 24, true)).toBe(true);
    expect(symbols.isChecked(symbols.register(5), 17, 25, true)).toBe(false);
    expect(symbols.isChecked(symbols.register(RAX), 0, 1, false)).toBe(false);
  });

  it("goes on from a copy without changing the original", () => {
    const symbols = new Symbols();
    const at = symbols.register(RSI);
    symbols.check(at, 0, 4, false);
    const sum = symbols.sum(at, symbols.register(RAX), 0);
    const copy = symbols.copy();
    expect(copy.isChecked(at, 0, 4, false)).toBe(true);
    expect(copy.sum(at, copy.register(RAX), 0)).toEqual(sum);
    copy.check(at, 0, 8, true);
    copy.assign(RSI, undefined);
    expect(symbols.isChecked(at, 0, 8, true)).toBe(false);
    expect(symbols.register(RSI)).toEqual(at);
  });
});
