/**
 * The instructions of WebAssembly: names, immediates, and how many values each takes and leaves (WebAssembly core
 * specification 2.0, "Index of Instructions"; with tail calls, threads and relaxed SIMD).
 */

/** What follows an opcode. `memarg` is alignment and offset; `zero` and `zeros` are reserved bytes. */
export type Immediate =
  | ""
  | "block"
  | "label"
  | "labels"
  | "function"
  | "signature"
  | "types"
  | "local"
  | "global"
  | "table"
  | "heap"
  | "memarg"
  | "memarg lane"
  | "lane"
  | "lanes"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "v128"
  | "zero"
  | "zeros";

export interface Opcode {
  readonly name: string;
  readonly immediate: Immediate;
  /** Operands taken and results left; of calls, branches and blocks they depend on types. */
  readonly pops: number;
  readonly pushes: number;
  /** log2 of the natural alignment, where there is a memarg. */
  readonly alignment: number;
}

/** Opcodes with the prefix fc, fd and fe have these added to the number that follows it. */
export const PREFIXES: Readonly<Record<number, number>> = { 252: 0x1_0000, 253: 0x2_0000, 254: 0x3_0000 };
const FC = 0x1_0000;
const FD = 0x2_0000;
const FE = 0x3_0000;

/** First opcode; names; "pops pushes immediate". A `-` is a number that stands for nothing. */
type Group = readonly [first: number, names: string, shape: string];

const lanesCompared = (shape: string): string =>
  ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"].map((op) => `${shape}.${op}`).join(" ");
const floatsCompared = (shape: string): string =>
  ["eq", "ne", "lt", "gt", "le", "ge"].map((op) => `${shape}.${op}`).join(" ");

const GROUPS: readonly Group[] = [
  [0x00, "unreachable nop", "0 0"],
  [0x02, "block loop", "0 0 block"],
  [0x04, "if", "1 0 block"],
  [0x0c, "br", "0 0 label"],
  [0x0d, "br_if", "1 0 label"],
  [0x0e, "br_table", "1 0 labels"],
  [0x0f, "return", "0 0"],
  [0x10, "call - return_call", "0 0 function"],
  [0x11, "call_indirect - return_call_indirect", "1 0 signature"],
  [0x1a, "drop", "1 0"],
  [0x1b, "select", "3 1"],
  [0x1c, "select", "3 1 types"],
  [0x20, "local.get", "0 1 local"],
  [0x21, "local.set", "1 0 local"],
  [0x22, "local.tee", "1 1 local"],
  [0x23, "global.get", "0 1 global"],
  [0x24, "global.set", "1 0 global"],
  [0x25, "table.get", "1 1 table"],
  [0x26, "table.set", "2 0 table"],
  [0x28, "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u", "1 1 memarg"],
  [0x30, "i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u", "1 1 memarg"],
  [0x36, "i32.store i64.store f32.store f64.store i32.store8 i32.store16", "2 0 memarg"],
  [0x3c, "i64.store8 i64.store16 i64.store32", "2 0 memarg"],
  [0x3f, "memory.size", "0 1 zero"],
  [0x40, "memory.grow", "1 1 zero"],
  [0x41, "i32.const", "0 1 i32"],
  [0x42, "i64.const", "0 1 i64"],
  [0x43, "f32.const", "0 1 f32"],
  [0x44, "f64.const", "0 1 f64"],
  [0x45, "i32.eqz", "1 1"],
  [0x46, lanesCompared("i32"), "2 1"],
  [0x50, "i64.eqz", "1 1"],
  [0x51, lanesCompared("i64"), "2 1"],
  [0x5b, `${floatsCompared("f32")} ${floatsCompared("f64")}`, "2 1"],
  [0x67, "i32.clz i32.ctz i32.popcnt", "1 1"],
  [0x6a, "i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor", "2 1"],
  [0x74, "i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr", "2 1"],
  [0x79, "i64.clz i64.ctz i64.popcnt", "1 1"],
  [0x7c, "i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor", "2 1"],
  [0x86, "i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr", "2 1"],
  [0x8b, "f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt", "1 1"],
  [0x92, "f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign", "2 1"],
  [0x99, "f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt", "1 1"],
  [0xa0, "f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign", "2 1"],
  [0xa7, "i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u", "1 1"],
  [0xac, "i64.extend_i32_s i64.extend_i32_u", "1 1"],
  [0xae, "i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u", "1 1"],
  [0xb2, "f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64", "1 1"],
  [0xb7, "f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32", "1 1"],
  [0xbc, "i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64", "1 1"],
  [0xc0, "i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s", "1 1"],
  [0xd0, "ref.null", "0 1 heap"],
  [0xd1, "ref.is_null", "1 1"],
  [0xd2, "ref.func", "0 1 function"],

  [FC + 0, "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u", "1 1"],
  [FC + 4, "i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u", "1 1"],
  [FC + 10, "memory.copy", "3 0 zeros"],
  [FC + 11, "memory.fill", "3 0 zero"],

  [FD + 0x00, "v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u", "1 1 memarg"],
  [FD + 0x05, "v128.load32x2_s v128.load32x2_u v128.load8_splat v128.load16_splat", "1 1 memarg"],
  [FD + 0x09, "v128.load32_splat v128.load64_splat", "1 1 memarg"],
  [FD + 0x0b, "v128.store", "2 0 memarg"],
  [FD + 0x0c, "v128.const", "0 1 v128"],
  [FD + 0x0d, "i8x16.shuffle", "2 1 lanes"],
  [FD + 0x0e, "i8x16.swizzle", "2 1"],
  [FD + 0x0f, "i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat", "1 1"],
  [FD + 0x15, "i8x16.extract_lane_s i8x16.extract_lane_u", "1 1 lane"],
  [FD + 0x17, "i8x16.replace_lane", "2 1 lane"],
  [FD + 0x18, "i16x8.extract_lane_s i16x8.extract_lane_u", "1 1 lane"],
  [FD + 0x1a, "i16x8.replace_lane", "2 1 lane"],
  [FD + 0x1b, "i32x4.extract_lane - i64x2.extract_lane - f32x4.extract_lane - f64x2.extract_lane", "1 1 lane"],
  [FD + 0x1c, "i32x4.replace_lane - i64x2.replace_lane - f32x4.replace_lane - f64x2.replace_lane", "2 1 lane"],
  [FD + 0x23, `${lanesCompared("i8x16")} ${lanesCompared("i16x8")} ${lanesCompared("i32x4")}`, "2 1"],
  [FD + 0x41, `${floatsCompared("f32x4")} ${floatsCompared("f64x2")}`, "2 1"],
  [FD + 0x4d, "v128.not", "1 1"],
  [FD + 0x4e, "v128.and v128.andnot v128.or v128.xor", "2 1"],
  [FD + 0x52, "v128.bitselect", "3 1"],
  [FD + 0x53, "v128.any_true", "1 1"],
  [FD + 0x54, "v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane", "2 1 memarg lane"],
  [FD + 0x58, "v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane", "2 0 memarg lane"],
  [FD + 0x5c, "v128.load32_zero v128.load64_zero", "1 1 memarg"],
  [FD + 0x5e, "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4", "1 1"],
  [FD + 0x60, "i8x16.abs i8x16.neg i8x16.popcnt i8x16.all_true i8x16.bitmask", "1 1"],
  [FD + 0x65, "i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u", "2 1"],
  [FD + 0x67, "f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest", "1 1"],
  [FD + 0x6b, "i8x16.shl i8x16.shr_s i8x16.shr_u i8x16.add i8x16.add_sat_s i8x16.add_sat_u", "2 1"],
  [FD + 0x71, "i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u", "2 1"],
  [FD + 0x74, "f64x2.ceil f64x2.floor", "1 1"],
  [FD + 0x76, "i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u", "2 1"],
  [FD + 0x7a, "f64x2.trunc", "1 1"],
  [FD + 0x7b, "i8x16.avgr_u", "2 1"],
  [FD + 0x7c, "i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u", "1 1"],
  [FD + 0x7e, "i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u", "1 1"],
  [FD + 0x80, "i16x8.abs i16x8.neg - i16x8.all_true i16x8.bitmask", "1 1"],
  [FD + 0x82, "i16x8.q15mulr_sat_s", "2 1"],
  [FD + 0x85, "i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u", "2 1"],
  [FD + 0x87, "i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s", "1 1"],
  [FD + 0x89, "i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u", "1 1"],
  [FD + 0x8b, "i16x8.shl i16x8.shr_s i16x8.shr_u i16x8.add i16x8.add_sat_s i16x8.add_sat_u", "2 1"],
  [FD + 0x91, "i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u", "2 1"],
  [FD + 0x94, "f64x2.nearest", "1 1"],
  [FD + 0x95, "i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u - i16x8.avgr_u", "2 1"],
  [FD + 0x9c, "i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s", "2 1"],
  [FD + 0x9e, "i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u", "2 1"],
  [FD + 0xa0, "i32x4.abs i32x4.neg - i32x4.all_true i32x4.bitmask", "1 1"],
  [FD + 0xa7, "i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s", "1 1"],
  [FD + 0xa9, "i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u", "1 1"],
  [FD + 0xab, "i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add - - i32x4.sub - - - i32x4.mul", "2 1"],
  [FD + 0xb6, "i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s", "2 1"],
  [FD + 0xbc, "i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s", "2 1"],
  [FD + 0xbe, "i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u", "2 1"],
  [FD + 0xc0, "i64x2.abs i64x2.neg - i64x2.all_true i64x2.bitmask", "1 1"],
  [FD + 0xc7, "i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s", "1 1"],
  [FD + 0xc9, "i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u", "1 1"],
  [FD + 0xcb, "i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add - - i64x2.sub - - - i64x2.mul", "2 1"],
  [FD + 0xd6, "i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s", "2 1"],
  [FD + 0xdc, "i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s", "2 1"],
  [FD + 0xde, "i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u", "2 1"],
  [FD + 0xe0, "f32x4.abs f32x4.neg - f32x4.sqrt", "1 1"],
  [FD + 0xe4, "f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax", "2 1"],
  [FD + 0xec, "f64x2.abs f64x2.neg - f64x2.sqrt", "1 1"],
  [FD + 0xf0, "f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax", "2 1"],
  [FD + 0xf8, "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u", "1 1"],
  [FD + 0xfa, "f32x4.convert_i32x4_s f32x4.convert_i32x4_u", "1 1"],
  [FD + 0xfc, "i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero", "1 1"],
  [FD + 0xfe, "f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u", "1 1"],
  [FD + 0x100, "i8x16.relaxed_swizzle", "2 1"],
  [FD + 0x101, "i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u", "1 1"],
  [FD + 0x103, "i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero", "1 1"],
  [FD + 0x105, "f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd", "3 1"],
  [FD + 0x109, "i8x16.relaxed_laneselect i16x8.relaxed_laneselect", "3 1"],
  [FD + 0x10b, "i32x4.relaxed_laneselect i64x2.relaxed_laneselect", "3 1"],
  [FD + 0x10d, "f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max", "2 1"],
  [FD + 0x111, "i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s", "2 1"],
  [FD + 0x113, "i32x4.relaxed_dot_i8x16_i7x16_add_s", "3 1"],

  [FE + 0x00, "memory.atomic.notify", "2 1 memarg"],
  [FE + 0x01, "memory.atomic.wait32 memory.atomic.wait64", "3 1 memarg"],
  [FE + 0x03, "atomic.fence", "0 0 zero"],
  [FE + 0x10, "i32.atomic.load i64.atomic.load i32.atomic.load8_u i32.atomic.load16_u", "1 1 memarg"],
  [FE + 0x14, "i64.atomic.load8_u i64.atomic.load16_u i64.atomic.load32_u", "1 1 memarg"],
  [FE + 0x17, "i32.atomic.store i64.atomic.store i32.atomic.store8 i32.atomic.store16", "2 0 memarg"],
  [FE + 0x1b, "i64.atomic.store8 i64.atomic.store16 i64.atomic.store32", "2 0 memarg"],
  ...["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"].map(
    (op, i): Group => [
      FE + 0x1e + 7 * i,
      `i32.atomic.rmw.${op} i64.atomic.rmw.${op} i32.atomic.rmw8.${op}_u i32.atomic.rmw16.${op}_u ` +
        `i64.atomic.rmw8.${op}_u i64.atomic.rmw16.${op}_u i64.atomic.rmw32.${op}_u`,
      `${op === "cmpxchg" ? 3 : 2} 1 memarg`,
    ],
  ),
  [FD + 0x105, "f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd", "3 1"],
];

/** log2 of the bytes that an instruction with a memarg accesses, by its name. */
function naturalAlignment(name: string): number {
  const [type = "", rest = ""] = [name.split(".")[0], name.slice(name.indexOf(".") + 1)];
  if (/wait64/.test(rest)) return 3;
  if (/notify|wait32/.test(rest)) return 2;
  // v128.load8x8_s and the like read 8 bytes.
  if (/^load\d+x\d/.test(rest)) return 3;
  const width = /(?:load|store|rmw)(8|16|32|64)/.exec(rest)?.[1];
  if (width !== undefined) return Math.log2(Number(width) / 8);
  return type === "v128" ? 4 : Math.log2(Number(type.slice(1)) / 8);
}

function expand([first, names, shape]: Group): [number, Opcode][] {
  const [pops, pushes, ...immediate] = shape.split(" ");
  return names
    .split(" ")
    .map((name, i): [number, Opcode] => {
      const kind = immediate.join(" ") as Immediate;
      const alignment = kind.startsWith("memarg") ? naturalAlignment(name) : 0;
      return [first + i, { name, immediate: kind, pops: Number(pops), pushes: Number(pushes), alignment }];
    })
    .filter(([, opcode]) => opcode.name !== "-");
}

/** By opcode; those with a prefix have PREFIXES added. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map(GROUPS.flatMap(expand));
