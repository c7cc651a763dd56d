/** What translated code and the engine agree on. */

/** The name under which a module exports the function of the region at an address. */
export function exportName(rip: number): string {
  return `r${rip.toString(16)}`;
}

/** Where addresses are noted that computed jumps lead to: so many words for each jump. */
export const TARGET_ENTRIES = 256;
