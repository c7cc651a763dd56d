import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CONFORMANCE_DOC, conformanceDoc } from "../../scripts/generate-conformance-doc.ts";

/** The figures of the first paragraph. */
function figures(text: string): { behaviours: number; calls: number } {
  const behaviours = /\*\*(\d+) checked behaviours\*\*/.exec(text)?.[1];
  const calls = /\*\*(\d+) system calls\*\*/.exec(text)?.[1];
  return { behaviours: Number(behaviours), calls: Number(calls) };
}

it("docs/conformance.md is not behind what is checked (npm run generate:docs)", () => {
  const written = figures(readFileSync(CONFORMANCE_DOC, "utf8"));
  const now = figures(conformanceDoc());
  expect(now.behaviours).toBeGreaterThanOrEqual(900);
  expect(now.calls).toBeGreaterThanOrEqual(260);
  expect(written.behaviours).toBeGreaterThanOrEqual(900);
  expect(written.behaviours).toBeLessThanOrEqual(now.behaviours);
});
