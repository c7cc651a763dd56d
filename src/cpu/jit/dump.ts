/** What the translator made of a region, for people. */
import type { GuestMemory } from "../../mm/guest-memory.ts";
import { BIAS, CONTEXT_OFFSET, PAGE_TABLE } from "../../mm/layout.ts";
import { JUMP_CACHE, REGION_FUEL, TRAP_CODE } from "../interp/layout.ts";
import * as ctx from "../isa/x86_64/context.ts";
import { functionTexts, type TextOptions } from "../wasm/text.ts";
import { addressOf, type Block, DISPATCH, type Region } from "./region.ts";
import { type Structure, structure } from "./structure.ts";
import { behindLoops } from "./windows.ts";

/** Translated code as text: with what the places in memory are. */
export const TEXT_OPTIONS: TextOptions = { omitAlignment: true, offsetComment: placeOf };

export function describe(regions: readonly Region[], module: Uint8Array<ArrayBuffer>, memory: GuestMemory): string {
  const texts = functionTexts(module, TEXT_OPTIONS);
  return regions.map((region, i) => describeRegion(region, texts[i]?.text ?? "", memory)).join("\n");
}

function describeRegion(region: Region, text: string, memory: GuestMemory): string {
  const { blocks, entry, instructions, targets } = region;
  const index = new Map(blocks.map((b, i) => [b.start, i]));
  const successors = blocks.map((b) => b.successors.map((rip) => index.get(rip) as number));
  const dispatched = targets.map((rip) => index.get(rip) as number);
  const form = structure({ successors, labelled: new Set([...dispatched, ...behindLoops(blocks, successors)]) });
  return [
    `region ${hex(entry)}: ${instructions} instructions in ${blocks.length} blocks`,
    ...blocks.flatMap((block, i) => [heading(block, i, successors[i] as number[]), ...listing(block, memory)]),
    "structure:",
    ...tree(form, blocks, 0, "  "),
    "code:",
    text,
    "",
  ].join("\n");
}

const hex = (n: number): string => `0x${n.toString(16)}`;

function heading({ start, flow }: Block, i: number, successors: readonly number[]): string {
  const context = Math.floor(start / 2 ** 32);
  const at = `${hex(addressOf(start))}${context > 0 ? ` in call ${context}` : ""}`;
  const where = start === DISPATCH ? "where computed jumps lead" : start < DISPATCH ? "elsewhere" : at;
  return `  block ${i}, ${where}: ${flow}${successors.length === 0 ? "" : `, on to ${successors.join(" ")}`}`;
}

function listing({ instructions }: Block, { u8 }: GuestMemory): string[] {
  return instructions.map(({ rip, length, form, target, isDirect }) => {
    const bytes = [...u8.subarray(rip, rip + length)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    const to = isDirect ? ` -> ${hex(target)}` : "";
    return `    ${hex(rip)}  ${bytes.padEnd(32)}  ${form}${to}`;
  });
}

/** The dominator tree as translate.ts goes down it. */
function tree(form: Structure, blocks: readonly Block[], node: number, indent: string): string[] {
  const merges = form.merges[node] as readonly number[];
  const inline = (blocks[node] as Block).successors
    .map((rip) => blocks.findIndex((b) => b.start === rip))
    .filter((to) => form.dominator[to] === node && to !== node && form.isMerge[to] !== true);
  const kind = form.isLoop[node] === true ? "loop " : "";
  return [
    `${indent}${kind}${node}`,
    ...inline.flatMap((to) => tree(form, blocks, to, `${indent}  `)),
    // The last in the list is the first in the code.
    ...merges.toReversed().flatMap((to) => [`${indent}end of block: ${to}`, ...tree(form, blocks, to, `${indent}  `)]),
  ];
}

const FIELDS: ReadonlyMap<number, string> = new Map([
  [ctx.RIP, "rip"],
  [ctx.FS_BASE, "fs"],
  [ctx.GS_BASE, "gs"],
  [ctx.CC_OP, "flags: op"],
  [ctx.CC_DST, "flags: dst"],
  [ctx.CC_SRC, "flags: src"],
  [ctx.CC_AUX, "flags: aux"],
  [ctx.CC_PREVIOUS, "flags: previous"],
  [ctx.CC_STEPPED, "flags: stepped"],
  [ctx.EFLAGS_REST, "flags: rest"],
  [ctx.MXCSR, "mxcsr"],
  [ctx.SSE_CAREFUL, "careful"],
  [REGION_FUEL - CONTEXT_OFFSET, "fuel"],
  [TRAP_CODE - CONTEXT_OFFSET, "trap"],
]);

/** What is at an offset in memory that translated code has as a constant. */
function placeOf(offset: number): string | undefined {
  if (offset >= BIAS) return "guest";
  if (offset === PAGE_TABLE) return "page";
  if (offset === JUMP_CACHE || offset === JUMP_CACHE + 4) return "jump cache";
  const at = offset - CONTEXT_OFFSET;
  const field = FIELDS.get(at);
  if (field !== undefined) return field;
  if (at >= ctx.GPR && at < ctx.ZERO_SLOT) return ctx.GPR_NAMES[(at - ctx.GPR) >> 3];
  if (at < ctx.YMM || at >= ctx.YMM + 16 * ctx.YMM_SIZE) return undefined;
  const name = `mm${Math.floor((at - ctx.YMM) / ctx.YMM_SIZE)}`;
  return (at & 16) === 0 ? `x${name}` : `upper y${name}`;
}
