/**
 * Call frame information, the contents of .eh_frame: for each instruction of a function, where its caller's registers are
 * (DWARF 5, section 6.4; LSB 5.0, "Exception Frames"). Compilers write it even where nobody throws exceptions, and so
 * a stack can be walked in code that keeps no frame pointer.
 *
 * The section is indexed when it is first asked for; the rules for an address are worked out when they are needed, and
 * kept.
 */
import { DwarfReader, POINTER_OMITTED } from "./dwarf-reader.ts";

/** How to find a register of the caller. A register without a rule has its value still. */
export type RegisterRule =
  | { readonly kind: "undefined" }
  /** At the canonical frame address plus `offset`. */
  | { readonly kind: "saved"; readonly offset: number }
  /** The canonical frame address plus `offset` itself. */
  | { readonly kind: "value"; readonly offset: number }
  | { readonly kind: "register"; readonly register: number }
  /** At the address that the expression computes from the frame address, or that value itself. */
  | { readonly kind: "expression"; readonly code: Uint8Array; readonly isValue: boolean };

/** What holds at one instruction. */
export interface FrameRules {
  /** The canonical frame address: a register plus an offset, or an expression. */
  readonly cfa: { readonly register: number; readonly offset: number } | { readonly code: Uint8Array };
  readonly registers: ReadonlyMap<number, RegisterRule>;
  /** The column that stands for the return address. */
  readonly returnRegister: number;
  /** The frame of a signal handler: what is "returned" to was interrupted anywhere. */
  readonly signal: boolean;
}

interface Cie {
  readonly codeAlign: number;
  readonly dataAlign: number;
  readonly returnRegister: number;
  readonly augmented: boolean;
  readonly pointerEncoding: number;
  readonly signal: boolean;
  /** Offsets of its instructions in the section. */
  readonly start: number;
  readonly end: number;
}

interface Fde {
  readonly cie: Cie;
  readonly pcStart: number;
  readonly pcEnd: number;
  readonly start: number;
  readonly end: number;
}

export class CallFrames {
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #fdes: Fde[];
  readonly #rules = new Map<number, FrameRules | undefined>();

  /**
   * @param bytes the section .eh_frame
   * @param address its virtual address
   */
  constructor(bytes: Uint8Array, address: number) {
    this.#bytes = bytes;
    this.#address = address;
    this.#fdes = readFdes(bytes, address);
  }

  /** Where the function begins that an address belongs to. */
  functionStart(pc: number): number | undefined {
    return this.#fdeOf(pc)?.pcStart;
  }

  /** The rules for the instruction at `pc`; undefined if there are none, or none that can be understood. */
  rulesAt(pc: number): FrameRules | undefined {
    if (this.#rules.has(pc)) return this.#rules.get(pc);
    let rules: FrameRules | undefined;
    const fde = this.#fdeOf(pc);
    try {
      if (fde !== undefined) rules = new RuleReader(this.#bytes, this.#address, fde).at(pc);
    } catch (error) {
      // Another vendor's extension, or damage.
      if (!(error instanceof RangeError)) throw error;
    }
    this.#rules.set(pc, rules);
    return rules;
  }

  #fdeOf(pc: number): Fde | undefined {
    const fdes = this.#fdes;
    let low = 0;
    let high = fdes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((fdes[middle] as Fde).pcStart <= pc) low = middle + 1;
      else high = middle;
    }
    const fde = fdes[low - 1];
    return fde !== undefined && pc < fde.pcEnd ? fde : undefined;
  }
}

function readFdes(bytes: Uint8Array, address: number): Fde[] {
  const r = new DwarfReader(bytes);
  const cies = new Map<number, Cie | undefined>();
  const fdes: Fde[] = [];
  while (r.at + 8 <= bytes.length) {
    const entry = r.at;
    let length = r.u32();
    // The linker ends the section, and sometimes the part of one file, with a length of 0.
    if (length === 0) continue;
    if (length === 0xffff_ffff) length = r.u64();
    const end = r.at + length;
    if (end > bytes.length) break;
    const idAt = r.at;
    const id = r.u32();
    try {
      if (id === 0) cies.set(entry, readCie(r, end, address));
      else {
        const cie = cies.get(idAt - id);
        if (cie !== undefined) fdes.push(readFde(r, cie, end, address));
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    r.at = end;
  }
  return fdes.sort((a, b) => a.pcStart - b.pcStart);
}

function readCie(r: DwarfReader, end: number, address: number): Cie {
  const version = r.u8();
  if (version !== 1 && version !== 3) throw new RangeError(`CIE version ${version}`);
  const augmentation = r.string();
  const codeAlign = r.uleb();
  const dataAlign = r.sleb();
  const returnRegister = version === 1 ? r.u8() : r.uleb();
  const augmented = augmentation.startsWith("z");
  if (augmentation !== "" && !augmented) throw new RangeError(`CIE augmentation ${augmentation}`);
  let pointerEncoding = 0;
  let signal = false;
  let start = r.at;
  if (augmented) {
    const length = r.uleb();
    start = r.at + length;
    for (const letter of augmentation.slice(1)) {
      if (letter === "R") pointerEncoding = r.u8();
      else if (letter === "L") r.u8();
      else if (letter === "P") r.pointer(r.u8(), address);
      else if (letter === "S") signal = true;
    }
  }
  return { codeAlign, dataAlign, returnRegister, augmented, pointerEncoding, signal, start, end };
}

function readFde(r: DwarfReader, cie: Cie, end: number, address: number): Fde {
  if (cie.pointerEncoding === POINTER_OMITTED) throw new RangeError("an FDE without an address");
  const pcStart = r.pointer(cie.pointerEncoding, address);
  const pcEnd = pcStart + r.pointer(cie.pointerEncoding & 0x0f, address);
  if (cie.augmented) {
    const length = r.uleb();
    r.at += length;
  }
  return { cie, pcStart, pcEnd, start: r.at, end };
}

type Cfa = { register: number; offset: number } | { code: Uint8Array };

interface State {
  cfa: Cfa;
  registers: Map<number, RegisterRule>;
}

/** Executes the instructions of a CIE and an FDE up to an address. */
class RuleReader {
  readonly #fde: Fde;
  readonly #bytes: Uint8Array;
  readonly #address: number;
  #state: State = { cfa: { register: 0, offset: 0 }, registers: new Map() };
  #initial: ReadonlyMap<number, RegisterRule> = new Map();
  readonly #remembered: State[] = [];
  #location: number;

  constructor(bytes: Uint8Array, address: number, fde: Fde) {
    this.#bytes = bytes;
    this.#address = address;
    this.#fde = fde;
    this.#location = fde.pcStart;
  }

  at(pc: number): FrameRules {
    const { cie, start, end } = this.#fde;
    this.#run(cie.start, cie.end, Number.POSITIVE_INFINITY);
    this.#initial = new Map(this.#state.registers);
    this.#run(start, end, pc);
    const { cfa, registers } = this.#state;
    return { cfa, registers, returnRegister: cie.returnRegister, signal: cie.signal };
  }

  #run(from: number, to: number, pc: number): void {
    const r = new DwarfReader(this.#bytes, from);
    while (r.at < to) {
      const opcode = r.u8();
      const low = opcode & 0x3f;
      switch (opcode >> 6) {
        case 1: // DW_CFA_advance_loc
          if (!this.#advance(low, pc)) return;
          break;
        case 2:
          this.#saved(low, r.uleb());
          break;
        case 3:
          this.#restore(low);
          break;
        default:
          if (!this.#extended(low, r, pc)) return;
      }
    }
  }

  /** False: the next row is for addresses after `pc`. */
  #advance(delta: number, pc: number): boolean {
    this.#location += delta * this.#fde.cie.codeAlign;
    return this.#location <= pc;
  }

  #saved(register: number, offset: number): void {
    this.#set(register, { kind: "saved", offset: offset * this.#fde.cie.dataAlign });
  }
  #set(register: number, rule: RegisterRule): void {
    this.#state.registers.set(register, rule);
  }
  #restore(register: number): void {
    const rule = this.#initial.get(register);
    if (rule === undefined) this.#state.registers.delete(register);
    else this.#state.registers.set(register, rule);
  }

  #extended(opcode: number, r: DwarfReader, pc: number): boolean {
    const { dataAlign, pointerEncoding } = this.#fde.cie;
    const block = (): Uint8Array => {
      const length = r.uleb();
      r.at += length;
      return r.bytes.subarray(r.at - length, r.at);
    };
    switch (opcode) {
      case 0x00: // nop
        break;
      case 0x01: // set_loc
        this.#location = r.pointer(pointerEncoding, this.#address);
        return this.#location <= pc;
      case 0x02: // advance_loc1, 2, 4
        return this.#advance(r.u8(), pc);
      case 0x03:
        return this.#advance(r.u16(), pc);
      case 0x04:
        return this.#advance(r.u32(), pc);
      case 0x05: // offset_extended
        this.#saved(r.uleb(), r.uleb());
        break;
      case 0x06: // restore_extended
        this.#restore(r.uleb());
        break;
      case 0x07: // undefined
        this.#set(r.uleb(), { kind: "undefined" });
        break;
      case 0x08: // same_value
        this.#state.registers.delete(r.uleb());
        break;
      case 0x09: // register
        this.#set(r.uleb(), { kind: "register", register: r.uleb() });
        break;
      case 0x0a: // remember_state
        this.#remembered.push({ cfa: this.#state.cfa, registers: new Map(this.#state.registers) });
        break;
      case 0x0b: {
        const state = this.#remembered.pop();
        if (state === undefined) throw new RangeError("no state to restore");
        this.#state = state;
        break;
      }
      case 0x0c: // def_cfa
        this.#state.cfa = { register: r.uleb(), offset: r.uleb() };
        break;
      case 0x0d: // def_cfa_register
        this.#state.cfa = { register: r.uleb(), offset: this.#cfaOffset() };
        break;
      case 0x0e: // def_cfa_offset
        this.#state.cfa = { register: this.#cfaRegister(), offset: r.uleb() };
        break;
      case 0x0f: // def_cfa_expression
        this.#state.cfa = { code: block() };
        break;
      case 0x10: // expression
        this.#set(r.uleb(), { kind: "expression", code: block(), isValue: false });
        break;
      case 0x11: // offset_extended_sf
        this.#saved(r.uleb(), r.sleb());
        break;
      case 0x12: // def_cfa_sf
        this.#state.cfa = { register: r.uleb(), offset: r.sleb() * dataAlign };
        break;
      case 0x13: // def_cfa_offset_sf
        this.#state.cfa = { register: this.#cfaRegister(), offset: r.sleb() * dataAlign };
        break;
      case 0x14: // val_offset
        this.#set(r.uleb(), { kind: "value", offset: r.uleb() * dataAlign });
        break;
      case 0x15: // val_offset_sf
        this.#set(r.uleb(), { kind: "value", offset: r.sleb() * dataAlign });
        break;
      case 0x16: // val_expression
        this.#set(r.uleb(), { kind: "expression", code: block(), isValue: true });
        break;
      case 0x2e: // GNU_args_size: of no interest to who only looks
        r.uleb();
        break;
      case 0x2f: // GNU_negative_offset_extended
        this.#saved(r.uleb(), -r.uleb());
        break;
      default:
        throw new RangeError(`call frame instruction 0x${opcode.toString(16)}`);
    }
    return true;
  }

  #cfaRegister(): number {
    const { cfa } = this.#state;
    if ("code" in cfa) throw new RangeError("the frame address is an expression");
    return cfa.register;
  }
  #cfaOffset(): number {
    const { cfa } = this.#state;
    if ("code" in cfa) throw new RangeError("the frame address is an expression");
    return cfa.offset;
  }
}
