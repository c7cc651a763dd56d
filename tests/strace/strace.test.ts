// The strace command against what the real one showed of the same programs on a real kernel. Recorded by
// `npm run fixtures:strace`. By default it runs the build; TSRCORE_SOURCE=1 runs the sources.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { missingRoot, rootTarball } from "../golden/roots.ts";
import { straceCases } from "./cases.ts";
import { misalignedLine, normalise, toText } from "./normalise.ts";
import { runStrace } from "./tsrcore.ts";

const here = rootTarball("alpine") !== undefined;
if (!here) console.warn(missingRoot("alpine"));

describe.skipIf(!here).concurrent("as the real strace", { timeout: 120_000 }, () => {
  for (const straceCase of straceCases()) {
    const { name, options, concurrent, golden } = straceCase;
    test(`${name} (${options.join(" ")})`, async () => {
      const path = join(import.meta.dirname, "expected", `${name}.txt`);
      if (!existsSync(path)) throw new Error("not recorded: npm run fixtures:strace");
      const expected = readFileSync(path, "latin1");
      const text = await runStrace(straceCase);
      expect(toText(normalise(text, concurrent, golden.masks)), "npm run fixtures:strace records the real one").toBe(
        expected,
      );
      const column = options.includes("-a") ? Number(options[options.indexOf("-a") + 1]) : 40;
      expect(misalignedLine(text, column)).toBeUndefined();
    });
  }
});
