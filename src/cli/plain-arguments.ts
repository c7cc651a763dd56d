/**
 * Reads options that are given as everybody gives them, without yargs, whose loading is a sixth of a short run.
 *
 * Whatever is wrong, asks for help, or may be meant in another way is left to yargs: there is one place for messages.
 */
import type { Options } from "yargs";

export interface Parsed extends Record<string, unknown> {
  readonly _: string[];
}

/**
 * What yargs would read; undefined if it has to be asked.
 * @param options by name
 * @param short letters, by name
 */
export function plainArguments(
  args: readonly string[],
  options: Readonly<Record<string, Options>>,
  short: Readonly<Record<string, string>>,
): Parsed | undefined {
  const parsed: Record<string, unknown> = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (!arg.startsWith("-")) return { ...parsed, _: args.slice(i) };
    const [, dashes, word, inline] = /^(--?)([a-z][a-z-]*)(?:=(.+))?$/s.exec(arg) ?? [];
    const name = dashes === "--" ? word : Object.keys(short).find((long) => short[long] === word);
    const option = name === undefined || !Object.hasOwn(options, name) ? undefined : options[name];
    if (name === undefined || option === undefined || (dashes === "-" && inline !== undefined)) return undefined;
    if (option.type === "boolean") {
      if (inline !== undefined || name in parsed) return undefined;
      parsed[name] = true;
      continue;
    }
    if (option.type !== "string" || option.requiresArg !== true) return undefined;
    const value = inline ?? args[++i];
    if (value === undefined || value === "" || value.startsWith("-")) return undefined;
    if (option.array === true) parsed[name] = [...((parsed[name] as string[] | undefined) ?? []), value];
    else if (name in parsed) return undefined;
    else parsed[name] = value;
  }
  return { ...parsed, _: [] };
}
