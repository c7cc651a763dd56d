/**
 * What is run: shell scripts in the root that build-root.sh makes, in /work of which nothing is kept. $I is the directory
 * input/ beside this file, $S that of unpacked sources, $N that of npm's packages.
 */

export type Group = "compilers" | "rust" | "languages" | "tools" | "servers" | "system";

export interface Program {
  readonly id: string;
  readonly group: Group;
  readonly what: string;
  readonly script: string;
  /** Files whose contents are compared, too: a pattern of the shell. */
  readonly files?: string;
  /** Seconds. */
  readonly limit: number;
  /** What differs from run to run in the output. */
  readonly drop?: readonly RegExp[];
  /** Not under qemu-user: it takes too long for what it tells, or runs what was compiled, which has no mark. */
  readonly qemu?: false;
  /** Why the result is another than natively, for the table. */
  readonly differs?: string;
  /** What must be in the root: not everything can be had everywhere. */
  readonly requires?: string;
  /** In the short form, which has no root of its own but the machine's: the commands that it needs. */
  readonly needs?: readonly string[];
}

/** The script with what is around it: where it works, and the hashes of the files that it made. */
export function fullScript({ script, files }: Program): string {
  const hashes = files === undefined ? "" : `; sha256sum ${files}`;
  return `mkdir -p /work; cd /work; export I=/programs/input S=/programs/src N=/programs/npm\n( ${script}\n)\nstatus=$?${hashes}\nexit $status`;
}

export function normalised({ drop = [] }: Program, output: string): string {
  return drop.reduce((text, pattern) => text.replace(pattern, "…"), output);
}
