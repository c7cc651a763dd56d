/** The integer instructions: their encodings and definitions. */
import type { FunctionRef } from "../../wasm/module.ts";
import { arithmetic } from "./arithmetic.ts";
import { defineControl } from "./control.ts";
import { defineMulDiv } from "./muldiv.ts";
import { CONDITIONS, type Family } from "./sem.ts";
import { shifts } from "./shifts.ts";
import { strings } from "./strings.ts";

const hex = (n: number): string => n.toString(16).padStart(2, "0");
const lines = (names: readonly string[], line: (name: string, i: number) => string): string =>
  names.map(line).join("\n");

const lock = (name: string): string => (name === "cmp" ? "" : "lock");
const ALU = lines(
  ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"],
  (name, i) => `
${hex(i * 8)} ${name} Eb,Gb ${lock(name)}
${hex(i * 8 + 1)} ${name} Ev,Gv ${lock(name)}
${hex(i * 8 + 2)} ${name} Gb,Eb
${hex(i * 8 + 3)} ${name} Gv,Ev
${hex(i * 8 + 4)} ${name} Ab,Ib
${hex(i * 8 + 5)} ${name} Av,Iz
80 /${i} ${name} Eb,Ib ${lock(name)}
81 /${i} ${name} Ev,Iz ${lock(name)}
83 /${i} ${name} Ev,Ib ${lock(name)}`,
);

// The sixth of the group is shl again, under its other name sal.
const SHIFTS = lines(
  ["rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"],
  (name, i) => `
c0 /${i} ${name} Eb,Ib
c1 /${i} ${name} Ev,Ib
d0 /${i} ${name} Eb,1
d1 /${i} ${name} Ev,1
d2 /${i} ${name} Eb,Cb
d3 /${i} ${name} Ev,Cb`,
);

const CONDITIONAL = lines(
  CONDITIONS,
  (name, i) => `
${hex(0x70 + i)} j${name} Jb o16
0f ${hex(0x80 + i)} j${name} Jz o16
0f ${hex(0x40 + i)} cmov${name} Gv,Ev
0f ${hex(0x90 + i)} set${name} Eb`,
);

const BIT_TESTS = lines(
  ["bt", "bts", "btr", "btc"],
  (name, i) => `
0f ${hex(0xa3 + i * 8)} ${name} Ev,Gv ${i > 0 ? "lock" : ""}
0f ba /${4 + i} ${name} Ev,Ib ${i > 0 ? "lock" : ""}`,
);

const STRINGS = lines(["movs:a4", "stos:aa", "lods:ac"], (entry) => {
  const [name, code] = entry.split(":") as [string, string];
  const wide = hex(Number.parseInt(code, 16) + 1);
  return `
${code} ${name} Ab,X str
${wide} ${name} Av,X str
f3 ${code} rep_${name} Ab,X str
f3 ${wide} rep_${name} Av,X str
f2 ${code} rep_${name} Ab,X str
f2 ${wide} rep_${name} Av,X str`;
}).concat(
  "\n",
  lines(["cmps:a6", "scas:ae"], (entry) => {
    const [name, code] = entry.split(":") as [string, string];
    const wide = hex(Number.parseInt(code, 16) + 1);
    return `
${code} ${name} Ab,X str
${wide} ${name} Av,X str
f3 ${code} repe_${name} Ab,X str
f3 ${wide} repe_${name} Av,X str
f2 ${code} repne_${name} Ab,X str
f2 ${wide} repne_${name} Av,X str`;
  }),
);

const REST = `
50+r push Zv d64
58+r pop Zv d64
63 movsxd Gv,Ed
68 push Iz d64
69 imul3 Gv,Ev,Iz
6a push Ib d64
6b imul3 Gv,Ev,Ib
84 test Eb,Gb
85 test Ev,Gv
86 xchg Eb,Gb lock
87 xchg Ev,Gv lock
88 mov Eb,Gb
89 mov Ev,Gv
8a mov Gb,Eb
8b mov Gv,Ev
8c mod=r mov_from_segment Ev,Sw
8c mod=m mov_from_segment Ew,Sw
8d lea Gv,M
8e mov_to_segment Sw,Ew
8f /0 pop Ev d64
90+r xchg Zv,Av          # 90 without REX.B is nop: the decoder knows
98 cbw Av
99 cwd Av
9c pushf Av d64
9d popf Av d64
9e sahf -
9f lahf -
a0 mov Ab,Ob
a1 mov Av,Ov
a2 mov Ob,Ab
a3 mov Ov,Av
a8 test Ab,Ib
a9 test Av,Iz
b0+r mov Zb,Ib
b8+r mov Zv,Iv
c2 retn Iw o16
c3 ret - o16
c6 /0 mov Eb,Ib
c7 /0 mov Ev,Iz
c8 enter Iw,Ib
c9 leave Av d64
cc int3 -
cd privileged Ib
d7 xlat D str
e0 loopne Jb o16
e1 loope Jb o16
e2 loop Jb o16
e3 jrcxz Jb o16
e8 call Jz o16
e9 jmp Jz o16
eb jmp Jb o16
f4 privileged -
f5 cmc -
f6 /0 test Eb,Ib
f6 /1 test Eb,Ib
f6 /2 not Eb lock
f6 /3 neg Eb lock
f6 /4 mul Eb
f6 /5 imul1 Eb
f6 /6 div Eb
f6 /7 idiv Eb
f7 /0 test Ev,Iz
f7 /1 test Ev,Iz
f7 /2 not Ev lock
f7 /3 neg Ev lock
f7 /4 mul Ev
f7 /5 imul1 Ev
f7 /6 div Ev
f7 /7 idiv Ev
f8 clc -
f9 stc -
fa privileged -
fb privileged -
fc cld -
fd std -
fe /0 inc Eb lock
fe /1 dec Eb lock
ff /0 inc Ev lock
ff /1 dec Ev lock
ff /2 call Eq o16
ff /4 jmp Eq o16
ff /6 push Ev d64
6c privileged -
6d privileged -
6e privileged -
6f privileged -
e4 privileged Ib
e5 privileged Ib
e6 privileged Ib
e7 privileged Ib
ec privileged -
ed privileged -
ee privileged -
ef privileged -
0f 00 /2 privileged -    # lldt
0f 00 /3 privileged -    # ltr
0f 01 /2 mod=m privileged -  # lgdt
0f 01 /3 mod=m privileged -  # lidt
0f 01 /6 privileged -    # lmsw
0f 01 /7 mod=m privileged -  # invlpg
0f 01 /7 mod=r rm=0 privileged -  # swapgs
0f 01 /7 mod=r rm=1 rdtscp -
0f 05 syscall -
0f 06 privileged -
0f 07 privileged -       # sysret
0f 08 privileged -
0f 09 privileged -
0f 0b ud2 -
0f 0d mod=m nop Ev      # prefetchw
0f 18 nop Ev
0f 19 nop Ev
0f 1a nop Ev
0f 1b nop Ev
0f 1c nop Ev
0f 1d nop Ev
0f 1e nop Ev             # with f3 and mod=r: endbr64, rdsspq
0f 1f nop Ev
0f 20 /0 mod=r privileged -  # control registers: 1, 5, 6 and 7 do not exist
0f 20 /2 mod=r privileged -
0f 20 /3 mod=r privileged -
0f 20 /4 mod=r privileged -
0f 21 mod=r privileged -  # debug registers
0f 22 /0 mod=r privileged -
0f 22 /2 mod=r privileged -
0f 22 /3 mod=r privileged -
0f 22 /4 mod=r privileged -
0f 23 mod=r privileged -
0f 30 privileged -
0f 31 rdtsc -
0f 32 privileged -
0f 33 privileged -       # rdpmc
0f 35 privileged -       # sysexit
0f a2 cpuid -
0f a4 shld Ev,Gv,Ib
0f a5 shld_cl Ev,Gv
0f ac shrd Ev,Gv,Ib
0f ad shrd_cl Ev,Gv
np 0f ae /5 mod=r nop -  # lfence
np 0f ae /6 mod=r nop -  # mfence
np 0f ae /7 mod=r nop -  # sfence
0f af imul Gv,Ev
0f b0 cmpxchg Eb,Gb lock
0f b1 cmpxchg Ev,Gv lock
0f b6 movzx Gv,Eb
0f b7 movzx Gv,Ew
f3 0f b8 popcnt Gv,Ev
0f bc bsf Gv,Ev
0f bd bsr Gv,Ev
0f be movsx Gv,Eb
0f bf movsx Gv,Ew
0f c0 xadd Eb,Gb lock
0f c1 xadd Ev,Gv lock
np 0f c3 movnti My,Gy
0f c7 /1 cmpxchg8b M,Ay lock
0f c8+r bswap Zv
`;

export const integerFamily: Family = {
  name: "integer",
  table: [ALU, SHIFTS, CONDITIONAL, BIT_TESTS, STRINGS, REST].join("\n"),
  imports: [{ name: "timestamp", params: [], results: ["i64"] }],
  define: (module, imports) => ({
    ...arithmetic,
    ...shifts,
    ...strings,
    ...defineMulDiv(module),
    ...defineControl(imports["timestamp"] as FunctionRef),
  }),
};
