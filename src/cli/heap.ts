/**
 * How V8 grows its young generation in the process of the command. Left alone it takes up to 32 MB (64 in Node 26) to collect
 * less often, for a program that may have two. The size cannot be set once V8 runs, but growing can be stopped: at 8 MB the
 * CPU time of a run that translates much code is what it was, and 20 MB less are resident (at 2 MB the collections show).
 */
import { getHeapSpaceStatistics } from "node:v8";
import type { V8Flags } from "../host/node/v8-flags.ts";

const ENOUGH = 8 << 20;
/** Milliseconds between two looks. */
const INTERVAL = 50;

export function limitYoungGeneration(flags: V8Flags): void {
  const timer = setInterval(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    if (young === undefined || young.space_size < ENOUGH) return;
    flags.set("--semi-space-growth-factor=1", "--semi-space-growth-factor=2");
    clearInterval(timer);
  }, INTERVAL);
  timer.unref();
}
