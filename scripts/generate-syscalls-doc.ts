/** Writes docs/syscalls.md from the definitions: `npm run generate:docs`. A test compares the file with them. */
import { writeFileSync } from "node:fs";
import { SYSCALLS_X86_64 } from "../src/abi/syscalls-x86_64.ts";
import { SYSCALLS } from "../src/syscalls/table.ts";

export const SYSCALLS_DOC: URL = new URL("../docs/syscalls.md", import.meta.url);

export function syscallsDoc(): string {
  const defined = new Map(SYSCALLS.map((definition) => [definition.name, definition]));
  const numbers = Object.entries(SYSCALLS_X86_64).sort((a, b) => a[1] - b[1]);
  const rows = numbers.map(([name, number]) => {
    const definition = defined.get(name);
    const state =
      definition === undefined
        ? "absent"
        : definition.partial === undefined
          ? "done"
          : `partial: ${definition.partial}`;
    return { name, number, state };
  });
  const count = (prefix: string): number => rows.filter((row) => row.state.startsWith(prefix)).length;
  return `# System calls

Generated from the definitions in \`src/syscalls\` by \`npm run generate:docs\`.

Of the ${rows.length} calls of Linux on x86_64, ${count("done")} are done, ${count("partial")} are partial, and ${count("absent")} are absent: they answer
ENOSYS, as on a kernel that was built without the feature.

| number | call | state |
|---:|---|---|
${rows.map(({ number, name, state }) => `| ${number} | \`${name}\` | ${state} |`).join("\n")}
`;
}

if (process.argv[1] !== undefined && import.meta.url === new URL(process.argv[1], "file://").href) {
  writeFileSync(SYSCALLS_DOC, syscallsDoc());
}
