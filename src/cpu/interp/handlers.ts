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
}

/** Common instructions, and all control flow (which needs the fuel that only the main loop has at hand). */
const HOT = [
  "mov:r8,r8",
  "mov:r4,r4",
  "mov:r8,m8",
  "mov:r4,m4",
  "mov:m8,r8",
  "mov:m4,r4",
  "mov:r4,i",
  "mov:r8,i",
  "mov:m1,r1",
  "mov:m4,i",
  "mov:m8,i",
  "movzx:r4,m1",
  "movzx:r4,r1",
  "movsxd:r8,r4",
  "lea:r8,m0",
  "lea:r4,m0",
  "push:r8",
  "pop:r8",
  "add:r8,r8",
  "add:r4,r4",
  "add:r8,i",
  "add:r4,i",
  "add:r8,m8",
  "sub:r8,r8",
  "sub:r4,r4",
  "sub:r8,i",
  "sub:r4,i",
  "and:r8,r8",
  "and:r4,r4",
  "and:r8,i",
  "and:r4,i",
  "or:r8,r8",
  "or:r4,r4",
  "xor:r8,r8",
  "xor:r4,r4",
  "cmp:r8,r8",
  "cmp:r4,r4",
  "cmp:r8,i",
  "cmp:r4,i",
  "cmp:r8,m8",
  "cmp:r4,m4",
  "cmp:m8,i",
  "cmp:m4,i",
  "cmp:m1,i",
  "cmp:r1,i",
  "test:r8,r8",
  "test:r4,r4",
  "test:r1,r1",
  "test:r1,i",
  "shl:r8,i",
  "shl:r4,i",
  "shr:r8,i",
  "shr:r4,i",
  "sar:r8,i",
  "sar:r4,i",
  "imul:r8,r8",
  "imul:r4,r4",
  "inc:r8",
  "inc:r4",
  "dec:r8",
  "dec:r4",
];

const CONTROL = /^(j[a-z]+|call|ret|retn|loop|loope|loopne)(:|$)/;

export function listHandlers(rows: readonly Row[]): HandlerList {
  const forms = new Set<string>(INTERNAL_FORMS);
  for (const row of rows) for (const form of formsOf(row)) forms.add(form);
  const hot = HOT.filter((form) => forms.has(form));
  const control = [...forms].filter((form) => CONTROL.test(form));
  const inline = [...new Set(["#goto:j", "#forward", ...hot, ...control])];
  const isInline = new Set(inline);
  const outlined = [...forms].filter((form) => !isInline.has(form));
  const numberOf = new Map([...inline, ...outlined].map((form, number) => [form, number]));
  return { inline, outlined, numberOf };
}
