/**
 * `npm run bench:soak`: a shell script that forks without end, for ten minutes, and whether tsrcore's memory stays flat.
 *
 *     npm run bench:soak -- [--minutes n] [--cpu engine] [--node path] [--bin tsrcore.mjs]
 *
 * The script runs programs of the embedded root in pipelines and subshells, small shell functions that grow and shrink
 * their variables, and sources files that it has written just now, so that processes, descriptors, memories, decoded and
 * translated code come and go. The resident size is read every few seconds; that of the last fifth must not be above that of
 * the second fifth by more than a tenth and 10 MB (the first fifth warms up).
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median, repository } from "./suite/measure.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    cpu: { type: "string", default: "auto" },
    node: { type: "string", default: process.execPath },
    bin: { type: "string", default: join(repository, "bin/tsrcore.mjs") },
  },
});
const seconds = Number(options.minutes) * 60;

/** Ends by its own clock, and prints a line for each turn, so that it is known to go on. */
const script = `
end=$(($(date +%s) + ${Math.ceil(seconds)}))
turn=0
fill() { text=; n=0; while [ $n -lt 300 ]; do text="$text $n:$1"; n=$((n + 1)); done; echo "$text" | wc -c; }
while [ $(date +%s) -lt $end ]; do
  turn=$((turn + 1))
  for i in 1 2 3 4 5 6 7 8; do
    (echo $i; /bin/true) | cat | grep -c . >/dev/null
    echo "$turn $i" | sed "s/$i/x/" | awk '{ s += length($0) } END { print s }' >/dev/null
  done
  fill $turn >/dev/null
  ls -l /bin | sort -k 5 -n | head -n 3 >/dev/null
  printf 'f%d() { echo %d; }; f%d >/dev/null\\n' $turn $turn $turn >/tmp/part; . /tmp/part; unset -f f$turn
  seq 1 200 | gzip -c | gunzip -c | md5sum >/dev/null
  sh -c 'for a in 1 2 3; do (exit $a) & done; wait'
  echo $turn
done
`;

const child = spawn(options.node, [options.bin, "run", "--cpu", options.cpu, "sh", "-c", script], {
  stdio: ["ignore", "pipe", "inherit"],
});
let turns = 0;
child.stdout.on("data", (data: Buffer) => {
  turns = Number(data.toString().trim().split("\n").at(-1));
});

/** MB; undefined once the process is gone. */
function resident(): number | undefined {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}

const samples: number[] = [];
const period = Math.max(seconds / 120, 0.5) * 1000;
const timer = setInterval(() => {
  const size = resident();
  if (size === undefined) return;
  samples.push(size);
  if (samples.length % 6 === 0) {
    console.log(
      `${((samples.length * period) / 1000).toFixed(0).padStart(5)} s  ${turns} turns  ${size.toFixed(1)} MB`,
    );
  }
}, period);

child.on("exit", (status, signal) => {
  clearInterval(timer);
  const fifth = Math.floor(samples.length / 5);
  const early = median(samples.slice(fifth, 2 * fifth));
  const late = median(samples.slice(-fifth));
  const flat = late <= early * 1.1 + 10;
  console.log(
    `${turns} turns; ${early.toFixed(1)} MB in the second fifth, ${late.toFixed(1)} MB in the last: ${flat ? "flat" : "growing"}`,
  );
  if (status !== 0) console.log(`ended with ${signal ?? `status ${status}`}`);
  process.exitCode = status === 0 && flat && turns > 0 ? 0 : 1;
});
