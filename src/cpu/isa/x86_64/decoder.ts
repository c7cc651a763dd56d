/**
 * The instruction decoder, driven by the encoding table.
 *
 * For each opcode the rows of the table are turned into templates (one per combination of mandatory prefix, operand size
 * and, where a row asks for them, ModRM fields) when first met. Decoding then is: prefixes, one or two lookups, and the
 * template's operand fields.
 */
import { FS_BASE, GS_BASE, HIGH_SLOT, ZERO_SLOT } from "./context.ts";
import { addressSize32, formName, type OperandSpec, type Row, VEX_OPCODES } from "./table.ts";

/** Where an operand's value is taken from when an instruction is decoded. */
const enumOperand = {
  None: 0,
  GprReg: 1,
  GprRm: 2,
  GprOpcode: 3,
  NumberReg: 4,
  NumberRm: 5,
  Rax: 6,
  Rcx: 7,
  Imm8: 8,
  Imm16: 9,
  Imm32: 10,
  Imm64: 11,
  One: 12,
  Rel8: 13,
  Rel32: 14,
  Moffs: 15,
  AtRbx: 16,
  AtZero: 19,
  Byte: 32,
  XmmReg: 17,
  XmmRm: 18,
  VexGpr: 20,
  VexXmm: 21,
  ImmXmm: 22,
} as const;
const O = enumOperand;

export interface Template {
  readonly row: Row;
  /** Form with a register, and with memory, in ModRM.rm; the same where the row has no such choice. */
  readonly registerForm: string;
  readonly memoryForm: string;
  /** What the engine makes of the forms. */
  readonly registerHandler: number;
  readonly memoryHandler: number;
  readonly operandSize: number;
  readonly operands: readonly number[];
  /** Has a branch target; a 64-bit immediate. */
  readonly hasTarget: boolean;
  readonly hasImm64: boolean;
  /** Encoded with VEX, and an operand comes from vvvv. */
  readonly usesVvvv: boolean;
  /** The memory operand has a vector of indices. */
  readonly vsib: boolean;
}

/** Result of `decode`. */
export const Decoded = {
  Ok: 0,
  Illegal: 1,
} as const;
export type Decoded = (typeof Decoded)[keyof typeof Decoded];

const OPERAND_SIZES = [2, 4, 8];

/** What is known of an opcode: its rows, and the templates made of them so far. */
interface Opcode {
  readonly rows: readonly Row[];
  /** The bits of a ModRM byte with registers by which rows differ. Where there are any, they may differ by reg with memory. */
  readonly byModrm: number;
  readonly variants: number;
  /** By prefixes, operand size and variant; null is an encoding that does not exist. */
  readonly templates: (Template | null | undefined)[];
}

/** Combinations of an address size, a repeat and an operand size prefix. */
const PREFIXES = 16;

/** Decodes one instruction at a time into its own fields. */
export class Decoder {
  // The instruction that was decoded last.
  template!: Template;
  length = 0;
  /** Context offset (general registers) or number of a register operand, by the operand's place. */
  register0 = 0;
  register1 = 0;
  register2 = 0;
  register3 = 0;
  hasMemory = false;
  base: number = ZERO_SLOT;
  /** Context offset like the base's, or the number of a vector register (`template.vsib`). */
  index: number = ZERO_SLOT;
  scale = 0;
  disp = 0;
  /** 0, or the context offset of the segment base to be added. */
  segment = 0;
  address32 = false;
  imm = 0;
  immHigh = 0;
  /** Branch target, for operands of kind j: a guest address, maybe beyond 2^32 or negative. */
  target = 0;
  lock = false;

  readonly #rowsOf: (opcode: number) => readonly Row[];
  readonly #opcodes: (Opcode | undefined)[] = new Array(2 * VEX_OPCODES);
  readonly #numberOf: (form: string) => number;

  /**
   * @param rowsOf the rows of the table for an opcode (map * 256 + last byte), asked once for each that is met
   * @param numberOf what the engine wants to find in a template for a form
   */
  constructor(rowsOf: (opcode: number) => readonly Row[], numberOf: (form: string) => number) {
    this.#rowsOf = rowsOf;
    this.#numberOf = numberOf;
  }

  /** Decodes the instruction at `code[at]`, which is at guest address `rip`. Up to 15 bytes are looked at. */
  decode(code: Uint8Array, view: DataView, at: number, rip: number): Decoded {
    let p = at;
    let size16 = false;
    let rep = 0;
    let rex = 0;
    this.segment = 0;
    this.address32 = false;
    this.lock = false;
    this.hasMemory = false;
    let opcode = code[p++] as number;
    prefixes: for (;;) {
      switch (opcode) {
        case 0x66:
          size16 = true;
          break;
        case 0x67:
          this.address32 = true;
          break;
        case 0xf0:
          this.lock = true;
          break;
        case 0xf2:
          rep = 3;
          break;
        case 0xf3:
          rep = 2;
          break;
        case 0x64:
          this.segment = FS_BASE;
          break;
        case 0x65:
          this.segment = GS_BASE;
          break;
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
          break;
        default:
          if ((opcode & 0xf0) !== 0x40) break prefixes;
          // REX counts only right before the opcode.
          rex = opcode;
          opcode = code[p++] as number;
          if ((opcode & 0xf0) === 0x40 || isPrefix(opcode)) {
            rex = 0;
            continue;
          }
          break prefixes;
      }
      opcode = code[p++] as number;
      if (p - at > 15) return this.#illegal(p - at);
    }
    if (opcode === 0xc4 || opcode === 0xc5) {
      if (size16 || rep !== 0 || rex !== 0 || this.lock) return this.#illegal(p - at);
      return this.#vex(code, view, at, p, rip);
    }
    let map = 0;
    if (opcode === 0x0f) {
      map = 1;
      opcode = code[p++] as number;
      if (opcode === 0x38 || opcode === 0x3a) {
        map = opcode === 0x38 ? 2 : 3;
        opcode = code[p++] as number;
      }
    }
    // 90 is xchg eax,eax by its encoding but must not clear the upper half of rax; it takes the place of 0f 1f's nop.
    const isNop = map === 0 && opcode === 0x90 && (rex & 1) === 0;
    const key = isNop ? 0x1ff : map * 256 + opcode;
    const modrm = code[p] as number;
    const sizeIndex = (rex & 8) !== 0 ? 2 : size16 ? 0 : 1;
    const prefix = (this.address32 ? 8 : 0) + rep * 2 + (size16 ? 1 : 0);
    const template = isNop ? this.#nop() : this.#template(key, prefix, sizeIndex, modrm);
    if (template === null) return this.#illegal(p - at);
    return this.#operands(template, code, view, at, p, rip, modrm, rex, 0);
  }

  /** The rest of an instruction after the first byte of its VEX prefix, which is at `p - 1` (Intel SDM vol. 2, 2.3.5). */
  #vex(code: Uint8Array, view: DataView, at: number, start: number, rip: number): Decoded {
    let p = start;
    const three = code[p - 1] === 0xc4;
    // R, X and B are stored inverted, as is vvvv.
    const first = three ? (code[p++] as number) : ((code[p] as number) & 0x80) | 0x61;
    const second = code[p++] as number;
    const map = first & 31;
    const w = three && (second & 0x80) !== 0;
    const rex = 0x40 | (w ? 8 : 0) | ((first >> 5) ^ 7);
    const opcode = code[p++] as number;
    const modrm = code[p] as number;
    if (map < 1 || map > 3) return this.#illegal(p - at);
    const template = this.#template(
      VEX_OPCODES + map * 256 + opcode,
      vexPrefix(second, this.address32),
      w ? 2 : 1,
      modrm,
    );
    const vvvv = ((second >> 3) & 15) ^ 15;
    if (template === null || (vvvv !== 0 && !template.usesVvvv)) return this.#illegal(p - at);
    // The index of a gather is in an SIB byte.
    if (template.vsib && (modrm & 7) !== 4) return this.#illegal(p - at);
    return this.#operands(template, code, view, at, p, rip, modrm, rex, vvvv);
  }

  /** ModRM, if there is one, at `start`, and all that follows it. `rex` as in a REX prefix. */
  #operands(
    template: Template,
    code: Uint8Array,
    view: DataView,
    at: number,
    start: number,
    rip: number,
    modrm: number,
    rex: number,
    vvvv: number,
  ): Decoded {
    let p = start;
    this.template = template;
    const { row } = template;
    if (row.modrm) {
      p++;
      if (modrm < 0xc0) p = this.#memory(code, view, p, modrm, rex);
    }
    // Operands; a rip-relative address and a branch target need the end of the instruction and come last.
    const { operands } = template;
    for (let n = 0; n < operands.length; n++) {
      const o = operands[n] as number;
      let register = 0;
      switch (o & ~O.Byte) {
        case O.None:
          continue;
        case O.GprReg:
          register = gprOffset(((modrm >> 3) & 7) | ((rex & 4) << 1), o, rex);
          break;
        case O.GprRm:
          register = gprOffset((modrm & 7) | ((rex & 1) << 3), o, rex);
          break;
        case O.GprOpcode:
          register = gprOffset(((code[start - 1] as number) & 7) | ((rex & 1) << 3), o, rex);
          break;
        case O.NumberReg:
          register = (modrm >> 3) & 7;
          break;
        case O.NumberRm:
          register = modrm & 7;
          break;
        case O.XmmReg:
          register = ((modrm >> 3) & 7) | ((rex & 4) << 1);
          break;
        case O.XmmRm:
          register = (modrm & 7) | ((rex & 1) << 3);
          break;
        case O.VexGpr:
          register = vvvv * 8;
          break;
        case O.VexXmm:
          register = vvvv;
          break;
        case O.ImmXmm:
          register = (code[p++] as number) >> 4;
          break;
        case O.Rax:
          register = 0;
          break;
        case O.Rcx:
          register = 8;
          break;
        case O.Imm8:
          this.#immediate(view.getInt8(p), n);
          p += 1;
          continue;
        case O.Imm16:
          this.#immediate(view.getInt16(p, true), n);
          p += 2;
          continue;
        case O.Imm32:
          this.#immediate(view.getInt32(p, true), n);
          p += 4;
          continue;
        case O.Imm64:
          this.imm = view.getInt32(p, true);
          this.immHigh = view.getInt32(p + 4, true);
          p += 8;
          continue;
        case O.One:
          this.imm = 1;
          continue;
        case O.Rel8:
          this.target = view.getInt8(p);
          p += 1;
          continue;
        case O.Rel32:
          this.target = view.getInt32(p, true);
          p += 4;
          continue;
        case O.Moffs:
          p = this.#moffs(view, p);
          continue;
        case O.AtRbx:
          this.#setMemory(24, ZERO_SLOT, 0, 0);
          continue;
        case O.AtZero:
          this.#setMemory(ZERO_SLOT, ZERO_SLOT, 0, 0);
          continue;
      }
      if (n === 0) this.register0 = register;
      else if (n === 1) this.register1 = register;
      else if (n === 2) this.register2 = register;
      else this.register3 = register;
    }
    // The three vector registers of a gather have to be different ("VPGATHERDD").
    if (template.vsib && (this.register0 === this.index || vvvv === this.index || this.register0 === vvvv))
      return this.#illegal(p - at);
    this.length = p - at;
    if (this.length > 15) return this.#illegal(this.length);
    const next = rip + this.length;
    this.target += next;
    if (this.hasMemory) {
      // An effective address has no segment base in it.
      if (row.mnemonic === "lea") this.segment = 0;
      if (this.#ripRelative) this.#absolute(next + this.disp);
      if (this.segment !== 0 && !this.address32 && !template.vsib) this.#addSegment();
      // The stack pointer has moved when pop's destination address is computed (Intel SDM vol. 2, "POP").
      if (row.mnemonic === "pop" && this.base === 32) this.disp += template.operandSize;
    }
    if (this.lock && !(row.lock && this.hasMemory)) return this.#illegal(this.length);
    return Decoded.Ok;
  }

  #illegal(length: number): Decoded {
    this.length = length;
    return Decoded.Illegal;
  }

  #immediate(value: number, n: number): void {
    // Of two immediates (enter) the first goes to the displacement.
    if (n === 0 && this.template.operands.length > 1) this.disp = value;
    else this.imm = value;
  }

  #ripRelative = false;

  #setMemory(base: number, index: number, scale: number, disp: number): void {
    this.hasMemory = true;
    this.#ripRelative = false;
    this.base = base;
    this.index = index;
    this.scale = scale;
    this.disp = disp;
  }

  /** ModRM with memory, SIB and displacement. Returns the position after them. */
  #memory(code: Uint8Array, view: DataView, start: number, modrm: number, rex: number): number {
    let p = start;
    const mod = modrm >> 6;
    const rm = modrm & 7;
    let base = rm | ((rex & 1) << 3);
    let baseOffset = base * 8;
    let index = ZERO_SLOT;
    let scale = 0;
    if (rm === 4) {
      const sib = code[p++] as number;
      base = (sib & 7) | ((rex & 1) << 3);
      baseOffset = base * 8;
      const i = ((sib >> 3) & 7) | ((rex & 2) << 2);
      if (this.template.vsib) {
        index = i;
        scale = sib >> 6;
      } else if (i !== 4) {
        index = i * 8;
        scale = sib >> 6;
      }
      if ((sib & 7) === 5 && mod === 0) {
        this.#setMemory(ZERO_SLOT, index, scale, view.getInt32(p, true));
        return p + 4;
      }
    } else if (rm === 5 && mod === 0) {
      this.#setMemory(ZERO_SLOT, ZERO_SLOT, 0, view.getInt32(p, true));
      this.#ripRelative = true;
      return p + 4;
    }
    let disp = 0;
    if (mod === 1) {
      disp = view.getInt8(p);
      p += 1;
    } else if (mod === 2) {
      disp = view.getInt32(p, true);
      p += 4;
    }
    this.#setMemory(baseOffset, index, scale, disp);
    return p;
  }

  /** The memory operand is at a known address. */
  #absolute(address: number): void {
    this.base = ZERO_SLOT;
    this.disp = address | 0;
    if (address >= 0x8000_0000) {
      this.base = HIGH_SLOT;
      this.disp = (address - 0x1_0000_0000) | 0;
    }
  }

  #moffs(view: DataView, p: number): number {
    this.#setMemory(ZERO_SLOT, ZERO_SLOT, 0, 0);
    const low = view.getUint32(p, true);
    const high = this.address32 ? 0 : view.getUint32(p + 4, true);
    // Nothing is mapped from 4 GiB up: any such address will do for a fault, if it keeps being canonical or not.
    if (high === 0) this.#absolute(low);
    else this.#setMemory(HIGH_SLOT, HIGH_SLOT, high >= 0x8000 && high < 0xffff_8000 ? 24 : 0, 0);
    return p + (this.address32 ? 4 : 8);
  }

  #addSegment(): void {
    if (this.base === ZERO_SLOT) this.base = this.segment;
    else if (this.index === ZERO_SLOT) {
      this.index = this.segment;
      this.scale = 0;
    } else return;
    this.segment = 0;
  }

  #nopTemplate: Template | undefined;
  #nop(): Template {
    this.#nopTemplate ??= {
      row: {
        mnemonic: "nop",
        operands: [],
        map: 0,
        opcode: 0x90,
        vex: undefined,
        prefix: undefined,
        plusR: false,
        ext: undefined,
        mod: undefined,
        rm: undefined,
        lock: false,
        d64: false,
        o16: false,
        str: false,
        modrm: false,
      },
      registerForm: "nop",
      memoryForm: "nop",
      registerHandler: this.#numberOf("nop"),
      memoryHandler: this.#numberOf("nop"),
      operandSize: 4,
      operands: [],
      hasTarget: false,
      hasImm64: false,
      usesVvvv: false,
      vsib: false,
    };
    return this.#nopTemplate;
  }

  #template(key: number, prefix: number, sizeIndex: number, modrm: number): Template | null {
    const opcode = (this.#opcodes[key] ??= this.#opcode(key));
    const variant = opcode.byModrm === 0 ? 0 : modrm < 0xc0 ? (modrm >> 3) & 7 : 8 + (modrm & opcode.byModrm);
    const at = (prefix * 3 + sizeIndex) * opcode.variants + variant;
    let template = opcode.templates[at];
    if (template === undefined) {
      template = this.#choose(opcode.rows, prefix, sizeIndex, modrm);
      opcode.templates[at] = template;
    }
    return template;
  }

  #opcode(key: number): Opcode {
    const rows = this.#rowsOf(key);
    const byRm = rows.some((r) => r.rm !== undefined);
    const byModrm = byRm ? 0x3f : rows.some((r) => r.ext !== undefined || r.mod !== undefined) ? 0x38 : 0;
    const variants = byModrm === 0 ? 1 : 72;
    return { rows, byModrm, variants, templates: new Array(PREFIXES * 3 * variants) };
  }

  #choose(all: readonly Row[], prefix: number, sizeIndex: number, modrm: number): Template | null {
    const matching = all.filter(
      (r) =>
        (r.ext === undefined || r.ext === ((modrm >> 3) & 7)) &&
        (r.mod === undefined || r.mod === (modrm >= 0xc0 ? "r" : "m")) &&
        (r.rm === undefined || r.rm === (modrm & 7)),
    );
    if (all[0]?.vex !== undefined) {
      const row = matching.find((r) => isVex(r, prefix, sizeIndex === 2));
      return row === undefined ? null : this.#make(row, sizeIndex, prefix >= 8, (prefix & 1) !== 0 ? 32 : 16);
    }
    const rep = (prefix >> 1) & 3;
    const size16 = (prefix & 1) !== 0;
    const wanted: Row["prefix"][] = [];
    if (rep === 3) wanted.push("f2");
    if (rep === 2) wanted.push("f3");
    if (rep < 2 && size16) wanted.push("66");
    if (rep < 2 && !size16) wanted.push("np");
    wanted.push(undefined);
    for (const w of wanted) {
      const row = matching.find((r) => r.prefix === w);
      if (row !== undefined) return this.#make(row, sizeIndex, prefix >= 8);
    }
    return null;
  }

  #make(row: Row, sizeIndex: number, address32: boolean, vector = 16): Template {
    let operandSize = OPERAND_SIZES[sizeIndex] as number;
    if (row.prefix === "66" && operandSize === 2) operandSize = 4;
    if (row.d64 && operandSize === 4) operandSize = 8;
    if (row.o16) operandSize = 8;
    const sized = (form: string): string => (row.str && address32 ? addressSize32(form) : form);
    const registerForm = sized(formName(row, operandSize, false, vector));
    const memoryForm = sized(formName(row, operandSize, true, vector));
    const operands = row.operands.map((o) => operandSource(o, operandSize));
    return {
      row,
      registerForm,
      memoryForm,
      registerHandler: row.mod === "m" ? -1 : this.#numberOf(registerForm),
      memoryHandler: row.mod === "r" || !row.modrm ? this.#numberOf(registerForm) : this.#numberOf(memoryForm),
      operandSize,
      operands,
      hasTarget: operands.some((o) => o === O.Rel8 || o === O.Rel32),
      hasImm64: operands.includes(O.Imm64),
      usesVvvv: operands.includes(O.VexGpr) || operands.includes(O.VexXmm),
      vsib: row.operands.some((o) => o.where === "Y"),
    };
  }

  /** The form of the instruction that was decoded. */
  get form(): string {
    return this.hasMemory ? this.template.memoryForm : this.template.registerForm;
  }
  get handler(): number {
    return this.hasMemory ? this.template.memoryHandler : this.template.registerHandler;
  }
}

/** VEX.pp and VEX.L, and the address size, as the number of a combination of prefixes. */
function vexPrefix(second: number, address32: boolean): number {
  return (address32 ? 8 : 0) + (second & 3) * 2 + ((second >> 2) & 1);
}

const VEX_PREFIXES: readonly Row["prefix"][] = ["np", "66", "f3", "f2"];

function isVex(row: Row, prefix: number, w: boolean): boolean {
  const { l = prefix & 1, w: rowW = w ? 1 : 0 } = row.vex as NonNullable<Row["vex"]>;
  return row.prefix === VEX_PREFIXES[(prefix >> 1) & 3] && l === (prefix & 1) && rowW === (w ? 1 : 0);
}

function isPrefix(byte: number): boolean {
  if (byte < 0x64) return byte === 0x26 || byte === 0x2e || byte === 0x36 || byte === 0x3e;
  return byte <= 0x67 || byte === 0xf0 || byte === 0xf2 || byte === 0xf3;
}

/** Context offset of a general register; without REX, byte registers 4 to 7 are the second bytes of the first four. */
function gprOffset(number: number, operand: number, rex: number): number {
  if ((operand & O.Byte) !== 0 && rex === 0 && number >= 4) return (number - 4) * 8 + 1;
  return number * 8;
}

function operandSource(spec: OperandSpec, operandSize: number): number {
  const byte = spec.size === "b" ? O.Byte : 0;
  switch (spec.where) {
    case "G":
      return O.GprReg | byte;
    case "E":
    case "R":
      return O.GprRm | byte;
    case "Z":
      return O.GprOpcode | byte;
    case "A":
      return O.Rax;
    case "C":
      return O.Rcx;
    case "S":
    case "P":
      return O.NumberReg;
    case "Q":
    case "N":
    case "T":
      return O.NumberRm;
    case "V":
      return O.XmmReg;
    case "W":
    case "U":
      return O.XmmRm;
    case "I":
      if (spec.size === "b") return O.Imm8;
      if (spec.size === "w") return O.Imm16;
      if (spec.size === "v" && operandSize === 8) return O.Imm64;
      return operandSize === 2 ? O.Imm16 : O.Imm32;
    case "1":
      return O.One;
    case "J":
      return spec.size === "b" ? O.Rel8 : O.Rel32;
    case "O":
      return O.Moffs;
    case "B":
      return O.VexGpr;
    case "H":
      return O.VexXmm;
    case "L":
      return O.ImmXmm;
    case "D":
      return O.AtRbx;
    case "X":
      return O.AtZero;
    case "M":
    case "Y":
      return O.None;
    default:
      throw new Error(`encoding table: no operand "${spec.where}"`);
  }
}
