/**
 * Walks the stack of a guest: from its registers to the functions that are active, innermost first.
 *
 * What is known of a function decides how its caller is found. Call frame information is exact, and so is a frame pointer
 * in code that keeps one. Of other code (musl's own has neither) the nearest word on its stack is taken that is a return
 * address: one behind a call instruction that leads to this very function. What either finds has to lie further up the stack and behind a call; otherwise it is not believed.
 */
import type { AddressSpace } from "../mm/address-space.ts";
import { PageBits } from "../mm/layout.ts";
import type { MappedInode } from "../mm/vma.ts";
import type { FrameRules, RegisterRule } from "./call-frames.ts";
import { type CodeFunction, ElfImage } from "./elf-image.ts";
import { evaluateExpression } from "./expression.ts";
import type { Memory, UnwindArch } from "./unwind-arch.ts";

/** Frames kept of a deep recursion, the innermost. */
const MAX_DEPTH = 200;
/** How far up the stack of a function without call frame information its return address is looked for. */
const SCAN_WORDS = 512;
/** And behind what may be one. */
const NEAR_WORDS = 64;

/** In the place of what a return address's call calls: it is not told, or there was no call. */
const COMPUTED = 0;
const ANYWHERE = -1;

const PROT_EXEC = 4;
const PAGE = 4096;

/** Where code is. */
interface Place {
  readonly guestAddress: number;
  readonly image: ElfImage | undefined;
  /** In the image, as the file has it. */
  readonly address: number;
  readonly function: CodeFunction;
}

/** A space, as far as it is looked at. */
export type Space = Pick<AddressSpace, "vmas" | "memory">;

export class StackWalker {
  readonly #arch: UnwindArch;
  readonly #images = new Map<string, ElfImage>();
  readonly #imageOfInode = new WeakMap<MappedInode, ElfImage>();
  readonly #anonymous: CodeFunction = { name: "(anonymous code)", file: "" };

  constructor(arch: UnwindArch) {
    this.#arch = arch;
  }

  /** The active functions of whoever has the loaded registers, innermost first. */
  walk(space: Space): CodeFunction[] {
    const arch = this.#arch;
    const memory = guestMemory(space);
    let registers = arch.registers(space.memory.context);
    const functions: CodeFunction[] = [];
    // A return address belongs to the call before it, which may be the last instruction of its function.
    let back = 0;
    while (functions.length < MAX_DEPTH) {
      const place = this.#placeOf(space, (registers[arch.returnAddress] as number) - back);
      if (place === undefined) break;
      functions.push(place.function);
      const inSigreturn = back === 0 && arch.isSigreturn(registers[arch.returnAddress] as number, memory);
      const caller = inSigreturn
        ? arch.interrupted(registers, memory)
        : this.#callerOf(place, registers, space, memory);
      if (caller === undefined) break;
      registers = caller;
      back = inSigreturn || arch.isSigreturn(caller[arch.returnAddress] as number, memory) ? 0 : 1;
    }
    return functions;
  }

  #callerOf(place: Place, registers: Float64Array, space: Space, memory: Memory): Float64Array | undefined {
    const { image, address } = place;
    if (image !== undefined && image.startOf(address) === image.entry) return undefined;
    const rules = image?.frames?.rulesAt(address);
    // The first function of a program or thread says that it has no caller.
    if (rules?.registers.get(rules.returnRegister)?.kind === "undefined") return undefined;
    const exact = this.#byRules(rules, registers, space, memory);
    if (exact !== undefined) return exact;
    return this.#byFramePointer(place, registers, space, memory) ?? this.#byScan(place, registers, space, memory);
  }

  #placeOf(space: Space, address: number): Place | undefined {
    const vma = space.vmas.find(address);
    if (vma === undefined || (vma.prot & PROT_EXEC) === 0) return undefined;
    if (vma.file === null) return { guestAddress: address, image: undefined, address, function: this.#anonymous };
    const image = this.#imageOf(vma.file.inode, vma.file);
    const inImage = image.addressOf(vma.offset + (address - vma.start));
    return { guestAddress: address, image, address: inImage, function: image.functionAt(inImage) };
  }

  #imageOf(inode: MappedInode, file: { describe(): string }): ElfImage {
    const known = this.#imageOfInode.get(inode);
    if (known !== undefined) return known;
    // File systems may make a new object for each look at a file.
    const { dev, ino, size } = inode.attributes();
    const key = `${dev}:${ino}:${size}`;
    const image = this.#images.get(key) ?? ElfImage.open(inode, file.describe(), this.#arch);
    this.#images.set(key, image);
    this.#imageOfInode.set(inode, image);
    return image;
  }

  /** The caller's registers as the call frame information says; undefined where that is not there or cannot be right. */
  #byRules(
    rules: FrameRules | undefined,
    registers: Float64Array,
    space: Space,
    memory: Memory,
  ): Float64Array | undefined {
    if (rules === undefined) return undefined;
    const { stackPointer, returnAddress, registerCount } = this.#arch;
    const load = (address: number): number | undefined => memory.u64(address);
    const cfa =
      "code" in rules.cfa
        ? evaluateExpression(rules.cfa.code, registers, [], load)
        : (registers[rules.cfa.register] ?? Number.NaN) + rules.cfa.offset;
    // Only a function that has saved nothing may have no frame: it returns to an address in a register.
    const inRegister = rules.returnRegister !== returnAddress && !rules.registers.has(rules.returnRegister);
    const least = (registers[stackPointer] as number) + (inRegister ? 0 : 1);
    if (cfa === undefined || !(cfa >= least)) return undefined;
    const caller = registers.slice();
    // The frame address is defined as the caller's stack pointer.
    caller[stackPointer] = cfa;
    if (rules.returnRegister !== returnAddress) {
      caller[returnAddress] = registers[rules.returnRegister] ?? Number.NaN;
      caller[rules.returnRegister] = Number.NaN;
    }
    for (const [register, rule] of rules.registers) {
      if (register >= registerCount) continue;
      const value = ruleValue(rule, cfa, registers, load);
      if (value === undefined) return undefined;
      caller[register === rules.returnRegister ? returnAddress : register] = value;
    }
    const from = caller[returnAddress] as number;
    return rules.signal || this.#calledFrom(from, space, memory) !== undefined ? caller : undefined;
  }

  #byFramePointer(
    { image, address, guestAddress }: Place,
    registers: Float64Array,
    space: Space,
    memory: Memory,
  ): Float64Array | undefined {
    if (image === undefined) return undefined;
    const { returnAddress } = this.#arch;
    const start = guestAddress - (address - image.startOf(address));
    const caller = this.#arch.byFramePointer(registers, start, memory);
    if (caller === undefined) return undefined;
    return this.#calledFrom(caller[returnAddress] as number, space, memory) !== undefined ? caller : undefined;
  }

  /** What the call before a return address calls, COMPUTED or ANYWHERE; undefined if the address is none. */
  #calledFrom(address: number, space: Space, memory: Memory): number | undefined {
    const vma = space.vmas.find(address - 1);
    if (vma === undefined || (vma.prot & PROT_EXEC) === 0) return undefined;
    const target = this.#arch.callBefore(address, memory);
    if (target !== undefined) return target;
    // A signal handler's is that of the trampoline, which nobody calls.
    return this.#arch.isSigreturn(address, memory) ? ANYWHERE : undefined;
  }

  #byScan(place: Place, registers: Float64Array, space: Space, memory: Memory): Float64Array | undefined {
    const { stackPointer, returnAddress } = this.#arch;
    const start = registers[stackPointer] as number;
    let computed: Float64Array | undefined;
    let doubtful: Float64Array | undefined;
    let left = SCAN_WORDS;
    for (let i = 0; left > 0; i++, left--) {
      const word = memory.u64(start + 8 * i);
      if (word === undefined) break;
      const target = this.#calledFrom(word, space, memory);
      if (target === undefined) continue;
      const caller = registers.slice();
      caller[stackPointer] = start + 8 * (i + 1);
      caller[returnAddress] = word;
      if (target === ANYWHERE || (target !== COMPUTED && this.#leadsTo(target, place, space, memory))) return caller;
      if (target !== COMPUTED) doubtful ??= caller;
      else if (computed === undefined) {
        // Or what is left of a call that has ended: a call that names the function would have to be near.
        computed = caller;
        left = Math.min(left, NEAR_WORDS);
      }
    }
    return computed ?? doubtful;
  }

  /** Whether a call of `target` arrives in the function of `place`, or in one that may go on there. */
  #leadsTo(target: number, place: Place, space: Space, memory: Memory): boolean {
    const isThere = (address: number): boolean => this.#placeOf(space, address)?.function === place.function;
    if (isThere(target)) return true;
    const start = this.#arch.stubTarget(target, memory) ?? target;
    return isThere(start) || this.#arch.jumps(start, memory).some(isThere);
  }
}

function ruleValue(
  rule: RegisterRule,
  cfa: number,
  registers: Float64Array,
  load: (address: number) => number | undefined,
): number | undefined {
  switch (rule.kind) {
    case "saved":
      return load(cfa + rule.offset);
    case "value":
      return cfa + rule.offset;
    case "register":
      return registers[rule.register];
    case "expression": {
      const value = evaluateExpression(rule.code, registers, [cfa], load);
      return value === undefined || rule.isValue ? value : load(value);
    }
    case "undefined":
      return 0;
  }
}

function guestMemory({ memory }: Space): Memory {
  const readable = (address: number): boolean =>
    address >= 0 && ((memory.pages[Math.floor(address / PAGE)] ?? 0) & PageBits.Read) !== 0;
  return {
    u64(address) {
      if (!readable(address) || !readable(address + 7)) return undefined;
      return Number(memory.view.getBigUint64(address, true));
    },
    bytes(address, length) {
      if (readable(address) && readable(address + length - 1)) return memory.u8.slice(address, address + length);
      const copy = new Uint8Array(length);
      let count = 0;
      while (count < length && readable(address + count)) {
        copy[count] = memory.u8[address + count] as number;
        count++;
      }
      return copy.subarray(0, count);
    },
  };
}
