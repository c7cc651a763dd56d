/**
 * Cases and outcomes of the instruction comparison, and how they travel to and from native/runner.c.
 *
 * Addresses are below 4 GiB and the same for every engine, so that an instruction computes the same thing everywhere.
 */

/** Code slots: one case each, far enough apart that a short branch out of one lands on int3. */
export const CODE = 0x10_0000;
export const CODE_SIZE = 0xe_0000;
export const SLOT_SIZE = 512;
/** Offset of the code in its slot. The last slot of a page has it at the end, so that it runs over the page's border. */
export const SLOT_CODE = 200;
export const SLOTS: number = CODE_SIZE / SLOT_SIZE;
/** Two pages that may be written, with nothing mapped before and after them. */
export const DATA = 0x20_0000;
export const DATA_SIZE = 0x2000;
/** A page that may only be read. */
export const READONLY = 0x30_0000;
export const READONLY_SIZE = 0x1000;
/** Constant segment bases, inside of the data region. */
export const FS_BASE: number = DATA + 0x700;
export const GS_BASE: number = DATA + 0x1500;

/** Flags that a case sets and that are compared: CF PF AF ZF SF DF OF. */
export const CASE_FLAGS = 0xcd5;
/** The FXSAVE image, and after it the upper halves of the 16 ymm registers. */
export const FX_SIZE = 768;
/** MXCSR at program start: all exceptions masked, round to nearest. */
export const RESET_MXCSR = 0x1f80;

/** x86 exception vectors (Intel SDM vol. 3, table 6-1), as the kernel reports them in a signal frame. */
export const Vector = { DE: 0, DB: 1, BP: 3, UD: 6, GP: 13, PF: 14, MF: 16, AC: 17, XM: 19 } as const;
/** Bits of a page fault's error code. */
export const PageFaultError = { Write: 2, Fetch: 16 } as const;

export interface Case {
  /** What is being tested, for people. */
  readonly name: string;
  readonly codeAddress: number;
  readonly code: Uint8Array;
  /** Offsets at which instructions begin. */
  readonly starts: readonly number[];
  readonly gpr: BigUint64Array;
  readonly rflags: number;
  /** x87 and vector state to start from (FX_SIZE bytes); without it the state is the reset one and is not compared. */
  readonly fx: Uint8Array | undefined;
  readonly windowOffset: number;
  readonly window: Uint8Array;
  /** Flags that the last instruction leaves undefined, hence not compared. */
  readonly undefinedFlags: number;
  /** x87 status word bits (C0..C3) that are left undefined. */
  readonly undefinedStatus: number;
  /** Which results are only approximations: float lanes of xmm registers (rcpps, rsqrtps) or x87 registers (fsin...). */
  readonly approximate: "" | "xmm" | "x87";
  /** What an instruction that faults may have done already on this CPU, hence not compared: see facts.ts. */
  readonly looseFault: readonly ("memory" | "x87" | "jump")[];
}

export interface Outcome {
  vector: number;
  error: number;
  cr2: bigint;
  gpr: BigUint64Array;
  rflags: number;
  rip: number;
  fx: Uint8Array | undefined;
  /** What changed in the data region. */
  dirtyStart: number;
  dirty: Uint8Array;
}

/** Something that executes cases: an engine of ours, or another emulator. */
export interface Subject {
  readonly name: string;
  run(c: Case): Outcome;
}

const CASE_HEAD = 160;
const RESULT_HEAD = 176;
const pad8 = (n: number): number => (n + 7) & ~7;

export function encodeCase(c: Case): Uint8Array {
  const length = CASE_HEAD + (c.fx ? FX_SIZE : 0) + pad8(c.code.length) + pad8(c.window.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, c.fx ? 1 : 0, true);
  view.setUint32(8, c.codeAddress, true);
  view.setUint16(12, c.code.length, true);
  view.setUint16(14, c.window.length, true);
  view.setUint32(16, c.windowOffset, true);
  bytes.set(new Uint8Array(c.gpr.buffer, c.gpr.byteOffset, 128), 24);
  view.setUint32(152, c.rflags, true);
  let at = CASE_HEAD;
  if (c.fx) {
    bytes.set(c.fx, at);
    at += FX_SIZE;
  }
  bytes.set(c.code, at);
  bytes.set(c.window, at + pad8(c.code.length));
  return bytes;
}

/** The length of the result record at `at`, or 0 if it is not complete yet. */
export function resultLength(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < 4) return 0;
  const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  return bytes.length - at < length ? 0 : length;
}

export function decodeResult(bytes: Uint8Array, at: number, hasFx: boolean): Outcome {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const gpr = new BigUint64Array(16);
  new Uint8Array(gpr.buffer).set(bytes.subarray(at + 24, at + 152));
  const dirtyLength = view.getUint32(172, true);
  const vector = view.getUint32(4, true);
  const rest = at + RESULT_HEAD + (hasFx ? FX_SIZE : 0);
  return {
    // A non-canonical address is #SS instead of #GP where it comes from rsp or rbp; the engines do not tell them apart.
    vector: vector === 12 ? Vector.GP : vector,
    error: view.getUint32(8, true),
    cr2: view.getBigUint64(16, true),
    gpr,
    rflags: view.getUint32(152, true),
    rip: view.getUint32(160, true),
    fx: hasFx ? new Uint8Array(bytes.subarray(at + RESULT_HEAD, at + RESULT_HEAD + FX_SIZE)) : undefined,
    dirtyStart: view.getUint32(168, true),
    dirty: new Uint8Array(bytes.subarray(rest, rest + dirtyLength)),
  };
}

/** The fixed contents of the data and the read-only region. */
export function regionPattern(): { data: Uint8Array; readonly: Uint8Array } {
  const all = new Uint8Array(DATA_SIZE + READONLY_SIZE);
  let x = 0x2545f491;
  for (let i = 0; i < all.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    all[i] = x >>> 24;
  }
  return { data: all.subarray(0, DATA_SIZE), readonly: all.subarray(DATA_SIZE) };
}
