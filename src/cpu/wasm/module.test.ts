import { describe, expect, it } from "vitest";
import { i32, i64, select, shuffle, simdLane, v128 } from "./expr.ts";
import { ModuleBuilder } from "./module.ts";

function instantiate(m: ModuleBuilder): Record<string, (...args: never[]) => unknown> {
  return new WebAssembly.Instance(new WebAssembly.Module(m.encode())).exports as never;
}

describe("ModuleBuilder", () => {
  it("writes loops, scopes and calls that V8 accepts and runs", () => {
    const m = new ModuleBuilder();
    const sum = m.func("sum", ["i32"], ["i32"], (f) => {
      const n = f.param(0, "i32");
      const acc = f.local("i32");
      f.block((end) => {
        f.loop((again) => {
          f.brIf(end, i32.eqz(n));
          f.scope(() => {
            const t = f.let(i32.add(acc, n));
            f.set(acc, t);
          });
          f.set(n, i32.sub(n, i32.const(1)));
          f.br(again);
        });
      });
      f.return(acc);
    });
    const twice = m.func("twice", ["i32"], ["i32", "i64"], (f) => {
      const [r] = f.callStatement(sum, [f.param(0, "i32")]);
      f.return(i32.mul(r as never, i32.const(2)), i64.const(0x1234_5678_9abc_def0n));
    });
    m.exportFunction("twice", twice);
    expect(instantiate(m).twice?.(10 as never)).toEqual([110, 0x1234_5678_9abc_def0n]);
  });

  it("dispatches through br_table and call_indirect", () => {
    const m = new ModuleBuilder();
    const a = m.func("a", ["i32"], ["i32"], (f) => f.return(i32.add(f.param(0, "i32"), i32.const(1))));
    const b = m.func("b", ["i32"], ["i32"], (f) => f.return(i32.sub(f.param(0, "i32"), i32.const(1))));
    m.table([undefined, a, b]);
    const main = m.func("main", ["i32", "i32"], ["i32"], (f) => {
      f.block((other) => {
        f.block((one) => {
          f.brTable(f.param(0, "i32"), [other, one], other);
        });
        f.return(i32.const(-7));
      });
      f.return(f.callIndirect("i32", ["i32"], f.param(0, "i32"), [f.param(1, "i32")]));
    });
    m.exportFunction("main", main);
    const e = instantiate(m);
    expect(e.main?.(1 as never, 5 as never)).toBe(-7);
    expect(e.main?.(2 as never, 5 as never)).toBe(4);
  });

  it("folds constants and encodes SIMD immediates", () => {
    expect(i32.add(i32.const(0x7fff_ffff), i32.const(1)).constant).toBe(-0x8000_0000);
    expect(i64.shr_u(i64.const(-1n), i64.const(60)).constant).toBe(15n);
    expect(i64.extend_i32_u(i32.const(-1)).constant).toBe(0xffff_ffffn);
    const m = new ModuleBuilder();
    const fn = m.func("lane", ["i32"], ["i64"], (f) => {
      const v = shuffle(v128.const(0x0706050403020100n, 0n), v128.const(0n, 0n), [7, 6, 5, 4, 3, 2, 1, 0]);
      const lane = simdLane("i64", 0x1d, [v], 0);
      f.return(select(f.param(0, "i32"), lane, i64.const(-1)));
    });
    m.exportFunction("lane", fn);
    const e = instantiate(m);
    expect(e.lane?.(1 as never)).toBe(0x0001020304050607n);
    expect(e.lane?.(0 as never)).toBe(-1n);
  });

  it("refuses a call with the wrong argument types", () => {
    const m = new ModuleBuilder();
    const fn = m.func("id", ["i64"], ["i64"], (f) => f.return(f.param(0, "i64")));
    expect(() => m.func("bad", [], [], (f) => f.drop(f.call("i64", fn, [i32.const(1)])))).toThrow(/id takes \(i64\)/);
  });
});
