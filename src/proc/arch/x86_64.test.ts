import { describe, expect, it } from "vitest";
import { EFAULT } from "../../abi/errno.ts";
import { PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { SA_RESTORER, SA_SIGINFO, SEGV_MAPERR, SIGSEGV, SIGUSR1 } from "../../abi/signal.ts";
import { registers } from "../../cpu/isa/x86_64/arch.ts";
import { YMM, YMM_SIZE } from "../../cpu/isa/x86_64/context.ts";
import { AddressSpace } from "../../mm/address-space.ts";
import { MemoryPool } from "../../mm/memory-pool.ts";
import { type SignalInfo, SignalSet } from "../signal-state.ts";
import type { FrameRequest } from "./arch.ts";
import { x86_64Arch } from "./x86_64.ts";

const STACK = 0x70_0000;
const STACK_TOP: number = STACK + 0x4000;
const HANDLER = 0x40_1000;
const RESTORER = 0x40_2000;
const arch = x86_64Arch(registers, { hwcap: 0, hwcap2: 0, cpuinfo: () => "" });

function machine(): { space: AddressSpace; context: DataView } {
  const space = new AddressSpace(new MemoryPool());
  space.mapAnonymous(STACK, STACK_TOP, PROT_READ | PROT_WRITE);
  const { context } = space.memory;
  registers.reset(context);
  for (let gpr = 0; gpr < 16; gpr++) registers.setGpr(context, gpr, 0xff00_0000_0000_0000n + BigInt(gpr));
  registers.setSp(context, STACK_TOP - 0x100);
  registers.setPc(context, 0x40_0123);
  registers.writeFlags(context, 0x8d5 | 0x400);
  return { space, context };
}

function request(info: SignalInfo, change: Partial<FrameRequest> = {}): FrameRequest {
  return {
    info,
    action: { handler: HANDLER, flags: SA_RESTORER | SA_SIGINFO, restorer: RESTORER, mask: new SignalSet() },
    mask: SignalSet.of(SIGUSR1, 64),
    altStack: { sp: 0, size: 0, flags: 2 },
    stackTop: STACK_TOP - 0x100,
    onCurrentStack: true,
    fault: { address: 0x1234, trap: 14, error: 6 },
    ...change,
  };
}

const FAULT: SignalInfo = { signal: SIGSEGV, code: SEGV_MAPERR, address: 0x1234 };

describe("signal frame", () => {
  it("has everything where a C library looks for it", () => {
    const { space, context } = machine();
    arch.pushSignalFrame(space, context, request(FAULT));
    const frame = registers.getSp(context);
    // As after a call: a multiple of 16 once the return address is off.
    expect((frame + 8) % 16).toBe(0);
    expect(frame).toBeLessThanOrEqual(STACK_TOP - 0x100 - 128 - 836 - 440);
    expect(registers.getPc(context)).toBe(HANDLER);
    const [rdi, rsi, rdx] = [7, 6, 2].map((r) => Number(registers.getGpr(context, r))) as [number, number, number];
    expect([rdi, rsi, rdx]).toEqual([SIGSEGV, frame + 8 + 304, frame + 8]);
    expect(registers.readFlags(context) & 0x400).toBe(0);

    const u64 = (at: number): bigint => space.readU64(at);
    expect(u64(frame)).toBe(BigInt(RESTORER));
    // siginfo: si_signo, si_code, si_addr
    expect([space.readI32(rsi), space.readI32(rsi + 8), u64(rsi + 16)]).toEqual([SIGSEGV, SEGV_MAPERR, 0x1234n]);
    // gregs as ucontext.h numbers them: R8 is 0, RSP 15, RIP 16, EFL 17, CSGSFS 18, ERR 19, TRAPNO 20, OLDMASK 21, CR2 22
    const greg = (n: number): bigint => u64(rdx + 40 + 8 * n);
    expect(greg(0)).toBe(0xff00_0000_0000_0008n);
    expect(greg(15)).toBe(BigInt(STACK_TOP - 0x100));
    expect(greg(16)).toBe(0x40_0123n);
    expect(Number(greg(17)) & 0xcd5).toBe(0xcd5);
    expect(greg(18) & 0xffffn).toBe(0x33n);
    expect([greg(19), greg(20), greg(22)]).toEqual([6n, 14n, 0x1234n]);
    const mask = (1n << BigInt(SIGUSR1 - 1)) | (1n << 63n);
    expect(greg(21)).toBe(mask);
    expect(u64(rdx + 296)).toBe(mask);
    const fpstate = Number(greg(23));
    expect(fpstate % 64).toBe(0);
    expect(space.readU32(fpstate + 24)).toBe(0x1f80);
  });

  // As a C program on a kernel of a CPU with AVX prints it.
  it("says that the floating-point state is an image of XSAVE", () => {
    const { space, context } = machine();
    context.setBigUint64(YMM + YMM_SIZE * 15 + 24, 0x1122n, true);
    arch.pushSignalFrame(space, context, request(FAULT));
    const uc = registers.getSp(context) + 8;
    expect(space.readU64(uc)).toBe(7n);
    const fpstate = Number(space.readU64(uc + 40 + 8 * 23));
    const u32 = (at: number): number => space.readU32(fpstate + at);
    expect([464, 468, 472, 476, 480].map(u32)).toEqual([0x46505853, 836, 7, 0, 832]);
    expect(u32(832)).toBe(0x46505845);
    expect([512, 516, 520, 524].map(u32)).toEqual([7, 0, 0, 0]);
    expect(space.readU64(fpstate + 576 + 15 * 16 + 8)).toBe(0x1122n);
  });

  it("takes vector registers back, of parts that the handler leaves in the header", () => {
    const { space, context } = machine();
    const word = (register: number, half: number): bigint =>
      context.getBigUint64(YMM + YMM_SIZE * register + 16 * half, true);
    const set = (register: number, half: number, value: bigint): void =>
      context.setBigUint64(YMM + YMM_SIZE * register + 16 * half, value, true);
    let damaged: boolean | undefined;
    const roundTrip = (change: (fpstate: number) => void): bigint[] => {
      set(3, 0, 0x33n);
      set(3, 1, 0x44n);
      arch.pushSignalFrame(space, context, request(FAULT));
      expect([word(3, 0), word(3, 1)]).toEqual([0n, 0n]);
      set(3, 0, 1n);
      set(3, 1, 2n);
      change(Number(space.readU64(registers.getSp(context) + 8 + 40 + 8 * 23)));
      registers.setSp(context, registers.getSp(context) + 8);
      ({ damaged } = arch.popSignalFrame(space, context));
      return [word(3, 0), word(3, 1)];
    };
    expect(roundTrip(() => {})).toEqual([0x33n, 0x44n]);
    expect(roundTrip((fp) => space.writeU32(fp + 512, 3))).toEqual([0x33n, 0n]);
    expect(roundTrip((fp) => space.writeU32(fp + 512, 4))).toEqual([0n, 0x44n]);
    // Without the magic numbers it is an image of FXSAVE.
    expect(roundTrip((fp) => space.writeU32(fp + 464, 0))).toEqual([0x33n, 0n]);
    expect(roundTrip((fp) => space.writeU32(fp + 832, 0))).toEqual([0x33n, 0n]);
    expect(damaged).toBe(false);
    // A part that there is not: none is taken, and the caller is told.
    expect(roundTrip((fp) => space.writeU32(fp + 512, 8))).toEqual([0n, 0n]);
    expect(damaged).toBe(true);
  });

  it("comes back exactly", () => {
    const { space, context } = machine();
    const size = registers.contextSize;
    const bytes = (): number[] => [...new Uint8Array(context.buffer, context.byteOffset, size)];
    // Registers only: the lazy flags have several forms for one value.
    const before = bytes().slice(0, 0xb0);
    const flags = registers.readFlags(context);
    arch.pushSignalFrame(space, context, request(FAULT));
    for (let gpr = 0; gpr < 16; gpr++) if (gpr !== 4) registers.setGpr(context, gpr, 0n);
    registers.setSp(context, registers.getSp(context) + 8);
    const contents = arch.popSignalFrame(space, context);
    expect(bytes().slice(0, 0xb0)).toEqual(before);
    expect(registers.readFlags(context)).toBe(flags);
    expect(contents.mask.equals(SignalSet.of(SIGUSR1, 64))).toBe(true);
    expect(contents.altStack).toEqual({ sp: 0, size: 0, flags: 2 });
  });

  it("goes to the top of an alternate stack, without a red zone", () => {
    const { space, context } = machine();
    arch.pushSignalFrame(space, context, request(FAULT, { stackTop: STACK + 0x1000, onCurrentStack: false }));
    const frame = registers.getSp(context);
    expect(frame).toBeGreaterThan(STACK);
    expect(frame).toBeLessThan(STACK + 0x1000);
    expect(Number(space.readU64(frame + 8 + 40 + 8 * 23))).toBe(STACK + 0x1000 - 896);
  });

  it("is EFAULT without room or without a restorer, with the context as it was", () => {
    const { space, context } = machine();
    const before = registers.getSp(context);
    const action = { handler: HANDLER, flags: SA_SIGINFO, restorer: 0, mask: new SignalSet() };
    for (const change of [{ stackTop: 0x1000 }, { action }]) {
      expect(() => arch.pushSignalFrame(space, context, request(FAULT, change))).toThrow(
        expect.objectContaining({ code: EFAULT }),
      );
      expect(registers.getSp(context)).toBe(before);
    }
  });
});

it("arch_prctl sets segment bases, but not to addresses of the kernel", () => {
  const { space, context } = machine();
  const ARCH_SET_FS = 0x1002;
  const ARCH_GET_FS = 0x1003;
  expect(arch.prctl?.(space, context, ARCH_SET_FS, 0x7000)).toBe(0);
  expect(registers.getTls(context)).toBe(0x7000);
  expect(arch.prctl?.(space, context, ARCH_GET_FS, STACK)).toBe(0);
  expect(space.readU64(STACK)).toBe(0x7000n);
  expect(arch.prctl?.(space, context, ARCH_SET_FS, 2 ** 47)).toBe(-1);
});

it("arch_prctl tells the parts of the XSAVE image, none of which needs a permission", () => {
  const { space, context } = machine();
  for (const code of [0x1021, 0x1022]) {
    expect(arch.prctl?.(space, context, code, STACK)).toBe(0);
    expect(space.readU64(STACK)).toBe(7n);
  }
  expect([2, 18, 200].map((part) => arch.prctl?.(space, context, 0x1023, part))).toEqual([-95, -95, -22]);
});
