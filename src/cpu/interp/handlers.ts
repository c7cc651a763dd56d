/** Which handlers there are, and which of them stand inline in the main loop. */

/** Records that are no instructions. */
export const INTERNAL_FORMS: readonly string[] = [
  "#goto:j",
  "#forward",
  "#lookup",
  "#gone",
  "#far:q",
  "#stepped",
  "#illegal",
  // Before an instruction where translated code may go on after a call (program.ts).
  "#expected",
];

export interface HandlerList {
  /** Forms whose code is in the main loop; the handler number is the index. */
  readonly inline: readonly string[];
  /** The others, numbered from inline.length. */
  readonly outlined: readonly string[];
  readonly numberOf: ReadonlyMap<string, number>;
  /** By handler: its variant for memory without index register, or -1. */
  readonly unindexed: Int16Array;
  /** Handler * PAIR + handler of the record after it: the handler for both. */
  readonly fusedWith: ReadonlyMap<number, number>;
  /** By handler: 1 if it is the first of any pair. */
  readonly startsPair: Uint8Array;
  /** Numbers of handlers for several records: with a branch, pairs, up to but not including. */
  readonly firstFused: number;
  readonly firstPair: number;
  readonly fusedEnd: number;
}

export function numberHandlers(inline: readonly string[], outlined: readonly string[]): HandlerList {
  const numberOf = new Map<string, number>();
  for (const form of inline) numberOf.set(form, numberOf.size);
  for (const form of outlined) numberOf.set(form, numberOf.size);
  const unindexed = new Int16Array(numberOf.size).fill(-1);
  const fusedWith = new Map<number, number>();
  const startsPair = new Uint8Array(numberOf.size);
  let firstFused = inline.length;
  let firstPair = inline.length;
  inline.forEach((form, number) => {
    const plus = form.indexOf("+");
    const bar = form.indexOf("|");
    if (bar >= 0) {
      const first = numberOf.get(form.slice(0, bar)) as number;
      fusedWith.set(first * PAIR + (numberOf.get(form.slice(bar + 1)) as number), number);
      startsPair[first] = 1;
      firstPair = Math.min(firstPair, number);
    } else if (plus >= 0) {
      const branch = numberOf.get(`j${form.slice(plus + 1)}:j`) as number;
      const first = numberOf.get(form.slice(0, plus));
      if (first !== undefined) fusedWith.set(first * PAIR + branch, number);
      firstFused = Math.min(firstFused, number);
    } else if (/[:,]b/.test(form)) unindexed[numberOf.get(indexed(form)) as number] = number;
  });
  return {
    inline,
    outlined,
    numberOf,
    unindexed,
    fusedWith,
    startsPair,
    firstFused: Math.min(firstFused, firstPair),
    firstPair,
    fusedEnd: inline.length,
  };
}

/** Factor of the first handler's number in the keys of `fusedWith`. */
export const PAIR = 0x10000;

/** The form without the restriction to memory without index. */
export function indexed(form: string): string {
  return form.replace(/([:,])b/, "$1m");
}

/** `{a b}` in a pair stands for either. */
export function expandPair(pair: string): string[] {
  const choice = /\{([^}]*)\}/.exec(pair);
  if (choice === null) return [pair];
  return (choice[1] as string).split(" ").flatMap((word) => expandPair(pair.replace(choice[0], word)));
}
