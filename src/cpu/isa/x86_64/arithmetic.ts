/** Moves, addition, subtraction and comparison. Definitions: see sem.ts for the rules they keep. */
import { type Definition, FlagKind, type Size, wordOps } from "./sem.ts";

const mov: Definition = (s) => s.write(0, s.read(1));

const add: Definition = (s) => {
  const size = s.operands[0]?.bytes as Size;
  const a = s.modify(0);
  const b = s.read(1);
  const sum = s.f.let(wordOps(size).add(a, b));
  s.write(0, sum);
  s.flags.set(FlagKind.Add, size, sum, b);
};

const cmp: Definition = (s) => {
  const size = s.operands[0]?.bytes as Size;
  const a = s.read(0);
  const b = s.read(1);
  s.flags.set(FlagKind.Sub, size, wordOps(size).sub(a, b), b);
};

export const arithmetic: Readonly<Record<string, Definition>> = { mov, add, cmp };
