/** What the contexts of all instruction sets have in common: see <isa>/context.ts for the rest of each. */
import type { ValType } from "../wasm/expr.ts";

/** u64: the program counter, at instruction boundaries. */
export const PC = 0x98;

/** Trap details the engine leaves: u64 address, u32 kind. Up to here a context belongs to a task, at most. */
export const FAULT_ADDRESS = 0x600;
export const FAULT_ACCESS = 0x608;

/** Functions of TypeScript that instruction definitions call, by import. */
export interface HostImport {
  readonly name: string;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}
