#!/usr/bin/env node
// The command: hands over to the built one.
import { existsSync } from "node:fs";

const command = new URL("../dist/cli/boot.cjs", import.meta.url);
if (existsSync(command)) {
  await import(command);
} else {
  process.stderr.write("tsrcore: not built yet: run `npm run build` in the checkout\n");
  process.exitCode = 125;
}
