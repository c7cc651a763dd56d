/** acct(2): a record at the end of each process, in a file that a PID namespace has for that (acct(5), version 3). */
import { encodeBytes } from "../util/bytes.ts";
import type { File } from "../vfs/types.ts";
import type { PidNamespace } from "./pid-namespace.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** ac_flag */
const AFORK = 1;
const ACORE = 8;
const AXSIG = 0x10;
const VERSION = 3;
const RECORD_SIZE = 64;
const NAME_SIZE = 16;
/** AHZ: what times are counted in, a second's hundredth. */
const TICK = 1e7;

/** comp_t: an exponent of eight in three bits, and thirteen bits; rounded to the nearest. */
function compressed(value: number): number {
  let rest = Math.floor(value);
  let exponent = 0;
  let round = 0;
  while (rest > 0x1fff) {
    round = Math.floor(rest / 4) % 2;
    rest = Math.floor(rest / 8);
    exponent++;
  }
  if (round === 1) {
    rest++;
    if (rest > 0x1fff) {
      rest >>= 3;
      exponent++;
    }
  }
  return exponent > 7 ? 0xffff : (exponent << 13) | rest;
}

/**
 * Writes down a process as a namespace knows it.
 * @param ended false: it goes on, and is the one that has the accounts closed, whose record is the last
 */
export function account(process: ThreadGroup, pids: PidNamespace, file: File, ended: boolean): void {
  const { kernel, leader, usage, startTime, parent } = process;
  const exitStatus = ended ? process.exitStatus : 0;
  const record = new Uint8Array(RECORD_SIZE);
  const view = new DataView(record.buffer);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, true);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  const elapsed = kernel.now() - startTime;
  const killed = exitStatus & 0x7f;
  record[0] =
    (process.hasExecuted || !ended ? 0 : AFORK) | (exitStatus & 0x80 ? ACORE : 0) | (killed !== 0 ? AXSIG : 0);
  record[1] = VERSION;
  u16(2, process.group.session.controllingTerminal?.device ?? 0);
  u32(4, exitStatus);
  u32(8, leader.credentials.uid);
  u32(12, leader.credentials.gid);
  u32(16, pids.number(process.pid));
  u32(20, parent === null ? 0 : pids.number(parent.pid));
  u32(24, Math.floor((Number(kernel.realtime()) - elapsed) / 1e9));
  view.setFloat32(28, Math.floor(elapsed / TICK), true);
  u16(32, compressed(usage.utime / TICK));
  u16(34, compressed(usage.stime / TICK));
  u16(36, compressed(usage.maxRss));
  u16(42, compressed(usage.minorFaults));
  u16(44, compressed(usage.majorFaults));
  record.set(encodeBytes(leader.comm).subarray(0, NAME_SIZE - 1), 48);
  // What finds no room is lost.
  file.write(record);
}
