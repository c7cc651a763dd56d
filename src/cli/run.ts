/** `tsrcore run [options] [program [args...]]` */
import { CliError } from "./errors.ts";
import { execute } from "./execute.ts";
import { parseArguments, runOptions, SHARED_OPTIONS } from "./options.ts";
import type { Startup } from "./startup.ts";

const SHORT: Readonly<Record<string, string>> = { volume: "v", env: "e", workdir: "w", user: "u", publish: "p" };

export async function main(args: readonly string[], startup: Startup): Promise<number> {
  // Options end at the program: when there are none, yargs and its share of the start-up time are not needed.
  if (!args[0]?.startsWith("-")) return execute(runOptions({}, args), startup, undefined);
  const { default: yargs } = await import("yargs");
  const parsed = parseArguments(
    normalizeStrace(args),
    (y) => {
      let parser = y
        .scriptName("tsrcore")
        .usage(
          "Usage: $0 run [options] [program [args...]]\n\n" +
            "Runs a Linux program. With --root it is looked up in that root file system. Without, a path\n" +
            "with a slash is a file of the host, made visible read-only at the same path, and a name is\n" +
            "looked up in the embedded root file system. Without a program: an interactive shell.\n\n" +
            "Exit status: the program's; 128+n if signal n killed it; 125 for an error of tsrcore,\n" +
            "126 if the program cannot be executed, 127 if it is not found.",
        )
        .help("help", "Show this text")
        .example("$0 run ./busybox sh", "a program of the host")
        .example("$0 run --root alpine.tar.gz -v .:/src -w /src sh", "a shell in Alpine, with this directory")
        .example("$0 run -p 8080:80 ./httpd -f", "a server, reached at port 8080 of this host")
        .wrap(100);
      for (const [name, option] of Object.entries(SHARED_OPTIONS)) {
        const alias = SHORT[name];
        parser = parser.option(name, alias === undefined ? option : { ...option, alias });
      }
      parser = parser.option("profile", {
        type: "string",
        requiresArg: true,
        describe: "Write a CPU profile of the guest: a .cpuprofile for Chrome DevTools or speedscope",
      });
      parser = parser.option("jit-threshold", {
        type: "string",
        requiresArg: true,
        describe: "Translate code at the n-th sign of heat; 1 translates everything (default 64)",
      });
      parser = parser.option("jit-dump", {
        type: "string",
        requiresArg: true,
        describe: "Write to a file what is translated: guest code, structure and WebAssembly",
      });
      return parser.option("strace", {
        type: "string",
        describe: "Show system calls on standard error, or write them to a file with --strace=file",
      });
    },
    yargs,
  );
  if (parsed["help"] === true) return 0;
  const strace = parsed["strace"];
  if (Array.isArray(strace)) throw new CliError("--strace was given more than once");
  const trace =
    strace === undefined
      ? undefined
      : (await import("./strace.ts")).simpleTrace(strace === STDERR_MARK ? undefined : String(strace));
  return execute(runOptions(parsed, parsed._.map(restoreStrace)), startup, trace);
}

/** A bare `--strace` takes no value: the word after it is the program. Arguments of the guest are put back as they were. */
const STDERR_MARK = "\u0000stderr";
const BARE = "--strace";
const MARKED: string = `${BARE}=${STDERR_MARK}`;

function normalizeStrace(args: readonly string[]): string[] {
  return args.map((arg) => (arg === BARE ? MARKED : arg));
}

function restoreStrace(arg: string): string {
  return arg === MARKED ? BARE : arg;
}
