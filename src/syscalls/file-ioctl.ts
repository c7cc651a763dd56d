/** Names of ioctl(2) requests, as strace shows them. */
import * as TERMIOS from "../abi/termios.ts";
import { printHex } from "./args.ts";
import type { Arg } from "./define.ts";

const OTHERS: Readonly<Record<number, string>> = {
  2: "FIGETBSZ",
  21531: "FIONREAD",
  21537: "FIONBIO",
  21584: "FIONCLEX",
  21585: "FIOCLEX",
  21586: "FIOASYNC",
  21600: "FIOQSIZE",
};

const NAMES: Readonly<Record<number, string>> = {
  ...Object.fromEntries(
    Object.entries(TERMIOS)
      .filter(([name, value]) => /^(TC|TIOC)[A-Z0-9]+$/.test(name) && typeof value === "number" && value > 0x5400)
      .map(([name, value]) => [value as number, name]),
  ),
  ...OTHERS,
};

export const ioctlCommand: Arg = { kind: "u32", print: (v) => NAMES[v] ?? printHex(v) };
