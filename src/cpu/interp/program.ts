/**
 * The interpreter as a WebAssembly module: `main` for programs that compute, `brief` for the beginning.
 *
 * `main(pc, fuel)` is a loop around one `br_table` on the handler number of the record at pc. The first handlers, those
 * of common instructions and of all control flow, are inline; the others are functions (pc) -> next pc in the table, 0
 * for a trap. Guest registers and flags are in memory at constant addresses, so such a call has nothing to hand over.
 *
 * Fuel and the count of instructions cost nothing outside of taken branches: records of a straight run are contiguous,
 * so each taken branch adds (pc + 16 - target), and the sum over a run is 16 times the instructions executed, once the
 * first pc is subtracted and the last is added.
 */
import { CONTEXT_OFFSET, PAGE_TABLE, PageBits } from "../../mm/layout.ts";
import { Access, Trap } from "../core.ts";
import { FAULT_ACCESS, FAULT_ADDRESS, PC } from "../isa/common.ts";
import { type I32, i32, i64, select } from "../wasm/expr.ts";
import { type FunctionBuilder, type FunctionRef, type Label, type Local, ModuleBuilder } from "../wasm/module.ts";
import type { HandlerList } from "./handlers.ts";
import type { CoreFunctions, EmitHandler, HandlerEnd, ProgramIsa } from "./isa.ts";
import {
  CALL_SITES,
  callSiteEntry,
  EXECUTED,
  EXPECT_WANTED,
  EXPECTED,
  FUEL_LEFT,
  HASH,
  HASH_MASK,
  INTERPRETED,
  INTERPRETING,
  JUMP_CACHE,
  jumpCacheEntry,
  MAX_DEPTH,
  MISSES,
  MISSES_BETWEEN,
  MISSES_KEPT,
  MISSES_LEFT,
  MISSES_NOTED,
  NESTED_DEPTH,
  R_BASE,
  R_HANDLER,
  R_IMM,
  R_LENGTH,
  RECORD_SIZE,
  REGION_FUEL,
  RIP_OF,
  TRAP_CODE,
  TRAP_LOOKUP,
  TRAP_PC,
  TRAP_REFUEL,
  UNTIL_SAMPLE,
  UNWINDING,
} from "./layout.ts";

const ZERO = i32.const(0);

/** The module, and what translated code links to by name. */
export interface Interpreter {
  readonly module: Uint8Array<ArrayBuffer>;
  /** By name: where in the table the functions stand that definitions call. */
  readonly functions: Readonly<Record<string, number>>;
}

/** Gives each function its name in `functions`: the second of a name is another one. */
export function linkNames(): (name: string) => string {
  const seen = new Map<string, number>();
  return (name) => {
    const n = (seen.get(name) ?? 0) + 1;
    seen.set(name, n);
    return n === 1 ? name : `${name}#${n}`;
  };
}

/** Builds the module for an instruction set and the list of handlers made from its tables. */
export function buildInterpreter(isa: ProgramIsa, handlers: HandlerList): Interpreter {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", 0x10000, 0x10000, true);
  const imports: Record<string, FunctionRef> = {};
  for (const i of isa.imports) imports[i.name] = module.importFunction("env", i.name, i.params, i.results);

  let shared: CoreFunctions | undefined;
  const emit = isa.define(module, imports, () => (shared = defineShared(module, isa.canonical)));
  if (shared === undefined) throw new Error("the functions that all handlers may call are missing");
  const { find } = shared as CoreFunctions;

  // What stands where no region is: the caller finds out by the result.
  module.func("region_stub", ["i32", "i32"], ["i32"], (f) => f.return(f.param(0, "i32")));
  const callable = module.functions;
  module.globals.forEach((global, i) => {
    module.exportGlobal(`global${i}`, global);
  });

  const asFunction = (form: string): FunctionRef =>
    module.func(form, ["i32"], ["i32"], (f) => {
      const pc = f.param(0, "i32");
      if (form in LEADING_ON) {
        f.return(i32.load(pc, LEADING_ON[form] as number));
        return;
      }
      if (form === "#expected") {
        const here = i32.load(i32.shr_u(pc, i32.const(2)), RIP_OF);
        f.if(i32.ne(here, i32.load(ZERO, EXPECTED)), () => f.return(i32.add(pc, i32.const(RECORD_SIZE))));
        f.return(f.call("i32", shared?.raise as FunctionRef, [pc, i32.const(TRAP_LOOKUP)]));
        return;
      }
      const end: HandlerEnd = {
        next: () => f.return(i32.add(pc, i32.const(RECORD_SIZE))),
        to: (record) => f.return(record),
        leave: (result) => f.return(result),
        found: (address) => f.return(f.call("i32", find, [address])),
      };
      emit(f, pc, form, end);
      end.next();
    });
  const functions = new Map<string, FunctionRef>();
  // Of several instructions in a handler, the first: the others have records of their own.
  const handler = (form: string): FunctionRef => {
    const first = form.split(/[|+]/)[0] as string;
    const known = functions.get(first) ?? asFunction(first);
    functions.set(first, known);
    return known;
  };
  const table = [...handlers.inline, ...handlers.outlined].map(handler);
  const slots: Record<string, number> = {};
  const link = linkNames();
  callable.forEach((fn, i) => {
    slots[link(fn.name)] = i;
  });
  module.table(table);
  module.exportedTable("table", [...callable]);

  const main = module.func("main", ["i32", "i32"], ["i32"], (f) => defineMain(f, handlers, find, emit));
  module.exportFunction("main", main);
  module.exportFunction(
    "brief",
    module.func("brief", ["i32", "i32"], ["i32"], (f) => defineBrief(f, handlers)),
  );
  const stopping = ["#expected", "#lookup", "#gone"].map((form) => handlers.numberOf.get(form) as number);
  const follow = defineFollow(module, { main, find, stopping });
  module.exportFunction("drive", defineDrive(module, follow));
  module.exportFunction("follow", follow);
  module.exportFunction("transfer", defineTransfer(module));
  return { module: module.encode(), functions: slots };
}

/**
 * (rip, expected, depth) -> rip: runs from an address until it gets to the expected one, which it returns: translated code
 * (jit/) where the jump cache knows of some, and what is between two pieces of it interpreted, if INTERPRETING says so and as
 * far as there are records. 0 if it ends with a trap, the state stored; another address if that is not for it to do.
 *
 * That is how translated code calls what is not translated, or not whole, and goes on behind the call: else all callers would
 * have to be left, and interpreted from there on. For the interpreter to stop at the expected address there has to be an
 * "#expected" record; where one is missing, EXPECT_WANTED asks for it.
 *
 * A region is a function (rip, depth) -> rip where to go on, or 0 with the state stored.
 */
function defineFollow(
  module: ModuleBuilder,
  { main, find, stopping }: { main: FunctionRef; find: FunctionRef; stopping: readonly number[] },
): FunctionRef {
  return module.func("follow", ["i32", "i32", "i32"], ["i32"], (f) => {
    const rip = f.param(0, "i32");
    const expected = f.param(1, "i32");
    const depth = f.param(2, "i32");
    const left = f.local("i32");
    const deeper = f.local("i32");
    const outer = f.local("i32");
    const record = f.local("i32");
    const cell = (at: number): I32 => i32.load(ZERO, at);
    const set = (at: number, value: I32): void => f.exec(i32.store(ZERO, value, at));
    const end = (result: I32): void => {
      set(EXPECTED, outer);
      f.return(result);
    };
    f.if(i32.eqz(rip), () => f.return(ZERO));
    f.set(deeper, i32.sub(depth, i32.const(NESTED_DEPTH)));
    f.if(i32.or(cell(UNWINDING), i32.lt_s(cell(REGION_FUEL), ZERO)), () => f.return(rip));
    // A region wants one at least.
    f.if(i32.lt_s(deeper, i32.const(1)), () => {
      set(UNWINDING, i32.const(1));
      f.return(rip);
    });
    f.set(outer, cell(EXPECTED));
    // A nested one was called by translated code.
    f.set(left, expected);
    f.loop((again) => {
      f.block((untranslated) => {
        f.loop((region) => {
          const entry = f.let(jumpCacheEntry(rip));
          f.brIf(untranslated, i32.ne(i32.load(entry, JUMP_CACHE), rip));
          const slot = i32.load(entry, JUMP_CACHE + 4);
          f.set(rip, f.callIndirect("i32", ["i32", "i32"], slot, [rip, deeper], 1));
          const ended = i32.or(i32.eqz(rip), i32.eq(rip, expected));
          f.if(i32.or(ended, i32.lt_s(cell(REGION_FUEL), ZERO)), () => end(rip));
          f.if(cell(UNWINDING), () => {
            f.if(expected, () => end(rip));
            set(UNWINDING, ZERO);
          });
          f.set(left, i32.const(1));
          f.br(region);
        });
      });
      f.if(i32.eqz(cell(INTERPRETING)), () => end(rip));
      f.if(left, () => {
        // Every so often it is noted where it goes: what translated code leads to is hot.
        set(MISSES_LEFT, i32.sub(cell(MISSES_LEFT), i32.const(1)));
        f.if(i32.eqz(cell(MISSES_LEFT)), () => {
          set(MISSES_LEFT, i32.const(MISSES_BETWEEN));
          const n = f.let(cell(MISSES_NOTED));
          f.exec(i32.store(i32.shl(i32.and(n, i32.const(MISSES_KEPT - 1)), i32.const(2)), rip, MISSES));
          set(MISSES_NOTED, i32.add(n, i32.const(1)));
        });
      });
      f.set(left, ZERO);
      f.if(expected, () => {
        f.set(record, f.call("i32", find, [i64.extend_i32_u(expected)]));
        const handler = f.let(i32.load16_u(record, R_HANDLER));
        const is = (number: number): I32 => i32.eq(handler, i32.const(number));
        // What has no record, or one without code, stops it as well.
        const stops = stopping.map(is).reduce(i32.or, i32.eqz(record));
        f.if(i32.eqz(stops), () => {
          set(EXPECT_WANTED, expected);
          end(rip);
        });
      });
      f.set(record, f.call("i32", find, [i64.extend_i32_u(rip)]));
      f.if(i32.eqz(record), () => end(ZERO));
      set(EXPECTED, expected);
      f.exec(i64.store(ZERO, i64.extend_i32_u(rip), CONTEXT_OFFSET + PC));
      const fuel = f.let(cell(REGION_FUEL));
      const until = f.let(cell(UNTIL_SAMPLE));
      const slice = f.let(select(i32.lt_s(fuel, until), fuel, until));
      const trap = f.let(f.call("i32", main, [record, slice]));
      const used = f.let(i32.sub(slice, cell(FUEL_LEFT)));
      set(INTERPRETED, i32.add(cell(INTERPRETED), used));
      set(UNTIL_SAMPLE, i32.sub(until, used));
      // One more, lest it go to and fro for ever without a branch.
      set(REGION_FUEL, i32.sub(i32.sub(fuel, used), i32.const(1)));
      f.if(i32.or(i32.ne(trap, i32.const(TRAP_LOOKUP)), cell(CONTEXT_OFFSET + PC + 4)), () => end(ZERO));
      const out = i32.or(i32.le_s(cell(UNTIL_SAMPLE), ZERO), i32.le_s(cell(REGION_FUEL), ZERO));
      f.if(out, () => end(ZERO));
      f.set(rip, cell(CONTEXT_OFFSET + PC));
      f.if(i32.eq(rip, expected), () => end(rip));
      f.brIf(again, i32.eq(i32.load(jumpCacheEntry(rip), JUMP_CACHE), rip));
      end(ZERO);
    });
    f.unreachable();
  });
}

/**
 * () -> trap: the same from RIP on and without an end. Whoever calls it sets REGION_FUEL, UNTIL_SAMPLE, MISSES_LEFT, MISSES_NOTED,
 * INTERPRETED and INTERPRETING.
 */
function defineDrive(module: ModuleBuilder, follow: FunctionRef): FunctionRef {
  return module.func("drive", [], ["i32"], (f) => {
    f.exec(i32.store(ZERO, ZERO, EXPECTED));
    f.exec(i32.store(ZERO, ZERO, UNWINDING));
    const from = i32.load(ZERO, CONTEXT_OFFSET + PC);
    const rip = f.let(f.call("i32", follow, [from, ZERO, i32.const(MAX_DEPTH)]));
    f.if(i32.eqz(rip), () => f.return(i32.load(ZERO, TRAP_CODE)));
    f.exec(i64.store(ZERO, i64.extend_i32_u(rip), CONTEXT_OFFSET + PC));
    f.exec(i32.store(ZERO, ZERO, TRAP_PC));
    const fuel = i32.lt_s(i32.load(ZERO, REGION_FUEL), ZERO);
    f.return(select(fuel, i32.const(TRAP_REFUEL), i32.const(TRAP_LOOKUP)));
  });
}

/**
 * (rip, depth, slot) -> rip: the region in a slot of the table. Translated code goes through it from one region to another. It
 * could do so by itself if it imported the table; but V8 gives each instance that does a copy of all of the table, and changes
 * them all when a region is added: the time for it, and the memory, went with the square of the number of regions, and
 * more than half of a large program's.
 */
function defineTransfer(module: ModuleBuilder): FunctionRef {
  return module.func("transfer", ["i32", "i32", "i32"], ["i32"], (f) => {
    f.returnCallIndirect(["i32", "i32"], ["i32"], f.param(2, "i32"), [f.param(0, "i32"), f.param(1, "i32")], 1);
  });
}

/** Records that only lead on to another one, and where they have it. */
const LEADING_ON: Readonly<Record<string, number>> = { "#goto:j": R_IMM, "#forward": R_BASE };

function ripOf(pc: I32): ReturnType<typeof i64.load> {
  return i64.load32_u(i32.shr_u(pc, i32.const(2)), RIP_OF);
}

function defineShared(module: ModuleBuilder, canonicalOnly: boolean): CoreFunctions {
  const leave = (f: FunctionBuilder, trap: I32): void => {
    f.exec(i32.store(ZERO, trap, TRAP_CODE));
    f.return(ZERO);
  };
  const raise = module.func("raise", ["i32", "i32"], ["i32"], (f) => {
    f.exec(i32.store(ZERO, f.param(0, "i32"), TRAP_PC));
    f.exec(i64.store(ZERO, ripOf(f.param(0, "i32")), CONTEXT_OFFSET + PC));
    leave(f, f.param(1, "i32"));
  });
  const raiseAfter = module.func("raise_after", ["i32", "i32"], ["i32"], (f) => {
    const pc = f.param(0, "i32");
    f.exec(i64.store(ZERO, i64.add(ripOf(pc), i64.load8_u(pc, R_LENGTH)), CONTEXT_OFFSET + PC));
    leave(f, f.param(1, "i32"));
  });
  const fault = module.func("fault", ["i32", "i64", "i32", "i32"], ["i32"], (f) => {
    const pc = f.param(0, "i32");
    const address = f.param(1, "i64");
    const access = f.param(3, "i32");
    f.exec(i64.store(ZERO, ripOf(pc), CONTEXT_OFFSET + PC));
    if (canonicalOnly) {
      const canonical = i64.shr_u(i64.add(address, i64.const(0x8000_0000_0000n)), i64.const(48));
      f.if(i32.eqz(i64.eqz(canonical)), () => leave(f, i32.const(Trap.GeneralProtection)));
    }
    // The first byte that is not allowed: the access itself, or the start of the second page it touches.
    const bit = f.let(
      i32.shl(i32.const(PageBits.Read), i32.eq(access, i32.const(Access.Write))), // Write is the bit above Read
    );
    const page = i32.load8_u(i32.wrap(i64.shr_u(address, i64.const(12))), PAGE_TABLE);
    const low = i64.eqz(i64.shr_u(address, i64.const(32)));
    const where = f.local("i64");
    f.set(where, address);
    f.if(low, () =>
      f.if(i32.and(page, bit), () => f.set(where, i64.add(i64.and(address, i64.const(-4096)), i64.const(4096)))),
    );
    f.exec(i64.store(ZERO, where, CONTEXT_OFFSET + FAULT_ADDRESS));
    f.exec(i32.store(ZERO, access, CONTEXT_OFFSET + FAULT_ACCESS));
    leave(f, i32.const(Trap.PageFault));
  });
  const find = module.func("find", ["i64"], ["i32"], (f) => {
    const rip = f.param(0, "i64");
    const low = f.let(i32.wrap(rip));
    const mask = f.let(i32.load(ZERO, HASH_MASK));
    const at = f.local("i32");
    const key = f.local("i32");
    f.set(at, i32.and(i32.shl(hashOf(low), i32.const(3)), mask));
    f.if(i64.eqz(i64.shr_u(rip, i64.const(32))), () =>
      f.loop((again) => {
        f.set(key, i32.load(at, HASH));
        f.if(i32.eq(key, low), () => f.if(i32.load(at, HASH + 4), () => f.return(i32.load(at, HASH + 4))));
        f.set(at, i32.and(i32.add(at, i32.const(8)), mask));
        f.brIf(again, key);
      }),
    );
    f.exec(i64.store(ZERO, rip, CONTEXT_OFFSET + PC));
    f.exec(i32.store(ZERO, ZERO, TRAP_PC));
    leave(f, i32.const(TRAP_LOOKUP));
  });
  const note = module.func("note", ["i32", "i64"], ["i32"], (f) => {
    const rip = f.let(i32.load(i32.shr_u(f.param(0, "i32"), i32.const(2)), RIP_OF));
    const target = f.let(i32.wrap(f.param(1, "i64")));
    const at = f.let(callSiteEntry(rip));
    const word = (n: number): I32 => i32.load(at, CALL_SITES + 4 * n);
    const set = (n: number, value: I32): void => f.exec(i32.store(at, value, CALL_SITES + 4 * n));
    f.if(i32.ne(word(0), rip), () => {
      set(0, rip);
      set(1, target);
      set(2, ZERO);
      set(3, ZERO);
      f.return(ZERO);
    });
    const last = f.let(word(1));
    f.if(i32.eq(last, target), () => f.return(ZERO));
    const other = f.let(word(2));
    f.if(i32.and(i32.ne(other, ZERO), i32.ne(other, target)), () => set(3, i32.add(word(3), i32.const(1))));
    set(1, target);
    set(2, last);
    f.return(ZERO);
  });
  return { raise, raiseAfter, fault, find, note };
}

/** Spreads instruction addresses over the hash table; decoder.ts has its twin. */
function hashOf(low: I32): I32 {
  return i32.xor(low, i32.shr_u(low, i32.const(11)));
}

function defineMain(f: FunctionBuilder, handlers: HandlerList, find: FunctionRef, emit: EmitHandler): void {
  const pc = f.param(0, "i32");
  const fuel = f.param(1, "i32");
  const executed = f.local("i32");
  const target = f.local("i32");
  // Fits 32 bits (unsigned), since the engine cuts fuel into slices.
  f.set(executed, i32.sub(ZERO, pc));
  f.block((exit) => {
    f.loop((dispatch) => {
      f.block((branch) => {
        const inlineEnd = (): HandlerEnd => ({
          next: () => {
            f.set(pc, i32.add(pc, i32.const(RECORD_SIZE)));
            f.br(dispatch);
          },
          to: (record) => {
            f.set(target, record);
            f.br(branch);
          },
          leave: (result) => {
            f.drop(result);
            f.br(exit);
          },
          found: (address) => {
            // The first probe of `find`, without the call.
            const low = f.let(i32.wrap(address));
            const at = f.let(i32.and(i32.shl(hashOf(low), i32.const(3)), i32.load(ZERO, HASH_MASK)));
            const there = i64.eq(i64.load32_u(at, HASH), address);
            f.set(target, i32.load(at, HASH + 4));
            f.if(there, () => f.brIf(branch, target));
            f.set(target, f.call("i32", find, [address]));
            f.brIf(exit, i32.eqz(target));
            f.br(branch);
          },
        });
        const labels: Label[] = [];
        const open = (i: number): void => {
          if (i < 0) {
            const cases = labels.slice(1).reverse();
            f.brTable(i32.load16_u(pc, R_HANDLER), cases, labels[0] as Label);
            return;
          }
          f.block((end) => {
            labels.push(end);
            open(i - 1);
          });
          if (i === handlers.inline.length) {
            // A function. The call's result is the next record, mostly the following one.
            f.set(target, f.callIndirect("i32", ["i32"], i32.load16_u(pc, R_HANDLER), [pc]));
            f.brIf(exit, i32.eqz(target));
            f.brIf(branch, i32.ne(target, i32.add(pc, i32.const(RECORD_SIZE))));
            f.set(pc, target);
            f.br(dispatch);
            return;
          }
          f.scope(() => {
            const form = handlers.inline[i] as string;
            if (form in LEADING_ON) {
              f.set(target, i32.load(pc, LEADING_ON[form] as number));
              // Not counted: as if the records were contiguous.
              f.set(executed, i32.add(executed, i32.sub(pc, target)));
              f.set(pc, target);
              f.br(dispatch);
              return;
            }
            const end = inlineEnd();
            emit(f, pc, form, end);
            end.next();
          });
        };
        open(handlers.inline.length);
      });
      takeBranch(f, { pc, fuel, executed, target }, dispatch);
    });
  });
  finish(f, { pc, fuel, executed, target });
}

/**
 * The same loop with all handlers as functions, for programs that end soon: nothing but the handlers that they use is
 * compiled, and the compilation of the large loop (6 ms, then 100 ms in the background, which an exit waits for)
 * does not begin. The engine says when to go over to `main`.
 */
function defineBrief(f: FunctionBuilder, handlers: HandlerList): void {
  const pc = f.param(0, "i32");
  const fuel = f.param(1, "i32");
  const executed = f.local("i32");
  const target = f.local("i32");
  f.set(executed, i32.sub(ZERO, pc));
  f.block((exit) => {
    f.loop((dispatch) => {
      f.set(target, f.callIndirect("i32", ["i32"], i32.load16_u(pc, R_HANDLER), [pc]));
      f.if(i32.eq(target, i32.add(pc, i32.const(RECORD_SIZE))), () => {
        f.set(pc, target);
        f.br(dispatch);
      });
      f.brIf(exit, i32.eqz(target));
      // Records that lead on don't count as instructions, but as branches, lest there be a circle that uses no fuel.
      for (const form of Object.keys(LEADING_ON)) {
        const leadsOn = i32.eq(i32.load16_u(pc, R_HANDLER), i32.const(handlers.numberOf.get(form) as number));
        f.if(leadsOn, () => f.set(executed, i32.sub(executed, i32.const(RECORD_SIZE))));
      }
      takeBranch(f, { pc, fuel, executed, target }, dispatch);
    });
  });
  finish(f, { pc, fuel, executed, target });
}

/** The variables of a loop over records. */
interface Registers {
  readonly pc: Local<"i32">;
  readonly fuel: Local<"i32">;
  /** Minus the first pc, plus the bytes of records that branches skipped. */
  readonly executed: Local<"i32">;
  readonly target: Local<"i32">;
}

/** Goes on at `target`, or stops for want of fuel. */
function takeBranch(f: FunctionBuilder, { pc, fuel, executed, target }: Registers, dispatch: Label): void {
  f.set(executed, i32.add(executed, i32.sub(i32.add(pc, i32.const(RECORD_SIZE)), target)));
  f.set(pc, target);
  f.set(fuel, i32.sub(fuel, i32.const(1)));
  f.brIf(dispatch, i32.gt_s(fuel, ZERO));
  f.exec(i64.store(ZERO, ripOf(pc), CONTEXT_OFFSET + PC));
  f.exec(i32.store(ZERO, i32.const(Trap.Fuel), TRAP_CODE));
}

function finish(f: FunctionBuilder, { pc, fuel, executed }: Registers): void {
  const total = i64.extend_i32_u(i32.add(executed, pc));
  f.exec(i64.store(ZERO, i64.add(i64.load(ZERO, EXECUTED), total), EXECUTED));
  f.exec(i32.store(ZERO, fuel, FUEL_LEFT));
  f.return(i32.load(ZERO, TRAP_CODE));
}
