/**
 * The kernel's way into guest memory: one path, which looks at the same page bytes as guest code does, has pages
 * populated as a fault of the guest would, and answers a bad pointer with EFAULT.
 *
 * Addresses come out of 64-bit registers as numbers (exact up to 2^53, which is far above the last valid one).
 * Views are on the memory itself: valid until the mapping changes, so they are not kept across a wait.
 */
import { E2BIG, EFAULT, ENAMETOOLONG, errno } from "../abi/errno.ts";
import { decodeBytes } from "../util/bytes.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { GUEST_LIMIT, PAGE_SHIFT, PAGE_SIZE, PageBits } from "./layout.ts";

/** As in cpu/core.ts, which this layer is below. */
export const Access = { Read: 0, Write: 1, Exec: 2 } as const;
export type Access = (typeof Access)[keyof typeof Access];

export abstract class GuestAccessor {
  abstract get memory(): GuestMemory;
  /** Makes the page at `address` fit for the access, or answers false. */
  protected abstract resolve(address: number, access: Access): boolean;

  /** Bytes from `address` on, at most `length`, that allow the access. */
  #reach(address: number, length: number, access: Access): number {
    if (!(address >= 0 && address < GUEST_LIMIT) || !(length >= 0)) return 0;
    const end = Math.min(address + length, GUEST_LIMIT);
    const bit = access === Access.Write ? PageBits.Write : PageBits.Read;
    const pages = this.memory.pages;
    const last = (end - 1) >>> PAGE_SHIFT;
    for (let page = address >>> PAGE_SHIFT; page <= last; page++) {
      if ((pages[page] as number) & bit) continue;
      const at = page * PAGE_SIZE;
      if (!this.resolve(Math.max(at, address), access)) return Math.max(0, at - address);
    }
    return end - address;
  }

  #view(address: number, length: number, access: Access): Uint8Array<SharedArrayBuffer> {
    if (length > 0 && this.#reach(address, length, access) < length) throw errno(EFAULT);
    return this.memory.bytes(length === 0 ? 0 : address, length);
  }

  #prefix(address: number, length: number, access: Access): Uint8Array<SharedArrayBuffer> {
    if (length === 0) return this.memory.bytes(0, 0);
    const reach = this.#reach(address, length, access);
    if (reach === 0) throw errno(EFAULT);
    return this.memory.bytes(address, reach);
  }

  /** Guest memory to read from, all of it readable, or EFAULT. */
  readable(address: number, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#view(address, length, Access.Read);
  }

  /** Guest memory to write to, all of it writable, or EFAULT. The caller writes at once. */
  writable(address: number, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#view(address, length, Access.Write);
  }

  /** EFAULT unless all of it may be written; the caller does so at once, by `memory.view`. */
  demandWritable(address: number, length: number): void {
    this.#check(address, length, Access.Write);
  }

  /** As much of [address, address + length) as is readable, as write(2) takes it; EFAULT if nothing is. */
  readablePrefix(address: number, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#prefix(address, length, Access.Read);
  }

  /** As much of [address, address + length) as is writable, as read(2) fills it; EFAULT if nothing is. */
  writablePrefix(address: number, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#prefix(address, length, Access.Write);
  }

  /** Throws EFAULT unless all of it is readable. */
  #check(address: number, length: number, access: Access): void {
    if (this.#reach(address, length, access) < length) throw errno(EFAULT);
  }

  /** A copy of guest memory. */
  copyIn(address: number, length: number): Uint8Array<ArrayBuffer> {
    return this.readable(address, length).slice();
  }

  copyOut(address: number, bytes: Uint8Array): void {
    this.writable(address, bytes.length).set(bytes);
  }

  readU8(address: number): number {
    this.#check(address, 1, Access.Read);
    return this.memory.u8[address] as number;
  }

  readU16(address: number): number {
    this.#check(address, 2, Access.Read);
    return this.memory.view.getUint16(address, true);
  }

  readU32(address: number): number {
    this.#check(address, 4, Access.Read);
    return this.memory.view.getUint32(address, true);
  }

  readI32(address: number): number {
    this.#check(address, 4, Access.Read);
    return this.memory.view.getInt32(address, true);
  }

  readU64(address: number): bigint {
    this.#check(address, 8, Access.Read);
    return this.memory.view.getBigUint64(address, true);
  }

  readI64(address: number): bigint {
    this.#check(address, 8, Access.Read);
    return this.memory.view.getBigInt64(address, true);
  }

  /** An unsigned 64-bit value as a number: rounded from 2^53 up. Pointers and sizes. */
  readNumber64(address: number): number {
    this.#check(address, 8, Access.Read);
    const { view } = this.memory;
    return view.getUint32(address + 4, true) * 2 ** 32 + view.getUint32(address, true);
  }

  /** A signed 64-bit value as a number: rounded beyond 2^53. Times and offsets. */
  readSigned64(address: number): number {
    this.#check(address, 8, Access.Read);
    const { view } = this.memory;
    return view.getInt32(address + 4, true) * 2 ** 32 + view.getUint32(address, true);
  }

  writeU8(address: number, value: number): void {
    this.#check(address, 1, Access.Write);
    this.memory.u8[address] = value;
  }

  writeU16(address: number, value: number): void {
    this.#check(address, 2, Access.Write);
    this.memory.view.setUint16(address, value, true);
  }

  /** Negative values are stored in two's complement. */
  writeU32(address: number, value: number): void {
    this.#check(address, 4, Access.Write);
    this.memory.view.setUint32(address, value, true);
  }

  writeU64(address: number, value: bigint): void {
    this.#check(address, 8, Access.Write);
    this.memory.view.setBigUint64(address, value, true);
  }

  /** An integer, negative ones in two's complement. */
  writeNumber64(address: number, value: number): void {
    this.#check(address, 8, Access.Write);
    const { view } = this.memory;
    view.setUint32(address, value, true);
    view.setUint32(address + 4, Math.floor(value / 2 ** 32), true);
  }

  /**
   * The bytes of a string up to its NUL, as a view.
   * @param max most bytes, NUL included, that the string may have
   * @param tooLong errno for a longer one
   */
  readCStringBytes(address: number, max: number, tooLong: number = ENAMETOOLONG): Uint8Array<SharedArrayBuffer> {
    const { u8 } = this.memory;
    let at = address;
    let left = max;
    while (left > 0) {
      const inPage = Math.min(left, PAGE_SIZE - (at % PAGE_SIZE));
      if (!(at >= 0) || this.#reach(at, inPage, Access.Read) < inPage) throw errno(EFAULT);
      const nul = u8.subarray(at, at + inPage).indexOf(0);
      if (nul >= 0) return u8.subarray(address, at + nul);
      at += inPage;
      left -= inPage;
    }
    throw errno(tooLong);
  }

  /** A NUL-terminated string such as a path, decoded as util/bytes.ts says. ENAMETOOLONG from `max` bytes on. */
  readCString(address: number, max = 4096): string {
    return decodeBytes(this.readCStringBytes(address, max));
  }

  /** A NULL-terminated array of pointers to strings, as execve's argv. A NULL array is an empty one. */
  readStringArray(address: number, maxString = 131072, maxTotal: number = 6 << 20): Uint8Array<ArrayBuffer>[] {
    const strings: Uint8Array<ArrayBuffer>[] = [];
    if (address === 0) return strings;
    let total = 0;
    for (let at = address; ; at += 8) {
      const pointer = this.readNumber64(at);
      if (pointer === 0) return strings;
      const bytes = this.readCStringBytes(pointer, maxString, E2BIG).slice();
      total += bytes.length + 1 + 8;
      if (total > maxTotal) throw errno(E2BIG);
      strings.push(bytes);
    }
  }
}
