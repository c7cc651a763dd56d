/** What translated code and the engine agree on. */
import { fillMark, type Mark } from "../wasm/sink.ts";

/** The name under which a module exports the function of the region at an address. */
export function exportName(rip: number): string {
  return `r${rip.toString(16)}`;
}

/** Where addresses are noted that computed jumps lead to: so many words for each jump. */
export const TARGET_ENTRIES = 256;

/** A module with places for what differs from run to run. */
export interface Unlinked {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly marks: readonly Mark[];
}

/** Stands for the slot in the table of the region at an address, whether there is one or not. */
export function slotMark(rip: number): string {
  return `s${rip.toString(16)}`;
}
/** Stands for the offset in memory of the words where it is noted where the computed jump at an address leads. */
export function targetsMark(rip: number): string {
  return `t${rip.toString(16)}`;
}

export interface Places {
  slotOf(rip: number): number;
  targetsOf(rip: number): number;
}

/** The module with everything filled in. */
export function link({ bytes, marks }: Unlinked, places: Places): Uint8Array<ArrayBuffer> {
  const linked = bytes.slice();
  for (const mark of marks) {
    const rip = Number.parseInt(mark.what.slice(1), 16);
    fillMark(linked, mark, mark.what.startsWith("s") ? places.slotOf(rip) : places.targetsOf(rip));
  }
  return linked;
}
