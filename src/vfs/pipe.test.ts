import { describe, expect, it } from "vitest";
import { EAGAIN, EBUSY, EPIPE, Errno } from "../abi/errno.ts";
import { PIPE_BUF, Pipe } from "./pipe.ts";

function open(): Pipe {
  const pipe = new Pipe();
  pipe.opened(true, true);
  return pipe;
}

describe("Pipe", () => {
  it("keeps the order of bytes whatever the sizes", () => {
    const pipe = open();
    let written = 0;
    let read = 0;
    for (let i = 0; i < 600; i++) {
      const size = (i * 7919) % 9000;
      const n = pipe.write(Uint8Array.from({ length: size }, (_, k) => (written + k) & 0xff));
      if (n > 0) written += n;
      const into = new Uint8Array((i * 104729) % 8000);
      const got = pipe.read(into);
      for (let k = 0; k < got; k++) if (into[k] !== ((read + k) & 0xff)) throw new Error(`byte ${read + k}`);
      if (got > 0) read += got;
      expect(pipe.length).toBe(written - read);
    }
    expect(read).toBeGreaterThan(500_000);
  });

  it("takes PIPE_BUF bytes as a whole or not at all, more in part", () => {
    const pipe = open();
    expect(pipe.write(new Uint8Array(65536 - PIPE_BUF + 1))).toBe(65536 - PIPE_BUF + 1);
    expect(pipe.write(new Uint8Array(PIPE_BUF))).toBe(-EAGAIN);
    expect(pipe.write(new Uint8Array(PIPE_BUF + 1))).toBe(1);
    expect(pipe.write(new Uint8Array(PIPE_BUF - 1))).toBe(-EAGAIN);
    expect(pipe.write(new Uint8Array(PIPE_BUF - 2))).toBe(PIPE_BUF - 2);
    expect(pipe.write(new Uint8Array(1))).toBe(-EAGAIN);
  });

  it("ends when the other side is gone", () => {
    const pipe = open();
    pipe.write(new Uint8Array(3));
    pipe.closed(false, true);
    expect(pipe.read(new Uint8Array(10))).toBe(3);
    expect(pipe.read(new Uint8Array(10))).toBe(0);
    pipe.opened(false, true);
    pipe.closed(true, false);
    expect(pipe.write(new Uint8Array(1))).toBe(-EPIPE);
  });

  it("is resized in powers of two, never below what it holds", () => {
    const pipe = open();
    pipe.write(new Uint8Array(5000));
    expect(() => pipe.resize(4096, 2 ** 20)).toThrow(new Errno(EBUSY));
    expect(pipe.resize(5000, 2 ** 20)).toBe(8192);
    expect(pipe.write(new Uint8Array(10_000))).toBe(1808);
    expect(() => pipe.resize(2 ** 21, 2 ** 20)).toThrow(Errno);
    expect(pipe.resize(2 ** 21, Number.POSITIVE_INFINITY)).toBe(2 ** 21);
    expect(pipe.read(new Uint8Array(10_000))).toBe(6808);
  });

  it("wakes whoever waits", () => {
    const pipe = open();
    let woken = 0;
    pipe.queue.add(() => woken++);
    pipe.write(new Uint8Array(1));
    pipe.read(new Uint8Array(1));
    pipe.closed(true, false);
    expect(woken).toBe(3);
  });
});
