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

export const FXSAVE_SIZE = 512;

const ST = 32;
const XMM = 160;

/** Fills the image; its last 96 bytes, free for software, become 0. */
export function fxsave(context: DataView, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, FXSAVE_SIZE);
  image.fill(0, 0, FXSAVE_SIZE);
  const top = context.getUint32(X87_TOP, true);
  view.setUint16(0, context.getUint16(X87_CONTROL, true), true);
  view.setUint16(2, context.getUint16(X87_STATUS, true) | (top << 11), true);
  view.setUint8(4, ~context.getUint32(X87_EMPTY, true) & 0xff);
  view.setUint16(6, context.getUint16(X87_FOP, true), true);
  view.setBigUint64(8, context.getBigUint64(X87_FIP, true), true);
  view.setBigUint64(16, context.getBigUint64(X87_FDP, true), true);
  view.setUint32(24, context.getUint32(MXCSR, true), true);
  view.setUint32(28, MXCSR_MASK, true);
  for (let i = 0; i < 8; i++) {
    const from = X87_REGS + 16 * ((top + i) & 7);
    view.setBigUint64(ST + 16 * i, context.getBigUint64(from, true), true);
    view.setUint16(ST + 16 * i + 8, context.getUint16(from + 8, true), true);
  }
  for (let i = 0; i < 32; i++)
    view.setBigUint64(XMM + 8 * i, context.getBigUint64(YMM + YMM_SIZE * (i >> 1) + 8 * (i & 1), true), true);
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
  context.setBigUint64(X87_FIP, view.getBigUint64(8, true), true);
  context.setBigUint64(X87_FDP, view.getBigUint64(16, true), true);
  const mxcsr = view.getUint32(24, true) & MXCSR_MASK;
  context.setUint32(MXCSR, mxcsr, true);
  if ((mxcsr & MXCSR_CONTROL) !== RESET_MXCSR) context.setUint32(SSE_CAREFUL, 1, true);
  for (let i = 0; i < 8; i++) {
    const to = X87_REGS + 16 * ((top + i) & 7);
    context.setBigUint64(to, view.getBigUint64(ST + 16 * i, true), true);
    context.setUint16(to + 8, view.getUint16(ST + 16 * i + 8, true), true);
  }
  for (let i = 0; i < 32; i++)
    context.setBigUint64(YMM + YMM_SIZE * (i >> 1) + 8 * (i & 1), view.getBigUint64(XMM + 8 * i, true), true);
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
