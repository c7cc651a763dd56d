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

interface Internals {
  /** Only for modules with some optimised code. */
  readonly serialize: (module: WebAssembly.Module) => ArrayBuffer;
  /** Undefined if V8 does not take it. */
  readonly deserialize: (code: ArrayBuffer, bytes: Uint8Array) => WebAssembly.Module | undefined;
  readonly isOptimised: (exported: unknown) => boolean;
}

function internals(): Internals | undefined {
  if (!process.versions.v8.startsWith("11.3.")) return undefined;
  setFlagsFromString("--allow-natives-syntax");
  try {
    return {
      serialize: new Function("module", "return %SerializeWasmModule(module)") as Internals["serialize"],
      deserialize: new Function("code", "bytes", "return %DeserializeWasmModule(code, bytes)") as never,
      isOptimised: new Function("exported", "return %IsTurboFanFunction(exported)") as never,
    };
  } catch {
    return undefined;
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}

/** Undefined where V8 does not hand out what it has compiled. */
export function keptModules(kept: KeptCode): ModuleCompiler | undefined {
  const v8 = internals();
  return v8 && ((bytes) => compile(bytes, kept, v8));
}

function compile(bytes: Uint8Array<ArrayBuffer>, kept: KeptCode, v8: Internals): CompiledModule {
  const name = kept.name("module", [bytes]);
  const found = kept.find(name);
  const code = found?.code.slice().buffer;
  const module = code && kept.exchange(() => v8.deserialize(code, bytes));
  const compiled = module ?? new WebAssembly.Module(bytes);
  let watched = false;
  return {
    module: compiled,
    optimised: module !== undefined,
    watch: (exported) => {
      if (watched) return;
      watched = true;
      process.once("exit", () => {
        if (!v8.isOptimised(exported)) return;
        const lasted = module === undefined ? 0 : (found?.lasted ?? 0);
        kept.keep(name, lasted, () => new Uint8Array(v8.serialize(compiled)));
      });
    },
  };
}
