/**
 * Unicorn (QEMU 5.0.1) beside the real CPU: what of a case can be compared. The list of what QEMU does differently is that of
 * lockstep, isa/x86_64/comparable.ts; what only generated cases run into is said here, beside the code that leaves it out.
 */
import {
  ARITHMETIC,
  comparable,
  INCOMPARABLE,
  MMX,
  mayDemandAlignment,
  modifiesMemory,
  NO_TAGS,
  X87_CONDITION,
} from "../../src/cpu/isa/x86_64/comparable.ts";
import { differences } from "./compare.ts";
import { rowKey } from "./fingerprint.ts";
import { FX } from "./fx.ts";
import type { Generator } from "./generate.ts";
import type { Comparison } from "./harness.ts";
import { type Case, type Outcome, PageFaultError, Vector } from "./protocol.ts";

const MXCSR_FLAGS = 0x3f;
const CONDITION = 0x4500;
const TOP = 0x3800;
/** IE and SF: an invalid operand, an empty register or one that should be. */
const INVALID = 0x41;
const PRECISION = 0x300;
/** The bits of the x87's control word that are reserved. */
const RESERVED_CONTROL = 0xe0c0;
const CF = 1;
/** AF SF OF */
const FCOMI_FLAGS = 0x890;
const PAGE = 0x1000n;
const PREFIXES: ReadonlySet<number> = new Set([0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67]);
const ST_SIZE = 16;
/** With VEX prefixes, and no part of AVX, and nothing of them comparable. */
const BMI: ReadonlySet<string> = new Set(["pdep", "pext", "bzhi", "bextr"]);

export const QEMU: Comparison = { skips, differences: qemuDifferences };

/**
 * MXCSR as generated cases have it: QEMU raises no exceptions, so all are masked; and it takes
 * denormal numbers for zeros (DAZ, FTZ) in a part of the instructions only.
 */
export const QEMU_MXCSR_BITS = 0x603f;

/** Rows of which nothing is ever compared; says which. */
export function withoutUnknown(generator: Generator, print: (line: string) => void): ReadonlySet<string> {
  const samples = Array.from({ length: 12 }, (_, i) => i);
  const unknown = generator.rows.filter((row) => samples.every((i) => skips(generator.makeSingle(row, 1, i))));
  const plain = unknown.filter((row) => row.vex === undefined);
  const names = [...new Set(plain.map((row) => row.mnemonic))].sort();
  if (plain.length > 0) print(`not compared with Unicorn, ${plain.length} encodings: ${names.join(" ")}`);
  const vex = unknown.filter((row) => row.vex !== undefined).map((row) => row.mnemonic);
  const avx = vex.filter((name) => !BMI.has(name)).length;
  if (avx > 0) print(`not compared with Unicorn, which has no AVX: ${avx} encodings`);
  if (vex.length > avx) print(`not compared with Unicorn: ${vex.filter((name) => BMI.has(name)).join(" ")}`);
  return new Set(unknown.map(rowKey));
}

function skips(c: Case): boolean {
  return c.starts.some((at, i) => {
    const what = comparable(c.code, at);
    // Wrong flags that the rest of a sequence goes on with: LOCK NEG, BLSI.
    return what === INCOMPARABLE || (i < c.starts.length - 1 && (what & CF) === 0 && setsFlagsWrongly(c.code, at));
  });
}

function qemuDifferences(c: Case, expected: Outcome, actual: Outcome): string[] | undefined {
  const { code, starts } = c;
  const some = (is: (code: Uint8Array, at: number) => boolean): boolean => starts.some((at) => is(code, at));
  const what = comparable(code, starts.at(-1) as number);
  const unaligned = expected.vector === Vector.GP && some(mayDemandAlignment);
  if (unaligned && (actual.vector !== Vector.GP || actual.rip !== expected.rip)) return undefined;
  if (expected.fx !== undefined && actual.fx !== undefined && x87Differs(c, expected.fx, actual.fx)) return undefined;
  if (expected.vector !== Vector.BP && (actual.vector !== expected.vector || actual.rip !== expected.rip)) {
    // Without a byte to store it does not look at memory; of two operands that both fault QEMU takes the other first.
    if (some(isMaskmov) || some(isCompareStrings)) return undefined;
  }
  const adapted = { ...actual, fx: actual.fx?.slice() };
  let undefinedFlags = c.undefinedFlags;
  // FCOMI: see comparable.ts. What else is undefined the case knows better.
  if ((~what & ARITHMETIC) === FCOMI_FLAGS || (what & ARITHMETIC) === 0) undefinedFlags |= ~what & ARITHMETIC;
  if (c.name.endsWith("blsi")) undefinedFlags |= CF;
  if (expected.vector === Vector.PF && actual.vector === Vector.PF) {
    if (some(modifiesMemory))
      adapted.error = (actual.error & ~PageFaultError.Write) | (expected.error & PageFaultError.Write);
    if (some(storesInParts) || crossesPage(expected, actual)) {
      adapted.cr2 = sameFault(expected.cr2, actual.cr2) ? expected.cr2 : actual.cr2;
      adapted.dirty = expected.dirty;
      adapted.dirtyStart = expected.dirtyStart;
    }
    // A load across a page's border has its first half in the register already.
    if (some(mayDemandAlignment) && expected.fx !== undefined) adapted.fx = expected.fx.slice();
    if (some(isCompareStrings)) adapted.cr2 = expected.cr2;
  }
  // RCL and RCR set CF and OF before they store; SETcc leaves the flags unfinished.
  if (expected.vector !== Vector.BP && (some(rotatesThroughCarry) || some(isSetcc))) adapted.rflags = expected.rflags;
  // What CMPXCHG does with the upper half of rax where the lower one was equal.
  if (some(isCmpxchg) && ((expected.gpr[0] as bigint) ^ (actual.gpr[0] as bigint)) % (1n << 32n) === 0n) {
    adapted.gpr = actual.gpr.slice();
    adapted.gpr[0] = expected.gpr[0] as bigint;
  }
  if (expected.fx !== undefined && adapted.fx !== undefined) {
    adaptFx(what, expected.fx, adapted.fx);
    if (some(isFloatArithmetic)) adaptNans(expected.fx, adapted.fx);
  }
  return differences({ ...c, undefinedFlags }, expected, adapted);
}

function opcodeAt(code: Uint8Array, at: number): number {
  while (PREFIXES.has(code[at] as number) || ((code[at] as number) & 0xf0) === 0x40) at++;
  return at;
}

/** A store across a page's border: QEMU begins at the other end, and stores what it can. */
function crossesPage(expected: Outcome, actual: Outcome): boolean {
  const store = (expected.error & PageFaultError.Write) !== 0;
  return store && expected.cr2 % PAGE === 0n && actual.cr2 / PAGE === expected.cr2 / PAGE;
}

const sameFault = (a: bigint, b: bigint): boolean => BigInt.asUintN(64, b - a) < 16n;

/** FST, FIST, FBSTP; MASKMOV: more than one store, of which QEMU makes those that it can. */
function storesInParts(code: Uint8Array, start: number): boolean {
  const at = opcodeAt(code, start);
  const opcode = code[at] as number;
  return (opcode >= 0xd9 && opcode <= 0xdf) || isMaskmov(code, start);
}

function isMaskmov(code: Uint8Array, start: number): boolean {
  const at = opcodeAt(code, start);
  return code[at] === 0x0f && code[at + 1] === 0xf7;
}

function isCompareStrings(code: Uint8Array, start: number): boolean {
  return ((code[opcodeAt(code, start)] as number) & 0xfe) === 0xa6;
}

function isSetcc(code: Uint8Array, start: number): boolean {
  const at = opcodeAt(code, start);
  return code[at] === 0x0f && ((code[at + 1] as number) & 0xf0) === 0x90;
}

function isCmpxchg(code: Uint8Array, start: number): boolean {
  const at = opcodeAt(code, start);
  return code[at] === 0x0f && code[at + 1] === 0xb1;
}

function setsFlagsWrongly(code: Uint8Array, start: number): boolean {
  const opcode = code[opcodeAt(code, start)] as number;
  return opcode === 0xf6 || opcode === 0xf7 || opcode === 0xc4;
}

function rotatesThroughCarry(code: Uint8Array, start: number): boolean {
  const at = opcodeAt(code, start);
  const ext = ((code[at + 1] as number) >> 3) & 7;
  return [0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3].includes(code[at] as number) && (ext === 2 || ext === 3);
}

/** Of two NaNs QEMU takes the larger, as the x87 does, where SSE takes the first. */
function isFloatArithmetic(code: Uint8Array, start: number): boolean {
  const at = opcodeAt(code, start);
  if (code[at] !== 0x0f) return false;
  const opcode = code[at + 1] as number;
  return opcode === 0x51 || (opcode >= 0x58 && opcode <= 0x5f) || [0x7c, 0x7d, 0xd0].includes(opcode);
}

/** What the x87 does that QEMU's does not, by what came of it. */
function x87Differs(c: Case, expected: Uint8Array, actual: Uint8Array): boolean {
  const before = c.fx === undefined ? 0 : fsw(c.fx);
  // An invalid operation, of which QEMU takes no notice.
  if ((fsw(expected) & ~fsw(actual) & ~before & INVALID) !== 0) return true;
  // With a precision control of less than 64 bits denormal results are wrong.
  const control = new DataView(actual.buffer, actual.byteOffset).getUint16(FX.FCW, true);
  const exponent = new DataView(expected.buffer, expected.byteOffset).getUint16(FX.ST + 8, true) & 0x7fff;
  return (control & PRECISION) !== PRECISION && exponent === 0 && c.name.startsWith("f");
}

const fsw = (fx: Uint8Array): number => new DataView(fx.buffer, fx.byteOffset).getUint16(FX.FSW, true);

/** Takes over from what is expected what is not compared. */
function adaptFx(what: number, expected: Uint8Array, actual: Uint8Array): void {
  const e = new DataView(expected.buffer, expected.byteOffset);
  const a = new DataView(actual.buffer, actual.byteOffset);
  const word = (at: number, mask: number): void =>
    a.setUint16(at, (a.getUint16(at, true) & ~mask) | (e.getUint16(at, true) & mask), true);
  word(FX.MXCSR, MXCSR_FLAGS);
  word(FX.FCW, RESERVED_CONTROL);
  if ((what & NO_TAGS) !== 0) a.setUint8(FX.FTW, e.getUint8(FX.FTW));
  word(FX.FSW, 0xffff & ~((what & X87_CONDITION) !== 0 ? TOP | CONDITION : TOP));
  if ((what & MMX) === 0) return;
  // The image has the registers from the top of the stack on, which QEMU leaves where it was.
  const registers = actual.slice(FX.ST, FX.ST + 8 * ST_SIZE);
  const rotation = ((fsw(actual) & TOP) - (fsw(expected) & TOP)) >> 11;
  for (let i = 0; i < 8; i++) {
    const from = ((i - rotation) & 7) * ST_SIZE;
    actual.set(registers.subarray(from, from + ST_SIZE), FX.ST + i * ST_SIZE);
    a.setUint16(FX.ST + i * ST_SIZE + 8, e.getUint16(FX.ST + i * ST_SIZE + 8, true), true);
  }
  word(FX.FSW, TOP);
  a.setUint8(FX.FTW, e.getUint8(FX.FTW));
}

function adaptNans(expected: Uint8Array, actual: Uint8Array): void {
  const e = new DataView(expected.buffer, expected.byteOffset);
  const a = new DataView(actual.buffer, actual.byteOffset);
  for (let at = FX.XMM; at < FX.XMM + 256; at += 8)
    if (Number.isNaN(e.getFloat64(at, true)) && Number.isNaN(a.getFloat64(at, true)))
      a.setBigUint64(at, e.getBigUint64(at, true), true);
  for (let at = FX.XMM; at < FX.XMM + 256; at += 4)
    if (Number.isNaN(e.getFloat32(at, true)) && Number.isNaN(a.getFloat32(at, true)))
      a.setUint32(at, e.getUint32(at, true), true);
}
