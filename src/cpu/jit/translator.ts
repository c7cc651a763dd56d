/**
 * The translator as one object. It is a large part of tsrcore, with all instruction definitions, and most runs end before
 * anything is hot; so the engine loads this file when it first wants something translated.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import type { IsaName } from "../core.ts";
import { rowsOf } from "../interp/image.ts";
import type { Lines } from "../interp/isa.ts";
import { parseLine } from "../isa/riscv64/table.ts";
import { hasFusedMultiplyAdd } from "../wasm/fused.ts";
import { describe } from "./dump.ts";
import type { InstructionSet } from "./instruction.ts";
import type { Unlinked } from "./names.ts";
import type { Region } from "./region.ts";
import { RegionFinder } from "./region.ts";
import { RiscvSet } from "./riscv64/set.ts";
import { type Assumptions, type TranslateOptions, translate } from "./translate.ts";
import { X86Set } from "./x86_64/set.ts";

export class Translator {
  readonly #set: InstructionSet;
  readonly #options: TranslateOptions;

  /** @param functions by name: slots of the interpreter's functions in its table */
  constructor(isa: IsaName, lines: Lines, functions: Readonly<Record<string, number>>, options: TranslateOptions) {
    this.#set =
      isa === "x86_64"
        ? new X86Set(rowsOf(lines), functions)
        : new RiscvSet((key) => (lines[key] ?? []).map(parseLine), functions, hasFusedMultiplyAdd());
    this.#options = options;
  }

  finder(memory: GuestMemory): RegionFinder {
    return new RegionFinder(this.#set, memory);
  }
  /** A module with a function for each region. */
  translate(regions: readonly Region[], assume: Assumptions): Unlinked {
    return translate(this.#set, regions, { ...this.#options, ...assume });
  }
  /** Regions in words: the guest's instructions, how the control flow was structured, the code that was made. */
  describe(regions: readonly Region[], module: Uint8Array<ArrayBuffer>, memory: GuestMemory): string {
    return describe(regions, module, memory);
  }
}
