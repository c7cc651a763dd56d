import { describe, expect, it } from "vitest";
import { SI_QUEUE, SI_USER, SIG_DFL, SIG_IGN, SIGINT, SIGTERM, SIGUSR1 } from "../abi/signal.ts";
import { PendingSignals, SignalHandlers, SignalSet } from "./signal-state.ts";

describe("SignalSet", () => {
  it("holds each of the 64 signals apart from the others", () => {
    for (let signal = 1; signal <= 64; signal++) {
      const set = SignalSet.of(signal);
      for (let other = 1; other <= 64; other++) expect(set.has(other)).toBe(other === signal);
      set.delete(signal);
      expect(set.empty).toBe(true);
    }
  });

  it("compares words whatever their sign", () => {
    expect(new SignalSet(-1, 0).equals(new SignalSet(0xffff_ffff, 0))).toBe(true);
  });
});

describe("PendingSignals", () => {
  it("keeps a standard signal once and a real-time one as often as it came, in order", () => {
    const pending = new PendingSignals();
    expect(pending.add({ signal: SIGUSR1, code: SI_USER, pid: 1 })).toBe(true);
    expect(pending.add({ signal: SIGUSR1, code: SI_USER, pid: 2 })).toBe(false);
    for (const value of [1n, 2n]) pending.add({ signal: 40, code: SI_QUEUE, value });
    expect(pending.take(SIGUSR1)?.pid).toBe(1);
    expect(pending.take(SIGUSR1)).toBeUndefined();
    expect(pending.take(40)?.value).toBe(1n);
    expect(pending.set.has(40)).toBe(true);
    expect(pending.take(40)?.value).toBe(2n);
    expect(pending.set.empty).toBe(true);
  });

  it("discards what is in a set and keeps the rest", () => {
    const pending = new PendingSignals();
    pending.add({ signal: SIGINT, code: SI_USER });
    pending.add({ signal: SIGTERM, code: SI_USER });
    pending.discard(SignalSet.of(SIGINT));
    expect(pending.set.has(SIGINT)).toBe(false);
    expect(pending.take(SIGTERM)?.signal).toBe(SIGTERM);
    expect(pending.length).toBe(0);
  });
});

it("execve drops handlers, keeps what is ignored, and changes no table but its own", () => {
  const handlers = new SignalHandlers();
  const action = { flags: 0, restorer: 0, mask: new SignalSet() };
  handlers.set(SIGINT, { ...action, handler: 0x1234 });
  handlers.set(SIGTERM, { ...action, handler: SIG_IGN });
  const after = handlers.afterExec();
  expect(after.get(SIGINT).handler).toBe(SIG_DFL);
  expect(after.get(SIGTERM).handler).toBe(SIG_IGN);
  expect(handlers.get(SIGINT).handler).toBe(0x1234);
});
