/** The scalar types of generated programs, and constants of them. */
import type { Random } from "../insn/random.ts";

export interface Scalar {
  /** As in prelude.h. */
  readonly name: string;
  readonly kind: "int" | "float";
  readonly bits: number;
  readonly signed: boolean;
}

const int = (bits: number, signed: boolean): Scalar => ({
  name: `${signed ? "i" : "u"}${bits}`,
  kind: "int",
  bits,
  signed,
});

export const I32: Scalar = int(32, true);
export const U64: Scalar = int(64, false);
export const I64: Scalar = int(64, true);
export const F64: Scalar = { name: "f64", kind: "float", bits: 64, signed: true };
const F32: Scalar = { name: "f32", kind: "float", bits: 32, signed: true };
const F80: Scalar = { name: "f80", kind: "float", bits: 80, signed: true };

/** With the frequencies of ordinary programs, more or less. */
const INTEGERS: readonly Scalar[] = [
  int(8, true),
  int(8, false),
  int(8, false),
  int(16, true),
  int(16, false),
  I32,
  I32,
  I32,
  int(32, false),
  int(32, false),
  I64,
  I64,
  U64,
  U64,
  int(128, true),
  int(128, false),
];
/** Those that an array may be vectorised over. */
const ELEMENTS: readonly Scalar[] = [...INTEGERS.filter((t) => t.bits < 128), F32, F64, F32, F64];
const FLOATS: readonly Scalar[] = [F32, F64, F64, F64, F80];

export const integer = (random: Random): Scalar => random.pick(INTEGERS);
export const element = (random: Random): Scalar => random.pick(ELEMENTS);
export const floating = (random: Random): Scalar => random.pick(FLOATS);
export const scalar = (random: Random): Scalar => (random.oneIn(3) ? floating(random) : integer(random));

/** The statement that puts a value into the checksum. */
export function mixed(type: Scalar, value: string): string {
  if (type.kind === "float") return `mix_${type.name}(${value});`;
  return type.bits === 128 ? `mix_i128((u128)(${value}));` : `mix((u64)(${value}));`;
}

function integerLiteral(random: Random, type: Scalar): string {
  let value = random.integer();
  if (type.bits < 64) value = BigInt.asIntN(type.bits, value);
  const hex = (n: bigint): string => `0x${n.toString(16)}ull`;
  if (type.bits === 128 && random.oneIn(2)) return `(((${type.name})${hex(value)} << 64) | ${hex(random.u64())})`;
  if (value < 0n) return `(${type.name})-${hex(-value)}`;
  return value < 0x7fff_ffffn && random.oneIn(2) ? String(value) : `(${type.name})${hex(value)}`;
}

const FLOATS_OF_INTEREST: readonly string[] = [
  "0.0",
  "-0.0",
  "1.0",
  "-1.5",
  "0.1",
  "3.14159265358979323846",
  "1e10",
  "-1e-10",
  "4294967296.5",
  "-2147483648.5",
  "9.3e18",
  "1e300 * 1e10",
  "5e-324",
  "1.17549435e-38",
  "3.4028235e38",
  "0x1.fffffffffffffp-3",
  "0x1.000001p0",
  "123456.789",
];

function floatLiteral(random: Random, type: Scalar): string {
  const suffix = type.bits === 32 ? "f" : type.bits === 80 ? "L" : "";
  if (random.oneIn(2)) return `((${type.name})${random.pick(FLOATS_OF_INTEREST)})`;
  const digits = random.below(1_000_000) / 10 ** random.below(7);
  return `${random.oneIn(2) ? "-" : ""}${digits.toString()}${digits % 1 === 0 ? ".0" : ""}${suffix}`;
}

export function literal(random: Random, type: Scalar): string {
  return type.kind === "int" ? integerLiteral(random, type) : floatLiteral(random, type);
}
