/**
 * The FXSAVE image (Intel SDM vol. 1, table 10-2), with the upper halves of the ymm registers behind it, and our CPU
 * context, each from the other.
 */
import * as ctx from "../../src/cpu/isa/x86_64/context.ts";
import { FX_SIZE } from "./protocol.ts";

export const FX = { FCW: 0, FSW: 2, FTW: 4, MXCSR: 24, ST: 32, XMM: 160, HIGH: 512 } as const;

export function contextFromFx(context: DataView, fx: Uint8Array): void {
  const from = new DataView(fx.buffer, fx.byteOffset, fx.length);
  const top = (from.getUint16(FX.FSW, true) >>> 11) & 7;
  context.setUint32(ctx.MXCSR, from.getUint32(FX.MXCSR, true), true);
  context.setUint16(ctx.X87_CONTROL, from.getUint16(FX.FCW, true), true);
  context.setUint16(ctx.X87_STATUS, from.getUint16(FX.FSW, true) & ~0x3800, true);
  context.setUint32(ctx.X87_TOP, top, true);
  context.setUint32(ctx.X87_EMPTY, ~from.getUint8(FX.FTW) & 0xff, true);
  for (let i = 0; i < 8; i++) {
    const register = ctx.X87_REGS + ((top + i) & 7) * 16;
    context.setBigUint64(register, from.getBigUint64(FX.ST + i * 16, true), true);
    context.setBigUint64(register + 8, BigInt(from.getUint16(FX.ST + i * 16 + 8, true)), true);
  }
  for (let i = 0; i < 16; i++)
    for (const half of [0, 8]) {
      const register = ctx.YMM + i * ctx.YMM_SIZE + half;
      context.setBigUint64(register, from.getBigUint64(FX.XMM + i * 16 + half, true), true);
      context.setBigUint64(register + 16, from.getBigUint64(FX.HIGH + i * 16 + half, true), true);
    }
}

export function fxFromContext(context: DataView): Uint8Array {
  const fx = new Uint8Array(FX_SIZE);
  const to = new DataView(fx.buffer);
  const top = context.getUint32(ctx.X87_TOP, true) & 7;
  to.setUint16(FX.FCW, context.getUint16(ctx.X87_CONTROL, true), true);
  to.setUint16(FX.FSW, context.getUint16(ctx.X87_STATUS, true) | (top << 11), true);
  to.setUint8(FX.FTW, ~context.getUint32(ctx.X87_EMPTY, true) & 0xff);
  to.setUint32(FX.MXCSR, context.getUint32(ctx.MXCSR, true), true);
  for (let i = 0; i < 8; i++) {
    const register = ctx.X87_REGS + ((top + i) & 7) * 16;
    to.setBigUint64(FX.ST + i * 16, context.getBigUint64(register, true), true);
    to.setUint16(FX.ST + i * 16 + 8, context.getUint16(register + 8, true), true);
  }
  for (let i = 0; i < 16; i++)
    for (const half of [0, 8]) {
      const register = ctx.YMM + i * ctx.YMM_SIZE + half;
      to.setBigUint64(FX.XMM + i * 16 + half, context.getBigUint64(register, true), true);
      to.setBigUint64(FX.HIGH + i * 16 + half, context.getBigUint64(register + 16, true), true);
    }
  return fx;
}

/** The image after FNINIT and with MXCSR at its reset value: every register 0, x87 stack empty. */
export function resetFx(): Uint8Array {
  const fx = new Uint8Array(FX_SIZE);
  const view = new DataView(fx.buffer);
  view.setUint16(FX.FCW, 0x37f, true);
  view.setUint32(FX.MXCSR, 0x1f80, true);
  return fx;
}
