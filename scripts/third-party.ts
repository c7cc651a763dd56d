// The licences of the npm packages whose code the bundle contains, as their terms ask for.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The text for dist/THIRD-PARTY.txt, from the paths of all bundled modules. */
export function thirdPartyNotices(moduleIds: Iterable<string>): string {
  const folders = new Set<string>();
  for (const id of moduleIds) {
    const folder = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
    if (folder && existsSync(join(folder, "package.json"))) {
      folders.add(folder);
    }
  }
  const notices = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${license}`;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return `The bundle contains code of these npm packages:\n\n${notices.join(`\n${"-".repeat(80)}\n\n`)}`;
}
