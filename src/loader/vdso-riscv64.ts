/**
 * The functions of the vdso on riscv64. rt_sigreturn is there for the kernel: signal handlers return to it, since there is
 * no sa_restorer. Its two instructions are what unwinders recognise a signal frame by.
 *
 * The time CSR counts nanoseconds of the host's monotonic clock, so time is that and an offset from the data page, which is
 * the page below the code. Without a data page the clocks are system calls, as all the others are.
 */
import { EM_RISCV } from "../abi/elf.ts";
import { SYSCALLS_RISCV64 } from "../abi/syscalls-riscv64.ts";
import { buildVdso, MONOTONIC_OFFSET, REALTIME_OFFSET } from "./vdso.ts";

/** Registers by number. */
const ZERO = 0;
const RA = 1;
const T0 = 5;
const T1 = 6;
const T2 = 7;
const A0 = 10;
const A1 = 11;
const A7 = 17;
const T3 = 28;
const T4 = 29;

// Instructions: The RISC-V Instruction Set Manual, volume I, "RV32/64G Instruction Set Listings".
const register = (op: number, f3: number, f7: number, rd: number, rs1: number, rs2: number): number =>
  (f7 << 25) | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | op;
const immediate = (op: number, f3: number, rd: number, rs1: number, value: number): number =>
  (value << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | op;
const upper = (op: number, rd: number, value: number): number => (value << 12) | (rd << 7) | op;
const branch = (f3: number, rs1: number, rs2: number, offset: number): number =>
  ((offset & 0x1000) << 19) |
  ((offset & 0x7e0) << 20) |
  (rs2 << 20) |
  (rs1 << 15) |
  (f3 << 12) |
  ((offset & 0x1e) << 7) |
  ((offset & 0x800) >> 4) |
  0x63;
const addi = (rd: number, rs1: number, value: number): number => immediate(0x13, 0, rd, rs1, value);
const andi = (rd: number, rs1: number, value: number): number => immediate(0x13, 7, rd, rs1, value);
const slli = (rd: number, rs1: number, shift: number): number => immediate(0x13, 1, rd, rs1, shift);
const srli = (rd: number, rs1: number, shift: number): number => immediate(0x13, 5, rd, rs1, shift);
const add = (rd: number, rs1: number, rs2: number): number => register(0x33, 0, 0, rd, rs1, rs2);
const srl = (rd: number, rs1: number, rs2: number): number => register(0x33, 5, 0, rd, rs1, rs2);
const divu = (rd: number, rs1: number, rs2: number): number => register(0x33, 5, 1, rd, rs1, rs2);
const remu = (rd: number, rs1: number, rs2: number): number => register(0x33, 7, 1, rd, rs1, rs2);
const ld = (rd: number, rs1: number, offset: number): number => immediate(0x03, 3, rd, rs1, offset);
/** For offsets below 32. */
const sd = (rs2: number, rs1: number, offset: number): number =>
  (rs2 << 20) | (rs1 << 15) | (3 << 12) | (offset << 7) | 0x23;
const auipc = (rd: number, value: number): number => upper(0x17, rd, value);
const lui = (rd: number, value: number): number => upper(0x37, rd, value);
const rdtime = (rd: number): number => immediate(0x73, 2, rd, ZERO, 0xc01);
const beqz = (rs1: number, offset: number): number => branch(0, rs1, ZERO, offset);
const bltu = (rs1: number, rs2: number, offset: number): number => branch(6, rs1, rs2, offset);
const ret: number = immediate(0x67, 0, ZERO, RA, 0);
const ecall = 0x73;

/** A number of 32 bits, with its upper half rounded so that the lower, which is signed, makes up for it. */
const load = (rd: number, value: number): number[] => {
  const low = (value << 20) >> 20;
  return [lui(rd, (value - low) >> 12), addi(rd, rd, low)];
};

/** rd: the data page. */
const dataPage = (rd: number): number[] => [auipc(rd, 0xfffff), srli(rd, rd, 12), slli(rd, rd, 12)];

const BILLION = 1_000_000_000;
/** t3, t4: seconds and nanoseconds of the nanoseconds in t1. Uses t2. */
const SPLIT: readonly number[] = [...load(T2, BILLION), divu(T3, T1, T2), remu(T4, T1, T2)];

const systemCall = (name: string): number[] => [addi(A7, ZERO, SYSCALLS_RISCV64[name] as number), ecall, ret];

/** Bit n: clock n is the counter and an offset: real time, monotonic, raw, coarse ones, boot time, TAI. */
const CLOCKS = 0x8f3;
/** Bit n: clock n is one of real time. */
const REALTIME_CLOCKS = 0x821;

/** t1: bit `a0` of a number. */
const bitOf = (bits: number): number[] => [...load(T1, bits), srl(T1, T1, A0), andi(T1, T1, 1)];

function clockGettime(): number[] {
  const simple = [
    ...dataPage(T2),
    ...bitOf(REALTIME_CLOCKS),
    // The two offsets are neighbours.
    slli(T1, T1, Math.log2(REALTIME_OFFSET - MONOTONIC_OFFSET)),
    add(T2, T2, T1),
    ld(T1, T2, MONOTONIC_OFFSET),
    rdtime(T2),
    add(T1, T1, T2),
    ...SPLIT,
    sd(T3, A1, 0),
    sd(T4, A1, 8),
    addi(A0, ZERO, 0),
    ret,
  ];
  const test = bitOf(CLOCKS);
  return [
    addi(T0, ZERO, 11),
    bltu(T0, A0, 4 * (test.length + simple.length + 2)),
    ...test,
    beqz(T1, 4 * (simple.length + 1)),
    ...simple,
    // CPU time, alarms, and what is no clock.
    ...systemCall("clock_gettime"),
  ];
}

function gettimeofday(): number[] {
  const time = [
    ...dataPage(T2),
    ld(T1, T2, REALTIME_OFFSET),
    rdtime(T2),
    add(T1, T1, T2),
    ...SPLIT,
    addi(T2, ZERO, 1000),
    divu(T4, T4, T2),
    sd(T3, A0, 0),
    sd(T4, A0, 8),
  ];
  return [beqz(A0, 4 * (time.length + 1)), ...time, beqz(A1, 8), sd(ZERO, A1, 0), addi(A0, ZERO, 0), ret];
}

function bytesOf(code: readonly number[]): number[] {
  return code.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]);
}

/** Offset of rt_sigreturn's code, which `vdsoRiscv64` has first. */
export const VDSO_RT_SIGRETURN = 0x400;

/** @param countsTime there is a data page, and the time CSR counts as it says */
export function vdsoRiscv64(countsTime: boolean): Uint8Array<ArrayBuffer> {
  const functions: Readonly<Record<string, number[]>> = {
    rt_sigreturn: systemCall("rt_sigreturn").slice(0, 2),
    clock_gettime: countsTime ? clockGettime() : systemCall("clock_gettime"),
    gettimeofday: countsTime ? gettimeofday() : systemCall("gettimeofday"),
    clock_getres: systemCall("clock_getres"),
    getcpu: systemCall("getcpu"),
    flush_icache: systemCall("riscv_flush_icache"),
    riscv_hwprobe: systemCall("riscv_hwprobe"),
  };
  return buildVdso({
    machine: EM_RISCV,
    soname: "linux-vdso.so.1",
    version: "LINUX_4.15",
    codeAt: VDSO_RT_SIGRETURN,
    functions: Object.entries(functions).map(([name, code]) => ({ name: `__vdso_${name}`, code: bytesOf(code) })),
  });
}
