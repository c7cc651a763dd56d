/** tsrcore as a library: build a machine, start programs in it, wait for them. */
export type { CpuCore, CpuEngine } from "./cpu/core.ts";
export { createInterpEngine, type InterpOptions } from "./cpu/interp/create.ts";
export type {
  ByteSink,
  ByteSource,
  Clock,
  Console,
  Host,
  HostNetwork,
  HostTerminal,
  Random,
  StreamKind,
  Timers,
  WindowSize,
} from "./host/interface.ts";
export { createNodeHost, type NodeHostOptions } from "./host/node/index.ts";
export { NodeNetwork } from "./host/node/network.ts";
export { type ExitStatus, Machine, type MachineOptions, type ProgramOptions } from "./runtime/machine.ts";
export {
  type NetworkMode,
  type NetworkOptions,
  type NetworkRule,
  type PublishedPort,
  parseRule,
} from "./runtime/networking.ts";
export { DeviceNumbers } from "./vfs/mounts.ts";
export { ArchiveError, type ArchiveOptions, openArchive } from "./vfs/types/archive.ts";
export { HostChanges, type HostFileSystem, HostFs, type HostFsOptions } from "./vfs/types/hostfs.ts";
export { type MemoryFsOptions, overlay, tmpfs } from "./vfs/types/memory.ts";
export type { FileSystem, Inode } from "./vfs/types.ts";
