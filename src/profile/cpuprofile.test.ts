import { expect, it } from "vitest";
import { ProfileBuilder } from "./cpuprofile.ts";

const program = { name: "sh [2]", file: "" };
const main = { name: "main", file: "/bin/sh" };
const read = { name: "read", file: "/lib/libc.so" };

it("writes a tree, and samples that stand for the time up to the next", () => {
  const builder = new ProfileBuilder(5_000_400);
  builder.add([program, main], 10_000);
  builder.add([program, main, read], 20_700);
  builder.add([program, main, read], 1_000);
  builder.addIdle(500_000);
  builder.add([program, main], 400);
  const profile = builder.finish();
  const frame = (functionName: string, scriptId: string, url: string): unknown => ({
    functionName,
    scriptId,
    url,
    lineNumber: -1,
    columnNumber: -1,
  });
  expect(profile.nodes).toEqual([
    { id: 1, callFrame: frame("(root)", "0", ""), hitCount: 0, children: [2, 5] },
    { id: 2, callFrame: frame("sh [2]", "0", ""), hitCount: 0, children: [3] },
    { id: 3, callFrame: frame("main", "1", "/bin/sh"), hitCount: 2, children: [4] },
    { id: 4, callFrame: frame("read", "2", "/lib/libc.so"), hitCount: 2, children: [] },
    { id: 5, callFrame: frame("(idle)", "0", ""), hitCount: 2, children: [] },
  ]);
  expect(profile.samples).toEqual([3, 4, 5, 3, 5]);
  expect(profile.startTime).toBe(5000);
  // Rounded once each, so that nothing adds up: 10.0, 31.7, 531.7 and 532.1 microseconds after 5000.4.
  expect(profile.timeDeltas).toEqual([0, 10, 22, 500, 1]);
  expect(profile.endTime).toBe(5533);
});
