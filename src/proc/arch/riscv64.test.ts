import { describe, expect, it } from "vitest";
import { EFAULT } from "../../abi/errno.ts";
import { PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { SEGV_MAPERR, SIGSEGV, SIGUSR1, SS_ONSTACK } from "../../abi/signal.ts";
import { registers } from "../../cpu/isa/riscv64/arch.ts";
import { VDSO_RT_SIGRETURN } from "../../loader/vdso-riscv64.ts";
import { AddressSpace } from "../../mm/address-space.ts";
import { MemoryPool } from "../../mm/memory-pool.ts";
import { SignalSet } from "../signal-state.ts";
import type { FrameRequest } from "./arch.ts";
import { riscv64Arch } from "./riscv64.ts";

const STACK = 0x70_0000;
const STACK_TOP: number = STACK + 0x4000;
const SP = STACK_TOP - 0x108;
const HANDLER = 0x40_1000;
const VDSO = 0x60_0000;
const arch = riscv64Arch(registers, { hwcap: 0x112d, extensions: 3n, cpuinfo: () => "" });

const x = (n: number): bigint => 0xff00_0000_0000_0000n + BigInt(n);
const f = (n: number): bigint => 0x3ff0_0000_0000_0000n + BigInt(n);

function machine(): { space: AddressSpace; context: DataView } {
  const space = new AddressSpace(new MemoryPool());
  space.mapAnonymous(STACK, STACK_TOP, PROT_READ | PROT_WRITE);
  space.vdso = VDSO;
  const { context } = space.memory;
  registers.reset(context);
  for (let n = 0; n < 32; n++) {
    registers.setGpr(context, n, x(n));
    registers.setFpr(context, n, f(n));
  }
  registers.writeFcsr(context, 0x75);
  registers.setSp(context, SP);
  registers.setPc(context, 0x40_0123);
  return { space, context };
}

function request(change: Partial<FrameRequest> = {}): FrameRequest {
  return {
    info: { signal: SIGSEGV, code: SEGV_MAPERR, address: 0x1234 },
    action: { handler: HANDLER, flags: 0, restorer: 0, mask: new SignalSet() },
    mask: SignalSet.of(SIGUSR1, 64),
    altStack: { sp: STACK, size: 0x1000, flags: 0 },
    stackTop: SP,
    onCurrentStack: true,
    fault: { address: 0x1234, trap: 0, error: 0 },
    ...change,
  };
}

describe("signal frame", () => {
  it("has everything where ucontext.h says", () => {
    const { space, context } = machine();
    arch.pushSignalFrame(space, context, request());
    const frame = registers.getSp(context);
    expect(frame % 16).toBe(0);
    expect(frame).toBe(Math.floor((SP - 1088) / 16) * 16);
    const gpr = (n: number): number => Number(registers.getGpr(context, n));
    expect([gpr(10), gpr(11), gpr(12)]).toEqual([SIGSEGV, frame, frame + 128]);
    expect(gpr(1)).toBe(VDSO + VDSO_RT_SIGRETURN);
    expect(registers.getPc(context)).toBe(HANDLER);
    expect([space.readI32(frame), space.readI32(frame + 8), space.readU64(frame + 16)]).toEqual([SIGSEGV, 1, 0x1234n]);
    const uc = frame + 128;
    expect([space.readU64(uc + 16), space.readU32(uc + 24), space.readU64(uc + 32)]).toEqual([
      BigInt(STACK),
      0,
      0x1000n,
    ]);
    expect(space.readU64(uc + 40)).toBe((1n << BigInt(SIGUSR1 - 1)) | (1n << 63n));
    expect(space.readU64(frame + arch.signalMaskOffset)).toBe(space.readU64(uc + 40));
    const mcontext = uc + 176;
    expect(space.readU64(mcontext)).toBe(0x40_0123n);
    expect([1, 2, 10, 31].map((n) => space.readU64(mcontext + 8 * n))).toEqual([x(1), BigInt(SP), x(10), x(31)]);
    expect([0, 31].map((n) => space.readU64(mcontext + 256 + 8 * n))).toEqual([f(0), f(31)]);
    expect(space.readU32(mcontext + 512)).toBe(0x75);
  });

  it("comes back exactly, with what the handler has changed in it", () => {
    const { space, context } = machine();
    const bytes = (): number[] => [...new Uint8Array(context.buffer, context.byteOffset, registers.contextSize)];
    const before = bytes();
    arch.pushSignalFrame(space, context, request());
    const frame = registers.getSp(context);
    for (let n = 1; n < 32; n++) {
      if (n !== 2) registers.setGpr(context, n, 0n);
      registers.setFpr(context, n, 0n);
    }
    registers.writeFcsr(context, 0x60);
    const { mask, altStack } = arch.popSignalFrame(space, context);
    expect(bytes()).toEqual(before);
    expect(mask.equals(SignalSet.of(SIGUSR1, 64))).toBe(true);
    expect(altStack).toEqual({ sp: STACK, size: 0x1000, flags: 0 });
    registers.setSp(context, frame);
    space.writeU64(frame + 128 + 176 + 8 * 10, 77n);
    arch.popSignalFrame(space, context);
    expect(registers.getGpr(context, 10)).toBe(77n);
  });

  it("has the vector registers if they were used, and a pointer to them that may be changed", () => {
    const { space, context } = machine();
    const state = { vl: 3, vtype: 0xd1, vstart: 1, vcsr: 5, registers: Uint8Array.from({ length: 512 }, (_, i) => i) };
    registers.setVectors(context, state);
    arch.pushSignalFrame(space, context, request());
    const frame = registers.getSp(context);
    expect(frame).toBe(Math.floor((SP - 1664) / 16) * 16);
    const header = frame + 1080;
    expect([space.readU32(header), space.readU32(header + 4)]).toEqual([0x5346_5457, 568]);
    const fields = [0, 1, 2, 3, 4, 5].map((n) => space.readU64(header + 8 + 8 * n));
    expect(fields).toEqual([1n, 3n, 0xd1n, 5n, 16n, BigInt(header + 56)]);
    expect([...space.copyIn(header + 56, 512)]).toEqual([...state.registers]);
    expect(space.readU64(header + 568)).toBe(0n);
    // The handler has them, until it makes a call: then they are gone, as after a call of the program's.
    expect(registers.getVectors(context)).toEqual(state);
    registers.forget(context);
    expect(registers.getVectors(context)).toMatchObject({ vl: 0, vtype: -1, vstart: 0, vcsr: 5 });
    expect(registers.getVectors(context).registers.every((byte) => byte === 0xff)).toBe(true);
    space.writeU64(header + 8 + 16, 1n << 63n);
    space.writeU64(header + 8 + 40, BigInt(header + 72));
    arch.popSignalFrame(space, context);
    expect(registers.getVectors(context)).toMatchObject({ vl: 0, vtype: -1, vstart: 1, vcsr: 5 });
    expect(registers.getVectors(context).registers[0]).toBe(16);
  });

  it("of vectors is refused where they are not used, or of another size", () => {
    const { space, context } = machine();
    const state = { vl: 0, vtype: 0, vstart: 0, vcsr: 0, registers: new Uint8Array(512) };
    registers.setVectors(context, state);
    arch.pushSignalFrame(space, context, request());
    const frame = registers.getSp(context);
    const refused = expect.objectContaining({ code: EFAULT });
    space.writeU32(frame + 1084, 560);
    expect(() => arch.popSignalFrame(space, context)).toThrow(refused);
    space.writeU32(frame + 1084, 568);
    registers.startChild(context);
    expect(() => arch.popSignalFrame(space, context)).toThrow(refused);
  });

  it("is refused with the state of an extension that is not there, and where there is no stack", () => {
    const { space, context } = machine();
    arch.pushSignalFrame(space, context, request());
    const frame = registers.getSp(context);
    for (const at of [516, 520, 524]) {
      space.writeU32(frame + 128 + 176 + 256 + at, 0x5346_5457);
      expect(() => arch.popSignalFrame(space, context)).toThrow(expect.objectContaining({ code: EFAULT }));
      space.writeU32(frame + 128 + 176 + 256 + at, 0);
    }
    const refused = expect.objectContaining({ code: EFAULT });
    expect(() => arch.pushSignalFrame(space, context, request({ stackTop: STACK + 1000 }))).toThrow(refused);
    const full = { altStack: { sp: STACK + 0x800, size: 0x800, flags: SS_ONSTACK }, stackTop: STACK + 0xb00 };
    expect(() => arch.pushSignalFrame(space, context, request(full))).toThrow(refused);
  });
});

it("shows a debugger its registers, and takes them back", () => {
  const { context } = machine();
  const debug = arch.debug as NonNullable<typeof arch.debug>;
  const general = new DataView(debug.getGeneral(context, -1).buffer);
  expect([0, 1, 31].map((i) => general.getBigUint64(8 * i, true))).toEqual([0x40_0123n, x(1), x(31)]);
  const floating = new DataView(debug.getFloating(context).buffer);
  expect([floating.getBigUint64(8, true), floating.getUint32(256, true)]).toEqual([f(1), 0x75]);
  general.setBigUint64(8 * 17, 64n, true);
  expect(debug.setGeneral(context, new Uint8Array(general.buffer), 63)).toBe(64);
  expect(debug.setGeneral(context, new Uint8Array(8), -1)).toBe(-1);
  expect([registers.getPc(context), registers.getGpr(context, 31)]).toEqual([0, x(31)]);
  floating.setBigUint64(0, 5n, true);
  debug.setFloating(context, new Uint8Array(floating.buffer));
  expect([registers.getFpr(context, 0), registers.readFcsr(context)]).toEqual([5n, 0x75]);
});

it("makes a call again with its first argument, which the result has overwritten", () => {
  const { context } = machine();
  registers.setSyscallResult(context, -512);
  arch.rewindSyscall(context, 128, 0x89ab_cdef, 0xffff_ffff);
  expect(registers.getPc(context)).toBe(0x40_0123 - 4);
  expect(registers.syscallNumber(context)).toBe(128);
  expect(registers.getGpr(context, 10)).toBe(0xffff_ffff_89ab_cdefn);
});

it("answers riscv_hwprobe for the keys that Linux knows", () => {
  const values = [0, 1, 2, 3, 4, 5, 6, -1].map((key) => arch.probe?.(key));
  expect(values).toEqual([0n, 0n, 0n, 1n, 3n, 3n, undefined, undefined]);
});
