import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { defineConfig, type UserConfig } from "tsdown";
import { interpreterModule } from "./scripts/build-interp.ts";
import { thirdPartyNotices } from "./scripts/third-party.ts";
import { readTar } from "./src/vfs/types/tar.ts";

// One build of both entries, so that the library and the command share their chunks. What the command rarely needs
// is behind `await import()` in the source and becomes a chunk of its own that a plain run never loads.
//
// Start-up time is part of every run, hence: packages are bundled, as resolving and reading their many files costs Node
// more than running them; comments and blanks go; the interpreter's modules are generated here and not at start; and
// the embedded root file system is inflated and its headers are read here.
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
  deps: { alwaysBundle: [/^(?!koffi|node:)/], onlyBundle: false },
  plugins: [
    {
      name: "assets",
      async generateBundle(_options, bundle) {
        const modules = Object.values(bundle).flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
        for (const isa of ["x86_64", "riscv64"] as const)
          this.emitFile({ type: "asset", fileName: `interp-${isa}.wasm`, source: interpreterModule(isa) });
        for (const arch of ["x86_64", "riscv64"]) {
          const root = gunzipSync(readFileSync(new URL(`./sysroot/${arch}.tar.gz`, import.meta.url)));
          this.emitFile({ type: "asset", fileName: `sysroot-${arch}.tar`, source: root });
          const entries = JSON.stringify(await readTar(root, `sysroot/${arch}.tar.gz`));
          this.emitFile({ type: "asset", fileName: `sysroot-${arch}.json`, source: entries });
        }
        this.emitFile({ type: "asset", fileName: "THIRD-PARTY.txt", source: thirdPartyNotices(modules) });
      },
    },
  ],
});

export default config;
