/** The options of a tmpfs as mount(8) gives them: "size=64m,mode=755,uid=0" (tmpfs(5)). */
import { EINVAL, errno } from "../../abi/errno.ts";
import type { MemoryFsOptions } from "./memory.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
/** Half of it is what a tmpfs may take if not told otherwise, and what percentages are of. */
const MEMORY = 2 ** 33;

function parseSize(text: string): number {
  const match = /^(\d+)([kmgt%]?)$/i.exec(text);
  if (match === null) throw errno(EINVAL);
  const unit = (match[2] as string).toLowerCase();
  if (unit === "%") return (Number(match[1]) * MEMORY) / 100;
  return Number(match[1]) * (UNITS[unit] as number);
}

function parseNumber(text: string, base: number): number {
  const n = Number.parseInt(text, base);
  if (Number.isNaN(n) || n < 0) throw errno(EINVAL);
  return n;
}

type Known = Pick<MemoryFsOptions, "capacity" | "inodes" | "mode" | "uid" | "gid">;

export function tmpfsOptions(data: string): Known {
  const options: { -readonly [K in keyof Known]: Known[K] } = {};
  for (const option of data.split(",")) {
    if (option === "") continue;
    const [key, value = ""] = option.split(/=(.*)/s);
    if (key === "size") options.capacity = parseSize(value);
    else if (key === "nr_blocks") options.capacity = parseSize(value) * 4096;
    else if (key === "nr_inodes") options.inodes = parseSize(value);
    else if (key === "mode") options.mode = parseNumber(value, 8) & 0o7777;
    else if (key === "uid") options.uid = parseNumber(value, 10);
    else if (key === "gid") options.gid = parseNumber(value, 10);
    else if (key !== "huge" && key !== "inode32" && key !== "inode64" && key !== "noswap") throw errno(EINVAL);
  }
  return options;
}
