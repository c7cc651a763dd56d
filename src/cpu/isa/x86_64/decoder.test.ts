import { describe, expect, it } from "vitest";
import { FS_BASE, HIGH_SLOT, ZERO_SLOT } from "./context.ts";
import { Decoded, Decoder } from "./decoder.ts";
import { families } from "./families.ts";
import { formsOf, opcodesOf, parseLine, parseTable } from "./table.ts";

const rows = families.flatMap((family) => parseTable(family.table));
const decoder = new Decoder(
  (opcode) => rows.filter((row) => opcodesOf(row).includes(opcode)),
  () => 0,
);

const code = new Uint8Array(64);
const view = new DataView(code.buffer);
const RIP = 0x40_0000;

function decode(hex: string, rip = RIP): Decoder | undefined {
  code.fill(0x90);
  code.set((hex.replace(/\s/g, "").match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)));
  return decoder.decode(code, view, 0, rip) === Decoded.Ok ? decoder : undefined;
}

describe("forms and lengths", () => {
  it.each([
    ["01 d8", "add:r4,r4", 2],
    ["66 01 d8", "add:r2,r2", 3],
    ["48 01 d8", "add:r8,r8", 3],
    ["66 48 01 d8", "add:r8,r8", 4],
    ["81 c0 01 02 03 04", "add:r4,i", 6],
    ["66 81 c0 01 02", "add:r2,i", 5],
    ["48 b8 01 02 03 04 05 06 07 08", "mov:r8,q", 10],
    ["50", "push:r8", 1],
    ["66 50", "push:r2", 2],
    ["90", "nop", 1],
    ["f3 90", "nop", 2],
    ["41 90", "xchg:r4,r4", 2],
    ["f3 0f 1e fa", "nop:r4", 4],
    ["f3 a4", "rep_movs:r1,m0", 2],
    ["67 f3 48 ab", "rep_stos_a32:r8,m0", 4],
    ["f3 c3", "ret", 2],
    ["c8 10 00 01", "enter:i,i", 4],
    ["0f b6 04 25 00 10 00 00", "movzx:r4,m1", 8],
    ["48 a1 01 02 03 04 00 00 00 00", "mov:r8,m8", 10],
    ["66 0f 6f c1", "movaps:x,x", 4],
    ["d9 c1", "fld_i:t", 2],
  ])("%s is %s, %i bytes", (hex, form, length) => {
    const d = decode(hex);
    expect([d?.form, d?.length]).toEqual([form, length]);
  });

  it.each(["f0 01 d8", "f0 39 03", "06", "c4 e2 7f f7 c0", "0f ff", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 01 d8"])(
    "%s is illegal",
    (hex) => expect(decode(hex)).toBeUndefined(),
  );
});

describe("VEX", () => {
  const table = `
    vex.66.0f 58             vaddpd  Vx,Hx,Wx
    vex.256.66.0f3a.w0 4a    vblendvps Vqq,Hqq,Wqq,Lqq
    vex.128.66.0f3a.w0 4a    vblendvps Vdq,Hdq,Wdq,Ldq
    vex.66.0f38.w0 2e        vmaskmovps Mx,Hx,Vx
    vex.66.0f38.w1 92        vgatherdpd Vx,Yq,Hx str
    vex.128.f2.0f38 f7       shrx    Gy,Ey,By
    vex.128.66.0f 6e         vmovd   Vdq,Ey
    vex.128.0f 77            vzeroupper -
  `;
  const vexRows = parseTable(table);
  const vex = new Decoder(
    (opcode) => vexRows.filter((row) => opcodesOf(row).includes(opcode)),
    () => 0,
  );
  const decodeVex = (hex: string): unknown[] | undefined => {
    code.fill(0x90);
    code.set((hex.replace(/\s/g, "").match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)));
    if (vex.decode(code, view, 0, RIP) !== Decoded.Ok) return undefined;
    const { register0, register1, register2, register3 } = vex;
    return [vex.form, vex.length, register0, register1, register2, register3].slice(
      0,
      vex.template.operands.length + 2,
    );
  };

  it.each([
    ["c5 f1 58 c2", ["vaddpd:x,x,x", 4, 0, 1, 2]],
    ["c5 75 58 c2", ["vaddpd:y,y,y", 4, 8, 1, 2]],
    ["c4 41 b5 58 c2", ["vaddpd:y,y,y", 5, 8, 9, 10]],
    ["c4 e3 75 4a c2 30", ["vblendvps:y,y,y,y", 6, 0, 1, 2, 3]],
    ["c4 42 bb f7 c2", ["shrx:r8,r8,r8", 5, 64, 80, 64]],
    ["c4 e1 f9 6e c0", ["vmovd:x,r8", 5, 0, 0]],
    ["c5 f8 77", ["vzeroupper", 3]],
    ["67 c4 e2 ed 92 04 08", ["vgatherdpd_a32:y,g8,y", 7, 0, 0, 2]],
  ])("%s is %j", (hex, expected) => expect(decodeVex(hex)).toEqual(expected));

  it.each([
    ["66 c5 f1 58 c2"], // a prefix that VEX includes
    ["f3 c5 f1 58 c2"],
    ["f0 c5 f1 58 c2"],
    ["48 c5 f1 58 c2"],
    ["c5 f0 58 c2"], // another pp
    ["c5 fc 77"], // another L
    ["c4 e3 f5 4a c2 30"], // another W
    ["c5 e8 77"], // vvvv without meaning
    ["c4 e0 71 58 c2"], // no such map
    ["c4 e2 ed 92 04 10"], // registers of a gather that are the same
    ["c4 e2 ed 92 00"], // a gather without SIB
    ["c4 e2 7d 2e c0"], // memory only
  ])("%s is illegal", (hex) => expect(decodeVex(hex)).toBeUndefined());
});

describe("operands", () => {
  it("takes high byte registers without REX and low ones with it", () => {
    expect(decode("88 e5") && [decoder.register0, decoder.register1]).toEqual([1 * 8 + 1, 0 * 8 + 1]);
    expect(decode("40 88 e5") && [decoder.register0, decoder.register1]).toEqual([5 * 8, 4 * 8]);
    expect(decode("45 88 e5") && [decoder.register0, decoder.register1]).toEqual([13 * 8, 12 * 8]);
  });

  const memory = (): unknown => [decoder.base, decoder.index, decoder.scale, decoder.disp];
  it("takes memory operands apart", () => {
    expect(decode("48 8b 44 91 f0") && memory()).toEqual([1 * 8, 2 * 8, 2, -16]);
    expect(decode("4a 8b 04 a5 00 01 00 00") && memory()).toEqual([ZERO_SLOT, 12 * 8, 2, 0x100]);
    expect(decode("49 8b 04 24") && memory()).toEqual([12 * 8, ZERO_SLOT, 0, 0]);
    expect(decode("64 48 8b 04 25 28 00 00 00") && memory()).toEqual([FS_BASE, ZERO_SLOT, 0, 0x28]);
    expect(decode("64 8b 03") && memory()).toEqual([3 * 8, FS_BASE, 0, 0]);
  });

  it("resolves rip-relative addresses, also above 2 GiB, from the end of the instruction", () => {
    expect(decode("48 8b 05 10 00 00 00") && memory()).toEqual([ZERO_SLOT, ZERO_SLOT, 0, RIP + 7 + 16]);
    expect(decode("81 05 10 00 00 00 01 02 03 04") && memory()).toEqual([ZERO_SLOT, ZERO_SLOT, 0, RIP + 10 + 16]);
    expect(decode("48 8b 05 10 00 00 00", 0x9000_0000) && memory()).toEqual([
      HIGH_SLOT,
      ZERO_SLOT,
      0,
      0x9000_0017 - 0x1_0000_0000,
    ]);
  });

  it("resolves branch targets, wherever they are", () => {
    expect(decode("74 fe")?.target).toBe(RIP);
    expect(decode("e9 00 00 00 80")?.target).toBe(RIP + 5 - 0x8000_0000);
  });

  it("gives pop to memory the stack pointer it has incremented", () => {
    expect(decode("8f 44 24 08") && memory()).toEqual([4 * 8, ZERO_SLOT, 0, 16]);
  });
});

describe("the table", () => {
  it("has no two rows for the same encoding", () => {
    const seen = new Map<string, string>();
    for (const row of rows)
      for (const opcode of opcodesOf(row)) {
        const key = [opcode, row.prefix, row.ext, row.mod, row.rm, row.vex?.l, row.vex?.w].join();
        expect(`${key} ${seen.get(key) ?? ""}`).toBe(`${key} `);
        seen.set(key, row.mnemonic);
      }
  });

  it("expands a row to its forms", () => {
    expect(formsOf(parseLine("01 add Ev,Gv lock"))).toEqual([
      "add:r2,r2",
      "add:m2,r2",
      "add:r4,r4",
      "add:m4,r4",
      "add:r8,r8",
      "add:m8,r8",
    ]);
    expect(formsOf(parseLine("68 push Iz d64"))).toEqual(["push:i2", "push:i8"]);
    expect(formsOf(parseLine("f3 a4 rep_movs Ab,X str"))).toEqual(["rep_movs:r1,m0", "rep_movs_a32:r1,m0"]);
  });

  it("refuses what it cannot read", () => {
    expect(() => parseLine("zz add Eb,Gb")).toThrow("cannot read");
    expect(() => parseLine("01 add Eb,Gb lokc")).toThrow("cannot read");
    expect(() => parseLine("vex.66.0f.w2 58 vaddpd Vx,Hx,Wx")).toThrow("cannot read");
    expect(() => parseLine("vex.66 58 vaddpd Vx,Hx,Wx")).toThrow("cannot read");
  });
});
