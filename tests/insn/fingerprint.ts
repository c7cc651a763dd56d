/**
 * What the real CPU does, in 32 bits for each encoding: so that machines without an x86_64 CPU or a C compiler check the
 * definitions too (where WebAssembly's NaNs have other bits, say). Which case differs, and how, only the comparison itself
 * can tell.
 */
import type { Row } from "../../src/cpu/isa/x86_64/table.ts";
import { FX } from "./fx.ts";
import type { Generator } from "./generate.ts";
import { CASE_FLAGS, type Case, type Outcome, RESET_MXCSR, Vector } from "./protocol.ts";

const CASES_PER_ROW = 24;

/** Identifies a row whatever else is in the tables. */
export function rowKey(row: Row): string {
  const opcode = row.opcode.toString(16).padStart(2, "0");
  const vex = row.vex === undefined ? "" : `vex.${row.vex.l ?? "-"}.${row.vex.w ?? "-"} `;
  const parts = [vex + (row.prefix ?? "-"), `${row.map}:${opcode}`, row.ext ?? "-", row.mod ?? "-", row.rm ?? "-"];
  return `${parts.join(" ")} ${row.operands.map((o) => o.where + o.size).join()}`;
}

/** The cases that stand for a row. */
export function casesOf(generator: Generator, row: Row): Case[] {
  const seed = fnv(0x811c9dc5, new TextEncoder().encode(rowKey(row)));
  return Array.from({ length: CASES_PER_ROW }, (_, i) => generator.makeSingle(row, seed, i));
}

export function fingerprint(cases: readonly Case[], outcomes: readonly Outcome[]): string {
  let hash = 0x811c9dc5;
  cases.forEach((c, i) => {
    hash = fnv(hash, comparable(c, outcomes[i] as Outcome));
  });
  return hash.toString(16).padStart(8, "0");
}

/** FNV-1a. */
function fnv(start: number, bytes: Uint8Array): number {
  let hash = start;
  for (const b of bytes) hash = Math.imul(hash ^ b, 0x01000193);
  return hash >>> 0;
}

/** All of an outcome that is defined, as compare.ts has it. */
function comparable(c: Case, o: Outcome): Uint8Array {
  const faulted = o.vector !== Vector.BP;
  if (c.approximate !== "" || (faulted && c.looseFault.length > 0)) return Uint8Array.of(o.vector);
  const fx = o.fx?.slice();
  if (fx !== undefined) {
    const view = new DataView(fx.buffer);
    fx.fill(0, FX.FTW + 1, FX.MXCSR);
    fx.fill(0, FX.MXCSR + 4, FX.ST);
    fx.fill(0, FX.XMM + 256, FX.HIGH);
    for (let i = 0; i < 8; i++) fx.fill(0, FX.ST + i * 16 + 10, FX.ST + i * 16 + 16);
    view.setUint16(FX.FSW, view.getUint16(FX.FSW, true) & 0x7fff & ~c.undefinedStatus, true);
    const before = new DataView((c.fx as Uint8Array).buffer).getUint16(FX.MXCSR, true);
    if (before === RESET_MXCSR) view.setUint16(FX.MXCSR, view.getUint16(FX.MXCSR, true) & ~0x3f, true);
  }
  const head = new DataView(new ArrayBuffer(40 + 128));
  head.setUint8(0, o.vector);
  head.setUint8(1, o.vector === Vector.PF ? o.error & 0x12 : 0);
  head.setUint16(2, o.rflags & (faulted ? CASE_FLAGS : CASE_FLAGS & ~c.undefinedFlags), true);
  head.setUint32(4, o.rip, true);
  head.setFloat64(8, o.vector === Vector.PF ? Number(o.cr2) : 0, true);
  head.setUint32(16, o.dirtyStart, true);
  head.setUint32(20, o.dirty.length, true);
  o.gpr.forEach((value, i) => {
    head.setBigUint64(40 + i * 8, value, true);
  });
  const rest = fx ?? new Uint8Array(0);
  const all = new Uint8Array(head.byteLength + o.dirty.length + rest.length);
  all.set(new Uint8Array(head.buffer));
  all.set(o.dirty, head.byteLength);
  all.set(rest, head.byteLength + o.dirty.length);
  return all;
}
