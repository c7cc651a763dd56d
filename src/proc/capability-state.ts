/** How capabilities follow changes of user ids: capabilities(7), "Effect of user ID changes on capabilities". */
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
} from "../abi/capability.ts";
import type { TaskCredentials } from "./credentials.ts";
import { ALL_CAPABILITIES } from "./credentials.ts";

export const SECBIT_NO_SETUID_FIXUP = 4;
export const SECBIT_KEEP_CAPS = 0x10;

const bit = (capability: number): bigint => 1n << BigInt(capability);

/** Those that the file system user id carries. */
const FS_CAPABILITIES =
  bit(CAP_CHOWN) |
  bit(CAP_DAC_OVERRIDE) |
  bit(CAP_DAC_READ_SEARCH) |
  bit(CAP_FOWNER) |
  bit(CAP_FSETID) |
  bit(CAP_LINUX_IMMUTABLE) |
  bit(CAP_MKNOD) |
  bit(CAP_MAC_OVERRIDE);

/** cap_emulate_setxuid() */
export function afterIdChange(old: TaskCredentials, changed: TaskCredentials): TaskCredentials {
  if (changed.securebits & SECBIT_NO_SETUID_FIXUP) return changed;
  let { permitted, effective, ambient } = changed;
  const { root } = old;
  const wasRoot = old.uid === root || old.euid === root || old.suid === root;
  const isRoot = changed.uid === root || changed.euid === root || changed.suid === root;
  if (wasRoot && !isRoot) {
    if ((changed.securebits & SECBIT_KEEP_CAPS) === 0) {
      permitted = 0n;
      effective = 0n;
    }
    ambient = 0n;
  }
  if (old.euid === root && changed.euid !== root) effective = 0n;
  if (old.euid !== root && changed.euid === root) effective = permitted;
  if (permitted === changed.permitted && effective === changed.effective && ambient === changed.ambient) return changed;
  return changed.with({ permitted, effective, ambient });
}

export function afterFsuidChange(old: TaskCredentials, fsuid: number): TaskCredentials {
  let { effective } = old;
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) === 0) {
    const { root } = old;
    if (old.fsuid === root && fsuid !== root) effective &= ~FS_CAPABILITIES;
    if (old.fsuid !== root && fsuid === root) effective |= FS_CAPABILITIES & old.permitted;
  }
  return old.with({ fsuid, effective: effective & ALL_CAPABILITIES });
}
