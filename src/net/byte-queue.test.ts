import { describe, expect, it } from "vitest";
import { ByteQueue } from "./byte-queue.ts";

describe("the queue of bytes", () => {
  it("gives back what was put in, however it is cut", () => {
    const queue = new ByteQueue();
    let seed = 7;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    let put = 0;
    let taken = 0;
    for (let i = 0; i < 600; i++) {
      const length = random(8) === 0 ? random(40_000) : random(200);
      if (random(2) === 0) {
        const bytes = Uint8Array.from({ length }, () => put++ & 0xff);
        if (random(3) === 0) queue.give(bytes);
        else queue.push(bytes);
      } else {
        const peeked = new Uint8Array(length);
        const seen = queue.take(peeked, true);
        expect(seen).toBe(Math.min(length, put - taken));
        if (random(4) === 0) {
          taken += queue.skip(length);
          continue;
        }
        const got = new Uint8Array(length);
        expect(queue.take(got, false)).toBe(seen);
        expect(got.subarray(0, seen).every((byte, k) => byte === ((taken + k) & 0xff))).toBe(true);
        expect(got.every((byte, k) => byte === peeked[k])).toBe(true);
        taken += seen;
      }
      expect(queue.length).toBe(put - taken);
    }
  });
});
