import { describe, expect, it } from "vitest";
import { Injector, parseNames, parseStatusSet, parseTraceSet, QualifierError } from "./filter.ts";

const KNOWN: ReadonlySet<string> = new Set(["open", "openat", "close", "read", "kill", "getpid", "fstat", "brk"]);
const members = (text: string): string[] => [...KNOWN].filter(parseTraceSet(text, KNOWN));

describe("-e trace=", () => {
  it("takes names, classes, patterns and their opposites", () => {
    expect(members("close,read")).toEqual(["close", "read"]);
    expect(members("!open,close,read")).toEqual(["openat", "kill", "getpid", "fstat", "brk"]);
    expect(members("%signal")).toEqual(["kill"]);
    expect(members("%file,getpid")).toEqual(["open", "openat", "getpid"]);
    expect(members("/^open")).toEqual(["open", "openat"]);
    expect(members("memory")).toEqual(["brk"]);
    expect(members("all")).toHaveLength(KNOWN.size);
    expect(members("none")).toEqual([]);
    expect(members("?nothing,read")).toEqual(["read"]);
  });

  it("says what is wrong", () => {
    expect(() => parseTraceSet("bogus", KNOWN)).toThrow("invalid system call 'bogus'");
    expect(() => parseTraceSet("", KNOWN)).toThrow("invalid system call ''");
    expect(() => parseTraceSet("%bogus", KNOWN)).toThrow(QualifierError);
    expect(() => parseTraceSet("/(", KNOWN)).toThrow(QualifierError);
    expect(() => parseStatusSet("good")).toThrow("invalid status 'good'");
  });
});

describe("-e status= and other sets of names", () => {
  it("takes all, none and opposites", () => {
    expect(parseStatusSet("failed,unfinished")("failed")).toBe(true);
    expect(parseStatusSet("!failed")("failed")).toBe(false);
    expect(parseStatusSet("!failed")("successful")).toBe(true);
    expect(parseNames("none", (w) => w)("x")).toBe(false);
    expect(parseNames("!none", (w) => w)("x")).toBe(true);
    expect(parseNames("a,b", (w) => w.toUpperCase())("B")).toBe(true);
  });
});

describe("-e inject=", () => {
  const signals = (name: string): number | undefined => ({ USR1: 10, SIGKILL: 9 })[name];
  const injector = (text: string, fault = false): Injector => new Injector(text, fault, KNOWN, signals);
  /** Which of the first eight calls are tampered with. */
  const when = (text: string): number[] => {
    const subject = injector(`read:error=EIO:when=${text}`);
    return [1, 2, 3, 4, 5, 6, 7, 8].filter(() => subject.apply(1, "read") !== undefined);
  };

  it("gives errors, results and signals", () => {
    expect(injector("read:error=EIO").apply(1, "read")).toEqual({ result: -5 });
    expect(injector("read:error=22:signal=USR1").apply(1, "read")).toEqual({ result: -22, signal: 10 });
    expect(injector("%file:retval=7").apply(1, "openat")).toEqual({ result: 7 });
    expect(injector("read", true).apply(1, "read")).toEqual({ result: -38 });
    expect(injector("read:error=EIO").apply(1, "close")).toBeUndefined();
  });

  // strace(1): when=first[..last][+[step]]
  it("at the calls that when= says", () => {
    expect(when("3")).toEqual([3]);
    expect(when("3+")).toEqual([3, 4, 5, 6, 7, 8]);
    expect(when("2+3")).toEqual([2, 5, 8]);
    expect(when("2..4")).toEqual([2, 3, 4]);
    expect(when("1..6+2")).toEqual([1, 3, 5]);
  });

  it("counts by tracee and by call", () => {
    const subject = injector("read,close:error=EIO:when=2");
    expect(subject.apply(1, "read")).toBeUndefined();
    expect(subject.apply(2, "read")).toBeUndefined();
    expect(subject.apply(1, "close")).toBeUndefined();
    expect(subject.apply(1, "read")).toEqual({ result: -5 });
    expect(subject.apply(2, "read")).toEqual({ result: -5 });
  });

  it("refuses nonsense", () => {
    for (const text of [
      ...["read", "read:error=EBOGUS", "read:error=0", "read:error=4096", "read:retval=x", "read:retval="],
      ...[
        "read:signal=BOGUS",
        "read:error=EIO:when=0",
        "read:error=EIO:when=5..2",
        "read:error=EIO:when=x",
        "read:foo",
      ],
    ]) {
      expect(() => injector(text), text).toThrow(`invalid inject argument '${text}'`);
    }
    expect(() => injector("read:delay_enter=5")).toThrow("not supported");
    expect(() => injector("bogus:error=EIO")).toThrow("invalid system call 'bogus'");
  });
});
