// One case as a vitest test: replayed, compared, and what to do about a difference.

import { it } from "vitest";
import { compareOutcomes } from "./outcome.ts";
import { loadExpectations, runCase } from "./suite.ts";
import { commandLine } from "./tsrcore.ts";
import type { Engine, GoldenCase, RootName } from "./types.ts";

export interface Replay {
  readonly engine: Engine;
  readonly cpu: string | undefined;
  /** For one case, ms; the test's own limit is larger, as it also waits for its turn. */
  readonly timeout: number;
  readonly takeTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

export function replay({ engine, cpu, timeout, takeTurn }: Replay, goldenCase: GoldenCase, root: RootName): void {
  it(
    goldenCase.id,
    () =>
      takeTurn(async () => {
        const expected = loadExpectations(root, goldenCase.topic)[goldenCase.name];
        const accept = `npm run fixtures:record -- --root ${root} --only ${goldenCase.id}`;
        if (!expected) {
          throw new Error(`not recorded: ${accept}`);
        }
        const { outcome, timedOut } = await runCase(engine, goldenCase, root, expected);
        const difference = compareOutcomes(expected, outcome);
        if (timedOut || difference !== "") {
          const late = timedOut ? `timed out after ${timeout / 1000} s\n` : "";
          const command = commandLine(goldenCase, root, "DIRECTORY", cpu).map((word) => JSON.stringify(word));
          throw new Error(
            `${goldenCase.source}: tsrcore differs from the kernel ("-" expected, "+" got)\n${late}${difference}\n` +
              `run it:  node ${command.join(" ")}\nonly if the case itself was changed:  ${accept}`,
          );
        }
      }),
    timeout * 20,
  );
}
