/** The engines around Unicorn, in a module of their own: an ordinary run never loads them. */
import type { CpuEngine } from "../cpu/core.ts";
import { LockstepEngine } from "../cpu/lockstep.ts";
import type { UnicornApi } from "../cpu/unicorn/api.ts";
import { UnicornEngine } from "../cpu/unicorn/engine.ts";

export type { UnicornApi } from "../cpu/unicorn/api.ts";

/** @param api the system's libunicorn (host/node/unicorn.ts), or any build of Unicorn in that shape */
export function createUnicornEngine(api: UnicornApi): CpuEngine {
  return new UnicornEngine(api);
}

/** Runs `subject`, with Unicorn looking over its shoulder at each instruction. */
export function createLockstepEngine(subject: CpuEngine, api: UnicornApi): CpuEngine {
  return new LockstepEngine(subject, new UnicornEngine(api));
}
