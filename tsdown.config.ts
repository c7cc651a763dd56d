import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { defineConfig, type UserConfig, type UserConfigExport } from "tsdown";
import { interpreterModule } from "./scripts/build-interp.ts";
import { thirdPartyNotices } from "./scripts/third-party.ts";
import { readTar } from "./src/vfs/types/tar.ts";

// Two builds: the library as an ECMAScript module, and the command as CommonJS scripts, since V8's compiled code can be kept
// for those alone (src/host/node/script-loader.ts). What the command rarely needs is behind `await import()` in the
// source and becomes a chunk of its own that a plain run never loads.
//
// Start-up time is part of every run, hence: packages are bundled, as resolving and reading their many files costs Node
// more than running them; comments and blanks go; the interpreter's modules are generated here and not at start; and
// the embedded root file system is inflated and its headers are read here.
const common = {
  platform: "node",
  target: "node20",
  sourcemap: false,
  hash: true,
  report: false,
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  deps: { alwaysBundle: [/^(?!koffi|node:)/], onlyBundle: false },
} satisfies UserConfig;

type Plugins = NonNullable<UserConfig["plugins"]>;

const notices: Plugins = {
  name: "notices",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
    this.emitFile({ type: "asset", fileName: "THIRD-PARTY.txt", source: thirdPartyNotices(modules) });
  },
};

/** yargs' packages make a segmenter each when they are loaded, for which ICU takes 8 ms; what is parsed has no need of it. */
const lazySegmenters: Plugins = {
  name: "lazy-segmenters",
  transform: (code, id) =>
    id.includes("/node_modules/")
      ? code.replaceAll(
          "new Intl.Segmenter()",
          "{ segment(text) { this.real ??= new Intl.Segmenter(); return this.real.segment(text); } }",
        )
      : undefined,
};

const assets: Plugins = {
  name: "assets",
  async generateBundle() {
    for (const isa of ["x86_64", "riscv64"] as const)
      this.emitFile({ type: "asset", fileName: `interp-${isa}.wasm`, source: interpreterModule(isa) });
    for (const arch of ["x86_64", "riscv64"]) {
      const root = gunzipSync(readFileSync(new URL(`./sysroot/${arch}.tar.gz`, import.meta.url)));
      this.emitFile({ type: "asset", fileName: `sysroot-${arch}.tar`, source: root });
      const entries = JSON.stringify(await readTar(root, `sysroot/${arch}.tar.gz`));
      this.emitFile({ type: "asset", fileName: `sysroot-${arch}.json`, source: entries });
    }
  },
};

const library: UserConfig = {
  ...common,
  entry: { index: "src/index.ts" },
  format: "esm",
  outDir: "dist",
  clean: true,
  dts: true,
  fixedExtension: false,
  plugins: [notices, assets],
};

const command: UserConfig = {
  ...common,
  entry: { boot: "src/cli/boot.ts", main: "src/cli/main.ts", "network-thread": "src/host/node/network-thread.ts" },
  format: "cjs",
  outDir: "dist/cli",
  // It is inside of the library's, and all is cleaned before anything is built.
  clean: false,
  dts: false,
  // For import.meta.url. yargs asks for import.meta.resolve as well, and does without.
  shims: true,
  inputOptions: { checks: { emptyImportMeta: false }, preserveEntrySignatures: "allow-extension" },
  outputOptions: { dynamicImportInCjs: false },
  plugins: [notices, lazySegmenters],
};

const config: UserConfigExport = defineConfig([library, command]);

export default config;
