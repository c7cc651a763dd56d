/**
 * Puts Unicorn's processor into user mode.
 *
 * Unicorn starts in 64-bit mode at privilege level 0, where HLT stops it, MOV to CR0 works, and so on. It has no call that
 * changes the level, and refuses a stack segment of another one; so it executes the instruction that a kernel uses: an
 * IRETQ, with a descriptor table and an interrupt frame on a page of its own that is gone afterwards (Intel SDM vol. 2,
 * "IRET/IRETD/IRETQ"; vol. 3, 3.4.5 for the descriptors). The selectors are those of Linux.
 */
import { type Handle, Register, type UnicornApi, UnicornError } from "./api.ts";

const PAGE = 0x10_0000;
const PAGE_SIZE = 0x1000;
const TABLE = 0x800;
const FRAME = 0xc00;
const TARGET = 0x100;
const PERMISSIONS = 7;

const STACK_SELECTOR = 0x2b;
const CODE_SELECTOR = 0x33;
/** Present, level 3, limit 4 GiB: data that may be written; code of 64 bits that may be read. */
const STACK_DESCRIPTOR = 0x00cf_f300_0000_ffffn;
const CODE_DESCRIPTOR = 0x00af_fb00_0000_ffffn;
const FLAGS = 0x202n;

const IRETQ = [0x48, 0xcf];
const NOP = 0x90;

export function enterUserMode(api: UnicornApi, handle: Handle): void {
  const page = new Uint8Array(new ArrayBuffer(PAGE_SIZE));
  const view = new DataView(page.buffer);
  page.set(IRETQ);
  page[TARGET] = NOP;
  view.setBigUint64(TABLE + (STACK_SELECTOR & ~7), STACK_DESCRIPTOR, true);
  view.setBigUint64(TABLE + (CODE_SELECTOR & ~7), CODE_DESCRIPTOR, true);
  const frame = [BigInt(PAGE + TARGET), BigInt(CODE_SELECTOR), FLAGS, BigInt(PAGE), BigInt(STACK_SELECTOR)];
  frame.forEach((value, i) => {
    view.setBigUint64(FRAME + i * 8, value, true);
  });
  api.memMapPtr(handle, PAGE, PERMISSIONS, page);
  const table = new Uint8Array(new ArrayBuffer(24));
  new DataView(table.buffer).setBigUint64(8, BigInt(PAGE + TABLE), true);
  new DataView(table.buffer).setUint32(16, CODE_SELECTOR | 7, true);
  const stack = new Uint8Array(new ArrayBuffer(8));
  new DataView(stack.buffer).setBigUint64(0, BigInt(PAGE + FRAME), true);
  api.regWrite(handle, api.batch([Register.Gdtr, Register.Gpr[4] as number], [table, stack]));
  const code = api.emuStart(handle, PAGE, PAGE + TARGET, 0);
  api.removeCache(handle, PAGE, PAGE + PAGE_SIZE);
  api.memUnmap(handle, PAGE, PAGE_SIZE);
  if (code !== 0) throw new UnicornError(`unicorn: user mode: ${api.strerror(code)}`);
}
