// Reads the case lists in cases/*.cases. A list is text, not TypeScript, so that a shell script stands in it exactly
// as it runs, with its `${}`, back quotes and backslashes:
//
//   Text before the first case is a comment.
//   == name                       a case begins
//   @root alpine                  only on this root (default: on both)
//   @env NAME=value               a variable beside PATH and HOME
//   @mask /regex/replacement/     replaced, in every place, in the output and the screens; any character may stand for "/"
//   @mtimes                       compare modification times of changed files as well
//   @stdin <<END  or  @stdin "JSON string"
//   @file path [mode] <<END  or  @file path [mode] "JSON string"
//   @dir path [mode]     @symlink path target     @touch path 2001-02-03T04:05:06Z
//   @argv ["program", "argument"] run this and not a script
//   @pty 80x24                    run on a terminal of that size; then, in order:
//   @send "JSON string"    @resize 100x30
//   the script, up to the next "==": run by `sh -c`

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type GoldenCase,
  type Mask,
  type NativeRoot,
  nativeRoots,
  type PtyScript,
  type PtyStep,
  type SetupEntry,
} from "./types.ts";

const casesDirectory: string = join(import.meta.dirname, "cases");

interface Draft {
  name: string;
  line: number;
  roots: NativeRoot[];
  env: Record<string, string>;
  masks: Mask[];
  mtimes: boolean;
  stdin: string | undefined;
  setup: SetupEntry[];
  argv: string[] | undefined;
  size: { cols: number; rows: number } | undefined;
  steps: PtyStep[];
  script: string[];
}

/** All cases of all lists, in the order of the lists' names. Throws on any mistake in a list. */
export function loadCases(): GoldenCase[] {
  const cases = readdirSync(casesDirectory)
    .filter((name) => name.endsWith(".cases"))
    .sort()
    .flatMap((name) => parseCases(basename(name, ".cases"), readFileSync(join(casesDirectory, name), "utf8")));
  const seen = new Set<string>();
  for (const { id, source } of cases) {
    if (seen.has(id)) {
      throw new Error(`${source}: a second case named ${id}`);
    }
    seen.add(id);
  }
  return cases;
}

export function parseCases(topic: string, text: string): GoldenCase[] {
  const lines = text.split("\n");
  const cases: GoldenCase[] = [];
  let draft: Draft | undefined;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const where = `${topic}.cases:${i + 1}`;
    if (line.startsWith("== ")) {
      if (draft) {
        cases.push(finish(topic, draft));
      }
      draft = newDraft(line.slice(3).trim(), i + 1);
    } else if (draft && draft.script.length === 0 && line.startsWith("@")) {
      const heredoc = /^(.*) <<(\w+)$/.exec(line);
      let body: string | undefined;
      if (heredoc) {
        const end = lines.indexOf(heredoc[2] ?? "", i + 1);
        if (end < 0) {
          throw new Error(`${where}: no line ${heredoc[2]} ends this`);
        }
        body = lines
          .slice(i + 1, end)
          .map((bodyLine) => `${bodyLine}\n`)
          .join("");
        i = end;
      }
      try {
        directive(draft, heredoc?.[1] ?? line, body);
      } catch (error) {
        throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`);
      }
    } else if (draft && (draft.script.length > 0 || line.trim() !== "")) {
      draft.script.push(line);
    }
  }
  if (draft) {
    cases.push(finish(topic, draft));
  }
  return cases;
}

function newDraft(name: string, line: number): Draft {
  return {
    name,
    line,
    roots: [...nativeRoots],
    env: {},
    masks: [],
    mtimes: false,
    stdin: undefined,
    setup: [],
    argv: undefined,
    size: undefined,
    steps: [],
    script: [],
  };
}

function directive(draft: Draft, line: string, body: string | undefined): void {
  const [, key = "", rest = ""] = /^@(\w+) ?(.*)$/.exec(line) ?? [];
  switch (key) {
    case "root": {
      const root = nativeRoots.find((name) => name === rest);
      if (!root) {
        throw new Error(`no root is named ${rest}`);
      }
      draft.roots = [root];
      return;
    }
    case "env": {
      const equals = rest.indexOf("=");
      if (equals < 1) {
        throw new Error("@env NAME=value");
      }
      draft.env[rest.slice(0, equals)] = rest.slice(equals + 1);
      return;
    }
    case "mask": {
      const separator = rest.charAt(0);
      const parts = rest.split(separator);
      if (parts.length !== 4) {
        throw new Error("@mask /regex/replacement/");
      }
      draft.masks.push({ pattern: new RegExp(parts[1] ?? "", "gm"), replacement: parts[2] ?? "" });
      return;
    }
    case "mtimes":
      draft.mtimes = true;
      return;
    case "stdin":
      draft.stdin = body ?? jsonString(rest);
      return;
    case "file": {
      const [, path = "", mode = "644", json = ""] = /^(\S+)(?: ([0-7]+))?(?: (".*"))?$/.exec(rest) ?? [];
      if (path === "") {
        throw new Error('@file path [mode] <<END or "JSON string"');
      }
      draft.setup.push({ kind: "file", path, mode: Number.parseInt(mode, 8), content: body ?? jsonString(json) });
      return;
    }
    case "dir": {
      const [path = "", mode = "755"] = rest.split(" ");
      draft.setup.push({ kind: "dir", path, mode: Number.parseInt(mode, 8) });
      return;
    }
    case "symlink": {
      const [path = "", target = ""] = rest.split(" ");
      draft.setup.push({ kind: "symlink", path, target });
      return;
    }
    case "touch": {
      const [path = "", time = ""] = rest.split(" ");
      const mtime = Date.parse(time) / 1000;
      if (Number.isNaN(mtime)) {
        throw new Error(`not a time: ${time}`);
      }
      draft.setup.push({ kind: "touch", path, mtime });
      return;
    }
    case "argv": {
      const argv: unknown = JSON.parse(rest);
      if (!Array.isArray(argv) || !argv.every((word) => typeof word === "string")) {
        throw new Error('@argv ["program", "argument"]');
      }
      draft.argv = argv;
      return;
    }
    case "pty":
      draft.size = parseSize(rest);
      return;
    case "send":
      draft.steps.push({ kind: "send", text: jsonString(rest) });
      return;
    case "resize":
      draft.steps.push({ kind: "resize", ...parseSize(rest) });
      return;
    default:
      throw new Error(`no directive is written ${line}`);
  }
}

function finish(topic: string, draft: Draft): GoldenCase {
  const source = `${topic}.cases:${draft.line}`;
  const script = draft.script.join("\n").trimEnd();
  if ((script === "") === (draft.argv === undefined)) {
    throw new Error(`${source}: a case has either @argv or a script`);
  }
  if (draft.steps.length > 0 && !draft.size) {
    throw new Error(`${source}: steps without @pty`);
  }
  if (draft.size && draft.stdin !== undefined) {
    throw new Error(`${source}: a case on a terminal has no @stdin`);
  }
  const pty: PtyScript | undefined = draft.size && { ...draft.size, steps: draft.steps };
  return {
    id: `${topic}/${draft.name}`,
    topic,
    name: draft.name,
    source,
    argv: draft.argv ?? ["sh", "-c", script],
    stdin: draft.stdin,
    env: pty ? { TERM: "xterm", ...draft.env } : draft.env,
    setup: draft.setup,
    roots: draft.roots,
    masks: draft.masks,
    mtimes: draft.mtimes,
    pty,
  };
}

function jsonString(text: string): string {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "string") {
    throw new Error(`not a JSON string: ${text}`);
  }
  return value;
}

function parseSize(text: string): { cols: number; rows: number } {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (!match) {
    throw new Error(`not a size such as 80x24: ${text}`);
  }
  return { cols: Number(match[1]), rows: Number(match[2]) };
}
