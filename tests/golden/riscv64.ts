// The golden cases on riscv64. What a case gives there is what it gave natively, on the same programs built for this machine,
// unless it depends on the architecture: those cases are named here, with the reason, and recorded under qemu-user.

const BY_ARCHITECTURE: Readonly<Record<string, string>> = {};

export function dependsOnArchitecture(id: string): boolean {
  return BY_ARCHITECTURE[id] !== undefined;
}
