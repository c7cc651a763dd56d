/**
 * WebAssembly modules together with V8's optimised code for them, of an earlier run.
 *
 * The interpreter's loop is one large function, for which the optimising compiler takes 70 to 100 ms of a processor; until
 * then a run is interpreted by baseline code, at a third of the speed. Web browsers keep optimised code with the module in their caches;
 * Node has no such cache, and what V8 offers for it is reached by functions for its own tests only. Those abort the process if
 * they are used wrongly, so they are used with the version of V8 they were tried with, and elsewhere nothing is kept.
 *
 * Optimised code is made in the background at some time, so it is handed out when the run ends, if it is there.
 */
import { setFlagsFromString } from "node:v8";
import type { CompiledModule, ModuleCompiler } from "../interface.ts";
import type { KeptCode } from "./kept-code.ts";

/** Undefined where V8 does not hand out what it has compiled. */
export function keptModules(kept: KeptCode): ModuleCompiler | undefined {
  return process.versions.v8.startsWith("11.3.") ? (bytes) => compile(bytes, kept) : undefined;
}

/**
 * Calls one of V8's functions. Whatever has the syntax for that must be compiled and called at once: V8 drops what it has
 * compiled of functions that are not called for long, and compiles them again.
 */
function native(call: string, ...args: readonly unknown[]): unknown {
  setFlagsFromString("--allow-natives-syntax");
  try {
    return new Function("a", "b", `return ${call}`)(...args);
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}

function compile(bytes: Uint8Array<ArrayBuffer>, kept: KeptCode): CompiledModule {
  const name = kept.name("module", [bytes]);
  const found = kept.find(name);
  const code = found?.code.slice().buffer;
  // Undefined if V8 does not take it.
  const module = code && kept.exchange(() => native("%DeserializeWasmModule(a, b)", code, bytes));
  const compiled = module instanceof WebAssembly.Module ? module : new WebAssembly.Module(bytes);
  const lasted = compiled === module ? (found?.lasted ?? 0) : 0;
  let watched = false;
  return {
    module: compiled,
    optimised: compiled === module,
    watch: (exported) => {
      if (watched) return;
      watched = true;
      process.once("exit", () => {
        // A module without any optimised code must not be asked for it.
        if (native("%IsTurboFanFunction(a)", exported) !== true) return;
        const serialize = (): unknown => native("%SerializeWasmModule(a)", compiled);
        kept.keep(name, lasted, () => new Uint8Array(serialize() as ArrayBuffer));
      });
    },
  };
}
