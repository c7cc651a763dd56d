/**
 * What a generator of test cases must know about single encodings: which flags they leave undefined (Intel SDM vol. 2,
 * "Flags Affected"), which registers they use without naming them, and which cannot be run outside of a kernel's care.
 */
import type { Row } from "../../src/cpu/isa/x86_64/table.ts";
import { UNDEFINED_WITH_PREFIX, undefinedFlagsOf } from "../../src/cpu/isa/x86_64/undefined-flags.ts";

type Match = readonly [map: number, first: number, last?: number, ext?: readonly number[]];

function matches(row: Row, list: readonly Match[]): boolean {
  return list.some(
    ([map, first, last = first, ext]) =>
      row.map === map &&
      row.vex === undefined &&
      row.opcode >= first &&
      row.opcode <= last &&
      (ext === undefined || (row.ext !== undefined && ext.includes(row.ext))),
  );
}

/** Calls of the kernel, loads of segment registers, far transfers, debug registers, what is different on every run. */
const UNSAFE: readonly Match[] = [
  [1, 0x05], [1, 0x34], [0, 0xcd], [0, 0xcf], [0, 0xca, 0xcb], [0, 0xff, 0xff, [3, 5]],
  [0, 0x8e], [1, 0xa1], [1, 0xa9], [1, 0xb2], [1, 0xb4, 0xb5],
  [1, 0x21], [1, 0x23], [1, 0x31], [1, 0xa2], [1, 0x01], [1, 0xc7, 0xc7, [6, 7]],
]; // biome-ignore format: pairs
/** State images with instruction pointers in them, and MXCSR or x87 words that random bytes would make illegal. */
const IMAGES: readonly Match[] = [[0, 0xd9, 0xd9, [4, 6]], [0, 0xdd, 0xdd, [4, 6]]]; // biome-ignore format: pairs

export function testable(row: Row): boolean {
  if (matches(row, UNSAFE) || row.mnemonic === "xsavec") return false;
  if (row.mod === "m" && matches(row, IMAGES)) return false;
  if (row.map === 1 && row.opcode === 0xae) {
    // fxsave, fxrstor, xsave...; wrfsbase, wrgsbase
    if (row.mod === "m") return row.ext === 2 || row.ext === 3 || row.ext === 7 || row.mnemonic === "clflush";
    return row.ext !== undefined && (row.ext >= 5 || row.mnemonic === "rdfsbase" || row.mnemonic === "rdgsbase");
  }
  return true;
}

export const STRING: readonly Match[] = [[0, 0xa4, 0xa7], [0, 0xaa, 0xaf]]; // biome-ignore format: pairs
export const isString = (row: Row): boolean => matches(row, STRING);
export const isDivision = (row: Row): boolean => matches(row, [[0, 0xf6, 0xf7, [6, 7]]]);
export const isBitOffset = (row: Row): boolean => row.map === 1 && [0xa3, 0xab, 0xb3, 0xbb].includes(row.opcode);
export const isPopFlags = (row: Row): boolean => matches(row, [[0, 0x9d]]);
export const isXlat = (row: Row): boolean => matches(row, [[0, 0xd7]]);
export const isMaskmov = (row: Row): boolean => matches(row, [[1, 0xf7]]);
export const isLeave = (row: Row): boolean => matches(row, [[0, 0xc9]]);
export const isLoadMxcsr = (row: Row): boolean => row.mnemonic === "ldmxcsr";
/** Uses the stack implicitly. */
export const usesStack = (row: Row): boolean =>
  matches(row, [
    [0, 0x50, 0x5f], [0, 0x68], [0, 0x6a], [0, 0x8f], [0, 0x9c, 0x9d], [0, 0xc2, 0xc3], [0, 0xc8, 0xc9], [0, 0xe8],
    [0, 0xff, 0xff, [2, 6]], [1, 0xa0], [1, 0xa8],
  ]); // biome-ignore format: pairs
export const isRet = (row: Row): boolean => matches(row, [[0, 0xc2, 0xc3]]);
export const jumpsIndirectly = (row: Row): boolean => matches(row, [[0, 0xff, 0xff, [2, 4]]]);
/** Ends a sequence: what follows it is not executed, or not for sure. */
export const transfersControl = (row: Row): boolean =>
  row.operands.some((o) => o.where === "J") ||
  isRet(row) ||
  matches(row, [[0, 0xff, 0xff, [2, 4]], [0, 0xcc], [0, 0xf4], [0, 0xf1], [1, 0x0b], [0, 0xe0, 0xe3]]); // biome-ignore format: pairs
/**
 * Neither needs registers that are set up for it nor leaves a result for the next that is only approximate, nor shows
 * MXCSR's flags, which the engines keep only from the first load of MXCSR on.
 */
export const inSequences = (row: Row): boolean =>
  !isString(row) &&
  !isX87(row) &&
  !isApproximation(row) &&
  !row.operands.some((o) => "PQN".includes(o.where)) &&
  !["emms", "stmxcsr"].includes(row.mnemonic);

/** Reads flags or otherwise belongs behind an instruction that sets them. */
export const readsFlags = (row: Row): boolean =>
  matches(row, [
    [0, 0x10, 0x1d], [0, 0x70, 0x7f], [0, 0x80, 0x83, [2, 3]], [0, 0x9c], [0, 0x9f], [0, 0xf5], [0, 0xc0, 0xc1, [2, 3]],
    [0, 0xd0, 0xd3, [2, 3]], [1, 0x40, 0x4f], [1, 0x80, 0x9f], [0, 0xfe, 0xff, [0, 1]],
  ]); // biome-ignore format: pairs

/** The flags that are undefined after an instruction: see undefined-flags.ts. */
export function undefinedFlags(row: Row, size: number, count: number | undefined): number {
  const undefinedToo = UNDEFINED_WITH_PREFIX[row.mnemonic];
  if (row.vex !== undefined || undefinedToo !== undefined) return undefinedToo ?? 0;
  return undefinedFlagsOf(row.map, row.opcode, row.ext, size, count);
}

/** SHLD and SHRD of a word by more than 16 leave the destination undefined too. */
export function undefinedResult(row: Row, size: number, count: number | undefined): boolean {
  return row.map === 1 && [0xa4, 0xa5, 0xac, 0xad].includes(row.opcode) && (count ?? 0) > size * 8;
}

/** A rep prefix means nothing: all one-byte opcodes but strings, pause, and (on this CPU) the conditional loops. */
export const ignoresRepeat = (row: Row): boolean =>
  row.map === 0 && row.prefix === undefined && !isString(row) && ![0x90, 0xe0, 0xe1].includes(row.opcode);

export const isBitScan = (row: Row): boolean => row.mnemonic === "bsf" || row.mnemonic === "bsr";
/** Processors differ in whether SHA's operands in memory have to be aligned. */
export const needsAlignmentMaybe = (row: Row): boolean =>
  row.mnemonic.startsWith("sha1") || row.mnemonic.startsWith("sha256");
/** Processors differ in whether these make the x87 registers MMX registers if their operand is in memory. */
export const entersMmxMaybe = (row: Row): boolean => row.mnemonic === "cvtpi2ps" || row.mnemonic === "cvtpi2pd";

export const shiftsByCl = (row: Row): boolean =>
  matches(row, [
    [0, 0xd2, 0xd3],
    [1, 0xa5],
    [1, 0xad],
  ]);

/** rcpps, rcpss, rsqrtps, rsqrtss */
export const isApproximation = (row: Row): boolean => /^v?(rcp|rsqrt)[ps]s$/.test(row.mnemonic);
/** f2xm1 fyl2x fptan fpatan; fyl2xp1 fsincos fsin fcos */
export const isTranscendental = (row: Row): boolean =>
  row.map === 0 &&
  row.opcode === 0xd9 &&
  row.mod === "r" &&
  ((row.ext === 6 && (row.rm ?? 8) < 4) || (row.ext === 7 && [1, 3, 6, 7].includes(row.rm ?? 8)));

export const hasSmallDomain = (row: Row): boolean =>
  isTranscendental(row) && (row.mnemonic === "f2xm1" || row.mnemonic === "fyl2xp1");

/**
 * What is not compared after a fault. This CPU pushes rbp before ENTER reads the outer frame pointers, and a MASKMOVQ or a
 * CVTPS2PI that faults has already made the x87 registers MMX registers; the engines have no such half-way states. A jump to a
 * non-canonical address traps before it on the CPU and after it in the engines. A gather has loaded the elements before the
 * one that faults.
 */
export function looseFault(row: Row): "" | "memory" | "x87" | "jump" {
  if (row.mnemonic === "enter") return "memory";
  if (isRet(row) || jumpsIndirectly(row)) return "jump";
  if (isGather(row)) return "x87";
  return ["maskmovq", "cvtps2pi", "cvttps2pi", "cvtpd2pi", "cvttpd2pi", "cvtpi2ps"].includes(row.mnemonic) ? "x87" : "";
}

/**
 * Whether there is an operand size of 2: BSWAP of a word is undefined, and with a prefix that is part of the opcode only
 * some have it.
 */
export const hasWordSize = (row: Row): boolean =>
  row.mnemonic !== "bswap" &&
  (row.prefix === undefined || (/^f[23]$/.test(row.prefix) && row.operands.some((o) => o.size === "v")));

/** Condition codes of the x87 status word that an instruction leaves undefined: C0 0x100, C1 0x200, C2 0x400, C3 0x4000. */
export function undefinedStatus(row: Row): number {
  if (row.map !== 0 || row.opcode < 0xd8 || row.opcode > 0xdf) return 0;
  return X87_DEFINES_ALL.has(row.mnemonic) ? 0 : isTranscendental(row) ? 0x4300 : 0x4100 | 0x400;
}
const X87_DEFINES_ALL: ReadonlySet<string> = new Set([
  "fcom", "fcomp", "fcompp", "fucom", "fucomp", "fucompp", "ficom", "ficomp", "ftst", "fxam", "fprem", "fprem1",
  "fninit", "fldcw", "fnclex",
]); // biome-ignore format: names

/** With VEX.L it is an instruction of VAES or VPCLMULQDQ, which the real CPU may have. */
export const hasLongerForm = (row: Row): boolean => /^v(aes|pclmul)/.test(row.mnemonic);

/** Processors differ in whether VEX.W has to be as the SDM says. */
export const ignoresW = (row: Row): boolean => row.mnemonic === "vpermq";

export const isGather = (row: Row): boolean => row.operands.some((o) => o.where === "Y");
export const gatherIndexBytes = (row: Row): number => (row.mnemonic.startsWith("vpgatherq") ? 8 : 4);

/** VEX encodings that demand an aligned address: vmovaps, vmovdqa and what is stored or loaded past the caches. */
export const isAlignedMove = (row: Row): boolean => row.mnemonic === "vmovaps";

export const isX87 = (row: Row): boolean => row.map === 0 && row.opcode >= 0xd8 && row.opcode <= 0xdf;
/** Has floating-point or vector state. */
export const usesFx = (row: Row): boolean =>
  isX87(row) ||
  isLoadMxcsr(row) ||
  row.operands.some((o) => "VWUPQNTHL".includes(o.where)) ||
  (row.map === 1 && (row.opcode === 0xae || row.opcode === 0x77)); // also vzeroupper
