/**
 * The translator as one object. It is a large part of tsrcore, with all instruction definitions, and most runs end before
 * anything is hot; so the engine loads this file when it first wants something translated.
 */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import type { Row } from "../isa/x86_64/table.ts";
import { describe } from "./dump.ts";
import { InstructionSet } from "./instruction.ts";
import type { Unlinked } from "./names.ts";
import type { Region } from "./region.ts";
import { RegionFinder } from "./region.ts";
import { type Assumptions, type TranslateOptions, translate } from "./translate.ts";

export class Translator {
  readonly #set: InstructionSet;
  readonly #options: TranslateOptions;

  /** @param functions by name: slots of the interpreter's functions in its table */
  constructor(
    rowsOf: (opcode: number) => readonly Row[],
    functions: Readonly<Record<string, number>>,
    options: TranslateOptions,
  ) {
    this.#set = new InstructionSet(rowsOf, functions);
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
