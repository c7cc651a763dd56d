/**
 * The A extension (RISC-V Instruction Set Manual, volume I, "A" Extension).
 *
 * One task runs at a time, so an access to memory is atomic by itself. A reservation is an address and what was found
 * there; sc succeeds if it is for that address and the value is still there. It ends with sc and whenever the engine begins
 * to run anew: so no store of another task can come between (which the value alone would not show, if it were changed back).
 */
import { BIAS, CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import { NO_RESERVATION, RESERVATION, RESERVED_VALUE } from "./context.ts";
import type { Definition, Family, Sem } from "./sem.ts";

type Operation = (old: I64, value: I64) => I64;

const OPERATIONS: readonly (readonly [name: string, funct5: string, operation: Operation])[] = [
  ["amoswap", "00001", (_old, value) => value],
  ["amoadd", "00000", i64.add],
  ["amoxor", "00100", i64.xor],
  ["amoand", "01100", i64.and],
  ["amoor", "01000", i64.or],
  ["amomin", "10000", (a, b) => select(i64.lt_s(a, b), a, b)],
  ["amomax", "10100", (a, b) => select(i64.gt_s(a, b), a, b)],
  ["amominu", "11000", (a, b) => select(i64.lt_u(a, b), a, b)],
  ["amomaxu", "11100", (a, b) => select(i64.gt_u(a, b), a, b)],
];

const SIZES = [
  { suffix: ".w", funct3: "010", bytes: 4 },
  { suffix: ".d", funct3: "011", bytes: 8 },
] as const;

function table(): string {
  const rows: string[] = [];
  for (const { suffix, funct3 } of SIZES) {
    rows.push(`00010 aqrl 00000 rs1 ${funct3} rd 0101111 lr${suffix}`);
    rows.push(`00011 aqrl rs2 rs1 ${funct3} rd 0101111 sc${suffix}`);
    for (const [name, funct5] of OPERATIONS) rows.push(`${funct5} aqrl rs2 rs1 ${funct3} rd 0101111 ${name}${suffix}`);
  }
  return rows.join("\n");
}

const ZERO = i32.const(0);

const load = (bytes: 4 | 8, at: I32): I64 => (bytes === 8 ? i64.load(at, BIAS) : i64.load32_s(at, BIAS));
function store(s: Sem, bytes: 4 | 8, at: I32, value: I64): void {
  s.f.exec(bytes === 8 ? i64.store(at, value, BIAS) : i64.store32(at, value, BIAS));
}

function loadReserved(bytes: 4 | 8): Definition {
  return (s) => {
    const address = s.x("rs1");
    s.aligned(address, bytes);
    const value = s.f.let(load(bytes, s.readable(address, bytes)));
    s.f.exec(i64.store(ZERO, address, CONTEXT_OFFSET + RESERVATION));
    s.f.exec(i64.store(ZERO, value, CONTEXT_OFFSET + RESERVED_VALUE));
    s.setX(value);
  };
}

function storeConditional(bytes: 4 | 8): Definition {
  return (s) => {
    const { f } = s;
    const address = s.x("rs1");
    const value = s.x("rs2");
    s.aligned(address, bytes);
    const failed = f.local("i32");
    f.set(failed, i32.const(1));
    f.if(i64.eq(address, i64.load(ZERO, CONTEXT_OFFSET + RESERVATION)), () => {
      const at = s.writable(address, bytes);
      const reserved = CONTEXT_OFFSET + RESERVED_VALUE;
      f.set(
        failed,
        bytes === 8
          ? i64.ne(i64.load(at, BIAS), i64.load(ZERO, reserved))
          : i32.ne(i32.load(at, BIAS), i32.load(ZERO, reserved)),
      );
      f.if(i32.eqz(failed), () => store(s, bytes, at, value));
    });
    f.exec(i64.store(ZERO, i64.const(NO_RESERVATION), CONTEXT_OFFSET + RESERVATION));
    s.setX(i64.extend_i32_u(failed));
  };
}

function modify(bytes: 4 | 8, operation: Operation): Definition {
  return (s) => {
    const { f } = s;
    const address = s.x("rs1");
    // The low half of rs2, as the sign-extended number that is found in memory: for comparisons.
    const value = bytes === 8 ? s.x("rs2") : f.let(i64.extend_i32_s(s.w("rs2")));
    s.aligned(address, bytes);
    const at = s.writable(address, bytes);
    const old = f.let(load(bytes, at));
    store(s, bytes, at, operation(old, value));
    s.setX(old);
  };
}

export const atomicsFamily: Family = {
  name: "atomics",
  table: table(),
  define: () => {
    const all: Record<string, Definition> = {};
    for (const { suffix, bytes } of SIZES) {
      all[`lr${suffix}`] = loadReserved(bytes);
      all[`sc${suffix}`] = storeConditional(bytes);
      for (const [name, , operation] of OPERATIONS) all[`${name}${suffix}`] = modify(bytes, operation);
    }
    return all;
  },
};
