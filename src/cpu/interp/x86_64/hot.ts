/**
 * What is common, by measurement (busybox: gzip, bzip2, sort, sed, awk, the shell; musl programs: sorting, printf, hashing,
 * floating-point loops), and therefore has quick handlers in the main loop. Results don't depend on these lists.
 */

/**
 * Single instructions. `b` is memory without index register, which has a handler of its own. (Control flow is always
 * inline, since it needs the fuel that only the main loop has at hand.)
 */
export const HOT = `
mov:r8,r8 mov:r4,r4 mov:r4,i mov:r8,i mov:r8,b8 mov:r4,b4 mov:b8,r8 mov:b4,r4 mov:b4,i mov:b8,i mov:b1,r1 mov:b1,i
mov:r8,m8 mov:r4,m4 mov:m8,r8 mov:m4,r4 mov:m1,r1
movzx:r4,b1 movzx:r4,m1 movzx:r4,b2 movzx:r4,r1 movzx:r4,r2 movsx:r4,b1 movsx:r4,r1 movsxd:r8,r4 movsxd:r8,b4 movsxd:r8,m4
lea:r8,b0 lea:r8,m0 lea:r4,b0 lea:r4,m0 push:r8 pop:r8 push:i8 mov:r1,m1 mov:r1,b1 movzx:r4,m2
add:r8,r8 add:r4,r4 add:r8,i add:r4,i add:r8,b8 add:r4,b4 add:b8,i add:b4,i add:b8,r8 add:b4,r4
sub:r8,r8 sub:r4,r4 sub:r8,i sub:r4,i sub:r8,b8
and:r8,r8 and:r4,r4 and:r8,i and:r4,i or:r8,r8 or:r4,r4 or:r4,i xor:r8,r8 xor:r4,r4 xor:r4,i
cmp:r8,r8 cmp:r4,r4 cmp:r8,i cmp:r4,i cmp:r1,i cmp:r8,b8 cmp:b8,r8 cmp:r4,b4 cmp:b4,r4 cmp:b8,i cmp:b4,i cmp:b1,i
test:r8,r8 test:r4,r4 test:r1,r1 test:r1,i test:b1,i test:r4,i inc:r8
shl:r8,i shl:r4,i shr:r8,i shr:r4,i sar:r8,i sar:r4,i imul:r8,r8 imul:r4,r4 neg:r4 not:r4 inc:r4 dec:r4
nop:b2 nop:b4 nop:m2 nop:m4 nop
movsd_load:x,b8 movsd_load:x,m8 movsd:b8,x movsd:m8,x movsd:x,x movaps:x,x movaps:x,b16 movaps:b16,x
movups:x,b16 movups:b16,x pxor:x,x mulsd:x,x addsd:x,x subsd:x,x divsd:x,x addsd:x,b8 mulsd:x,b8 addsd:x,m8 mulsd:x,m8
`;

/** A flag-setting instruction and a conditional branch run as one: the flags that matter are at hand. */
export const FUSED: readonly (readonly [string, string])[] = [
  ["cmp:r8,r8 cmp:r4,r4 cmp:r8,i cmp:r4,i", "b ae e ne be a l ge le g"],
  ["cmp:r1,i cmp:b1,i cmp:b4,i cmp:b8,i", "b ae e ne be a l ge le g"],
  ["cmp:r8,b8 cmp:b8,r8 cmp:r4,b4 cmp:b4,r4", "b ae e ne be a l ge le g"],
  ["cmp:m1,i cmp:m4,i cmp:m8,i cmp:r1,b1 cmp:b1,r1 cmp:r1,r1 cmp:r1,m1 cmp:m1,r1", "e ne"],
  ["test:r8,r8 test:r4,r4", "e ne s ns le g"],
  ["test:r1,r1 test:r4,i test:r1,i test:b1,i", "e ne s ns"],
  ["and:r4,i and:r4,r4 add:r8,i add:r4,i dec:r4 dec:r8", "e ne s ns"],
  ["sub:r8,i sub:r4,i sub:r8,r8 sub:r4,r4 sub:r8,b8", "e ne"],
];

/**
 * Each of these makes the main loop's function bigger, and there is a cliff: beyond 8192 virtual registers (on Node 20 at
 * about 80 KB of machine code) V8 allocates registers in a simpler way that keeps all of them on the stack, and everything
 * is a quarter slower. A test watches the size.
 *
 * Neighbours that run as one, to save a dispatch, and where the second reads flags of the first, to compute them from what
 * is at hand. The second may be an instruction fused with a branch. `{a b}` is either.
 */
export const PAIRS: readonly string[] = [
  "mov:r1,m1|inc:r8",
  "inc:r8|mov:b1,r1",
  "mov:r4,r4|jmp:j",
  "mov:b1,r1|mov:r4,r4",
  "pop:r8|pop:r8",
  "movzx:r4,b1|add:r8,i",
  "mov:r8,b8|movzx:r4,b1",
  "add:r8,i|add:m4,r4",
  "push:r8|push:r8",
  "add:m4,r4|inc:r8",
  "inc:r8|cmp:r4,r4+g",
  "pop:r8|ret",
  "push:r8|mov:r8,r8",
  "mov:r8,b8|mov:r8,b8",
  "mov:r8,b8|lea:r8,b0",
  "mov:r8,r8|push:r8",
  "mov:r4,b4|mov:r8,b8",
  "mov:r4,b4|mov:r4,b4",
  "mov:r8,b8|test:r8,r8+ne",
  "mov:r4,b4|test:r4,r4+e",
  "mov:r4,r4|and:r4,i",
  "push:i8|pop:r8",
  "lea:r8,b0|mov:b8,r8",
  "mov:r8,b8|mov:r4,b4",
  "mov:r8,b8|test:r8,r8+e",
  "movsxd:r8,b4|mov:r8,b8",
  "inc:r4|add:r8,i",
  "mov:r8,b8|cmp:r8,b8+e",
  "mov:r8,b8|mov:r4,r4",
  "add:r8,i|mov:r8,b8",
  "push:r8|mov:r4,r4",
  "inc:r8|jmp:j",
  "mov:r4,r4|mov:r4,r4",
  "shl:r8,i|mov:m8,r8",
  "mov:b8,r8|movzx:r4,b1",
  "mov:r4,r4|push:r8",
  "cmp:r4,r4|cmov{b a l g}:r4,r4",
  "test:r8,r8|cmov{e ne}:r8,r8",
  "cmp:r8,r8|cmov{b a}:r8,r8",
  "cmp:r4,i|set{e ne}:r1",
];
