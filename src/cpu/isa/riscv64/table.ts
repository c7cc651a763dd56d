/**
 * The encoding tables' language. A line has the 32 bits of an instruction from the top, as the tables of the manual have
 * them (RISC-V Instruction Set Manual, volume I, "RV32/64G Instruction Set Listings"), and the mnemonic:
 *
 *     0000000 rs2 rs1 000 rd 0110011 add
 *
 * Digits are bits; a name is a field. Registers are x registers unless they say otherwise: what a definition reads decides.
 *
 *     rd rs1 rs2 rs3     registers, 5 bits
 *     i12                I immediate
 *     s7 s5              S immediate       b7 b5              B immediate
 *     u20                U immediate       j20                J immediate
 *     sh6 sh5            shift amount      z5                 unsigned immediate in the place of rs1
 *     csr                12 bits           rm                 rounding mode, 3 bits
 *     aqrl               2 bits that order memory accesses, which are in order anyway
 *     vd vs1 vs2 vs3     vector registers      vm             0: masked by v0
 *     nf                 fields, less 1        vt11 vt10      vtype of vsetvli, vsetivli
 *     ?n                 n bits that mean nothing
 */

const WIDTHS: Readonly<Record<string, number>> = {
  rd: 5,
  rs1: 5,
  rs2: 5,
  rs3: 5,
  i12: 12,
  s7: 7,
  s5: 5,
  b7: 7,
  b5: 5,
  u20: 20,
  j20: 20,
  sh6: 6,
  sh5: 5,
  z5: 5,
  csr: 12,
  rm: 3,
  aqrl: 2,
  vd: 5,
  vs1: 5,
  vs2: 5,
  vs3: 5,
  vm: 1,
  nf: 3,
  vt11: 11,
  vt10: 10,
};

/** How the immediate is put together. Of a vector instruction it is all of its 32 bits, most of which the definition asks for. */
export type ImmediateKind = "none" | "i" | "s" | "b" | "u" | "j" | "shift" | "csr" | "word";

export interface Row {
  readonly mnemonic: string;
  readonly mask: number;
  readonly match: number;
  readonly fields: ReadonlySet<string>;
  readonly immediate: ImmediateKind;
}

const IMMEDIATES: readonly (readonly [field: string, kind: ImmediateKind])[] = [
  ["i12", "i"],
  ["s7", "s"],
  ["b7", "b"],
  ["u20", "u"],
  ["j20", "j"],
  ["sh6", "shift"],
  ["sh5", "shift"],
  ["csr", "csr"],
];

const OP_V = 0x57;

export function tableLines(table: string): string[] {
  return table
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

export function parseLine(line: string): Row {
  const words = line.split(/\s+/);
  const mnemonic = words.pop() as string;
  const fields = new Set<string>();
  let mask = 0;
  let match = 0;
  let bits = 0;
  for (const word of words) {
    const isDigits = /^[01]+$/.test(word);
    const width = isDigits ? word.length : word.startsWith("?") ? Number(word.slice(1)) : WIDTHS[word];
    if (width === undefined) throw new Error(`${line}: what is ${word}?`);
    bits += width;
    const at = 32 - bits;
    if (isDigits) {
      mask |= ((2 ** width - 1) << at) >>> 0;
      match |= Number.parseInt(word, 2) << at;
    } else if (!word.startsWith("?")) fields.add(word);
  }
  if (bits !== 32) throw new Error(`${line}: ${bits} bits`);
  const isVector = (match & 0x7f) === OP_V || ["vd", "vs3"].some((field) => fields.has(field));
  const immediate = isVector ? "word" : (IMMEDIATES.find(([field]) => fields.has(field))?.[1] ?? "none");
  return { mnemonic, mask: mask >>> 0, match: match >>> 0, fields, immediate };
}

export function parseTable(table: string): Row[] {
  return tableLines(table).map(parseLine);
}

/** What rows are looked up by: the opcode and funct3. */
export function keyOf(word: number): number {
  return ((word & 0x7f) << 3) | ((word >>> 12) & 7);
}

/** All keys that the row's instructions may have. */
export function keysOf(row: Row): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7]
    .filter((funct3) => (((funct3 << 12) ^ row.match) & row.mask & 0x7000) === 0)
    .map((funct3) => keyOf((row.match & 0x7f) | (funct3 << 12)));
}

/** Suffixes of the forms that an instruction has beside the one by its name alone, which rounds dynamically. */
export const STATIC = ":s";
export const TOWARDS_ZERO = ":z";

/** Conversions to integers, whose usual rounding mode is towards zero. */
export function makesInteger(mnemonic: string): boolean {
  return /^fcvt\.[wl]u?\./.test(mnemonic);
}

/** Whether rd is a floating-point register: by the name, but for what makes integers, comparisons and stores. */
export function writesFloat(mnemonic: string): boolean {
  if (mnemonic === "vfmv.f.s") return true;
  return /^f/.test(mnemonic) && !/^(fence|fcvt\.[wl]|fmv\.x\.|feq|flt|fle|fclass|fs[hwd]$)/.test(mnemonic);
}

/** The forms of a row: see `Sem.rounding`. */
export function formsOf({ mnemonic, fields }: Row): string[] {
  if (!fields.has("rm")) return [mnemonic];
  const forms = [mnemonic, mnemonic + STATIC];
  return makesInteger(mnemonic) ? [...forms, mnemonic + TOWARDS_ZERO] : forms;
}

/** Mnemonic and rounding of a form. */
export function parseForm(form: string): [mnemonic: string, rounding: "dynamic" | "static" | "zero"] {
  if (form.endsWith(STATIC)) return [form.slice(0, -STATIC.length), "static"];
  if (form.endsWith(TOWARDS_ZERO)) return [form.slice(0, -TOWARDS_ZERO.length), "zero"];
  return [form, "dynamic"];
}

/** Whether a control and status register belongs to the vectors: such ones have mnemonics of their own, with a v before them. */
export function isVectorCsr(number: number): boolean {
  return VECTOR_CSRS.has(number);
}
/** By number (volume II, "CSR Listing"). */
export const VectorCsr = { vstart: 8, vxsat: 9, vxrm: 10, vcsr: 15, vl: 0xc20, vtype: 0xc21, vlenb: 0xc22 } as const;
const VECTOR_CSRS: ReadonlySet<number> = new Set(Object.values(VectorCsr));
