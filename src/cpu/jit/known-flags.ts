/** What is known, when translating, of the instruction that set the flags last. */
import { ccOp } from "../isa/x86_64/flags.ts";
import { FlagKind } from "../isa/x86_64/sem.ts";

/** CC_OP and CC_PREVIOUS of the lazy flags. */
export interface KnownFlags {
  readonly op: number;
  /** -1: not known. */
  readonly previous: number;
  /** The first operand is at hand. */
  readonly first: boolean;
  /** The two numbers whose comparison gave the flags are at hand. */
  readonly compared?: boolean;
}

export const FIRST_STEP: number = ccOp(FlagKind.Inc, 1);
/** A CC_OP of an inc or dec, which keep the carry flag. */
export const keepsCarryOf = (op: number): boolean => op >= FIRST_STEP && op <= FIRST_STEP + 7;

/** The flags follow from the result and the second operand alone. */
export function arePlain(known: KnownFlags | undefined): boolean {
  if (known === undefined || keepsCarryOf(known.op)) return false;
  const kind = known.op >> 2;
  return kind !== FlagKind.Adc && kind !== FlagKind.Sbb;
}

/** CC_PREVIOUS after an inc or dec. */
export function carriedBy(before: KnownFlags | undefined): number {
  if (before === undefined) return -1;
  return keepsCarryOf(before.op) ? before.previous : before.op;
}
