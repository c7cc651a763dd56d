// From a raw result to what is kept and compared, and the comparison.

import { isUtf8 } from "node:buffer";
import { changedEntries, type Tree } from "./tree.ts";
import type { GoldenCase, Outcome, RawOutcome } from "./types.ts";

export function toOutcome(goldenCase: GoldenCase, raw: RawOutcome, before: Tree, after: Tree): Outcome {
  const mask = (text: string): string =>
    goldenCase.masks.reduce((masked, { pattern, replacement }) => masked.replace(pattern, replacement), text);
  const stdout = mask(toText(raw.stdout));
  const stderr = mask(toText(raw.stderr));
  const changed = changedEntries(before, after);
  return {
    status: raw.status,
    ...(stdout !== "" && { stdout: toLines(stdout) }),
    ...(stderr !== "" && { stderr: toLines(stderr) }),
    ...(Object.keys(changed).length > 0 && { changed }),
    ...(raw.screens.length > 0 && { screens: maskScreens(goldenCase, raw.screens) }),
  };
}

export function maskScreens(goldenCase: GoldenCase, screens: readonly (readonly string[])[]): string[][] {
  return screens.map((screen) =>
    goldenCase.masks
      .reduce((text, { pattern, replacement }) => text.replace(pattern, replacement), screen.join("\n"))
      .split("\n"),
  );
}

/** UTF-8 as it is; anything else with its high bytes escaped, and marked so that it can't be taken for text. */
function toText(bytes: Uint8Array): string {
  if (isUtf8(bytes)) {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }
  const escaped = Array.from(bytes, (byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`,
  );
  return `(bytes)${escaped.join("")}`;
}

/** Several lines become an array, which keeps the JSON files readable. */
function toLines(text: string): string | string[] {
  const lines = text.split("\n");
  return lines.length > 2 ? lines : text;
}

/** The differences, as text to read; "" when there are none. */
export function compareOutcomes(expected: Outcome, actual: Outcome): string {
  const report: string[] = [];
  if (expected.status !== actual.status) {
    report.push(`status: expected ${expected.status}, got ${actual.status}`);
  }
  for (const member of ["stdout", "stderr", "changed"] as const) {
    const before = memberLines(expected[member]);
    const after = memberLines(actual[member]);
    if (before.join("\n") !== after.join("\n")) {
      report.push(`${member}:`, ...diffLines(before, after));
    }
  }
  const screenCount = Math.max(expected.screens?.length ?? 0, actual.screens?.length ?? 0);
  for (let i = 0; i < screenCount; i++) {
    const before = expected.screens?.[i] ?? [];
    const after = actual.screens?.[i] ?? [];
    if (before.join("\n") !== after.join("\n")) {
      report.push(`screen ${i}:`, ...diffLines(before, after));
    }
  }
  return report.join("\n");
}

function memberLines(member: string | readonly string[] | Readonly<Record<string, string>> | undefined): string[] {
  if (member === undefined) {
    return [];
  }
  if (typeof member === "string") {
    return member.split("\n");
  }
  if (Array.isArray(member)) {
    return [...member];
  }
  return Object.entries(member).map(([path, what]) => `${path}: ${what}`);
}

/** A line diff over the longest common subsequence: "-" expected, "+" got. Long outputs are cut to 60 lines. */
function diffLines(expected: readonly string[], actual: readonly string[]): string[] {
  const limit = 400;
  const a = expected.slice(0, limit);
  const b = actual.slice(0, limit);
  const width = b.length + 1;
  const length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] =
        a[i] === b[j]
          ? (length[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(length[(i + 1) * width + j] ?? 0, length[i * width + j + 1] ?? 0);
    }
  }
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(`    ${show(a[i] ?? "")}`);
      i++;
      j++;
    } else if (
      j < b.length &&
      (i === a.length || (length[i * width + j + 1] ?? 0) > (length[(i + 1) * width + j] ?? 0))
    ) {
      out.push(`  + ${show(b[j++] ?? "")}`);
    } else {
      out.push(`  - ${show(a[i++] ?? "")}`);
    }
  }
  return out.length > 60 ? [...out.slice(0, 60), `    ... ${out.length - 60} more lines`] : out;
}

function show(line: string): string {
  return /[\x00-\x08\x0b-\x1f\x7f]/.test(line) ? JSON.stringify(line) : line;
}
