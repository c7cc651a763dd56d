import { defineConfig, type UserConfig } from "tsdown";

// One build of both entries, so that the library and the command share their chunks. What the command rarely needs
// is behind `await import()` in the source and becomes a chunk of its own that a plain run never loads.
const config: UserConfig = defineConfig({
  entry: { index: "src/index.ts", "cli/main": "src/cli/main.ts" },
  format: "esm",
  platform: "node",
  target: "node20",
  outDir: "dist",
  clean: true,
  dts: true,
  sourcemap: false,
  fixedExtension: false,
  hash: true,
  report: false,
});

export default config;
