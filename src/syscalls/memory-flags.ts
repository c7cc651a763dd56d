/** Names of flags of memory calls, as strace shows them. */
import * as M from "../abi/mman.ts";

type Names = readonly (readonly [number, string])[];

export const protectionNames: Names = [
  [M.PROT_READ, "PROT_READ"],
  [M.PROT_WRITE, "PROT_WRITE"],
  [M.PROT_EXEC, "PROT_EXEC"],
  [M.PROT_SEM, "PROT_SEM"],
  [M.PROT_GROWSDOWN, "PROT_GROWSDOWN"],
  [M.PROT_GROWSUP, "PROT_GROWSUP"],
];

/** Those above the type of the mapping, in strace's order. */
export const mapFlagNames: Names = [
  [M.MAP_FIXED, "MAP_FIXED"],
  [M.MAP_ANONYMOUS, "MAP_ANONYMOUS"],
  [M.MAP_32BIT, "MAP_32BIT"],
  [M.MAP_NORESERVE, "MAP_NORESERVE"],
  [M.MAP_POPULATE, "MAP_POPULATE"],
  [M.MAP_NONBLOCK, "MAP_NONBLOCK"],
  [M.MAP_GROWSDOWN, "MAP_GROWSDOWN"],
  [M.MAP_DENYWRITE, "MAP_DENYWRITE"],
  [M.MAP_EXECUTABLE, "MAP_EXECUTABLE"],
  [M.MAP_LOCKED, "MAP_LOCKED"],
  [M.MAP_STACK, "MAP_STACK"],
  [M.MAP_HUGETLB, "MAP_HUGETLB"],
  [M.MAP_SYNC, "MAP_SYNC"],
  [M.MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"],
];

export const remapFlagNames: Names = [
  [M.MREMAP_MAYMOVE, "MREMAP_MAYMOVE"],
  [M.MREMAP_FIXED, "MREMAP_FIXED"],
  [M.MREMAP_DONTUNMAP, "MREMAP_DONTUNMAP"],
];

export const syncFlagNames: Names = [
  [M.MS_SYNC, "MS_SYNC"],
  [M.MS_ASYNC, "MS_ASYNC"],
  [M.MS_INVALIDATE, "MS_INVALIDATE"],
];

export const lockAllFlagNames: Names = [
  [1, "MCL_CURRENT"],
  [2, "MCL_FUTURE"],
  [4, "MCL_ONFAULT"],
];
