/**
 * The 512 bytes of FXSAVE64 (Intel SDM vol. 1, table 10-2) from a context and back, for signal frames. The twin of the
 * instructions in x87-environment.ts. A context is a DataView that starts at it.
 */
import {
  MXCSR,
  SSE_CAREFUL,
  X87_CONTROL,
  X87_EMPTY,
  X87_FDP,
  X87_FIP,
  X87_FOP,
  X87_REGS,
  X87_STATUS,
  X87_TOP,
  YMM,
  YMM_SIZE,
} from "./context.ts";
import { BUSY, CONTROL_BITS, ES, MXCSR_CONTROL, MXCSR_MASK, RESET_MXCSR } from "./x87-state.ts";
import { COMPACTION_BV, STATE_BV, StatePart, XCR0, XSAVE_AVX, XSAVE_SIZE } from "./xsave-layout.ts";

export const FXSAVE_SIZE = 512;

const { X87, SSE, AVX } = StatePart;

const ST = 32;
const XMM = 160;

/** Moves 8 bytes as two words: values above 2^53 would be BigInts on the way. */
function copy64(from: DataView, at: number, to: DataView, toAt: number): void {
  to.setUint32(toAt, from.getUint32(at, true), true);
  to.setUint32(toAt + 4, from.getUint32(at + 4, true), true);
}

/** Fills the image; its last 96 bytes, free for software, become 0. */
export function fxsave(context: DataView, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, FXSAVE_SIZE);
  for (let at = XMM + 16 * 16; at < FXSAVE_SIZE; at += 4) view.setUint32(at, 0, true);
  const top = context.getUint32(X87_TOP, true);
  view.setUint16(0, context.getUint16(X87_CONTROL, true), true);
  view.setUint16(2, context.getUint16(X87_STATUS, true) | (top << 11), true);
  view.setUint16(4, ~context.getUint32(X87_EMPTY, true) & 0xff, true);
  view.setUint16(6, context.getUint16(X87_FOP, true), true);
  copy64(context, X87_FIP, view, 8);
  copy64(context, X87_FDP, view, 16);
  view.setUint32(24, context.getUint32(MXCSR, true), true);
  view.setUint32(28, MXCSR_MASK, true);
  for (let i = 0; i < 8; i++) {
    const from = X87_REGS + 16 * ((top + i) & 7);
    copy64(context, from, view, ST + 16 * i);
    view.setUint32(ST + 16 * i + 8, context.getUint16(from + 8, true), true);
    view.setUint32(ST + 16 * i + 12, 0, true);
  }
  for (let i = 0; i < 32; i++) copy64(context, YMM + YMM_SIZE * (i >> 1) + 8 * (i & 1), view, XMM + 8 * i);
}

/** Loads an image that a program may have changed: bits that must be 0 are taken as 0. */
export function fxrstor(context: DataView, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, FXSAVE_SIZE);
  const control = (view.getUint16(0, true) & CONTROL_BITS) | 0x40;
  const status = view.getUint16(2, true);
  const top = (status >> 11) & 7;
  const pending = (status & ~control & 0x3f) !== 0 ? ES | BUSY : 0;
  context.setUint16(X87_CONTROL, control, true);
  context.setUint16(X87_STATUS, (status & 0x477f) | pending, true);
  context.setUint32(X87_TOP, top, true);
  context.setUint32(X87_EMPTY, ~view.getUint8(4) & 0xff, true);
  context.setUint16(X87_FOP, view.getUint16(6, true) & 0x7ff, true);
  copy64(view, 8, context, X87_FIP);
  copy64(view, 16, context, X87_FDP);
  const mxcsr = view.getUint32(24, true) & MXCSR_MASK;
  context.setUint32(MXCSR, mxcsr, true);
  if ((mxcsr & MXCSR_CONTROL) !== RESET_MXCSR) context.setUint32(SSE_CAREFUL, 1, true);
  for (let i = 0; i < 8; i++) {
    const to = X87_REGS + 16 * ((top + i) & 7);
    copy64(view, ST + 16 * i, context, to);
    context.setUint16(to + 8, view.getUint16(ST + 16 * i + 8, true), true);
  }
  for (let i = 0; i < 32; i++) copy64(view, XMM + 8 * i, context, YMM + YMM_SIZE * (i >> 1) + 8 * (i & 1));
}

const upper = (i: number): number => YMM + YMM_SIZE * (i >> 1) + 16 + 8 * (i & 1);

/** Fills the image of XSAVE, the software's bytes and the rest of the header with 0. */
export function xsave(context: DataView, image: Uint8Array): void {
  fxsave(context, image);
  const view = new DataView(image.buffer, image.byteOffset, XSAVE_SIZE);
  for (let at = STATE_BV; at < XSAVE_AVX; at += 4) view.setUint32(at, 0, true);
  let inUse = 0;
  for (let i = 0; i < 32; i++) {
    copy64(context, upper(i), view, XSAVE_AVX + 8 * i);
    inUse |= context.getUint32(upper(i), true) | context.getUint32(upper(i) + 4, true);
  }
  view.setUint32(STATE_BV, inUse === 0 ? X87 | SSE : XCR0, true);
}

/**
 * Loads an image as XRSTOR does; parts that are not in `features` are reset.
 * @returns false for a header that XRSTOR refuses; the context is as it was
 */
export function xrstor(context: DataView, image: Uint8Array, features: number): boolean {
  const view = new DataView(image.buffer, image.byteOffset, XSAVE_SIZE);
  const present = view.getUint32(STATE_BV, true);
  let refused = (present & ~XCR0) | view.getUint32(STATE_BV + 4, true);
  for (let at = COMPACTION_BV; at < COMPACTION_BV + 16; at += 4) refused |= view.getUint32(at, true);
  if (refused !== 0 || (view.getUint32(24, true) & ~MXCSR_MASK) !== 0) return false;
  const load = present & features;
  const fpu = new Uint8Array(FXSAVE_SIZE);
  const parts = new DataView(fpu.buffer);
  // What is reset is loaded from an image that says so.
  parts.setUint16(0, 0x037f, true);
  for (let at = 0; at < FXSAVE_SIZE; at += 4) {
    const isX87 = at < 24 || (at >= ST && at < XMM);
    if ((load & (isX87 ? X87 : SSE)) !== 0) parts.setUint32(at, view.getUint32(at, true), true);
  }
  parts.setUint32(24, (features & (SSE | AVX)) !== 0 ? view.getUint32(24, true) : RESET_MXCSR, true);
  fxrstor(context, fpu);
  for (let i = 0; i < 32; i++)
    if ((load & AVX) !== 0) copy64(view, XSAVE_AVX + 8 * i, context, upper(i));
    else context.setBigUint64(upper(i), 0n, true);
  return true;
}

/** x87 and SSE as a program finds them at its start (SDM vol. 1, 8.1.3 and 10.2.3). */
export function resetFpu(context: DataView): void {
  // That the program looks at MXCSR stays true in a signal handler.
  const careful = context.getUint32(SSE_CAREFUL, true);
  for (let at = X87_CONTROL; at < YMM + 16 * YMM_SIZE; at += 4) context.setUint32(at, 0, true);
  context.setUint32(SSE_CAREFUL, careful, true);
  context.setUint32(MXCSR, RESET_MXCSR, true);
  context.setUint16(X87_CONTROL, 0x037f, true);
  context.setUint32(X87_EMPTY, 0xff, true);
}
