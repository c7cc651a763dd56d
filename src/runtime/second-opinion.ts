/** Unicorn, and engines that are compared, in a module of their own: an ordinary run never loads them. */
import type { CpuEngine } from "../cpu/core.ts";
import { LockstepEngine } from "../cpu/lockstep.ts";
import { Answers, SlicedLockstepEngine } from "../cpu/lockstep-slices.ts";
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

/**
 * Runs what `subject` makes and compares it, some branches at a time, with what `reference` makes.
 * @param sources what the host answers; the reference gets the same answers
 */
export async function createSlicedLockstepEngine<Sources extends Readonly<Record<string, () => bigint>>>(
  subject: (sources: Sources) => Promise<CpuEngine>,
  reference: (sources: Sources) => Promise<CpuEngine>,
  sources: Sources,
): Promise<CpuEngine> {
  const answers = new Answers();
  const each = (make: (ask: () => bigint) => () => bigint): Sources =>
    Object.fromEntries(Object.entries(sources).map(([name, ask]) => [name, make(ask)])) as Sources;
  const first = await subject(each((ask) => answers.record(ask)));
  return new SlicedLockstepEngine(first, await reference(each(() => answers.replay)), answers);
}
