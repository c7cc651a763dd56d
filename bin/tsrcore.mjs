#!/usr/bin/env node
// The command. Its start-up time is part of every run, so it does two things only: let Node keep compiled code from
// one run to the next where it can (Node 22.1 on; absent in Node 20), and hand over to the built front end.
import module from "node:module";

if (typeof module.enableCompileCache === "function") {
  module.enableCompileCache();
}

try {
  await import("../dist/cli/main.js");
} catch (error) {
  const entry = new URL("../dist/cli/main.js", import.meta.url);
  if (error?.code !== "ERR_MODULE_NOT_FOUND" || error.url !== entry.href) {
    throw error;
  }
  process.stderr.write("tsrcore: not built yet: run `npm run build` in the checkout\n");
  process.exitCode = 125;
}
