/** What argument objects for structures are made of: reading guest memory for printing, and when a pointer is all there is. */
import { printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";

export function succeeded(c: PrintContext): boolean {
  return c.result !== undefined && c.result >= 0;
}

/** Memory that is there as a whole, or nothing. */
export function peekView(c: PrintContext, address: number, length: number): DataView | undefined {
  const bytes = c.peek(address, length);
  return bytes === undefined || bytes.length < length
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** Unsigned 64 bits as the nearest number: for addresses and sizes. */
export function unsigned64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

type PrintStruct = (view: DataView, c: PrintContext) => string;

/** A structure at `address`, or the address where it cannot be read. */
export function printStruct(address: number, size: number, c: PrintContext, print: PrintStruct): string {
  const view = address === 0 ? undefined : peekView(c, address, size);
  return view === undefined ? printPointer(address) : print(view, c);
}

/** A structure that the call reads. */
export function given(size: number, print: PrintStruct): Arg {
  return { kind: "u64", print: (v, c) => printStruct(v, size, c, print) };
}

/** A structure that the call fills in: a pointer if it failed. */
export function filled(size: number, print: PrintStruct): Arg {
  return {
    kind: "u64",
    out: true,
    print: (v, c) => (succeeded(c) ? printStruct(v, size, c, print) : printPointer(v)),
  };
}

/** An argument that is shown with another, or that strace leaves out. */
export function hidden(kind: Arg["kind"]): Arg {
  return { kind, print: () => "" };
}

/** A 64-bit number that the call reads: `[7]`. */
export const givenInt64: Arg = given(8, (view) => `[${view.getBigInt64(0, true)}]`);

/** A 64-bit number that the call stores: `[7]`. */
export const filledInt64: Arg = filled(8, (view) => `[0x${view.getBigUint64(0, true).toString(16)}]`);

/** A 32-bit number that the call stores: `[7]`. */
export const filledInt: Arg = filled(4, (view) => `[${view.getInt32(0, true)}]`);
export const filledUint: Arg = filled(4, (view) => `[${view.getUint32(0, true)}]`);
