/**
 * The encoding table of the vector extension (riscv-v-spec 1.0, chapters 6, 7 and "Vector Instruction Listing").
 *
 * Arithmetic is listed by funct6 in three groups, integers (OPI), integers and masks (OPM) and floating point (OPF), each with the
 * kinds of second operand there are: `v` a vector, `x` and `f` a scalar, `i` an immediate. A mnemonic's suffix says them too:
 * `vv` and `vx`, `wv` where the first operand is wide, `vs` of a reduction, `mm` of masks, `vvm` where v0 is an operand.
 */

const OPCODE = "1010111";
const FUNCT3 = { iv: "000", fv: "001", mv: "010", ii: "011", ix: "100", ff: "101", mx: "110" } as const;

/** Name, and the kinds of operands; by name ends in `.w`: the first operand is wide already. */
const OPI = `
000000 vadd vxi      000010 vsub vx       000011 vrsub xi      000100 vminu vx      000101 vmin vx
000110 vmaxu vx      000111 vmax vx       001001 vand vxi      001010 vor vxi       001011 vxor vxi
001100 vrgather vxi  001110 vslideup xi   001111 vslidedown xi
011000 vmseq vxi     011001 vmsne vxi     011010 vmsltu vx     011011 vmslt vx      011100 vmsleu vxi
011101 vmsle vxi     011110 vmsgtu xi     011111 vmsgt xi
100000 vsaddu vxi    100001 vsadd vxi     100010 vssubu vx     100011 vssub vx      100101 vsll vxi
100111 vsmul vx      101000 vsrl vxi      101001 vsra vxi      101010 vssrl vxi     101011 vssra vxi
101100 vnsrl.w vxi   101101 vnsra.w vxi   101110 vnclipu.w vxi 101111 vnclip.w vxi
`;
const OPM = `
001000 vaaddu vx     001001 vaadd vx      001010 vasubu vx     001011 vasub vx
001110 vslide1up x   001111 vslide1down x
100000 vdivu vx      100001 vdiv vx       100010 vremu vx      100011 vrem vx
100100 vmulhu vx     100101 vmul vx       100110 vmulhsu vx    100111 vmulh vx
101001 vmadd vx      101011 vnmsub vx     101101 vmacc vx      101111 vnmsac vx
110000 vwaddu vx     110001 vwadd vx      110010 vwsubu vx     110011 vwsub vx
110100 vwaddu.w vx   110101 vwadd.w vx    110110 vwsubu.w vx   110111 vwsub.w vx
111000 vwmulu vx     111010 vwmulsu vx    111011 vwmul vx
111100 vwmaccu vx    111101 vwmacc vx     111110 vwmaccus x    111111 vwmaccsu vx
`;
const OPF = `
000000 vfadd vf      000010 vfsub vf      000100 vfmin vf      000110 vfmax vf
001000 vfsgnj vf     001001 vfsgnjn vf    001010 vfsgnjx vf    001110 vfslide1up f  001111 vfslide1down f
011000 vmfeq vf      011001 vmfle vf      011011 vmflt vf      011100 vmfne vf      011101 vmfgt f       011111 vmfge f
100000 vfdiv vf      100001 vfrdiv f      100100 vfmul vf      100111 vfrsub f
101000 vfmadd vf     101001 vfnmadd vf    101010 vfmsub vf     101011 vfnmsub vf
101100 vfmacc vf     101101 vfnmacc vf    101110 vfmsac vf     101111 vfnmsac vf
110000 vfwadd vf     110010 vfwsub vf     110100 vfwadd.w vf   110110 vfwsub.w vf   111000 vfwmul vf
111100 vfwmacc vf    111101 vfwnmacc vf   111110 vfwmsac vf    111111 vfwnmsac vf
`;
/** Reductions, which take a vector and a scalar in a vector register. */
const REDUCTIONS = `
iv 110000 vwredsumu  iv 110001 vwredsum
mv 000000 vredsum    mv 000001 vredand    mv 000010 vredor     mv 000011 vredxor
mv 000100 vredminu   mv 000101 vredmin    mv 000110 vredmaxu   mv 000111 vredmax
fv 000001 vfredusum  fv 000011 vfredosum  fv 000101 vfredmin   fv 000111 vfredmax
fv 110001 vfwredusum fv 110011 vfwredosum
`;
/** One operand; which instruction it is, is where vs1 would be. */
const UNARY = `
mv 010010 00010 vzext.vf8   mv 010010 00011 vsext.vf8   mv 010010 00100 vzext.vf4   mv 010010 00101 vsext.vf4
mv 010010 00110 vzext.vf2   mv 010010 00111 vsext.vf2
mv 010100 00001 vmsbf.m     mv 010100 00010 vmsof.m     mv 010100 00011 vmsif.m     mv 010100 10000 viota.m
fv 010011 00000 vfsqrt.v    fv 010011 00100 vfrsqrt7.v  fv 010011 00101 vfrec7.v    fv 010011 10000 vfclass.v
fv 010010 00000 vfcvt.xu.f.v       fv 010010 00001 vfcvt.x.f.v      fv 010010 00010 vfcvt.f.xu.v
fv 010010 00011 vfcvt.f.x.v        fv 010010 00110 vfcvt.rtz.xu.f.v fv 010010 00111 vfcvt.rtz.x.f.v
fv 010010 01000 vfwcvt.xu.f.v      fv 010010 01001 vfwcvt.x.f.v     fv 010010 01010 vfwcvt.f.xu.v
fv 010010 01011 vfwcvt.f.x.v       fv 010010 01100 vfwcvt.f.f.v
fv 010010 01110 vfwcvt.rtz.xu.f.v  fv 010010 01111 vfwcvt.rtz.x.f.v
fv 010010 10000 vfncvt.xu.f.w      fv 010010 10001 vfncvt.x.f.w     fv 010010 10010 vfncvt.f.xu.w
fv 010010 10011 vfncvt.f.x.w       fv 010010 10100 vfncvt.f.f.w     fv 010010 10101 vfncvt.rod.f.f.w
fv 010010 10110 vfncvt.rtz.xu.f.w  fv 010010 10111 vfncvt.rtz.x.f.w
`;
const MASKS = `
011000 vmandn  011001 vmand  011010 vmor  011011 vmxor  011100 vmorn  011101 vmnand  011110 vmnor  011111 vmxnor
`;
/** What is like nothing else. */
const OTHERS = `
0 vt11 rs1 111 rd ${OPCODE} vsetvli
11 vt10 z5 111 rd ${OPCODE} vsetivli
1000000 rs2 rs1 111 rd ${OPCODE} vsetvl
001110 vm vs2 vs1 000 vd ${OPCODE} vrgatherei16.vv
010000 0 vs2 vs1 000 vd ${OPCODE} vadc.vvm
010000 0 vs2 rs1 100 vd ${OPCODE} vadc.vxm
010000 0 vs2 z5 011 vd ${OPCODE} vadc.vim
010001 vm vs2 vs1 000 vd ${OPCODE} vmadc.vv
010001 vm vs2 rs1 100 vd ${OPCODE} vmadc.vx
010001 vm vs2 z5 011 vd ${OPCODE} vmadc.vi
010010 0 vs2 vs1 000 vd ${OPCODE} vsbc.vvm
010010 0 vs2 rs1 100 vd ${OPCODE} vsbc.vxm
010011 vm vs2 vs1 000 vd ${OPCODE} vmsbc.vv
010011 vm vs2 rs1 100 vd ${OPCODE} vmsbc.vx
010111 0 vs2 vs1 000 vd ${OPCODE} vmerge.vvm
010111 0 vs2 rs1 100 vd ${OPCODE} vmerge.vxm
010111 0 vs2 z5 011 vd ${OPCODE} vmerge.vim
010111 1 00000 vs1 000 vd ${OPCODE} vmv.v.v
010111 1 00000 rs1 100 vd ${OPCODE} vmv.v.x
010111 1 00000 z5 011 vd ${OPCODE} vmv.v.i
100111 1 vs2 00000 011 vd ${OPCODE} vmv1r.v
100111 1 vs2 00001 011 vd ${OPCODE} vmv2r.v
100111 1 vs2 00011 011 vd ${OPCODE} vmv4r.v
100111 1 vs2 00111 011 vd ${OPCODE} vmv8r.v
010000 1 vs2 00000 010 rd ${OPCODE} vmv.x.s
010000 vm vs2 10000 010 rd ${OPCODE} vcpop.m
010000 vm vs2 10001 010 rd ${OPCODE} vfirst.m
010000 1 00000 rs1 110 vd ${OPCODE} vmv.s.x
010000 1 vs2 00000 001 rd ${OPCODE} vfmv.f.s
010000 1 00000 rs1 101 vd ${OPCODE} vfmv.s.f
010100 vm 00000 10001 010 vd ${OPCODE} vid.v
010111 1 vs2 vs1 010 vd ${OPCODE} vcompress.vm
010111 0 vs2 rs1 101 vd ${OPCODE} vfmerge.vfm
010111 1 00000 rs1 101 vd ${OPCODE} vfmv.v.f
`;

export const WIDTHS = [
  { eew: 8, width: "000" },
  { eew: 16, width: "101" },
  { eew: 32, width: "110" },
  { eew: 64, width: "111" },
] as const;
/** Numbers of registers that are moved, loaded or stored as they are, with the nf field. */
export const WHOLE = [
  { count: 1, nf: "000" },
  { count: 2, nf: "001" },
  { count: 4, nf: "011" },
  { count: 8, nf: "111" },
] as const;

const words = (text: string): string[] => text.trim().split(/\s+/);
/** In groups of so many words. */
function groups(text: string, size: number): string[][] {
  const all = words(text);
  return Array.from({ length: all.length / size }, (_, i) => all.slice(i * size, (i + 1) * size));
}

const KINDS = { v: "vs1", x: "rs1", f: "rs1", i: "z5" } as const;

function arithmetic(text: string, group: "i" | "m" | "f"): string[] {
  return groups(text, 3).flatMap(([funct6, name, kinds]) =>
    [...(kinds as string)].map((kind) => {
      const [base, wide] = (name as string).split(".");
      const funct3 = FUNCT3[`${group}${kind}` as keyof typeof FUNCT3];
      const operand = KINDS[kind as keyof typeof KINDS];
      return `${funct6} vm vs2 ${operand} ${funct3} vd ${OPCODE} ${base}.${wide ?? "v"}${kind}`;
    }),
  );
}

function memory(): string[] {
  const rows: string[] = [];
  for (const { eew, width } of WIDTHS) {
    const load = `${width} vd 0000111`;
    const store = `${width} vs3 0100111`;
    rows.push(`nf 0 00 vm 00000 rs1 ${load} vle${eew}.v`, `nf 0 00 vm 00000 rs1 ${store} vse${eew}.v`);
    rows.push(`nf 0 00 vm 10000 rs1 ${load} vle${eew}ff.v`);
    rows.push(`nf 0 10 vm rs2 rs1 ${load} vlse${eew}.v`, `nf 0 10 vm rs2 rs1 ${store} vsse${eew}.v`);
    for (const [mop, order] of [
      ["01", "u"],
      ["11", "o"],
    ]) {
      rows.push(`nf 0 ${mop} vm vs2 rs1 ${load} vl${order}xei${eew}.v`);
      rows.push(`nf 0 ${mop} vm vs2 rs1 ${store} vs${order}xei${eew}.v`);
    }
    for (const { count, nf } of WHOLE) rows.push(`${nf} 0 00 1 01000 rs1 ${load} vl${count}re${eew}.v`);
  }
  for (const { count, nf } of WHOLE) rows.push(`${nf} 0 00 1 01000 rs1 000 vs3 0100111 vs${count}r.v`);
  rows.push("000 0 00 1 01011 rs1 000 vd 0000111 vlm.v", "000 0 00 1 01011 rs1 000 vs3 0100111 vsm.v");
  return rows;
}

export function vectorTable(): string {
  return [
    OTHERS.trim(),
    ...arithmetic(OPI, "i"),
    ...arithmetic(OPM, "m"),
    ...arithmetic(OPF, "f"),
    ...groups(REDUCTIONS, 3).map(
      ([kind, funct6, name]) => `${funct6} vm vs2 vs1 ${FUNCT3[kind as "iv"]} vd ${OPCODE} ${name}.vs`,
    ),
    ...groups(UNARY, 4).map(
      ([kind, funct6, number, name]) => `${funct6} vm vs2 ${number} ${FUNCT3[kind as "iv"]} vd ${OPCODE} ${name}`,
    ),
    ...groups(MASKS, 2).map(([funct6, name]) => `${funct6} 1 vs2 vs1 010 vd ${OPCODE} ${name}.mm`),
    ...memory(),
  ].join("\n");
}
