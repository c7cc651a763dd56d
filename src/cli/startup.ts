/** What there is before the command's options are read, and once per process. */
import type { CodeStore } from "../host/interface.ts";
import { openCodeStore } from "../host/node/code-store.ts";
import { KeptCode } from "../host/node/kept-code.ts";
import { V8Flags } from "../host/node/v8-flags.ts";

export interface Startup {
  /** Where code is kept from run to run; undefined if nowhere. */
  readonly store: CodeStore | undefined;
  /** Code of V8's, likewise. */
  readonly kept: KeptCode | undefined;
  readonly flags: V8Flags;
}

/** @param args of the command. The option counts wherever it is: if it belongs to the guest, nothing is lost but time. */
export function prepare(args: readonly string[]): Startup {
  const store = args.some((arg) => arg.startsWith("--no-cache")) ? undefined : openCodeStore();
  const flags = new V8Flags();
  return { store, kept: store && new KeptCode(store, flags), flags };
}
