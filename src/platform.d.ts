// biome-ignore-all lint/style/noNamespace: the platform declares it as one
// What the core uses of the platform beyond the language itself, so that it compiles without the DOM's types: both
// Node and browsers have it. (TextEncoder and TextDecoder come with Node's types.) WebAssembly JavaScript Interface 2.0.
declare namespace WebAssembly {
  type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "anyfunc" | "externref";
  type ImportExportKind = "function" | "table" | "memory" | "global" | "tag";
  // biome-ignore lint/suspicious/noExplicitAny: the signature of an export is known to the caller alone
  type ExportValue = ((...args: any[]) => any) | Global | Memory | Table;
  type Exports = Record<string, ExportValue>;
  type ImportValue = ExportValue | number | bigint;
  type Imports = Record<string, Record<string, ImportValue>>;

  interface MemoryDescriptor {
    initial: number;
    maximum?: number;
    shared?: boolean;
  }
  interface TableDescriptor {
    element: "anyfunc" | "externref";
    initial: number;
    maximum?: number;
  }
  interface GlobalDescriptor {
    value: ValueType;
    mutable?: boolean;
  }

  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer;
    /** Grows by `delta` pages of 64 KiB and detaches the old buffer; returns the old size in pages. */
    grow(delta: number): number;
  }
  class Table {
    constructor(descriptor: TableDescriptor, value?: unknown);
    readonly length: number;
    // biome-ignore lint/suspicious/noExplicitAny: as ExportValue
    get(index: number): any;
    set(index: number, value?: unknown): void;
    grow(delta: number, value?: unknown): number;
  }
  class Global {
    constructor(descriptor: GlobalDescriptor, value?: number | bigint);
    // biome-ignore lint/suspicious/noExplicitAny: number or bigint, by its type
    value: any;
    valueOf(): number | bigint;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer> | ArrayBuffer);
    static exports(module: Module): { name: string; kind: ImportExportKind }[];
    static imports(module: Module): { module: string; name: string; kind: ImportExportKind }[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: Uint8Array<ArrayBuffer> | ArrayBuffer): boolean;
  function compile(bytes: Uint8Array<ArrayBuffer> | ArrayBuffer): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}
