import { beforeAll, describe, expect, it } from "vitest";
import createWabt from "wabt";
import { generateModule } from "../interp/generate.ts";
import { type Expr, f32, f64, i32, i64, simdLoad, v128 } from "./expr.ts";
import { ModuleBuilder } from "./module.ts";
import { OPCODES, type Opcode, PREFIXES } from "./opcodes.ts";
import { ByteReader } from "./reader.ts";
import * as lanes from "./simd.ts";
import { ByteSink } from "./sink.ts";
import { functionTexts, moduleText } from "./text.ts";

/** An assembler by others: what it makes of the text must be the bytes that the text was made of. */
let wabt: Awaited<ReturnType<typeof createWabt>>;
beforeAll(async () => {
  wabt = await createWabt();
});

function assemble(text: string): Uint8Array {
  const module = wabt.parseWat("test.wat", text, { threads: true, tail_call: true, relaxed_simd: true, simd: true });
  return module.toBinary({ canonicalize_lebs: true, write_debug_names: false }).buffer;
}

/** The contents of a section. */
function section(bytes: Uint8Array, wanted: number): number[] {
  const r = new ByteReader(bytes, 8);
  while (!r.done) {
    const id = r.byte();
    const contents = r.bytes(r.u32());
    if (id === wanted) return [...contents];
  }
  return [];
}

/** The code of each function, in hexadecimal. */
function bodies(bytes: Uint8Array): string[] {
  const r = new ByteReader(Uint8Array.from(section(bytes, 10)));
  return Array.from({ length: r.u32() }, () => Buffer.from(r.bytes(r.u32())).toString("hex"));
}

const TYPE = [0x60, 2, 0x7f, 0x7e, 1, 0x7d];
/** A module with one function of type 0, (param i32 i64) (result f32), and this code. */
function moduleOf(code: (out: ByteSink) => void): Uint8Array {
  const body = new ByteSink();
  body.byte(0);
  code(body);
  body.byte(0x0b);
  const out = new ByteSink();
  out.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const [id, contents] of [
    [1, [1, ...TYPE]],
    [3, [1, 0]],
  ] as const) {
    out.byte(id);
    out.u32(contents.length);
    out.bytes(contents);
  }
  const length = new ByteSink();
  length.u32(body.length);
  out.byte(10);
  out.u32(1 + length.length + body.length);
  out.byte(1);
  out.bytes(length.view());
  out.bytes(body.view());
  return out.view().slice();
}

function writeOpcode(out: ByteSink, code: number): void {
  const prefix = Object.entries(PREFIXES).find(([, base]) => code >= base && code < base + 0x1_0000);
  if (prefix === undefined) out.byte(code);
  else {
    out.byte(Number(prefix[0]));
    out.u32(code - prefix[1]);
  }
}

/** Immediates of each kind, of which nothing is 0 that could be something else. */
function writeImmediates(out: ByteSink, opcode: Opcode): void {
  switch (opcode.immediate) {
    case "block":
      out.byte(0x40);
      out.byte(0x0b);
      break;
    case "label":
    case "function":
    case "signature":
    case "zeros":
      out.bytes(opcode.immediate === "label" || opcode.immediate === "function" ? [0] : [0, 0]);
      break;
    case "labels":
      out.bytes([2, 0, 0, 0]);
      break;
    case "types":
      out.bytes([1, 0x7f]);
      break;
    case "heap":
      out.byte(0x70);
      break;
    case "memarg":
    case "memarg lane":
      out.u32(opcode.name.includes("atomic") ? opcode.alignment : Math.max(0, opcode.alignment - 1));
      out.u32(0x400_0010);
      if (opcode.immediate === "memarg lane") out.byte(1);
      break;
    case "lanes":
      out.bytes(Array.from({ length: 16 }, (_, i) => 31 - i));
      break;
    case "i32":
      out.s32(-123456);
      break;
    case "i64":
      out.s64(-(2n ** 63n));
      break;
    case "f32":
      out.f32(Math.fround(0.1));
      break;
    case "f64":
      out.f64(-1.7976931348623157e308);
      break;
    case "v128":
      out.bytes(Array.from({ length: 16 }, (_, i) => 0xf0 - i));
      break;
    case "":
      break;
    default:
      out.byte(opcode.immediate === "zero" ? 0 : 1);
  }
}

describe("text of functions", () => {
  it("names every opcode and its immediates as an assembler does", () => {
    const wrong: string[] = [];
    for (const [code, opcode] of OPCODES) {
      // Needs a table or a function section with references, which the writer does not make.
      if (["table", "heap"].includes(opcode.immediate) || opcode.name.startsWith("ref.")) continue;
      const bytes = moduleOf((out) => {
        writeOpcode(out, code);
        writeImmediates(out, opcode);
      });
      const text = moduleText(bytes).replace(
        "(module",
        "(module (memory 1) (global (mut i32) (i32.const 0)) (table 1 funcref)",
      );
      const back = section(assemble(text.replaceAll(" 1)", " 1)")), 10);
      if (back.join() !== section(bytes, 10).join()) wrong.push(`${opcode.name}: ${text}`);
    }
    expect(wrong).toEqual([]);
    expect(OPCODES.size).toBeGreaterThan(430);
  });

  it("gives back the interpreter to the byte", () => {
    const bytes = generateModule();
    const parts = functionTexts(bytes);
    // The assembler has not enough stack for blocks that are nested a few hundred deep.
    const deep = parts.findIndex((f) => f.name === "main");
    const shallow = moduleText(bytes).replace(
      (parts[deep]?.text ?? "").replace(/^/gm, "  "),
      "  (func $main (param i32 i32) (result i32) (unreachable))",
    );
    const back = assemble(shallow);
    for (const id of [1, 2, 3, 4, 6, 7, 9]) expect([id, section(back, id)]).toEqual([id, section(bytes, id)]);
    const [expected, actual] = [bodies(bytes), bodies(back)];
    expect(parts.length).toBeGreaterThan(1000);
    // It leaves out an else without anything in it (05 0b).
    const same = (e: string, a: string): boolean => e === a || e.replace(/^((?:..)*?)050b/, "$10b") === a;
    const differ = parts.filter((_, i) => i !== deep && !same(expected[i] as string, actual[i] as string));
    expect(differ.map((f) => f.name)).toEqual([]);
    expect(actual[deep]).not.toBe(expected[deep]);
  });

  it("calls what the writer calls by its name", () => {
    const m = new ModuleBuilder();
    m.importMemory("env", "memory", 1, 1);
    const arguments_: Readonly<Record<string, () => Expr>> = {
      i32: () => i32.load(i32.const(0)),
      i64: () => i64.load(i32.const(0)),
      f32: () => f32.load(i32.const(0)),
      f64: () => f64.load(i32.const(0)),
      v128: () => v128.load(i32.const(0)),
    };
    const wrong: string[] = [];
    const shapes = { i32, i64, f32, f64, ...lanes } as unknown as Record<
      string,
      Record<string, (...a: unknown[]) => Expr>
    >;
    const kinds = Object.values(arguments_);
    for (const [shape, operations] of Object.entries(shapes))
      for (const [name, make] of Object.entries(operations)) {
        if (/^(const|load|store)/.test(name)) continue;
        const arity = Math.max(1, make.length);
        // Constants fold and unknown names would throw; the types of operands do not matter for the name.
        const args = Array.from({ length: arity }, () => (kinds[0] as () => Expr)());
        const value =
          name === "extract" ? make(args[0], 0) : name === "replace" ? make(args[0], 0, args[1]) : make(...args);
        const bytes = moduleOf((out) => value.emit(out));
        const head = /^\(func.*\n\s*\(([^\s)]+)/.exec(functionTexts(bytes)[0]?.text ?? "")?.[1];
        const expected = `${shape === "bits" ? "v128" : shape}.${spelled(name)}`;
        if (!head?.startsWith(expected)) wrong.push(`${expected}: ${head}`);
      }
    expect(wrong).toEqual([]);
  });

  it("folds expressions, names the targets of branches, and breaks long lines", () => {
    const m = new ModuleBuilder();
    m.importMemory("env", "memory", 1, 1);
    const log = m.importFunction("env", "log", ["i64"], []);
    m.func("sum", ["i32"], ["i64"], (f) => {
      const n = f.param(0, "i32");
      const total = f.local("i64");
      f.block((end) => {
        f.loop((again) => {
          f.brIf(end, i32.eqz(n));
          f.if(
            i32.gt_u(n, i32.const(100)),
            () => f.set(total, i64.add(total, i64.load(n, 4096))),
            () => f.set(total, i64.mul(i64.add(i64.load(n, 8), i64.load(n, 16)), i64.add(i64.load(n), i64.const(-1)))),
          );
          f.callStatement(log, [total]);
          f.set(n, i32.sub(n, i32.const(1)));
          f.br(again);
        });
      });
      f.return(total);
    });
    const options = { omitAlignment: true, offsetComment: (o: number) => (o === 4096 ? "rax" : undefined) };
    expect(functionTexts(m.encode(), options)).toEqual([
      {
        name: "sum",
        text: `(func $sum (param i32) (result i64)
  (local i64)
  (block $1
    (loop $2
      (br_if $1 (i32.eqz (local.get 0)))
      (if
        (i32.gt_u (local.get 0) (i32.const 100))
        (then
          (local.set 1 (i64.add (local.get 1) (i64.load offset=4096 (; rax ;) (local.get 0)))))
        (else
          (local.set 1
            (i64.mul
              (i64.add (i64.load offset=8 (local.get 0)) (i64.load offset=16 (local.get 0)))
              (i64.add (i64.load (local.get 0)) (i64.const -1))))))
      (call $log (local.get 1))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br $2)))
  (return (local.get 1)))`,
      },
    ]);
  });

  it("leaves operands on the stack that are no expressions", () => {
    // (i32.const 1) (nop) (i32.const 2) (i32.add)
    const bytes = moduleOf((out) => out.bytes([0x41, 1, 0x01, 0x41, 2, 0x6a]));
    const [f] = functionTexts(bytes);
    expect(
      f?.text
        .split("\n")
        .slice(1)
        .map((line) => line.trim()),
    ).toEqual(["(i32.const 1)", "(nop)", "(i32.add (i32.const 2)))"]);
  });

  it.each([
    ["-0", -0],
    ["inf", Number.POSITIVE_INFINITY],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["nan:0x8000000000000", Number.NaN],
    ["5e-324", 5e-324],
  ])("writes the number %s", (text, value) => {
    const bytes = moduleOf((out) => f64.const(value).emit(out));
    expect(functionTexts(bytes)[0]?.text).toContain(`(f64.const ${text})`);
    expect(section(assemble(moduleText(bytes)), 10)).toEqual(section(bytes, 10));
  });

  it("says where an unknown opcode is", () => {
    const at = moduleOf(() => undefined).length - 1;
    expect(() => moduleText(moduleOf((out) => out.byte(0x27)))).toThrow(
      `unknown WebAssembly opcode 0x27 at offset ${at}`,
    );
    expect(() => moduleText(moduleOf((out) => out.bytes([0xfd, 0x9a, 0x01])))).toThrow(
      `unknown WebAssembly opcode 0xfd 0x9a at offset ${at}`,
    );
  });

  it("says where it ends unexpectedly", () => {
    const bytes = moduleOf((out) => simdLoad(0, i32.const(0)).emit(out));
    expect(() => moduleText(bytes.subarray(0, bytes.length - 3))).toThrow("ends unexpectedly at offset");
  });
});

/** The specification's spelling of a member of the writer's tables. */
function spelled(name: string): string {
  const names: Readonly<Record<string, string>> = {
    wrap: "wrap_i64",
    extract: "extract_lane",
    replace: "replace_lane",
    select: "bitselect",
    anyTrue: "any_true",
  };
  return names[name] ?? name;
}
