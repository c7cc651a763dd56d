import { describe, expect, it } from "vitest";
import { ENOENT, ENOSYS, EPERM, errno } from "../abi/errno.ts";
import { registers } from "../cpu/isa/x86_64/arch.ts";
import { x86_64Arch } from "../proc/arch/x86_64.ts";
import type { Task } from "../proc/task.ts";
import { int, long, ptr, uint } from "./args.ts";
import { syscall } from "./define.ts";
import { SyscallDispatcher, type SyscallTracer } from "./dispatch.ts";

const arch = x86_64Arch(registers, { hwcap: 0, hwcap2: 0, cpuinfo: () => "" });

/** rdi rsi rdx r10 r8 r9 */
const ARGUMENTS = [7, 6, 2, 10, 8, 9];

function taskCalling(number: number, ...args: bigint[]): Task {
  const context = new DataView(new ArrayBuffer(registers.contextSize));
  registers.setGpr(context, 0, BigInt(number));
  args.forEach((value, i) => {
    registers.setGpr(context, ARGUMENTS[i] as number, value);
  });
  return { mm: { context, arch }, syscallNumber: -1 } as unknown as Task;
}

function dispatcherFor(...definitions: ReturnType<typeof syscall>[]): SyscallDispatcher {
  return new SyscallDispatcher(new Map([[arch, definitions]]));
}

describe("decoding", () => {
  it("reads each argument at its width and with its sign", () => {
    let seen: number[] = [];
    const dispatcher = dispatcherFor(
      syscall("probe", [int, uint, long, ptr, int, ptr], (_task, ...args) => {
        seen = args;
        return 0;
      }),
    );
    const ones = 0xffff_ffff_ffff_ffffn;
    expect(dispatcher.call(taskCalling(0, ones, ones, ones, 0x1_0000_0001n, 0x1_0000_0005n, 7n))).toBe(0);
    expect(seen).toEqual([-1, 0xffff_ffff, -1, 0x1_0000_0001, 5, 7]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])("passes %i arguments", (count) => {
    const dispatcher = dispatcherFor(
      syscall("probe", new Array(count).fill(int), (_task, ...args) => args.reduce((a, b) => a * 10 + b, args.length)),
    );
    const expected = Number([count, 1, 2, 3, 4, 5, 6].slice(0, count + 1).join(""));
    expect(dispatcher.call(taskCalling(0, 1n, 2n, 3n, 4n, 5n, 6n))).toBe(expected);
  });
});

describe("results", () => {
  it("turns an error number that is thrown into a result, and nothing else", () => {
    const dispatcher = dispatcherFor(
      syscall("missing", [], () => {
        throw errno(ENOENT);
      }),
      syscall("broken", [], () => {
        throw new TypeError("a bug");
      }),
    );
    expect(dispatcher.call(taskCalling(0))).toBe(-ENOENT);
    expect(() => dispatcher.call(taskCalling(1))).toThrow("a bug");
  });

  it("answers ENOSYS for numbers without a handler", () => {
    const dispatcher = dispatcherFor(syscall("only", [], () => 0));
    for (const number of [1, 100_000, -1, -(2 ** 31)]) expect(dispatcher.call(taskCalling(number))).toBe(-ENOSYS);
  });
});

describe("tracing", () => {
  it("sees calls and results, of blocked calls when they have ended, and may answer itself", () => {
    const log: string[] = [];
    const tracer: SyscallTracer = {
      enter: (_task, number, definition, args) => {
        log.push(`${definition?.name ?? number}(${args})`);
        return definition?.name === "denied" ? -EPERM : undefined;
      },
      exit: (_task, _number, definition, _args, result) => {
        log.push(`${definition?.name} = ${result}`);
      },
    };
    const never = new Promise<number>(() => {});
    const dispatcher = dispatcherFor(
      syscall("quick", [int], (_task, n) => n + 1),
      syscall("slow", [], () => never),
      syscall("denied", [], () => {
        throw new Error("must not be called");
      }),
    );
    dispatcher.tracer = tracer;
    expect(dispatcher.call(taskCalling(0, 4n))).toBe(5);
    const sleeper = taskCalling(1);
    expect(dispatcher.call(sleeper)).toBe(never);
    expect(dispatcher.call(taskCalling(2))).toBe(-EPERM);
    dispatcher.finished(sleeper, 7);
    expect(log).toEqual(["quick(4)", "quick = 5", "slow()", "denied()", "denied = -1", "slow = 7"]);
  });
});
