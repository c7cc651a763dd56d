/** What tests/conformance/run.ts records, for docs/conformance.md. */

export interface Count {
  readonly passed: number;
  readonly run: number;
}

export interface SuiteResult {
  readonly name: string;
  readonly native: Count;
  readonly tsrcore: Count;
  /** What is to be known of it: what was left out, what differs. */
  readonly note: string;
}

export interface SuiteResults {
  /** The kernel of the native run. */
  readonly oracle: string;
  readonly suites: readonly SuiteResult[];
}
