/**
 * Makes test cases from the rows of the encoding tables: one instruction, or in a third of the cases a short sequence. All
 * follows from a seed and the case's number.
 */
import { expand } from "../../../src/cpu/isa/riscv64/compressed.ts";
import { Decoder } from "../../../src/cpu/isa/riscv64/decoder.ts";
import { families } from "../../../src/cpu/isa/riscv64/families.ts";
import { keyOf, keysOf, parseTable, type Row } from "../../../src/cpu/isa/riscv64/table.ts";
import { Random } from "../random.ts";
import { type Case, DATA, DATA_SIZE, SLOT_SIZE, SLOT_START, type Vectors } from "./protocol.ts";
import { isVector, isVectorMemory, makeVectors, placeOperands } from "./vectors.ts";

/** Stands for all instructions of 16 bits. */
export const COMPRESSED = "compressed";

export interface GeneratorOptions {
  /** Only instructions whose mnemonic is one of these. */
  readonly only?: readonly string[];
  /** Rounding to nearest and no look at the flags; otherwise any rounding mode and exact flags. */
  readonly quick?: boolean;
  /** No lr followed by sc: where each instruction runs by itself no reservation lasts. */
  readonly withoutReservations?: boolean;
}

const WIDTH: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };
const CSRS = [1, 1, 2, 2, 3, 3, 3, 0, 4, 0x300, 0x800, 0xc20, 0xc21, 0xc22];
/** vstart, vxsat, vxrm, vcsr: bits that they don't have are kept by qemu 7.2, so there are none in what is written. */
const VECTOR_CSRS = [8, 9, 10, 15];

/** Bytes that a load, store or atomic accesses, else 0. */
function accessed({ mnemonic }: Row): number {
  const plain = /^(?:f?[ls])([bhwd])u?$/.exec(mnemonic);
  if (plain !== null) return WIDTH[plain[1] as string] as number;
  const atomic = /^(?:lr|sc|amo[a-z]+)\.([wd])$/.exec(mnemonic);
  return atomic === null ? 0 : (WIDTH[atomic[1] as string] as number);
}
/** qemu 7.2 fails translating these but after what rounds dynamically: so there is fcvt.s.w f0, zero before them. */
const isTruncating = ({ mnemonic }: Row): boolean => /^vf.*\.rtz/.test(mnemonic);
/** qemu 7.2 looks for ones in the upper half too: so there must be one in the lower. */
const CTZW = "ctzw";
const isBranch = (row: Row): boolean => row.immediate === "b" || row.immediate === "j" || row.mnemonic === "jalr";

export class Generator {
  readonly mnemonics: readonly string[];
  readonly #rows: readonly Row[];
  readonly #plain: readonly Row[];
  readonly #quick: boolean;
  readonly #compressed: boolean;
  readonly #reserves: boolean;
  readonly #decoder: Decoder;

  constructor({ only, quick, withoutReservations }: GeneratorOptions = {}) {
    this.#reserves = withoutReservations !== true;
    this.#quick = quick ?? false;
    const all = families.flatMap((family) => parseTable(family.table));
    // A system call is no matter of the processor's; nothing of what is counted by CSRs is compared.
    const testable = all.filter((row) => row.mnemonic !== "ecall" && !(this.#quick && row.immediate === "csr"));
    this.#rows = testable.filter((row) => only?.includes(row.mnemonic) !== false);
    this.#compressed = only?.includes(COMPRESSED) !== false;
    this.#plain = this.#rows.filter(
      (row) =>
        !isBranch(row) &&
        accessed(row) === 0 &&
        !isVectorMemory(row) &&
        !isTruncating(row) &&
        !["ebreak", CTZW].includes(row.mnemonic),
    );
    this.mnemonics = [...this.#rows.map((row) => row.mnemonic), ...(this.#compressed ? [COMPRESSED] : [])];
    this.#decoder = new Decoder((key) => all.filter((row) => keysOf(row).includes(key)));
  }

  make(seed: number, number: number): Case {
    const rng = new Random(seed, number);
    const which = number % this.mnemonics.length;
    return this.#make(rng, this.#rows[which], rng.oneIn(3));
  }
  /** One instruction of a kind: independent of what others there are. */
  makeSingle(mnemonic: string, seed: number, number: number): Case {
    const row = this.#rows.find((r) => r.mnemonic === mnemonic);
    return this.#make(new Random(seed, number), row, false);
  }

  /** @param row of the last instruction; undefined: one of 16 bits */
  #make(rng: Random, row: Row | undefined, sequence: boolean): Case {
    const x = new BigUint64Array(32);
    const f = new BigUint64Array(32);
    for (let i = 1; i < 32; i++) x[i] = rng.integer();
    for (let i = 0; i < 32; i++) f[i] = float(rng);
    // What instructions of 16 bits take for addresses.
    if (row === undefined) for (const i of [2, 8, 9, 10, 11, 12, 13, 14, 15]) if (!rng.oneIn(4)) x[i] = pointer(rng, 8);
    const vectors = makeVectors(rng, row, sequence);
    const code: number[] = [];
    const names: string[] = [];
    if (sequence && this.#plain.length > 0 && row?.mnemonic !== CTZW)
      for (let n = 1 + rng.below(4); n > 0; n--)
        if (this.#compressed && rng.oneIn(4)) this.#addCompressed(rng, code, names, false);
        else this.#add(rng, rng.pick(this.#plain), code, names, x, vectors, true);
    // What vtype is already, for those who go by what the code says.
    if (row !== undefined && isVector(row) && vectors.vtype >= 0 && rng.oneIn(3)) {
      const word = (vectors.vtype << 20) | 0x7057;
      code.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
    }
    if (row === undefined) this.#addCompressed(rng, code, names, true);
    else if (this.#reserves && names.length === 0 && /^(lr|sc)\./.test(row.mnemonic) && rng.oneIn(2))
      this.#addReserved(rng, row, code, names, x);
    else this.#add(rng, row, code, names, x, vectors, names.length > 0);
    const quick = this.#quick;
    const mode = rng.oneIn(20) ? 5 + rng.below(3) : rng.below(5);
    const fcsr = quick ? 0 : rng.oneIn(3) ? 0 : (mode << 5) | (rng.oneIn(2) ? rng.below(32) : 0);
    return { name: names.join("; "), code: Uint8Array.from(code), x, f, fcsr, vectors, quick };
  }

  #add(
    rng: Random,
    row: Row,
    code: number[],
    names: string[],
    x: BigUint64Array,
    vectors: Vectors,
    inSequence: boolean,
  ): void {
    let word = (row.match | (rng.u32() & ~row.mask)) >>> 0;
    const put = (at: number, width: number, value: number): void => {
      const mask = ((2 ** width - 1) << at) >>> 0;
      word = ((word & ~mask) | ((value << at) & mask)) >>> 0;
    };
    const bytes = accessed(row);
    const has = (field: string): boolean => row.fields.has(field);
    if (isVector(row)) {
      word = placeOperands(rng, row, word, vectors, x);
      if (isTruncating(row)) code.push(0x53, 0x70, 0x00, 0xd0);
      code.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
      names.push(row.mnemonic);
      return;
    }
    if (has("rd") && rng.oneIn(8)) put(7, 5, 0);
    if (has("rs2") && rng.oneIn(8)) put(20, 5, 0);
    if (has("rm")) put(12, 3, rng.oneIn(2) ? 7 : rng.oneIn(30) ? 5 + rng.below(2) : rng.below(5));
    if (this.#quick && has("rm")) put(12, 3, rng.oneIn(4) ? 1 : 7);
    if (row.immediate === "csr") put(20, 12, rng.pick(CSRS));
    // To qemu a register that is 0 sets no bits of what cannot be written.
    if (row.immediate === "csr" && word >>> 30 === 3 && !has("z5")) put(15, 5, 0);
    if (row.immediate === "csr" && !inSequence && rng.oneIn(4)) {
      const csr = rng.pick(VECTOR_CSRS);
      const value = rng.below([64, 2, 4, 8][VECTOR_CSRS.indexOf(csr)] as number);
      put(20, 12, csr);
      if (has("z5")) put(15, 5, value & 31);
      else x[(word >>> 15) & 31] = BigInt(value);
      x[0] = 0n;
    }
    if (row.immediate === "b" || row.immediate === "j") {
      const offset = target(rng, code.length) - SLOT_START - code.length;
      if (row.immediate === "b") {
        put(7, 5, (offset & 0x1e) | ((offset >> 11) & 1));
        put(25, 7, ((offset >> 5) & 0x3f) | ((offset >> 6) & 0x40));
      } else {
        put(12, 8, offset >> 12);
        put(20, 1, offset >> 11);
        put(21, 10, offset >> 1);
        put(31, 1, offset >> 20);
      }
    }
    if (row.mnemonic === CTZW) {
      const rs1 = (word >>> 15) & 31;
      if (rs1 !== 0) x[rs1] = (x[rs1] as bigint) | 0x8000_0000n;
    }
    if (row.mnemonic === "jalr" && rng.oneIn(2)) {
      // auipc before it, so that it has somewhere to go.
      const rs1 = 1 + rng.below(31);
      const auipc = 0x17 | (rs1 << 7);
      const offset = target(rng, code.length + 4) - SLOT_START - code.length;
      code.push(auipc & 0xff, auipc >>> 8, 0, 0);
      put(15, 5, rs1);
      put(20, 12, offset | rng.below(2));
    }
    if (bytes > 0) {
      // Only what an earlier instruction of the sequence has not changed is an address for sure; others fault, mostly.
      const rs1 = 1 + rng.below(31);
      put(15, 5, rng.oneIn(30) ? 0 : rs1);
      const isAtomic = !has("i12") && !has("s7");
      const offset = isAtomic ? 0 : has("i12") ? (word | 0) >> 20 : ((word | 0) >> 25) * 32 + ((word >>> 7) & 31);
      if (!inSequence || rng.oneIn(2)) {
        const sc = row.mnemonic.startsWith("sc");
        x[rs1] = BigInt.asUintN(64, pointer(rng, isAtomic && (sc || !rng.oneIn(8)) ? bytes : 1) - BigInt(offset));
      }
      if (inSequence && isAtomic) x[rs1] = BigInt.asUintN(64, x[rs1] as bigint);
    }
    if (row.mnemonic === "sc.w" || row.mnemonic === "sc.d") {
      // An address without reservation that is not aligned is for the implementation to judge.
      const rs1 = (word >>> 15) & 31;
      x[rs1] = (x[rs1] as bigint) & ~7n;
      if (inSequence) {
        names.push("nothing");
        return;
      }
    }
    code.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
    names.push(row.mnemonic);
  }

  /** lr, maybe something between, and sc. */
  #addReserved(rng: Random, row: Row, code: number[], names: string[], x: BigUint64Array): void {
    const size = row.mnemonic.endsWith("d") ? 3 : 2;
    const rs1 = 1 + rng.below(31);
    const other = 1 + rng.below(31);
    x[rs1] = pointer(rng, 8);
    if (other !== rs1) x[other] = rng.oneIn(2) ? (x[rs1] as bigint) : pointer(rng, 8);
    const put = (word: number): void => {
      code.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
    };
    const free = (): number => {
      for (;;) {
        const n = rng.below(32);
        if (n !== rs1 && n !== other) return n;
      }
    };
    names.push("lr", "sc");
    put(((2 << 27) | (rs1 << 15) | (size << 12) | (free() << 7) | 0x2f) >>> 0);
    // Perhaps a store, there or elsewhere; perhaps sc for another address. (Of another size it may fail or not; qemu does both.)
    if (rng.oneIn(3)) put(((rng.below(32) << 20) | (other << 15) | (3 << 12) | 0x23) >>> 0);
    const at = rng.oneIn(4) ? other : rs1;
    for (let n = rng.oneIn(4) ? 2 : 1; n > 0; n--)
      put(((3 << 27) | (rng.below(32) << 20) | (at << 15) | (size << 12) | (free() << 7) | 0x2f) >>> 0);
  }

  #addCompressed(rng: Random, code: number[], names: string[], last: boolean): void {
    for (;;) {
      const half = rng.u32() & 0xffff;
      if ((half & 3) === 3) continue;
      const word = expand(half);
      if (word === 0 && (!last || !rng.oneIn(4))) continue;
      const opcode = word & 0x7f;
      const isMemory = [0x03, 0x07, 0x23, 0x27].includes(opcode);
      const isControl = [0x63, 0x6f, 0x67, 0x73].includes(opcode);
      if (!last && (isMemory || isControl)) continue;
      if (opcode === 0x63 || opcode === 0x6f) {
        const view = new DataView(new ArrayBuffer(4));
        view.setUint16(0, half, true);
        this.#decoder.decode(view, 0, SLOT_START + code.length);
        const { target: to } = this.#decoder;
        if (!(to >= 0 && to <= SLOT_SIZE - 2) || loops(to, code.length)) continue;
      }
      code.push(half & 0xff, half >>> 8);
      names.push(`${COMPRESSED} ${keyOf(word).toString(16)}`);
      return;
    }
  }
}

/** Where in a slot a branch behind so many bytes of code may lead: not into that, lest it go round for ever. */
function target(rng: Random, length: number): number {
  for (;;) {
    const to = rng.below(SLOT_SIZE / 2) * 2;
    if (!loops(to, length)) return to;
  }
}
function loops(to: number, length: number): boolean {
  return to >= SLOT_START && to < SLOT_START + length + 4;
}

/** An address at which data is, or near an end of it. */
export function pointer(rng: Random, alignment: number): bigint {
  const at = rng.oneIn(6)
    ? DATA + rng.pick([0, 4096, 8192, DATA_SIZE]) - rng.below(9)
    : DATA + rng.below(rng.oneIn(8) ? DATA_SIZE : 2 * 4096 - 8);
  return BigInt(at - (at % alignment));
}

/** A number of some format in its box, or not boxed. */
function float(rng: Random): bigint {
  const choice = rng.below(16);
  if (choice < 7) return rng.float(64);
  if (choice < 13) return rng.float(32) | 0xffff_ffff_0000_0000n;
  if (choice === 13) return rng.float(32) | (rng.u64() & 0xffff_ffff_0000_0000n);
  return half(rng) | (choice === 14 ? 0xffff_ffff_ffff_0000n : rng.u64() & 0xffff_ffff_ffff_0000n);
}
export function half(rng: Random): bigint {
  const fraction = rng.below(1024);
  const sign = rng.below(2) << 15;
  const exponent = rng.pick([0, 0, 1, 30, 31, 31, 15, 14, 16, rng.below(32), rng.below(32), rng.below(32)]);
  return BigInt(sign | (exponent << 10) | rng.pick([fraction, fraction, 0, 1, 0x200, 0x1ff]));
}
