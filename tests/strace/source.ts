// The command from its sources, without a build.

import { start } from "../../src/cli/main.ts";
import { prepare } from "../../src/cli/startup.ts";

const args = process.argv.slice(2);
start(args, prepare(args));
