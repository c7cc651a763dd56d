/** Which handlers there are, and which of them stand inline in the main loop. */
import { formsOf, type Row } from "../isa/x86_64/table.ts";

/** Records that are no instructions (program.ts). */
const INTERNAL_FORMS = [
  "#goto:j",
  "#forward",
  "#lookup",
  "#gone",
  "#far:q",
  "#stepped",
  "#illegal",
  "#address:m0,s",
  "#address32:m0,s",
];

export interface HandlerList {
  /** Forms whose code is in the main loop; the handler number is the index. */
  readonly inline: readonly string[];
  /** The others, numbered from inline.length. */
  readonly outlined: readonly string[];
  readonly numberOf: ReadonlyMap<string, number>;
  /** By handler: its variant for memory without index register, or -1. */
  readonly unindexed: Int16Array;
  /** Handler * PAIR + handler of the branch after it: the handler for both. */
  readonly fusedWith: ReadonlyMap<number, number>;
  /** Numbers of fused handlers: from, up to but not including. */
  readonly firstFused: number;
  readonly fusedEnd: number;
}

/**
 * Common instructions, by measurement (musl programs: sort, printf, hashing, small interpreters). `b` is memory without
 * index register, which has a quicker handler; all control flow is inline as well, since it needs the fuel that only the
 * main loop has at hand.
 */
const HOT = `
mov:r8,r8 mov:r4,r4 mov:r4,i mov:r8,i mov:r8,b8 mov:r4,b4 mov:b8,r8 mov:b4,r4 mov:b4,i mov:b8,i mov:b1,r1 mov:b1,i
mov:r8,m8 mov:r4,m4 mov:m8,r8 mov:m4,r4 mov:m1,r1
movzx:r4,b1 movzx:r4,m1 movzx:r4,b2 movzx:r4,r1 movzx:r4,r2 movsx:r4,b1 movsx:r4,r1 movsxd:r8,r4 movsxd:r8,b4 movsxd:r8,m4
lea:r8,b0 lea:r8,m0 lea:r4,b0 lea:r4,m0 push:r8 pop:r8
add:r8,r8 add:r4,r4 add:r8,i add:r4,i add:r8,b8 add:r4,b4 add:b8,i add:b4,i add:b8,r8 add:b4,r4
sub:r8,r8 sub:r4,r4 sub:r8,i sub:r4,i sub:r8,b8
and:r8,r8 and:r4,r4 and:r8,i and:r4,i or:r8,r8 or:r4,r4 or:r4,i xor:r8,r8 xor:r4,r4 xor:r4,i
cmp:r8,r8 cmp:r4,r4 cmp:r8,i cmp:r4,i cmp:r1,i cmp:r8,b8 cmp:b8,i cmp:b4,i cmp:b1,i
test:r8,r8 test:r4,r4 test:r1,r1 test:r1,i test:b1,i
shl:r8,i shl:r4,i shr:r8,i shr:r4,i sar:r8,i sar:r4,i imul:r8,r8 imul:r4,r4 neg:r4 not:r4 inc:r4 dec:r4
nop:b2 nop:b4 nop:m2 nop:m4 nop
movsd_load:x,b8 movsd_load:x,m8 movsd:b8,x movsd:m8,x movsd:x,x movaps:x,x movaps:x,b16 movaps:b16,x
movups:x,b16 movups:b16,x pxor:x,x mulsd:x,x addsd:x,x subsd:x,x divsd:x,x addsd:x,b8 mulsd:x,b8 addsd:x,m8 mulsd:x,m8
`;

/** Pairs of a flag-setting instruction and a conditional branch that run as one. */
const FUSED: readonly (readonly [string, string])[] = [
  ["cmp:r8,r8 cmp:r4,r4 cmp:r8,i cmp:r4,i", "b ae e ne be a l ge le g s ns"],
  ["cmp:r1,i cmp:b1,i cmp:b4,i cmp:b8,i cmp:r1,r1", "b ae e ne be a l ge le g"],
  ["cmp:r8,b8 cmp:b8,r8 cmp:r4,b4 cmp:b4,r4", "b ae e ne be a l ge le g"],
  ["cmp:m1,i cmp:m4,i cmp:m8,i cmp:r1,b1 cmp:b1,r1", "e ne"],
  ["test:r8,r8 test:r4,r4", "e ne s ns le g"],
  ["test:r1,r1 test:r4,i test:r1,i test:b1,i", "e ne s ns"],
  ["and:r4,i and:r4,r4 add:r8,i add:r4,i dec:r4 dec:r8", "e ne s ns"],
  ["sub:r8,i sub:r4,i sub:r8,r8 sub:r4,r4", "b ae e ne a s ns l ge"],
];

const CONTROL = /^(j[a-z]+|call|ret|retn|loop|loope|loopne)(:|$)/;

/** The forms of the tables' rows, in the order of their handlers' numbers. */
export function listForms(rows: readonly Row[]): { inline: string[]; outlined: string[] } {
  const forms = new Set<string>(INTERNAL_FORMS);
  for (const row of rows) for (const form of formsOf(row)) forms.add(form);
  const exists = (form: string): boolean => forms.has(indexed(form));
  const hot = HOT.trim().split(/\s+/).filter(exists);
  const control = [...forms].filter((form) => CONTROL.test(form));
  const fused = FUSED.flatMap(([firsts, conditions]) =>
    firsts
      .split(" ")
      .filter(exists)
      .flatMap((first) => conditions.split(" ").map((condition) => `${first}+${condition}`)),
  );
  const inline = [...new Set(["#goto:j", "#forward", ...hot, ...control, ...fused])];
  const isInline = new Set(inline);
  return { inline, outlined: [...forms].filter((form) => !isInline.has(form)) };
}

export function numberHandlers(inline: readonly string[], outlined: readonly string[]): HandlerList {
  const numberOf = new Map<string, number>();
  for (const form of inline) numberOf.set(form, numberOf.size);
  for (const form of outlined) numberOf.set(form, numberOf.size);
  const unindexed = new Int16Array(numberOf.size).fill(-1);
  const fusedWith = new Map<number, number>();
  let firstFused = inline.length;
  inline.forEach((form, number) => {
    const plus = form.indexOf("+");
    if (plus >= 0) {
      const branch = numberOf.get(`j${form.slice(plus + 1)}:j`) as number;
      const first = numberOf.get(form.slice(0, plus));
      if (first !== undefined) fusedWith.set(first * PAIR + branch, number);
      firstFused = Math.min(firstFused, number);
    } else if (/[:,]b/.test(form)) unindexed[numberOf.get(indexed(form)) as number] = number;
  });
  return { inline, outlined, numberOf, unindexed, fusedWith, firstFused, fusedEnd: inline.length };
}

/** Factor of the first handler's number in the keys of `fusedWith`. */
export const PAIR = 0x10000;

/** The form without the restriction to memory without index. */
function indexed(form: string): string {
  return form.replace(/([:,])b/, "$1m");
}
