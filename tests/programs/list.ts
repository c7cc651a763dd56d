/** All programs, in the order of docs/programs.md. */

import { compilers } from "./list/compilers.ts";
import { languages } from "./list/languages.ts";
import { rust } from "./list/rust.ts";
import { servers } from "./list/servers.ts";
import { system } from "./list/system.ts";
import { tools } from "./list/tools.ts";
import type { Program } from "./program.ts";

export const programs: readonly Program[] = [...compilers, ...rust, ...languages, ...tools, ...servers, ...system];
