/**
 * The `tsrcore` command: finds the subcommand, parses its options with yargs and turns every failure of ours into one
 * line on standard error and the exit status that `docker run` users know (125, 126, 127).
 */
import { CliError, EXIT_TSRCORE } from "./errors.ts";
import { limitYoungGeneration } from "./heap.ts";
import { main as run } from "./run.ts";
import type { Startup } from "./startup.ts";

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ["tsrcore run", "an interactive shell in the embedded root file system"],
  ["tsrcore run ./busybox sh", "a program of the host, with nothing else of the host visible"],
  ["tsrcore run --root alpine-minirootfs.tar.gz apk info", "a program of another root file system"],
  ['tsrcore run -v .:/src -w /src sh -c "ls -l"', "the current directory as /src"],
  ["tsrcore strace -f -- ls /", "what system calls a program makes"],
];

async function main(args: readonly string[], startup: Startup): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case "run":
      return run(rest, startup);
    case "strace":
      return (await import("./strace.ts")).main(rest, startup);
    case "--version":
      return (await import("./version.ts")).main();
    case undefined:
    case "--help":
    case "-h":
    case "help": {
      const text = await helpText();
      if (command === undefined) {
        process.stderr.write(text);
        return EXIT_TSRCORE;
      }
      process.stdout.write(text);
      return 0;
    }
    default:
      throw new CliError(
        `${command.startsWith("-") ? "unknown option" : "unknown command"} "${command}"; see "tsrcore --help"`,
      );
  }
}

async function helpText(): Promise<string> {
  const { default: yargs } = await import("yargs");
  const parser = yargs([])
    .scriptName("tsrcore")
    .usage("Runs unmodified Linux programs.\n\nUsage: $0 <command> [options]")
    .command("run [options] [program [args...]]", "Run a program, or a shell")
    .command("strace [options] [--] program [args...]", "Run a program and show its system calls")
    .example(EXAMPLES.map(([c, m]) => [c, m]))
    .epilogue('"tsrcore run --help" and "tsrcore strace --help" list the options.')
    .help()
    .wrap(Math.min(100, process.stdout.columns ?? 100));
  return `${await parser.getHelp()}\n`;
}

function report(error: unknown): number {
  if (error instanceof CliError) {
    process.stderr.write(`tsrcore: ${error.message}\n`);
    return error.exitStatus;
  }
  // Not a failure of the program's but what --cpu lockstep is for; the class is in a chunk that is not loaded otherwise.
  if (error instanceof Error && error.name === "LockstepDifference") {
    process.stderr.write(`tsrcore: ${error.message}\n`);
    return EXIT_TSRCORE;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`tsrcore: internal error, please report it: ${text}\n`);
  return EXIT_TSRCORE;
}

/** Runs the command, and ends the process. */
export function start(args: readonly string[], startup: Startup): void {
  // Thrown by a timer or a stream, or a promise that nobody waited for: as much an error of tsrcore as any.
  process.on("uncaughtException", (error) => process.exit(report(error)));
  limitYoungGeneration(startup.flags);
  main(args, startup).then(
    (status) => {
      // All output is written when main ends; what may still keep the event loop alive (a paused stdin) must not.
      process.exit(status);
    },
    (error: unknown) => process.exit(report(error)),
  );
}
