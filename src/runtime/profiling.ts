/** The profiler for the instruction set that machines run. Loaded only when asked for. */
import type { CpuEngine } from "../cpu/core.ts";
import { registers as riscv64 } from "../cpu/isa/riscv64/arch.ts";
import { registers as x86_64 } from "../cpu/isa/x86_64/arch.ts";
import { Profiler } from "../profile/profiler.ts";
import { unwindRiscv64 } from "../profile/unwind-riscv64.ts";
import { unwindX86_64 } from "../profile/unwind-x86_64.ts";

export type { CpuProfile } from "../profile/cpuprofile.ts";
export type { Profiler } from "../profile/profiler.ts";

/** Give its `engine` to the machine, and begin it with the machine's kernel. */
export function createProfiler(engine: CpuEngine): Profiler {
  return new Profiler(
    engine,
    new Map([
      ["x86_64", unwindX86_64(x86_64)],
      ["riscv64", unwindRiscv64(riscv64)],
    ]),
  );
}
