/** Differences between what two processors did with a case, in words. */
import { X_NAMES } from "../../../src/cpu/isa/riscv64/context.ts";
import { type Case, OUT, type Outcome, Signal } from "./protocol.ts";

const hex = (value: bigint): string => `0x${value.toString(16)}`;
/** fflags, which nobody compares as long as nobody has looked at them. */
const FLAGS = 0x1f;

export function differences(c: Case, expected: Outcome, actual: Outcome): string[] {
  const found: string[] = [];
  const u64 = (name: string, at: number): void => {
    const [e, a] = [expected.getBigUint64(at, true), actual.getBigUint64(at, true)];
    if (e !== a) found.push(`${name}: expected ${hex(e)}, got ${hex(a)}`);
  };
  const u32 = (name: string, at: number, ignored = 0): void => {
    const [e, a] = [expected.getUint32(at, true) & ~ignored, actual.getUint32(at, true) & ~ignored];
    if (e !== a) found.push(`${name}: expected ${e}, got ${a}`);
  };
  // There is more in qemu's address space than here: what the case has not meant to meet is no difference.
  if (actual.getUint32(OUT.SIGNAL, true) === Signal.SEGV && actual.getBigUint64(OUT.ADDRESS, true) >> 32n === 0x40n)
    return found;
  u32("signal", OUT.SIGNAL);
  u64("pc", OUT.PC);
  // An address of no use to the host's processor either comes out as 0 there.
  const signal = expected.getUint32(OUT.SIGNAL, true);
  const address = expected.getBigInt64(OUT.ADDRESS, true);
  // It crosses the boundary to the kernel as a number.
  const precise = BigInt(Number(address)) === address;
  if (signal === Signal.SEGV && address !== 0n && precise) u64("fault address", OUT.ADDRESS);
  for (let n = 1; n < 32; n++) u64(X_NAMES[n] as string, OUT.X + n * 8);
  for (let n = 0; n < 32; n++) u64(`f${n}`, OUT.F + n * 8);
  u32("fcsr", OUT.FCSR, c.quick ? FLAGS : 0);
  for (const [name, at] of Object.entries({ vl: OUT.VL, vtype: OUT.VTYPE, vstart: OUT.VSTART, vcsr: OUT.VCSR }))
    u64(name, at);
  for (let n = 0; n < 64; n++) u64(`v${n >> 1}[${n & 1}]`, OUT.V + n * 8);
  u32("words written", OUT.DIRTY_COUNT);
  for (let i = 0; i < expected.getUint32(OUT.DIRTY_COUNT, true); i++) {
    u64("offset of a write", OUT.DIRTY + i * 16);
    u64("value written", OUT.DIRTY + i * 16 + 8);
  }
  return found;
}

/** All that is needed to understand a difference. */
export function describe(c: Case): string[] {
  const lines = [`${c.name}   ${[...c.code].map((b) => b.toString(16).padStart(2, "0")).join(" ")}`];
  for (let i = 0; i < 32; i += 4) {
    const row = [0, 1, 2, 3].map((j) => `${(X_NAMES[i + j] as string).padStart(4)}=${hex(c.x[i + j] as bigint)}`);
    lines.push(row.join(" "));
  }
  for (let i = 0; i < 32; i += 4)
    lines.push([0, 1, 2, 3].map((j) => `f${i + j}=${hex(c.f[i + j] as bigint)}`).join(" "));
  const { vl, vtype, vstart, vcsr, registers } = c.vectors;
  const sew = 8 << ((vtype >> 3) & 7);
  const lmul = ((vtype & 7) ^ 4) - 4;
  lines.push(`vl=${vl} ${vtype < 0 ? "vill" : `e${sew} m${2 ** lmul}`} vstart=${vstart} vcsr=${vcsr}`);
  const view = new DataView(registers.buffer, registers.byteOffset);
  for (let i = 0; i < 32; i += 4)
    lines.push(
      [0, 1, 2, 3]
        .map(
          (j) =>
            `v${i + j}=${[8, 0]
              .map((n) =>
                view
                  .getBigUint64((i + j) * 16 + n, true)
                  .toString(16)
                  .padStart(16, "0"),
              )
              .join("_")}`,
        )
        .join(" "),
    );
  lines.push(`fcsr=${c.fcsr.toString(16)}${c.quick ? " quick" : ""}`);
  return lines;
}
