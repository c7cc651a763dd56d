/**
 * Which encodings exist: every VEX opcode with every prefix, length, W and ModRM.reg, decoded here and executed on the real
 * CPU. What one of the two takes for undefined has to be undefined for the other.
 */
import { expect, it } from "vitest";
import { Decoded, Decoder } from "../../src/cpu/isa/x86_64/decoder.ts";
import { opcodesOf, parseTable, type Row } from "../../src/cpu/isa/x86_64/table.ts";
import { resetFx } from "./fx.ts";
import { withoutLacking } from "./host-features.ts";
import { buildRunner, NativeRunner, whyNoNative } from "./native.ts";
import { type Case, CODE, DATA, SLOT_CODE, SLOT_SIZE, SLOTS, Vector } from "./protocol.ts";
import { TABLES } from "./subjects.ts";

/** By map: opcodes that belong to extensions a CPU may have beyond those that are implemented. */
const BEYOND: readonly (readonly [name: string, map: number, opcodes: readonly number[]])[] = [
  ["AVX-512 masks", 1, [0x41, 0x42, 0x44, 0x45, 0x46, 0x47, 0x4a, 0x4b, 0x90, 0x91, 0x92, 0x93, 0x98, 0x99]],
  ["AVX-512 masks", 3, [0x30, 0x31, 0x32, 0x33]],
  ["AVX-VNNI, AVX-IFMA and their like", 2, [0x50, 0x51, 0x52, 0x53, 0xb0, 0xb1, 0xb4, 0xb5, 0xd2, 0xd3, 0x72]],
  ["GFNI", 2, [0xcf]],
  ["GFNI", 3, [0xce, 0xcf]],
  ["VAES and VPCLMULQDQ", 2, [0xdc, 0xdd, 0xde, 0xdf]],
  ["VPCLMULQDQ", 3, [0x44]],
  ["SHA-512, SM3, SM4", 2, [0xcb, 0xcc, 0xcd, 0xda]],
  ["SM3", 3, [0xde]],
  ["AMX", 2, [0x49, 0x4b, 0x5c, 0x5e, 0x6c]],
  ["CMPccXADD", 2, Array.from({ length: 16 }, (_, i) => 0xe0 + i)],
  // Some processors don't look at VEX.W here.
  ["VPERMQ", 3, [0x00, 0x01]],
];
const isBeyond = (map: number, opcode: number): boolean =>
  BEYOND.some(([, m, opcodes]) => m === map && opcodes.includes(opcode));

const DATA_REGISTER = 0x2b; // SIB: [rbx + rbp]

function* encodings(): Generator<{ map: number; opcode: number; bytes: readonly number[] }> {
  for (let map = 1; map <= 3; map++)
    for (let opcode = 0; opcode < 256; opcode++)
      for (let last = 0; last < 8; last++)
        for (const w of [0, 0x80])
          for (const memory of [true, false])
            for (let reg = 0; reg <= 8; reg++) {
              // The last time round with an operand in vvvv.
              const vvvv = reg === 8 ? 3 : 15;
              const modrm = (memory ? 0x04 : 0xc1) | ((reg & 7) << 3);
              const rest = memory ? [modrm, DATA_REGISTER] : [modrm];
              yield { map, opcode, bytes: [0xc4, 0xe0 | map, w | (vvvv << 3) | last, opcode, ...rest, 0] };
            }
}

const why = whyNoNative();

it.skipIf(why !== undefined)(
  "exists here what exists on the real CPU, and nothing else",
  async () => {
    const all = TABLES.flatMap((table) => parseTable(table));
    if (withoutLacking(all, console.warn).size > 0) return;
    const rows = new Map<number, Row[]>();
    for (const row of all) for (const opcode of opcodesOf(row)) rows.set(opcode, [...(rows.get(opcode) ?? []), row]);
    const decoder = new Decoder(
      (opcode) => rows.get(opcode) ?? [],
      () => 0,
    );
    const buffer = new Uint8Array(32);
    const view = new DataView(buffer.buffer);
    const decodes = (bytes: readonly number[]): boolean => {
      buffer.fill(0);
      buffer.set(bytes);
      if (decoder.decode(buffer, view, 0, CODE) !== Decoded.Ok) return false;
      return decoder.template.row.mod !== (decoder.hasMemory ? "r" : "m");
    };
    const native = new NativeRunner(buildRunner());
    const fx = resetFx();
    const gpr = new BigUint64Array(16).fill(BigInt(DATA + 0x800));
    gpr[5] = 0n;
    const wrong: string[] = [];
    let pending: { readonly what: string; readonly beyond: boolean; readonly ours: boolean; readonly case: Case }[] =
      [];
    const flush = async (): Promise<void> => {
      const outcomes = await native.run(pending.map((p) => p.case));
      outcomes.forEach((outcome, i) => {
        const { what, beyond, ours } = pending[i] as (typeof pending)[number];
        const exists = outcome.vector !== Vector.UD;
        if (exists !== ours && !(exists && beyond)) wrong.push(`${what}: ${exists ? "exists" : "does not exist"}`);
      });
      pending = [];
    };
    let slot = 0;
    for (const { map, opcode, bytes } of encodings()) {
      const what = bytes.map((b) => b.toString(16).padStart(2, "0")).join(" ");
      const codeAddress = CODE + (slot++ % SLOTS) * SLOT_SIZE + SLOT_CODE;
      pending.push({
        what,
        beyond: isBeyond(map, opcode),
        ours: decodes(bytes),
        case: {
          name: what,
          codeAddress,
          code: Uint8Array.from(bytes),
          starts: [0],
          gpr,
          rflags: 0x202,
          fx,
          windowOffset: 0,
          window: new Uint8Array(0),
          undefinedFlags: 0,
          undefinedStatus: 0,
          approximate: "",
          looseFault: [],
        },
      });
      if (pending.length === 4000) await flush();
    }
    await flush();
    await native.end();
    expect(wrong).toEqual([]);
  },
  120_000,
);
