/**
 * A writer of WebAssembly modules: functions with structured control flow over the expressions of expr.ts.
 *
 * Statements are encoded as they are made; labels are nesting depths, so no second pass is needed. Functions are
 * declared first and defined later, in any order, so that they can call each other.
 */
import type { Effect, Expr, I32, ValType } from "./expr.ts";
import { ByteSink, type Mark } from "./sink.ts";

const VALTYPE: Readonly<Record<ValType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export interface Local<T extends ValType = ValType> extends Expr<T> {
  readonly index: number;
}
export interface Label {
  readonly depth: number;
}

/** A function of the module, imported or defined: something that can be called. */
export class FunctionRef {
  readonly index: number;
  /** Where the function stands in table 0, if it is to be called through the table, as one of another module. */
  readonly slot: number | undefined;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly name: string;
  constructor(
    index: number,
    name: string,
    params: readonly ValType[],
    results: readonly ValType[],
    slot: number | undefined = undefined,
  ) {
    this.index = index;
    this.slot = slot;
    this.name = name;
    this.params = params;
    this.results = results;
  }
}

export interface GlobalRef<T extends ValType = ValType> {
  readonly index: number;
  readonly type: T;
}

export class FunctionBuilder {
  readonly params: readonly Local[];
  readonly #module: ModuleBuilder;
  readonly #locals: ValType[] = [];
  readonly #paramCount: number;
  readonly #free: Record<ValType, Local[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #scope: Local[] | undefined;
  readonly #out = new ByteSink(2048);
  #depth = 0;

  constructor(module: ModuleBuilder, params: readonly ValType[]) {
    this.#module = module;
    this.#paramCount = params.length;
    this.params = params.map((type, index) => makeLocal(type, index));
  }

  /** How many blocks, loops and ifs are open. */
  get depth(): number {
    return this.#depth;
  }

  /** How many loops there are so far. */
  loops = 0;

  /** Bytes of code so far. */
  get size(): number {
    return this.#out.length;
  }

  /** A fresh local that stays, whatever scope it is made in. */
  permanent<T extends ValType>(type: T): Local<T> {
    this.#locals.push(type);
    return makeLocal(type, this.#paramCount + this.#locals.length - 1);
  }

  param<T extends ValType>(index: number, type: T): Local<T> {
    const p = this.params[index];
    if (p === undefined || p.type !== type) throw new Error(`parameter ${index} is not an ${type}`);
    return p as Local<T>;
  }

  /** A fresh local (or one that an ended scope gave back). Its value is undefined until set. */
  local<T extends ValType>(type: T): Local<T> {
    const reused = this.#free[type].pop() as Local<T> | undefined;
    const l = reused ?? makeLocal(type, this.#paramCount + this.#locals.length);
    if (reused === undefined) this.#locals.push(type);
    this.#scope?.push(l);
    return l;
  }

  /** Evaluates now; the result may be used any number of times. Constants and locals are returned as they are. */
  let<T extends ValType>(value: Expr<T>): Expr<T> {
    if (value.constant !== undefined) return value;
    const l = this.local(value.type);
    this.set(l, value);
    return value.origin === undefined ? l : { type: l.type, emit: l.emit, origin: value.origin };
  }

  /** Locals made inside `body` are reused after it. Nothing made inside may be used outside. */
  scope<R>(body: () => R): R {
    const outer = this.#scope;
    const mine: Local[] = [];
    this.#scope = mine;
    try {
      return body();
    } finally {
      this.#scope = outer;
      for (const l of mine) this.#free[l.type].push(l);
    }
  }

  set<T extends ValType>(local: Local<T>, value: Expr<T>): void {
    value.emit(this.#out);
    this.#out.byte(0x21);
    this.#out.u32(local.index);
  }

  exec(effect: Effect): void {
    effect.emit(this.#out);
  }

  drop(value: Expr): void {
    value.emit(this.#out);
    this.#out.byte(0x1a);
  }

  setGlobal<T extends ValType>(global: GlobalRef<T>, value: Expr<T>): void {
    value.emit(this.#out);
    this.#out.byte(0x24);
    this.#out.u32(global.index);
  }

  /** A call whose single result is used as an expression. It is performed where the expression is consumed. */
  call<T extends ValType>(type: T, fn: FunctionRef, args: readonly Expr[]): Expr<T> {
    if (fn.results.length !== 1 || fn.results[0] !== type) throw new Error(`${fn.name} does not return ${type}`);
    checkArgs(fn, args);
    const transfer = this.#transfer(fn);
    return {
      type,
      emit: (out) => {
        for (const a of args) a.emit(out);
        transfer(out);
      },
    };
  }

  /** A call as a statement. Several results are returned as fresh locals, in order. */
  callStatement(fn: FunctionRef, args: readonly Expr[]): Local[] {
    checkArgs(fn, args);
    for (const a of args) a.emit(this.#out);
    this.#transfer(fn)(this.#out);
    const results = fn.results.map((type) => this.local(type));
    for (let i = results.length - 1; i >= 0; i--) {
      this.#out.byte(0x21);
      this.#out.u32((results[i] as Local).index);
    }
    return results;
  }

  /** What follows the arguments of a call. */
  #transfer(fn: FunctionRef): (out: ByteSink) => void {
    const { slot } = fn;
    if (slot === undefined)
      return (out) => {
        out.byte(0x10);
        out.u32(fn.index);
      };
    const signature = this.#module.typeIndex(fn.params, fn.results);
    return (out) => {
      out.byte(0x41);
      out.s32(slot);
      out.byte(0x11);
      out.u32(signature);
      out.u32(0);
    };
  }

  /** call_indirect through table 0 as an expression. */
  callIndirect<T extends ValType>(
    type: T,
    params: readonly ValType[],
    index: I32,
    args: readonly Expr[],
    table = 0,
  ): Expr<T> {
    const signature = this.#module.typeIndex(params, [type]);
    return {
      type,
      emit: (out) => {
        for (const a of args) a.emit(out);
        index.emit(out);
        out.byte(0x11);
        out.u32(signature);
        out.u32(table);
      },
    };
  }

  if(cond: I32, then: () => void, otherwise?: () => void): void {
    if (cond.constant !== undefined) {
      if (cond.constant !== 0) then();
      else otherwise?.();
      return;
    }
    cond.emit(this.#out);
    this.#out.byte(0x04);
    this.#out.byte(0x40);
    this.#depth++;
    then();
    if (otherwise) {
      this.#out.byte(0x05);
      otherwise();
    }
    this.#depth--;
    this.#out.byte(0x0b);
  }

  /** `br` to the label leaves the block. */
  block(body: (end: Label) => void): void {
    this.#structured(0x02, body);
  }

  /** `br` to the label starts the next round; falling out of the body ends the loop. */
  loop(body: (again: Label) => void): void {
    this.loops++;
    this.#structured(0x03, body);
  }

  br(label: Label): void {
    this.#out.byte(0x0c);
    this.#out.u32(this.#depth - label.depth);
  }

  brIf(label: Label, cond: I32): void {
    cond.emit(this.#out);
    this.#out.byte(0x0d);
    this.#out.u32(this.#depth - label.depth);
  }

  brTable(index: I32, labels: readonly Label[], otherwise: Label): void {
    index.emit(this.#out);
    this.#out.byte(0x0e);
    this.#out.u32(labels.length);
    for (const l of labels) this.#out.u32(this.#depth - l.depth);
    this.#out.u32(this.#depth - otherwise.depth);
  }

  return(...values: readonly Expr[]): void {
    for (const v of values) v.emit(this.#out);
    this.#out.byte(0x0f);
  }

  /** `return_call`: the callee's results become this function's. */
  returnCall(fn: FunctionRef, args: readonly Expr[]): void {
    checkArgs(fn, args);
    for (const a of args) a.emit(this.#out);
    this.#out.byte(0x12);
    this.#out.u32(fn.index);
  }

  /** `return_call_indirect`. */
  returnCallIndirect(
    params: readonly ValType[],
    results: readonly ValType[],
    index: I32,
    args: readonly Expr[],
    table = 0,
  ): void {
    for (const a of args) a.emit(this.#out);
    index.emit(this.#out);
    this.#out.byte(0x13);
    this.#out.u32(this.#module.typeIndex(params, results));
    this.#out.u32(table);
  }

  memoryCopy(to: I32, from: I32, length: I32): void {
    for (const e of [to, from, length]) e.emit(this.#out);
    this.#out.opcode(0xfc0a);
    this.#out.byte(0);
    this.#out.byte(0);
  }

  memoryFill(to: I32, value: I32, length: I32): void {
    for (const e of [to, value, length]) e.emit(this.#out);
    this.#out.opcode(0xfc0b);
    this.#out.byte(0);
  }

  unreachable(): void {
    this.#out.byte(0x00);
  }

  #structured(code: number, body: (label: Label) => void): void {
    this.#out.byte(code);
    this.#out.byte(0x40);
    this.#depth++;
    body({ depth: this.#depth });
    this.#depth--;
    this.#out.byte(0x0b);
  }

  encode(): ByteSink {
    const body = new ByteSink(this.#out.length + 64);
    const runs: [number, ValType][] = [];
    for (const t of this.#locals) {
      const last = runs[runs.length - 1];
      if (last !== undefined && last[1] === t) last[0]++;
      else runs.push([1, t]);
    }
    body.u32(runs.length);
    for (const [count, type] of runs) {
      body.u32(count);
      body.byte(VALTYPE[type]);
    }
    body.append(this.#out);
    body.byte(0x0b);
    return body;
  }
}

export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports: { module: string; name: string; write: (out: ByteSink) => void }[] = [];
  readonly #declared: { fn: FunctionRef; body?: FunctionBuilder }[] = [];
  readonly #globals: { type: ValType; mutable: boolean; init: Expr }[] = [];
  readonly #exports: { name: string; kind: number; index: number }[] = [];
  #importedFunctions = 0;
  readonly #importedRefs: FunctionRef[] = [];
  #importedGlobals = 0;
  #table: (FunctionRef | undefined)[] = [];
  #second: FunctionRef[] = [];
  #tableImported = false;

  typeIndex(params: readonly ValType[], results: readonly ValType[]): number {
    const key = `${params.join()}>${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const out = new ByteSink();
    out.byte(0x60);
    out.u32(params.length);
    for (const p of params) out.byte(VALTYPE[p]);
    out.u32(results.length);
    for (const r of results) out.byte(VALTYPE[r]);
    this.#typeBytes.push(out.view());
    this.#types.push(key);
    return this.#types.length - 1;
  }

  importMemory(module: string, name: string, minPages: number, maxPages: number, shared = false): void {
    this.#imports.push({
      module,
      name,
      write: (out) => {
        out.byte(2);
        out.byte(shared ? 3 : 1);
        out.u32(minPages);
        out.u32(maxPages);
      },
    });
  }

  importTable(module: string, name: string, min: number): void {
    this.#tableImported = true;
    this.#imports.push({
      module,
      name,
      write: (out) => {
        out.byte(1);
        out.byte(0x70);
        out.byte(0);
        out.u32(min);
      },
    });
  }

  /** Imports come before every definition: the index spaces count them first. */
  importFunction(module: string, name: string, params: readonly ValType[], results: readonly ValType[]): FunctionRef {
    if (this.#declared.length > 0) throw new Error("functions are imported before any is defined");
    const type = this.typeIndex(params, results);
    this.#imports.push({
      module,
      name,
      write: (out) => {
        out.byte(0);
        out.u32(type);
      },
    });
    const fn = new FunctionRef(this.#importedFunctions++, name, params, results);
    this.#importedRefs.push(fn);
    return fn;
  }

  importGlobal<T extends ValType>(module: string, name: string, type: T, mutable: boolean): GlobalRef<T> {
    if (this.#globals.length > 0) throw new Error("globals are imported before any is defined");
    this.#imports.push({
      module,
      name,
      write: (out) => {
        out.byte(3);
        out.byte(VALTYPE[type]);
        out.byte(mutable ? 1 : 0);
      },
    });
    return { index: this.#importedGlobals++, type };
  }

  global<T extends ValType>(type: T, mutable: boolean, init: Expr<T>): GlobalRef<T> {
    this.#globals.push({ type, mutable, init });
    return { index: this.#importedGlobals + this.#globals.length - 1, type };
  }

  declare(name: string, params: readonly ValType[], results: readonly ValType[]): FunctionRef {
    const fn = new FunctionRef(this.#importedFunctions + this.#declared.length, name, params, results);
    this.typeIndex(params, results);
    this.#declared.push({ fn });
    return fn;
  }

  define(fn: FunctionRef, body: (f: FunctionBuilder) => void): void {
    const entry = this.#declared[fn.index - this.#importedFunctions];
    if (entry === undefined || entry.fn !== fn) throw new Error(`${fn.name} is not a function of this module`);
    if (entry.body !== undefined) throw new Error(`${fn.name} is defined twice`);
    const f = new FunctionBuilder(this, fn.params);
    body(f);
    entry.body = f;
  }

  func(
    name: string,
    params: readonly ValType[],
    results: readonly ValType[],
    body: (f: FunctionBuilder) => void,
  ): FunctionRef {
    const fn = this.declare(name, params, results);
    this.define(fn, body);
    return fn;
  }

  exportFunction(name: string, fn: FunctionRef): void {
    this.#exports.push({ name, kind: 0, index: fn.index });
  }

  /** The contents of table 1, which is exported and may grow. A module that has it defines table 0 as well. */
  exportedTable(name: string, functions: FunctionRef[]): void {
    this.#second = functions;
    this.#exports.push({ name, kind: 1, index: 1 });
  }

  /** All functions so far, imported ones first. */
  get functions(): readonly FunctionRef[] {
    return [...this.#importedRefs, ...this.#declared.map((d) => d.fn)];
  }
  /** Those that the module defines. */
  get globals(): readonly GlobalRef[] {
    return this.#globals.map((g, i) => ({ index: this.#importedGlobals + i, type: g.type }));
  }

  exportGlobal(name: string, global: GlobalRef): void {
    this.#exports.push({ name, kind: 3, index: global.index });
  }

  /** The contents of table 0, from index 0. */
  table(functions: (FunctionRef | undefined)[]): void {
    this.#table = functions;
  }

  encode(): Uint8Array<ArrayBuffer> {
    return this.encodeMarked().bytes;
  }

  /** With the places of the constants that are yet to be filled in (`marked`). */
  encodeMarked(): { bytes: Uint8Array<ArrayBuffer>; marks: readonly Mark[] } {
    const out = new ByteSink();
    out.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    section(out, 1, this.#typeBytes, (s, t) => s.bytes(t));
    section(out, 2, this.#imports, (s, i) => {
      s.name(i.module);
      s.name(i.name);
      i.write(s);
    });
    section(out, 3, this.#declared, (s, d) => s.u32(this.typeIndex(d.fn.params, d.fn.results)));
    const tables = [this.#table, this.#second].filter((t) => t.length > 0);
    if (!this.#tableImported)
      section(out, 4, tables, (s, t) => {
        s.byte(0x70);
        s.byte(0);
        s.u32(t.length);
      });
    section(out, 6, this.#globals, (s, g) => {
      s.byte(VALTYPE[g.type]);
      s.byte(g.mutable ? 1 : 0);
      g.init.emit(s);
      s.byte(0x0b);
    });
    section(out, 7, this.#exports, (s, e) => {
      s.name(e.name);
      s.byte(e.kind);
      s.u32(e.index);
    });
    const runs = tables.flatMap((t, index) => tableRuns(t).map((run) => ({ ...run, index })));
    section(out, 9, runs, (s, run) => {
      // Flag 2 names the table and the kind of element.
      s.byte(run.index === 0 ? 0 : 2);
      if (run.index !== 0) s.u32(run.index);
      s.byte(0x41);
      s.s32(run.start);
      s.byte(0x0b);
      if (run.index !== 0) s.byte(0);
      s.u32(run.functions.length);
      for (const fn of run.functions) s.u32(fn.index);
    });
    section(out, 10, this.#declared, (s, d) => {
      if (d.body === undefined) throw new Error(`${d.fn.name} is declared but not defined`);
      const code = d.body.encode();
      s.u32(code.length);
      s.append(code);
    });
    const names = new ByteSink();
    names.name("name");
    const functionNames = new ByteSink();
    functionNames.u32(this.#declared.length);
    for (const d of this.#declared) {
      functionNames.u32(d.fn.index);
      functionNames.name(d.fn.name);
    }
    names.byte(1);
    names.u32(functionNames.length);
    names.bytes(functionNames.view());
    out.byte(0);
    out.u32(names.length);
    out.bytes(names.view());
    return { bytes: out.view().slice(), marks: out.marks };
  }
}

function makeLocal<T extends ValType>(type: T, index: number): Local<T> {
  return {
    type,
    index,
    emit: (out) => {
      out.byte(0x20);
      out.u32(index);
    },
  };
}

/** An i32 constant that is filled in when the module has been made (fillMark in sink.ts). */
export function marked(what: string): I32 {
  return {
    type: "i32",
    emit: (out) => {
      out.byte(0x41);
      out.mark(what);
    },
  };
}

/** Reads a global. */
export function getGlobal<T extends ValType>(global: GlobalRef<T>): Expr<T> {
  return {
    type: global.type,
    emit: (out) => {
      out.byte(0x23);
      out.u32(global.index);
    },
  };
}

function checkArgs(fn: FunctionRef, args: readonly Expr[]): void {
  if (args.length !== fn.params.length || args.some((a, i) => a.type !== fn.params[i]))
    throw new Error(`${fn.name} takes (${fn.params.join()}), called with (${args.map((a) => a.type).join()})`);
}

function section<T>(out: ByteSink, id: number, items: readonly T[], write: (s: ByteSink, item: T) => void): void {
  if (items.length === 0) return;
  const s = new ByteSink();
  s.u32(items.length);
  for (const item of items) write(s, item);
  out.byte(id);
  out.u32(s.length);
  out.append(s);
}

function tableRuns(table: readonly (FunctionRef | undefined)[]): { start: number; functions: FunctionRef[] }[] {
  const runs: { start: number; functions: FunctionRef[] }[] = [];
  table.forEach((fn, i) => {
    if (fn === undefined) return;
    const last = runs[runs.length - 1];
    if (last !== undefined && last.start + last.functions.length === i) last.functions.push(fn);
    else runs.push({ start: i, functions: [fn] });
  });
  return runs;
}
