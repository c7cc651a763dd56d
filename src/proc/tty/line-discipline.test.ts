import { beforeEach, describe, expect, it } from "vitest";
import { EAGAIN } from "../../abi/errno.ts";
import * as T from "../../abi/termios.ts";
import { LineDiscipline } from "./line-discipline.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

let out = "";
let signals: number[] = [];
let timers: (() => void)[] = [];
let tty: LineDiscipline;

beforeEach(() => {
  out = "";
  signals = [];
  timers = [];
  tty = new LineDiscipline({
    transmit: (b) => {
      out += String.fromCharCode(...b);
      return true;
    },
    signal: (s) => signals.push(s),
    changed: () => {},
    after: (_ms, callback) => {
      timers.push(callback);
      return () => {
        timers = timers.filter((t) => t !== callback);
      };
    },
  });
});

function read(size = 100): string | number {
  const into = new Uint8Array(size);
  const n = tty.read(into);
  return n < 0 ? n : String.fromCharCode(...into.subarray(0, n));
}

function change(lflagOff: number, set: Partial<Record<number, number>> = {}): void {
  const cc = tty.termios.cc.slice();
  for (const [i, v] of Object.entries(set)) cc[Number(i)] = v ?? 0;
  tty.setTermios({ ...tty.termios, lflag: tty.termios.lflag & ~lflagOff, cc });
}

describe("canonical input", () => {
  it("gives whole lines, echoing with CR LF", () => {
    tty.input(bytes("ls\r"));
    expect(out).toBe("ls\r\n");
    tty.input(bytes("more"));
    expect(read(2)).toBe("ls");
    expect(read()).toBe("\n");
    expect(read()).toBe(-EAGAIN);
  });

  it("erases characters, words and lines as the screen shows it", () => {
    tty.input(bytes("ab\x7fc\n"));
    expect(read()).toBe("ac\n");
    expect(out).toBe("ab\b \bc\r\n");
    tty.input(bytes("one two  \x17x\n"));
    expect(read()).toBe("one x\n");
    tty.input(bytes("junk\x15good\n"));
    expect(read()).toBe("good\n");
  });

  it("erases a tab back to where it began, and control characters as two columns", () => {
    tty.input(bytes("a\t\x7f"));
    expect(out).toBe(`a\t${"\b".repeat(7)}`);
    out = "";
    tty.input(bytes("\x01\x7f"));
    expect(out).toBe("^A\b \b\b \b");
  });

  it("ends a line at ^D without a byte, and an empty one reads as end of file", () => {
    tty.input(bytes("abc\x04"));
    expect(read()).toBe("abc");
    expect(read()).toBe(-EAGAIN);
    tty.input(bytes("\x04"));
    expect(read()).toBe("");
  });

  it("quotes with ^V", () => {
    tty.input(bytes("\x16\x03\n"));
    expect(signals).toEqual([]);
    expect(read()).toBe("\x03\n");
    expect(out).toBe("^\b^C\r\n");
  });

  it("keeps 4095 bytes of an endless line, and its end", () => {
    tty.input(bytes(`${"x".repeat(5000)}\n`));
    expect((read(8192) as string).length).toBe(4096);
  });
});

describe("special characters", () => {
  it("sends signals, shows them and drops the line", () => {
    tty.input(bytes("abc\x03"));
    tty.input(bytes("\x1c\x1a"));
    expect(signals).toEqual([2, 3, 20]);
    expect(out).toBe("^C^Z");
    tty.input(bytes("\n"));
    expect(read()).toBe("\n");
  });

  it("stops and restarts output", () => {
    tty.input(bytes("\x13"));
    expect(tty.write(bytes("x"))).toBe(-EAGAIN);
    tty.input(bytes("\x11"));
    expect(tty.write(bytes("x"))).toBe(1);
    expect(out).toBe("x");
  });
});

describe("raw input", () => {
  it("returns what is there with VMIN 1, without translation when switched off", () => {
    tty.setTermios({ ...tty.termios, iflag: 0, lflag: 0 });
    tty.input(bytes("\r\x03"));
    expect(read()).toBe("\r\x03");
    expect(out).toBe("");
    expect(read()).toBe(-EAGAIN);
  });

  it("waits for VMIN bytes, or for a gap of VTIME", () => {
    change(T.ICANON | T.ECHO, { [T.VMIN]: 3, [T.VTIME]: 1 });
    expect(read()).toBe(-EAGAIN);
    expect(timers).toHaveLength(0);
    tty.input(bytes("a"));
    expect(read()).toBe(-EAGAIN);
    timers[0]?.();
    expect(read()).toBe("a");
  });

  it("polls with VMIN 0 and VTIME 0, and times out with VTIME", () => {
    change(T.ICANON, { [T.VMIN]: 0, [T.VTIME]: 0 });
    expect(read()).toBe("");
    change(0, { [T.VMIN]: 0, [T.VTIME]: 5 });
    expect(read()).toBe(-EAGAIN);
    timers[0]?.();
    expect(read()).toBe("");
  });

  it("hands over the line being edited when canonical mode ends", () => {
    tty.input(bytes("par"));
    change(T.ICANON);
    expect(read()).toBe("par");
  });
});

describe("output", () => {
  it("adds CR to LF and expands tabs only where asked", () => {
    tty.write(bytes("a\tb\n"));
    expect(out).toBe("a\tb\r\n");
    out = "";
    tty.setTermios({ ...tty.termios, oflag: tty.termios.oflag | T.XTABS });
    tty.write(bytes("ab\tc"));
    expect(out).toBe("ab      c");
    out = "";
    tty.setTermios({ ...tty.termios, oflag: 0 });
    tty.write(bytes("a\n"));
    expect(out).toBe("a\n");
  });
});
