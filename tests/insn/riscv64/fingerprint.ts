/** What the processor does with a few cases of each instruction, in 32 bits: so that machines without qemu check it too. */
import type { Generator } from "./generate.ts";
import { type Case, OUT, OUTPUT_SIZE, type Outcome, Signal } from "./protocol.ts";

const CASES_PER_INSTRUCTION = 24;
/** Of vectors there are as many as of all others, and most have their operations in common with others. */
const CASES_PER_VECTOR_INSTRUCTION = 6;

/** The cases that stand for an instruction. */
export function casesOf(generator: Generator, mnemonic: string): Case[] {
  const seed = fnv(0x811c9dc5, new TextEncoder().encode(mnemonic));
  const count = mnemonic.startsWith("v") ? CASES_PER_VECTOR_INSTRUCTION : CASES_PER_INSTRUCTION;
  return Array.from({ length: count }, (_, i) => generator.makeSingle(mnemonic, seed, i));
}

export function fingerprint(outcomes: readonly Outcome[]): string {
  let hash = 0x811c9dc5;
  for (const outcome of outcomes) {
    const bytes = new Uint8Array(outcome.buffer, outcome.byteOffset, OUTPUT_SIZE).slice();
    // The host's processor says nothing of an address that is none; of a bus error there is none in the comparison.
    const view = new DataView(bytes.buffer);
    const known = view.getBigUint64(OUT.ADDRESS, true) < 1n << 47n && view.getUint32(OUT.SIGNAL, true) === Signal.SEGV;
    if (!known) view.setBigInt64(OUT.ADDRESS, 0n, true);
    hash = fnv(hash, bytes);
  }
  return hash.toString(16).padStart(8, "0");
}

/** FNV-1a. */
function fnv(start: number, bytes: Uint8Array): number {
  let hash = start;
  for (const b of bytes) hash = Math.imul(hash ^ b, 0x01000193);
  return hash >>> 0;
}
