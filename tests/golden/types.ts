// What a golden case is, and what running one gives.

export const nativeRoots = ["alpine", "sysroot"] as const;

/** A root of this machine's architecture: Alpine's minirootfs tarball, and the embedded sysroot. */
export type NativeRoot = (typeof nativeRoots)[number];

/** The same for riscv64. */
export const riscv64Roots = ["alpine-riscv64", "sysroot-riscv64"] as const;

export const rootNames: readonly RootName[] = [...nativeRoots, ...riscv64Roots];

/** The root file systems that cases run on. */
export type RootName = NativeRoot | (typeof riscv64Roots)[number];

/** The root of this machine's architecture that has the same programs. */
export function nativeRootOf(root: RootName): NativeRoot {
  return nativeRoots.find((name) => root === name || root === `${name}-riscv64`) as NativeRoot;
}

/** Something put into /w before the run. Times are seconds since the epoch. */
export type SetupEntry =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly content: string }
  | { readonly kind: "dir"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "touch"; readonly path: string; readonly mtime: number };

/** Replaces what legitimately differs from run to run, in the output and on the screens. */
export interface Mask {
  readonly pattern: RegExp;
  readonly replacement: string;
}

export type PtyStep =
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "resize"; readonly cols: number; readonly rows: number };

/** A run on a terminal; the screen is looked at before the first step, after each, and at the end. */
export interface PtyScript {
  readonly cols: number;
  readonly rows: number;
  readonly steps: readonly PtyStep[];
}

export interface GoldenCase {
  /** "topic/name", unique. */
  readonly id: string;
  readonly topic: string;
  readonly name: string;
  /** Where the case stands: file and line. */
  readonly source: string;
  /** The program, looked up in the guest's PATH, and its arguments. */
  readonly argv: readonly string[];
  /** Absent: /dev/null. */
  readonly stdin: string | undefined;
  /** Added to PATH and HOME, which are all that a case gets otherwise. */
  readonly env: Readonly<Record<string, string>>;
  readonly setup: readonly SetupEntry[];
  readonly roots: readonly NativeRoot[];
  readonly masks: readonly Mask[];
  /** Whether modification times of changed regular files belong to the result. */
  readonly mtimes: boolean;
  readonly pty: PtyScript | undefined;
}

/** The raw result of a run, before masks. */
export interface RawOutcome {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Exit status, 128+n when killed by signal n. */
  readonly status: number;
  readonly timedOut: boolean;
  /** One array of lines per look at the terminal; the last line of each says where the cursor is. */
  readonly screens: readonly (readonly string[])[];
}

/** What is compared and kept in expected/<root>/<topic>.json. Empty members are left out. */
export interface Outcome {
  readonly status: number;
  readonly stdout?: string | readonly string[];
  readonly stderr?: string | readonly string[];
  /** Path below /w -> what it is after the run, "gone" if it was there before. */
  readonly changed?: Readonly<Record<string, string>>;
  readonly screens?: readonly (readonly string[])[];
}

/** Something that can run a case: the real kernel, or tsrcore. */
export interface Engine {
  readonly name: string;
  /** Runs `goldenCase` on `root`, the host directory `work` being the guest's /w and the directory it starts in. */
  run(goldenCase: GoldenCase, root: RootName, work: string, expected: Outcome | undefined): Promise<RawOutcome>;
  close(): void;
}
