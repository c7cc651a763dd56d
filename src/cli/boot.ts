/** Where the built command begins: it loads the rest of itself, compiled in an earlier run if there was one. */
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { ScriptLoader } from "../host/node/script-loader.ts";
import { prepare } from "./startup.ts";

const args = process.argv.slice(2);
const startup = prepare(args);
const loader = new ScriptLoader(path.dirname(fileURLToPath(import.meta.url)), startup.kept);
const { start } = loader.load("main.cjs") as typeof import("./main.ts");
start(args, startup);
