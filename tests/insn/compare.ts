/** Compares what a subject did with what the real CPU did, and says the differences in words. */
import { GPR_NAMES } from "../../src/cpu/isa/x86_64/context.ts";
import { FX } from "./fx.ts";
import { CASE_FLAGS, type Case, DATA, type Outcome, RESET_MXCSR, Vector } from "./protocol.ts";

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [0x001, "CF"],
  [0x004, "PF"],
  [0x010, "AF"],
  [0x040, "ZF"],
  [0x080, "SF"],
  [0x400, "DF"],
  [0x800, "OF"],
];
/** The engines keep MXCSR's exception flags from the time on that the program has loaded MXCSR. */
const MXCSR_FLAGS = 0x3f;
/** The x87 status word without the busy bit, which mirrors the error summary. */
const FSW_COMPARED = 0x7fff;

export function flagNames(flags: number): string {
  return (
    FLAG_NAMES.filter(([bit]) => flags & bit)
      .map(([, name]) => name)
      .join(" ") || "-"
  );
}

const hex = (n: bigint | number, digits = 0): string => `0x${n.toString(16).padStart(digits, "0")}`;

function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** Differences as lines "what: expected X, got Y"; empty if there are none. */
export function differences(c: Case, expected: Outcome, actual: Outcome): string[] {
  const found: string[] = [];
  const differ = (what: string, e: string, a: string) => found.push(`${what}: expected ${e}, got ${a}`);
  const faulted = expected.vector !== Vector.BP && expected.vector === actual.vector;
  const memoryFault = (vector: number) => vector === Vector.PF || vector === Vector.GP;
  // Which of two possible faults comes first, and whether a bad jump is one of its instruction or of its target.
  if (memoryFault(expected.vector) && memoryFault(actual.vector)) {
    if (c.looseFault.includes("memory")) return found;
    if (c.looseFault.includes("jump") && (expected.vector === Vector.GP || actual.vector === Vector.GP)) return found;
  }
  if (expected.vector !== actual.vector) differ("trap vector", String(expected.vector), String(actual.vector));
  if (expected.rip !== actual.rip) differ("rip", hex(expected.rip), hex(actual.rip));
  if (expected.vector === Vector.PF && actual.vector === Vector.PF) {
    // si_addr travels as a JavaScript number, so it may be rounded above 2^53.
    const precise = !c.looseFault.includes("memory");
    if (precise && Number(expected.cr2) !== Number(actual.cr2))
      differ("fault address", hex(expected.cr2), hex(actual.cr2));
    const kind = 2 | 16;
    if (precise && (expected.error & kind) !== (actual.error & kind))
      differ("fault kind", hex(expected.error & kind), hex(actual.error & kind));
  }
  for (let i = 0; i < 16; i++) {
    const e = expected.gpr[i] as bigint;
    const a = actual.gpr[i] as bigint;
    if (e !== a) differ(GPR_NAMES[i] as string, hex(e, 16), hex(a, 16));
  }
  // A fault leaves the flags as they were, so none of them is undefined then.
  const mask = expected.vector === Vector.BP ? CASE_FLAGS & ~c.undefinedFlags : CASE_FLAGS;
  if ((expected.rflags ^ actual.rflags) & mask)
    differ("flags", flagNames(expected.rflags & mask), flagNames(actual.rflags & mask));
  const memory = !(faulted && c.looseFault.includes("memory"));
  if (memory && (expected.dirtyStart !== actual.dirtyStart || !sameBytes(expected.dirty, actual.dirty))) {
    const show = (o: Outcome) =>
      o.dirty.length === 0 ? "unchanged" : `${hex(DATA + o.dirtyStart)}: ${hexBytes(o.dirty.subarray(0, 64))}`;
    differ("memory", show(expected), show(actual));
  }
  if (expected.fx && actual.fx && !(faulted && c.looseFault.includes("x87")))
    compareFx(c, expected.fx, actual.fx, differ);
  return found;
}

function compareFx(
  c: Case,
  expected: Uint8Array,
  actual: Uint8Array,
  differ: (what: string, e: string, a: string) => void,
): void {
  const e = new DataView(expected.buffer, expected.byteOffset);
  const a = new DataView(actual.buffer, actual.byteOffset);
  const word = (what: string, at: number, mask: number) => {
    const x = e.getUint16(at, true) & mask;
    const y = a.getUint16(at, true) & mask;
    if (x !== y) differ(what, hex(x, 4), hex(y, 4));
  };
  const before = c.fx === undefined ? RESET_MXCSR : new DataView(c.fx.buffer).getUint16(FX.MXCSR, true);
  word("mxcsr", FX.MXCSR, before === RESET_MXCSR ? ~MXCSR_FLAGS : 0xffff);
  word("x87 control", FX.FCW, 0xffff);
  word("x87 status", FX.FSW, FSW_COMPARED & ~c.undefinedStatus);
  word("x87 tags", FX.FTW, 0xff);
  const registers = (name: string, count: number, start: number, length: number, close: (at: number) => boolean) => {
    for (let i = 0; i < count; i++) {
      const at = start + i * 16;
      if (same(expected, actual, at, length) || close(at)) continue;
      const show = (image: Uint8Array) => hexBytes(image.slice(at, at + length).reverse());
      differ(name + i, show(expected), show(actual));
    }
  };
  registers("st", 8, FX.ST, 10, (at) => c.approximate === "x87" && closeExtended(e, a, at));
  const close = (at: number): boolean => c.approximate === "xmm" && closeFloats(e, a, at);
  registers("xmm", 16, FX.XMM, 16, close);
  registers("upper half of ymm", 16, FX.HIGH, 16, close);
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && same(a, b, 0, a.length);

function same(a: Uint8Array, b: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** rcpps and rsqrtps: relative error at most 1.5 * 2^-12 (Intel SDM), on either side. */
function closeFloats(e: DataView, a: DataView, at: number): boolean {
  for (let i = at; i < at + 16; i += 4) {
    const x = e.getFloat32(i, true);
    const y = a.getFloat32(i, true);
    if (e.getUint32(i, true) === a.getUint32(i, true)) continue;
    if (!(Math.abs(x - y) <= Math.abs(x) * (3 / 4096))) return false;
  }
  return true;
}

/** Numbers of one sign in order, the next number being 1 more. */
function ordinal(view: DataView, at: number): bigint {
  const fraction = view.getBigUint64(at, true) & 0x7fff_ffff_ffff_ffffn;
  return (BigInt(view.getUint16(at + 8, true)) << 63n) | fraction;
}

/** x87 transcendentals: within 2 units of the last place of each other, so each within 1 of the truth. */
function closeExtended(e: DataView, a: DataView, at: number): boolean {
  const d = ordinal(e, at) - ordinal(a, at);
  return d >= -2n && d <= 2n;
}
