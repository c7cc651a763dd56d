/** ioctl(2) requests and their arguments, as strace shows them. */
import * as TERMIOS from "../abi/termios.ts";
import { printFlags, printHex, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";

/** Requests whose numbers two drivers use: strace names both. */
const NAMES: Readonly<Record<number, string>> = {
  ...Object.fromEntries(
    Object.entries(TERMIOS)
      .filter(([name, value]) => /^(TC|TIOC)[A-Z0-9]+$/.test(name) && typeof value === "number" && value > 0x5400)
      .map(([name, value]) => [value as number, name]),
  ),
  [TERMIOS.TCSETS]: "SNDCTL_TMR_START or TCSETS",
  [TERMIOS.TCSETSW]: "SNDCTL_TMR_STOP or TCSETSW",
  [TERMIOS.TCSETSF]: "SNDCTL_TMR_CONTINUE or TCSETSF",
  2: "FIGETBSZ",
  21533: "TIOCCONS",
  21531: "FIONREAD",
  21537: "FIONBIO",
  21584: "FIONCLEX",
  21585: "FIOCLEX",
  21586: "FIOASYNC",
  21600: "FIOQSIZE",
};

export const ioctlCommand: Arg = {
  kind: "u32",
  print: (v) => {
    const known = NAMES[v];
    if (known !== undefined) return known;
    // linux/ioctl.h: direction, size, type and number.
    const direction = ["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"][v >>> 30] as string;
    return `_IOC(${direction}, ${printHex((v >>> 8) & 0xff)}, ${printHex(v & 0xff)}, ${printHex((v >>> 16) & 0x3fff)})`;
  },
};

type Names = readonly (readonly [number, string])[];

const IFLAGS: Names = [
  [0o1, "IGNBRK"],
  [0o2, "BRKINT"],
  [0o4, "IGNPAR"],
  [0o10, "PARMRK"],
  [0o20, "INPCK"],
  [0o40, "ISTRIP"],
  [0o100, "INLCR"],
  [0o200, "IGNCR"],
  [0o400, "ICRNL"],
  [0o1000, "IUCLC"],
  [0o2000, "IXON"],
  [0o4000, "IXANY"],
  [0o10000, "IXOFF"],
  [0o20000, "IMAXBEL"],
  [0o40000, "IUTF8"],
];
const OFLAGS: Names = [
  [0o1, "OPOST"],
  [0o2, "OLCUC"],
  [0o4, "ONLCR"],
  [0o10, "OCRNL"],
  [0o20, "ONOCR"],
  [0o40, "ONLRET"],
  [0o100, "OFILL"],
  [0o200, "OFDEL"],
];
const CFLAGS: Names = [
  [0o100, "CSTOPB"],
  [0o200, "CREAD"],
  [0o400, "PARENB"],
  [0o1000, "PARODD"],
  [0o2000, "HUPCL"],
  [0o4000, "CLOCAL"],
];
const LFLAGS: Names = [
  [0o1, "ISIG"],
  [0o2, "ICANON"],
  [0o4, "XCASE"],
  [0o10, "ECHO"],
  [0o20, "ECHOE"],
  [0o40, "ECHOK"],
  [0o100, "ECHONL"],
  [0o200, "NOFLSH"],
  [0o400, "TOSTOP"],
  [0o100000, "IEXTEN"],
  [0o1000, "ECHOCTL"],
  [0o2000, "ECHOPRT"],
  [0o4000, "ECHOKE"],
  [0o10000, "FLUSHO"],
  [0o40000, "PENDIN"],
  [0o200000, "EXTPROC"],
];
const BAUD: Readonly<Record<number, string>> = {
  0: "B0",
  7: "B300",
  9: "B1200",
  11: "B2400",
  12: "B4800",
  13: "B9600",
  14: "B19200",
  15: "B38400",
  [0o10001]: "B57600",
  [0o10002]: "B115200",
};

function peek(c: PrintContext, address: number, length: number): DataView | undefined {
  const bytes = c.peek(address, length);
  return bytes === undefined || bytes.length < length
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset, length);
}

function printTermios(view: DataView): string {
  const [iflag, oflag, cflag, lflag] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  const delays = [
    `NL${(oflag >> 8) & 1}`,
    `CR${(oflag >> 9) & 3}`,
    ["TAB0", "TAB1", "TAB2", "XTABS"][(oflag >> 11) & 3] as string,
    `BS${(oflag >> 13) & 1}`,
    `VT${(oflag >> 14) & 1}`,
    `FF${(oflag >> 15) & 1}`,
  ];
  const output = printFlags(oflag & 0o377, OFLAGS, "");
  const baud = BAUD[cflag & 0o10017] ?? printHex(cflag & 0o10017);
  const control = printFlags(cflag & ~(0o10017 | 0o60), CFLAGS, "");
  return (
    `{c_iflag=${printFlags(iflag, IFLAGS, "")}, c_oflag=${[...delays, ...(output === "" ? [] : [output])].join("|")}, ` +
    `c_cflag=${baud}|CS${5 + ((cflag >> 4) & 3)}${control === "" ? "" : `|${control}`}, ` +
    `c_lflag=${printFlags(lflag, LFLAGS, "")}, ...}`
  );
}

function printWindowSize(view: DataView): string {
  const at = (offset: number): number => view.getUint16(offset, true);
  return `{ws_row=${at(0)}, ws_col=${at(2)}, ws_xpixel=${at(4)}, ws_ypixel=${at(6)}}`;
}

const GETTERS: ReadonlySet<number> = new Set([
  TERMIOS.TCGETS,
  TERMIOS.TIOCGWINSZ,
  TERMIOS.TIOCGPGRP,
  TERMIOS.TIOCGSID,
  TERMIOS.TIOCOUTQ,
  TERMIOS.TIOCGPTN,
  TERMIOS.TIOCGPTLCK,
  TERMIOS.TIOCGETD,
  TERMIOS.FIONREAD,
]);
const INTEGERS: ReadonlySet<number> = new Set([
  TERMIOS.TIOCPKT,
  TERMIOS.TIOCGPGRP,
  TERMIOS.TIOCSPGRP,
  TERMIOS.TIOCGSID,
  TERMIOS.TIOCOUTQ,
  TERMIOS.TIOCGPTN,
  TERMIOS.TIOCSPTLCK,
  TERMIOS.TIOCGPTLCK,
  TERMIOS.TIOCGETD,
  TERMIOS.TIOCSETD,
  TERMIOS.FIONREAD,
  0x5421,
  0x5452,
]);
const WITHOUT: ReadonlySet<number> = new Set([
  0x5450,
  0x5451,
  TERMIOS.TIOCEXCL,
  TERMIOS.TIOCNXCL,
  TERMIOS.TIOCNOTTY,
  0x541d,
]);
const QUEUES: Readonly<Record<number, string>> = { 0: "TCIFLUSH", 1: "TCOFLUSH", 2: "TCIOFLUSH" };
const FLOW: Readonly<Record<number, string>> = { 0: "TCOOFF", 1: "TCOON", 2: "TCIOFF", 3: "TCION" };

export const ioctlArgument: Arg = {
  kind: "u64",
  out: (args) => GETTERS.has(args[1] ?? 0),
  print: (v, c) => {
    const request = c.args[1] ?? 0;
    if (WITHOUT.has(request)) return "";
    if (GETTERS.has(request) && (c.result ?? -1) < 0) return printPointer(v);
    switch (request) {
      case TERMIOS.TCGETS:
      case TERMIOS.TCSETS:
      case TERMIOS.TCSETSW:
      case TERMIOS.TCSETSF: {
        const view = peek(c, v, TERMIOS.TERMIOS_SIZE);
        return view === undefined ? printPointer(v) : printTermios(view);
      }
      case TERMIOS.TIOCGWINSZ:
      case TERMIOS.TIOCSWINSZ: {
        const view = peek(c, v, 8);
        return view === undefined ? printPointer(v) : printWindowSize(view);
      }
      case TERMIOS.TCFLSH:
        return QUEUES[v] ?? `${printHex(v)} /* TC??? */`;
      case TERMIOS.TCXONC:
        return FLOW[v] ?? `${printHex(v)} /* TC??? */`;
      case TERMIOS.TCSBRK:
      case TERMIOS.TCSBRKP:
      case TERMIOS.TIOCSCTTY:
        return String(v);
    }
    if (!INTEGERS.has(request)) return printHex(v);
    const view = peek(c, v, 4);
    return view === undefined ? printPointer(v) : `[${view.getInt32(0, true)}]`;
  },
};
