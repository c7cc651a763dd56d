/** `tsrcore run [options] [program [args...]]` */
import type { Argv, Options } from "yargs";
import { CliError } from "./errors.ts";
import { execute } from "./execute.ts";
import { parseArguments, runOptions, SHARED_OPTIONS } from "./options.ts";
import { type Parsed, plainArguments } from "./plain-arguments.ts";
import type { Startup } from "./startup.ts";

const SHORT: Readonly<Record<string, string>> = { volume: "v", env: "e", workdir: "w", user: "u", publish: "p" };

const OPTIONS: Readonly<Record<string, Options>> = {
  ...SHARED_OPTIONS,
  profile: {
    type: "string",
    requiresArg: true,
    describe: "Write a CPU profile of the guest: a .cpuprofile for Chrome DevTools or speedscope",
  },
  "jit-threshold": {
    type: "string",
    requiresArg: true,
    describe: "Translate code at the n-th sign of heat; 1 translates everything (default 64)",
  },
  "jit-dump": {
    type: "string",
    requiresArg: true,
    describe: "Write to a file what is translated: guest code, structure and WebAssembly",
  },
  strace: {
    type: "string",
    describe: "Show system calls on standard error, or write them to a file with --strace=file",
  },
};

export async function main(args: readonly string[], startup: Startup): Promise<number> {
  const parsed = plainArguments(args, OPTIONS, SHORT) ?? (await askYargs(args));
  if (parsed["help"] === true) return 0;
  const strace = parsed["strace"];
  if (Array.isArray(strace)) throw new CliError("--strace was given more than once");
  const trace =
    strace === undefined
      ? undefined
      : (await import("./strace.ts")).simpleTrace(strace === STDERR_MARK ? undefined : String(strace));
  return execute(runOptions(parsed, parsed._.map(restoreStrace)), startup, trace);
}

async function askYargs(args: readonly string[]): Promise<Parsed> {
  const { default: yargs } = await import("yargs");
  const configure = (y: Argv): Argv => {
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
    for (const [name, option] of Object.entries(OPTIONS)) {
      const alias = SHORT[name];
      parser = parser.option(name, alias === undefined ? option : { ...option, alias });
    }
    return parser;
  };
  return parseArguments(normalizeStrace(args), configure, yargs);
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
