import { defineConfig, type UserConfig } from "tsdown";
import { interpreterModule } from "./scripts/build-interp.ts";

// One build of both entries, so that the library and the command share their chunks. What the command rarely needs
// is behind `await import()` in the source and becomes a chunk of its own that a plain run never loads. Start-up time is
// part of every run: comments and blanks are left out, which halves what Node has to read.
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
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  plugins: [
    {
      name: "interpreter-module",
      generateBundle() {
        this.emitFile({ type: "asset", fileName: "interp-x86_64.wasm", source: interpreterModule() });
      },
    },
  ],
});

export default config;
