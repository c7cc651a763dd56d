/**
 * WebAssembly as text, for people: what a translated region became, and expected texts in tests.
 *
 * The text is that of the specification, with expressions folded: `(i32.add (local.get 0) (i32.const 1))`. An instruction
 * is folded around those before it that leave its operands, as far as these directly precede it and leave one value each.
 * So a statement is a line, and an assembler gives back the bytes that were read.
 */
import { OPCODES, type Opcode, PREFIXES } from "./opcodes.ts";
import { ByteReader } from "./reader.ts";

export interface TextOptions {
  /**
   * Leaves out the alignment of memory accesses, which is never natural in what tsrcore generates. (An assembler then
   * gives other bytes of the same meaning.)
   */
  readonly omitAlignment?: boolean;
  /** A comment for the static offset of a memory access: what lies there. */
  readonly offsetComment?: (offset: number) => string | undefined;
}

export interface FunctionText {
  readonly name: string;
  readonly text: string;
}

interface FunctionType {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

/** What the text of a function's code depends on. */
interface Context {
  readonly types: readonly FunctionType[];
  /** The type and, if it has one, the name of each function, imports first. */
  readonly functions: { readonly type: number; readonly name?: string }[];
  /** How many functions have a name. */
  readonly named: Map<string, number>;
  readonly options: TextOptions;
}

const WIDTH = 110;
const VALUE_TYPES: Readonly<Record<number, string>> = {
  127: "i32",
  126: "i64",
  125: "f32",
  124: "f64",
  123: "v128",
  112: "funcref",
  111: "externref",
};
const EMPTY_BLOCK = -64;

/** An instruction with the operands that were folded into it. */
interface Node {
  readonly head: string;
  readonly operands: readonly Node[];
  /** The parts of a block: one, or those of an if. */
  readonly bodies: readonly { readonly keyword: string; readonly nodes: readonly Node[] }[];
  readonly pushes: number;
}

const UNFOLDED: ReadonlySet<string> = new Set(["block", "loop"]);

class FunctionReader {
  readonly #reader: ByteReader;
  readonly #context: Context;
  /** For each open block, whether a branch names it. */
  readonly #labels: { named: boolean }[] = [];

  readonly #results: number;

  /** @param results how many values the function returns */
  constructor(reader: ByteReader, context: Context, results: number) {
    this.#reader = reader;
    this.#context = context;
    this.#results = results;
  }

  /** Instructions up to `end` or `else`, which is read too. */
  sequence(): { nodes: Node[]; ended: "end" | "else" } {
    const nodes: Node[] = [];
    for (;;) {
      const start = this.#reader.at;
      const code = this.#opcode();
      if (code === 0x0b) return { nodes, ended: "end" };
      if (code === 0x05) return { nodes, ended: "else" };
      const opcode = OPCODES.get(code);
      if (opcode === undefined) throw new Error(`unknown WebAssembly opcode ${describe(code)} at offset ${start}`);
      nodes.push(this.#instruction(opcode, nodes));
    }
  }

  #opcode(): number {
    const first = this.#reader.byte();
    const prefix = PREFIXES[first];
    return prefix === undefined ? first : prefix + this.#reader.u32();
  }

  /** Reads the rest of an instruction, and takes its operands from the end of `before`. */
  #instruction(opcode: Opcode, before: Node[]): Node {
    if (opcode.immediate === "block") return this.#block(opcode, before);
    let { pops, pushes } = opcode;
    let immediates: string[];
    if (opcode.name === "return") pops = this.#results;
    if (opcode.immediate === "function" && opcode.pushes === 0) {
      const index = this.#reader.u32();
      const type = this.#typeOf(index);
      pops = type?.params.length ?? 0;
      pushes = opcode.name === "call" ? (type?.results.length ?? 0) : 0;
      immediates = [this.#functionName(index)];
    } else if (opcode.immediate === "signature") {
      const index = this.#reader.u32();
      const table = this.#reader.u32();
      const type = this.#context.types[index];
      pops = 1 + (type?.params.length ?? 0);
      pushes = opcode.name === "call_indirect" ? (type?.results.length ?? 0) : 0;
      immediates = [...(table === 0 ? [] : [String(table)]), `(type ${index})`];
    } else immediates = this.#immediates(opcode);
    return { head: [opcode.name, ...immediates].join(" "), operands: takeOperands(before, pops), bodies: [], pushes };
  }

  #block(opcode: Opcode, before: Node[]): Node {
    const { operands: operandCount, pushes, text } = this.#blockType();
    // The operands of a block itself stay where they are; only an if's condition is written inside of it.
    const operands = UNFOLDED.has(opcode.name) || operandCount > 0 ? [] : takeOperands(before, 1);
    const label = { named: false };
    this.#labels.push(label);
    const depth = this.#labels.length;
    const first = this.sequence();
    const isIf = opcode.name === "if";
    const bodies = [{ keyword: isIf ? "then" : "", nodes: first.nodes }];
    if (first.ended === "else") bodies.push({ keyword: "else", nodes: this.sequence().nodes });
    this.#labels.pop();
    const head = [opcode.name, ...(label.named ? [`$${depth}`] : []), ...(text === "" ? [] : [text])].join(" ");
    return { head, operands, bodies, pushes };
  }

  #blockType(): { operands: number; pushes: number; text: string } {
    const type = this.#reader.s33();
    if (type === EMPTY_BLOCK) return { operands: 0, pushes: 0, text: "" };
    if (type < 0) return { operands: 0, pushes: 1, text: `(result ${valueType(type & 0x7f)})` };
    const { params, results } = this.#context.types[type] ?? { params: [], results: [] };
    return { operands: params.length, pushes: results.length, text: `(type ${type})` };
  }

  #immediates(opcode: Opcode): string[] {
    const r = this.#reader;
    switch (opcode.immediate) {
      case "label":
        return [this.#label()];
      case "labels":
        return Array.from({ length: r.u32() + 1 }, () => this.#label());
      case "local":
      case "global":
      case "table":
        return [String(r.u32())];
      case "function":
        return [this.#functionName(r.u32())];
      case "types":
        return [`(result ${Array.from({ length: r.u32() }, () => valueType(r.byte())).join(" ")})`];
      case "heap":
        return [r.byte() === 0x70 ? "func" : "extern"];
      case "memarg":
        return this.#memarg(opcode);
      case "memarg lane":
        return [...this.#memarg(opcode), String(r.byte())];
      case "lane":
        return [String(r.byte())];
      case "lanes":
        return [...r.bytes(16)].map(String);
      case "i32":
        return [String(r.s33())];
      case "i64":
        return [String(r.s64())];
      case "f32": {
        const { value, bits } = r.f32();
        return [floatText(value, (bits & 0x80000000) !== 0, (bits & 0x7f_ffff).toString(16))];
      }
      case "f64": {
        const { value, bits } = r.f64();
        return [floatText(value, bits >> 63n !== 0n, (bits & 0xf_ffff_ffff_ffffn).toString(16))];
      }
      case "v128":
        return ["i32x4", ...Array.from({ length: 4 }, () => `0x${r.u32le().toString(16).padStart(8, "0")}`)];
      case "zero":
        r.byte();
        return [];
      case "zeros":
        r.byte();
        r.byte();
        return [];
      default:
        return [];
    }
  }

  #memarg(opcode: Opcode): string[] {
    const { omitAlignment, offsetComment } = this.#context.options;
    const alignment = this.#reader.u32();
    const offset = this.#reader.u32();
    const comment = offsetComment?.(offset);
    return [
      ...(offset === 0 ? [] : [`offset=${offset}`]),
      ...(comment === undefined ? [] : [`(; ${comment} ;)`]),
      ...(omitAlignment || alignment === opcode.alignment ? [] : [`align=${2 ** alignment}`]),
    ];
  }

  #label(): string {
    const relative = this.#reader.u32();
    const depth = this.#labels.length - relative;
    const label = this.#labels[depth - 1];
    // A branch out of the outermost block is a return.
    if (label === undefined) return String(relative);
    label.named = true;
    return `$${depth}`;
  }

  #typeOf(functionIndex: number): FunctionType | undefined {
    const type = this.#context.functions[functionIndex]?.type;
    return type === undefined ? undefined : this.#context.types[type];
  }

  #functionName(index: number): string {
    return functionName(this.#context, index);
  }
}

const describe = (code: number): string => {
  const prefix = Object.entries(PREFIXES).find(([, base]) => code >= base && code < base + 0x1_0000);
  const hex = (n: number): string => n.toString(16).padStart(2, "0");
  return prefix === undefined ? `0x${hex(code)}` : `0x${hex(Number(prefix[0]))} 0x${hex(code - prefix[1])}`;
};

function valueType(code: number): string {
  const name = VALUE_TYPES[code];
  if (name === undefined) throw new Error(`unknown WebAssembly value type 0x${code.toString(16)}`);
  return name;
}

/** Takes the nodes that leave the last `count` values, as far as each leaves one. */
function takeOperands(before: Node[], count: number): Node[] {
  let first = before.length;
  while (first > 0 && before.length - first < count && before[first - 1]?.pushes === 1) first--;
  return before.splice(first);
}

function floatText(value: number, negative: boolean, payload: string): string {
  const sign = negative ? "-" : "";
  if (Number.isNaN(value)) return `${sign}nan:0x${payload}`;
  if (!Number.isFinite(value)) return `${sign}inf`;
  return `${sign}${Math.abs(value)}`;
}

const identifier = (name: string): string => `$${name.replace(/[^0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]/g, "_")}`;

/** A name that is unique among those of the functions, or the number. */
function functionName({ functions, named }: Context, index: number): string {
  const name = functions[index]?.name;
  return name === undefined || named.get(identifier(name)) !== 1 ? String(index) : identifier(name);
}

function inOneLine(node: Node): string | undefined {
  if (node.bodies.length > 0) return undefined;
  const operands: string[] = [];
  for (const operand of node.operands) {
    const text = inOneLine(operand);
    if (text === undefined) return undefined;
    operands.push(text);
  }
  return `(${[node.head, ...operands].join(" ")})`;
}

function render(node: Node, indent: string, out: string[]): void {
  const line = inOneLine(node);
  if (line !== undefined && indent.length + line.length <= WIDTH) {
    out.push(indent + line);
    return;
  }
  out.push(`${indent}(${node.head}`);
  const inner = `${indent}  `;
  for (const operand of node.operands) render(operand, inner, out);
  for (const { keyword, nodes } of node.bodies) {
    if (keyword !== "") out.push(`${inner}(${keyword}`);
    for (const child of nodes) render(child, keyword === "" ? inner : `${inner}  `, out);
    if (keyword !== "") close(out);
  }
  close(out);
}

/** A closing parenthesis, after the last line. */
function close(out: string[]): void {
  out[out.length - 1] += ")";
}

const runs = (types: readonly string[], keyword: string): string =>
  types.length === 0 ? "" : ` (${keyword} ${types.join(" ")})`;

function functionText(reader: ByteReader, context: Context, index: number): string {
  const type = context.types[context.functions[index]?.type ?? -1] ?? { params: [], results: [] };
  const locals: string[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const count = reader.u32();
    const name = valueType(reader.byte());
    for (let i = 0; i < count; i++) locals.push(name);
  }
  const { nodes } = new FunctionReader(reader, context, type.results.length).sequence();
  const name = context.functions[index]?.name;
  const label = name === undefined ? `(;${index};)` : functionName(context, index);
  const named = label.startsWith("$") ? label : `(;${name ?? index};)`;
  const out = [`(func ${named}${runs(type.params, "param")}${runs(type.results, "result")}`];
  if (locals.length > 0) out.push(` ${runs(locals, "local")}`);
  for (const node of nodes) render(node, "  ", out);
  close(out);
  return out.join("\n");
}

interface Module {
  readonly context: Context;
  readonly imports: readonly string[];
  readonly declarations: readonly string[];
  readonly exports: readonly string[];
  readonly elements: readonly string[];
  /** Each function of the module's own: index and where its code is. */
  readonly bodies: readonly { readonly index: number; readonly at: number; readonly end: number }[];
}

const limits = (r: ByteReader): string => {
  const flags = r.byte();
  const min = r.u32();
  const max = (flags & 1) !== 0 ? ` ${r.u32()}` : "";
  return `${min}${max}${(flags & 2) !== 0 ? " shared" : ""}`;
};
const list = <T>(r: ByteReader, read: () => T): T[] => Array.from({ length: r.u32() }, read);

/** Sections of a module by their id; custom sections by their name. */
function sections(bytes: Uint8Array): Map<number | string, ByteReader> {
  const r = new ByteReader(bytes, 8);
  const found = new Map<number | string, ByteReader>();
  while (!r.done) {
    const id = r.byte();
    const size = r.u32();
    const section = new ByteReader(bytes, r.at, r.at + size);
    found.set(id === 0 ? section.name() : id, section);
    r.at += size;
  }
  return found;
}

function readModule(bytes: Uint8Array, options: TextOptions): Module {
  const all = sections(bytes);
  const each = <T>(id: number, read: (r: ByteReader) => T): T[] => {
    const r = all.get(id);
    return r === undefined ? [] : list(r, () => read(r));
  };
  const types = each(1, (r): FunctionType => {
    r.byte();
    const values = (): string[] => list(r, () => valueType(r.byte()));
    return { params: values(), results: values() };
  });
  const functions: { type: number; name?: string }[] = [];
  const named = new Map<string, number>();
  const context: Context = { types, functions, named, options };
  const signature = (type: number): string =>
    `${runs(types[type]?.params ?? [], "param")}${runs(types[type]?.results ?? [], "result")}`;
  const globalType = (r: ByteReader): string => {
    const type = valueType(r.byte());
    return r.byte() === 1 ? `(mut ${type})` : type;
  };
  const quote = (text: string): string => JSON.stringify(text);

  const imports = each(2, (r) => {
    const from = `(import ${quote(r.name())} `;
    const name = r.name();
    const of = `${from}${quote(name)}`;
    switch (r.byte()) {
      case 0: {
        const type = r.u32();
        const unique = !functions.some((f) => f.name === name);
        functions.push(unique ? { type, name } : { type });
        return `${of} (func${unique ? ` ${identifier(name)}` : ""}${signature(type)}))`;
      }
      case 1: {
        const type = valueType(r.byte());
        return `${of} (table ${limits(r)} ${type}))`;
      }
      case 2:
        return `${of} (memory ${limits(r)}))`;
      default:
        return `${of} (global ${globalType(r)}))`;
    }
  });
  const imported = functions.length;
  for (const type of each(3, (r) => r.u32())) functions.push({ type });
  const tables = each(4, (r) => {
    const type = valueType(r.byte());
    return `(table ${limits(r)} ${type})`;
  });
  const memories = each(5, (r) => `(memory ${limits(r)})`);
  readNames(all.get("name"), functions);
  for (const { name } of functions)
    if (name !== undefined) named.set(identifier(name), (named.get(identifier(name)) ?? 0) + 1);
  const constant = (r: ByteReader): string => {
    const out: string[] = [];
    for (const node of new FunctionReader(r, context, 1).sequence().nodes) render(node, "", out);
    return out.join(" ");
  };
  const globals = each(6, (r) => `(global ${globalType(r)} ${constant(r)})`);
  const exports = each(7, (r) => {
    const name = quote(r.name());
    const kind = ["func", "table", "memory", "global"][r.byte()] ?? "";
    const index = r.u32();
    return `(export ${name} (${kind} ${kind === "func" ? functionName(context, index) : index}))`;
  });
  const elements = each(9, (r) => {
    const kind = r.u32();
    if (kind !== 0 && kind !== 2)
      throw new Error(`an element segment of a kind that is not supported, before offset ${r.at}`);
    // Kind 2 names its table, and what it has elements of: functions, in all that there is.
    const table = kind === 2 ? `(table ${r.u32()}) ` : "";
    const at = constant(r);
    if (kind === 2) r.byte();
    return `(elem ${table}${at} func ${list(r, () => functionName(context, r.u32())).join(" ")})`;
  });
  let next = imported;
  const bodies = each(10, (r) => {
    const size = r.u32();
    const at = r.at;
    r.at += size;
    return { index: next++, at, end: at + size };
  });
  return { context, imports, declarations: [...tables, ...memories, ...globals], exports, elements, bodies };
}

/** Names of functions from the custom section "name", subsection 1. */
function readNames(r: ByteReader | undefined, functions: { type: number; name?: string }[]): void {
  while (r !== undefined && !r.done) {
    const id = r.byte();
    const end = r.u32() + r.at;
    if (id === 1)
      for (const [index, name] of list(r, (): [number, string] => [r.u32(), r.name()])) {
        const f = functions[index];
        if (f !== undefined) f.name = name;
      }
    r.at = end;
  }
}

const textOf = (bytes: Uint8Array, { context, bodies }: Module): FunctionText[] =>
  bodies.map(({ index, at, end }) => ({
    name: context.functions[index]?.name ?? String(index),
    text: functionText(new ByteReader(bytes, at, end), context, index),
  }));

/** The module's own functions, in their order. Throws with the offset in the module where something is not known. */
export function functionTexts(bytes: Uint8Array, options: TextOptions = {}): FunctionText[] {
  return textOf(bytes, readModule(bytes, options));
}

/** A whole module. Data segments and start functions are not supported: the writer has none. */
export function moduleText(bytes: Uint8Array, options: TextOptions = {}): string {
  const module = readModule(bytes, options);
  const types = module.context.types.map(
    (t, i) => `(type (;${i};) (func${runs(t.params, "param")}${runs(t.results, "result")}))`,
  );
  const parts = [
    ...types,
    ...module.imports,
    ...module.declarations,
    ...module.exports,
    ...module.elements,
    ...textOf(bytes, module).map((f) => f.text),
  ];
  const indented = parts.map((part) => part.replace(/^/gm, "  "));
  return `(module\n${indented.join("\n")})\n`;
}
