import * as nodeFs from "node:fs";
import { memfs } from "memfs";
import { expect, it } from "vitest";
import { type HostFileSystem, HostFs } from "./hostfs.ts";

it("types", () => {
  const a: HostFileSystem = nodeFs as unknown as HostFileSystem;
  const b: HostFileSystem = memfs({ "/x": "hello" }).fs as unknown as HostFileSystem;
  const f = new HostFs(b, { dev: 1, directory: "/" });
  const into = new Uint8Array(10);
  expect(f.root.lookup("x")?.read(0, into)).toBe(5);
  expect(new HostFs(a, { dev: 1, directory: "/etc/" }).root.lookup("passwd")?.size).toBeGreaterThan(10);
});
