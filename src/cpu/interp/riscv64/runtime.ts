/** What the interpreter as an engine has to know of riscv64: how a decoded instruction becomes a record (layout.ts). */
import { FP_CAREFUL, NO_RESERVATION, RESERVATION } from "../../isa/riscv64/context.ts";
import { Decoder } from "../../isa/riscv64/decoder.ts";
import { parseLine } from "../../isa/riscv64/table.ts";
import type { HandlerList } from "../handlers.ts";
import type { Lines, RecordDecoder, RuntimeIsa } from "../isa.ts";

class RiscvDecoder implements RecordDecoder {
  readonly #decoder: Decoder;
  readonly #handlers: HandlerList;

  constructor(lines: Lines, handlers: HandlerList) {
    this.#decoder = new Decoder((key) => (lines[key] ?? []).map(parseLine));
    this.#handlers = handlers;
  }

  decode(_code: Uint8Array, view: DataView, at: number): boolean {
    return this.#decoder.decode(view, at, at);
  }
  get length(): number {
    return this.#decoder.length;
  }
  get ends(): boolean {
    return this.#decoder.ends;
  }
  get target(): number {
    return this.#decoder.target;
  }

  write(words: Int32Array, record: number): number {
    const d = this.#decoder;
    const handler = this.#handlers.numberOf.get(d.form) as number;
    const rd = d.toFloat ? d.rd : (d.rd + 31) & 31;
    const word = record >> 2;
    words[word] = handler | (rd << 19) | (d.rs1 << 27);
    words[word + 1] = (d.rs2 << 3) | (d.rs3 << 11) | (d.rm << 16) | (d.length << 24);
    if (!Number.isNaN(d.target)) {
      words[word + 2] = 0;
      words[word + 3] = 0;
    } else if (d.form === "li") {
      words[word + 2] = d.imm;
      words[word + 3] = d.immHigh;
    } else {
      words[word + 2] = 0;
      words[word + 3] = d.imm;
    }
    return record;
  }
}

export const riscvRuntime: RuntimeIsa = {
  name: "riscv64",
  carefulAt: FP_CAREFUL,
  prepare: (context, stepping) => {
    // One step after the other would never get through lr and sc otherwise. (sc looks at the value as well.)
    if (!stepping) context.setBigInt64(RESERVATION, NO_RESERVATION, true);
  },
  canonical: () => true,
  decoder: (lines, handlers) => new RiscvDecoder(lines, handlers),
};
