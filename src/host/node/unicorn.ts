/** The system's libunicorn by way of koffi. Both are optional: what is missing is said with what installs it. */
import { type Batch, type Handle, type MemoryEvent, type UnicornApi, UnicornError } from "../../cpu/unicorn/api.ts";

const LIBRARIES = ["libunicorn.so.2", "libunicorn.2.dylib", "libunicorn.so", "unicorn.dll"];
const UC_HOOK_INTR = 1;
const UC_HOOK_INSN = 2;
const UC_HOOK_CODE = 4;
const UC_HOOK_MEM_INVALID = 1008;
const UC_HOOK_MEM_WRITE = 2048;
/** UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2) */
const UC_CTL_TB_REMOVE_CACHE = 1_207_959_561;

interface NativeBatch {
  readonly ids: Int32Array;
  readonly pointers: BigUint64Array;
  /** Keeps the memory behind the pointers alive. */
  readonly views: readonly Uint8Array[];
}

/** Something is missing on this machine; the message says what to install. */
export class UnicornMissing extends Error {}

export async function loadUnicorn(): Promise<UnicornApi> {
  let koffi: typeof import("koffi");
  try {
    const loaded = (await import("koffi")) as unknown as { default: typeof import("koffi") };
    koffi = loaded.default;
  } catch {
    throw new UnicornMissing('the npm package "koffi" is not installed (npm install koffi)');
  }
  const library = openLibrary(koffi);
  const declare = (signature: string): ((...args: unknown[]) => number) => library.func(signature) as never;
  const check = (code: number, what: string): void => {
    if (code !== 0) throw new UnicornError(`unicorn: ${what}: ${strerror(code)}`);
  };
  const strerror = library.func("const char *uc_strerror(int)") as unknown as (code: number) => string;
  const version = declare("unsigned int uc_version(void *, void *)");
  const open = declare("int uc_open(int, int, _Out_ void **)");
  const close = declare("int uc_close(void *)");
  const mapPtr = declare("int uc_mem_map_ptr(void *, uint64_t, size_t, uint32_t, void *)");
  const protect = declare("int uc_mem_protect(void *, uint64_t, size_t, uint32_t)");
  const unmap = declare("int uc_mem_unmap(void *, uint64_t, size_t)");
  const readBatch = declare("int uc_reg_read_batch(void *, void *, void *, int)");
  const writeBatch = declare("int uc_reg_write_batch(void *, void *, void *, int)");
  const start = declare("int uc_emu_start(void *, uint64_t, uint64_t, uint64_t, size_t)");
  const stop = declare("int uc_emu_stop(void *)");
  const contextAlloc = declare("int uc_context_alloc(void *, _Out_ void **)");
  const contextSave = declare("int uc_context_save(void *, void *)");
  const contextRestore = declare("int uc_context_restore(void *, void *)");
  const contextFree = declare("int uc_context_free(void *)");
  const control = declare("int uc_ctl(void *, int, ...)");
  const hookAdd = declare("int uc_hook_add(void *, _Out_ size_t *, int, void *, void *, uint64_t, uint64_t, ...)");
  // memmove of nothing returns its first argument: the address of a buffer.
  const addressOf = koffi
    .load(process.platform === "darwin" ? "libSystem.dylib" : process.platform === "win32" ? "msvcrt.dll" : "libc.so.6")
    .func("uintptr_t memmove(void *, void *, size_t)") as unknown as (
    a: unknown,
    b: unknown,
    n: number,
  ) => number | bigint;

  // Without names: names are the whole process's, and two machines may load the library.
  const plainHook = koffi.pointer(koffi.proto("void", ["void *", "void *"]));
  const interruptHook = koffi.pointer(koffi.proto("void", ["void *", "uint32_t", "void *"]));
  const invalidHook = koffi.pointer(koffi.proto("bool", ["void *", "int", "uint64_t", "int", "int64_t", "void *"]));
  const writeHook = koffi.pointer(koffi.proto("void", ["void *", "int", "uint64_t", "int", "int64_t", "void *"]));
  const codeHook = koffi.pointer(koffi.proto("void", ["void *", "uint64_t", "uint32_t", "void *"]));
  const callbacks = new Map<Handle, ReturnType<typeof koffi.register>[]>();
  const contexts = new Map<Handle, unknown[]>();

  const addHook = (
    handle: Handle,
    type: number,
    callback: (...args: never[]) => unknown,
    pointer: typeof plainHook,
    ...more: unknown[]
  ): void => {
    const registered = koffi.register(callback as never, pointer);
    callbacks.get(handle)?.push(registered);
    check(hookAdd(handle, [0], type, registered, null, 1, 0, ...more), "uc_hook_add");
  };
  // An address may come as a negative number, or not.
  const signed = (address: number | bigint): number => Number(BigInt.asIntN(64, BigInt(address)));
  const event = (type: number, address: number | bigint, size: number): MemoryEvent => ({
    type,
    address: signed(address),
    size,
  });
  const packed = version(null, null);

  return {
    version: `${packed >>> 24}.${(packed >>> 16) & 255}.${(packed >>> 8) & 255}`,
    open: (arch, mode) => {
      const out: unknown[] = [null];
      check(open(arch, mode, out), "uc_open");
      callbacks.set(out[0], []);
      contexts.set(out[0], []);
      return out[0];
    },
    close: (handle) => {
      for (const context of contexts.get(handle) ?? []) contextFree(context);
      contexts.delete(handle);
      check(close(handle), "uc_close");
      for (const callback of callbacks.get(handle) ?? []) koffi.unregister(callback);
      callbacks.delete(handle);
    },
    memMapPtr: (handle, address, permissions, bytes) =>
      check(mapPtr(handle, address, bytes.length, permissions, bytes), "uc_mem_map_ptr"),
    memProtect: (handle, address, size, permissions) =>
      check(protect(handle, address, size, permissions), "uc_mem_protect"),
    memUnmap: (handle, address, size) => check(unmap(handle, address, size), "uc_mem_unmap"),
    batch: (ids, views): NativeBatch => ({
      ids: Int32Array.from(ids),
      pointers: BigUint64Array.from(views, (view) => BigInt(addressOf(view, view, 0))),
      views,
    }),
    regRead: (handle, batch: Batch) => {
      const { ids, pointers } = batch as NativeBatch;
      check(readBatch(handle, ids, pointers, ids.length), "uc_reg_read_batch");
    },
    regWrite: (handle, batch: Batch) => {
      const { ids, pointers } = batch as NativeBatch;
      check(writeBatch(handle, ids, pointers, ids.length), "uc_reg_write_batch");
    },
    saveContext: (handle) => {
      const out: unknown[] = [null];
      check(contextAlloc(handle, out), "uc_context_alloc");
      contexts.get(handle)?.push(out[0]);
      check(contextSave(handle, out[0]), "uc_context_save");
      return out[0];
    },
    restoreContext: (handle, context) => check(contextRestore(handle, context), "uc_context_restore"),
    emuStart: (handle, begin, until, count) => start(handle, begin, until, 0, count),
    emuStop: (handle) => {
      stop(handle);
    },
    removeCache: (handle, from, end) => {
      // Fails where nothing was translated, which is as good.
      control(handle, UC_CTL_TB_REMOVE_CACHE, "uint64_t", from, "uint64_t", end);
    },
    hookInstruction: (handle, instruction, callback) =>
      addHook(handle, UC_HOOK_INSN, callback, plainHook, "int", instruction),
    hookInterrupt: (handle, callback) =>
      addHook(handle, UC_HOOK_INTR, (_uc: never, number: never) => callback(number), interruptHook),
    hookInvalidAccess: (handle, callback) =>
      addHook(
        handle,
        UC_HOOK_MEM_INVALID,
        (_uc: never, type: never, address: never, size: never) => callback(event(type, address, size)),
        invalidHook,
      ),
    hookCode: (handle, callback) =>
      addHook(
        handle,
        UC_HOOK_CODE,
        (_uc: never, address: number | bigint, size: number) => callback(Number(address), size),
        codeHook,
      ),
    hookWrite: (handle, callback) =>
      addHook(
        handle,
        UC_HOOK_MEM_WRITE,
        (_uc: never, _type: never, address: number | bigint, size: number, value: number | bigint) =>
          callback(Number(address), size, value),
        writeHook,
      ),
    strerror,
  };
}

function openLibrary(koffi: typeof import("koffi")): ReturnType<typeof koffi.load> {
  for (const name of LIBRARIES) {
    try {
      return koffi.load(name);
    } catch {
      // The next name.
    }
  }
  throw new UnicornMissing("the library libunicorn 2 is not installed (Debian: apt-get install libunicorn2)");
}
