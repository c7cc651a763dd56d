/**
 * One engine for programs of several instruction sets, made of one for each, which is made when there is a program for it.
 */
import type { GuestMemory } from "../mm/guest-memory.ts";
import type { CpuCore, CpuEngine, IsaName } from "./core.ts";

export class SeveralEngines implements CpuEngine {
  readonly name: string;
  readonly isas: readonly IsaName[];
  readonly countsTime: boolean;
  readonly #make: (isa: IsaName) => CpuEngine;
  readonly #made = new Map<IsaName, CpuEngine>();

  /** @param first the engine that is needed in most cases, and the instruction set that is meant where none is named */
  constructor(first: CpuEngine, others: readonly IsaName[], make: (isa: IsaName) => CpuEngine) {
    this.name = first.name;
    this.countsTime = first.countsTime ?? false;
    this.isas = [...first.isas, ...others];
    this.#make = make;
    for (const isa of first.isas) this.#made.set(isa, first);
  }

  attach(memory: GuestMemory, isa: IsaName = this.isas[0] as IsaName): CpuCore {
    if (!this.isas.includes(isa)) throw new Error(`the engine ${this.name} does not execute ${isa}`);
    let engine = this.#made.get(isa);
    if (engine === undefined) this.#made.set(isa, (engine = this.#make(isa)));
    return engine.attach(memory, isa);
  }

  save(): void {
    for (const engine of this.#made.values()) engine.save?.();
  }
}
