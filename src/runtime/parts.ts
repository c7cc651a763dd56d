/** What front ends need of the parts below, so that they depend on the runtime alone. */
export type { CpuEngine } from "../cpu/core.ts";
export { createTranslatingEngine, type TranslatingOptions } from "../cpu/create.ts";
export { createInterpEngine } from "../cpu/interp/create.ts";
export type { Clock, Host } from "../host/interface.ts";
export { LoadError } from "../loader/elf.ts";
export type { Kernel } from "../proc/kernel.ts";
export type { ThreadGroup } from "../proc/thread-group.ts";
export type { SyscallTracer } from "../syscalls/dispatch.ts";
export { DeviceNumbers } from "../vfs/mounts.ts";
export { ArchiveError, archiveOf, openArchive } from "../vfs/types/archive.ts";
export { HostChanges, type HostFileSystem, HostFs } from "../vfs/types/hostfs.ts";
export { overlay } from "../vfs/types/memory.ts";
export type { FileSystem } from "../vfs/types.ts";
