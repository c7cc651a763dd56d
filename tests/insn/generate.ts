/**
 * Makes test cases from the rows of the encoding table.
 *
 * A case is one instruction, or a short sequence whose point is the flags between instructions (engines keep them
 * lazily, and fuse compares with branches). Everything follows from a seed and the case's number, so that one case can
 * be made again by itself.
 */
import { parseTable, type Row, sizeOf } from "../../src/cpu/isa/x86_64/table.ts";
import { type MemoryOperand, memoryOperand, pickTarget } from "./address.ts";
import * as facts from "./facts.ts";
import { rowKey } from "./fingerprint.ts";
import { FX, resetFx } from "./fx.ts";
import {
  CASE_FLAGS,
  type Case,
  CODE,
  DATA,
  DATA_SIZE,
  FS_BASE,
  GS_BASE,
  RESET_MXCSR,
  SLOT_CODE,
  SLOT_SIZE,
  SLOTS,
} from "./protocol.ts";
import { Random } from "./random.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
const SLOTS_PER_PAGE = 0x1000 / SLOT_SIZE;
const MASK64 = 0xffff_ffff_ffff_ffffn;

export interface Generator {
  readonly rows: readonly Row[];
  make(seed: number, number: number): Case;
  /** One instruction from a given row: independent of what other rows there are. */
  makeSingle(row: Row, seed: number, number: number): Case;
}

export interface GeneratorOptions {
  /** Only rows whose mnemonic is one of these. */
  readonly only?: readonly string[];
  /** Not these rows. */
  readonly without?: ReadonlySet<string>;
  /** MXCSR bits that may be other than at reset: flags (0x3f), DAZ (0x40), masks (0x1f80), rounding (0x6000), FTZ (0x8000). */
  readonly mxcsrBits?: number;
}

export function createGenerator(tables: readonly string[], options: GeneratorOptions = {}): Generator {
  const all = tables.flatMap((t) => parseTable(t)).filter((r) => facts.testable(r));
  const rows = all.filter((r) => options.only?.includes(r.mnemonic) !== false && !options.without?.has(rowKey(r)));
  if (rows.length === 0) throw new Error("no row of the encoding table is left to test");
  const plain = rows.filter((r) => facts.inSequences(r) && !facts.transfersControl(r));
  const readers = plain.filter(facts.readsFlags);
  const enders = rows.filter((r) => !facts.usesFx(r) && facts.transfersControl(r));
  return {
    rows,
    make: (seed, number) => {
      // Every row gets its turn.
      const row = rows[number % rows.length] as Row;
      for (let attempt = 0; ; attempt++) {
        const draft = draftOf(row, new Random(seed + attempt * 0x1_0000_0000, number), number);
        if (!draft.useless) return draft.finish();
      }
    },
    makeSingle: (row, seed, number) => {
      for (let attempt = 0; ; attempt++) {
        const rng = new Random(seed + attempt * 0x1_0000_0000, number);
        const draft = new Draft(rng, number, options.mxcsrBits ?? 0);
        draft.add(row);
        if (!draft.useless) return draft.finish();
      }
    },
  };

  /** One instruction, or in a third of the cases a sequence. */
  function draftOf(row: Row, rng: Random, number: number): Draft {
    const draft = new Draft(rng, number, options.mxcsrBits ?? 0);
    if (plain.length > 0 && facts.inSequences(row) && rng.oneIn(3)) {
      const before = 1 + rng.below(4);
      for (let i = 0; i < before; i++)
        draft.addToSequence(rng.oneIn(2) && readers.length > 0 ? rng.pick(readers) : rng.pick(plain));
      draft.addToSequence(enders.length > 0 && rng.oneIn(2) ? rng.pick(enders) : row);
    }
    if (draft.empty) draft.add(row);
    return draft;
  }
}

/** A case in the making. */
class Draft {
  /** A result (not only flags) is undefined, or the like: there is nothing to compare. */
  useless = false;
  readonly #rng: Random;
  readonly #codeAddress: number;
  readonly #mxcsrBits: number;
  #gpr = new BigUint64Array(16);
  #rflags: number;
  #code: number[] = [];
  #starts: number[] = [];
  #names: string[] = [];
  #undefinedFlags = 0;
  #undefinedStatus = 0;
  #approximate: Case["approximate"] = "";
  #looseFault: Case["looseFault"] = [];
  #fx: Uint8Array | undefined;
  #windowOffset = 0;
  #window = new Uint8Array(0);

  constructor(rng: Random, number: number, mxcsrBits: number) {
    this.#rng = rng;
    this.#mxcsrBits = mxcsrBits;
    const slot = number % SLOTS;
    const atBorder = slot % SLOTS_PER_PAGE === SLOTS_PER_PAGE - 1 && slot !== SLOTS - 1;
    this.#codeAddress = CODE + slot * SLOT_SIZE + (atBorder ? SLOT_SIZE - 1 - rng.below(10) : SLOT_CODE);
    for (let i = 0; i < 16; i++) this.#gpr[i] = rng.integer();
    this.#gpr[RSP] = BigInt(DATA + 0x200 + rng.below(DATA_SIZE - 0x400)) & (rng.oneIn(4) ? MASK64 : ~7n);
    this.#rflags = rng.u32() & CASE_FLAGS & (rng.oneIn(3) ? MASK_ALL : ~0x400);
  }

  get empty(): boolean {
    return this.#code.length === 0;
  }

  /** The only instruction of a case: anything goes. */
  add(row: Row): void {
    this.#emit(row, false);
  }

  /** One of several: memory operands are constant, since registers may have changed. */
  addToSequence(row: Row): void {
    // What leaves flags undefined would make the rest of the sequence so: it can only be the last one. Return addresses
    // and flags must be on the stack first.
    if (this.#undefinedFlags !== 0 || facts.isRet(row) || facts.jumpsIndirectly(row) || facts.isPopFlags(row)) return;
    this.#emit(row, true);
  }

  finish(): Case {
    return {
      name: this.#names.join("; "),
      codeAddress: this.#codeAddress,
      code: Uint8Array.from(this.#code),
      starts: this.#starts,
      gpr: this.#gpr,
      rflags: this.#rflags,
      fx: this.#fx,
      windowOffset: this.#windowOffset,
      window: this.#window,
      undefinedFlags: this.#undefinedFlags,
      undefinedStatus: this.#undefinedStatus,
      approximate: this.#approximate,
      looseFault: this.#looseFault,
    };
  }

  #emit(row: Row, inSequence: boolean): void {
    const rng = this.#rng;
    const gpr = this.#gpr;
    const sized = row.operands.some((o) => o.size !== "" && "vyz".includes(o.size)) || implicitSize(row);
    const operandSize = sized ? rng.pick(sizesOf(row)) : 4;
    const vector = row.vex === undefined ? 16 : (row.vex.l ?? rng.below(2)) === 1 ? 32 : 16;
    const has = (letters: string): boolean => row.operands.some((o) => letters.includes(o.where));
    const memory = row.modrm && row.mod !== "r" && (row.mod === "m" || (has("EWQ") && rng.oneIn(2)));
    const stringOp = facts.isString(row);
    this.#names.push(row.mnemonic);

    if (facts.usesFx(row) && this.#fx === undefined) this.#fx = randomFx(rng, row, this.#mxcsrBits);
    if (!inSequence) this.#hints(row, operandSize, memory);

    const prefixes: number[] = [];
    // Where the alignment must be known the address is a plain one.
    const plain = facts.needsAlignmentMaybe(row);
    const segment = (memory || stringOp || facts.isXlat(row)) && !plain && rng.oneIn(10) ? rng.pick([0x64, 0x65]) : 0;
    // xchg eax, eax, nop and the like have no memory operand, and then a segment prefix would mean nothing.
    if (segment) prefixes.push(segment);
    const segmentBase = segment === 0x64 ? BigInt(FS_BASE) : segment === 0x65 ? BigInt(GS_BASE) : 0n;
    // With a 32-bit address the engines let a bit offset carry beyond 4 GiB; nobody writes that.
    const address32 =
      (memory || stringOp || has("O") || facts.isXlat(row)) && !plain && !facts.isBitOffset(row) && rng.oneIn(16);
    if (address32) prefixes.push(0x67);
    if (sized && operandSize === 2) prefixes.push(0x66);
    if (row.lock && memory && rng.oneIn(8)) prefixes.push(0xf0);
    if (stringOp && row.prefix === undefined && rng.oneIn(2)) prefixes.push(rng.pick([0xf2, 0xf3]));
    // Prefixes without meaning: other segments in 64-bit mode (notrack is one), rep where there is nothing to repeat.
    if (rng.oneIn(20)) prefixes.push(rng.pick([0x26, 0x2e, 0x36, 0x3e]));
    if (facts.ignoresRepeat(row) && rng.oneIn(30)) prefixes.push(rng.pick([0xf2, 0xf3]));
    if (row.vex === undefined && (row.prefix === "66" || row.prefix === "f2" || row.prefix === "f3"))
      prefixes.push(Number.parseInt(row.prefix, 16));

    let rex = sized && operandSize === 8 && !row.d64 ? 8 : 0;
    let forceRex = rex !== 0 || rng.oneIn(5);
    // 90 with REX.B is xchg r8, rax, which is another row.
    const opcode = [row.opcode];
    let modrm = -1;
    let tail: number[] = [];
    let operand: MemoryOperand | undefined;
    if (row.plusR) {
      const r = rng.below(16);
      opcode[0] = row.opcode | (r & 7);
      rex |= r >> 3;
    }
    if (row.modrm) {
      const reg = row.ext ?? rng.below(16);
      if (row.ext === undefined) rex |= (reg >> 3) << 2;
      // Without a bit to find, processors differ in whether the upper half of a 32-bit destination is cleared.
      if (facts.isBitScan(row)) {
        if (inSequence) this.useless = true;
        gpr[reg] = (gpr[reg] as bigint) & 0xffff_ffffn;
      }
      if (memory) {
        const bytes = memoryBytes(row, operandSize, vector);
        const target = pickTarget(rng, bytes, alignmentOf(row, vector));
        const mask = address32 ? 0xffff_ffffn : MASK64;
        operand = facts.isGather(row)
          ? gatherOperand(rng, gpr, this.#fx as Uint8Array, segmentBase, inSequence, facts.gatherIndexBytes(row))
          : memoryOperand(rng, gpr, target, segmentBase, mask, inSequence);
        if (facts.needsAlignmentMaybe(row) && (operand.target & 15n) !== 0n) this.useless = true;
        modrm = operand.modrm | ((reg & 7) << 3);
        tail = operand.tail;
        rex |= (operand.rexX << 1) | operand.rexB;
        this.#placeWindow(row, operand.target, bytes);
        if (facts.isBitOffset(row) && !inSequence && !rng.oneIn(4))
          this.#setUnlessAddress(reg, BigInt(rng.below(0x2000) - 0x1000), operand);
        if (rng.oneIn(6)) this.#copyFromWindow(operand, bytes);
      } else {
        const rm = row.rm ?? rng.below(16);
        if (row.rm === undefined) rex |= rm >> 3;
        modrm = 0xc0 | ((reg & 7) << 3) | (rm & 7);
      }
    }
    if (rex !== 0) forceRex = true;

    const immediate: number[] = [];
    let count: number | undefined;
    const countInCl = facts.shiftsByCl(row);
    if (countInCl && !inSequence) count = Number((gpr[RCX] as bigint) & 0xffn);
    for (const o of row.operands) {
      if (o.where === "1") count = 1;
      if (o.where === "L") immediate.push(rng.below(256));
      if (o.where === "I") {
        const length = o.size === "z" ? Math.min(4, operandSize) : sizeOf(o.size, operandSize);
        let value = rng.integer();
        if (row.mnemonic === "enter" && immediate.length === 0) value = BigInt(rng.below(0x200));
        if (row.mnemonic === "enter" && immediate.length > 0) value = BigInt(rng.below(8));
        if (length === 1) count = Number(value & 0xffn);
        for (let i = 0; i < length; i++) immediate.push(Number((value >> BigInt(8 * i)) & 0xffn));
      } else if (o.where === "J") {
        // Onto int3 behind or before the code, or far away.
        const before = this.#code.length + 16;
        const d = rng.oneIn(3) ? -before - rng.below(100 - before) : rng.below(100);
        const far = o.size === "b" ? d : rng.oneIn(3) ? (rng.u32() & 0x6fff_ffff) | 0x1000_0000 : d;
        const value = BigInt(far);
        const length = o.size === "b" ? 1 : 4;
        for (let i = 0; i < length; i++) immediate.push(Number((value >> BigInt(8 * i)) & 0xffn));
      } else if (o.where === "O") {
        const target = pickTarget(rng, operandSize, 1);
        const value = target - segmentBase;
        this.#placeWindow(row, target, 8);
        for (let i = 0; i < (address32 ? 4 : 8); i++) immediate.push(Number((value >> BigInt(8 * i)) & 0xffn));
      }
    }

    const bytes = [
      // A REX prefix that does not stand right before the opcode is ignored.
      ...(prefixes.length > 0 && rng.oneIn(30) ? [0x40 | rng.below(16)] : []),
      ...shuffled(rng, prefixes, row),
      ...(row.vex !== undefined
        ? vexPrefix(rng, row, rex, vector, sized ? operandSize === 8 : undefined)
        : [...(forceRex ? [0x40 | rex] : []), ...([[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]][row.map] as number[])]),
      ...opcode,
      ...(modrm >= 0 ? [modrm] : []),
      ...tail,
      ...immediate,
    ];
    if (operand?.ripRelative) {
      const next = this.#codeAddress + this.#code.length + bytes.length;
      const disp = Number(operand.target) - next;
      const at = bytes.length - immediate.length - 4;
      for (let i = 0; i < 4; i++) bytes[at + i] = (disp >> (8 * i)) & 0xff;
    }
    this.#starts.push(this.#code.length);
    this.#code.push(...bytes);
    // Longer than an instruction may be: #GP on a CPU, #UD in the engines.
    if (bytes.length > 15) this.useless = true;

    const size = row.operands[0]?.size === "b" ? 1 : sizeOf(row.operands[0]?.size || "d", operandSize);
    const masked = count === undefined ? undefined : count & (size === 8 ? 63 : 31);
    this.#undefinedFlags |= facts.undefinedFlags(row, size, masked);
    this.useless ||= facts.undefinedResult(row, size, masked ?? 31);
    this.#undefinedStatus |= facts.undefinedStatus(row);
    const loose = facts.looseFault(row);
    if (loose !== "") this.#looseFault = [...this.#looseFault, loose];
    if (facts.isApproximation(row)) this.#approximate = "xmm";
    if (facts.isTranscendental(row)) this.#approximate = "x87";
  }

  /** Registers that an instruction uses without naming them. */
  #hints(row: Row, operandSize: number, memory: boolean): void {
    const rng = this.#rng;
    const gpr = this.#gpr;
    if (facts.isString(row)) {
      const at = () => BigInt(DATA + 0x80 + rng.below(DATA_SIZE - 0x100));
      gpr[RSI] = rng.oneIn(12) ? pickTarget(rng, 8, 1) : at();
      gpr[RDI] = rng.oneIn(12)
        ? pickTarget(rng, 8, 1)
        : rng.oneIn(4)
          ? (gpr[RSI] as bigint) + BigInt(rng.below(17) - 8)
          : at();
      gpr[RCX] = rng.oneIn(20) ? rng.integer() : BigInt(rng.below(rng.oneIn(4) ? 400 : 20));
      // Few different bytes, so that comparisons run for a while.
      const window = new Uint8Array(512);
      for (let i = 0; i < window.length; i++) window[i] = rng.oneIn(40) ? 1 : 0;
      if (rng.oneIn(4)) gpr[RAX] = 0n;
      this.#windowOffset = Math.max(
        0,
        Math.min(DATA_SIZE - window.length, Number((gpr[RDI] as bigint) & 0x1fffn) - 200),
      );
      this.#window = window;
    }
    if (facts.isDivision(row) && !rng.oneIn(5)) {
      const value = BigInt.asIntN(operandSize * 8, gpr[RAX] as bigint);
      gpr[RDX] = rng.oneIn(2) ? 0n : BigInt.asUintN(64, value >> 63n);
      if (row.opcode === 0xf6) gpr[RAX] = BigInt(rng.below(0x400));
    }
    // A jump to a non-canonical address traps before it here and after it in the engines, which is as good.
    if (facts.jumpsIndirectly(row)) for (let i = 0; i < 16; i++) gpr[i] = (gpr[i] as bigint) & 0x7fff_ffff_ffffn;
    if (facts.isXlat(row)) gpr[RBX] = pickTarget(rng, 256, 1);
    if (facts.isMaskmov(row)) gpr[RDI] = pickTarget(rng, 16, 1);
    if (facts.isLeave(row)) gpr[RBP] = pickTarget(rng, 8, 1);
    if (facts.usesStack(row) && rng.oneIn(8)) gpr[RSP] = pickTarget(rng, 8, 1);
    if ((facts.isPopFlags(row) || facts.isRet(row)) && !memory) {
      const window = new Uint8Array(8);
      const view = new DataView(window.buffer);
      // Flags: those that the kernel lets pass. Return address: in the code region.
      const value = facts.isPopFlags(row)
        ? BigInt((rng.u32() & CASE_FLAGS) | 0x202)
        : rng.oneIn(4)
          ? rng.integer() & 0x7fff_ffff_ffffn
          : BigInt(this.#codeAddress + 16 + rng.below(64));
      view.setBigUint64(0, value, true);
      const offset = Number((gpr[RSP] as bigint) - BigInt(DATA));
      if (facts.isPopFlags(row) && (offset < 0 || offset > DATA_SIZE - 8)) gpr[RSP] = BigInt(DATA + 0x800);
      this.#window = window;
      this.#windowOffset = Math.max(0, Math.min(DATA_SIZE - 8, Number((gpr[RSP] as bigint) - BigInt(DATA))));
    }
  }

  #setUnlessAddress(register: number, value: bigint, operand: MemoryOperand): void {
    const base =
      (operand.modrm & 7) === 4
        ? ((operand.tail[0] as number) & 7) | (operand.rexB << 3)
        : (operand.modrm & 7) | (operand.rexB << 3);
    const index = (operand.modrm & 7) === 4 ? (((operand.tail[0] as number) >> 3) & 7) | (operand.rexX << 3) : -1;
    if (register !== base && register !== index) this.#gpr[register] = BigInt.asUintN(64, value);
  }

  /** Puts interesting values at the operand. */
  #placeWindow(row: Row, target: bigint, bytes: number): void {
    if (this.#window.length > 0) return;
    const rng = this.#rng;
    const length = Math.max(8, (bytes + 7) & ~7) + 16;
    const start = Number(BigInt.asIntN(64, target)) - DATA - 8;
    if (!(start >= 0 && start + length <= DATA_SIZE)) return;
    const window = new Uint8Array(length);
    const view = new DataView(window.buffer);
    if (facts.isLoadMxcsr(row)) {
      const reserved = rng.oneIn(8) ? 0x1_0000 : 0;
      view.setUint32(8, randomMxcsr(rng, this.#mxcsrBits) | reserved, true);
    } else if (facts.isX87(row)) fillX87(rng, window, bytes);
    else
      for (let i = 0; i < length; i += 8) {
        const value = facts.usesFx(row) ? lane(rng) : rng.integer();
        view.setBigUint64(i, facts.jumpsIndirectly(row) ? value & 0x7fff_ffff_ffffn : value, true);
      }
    this.#window = window;
    this.#windowOffset = start;
  }

  /** Makes the accumulator equal to the operand, for cmpxchg and the like. */
  #copyFromWindow(operand: MemoryOperand, bytes: number): void {
    if (this.#window.length < 16 + bytes || bytes > 16) return;
    const view = new DataView(this.#window.buffer);
    this.#setUnlessAddress(RAX, view.getBigUint64(8, true), operand);
    if (bytes === 8) this.#setUnlessAddress(RDX, view.getBigUint64(8, true) >> 32n, operand);
  }
}

const MASK_ALL = 0xffff_ffff;

/** Rows whose size is that of their operands although they name none: string instructions, cbw, leave... */
function implicitSize(row: Row): boolean {
  if (row.map !== 0 || row.operands.length > 0) return false;
  return [0x98, 0x99, 0xa5, 0xa7, 0xab, 0xad, 0xaf, 0x9c, 0x9d, 0xc9].includes(row.opcode);
}

function sizesOf(row: Row): readonly number[] {
  if (row.vex !== undefined) return row.vex.w === undefined ? [4, 8] : [row.vex.w === 1 ? 8 : 4];
  const named = row.prefix !== undefined;
  if (row.d64) return row.o16 || named ? [8] : [2, 8, 8];
  if (row.o16) return [4];
  return facts.hasWordSize(row) ? [2, 4, 8] : [4, 8];
}

function memoryBytes(row: Row, operandSize: number, vector: number): number {
  const o = row.operands.find((x) => "EMWQY".includes(x.where));
  return o === undefined || o.size === "" ? 8 : sizeOf(o.size, operandSize, vector);
}

/** What the CPU demands of a memory operand's address. */
function alignmentOf(row: Row, vector: number): number {
  if (row.vex === undefined) return row.operands.some((o) => o.size === "x") ? 16 : 1;
  return facts.isAlignedMove(row) ? vector : 1;
}

/** A base in the middle of the data and small indices, some of them wild, in a vector register. */
function gatherOperand(
  rng: Random,
  gpr: BigUint64Array,
  fx: Uint8Array,
  segmentBase: bigint,
  constantOnly: boolean,
  indexBytes: number,
): MemoryOperand {
  const middle = BigInt(DATA + DATA_SIZE / 2);
  const index = rng.below(16);
  const scale = rng.below(4);
  const view = new DataView(fx.buffer, fx.byteOffset);
  for (const start of [FX.XMM, FX.HIGH])
    for (let at = 0; at < 16; at += indexBytes) {
      const value = rng.oneIn(60) ? rng.integer() : BigInt(rng.below(700) - 350);
      if (indexBytes === 8) view.setBigUint64(start + index * 16 + at, BigInt.asUintN(64, value), true);
      else view.setUint32(start + index * 16 + at, Number(value & 0xffff_ffffn), true);
    }
  const disp = constantOnly || rng.oneIn(5) ? (middle - segmentBase) & 0xffff_ffffn : BigInt(rng.below(0x1000));
  const base = constantOnly || rng.oneIn(5) ? RBP : rng.below(16);
  const none = disp >= 0x1000n;
  if (!none) gpr[base] = BigInt.asUintN(64, middle - segmentBase - disp);
  const sib = (scale << 6) | ((index & 7) << 3) | (none ? RBP : base & 7);
  return {
    modrm: none ? 0x04 : 0x84,
    tail: [sib, ...[0n, 8n, 16n, 24n].map((by) => Number((disp >> by) & 0xffn))],
    rexX: index >> 3,
    rexB: none ? 0 : base >> 3,
    ripRelative: false,
    target: middle,
  };
}

const VEX_PREFIXES: readonly Row["prefix"][] = ["np", "66", "f3", "f2"];

/** The VEX prefix, of two bytes where that can say it all; now and then a wrong one. */
function vexPrefix(rng: Random, row: Row, rex: number, vector: number, wide: boolean | undefined): number[] {
  const has = (letters: string): boolean => row.operands.some((o) => letters.includes(o.where));
  const wrong = rng.oneIn(50) ? rng.below(4) : -1;
  let l = vector === 32 ? 1 : 0;
  if (wrong === 0 && !facts.hasLongerForm(row)) l ^= 1;
  let w = (row.vex?.w ?? (wide === undefined ? rng.oneIn(4) : wide)) ? 1 : 0;
  if (wrong === 1 && !facts.ignoresW(row)) w ^= 1;
  const vvvv = has("BH") || wrong === 2 ? rng.below(16) : 0;
  const last = ((~vvvv & 15) << 3) | (l << 2) | VEX_PREFIXES.indexOf(row.prefix);
  const before = wrong === 3 ? [rng.pick([0x66, 0xf2, 0xf3, 0xf0, 0x48])] : [];
  if (row.map === 1 && (rex & 3) === 0 && w === 0 && !rng.oneIn(4))
    return [...before, 0xc5, ((rex & 4) !== 0 ? 0 : 0x80) | last];
  return [...before, 0xc4, ((~rex & 7) << 5) | row.map, (w << 7) | last];
}

/** Prefixes in any order: only their presence counts. */
function shuffled(rng: Random, prefixes: number[], row: Row): number[] {
  if (prefixes.length < 2 || row.prefix !== undefined || rng.oneIn(2)) return prefixes;
  return prefixes.reverse();
}

/** Eight bytes of a vector: integers of some width, two floats or a double. */
function lane(rng: Random): bigint {
  switch (rng.below(4)) {
    case 0:
      return rng.integer();
    case 1:
      return rng.float(32) | (rng.float(32) << 32n);
    case 2:
      return rng.float(64);
    default:
      return (rng.integer() & 0xffffn) | ((rng.integer() & 0xffffn) << 16n) | ((rng.integer() << 32n) & MASK64);
  }
}

function randomMxcsr(rng: Random, bits: number): number {
  if (bits === 0 || rng.oneIn(2)) return RESET_MXCSR;
  // Mostly everything is masked: a trap hides the result.
  const masks = rng.oneIn(3) ? 0x1f80 & bits & rng.u32() : 0;
  const rest = rng.u32() & (rng.oneIn(2) ? 0xffff : 0x607f) & ~0x1f80;
  return (RESET_MXCSR & ~masks) | (rest & bits);
}

function randomFx(rng: Random, row: Row, mxcsrBits: number): Uint8Array {
  const fx = resetFx();
  const view = new DataView(fx.buffer);
  view.setUint32(FX.MXCSR, randomMxcsr(rng, mxcsrBits), true);
  const kind = rng.below(4);
  for (const start of [FX.XMM, FX.HIGH])
    for (let i = 0; i < 32; i++) {
      const bits = kind === 0 ? rng.float(64) : kind === 1 ? rng.float(32) | (rng.float(32) << 32n) : lane(rng);
      view.setBigUint64(start + i * 8, bits, true);
    }
  // Equal operands now and then.
  if (rng.oneIn(4)) {
    const from = rng.below(16) * 16;
    const to = rng.below(16) * 16;
    for (const start of [FX.XMM, FX.HIGH]) fx.copyWithin(start + to, start + from, start + from + 16);
  }
  if (!facts.isX87(row) && !row.operands.some((o) => "PQN".includes(o.where))) return fx;
  if (facts.entersMmxMaybe(row)) {
    view.setUint8(FX.FTW, 0xff);
    return fx;
  }
  view.setUint16(
    FX.FCW,
    0x7f | (rng.oneIn(2) ? 0x300 : (rng.below(16) << 8) | 0) | (rng.oneIn(2) ? rng.below(4) << 10 : 0),
    true,
  );
  view.setUint16(FX.FSW, rng.u32() & 0x7f00 & (rng.oneIn(2) ? 0x3800 : 0x7f00), true);
  const tags = rng.oneIn(3) ? rng.below(256) : 0xff;
  view.setUint8(FX.FTW, tags);
  for (let i = 0; i < 8; i++) fillX87(rng, fx.subarray(FX.ST + i * 16, FX.ST + i * 16 + 16), 10);
  // F2XM1 and FYL2XP1 are defined for small numbers only.
  if (facts.hasSmallDomain(row)) {
    const sign = view.getUint16(FX.ST + 8, true) & 0x8000;
    view.setUint16(FX.ST + 8, sign | (0x3ffc - rng.below(rng.oneIn(2) ? 8 : 80)), true);
    view.setBigUint64(FX.ST, view.getBigUint64(FX.ST, true) | (1n << 63n), true);
  }
  return fx;
}

/** An 80-bit number into 16 bytes (10 used), or integers, floats or BCD into a window for an operand of `bytes`. */
function fillX87(rng: Random, into: Uint8Array, bytes: number): void {
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  const at = into.length === 16 ? 0 : 8;
  if (bytes === 4) view.setUint32(at, Number(rng.oneIn(3) ? rng.integer() & 0xffff_ffffn : rng.float(32)), true);
  else if (bytes === 8) view.setBigUint64(at, rng.oneIn(3) ? rng.integer() : rng.float(64), true);
  else if (bytes < 8) view.setUint16(at, Number(rng.integer() & 0xffffn), true);
  else if (at !== 0 && rng.oneIn(2)) {
    for (let i = 0; i < 9; i++) view.setUint8(at + i, rng.below(10) | (rng.below(10) << 4));
    view.setUint8(at + 9, rng.pick([0, 0x80]));
  } else {
    const f = rng.float(64);
    const sign = Number(f >> 63n) << 15;
    const exponent = Number((f >> 52n) & 0x7ffn);
    const fraction = (f & 0xf_ffff_ffff_ffffn) << 11n;
    const j = 1n << 63n;
    const low = rng.oneIn(2) ? rng.u64() & 0x7ffn : 0n;
    let significand = j | fraction | low;
    let e = exponent - 1023 + 16383;
    if (exponent === 0x7ff) e = 0x7fff;
    else if (exponent === 0) {
      e = 0;
      significand = fraction;
    } else if (rng.oneIn(16)) e = rng.below(0x7fff);
    if (rng.oneIn(40)) significand = rng.u64();
    view.setBigUint64(at, significand, true);
    view.setUint16(at + 8, e | sign, true);
  }
}
