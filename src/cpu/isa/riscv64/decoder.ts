/**
 * From bytes to a form with its operands.
 *
 * Special cases that are common become mnemonics of their own here, for the interpreter's sake: constants (lui, auipc, addi
 * of x0) are `li`, and so on. What only changes x0 is `nop`, unless it may trap.
 */
import { expand } from "./compressed.ts";
import {
  type ImmediateKind,
  isVectorCsr,
  keyOf,
  makesInteger,
  type Row,
  STATIC,
  TOWARDS_ZERO,
  writesFloat,
} from "./table.ts";

/** After these the next instruction in memory isn't reached by falling through. */
const TERMINATORS: ReadonlySet<string> = new Set(["j", "jr", "ebreak"]);
/** Without rd these have nothing to do, but for what they might trap on. */
const PURE_OPCODES: ReadonlySet<number> = new Set([0x13, 0x1b, 0x33, 0x3b, 0x37, 0x17]);
const FFLAGS_CSR = 1;
const DYNAMIC = 7;
const LAST_STATIC = 4;

interface Template {
  readonly row: Row;
  readonly mnemonic: string;
  readonly mask: number;
  readonly match: number;
  readonly immediate: ImmediateKind;
  readonly rounds: boolean;
  readonly toFloat: boolean;
}

export class Decoder {
  readonly #rowsOf: (key: number) => readonly Row[];
  readonly #templates: (readonly Template[] | undefined)[] = [];

  /** Results of the last `decode`. */
  form = "";
  length = 0;
  rd = 0;
  rs1 = 0;
  rs2 = 0;
  rs3 = 0;
  /** Low and high half of the immediate: for li, the constant. */
  imm = 0;
  immHigh = 0;
  /** Static rounding mode. */
  rm = 0;
  /** rd is a floating-point register. */
  toFloat = false;
  /** Where a direct branch leads: not a number for others. */
  target: number = Number.NaN;

  /** @param rowsOf the table's rows by key (table.ts) */
  constructor(rowsOf: (key: number) => readonly Row[]) {
    this.#rowsOf = rowsOf;
  }

  get ends(): boolean {
    return TERMINATORS.has(this.form);
  }

  /** Decodes the instruction at `at`, whose guest address that is. False if there is none. */
  decode(view: DataView, at: number, address: number): boolean {
    const half = view.getUint16(at, true);
    let word: number;
    if ((half & 3) === 3) {
      word = view.getUint32(at, true);
      this.length = 4;
    } else {
      word = expand(half);
      this.length = 2;
    }
    const key = keyOf(word);
    const templates = this.#templates[key] ?? this.#prepare(key);
    for (const t of templates) if ((word & t.mask) >>> 0 === t.match) return this.#fill(t, word, view, at, address);
    return false;
  }

  #prepare(key: number): readonly Template[] {
    const templates = this.#rowsOf(key).map((row) => ({
      row,
      mnemonic: row.mnemonic,
      mask: row.mask,
      match: row.match,
      immediate: row.immediate,
      rounds: row.fields.has("rm"),
      toFloat: writesFloat(row.mnemonic),
    }));
    this.#templates[key] = templates;
    return templates;
  }

  #fill(t: Template, word: number, view: DataView, at: number, address: number): boolean {
    this.form = t.mnemonic;
    this.toFloat = t.toFloat;
    this.rd = (word >>> 7) & 31;
    this.rs1 = (word >>> 15) & 31;
    this.rs2 = (word >>> 20) & 31;
    this.rs3 = word >>> 27;
    this.target = Number.NaN;
    const signed = word | 0;
    switch (t.immediate) {
      case "none":
        this.imm = 0;
        break;
      case "i":
        this.imm = signed >> 20;
        break;
      case "s":
        this.imm = ((signed >> 25) << 5) | this.rd;
        break;
      case "b":
        this.imm = ((signed >> 31) << 12) | ((word & 0x80) << 4) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e);
        this.target = address + this.imm;
        break;
      case "u":
        this.imm = signed & ~0xfff;
        break;
      case "j":
        this.imm = ((signed >> 31) << 20) | (word & 0xf_f000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe);
        this.target = address + this.imm;
        break;
      case "shift":
        this.imm = (word >>> 20) & 63;
        break;
      case "csr":
        this.imm = word >>> 20;
        if (isVectorCsr(this.imm)) this.form = `v${this.form}`;
        break;
      case "word":
        this.imm = signed;
        break;
    }
    this.immHigh = this.imm >> 31;
    if (t.rounds && !this.#round(t.mnemonic, (word >>> 12) & 7)) return false;
    this.#simplify(word & 0x7f, address);
    if (t.immediate === "csr" && this.imm === FFLAGS_CSR) this.#quietCompare(view, at);
    return true;
  }

  #round(mnemonic: string, rm: number): boolean {
    this.rm = rm;
    if (rm === DYNAMIC) return true;
    this.form = mnemonic + (rm === 1 && makesInteger(mnemonic) ? TOWARDS_ZERO : STATIC);
    return rm <= LAST_STATIC;
  }

  #simplify(opcode: number, address: number): void {
    if (PURE_OPCODES.has(opcode)) {
      if (this.rd === 0) this.form = "nop";
      else if (opcode === 0x37) this.form = "li";
      else if (opcode === 0x17) this.#constant(address + this.imm);
      else if (this.form === "addi") {
        if (this.rs1 === 0) this.form = "li";
        else if (this.imm === 0) this.form = "mv";
      } else if (this.form === "add" && this.rs1 === 0) {
        this.form = "mv";
        this.rs1 = this.rs2;
      }
      return;
    }
    switch (this.form) {
      case "jal":
        if (this.rd === 0) this.form = "j";
        break;
      case "jalr":
        if (this.rd === 0) this.form = "jr";
        break;
      case "beq":
        if (this.rs2 === 0) this.form = "beqz";
        break;
      case "bne":
        if (this.rs2 === 0) this.form = "bnez";
        break;
    }
  }

  /**
   * Compilers make a comparison that raises nothing of one that does: frflags t; flt.d ...; fsflags t. That is no look at
   * the flags.
   */
  #quietCompare(view: DataView, at: number): void {
    const reads = this.form === "csrrs" && this.rs1 === 0;
    const first = reads ? at : at - 8;
    if (first < 0 || !(reads || (this.form === "csrrw" && this.rd === 0))) return;
    const register = reads ? this.rd : this.rs1;
    const [read, compare, write] = [0, 4, 8].map((n) => view.getUint32(first + n, true)) as [number, number, number];
    const isRead = read === (0x0010_2073 | (register << 7)) >>> 0;
    const isCompare = (compare & 0xf800_007f) >>> 0 === 0xa000_0053 && ((compare >>> 7) & 31) !== register;
    const isWrite = write === (0x0010_1073 | (register << 15)) >>> 0;
    if (register !== 0 && isRead && isCompare && isWrite) this.form = reads ? "flags.keep" : "flags.restore";
  }

  #constant(value: number): void {
    this.form = "li";
    this.imm = value | 0;
    this.immHigh = Math.floor(value / 0x1_0000_0000);
  }
}
