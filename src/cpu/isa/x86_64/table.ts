/**
 * The encoding table's notation, and its parser.
 *
 * One line per encoding; `#` starts a comment:
 *
 *     [prefix] opcode bytes [+r] [/ext] [mod=m|mod=r] [rm=n]   mnemonic   operands   [options]
 *
 *     01            add     Ev,Gv     lock
 *     80 /0         add     Eb,Ib     lock
 *     50+r          push    Zq
 *     0f b6         movzx   Gv,Eb
 *     f2 0f 10 mod=m  movsd_load Vq,Mq
 *     66 0f 6f      movdqa  Vx,Wx
 *     d9 /4 mod=r rm=0  fchs  -
 *     vex.66.0f 58  vaddpd  Vx,Hx,Wx
 *     vex.128.f2.0f38.w1 f7  shrx  Gq,Eq,Bq
 *
 * Prefix: `np`, `66`, `f3`, `f2` make the prefix part of the opcode (np: none of them may be there; 66 is then no
 * operand-size prefix). A line without one is matched whatever prefixes there are, after those that name one; 66 selects
 * the operand size 2 and a rep prefix is ignored.
 *
 * `vex.` and, each where it matters: the vector length 128 or 256 (VEX.L; also to say that L has to be 0); the prefix that
 * VEX.pp stands for, 66, f3 or f2; the opcode map 0f, 0f38 or 0f3a; VEX.W as w0 or w1. Length and W match either way if
 * they are not named. A vvvv field that no operand is taken from has to be 1111.
 *
 * Operands, as in the Intel SDM vol. 2 appendix A: a letter for where it is, letters for its size.
 *
 *     E  ModRM.rm, register or memory        G  ModRM.reg                M  ModRM.rm, memory only (mod=m implied)
 *     R  ModRM.rm, register only             Z  low 3 bits of the opcode A  accumulator (rax)
 *     C  cl                                  I  immediate                J  branch displacement
 *     O  absolute address in the code        1  the constant 1           S  segment register in ModRM.reg
 *     V  xmm in ModRM.reg                    W  xmm or memory in rm      U  xmm in rm
 *     P  mmx in ModRM.reg                    Q  mmx or memory in rm      N  mmx in rm
 *     T  st(i) in rm                         D  memory at rbx (xlat)
 *     X  memory at the base of the source segment of a string instruction
 *     B  general register in VEX.vvvv        H  xmm or ymm in VEX.vvvv   L  xmm or ymm in the immediate, bits 4 to 7
 *     Y  memory with a vector of indices (VSIB); its size is that of an element
 *
 *     b 1   w 2   d 4   q 8   t 10   v 2, 4 or 8 by operand size   y 4, or 8 with REX.W or VEX.W
 *     z immediate of 2 or 4 bytes by operand size   (none, after M: no size)
 *     x 16, or 32 with VEX.L   h half of that   f a fourth   e an eighth   dq 16   qq 32
 *
 * Immediates are sign-extended; `Iv` is up to 64 bits long (mov). The same letters are in the form of a handler, reduced
 * to kind and size: `add Ev,Gv` gives the forms add:r2,r2 add:m2,r2 add:r4,r4 ... (see Operand in sem.ts).
 *
 * Options: `lock` a LOCK prefix is allowed with a memory destination; `d64` the operand size is 8 by default (4 does not
 * exist: push, pop, near branches); `o16` the operand size prefix doesn't apply (branches); `str` a string instruction or a
 * gather: with an address size of 32 bits the mnemonic has the suffix `_a32`.
 */
import type { Operand, OperandKind } from "./sem.ts";

export interface OperandSpec {
  readonly where: string;
  readonly size: string;
}

export interface VexEncoding {
  /** VEX.L and VEX.W, undefined where either will do. */
  readonly l: 0 | 1 | undefined;
  readonly w: 0 | 1 | undefined;
}

export interface Row {
  readonly mnemonic: string;
  readonly operands: readonly OperandSpec[];
  /** 0: one-byte opcodes, 1: 0f, 2: 0f 38, 3: 0f 3a. */
  readonly map: number;
  readonly opcode: number;
  /** Not undefined: the row is for this VEX encoding, and `prefix` is what VEX.pp says. */
  readonly vex: VexEncoding | undefined;
  /** undefined: any. */
  readonly prefix: "np" | "66" | "f3" | "f2" | undefined;
  readonly plusR: boolean;
  readonly ext: number | undefined;
  readonly mod: "m" | "r" | undefined;
  readonly rm: number | undefined;
  readonly lock: boolean;
  readonly d64: boolean;
  readonly o16: boolean;
  readonly str: boolean;
  /** Has a ModRM byte. */
  readonly modrm: boolean;
}

const MODRM_OPERANDS = "EGMRSVWUPQNTY";
const MEMORY_ONLY = "MY";
const REGISTER_ONLY = "RUNT";

/** The table's lines that are encodings. */
export function tableLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => (line.split("#")[0] as string).trim())
    .filter((line) => line !== "");
}

export function parseTable(text: string): Row[] {
  return tableLines(text).map(parseLine);
}

export function parseLine(line: string): Row {
  return parseRow(line.split(/\s+/));
}

/** Added to the opcodes of VEX encodings, which are a world of their own. */
export const VEX_OPCODES = 0x400;

/** The opcodes that a row is for: map * 256 + last opcode byte. */
export function opcodesOf(row: Row): number[] {
  const first = row.map * 256 + row.opcode + (row.vex === undefined ? 0 : VEX_OPCODES);
  return Array.from({ length: row.plusR ? 8 : 1 }, (_, i) => first + i);
}

const VEX_MAPS = ["", "0f", "0f38", "0f3a"];

/** What `vex.` is followed by. */
function parseVex(
  parts: readonly string[],
  bad: () => Error,
): { vex: VexEncoding; prefix: Row["prefix"]; map: number } {
  let l: VexEncoding["l"];
  let w: VexEncoding["w"];
  let prefix: Row["prefix"] = "np";
  let map = 0;
  for (const part of parts) {
    if (part === "128" || part === "256") l = part === "128" ? 0 : 1;
    else if (part === "66" || part === "f3" || part === "f2") prefix = part;
    else if (part === "w0" || part === "w1") w = part === "w0" ? 0 : 1;
    else if (map === 0 && VEX_MAPS.includes(part)) map = VEX_MAPS.indexOf(part);
    else throw bad();
  }
  if (map === 0) throw bad();
  return { vex: { l, w }, prefix, map };
}

function parseRow(words: string[]): Row {
  const bad = (): Error => new Error(`encoding table: cannot read "${words.join(" ")}"`);
  let at = 0;
  let prefix: Row["prefix"];
  let map = 0;
  let vex: VexEncoding | undefined;
  const first = words[0] as string;
  // A prefix is followed by another opcode byte; 66 f2 f3 alone are no opcodes.
  if (first.startsWith("vex.")) {
    ({ vex, prefix, map } = parseVex(first.split(".").slice(1), bad));
    at++;
  } else if (/^(np|66|f3|f2)$/.test(first)) {
    prefix = first as Row["prefix"];
    at++;
  }
  if (vex === undefined && words[at] === "0f") {
    map = 1;
    at++;
    if (words[at] === "38" && /^[0-9a-f]{2}/.test(words[at + 1] ?? "")) {
      map = 2;
      at++;
    } else if (words[at] === "3a" && /^[0-9a-f]{2}/.test(words[at + 1] ?? "")) {
      map = 3;
      at++;
    }
  }
  const opcode = /^([0-9a-f]{2})(\+r)?$/.exec(words[at++] ?? "");
  if (opcode === null) throw bad();
  let ext: number | undefined;
  let mod: Row["mod"];
  let rm: number | undefined;
  for (; ; at++) {
    const word = words[at] ?? "";
    if (/^\/[0-7]$/.test(word)) ext = Number(word[1]);
    else if (word === "mod=m" || word === "mod=r") mod = word[4] as "m" | "r";
    else if (/^rm=[0-7]$/.test(word)) rm = Number(word[3]);
    else break;
  }
  const mnemonic = words[at++];
  const spec = words[at++] ?? "-";
  if (mnemonic === undefined) throw bad();
  const operands =
    spec === "-" ? [] : spec.split(",").map((o): OperandSpec => ({ where: o[0] as string, size: o.slice(1) }));
  const options = words.slice(at);
  if (options.some((o) => !["lock", "d64", "o16", "str"].includes(o))) throw bad();
  if (operands.some((o) => MEMORY_ONLY.includes(o.where))) mod = "m";
  if (operands.some((o) => REGISTER_ONLY.includes(o.where))) mod = "r";
  return {
    mnemonic,
    operands,
    map,
    opcode: Number.parseInt(opcode[1] as string, 16),
    vex,
    prefix,
    plusR: opcode[2] !== undefined,
    ext,
    mod,
    rm,
    lock: options.includes("lock"),
    d64: options.includes("d64"),
    o16: options.includes("o16"),
    str: options.includes("str"),
    modrm:
      ext !== undefined ||
      mod !== undefined ||
      rm !== undefined ||
      operands.some((o) => MODRM_OPERANDS.includes(o.where)),
  };
}

/** The size in bytes that a size letter means under an operand size of 2, 4 or 8, and a vector length of 16 or 32. */
export function sizeOf(letter: string, operandSize: number, vector = 16): number {
  switch (letter) {
    case "b":
      return 1;
    case "w":
      return 2;
    case "d":
      return 4;
    case "q":
      return 8;
    case "t":
      return 10;
    case "x":
      return vector;
    case "h":
      return vector / 2;
    case "f":
      return vector / 4;
    case "e":
      return vector / 8;
    case "dq":
      return 16;
    case "qq":
      return 32;
    case "v":
    case "z":
      return operandSize;
    case "y":
      return operandSize === 8 ? 8 : 4;
    case "":
      return 0;
    default:
      throw new Error(`encoding table: no operand size "${letter}"`);
  }
}

/** Kind and size, as they stand in a form's name. */
function formOperand(row: Row, n: number, operandSize: number, memory: boolean, vector: number): string {
  const spec = row.operands[n] as OperandSpec;
  const kind = kindOf(spec, operandSize, memory);
  const bytes = (): number => sizeOf(spec.size, operandSize, vector);
  // An immediate has the size of operand 0, but for push, where it is operand 0.
  if (kind === "i" && n === 0 && row.d64) return `i${operandSize}`;
  if (kind === "i" || kind === "q" || kind === "j" || kind === "t" || kind === "s") return kind;
  if (kind === "x") return bytes() === 32 ? "y" : "x";
  if (kind === "p") return kind;
  return kind + bytes();
}

function kindOf(spec: OperandSpec, operandSize: number, memory: boolean): OperandKind {
  switch (spec.where) {
    case "E":
      return memory ? "m" : "r";
    case "G":
    case "R":
    case "Z":
    case "A":
    case "C":
    case "B":
      return "r";
    case "M":
    case "O":
    case "D":
    case "X":
      return "m";
    case "Y":
      return "g";
    case "I":
      return spec.size === "v" && operandSize === 8 ? "q" : "i";
    case "1":
      return "i";
    case "J":
      return "j";
    case "S":
      return "s";
    case "V":
    case "U":
    case "H":
    case "L":
      return "x";
    case "W":
      return memory ? "m" : "x";
    case "P":
    case "N":
      return "p";
    case "Q":
      return memory ? "m" : "p";
    case "T":
      return "t";
    default:
      throw new Error(`encoding table: no operand "${spec.where}${spec.size}"`);
  }
}

/** The name of a handler: mnemonic, then each operand's kind and size. */
export function formName(row: Row, operandSize: number, memory: boolean, vector = 16): string {
  if (row.operands.length === 0) return row.mnemonic;
  return `${row.mnemonic}:${row.operands.map((_, n) => formOperand(row, n, operandSize, memory, vector)).join()}`;
}

/** Every form that a row can take. */
export function formsOf(row: Row): string[] {
  const sizes = row.d64
    ? [2, 8]
    : row.operands.some((o) => "vyz".includes(o.size) && o.size !== "" && o.where !== "J")
      ? row.vex === undefined
        ? [2, 4, 8]
        : row.vex.w === undefined
          ? [4, 8]
          : [row.vex.w === 1 ? 8 : 4]
      : [4];
  const vectors = row.vex === undefined || row.vex.l === 0 ? [16] : row.vex.l === 1 ? [32] : [16, 32];
  const either = row.mod === undefined && row.operands.some((o) => "EWQ".includes(o.where));
  const memories = either ? [false, true] : [row.mod === "m"];
  const names = sizes.flatMap((size) =>
    vectors.flatMap((vector) => memories.map((memory) => formName(row, size, memory, vector))),
  );
  if (row.str) names.push(...names.map(addressSize32));
  return [...new Set(names)];
}

/** The form of a string instruction, or of a gather, with an address size of 32 bits. */
export function addressSize32(form: string): string {
  return form.replace(":", "_a32:");
}

const REGISTER_BYTES: Readonly<Partial<Record<OperandKind, number>>> = { x: 16, y: 32, p: 8 };

/** The operands that a form's name tells. `b` in the place of `m` is memory without index register. */
export function parseForm(name: string): { mnemonic: string; operands: Operand[] } {
  const [mnemonic = "", list] = name.split(":");
  if (list === undefined) return { mnemonic, operands: [] };
  const operands = list.split(",").map((text) => {
    const unindexed = text[0] === "b";
    const kind = unindexed ? "m" : (text[0] as OperandKind);
    const bytes = text.length > 1 ? Number(text.slice(1)) : (REGISTER_BYTES[kind] ?? 0);
    return { kind, bytes, unindexed };
  });
  return { mnemonic, operands };
}
