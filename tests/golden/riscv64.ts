// The golden cases on riscv64. What a case gives there is what it gave natively, on the same programs built for this machine,
// unless it depends on the architecture: those cases are named here, with the reason, and recorded under qemu-user.

export const RISCV64_REASONS: Readonly<Record<string, string>> = {
  "apk/version": "names the architecture",
  "apk/list-installed": "names the architecture",
  "apk/info-one-package": "sizes of packages",
  "apk/info-contents": "the dynamic linker's name",
  "apk/info-who-owns": "the dynamic linker's name",
  "apk/list-patterns": "names the architecture",
  "apk/help-and-wrong-use": "names the architecture",
  "apk/remove-package": "sizes of packages",
  "apk/tools-beside-busybox": "the dynamic linker's name",
  "apk/dynamic-linker": "names the architecture",
  "apk/missing-library": "names the architecture",
  "jobs/pmap": "how many segments the linker has made of busybox",
  "jobs/sysctl-and-uname": "uname's machine",
  "system/last-and-who": "uname's machine",
};

/** Cases that have no oracle for riscv64, or not on one root, and why. */
export const RISCV64_WITHOUT: Readonly<Record<string, string>> = {
  "jobs/linux32-personality": "uname's machine, and to qemu-user all personalities are one",
  "sysroot-riscv64 files/xargs-status":
    "its libc's vfork is fork, by which xargs does not learn why an exec has failed",
};

export function hasOracle(root: string, id: string): boolean {
  return RISCV64_WITHOUT[id] === undefined && RISCV64_WITHOUT[`${root} ${id}`] === undefined;
}

export function dependsOnArchitecture(id: string): boolean {
  return RISCV64_REASONS[id] !== undefined;
}
