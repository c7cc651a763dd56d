/**
 * Speed of the interpreter on short loops of machine code, in millions of guest instructions per second of CPU time:
 *
 *     npx tsx bench/interp-loop.ts [name]
 *
 * Each body runs in a loop of `dec r15; jnz`. CPU time and not elapsed time, so that other load on the machine matters
 * less; the optimising compiler works in the warm-up.
 */

import { Trap } from "../src/cpu/core.ts";
import { InterpEngine } from "../src/cpu/interp/engine.ts";
import { generateModule } from "../src/cpu/interp/generate.ts";
import { registers } from "../src/cpu/isa/x86_64/arch.ts";
import { GuestMemory } from "../src/mm/guest-memory.ts";
import { PageBits } from "../src/mm/layout.ts";

const CODE = 0x10000;
const DATA = 0x20000;
/** Name, and code as hex. rsi points to data, rsp into it, rbx is 3. */
const BODIES: readonly (readonly [string, string])[] = [
  ["integer mix", "4801d8 31d1 488b4610 83c205 8d4c4304 4883f87f 7400 29d9 48c1e007 4889461a 85c0 7500"],
  ["mov r,r", "4889d8".repeat(16)],
  ["add r,r", "4801d8".repeat(16)],
  ["add r,i", "4883c001".repeat(16)],
  ["shl r,i", "c1e005".repeat(16)],
  ["load", "488b4610".repeat(16)],
  ["load indexed", "488b041e".repeat(16)],
  ["store", "48894610".repeat(16)],
  ["movzx load", "0fb606".repeat(16)],
  ["lea", "488d4310".repeat(16)],
  ["cmp and branch", "4839c07500".repeat(8)],
  ["push and pop", "5058".repeat(8)],
  ["call and ret", "e802000000eb01c3".repeat(5)],
  ["cmov", "480f44c3".repeat(16)],
  ["setcc", "0f94c0".repeat(16)],
  ["imul", "480fafc3".repeat(16)],
  ["adc", "4811d8".repeat(16)],
  ["inc", "ffc0".repeat(16)],
  ["movups load and store", "0f10060f114620".repeat(8)],
  ["addsd", "f20f58c1".repeat(16)],
  ["mulsd memory", "f20f594610".repeat(16)],
  ["fld and fstp", "dd06dd5e10".repeat(8)],
];

function measure(engine: InterpEngine, hex: string): number {
  const memory = new GuestMemory();
  const core = engine.attach(memory);
  const { context, u8, pages } = memory;
  registers.reset(context);
  const { Present, Read, Write, Exec } = PageBits;
  pages.fill(Present | Read | Exec, CODE >> 12, (CODE >> 12) + 1);
  pages.fill(Present | Read | Write, DATA >> 12, (DATA >> 12) + 1);
  const body = hex.replaceAll(" ", "").match(/../g) ?? [];
  const code = body.map((byte) => Number.parseInt(byte, 16));
  const view = memory.view;
  // dec r15; jnz; syscall
  u8.set([...code, 0x49, 0xff, 0xcf, 0x0f, 0x85, 0, 0, 0, 0, 0x0f, 0x05], CODE);
  view.setInt32(CODE + code.length + 5, -(code.length + 9), true);
  const run = (rounds: number): void => {
    registers.setGpr(context, 15, BigInt(rounds));
    registers.setGpr(context, 3, 3n);
    registers.setGpr(context, 4, BigInt(DATA + 0x800));
    registers.setGpr(context, 6, BigInt(DATA));
    registers.setPc(context, CODE);
    let trap: Trap;
    do trap = core.run(1_000_000);
    while (trap === Trap.Fuel);
    if (trap !== Trap.Syscall) throw new Error(`trap ${trap} at 0x${registers.getPc(context).toString(16)}`);
  };
  run(2_000_000);
  const rounds = 2_000_000;
  const before = core.instructions;
  const start = process.cpuUsage();
  run(rounds);
  const used = process.cpuUsage(start);
  return (core.instructions - before) / (used.user + used.system);
}

const only = process.argv[2];
const engine = new InterpEngine({ module: generateModule() });
for (const [name, hex] of BODIES)
  if (only === undefined || name.includes(only))
    console.log(`${name.padEnd(24)} ${measure(engine, hex).toFixed(0).padStart(6)} MIPS`);
