/** docs/programs.md: what was run, how long it took, and what differed. */

import type { Group, Program } from "./program.ts";
import type { Outcome } from "./run.ts";

const TITLES: Readonly<Record<Group, string>> = {
  compilers: "Compilers",
  rust: "Rust",
  languages: "Languages",
  tools: "Tools",
  servers: "Servers",
  system: "A system",
};

const INTRODUCTION = `# Programs

Programs that nobody here wrote, as Debian 12 and npm distribute them, each run three times on the same root file system: on the
real kernel (chroot into an overlay, in namespaces of its own), there under qemu-user 7.2, and in tsrcore. It works if the output
is the same to the byte, with the exit status, and with the hashes of the files that it wrote. What differs from run to run natively
(times, process numbers, key fingerprints) is left out of the comparison; \`tests/programs/list\` has the scripts.

    tests/programs/build-root.sh          # once: unpacks the root file system, about 7 GB in ~/.cache/tsrcore-programs
    npm run test:programs                 # as root; --only id,id --group name --again --no-qemu
    npm run test:programs -- --write      # this page, from the results that are there

\`npm test\` runs a few of them with the machine's own root file system.

Times are processor seconds, of all processes and threads, user and system: those of tsrcore include its start (0.2 s) and V8's compiler
threads. They were measured on a machine that did other work at the same time, some with earlier versions. A \`-\` under qemu means that it was not run, mostly since it
does not emulate execve, so that a guest's children need a mark (\`tests/programs/guest.ts\`), and what a guest compiles itself has
none; \`!\` that the result under qemu differs from the native one.
`;

function seconds(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}

/** The reason is given by hand where one is known, and otherwise says how the two ended. */
function verdict(program: Program, { native, tsrcore, same }: Outcome): string {
  if (same) return "yes";
  const ends =
    tsrcore.status === native.status ? "other output" : `ends with ${tsrcore.status}, natively ${native.status}`;
  return `**no**: ${program.differs ?? ends}`;
}

export function table(programs: readonly Program[], outcomes: ReadonlyMap<string, Outcome>): string {
  const works = [...outcomes.values()].filter(({ same }) => same).length;
  const groups = (Object.keys(TITLES) as Group[]).map((group) => {
    const rows = programs.flatMap((program) => {
      const outcome = outcomes.get(program.id);
      if (program.group !== group) return [];
      const what = program.what.replaceAll("|", "\\|");
      if (outcome === undefined) return [`| ${program.id} | ${what} | | | | not measured yet |`];
      const { native, qemu, tsrcore } = outcome;
      const other = qemu === undefined ? "-" : `${seconds(qemu.cpu)}${outcome.qemuSame ? "" : " !"}`;
      return [
        `| ${program.id} | ${what} | ${seconds(native.cpu)} | ${other} | ${seconds(tsrcore.cpu)} | ${verdict(program, outcome)} |`,
      ];
    });
    return `## ${TITLES[group]}\n\n| program | what it does | native | qemu | tsrcore | same |\n|---|---|--:|--:|--:|---|\n${rows.join("\n")}\n`;
  });
  return `${INTRODUCTION}\n${works} of ${outcomes.size} have the same result.\n\n${groups.join("\n")}`;
}
