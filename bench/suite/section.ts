import type { Target } from "./targets.ts";

/** One part of the report. */
export interface Section {
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  readonly targets: readonly Target[];
  /** For the saved results. */
  readonly data: unknown;
}
