import { describe, expect, it } from "vitest";
import yargs, { type Options } from "yargs";
import { parseArguments } from "./options.ts";
import { plainArguments } from "./plain-arguments.ts";

const OPTIONS: Readonly<Record<string, Options>> = {
  root: { type: "string", requiresArg: true },
  workdir: { type: "string", requiresArg: true },
  env: { type: "string", array: true, nargs: 1, requiresArg: true },
  "no-cache": { type: "boolean" },
  strace: { type: "string" },
};
const SHORT = { workdir: "w", env: "e" };

/** What yargs makes of it, without the letters. */
function byYargs(args: readonly string[]): Record<string, unknown> {
  const parsed = parseArguments(
    args,
    (y) =>
      Object.entries(OPTIONS).reduce((p, [name, option]) => {
        const alias = SHORT[name as keyof typeof SHORT];
        return p.option(name, alias === undefined ? option : { ...option, alias });
      }, y),
    yargs,
  );
  return Object.fromEntries(
    Object.entries(parsed).filter(([name, value]) => (name === "_" || name in OPTIONS) && value !== undefined),
  );
}

describe("options without yargs", () => {
  it.each(
    [
      "",
      "ls -l /",
      "--root a.tar ls",
      "--root=a.tar ls --root b",
      "--root=a=b",
      "-w /x -e A=1 -e B ls -e C",
      "--env A=1 --env=B=2 -e C=",
      "--no-cache --root / ls --no-cache",
      "--root / --no-cache",
      "--env 5 --workdir /7 007",
      "--root 'a b",
    ].map((line) => (line === "" ? [] : line.split(" "))),
  )("reads as yargs does: %s %s %s %s", (...args) => {
    expect(plainArguments(args, OPTIONS, SHORT)).toEqual(byYargs(args));
  });

  it.each([
    "--help",
    "-- ls",
    "- ls",
    "--strace ls",
    "--strace=x ls",
    "--root",
    "--root= ls",
    "--root -x ls",
    "--root a --root b ls",
    "--no-cache=true ls",
    "--no-cache --no-cache ls",
    "--cache ls",
    "--nonsense ls",
    "--toString x",
    "--constructor x",
    "-w=/ ls",
    "-w/ ls",
    "-we A ls",
    "-x y",
    "-root a",
    "--w /",
  ])("leaves to yargs: %s", (line) => {
    expect(plainArguments(line.split(" "), OPTIONS, SHORT)).toBeUndefined();
  });
});
