// The layers: which part of src/ may import which (docs/ARCHITECTURE.md gives the reasons). A part that is not
// listed in a row is forbidden to it. Unit tests may import anything.
const test = "\\.test\\.ts$";

/** part -> what of src/ it may import besides itself: regular expressions on the path below src/ */
const layers = {
  abi: [],
  util: [],
  host: ["abi/", "util/", "cpu/unicorn/api\\.ts$"], // the API that host/node binds to the system's library
  mm: ["abi/", "util/"],
  cpu: ["mm/", "host/interface\\.ts$", "abi/", "util/"],
  vfs: ["host/interface\\.ts$", "abi/", "util/"],
  loader: ["mm/", "vfs/", "abi/", "util/"],
  net: ["vfs/", "host/interface\\.ts$", "abi/", "util/"],
  proc: ["net/", "vfs/", "loader/", "cpu/core\\.ts$", "mm/", "host/interface\\.ts$", "abi/", "util/"],
  syscalls: ["proc/", "net/", "vfs/", "loader/", "cpu/core\\.ts$", "mm/", "host/interface\\.ts$", "abi/", "util/"],
  trace: ["syscalls/", "proc/", "abi/", "util/"],
  profile: ["proc/", "mm/", "cpu/core\\.ts$", "abi/", "util/"],
  runtime: ["(?!cli/|host/node/|host/browser/)"],
  cli: ["runtime/", "host/", "trace/", "abi/", "util/", "index\\.ts$"],
};

const layerRules = Object.entries(layers).map(([part, allowed]) => ({
  name: `layer-${part}`,
  severity: "error",
  comment: `src/${part} may import only: ${allowed.join(" ") || "nothing"}`,
  from: { path: `^src/${part}/`, pathNot: test },
  to: {
    path: "^src/",
    pathNot: [`^src/${part}/`, "^src/platform\\.d\\.ts$", ...allowed.map((a) => `^src/${a}`)],
  },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: "trace-knows-only-types-of-syscalls",
      severity: "error",
      comment: "the printer gets the system call table handed in",
      from: { path: "^src/trace/", pathNot: test },
      to: { path: "^src/(syscalls|proc)/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "node-only-at-the-edge",
      severity: "error",
      comment: "the core runs in a browser too: only src/host/node and src/cli know Node",
      from: { path: "^src/", pathNot: ["^src/host/node/", "^src/cli/", test] },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "hosts-are-apart",
      severity: "error",
      from: { path: "^src/host/(node|browser|memory)/", pathNot: test },
      to: { path: "^src/host/(node|browser|memory)/", pathNot: "^src/host/$1/" },
    },
    {
      name: "no-cycle",
      severity: "error",
      comment: "a cycle of run-time imports; cycles through `import type` alone are fine",
      from: { path: "^src/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "src-stands-alone",
      severity: "error",
      from: { path: "^src/", pathNot: test },
      to: { path: "^(tests|bench|scripts|test-binaries)/" },
    },
    {
      name: "no-test-in-product",
      severity: "error",
      from: { path: "^src/", pathNot: test },
      to: { path: test },
    },
    {
      name: "no-dev-dependency-in-product",
      severity: "error",
      from: { path: "^src/", pathNot: test },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "not-resolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    tsPreCompilationDeps: "specify",
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".js", ".json", ".d.ts"] },
  },
};
