import { describe, expect, it } from "vitest";
import { Counts, parseColumns, parseOrder } from "./counts.ts";

function sample(): Counts {
  const counts = new Counts();
  counts.add(3, "close", false, 2_000_000);
  counts.add(0, "read", false, 500_000);
  counts.add(0, "read", true, 1_500_000);
  counts.add(257, "openat", true, 0);
  return counts;
}

describe("the table of strace -c", () => {
  // Laid out by strace 6.1: strace -c of a program with these calls, the numbers put in.
  it("has strace's columns, widths and order", () => {
    expect(sample().format()).toBe(
      [
        "% time     seconds  usecs/call     calls    errors syscall",
        "------ ----------- ----------- --------- --------- ----------------",
        " 50.00    0.002000        1000         2         1 read",
        " 50.00    0.002000        2000         1           close",
        "  0.00    0.000000           0         1         1 openat",
        "------ ----------- ----------- --------- --------- ----------------",
        "100.00    0.004000        1000         4         2 total",
        "",
      ].join("\n"),
    );
  });

  it("is complete when nothing was called", () => {
    expect(new Counts().format().split("\n")).toEqual([
      "% time     seconds  usecs/call     calls    errors syscall",
      "------ ----------- ----------- --------- --------- ----------------",
      "------ ----------- ----------- --------- --------- ----------------",
      "100.00    0.000000           0         0           total",
      "",
    ]);
  });

  it("sorts by name, calls, errors and times", () => {
    const names = (order: string): string[] => {
      const rows = sample().format(parseOrder(order)).split("\n").slice(2, 5);
      return rows.map((row) => row.slice(row.lastIndexOf(" ") + 1));
    };
    expect(names("name")).toEqual(["close", "openat", "read"]);
    expect(names("calls")).toEqual(["read", "close", "openat"]);
    expect(names("errors")).toEqual(["read", "openat", "close"]);
    expect(names("max_time")).toEqual(["close", "read", "openat"]);
    expect(names("shortest")).toEqual(["close", "read", "openat"]);
    expect(names("none")).toEqual(["read", "close", "openat"]);
    expect(parseOrder("bogus")).toBeUndefined();
  });

  it("shows the columns of -U, the name always", () => {
    const columns = parseColumns("calls,min-time");
    if ("wrong" in columns) throw new Error(columns.wrong);
    expect(sample().format("name", columns).split("\n").slice(0, 3)).toEqual([
      "    calls shortest syscall",
      "--------- -------- ----------------",
      "        1 0.002000 close",
    ]);
    expect(parseColumns("calls,calls")).toEqual({ wrong: "calls" });
    expect(parseColumns("calls,what")).toEqual({ wrong: "what" });
  });
});
