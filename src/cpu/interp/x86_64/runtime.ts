/** What the interpreter as an engine has to know of x86_64: how a decoded instruction becomes records (layout.ts). */
import { HIGH_SLOT, SSE_CAREFUL, TEMP_SLOT, ZERO_SLOT } from "../../isa/x86_64/context.ts";
import { Decoded, Decoder } from "../../isa/x86_64/decoder.ts";
import type { HandlerList } from "../handlers.ts";
import { rowsOf } from "../image.ts";
import type { Lines, RecordDecoder, RuntimeIsa } from "../isa.ts";
import { RECORD_SIZE } from "../layout.ts";

/** After these the next instruction in memory isn't reached by falling through. */
const TERMINATORS: ReadonlySet<string> = new Set(["jmp", "ret", "retn", "ud2", "int3", "privileged"]);

/** Letters of operands that are in memory when ModRM says so. */
const MEMORY = "EWMY";

class X86Decoder implements RecordDecoder {
  readonly #decoder: Decoder;
  readonly #handlers: HandlerList;
  readonly #address: number;
  readonly #address32: number;

  constructor(lines: Lines, handlers: HandlerList) {
    this.#handlers = handlers;
    this.#decoder = new Decoder(rowsOf(lines), (form) => handlers.numberOf.get(form) ?? -1);
    this.#address = handlers.numberOf.get("#address:m0,s") as number;
    this.#address32 = handlers.numberOf.get("#address32:m0,s") as number;
  }

  decode(code: Uint8Array, view: DataView, at: number): boolean {
    const d = this.#decoder;
    return d.decode(code, view, at, at) !== Decoded.Illegal && d.handler >= 0;
  }
  get length(): number {
    return this.#decoder.length;
  }
  get ends(): boolean {
    return TERMINATORS.has(this.#decoder.template.row.mnemonic);
  }
  get target(): number {
    return this.#decoder.template.hasTarget ? this.#decoder.target : Number.NaN;
  }

  write(words: Int32Array, record: number): number {
    const d = this.#decoder;
    let at = record;
    let first = d.register0;
    let second = d.register1;
    let imm = d.imm;
    if (d.template.usesVvvv) {
      if (!d.hasMemory) {
        d.base = d.register2;
        d.index = d.register3;
      } else {
        const { operands } = d.template.row;
        // The third register takes the byte of the memory operand, a fourth (its operand being the immediate) that one's.
        if (MEMORY.includes(operands[0]?.where ?? "")) first = d.register2;
        else if (MEMORY.includes(operands[1]?.where ?? "")) second = d.register2;
        if (operands[3]?.where === "L") imm = d.register3;
        if (d.template.vsib) imm = d.segment === 0 ? ZERO_SLOT : d.segment;
      }
    }
    if (d.hasMemory && !d.template.vsib && (d.segment !== 0 || d.address32)) at = this.#splitAddress(words, at);
    const word = at >> 2;
    let { handler } = d;
    const quick = this.#handlers.unindexed[handler] as number;
    if (quick >= 0 && d.hasMemory && d.index === ZERO_SLOT) handler = quick;
    words[word] = handler | (first << 16) | (second << 24);
    words[word + 1] = d.base | (d.index << 8) | (d.scale << 16) | (d.length << 24);
    if (d.template.hasTarget) {
      words[word + 2] = 0;
      words[word + 3] = 0;
    } else if (d.template.hasImm64) {
      words[word + 2] = d.imm;
      words[word + 3] = d.immHigh;
    } else {
      words[word + 2] = d.disp;
      words[word + 3] = imm;
    }
    return at;
  }

  /** A record before the instruction's own that leaves the address in TEMP_SLOT: more than a record's parts. */
  #splitAddress(words: Int32Array, record: number): number {
    const d = this.#decoder;
    const word = record >> 2;
    const segment = d.segment === 0 ? ZERO_SLOT : d.segment;
    words[word] = (d.address32 ? this.#address32 : this.#address) | (segment << 24);
    words[word + 1] = d.base | (d.index << 8) | (d.scale << 16);
    words[word + 2] = d.disp;
    words[word + 3] = 0;
    d.base = TEMP_SLOT;
    d.index = ZERO_SLOT;
    d.scale = 0;
    d.disp = 0;
    return record + RECORD_SIZE;
  }
}

export const x86Runtime: RuntimeIsa = {
  name: "x86_64",
  carefulAt: SSE_CAREFUL,
  prepare: (context) => context.setUint32(HIGH_SLOT + 4, 1, true),
  canonical: (address) => {
    const high = address >> 47n;
    return high === 0n || high === 0x1ffffn;
  },
  decoder: (lines, handlers) => new X86Decoder(lines, handlers),
};
