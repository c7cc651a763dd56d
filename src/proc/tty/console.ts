/**
 * The console: a terminal whose other end is the host's terminal. Input is read from the host as long as there is room
 * for it, whether or not a program reads, since ^C must work while nobody does.
 */
import { makedev } from "../../abi/device.ts";
import type { HostTerminal } from "../../host/interface.ts";
import { Terminal, type TerminalKernel } from "./terminal.ts";

/** /dev/console, as mknod would make it. */
export const CONSOLE_DEVICE: number = makedev(5, 1);

export interface ConsoleTerminal {
  readonly terminal: Terminal;
  /** The host's line discipline off; input flows. */
  start(): void;
  /** Everything as it was. */
  stop(): void;
}

export function createConsole(kernel: TerminalKernel, host: HostTerminal): ConsoleTerminal {
  let held: Uint8Array | undefined;
  const terminal: Terminal = new Terminal(
    kernel,
    {
      transmit: (bytes) => {
        const more = host.output.write(bytes);
        if (!more) host.output.onDrained(() => terminal.discipline.outputDrained());
        return more;
      },
      inputRoom: () => {
        if (held === undefined) return;
        const chunk = held;
        held = undefined;
        if (deliver(chunk)) host.input.resume();
      },
    },
    CONSOLE_DEVICE,
    "/dev/console",
  );
  /** A burst larger than the input buffer (a paste) waits for the reader, except that special characters must act. */
  function deliver(chunk: Uint8Array): boolean {
    const { discipline } = terminal;
    let at = 0;
    while (at < chunk.length) {
      const room = Math.max(discipline.room, discipline.hasInput ? 0 : 1);
      if (room === 0) {
        held = chunk.slice(at);
        return false;
      }
      discipline.input(chunk.subarray(at, at + room));
      at += room;
    }
    return true;
  }
  const fit = (): void => terminal.resize(host.size());
  terminal.window = host.size();
  return {
    terminal,
    start: () => {
      host.setRaw();
      host.onResize(fit);
      host.input.start(deliver, () => terminal.hangUp());
    },
    stop: () => {
      host.input.stop();
      host.restore();
    },
  };
}
