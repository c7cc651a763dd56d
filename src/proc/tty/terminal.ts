/**
 * A terminal: a line discipline, a window size, and its part in job control. The console and the slave side of a pty are
 * terminals that differ only in what is behind them (`TerminalBackend`).
 *
 * Job control (tty_jobctrl.c as ioctl_tty(2) and credentials(7) describe it): a terminal is the controlling terminal of at
 * most one session. A process of that session that is not in the foreground group is stopped when it reads (SIGTTIN),
 * changes settings or, with TOSTOP, writes (SIGTTOU); it is let through or gets EIO where a stop could never end.
 */

import { EIO, EPERM, ERESTARTSYS } from "../../abi/errno.ts";
import * as T from "../../abi/termios.ts";
import { noTermios, type Termios } from "../../abi/termios.ts";
import type { WindowSize } from "../../host/interface.ts";
import { WaitQueue } from "../../util/wait-queue.ts";
import type { ControllingTerminal, ProcessGroup, Session } from "../session.ts";
import type { Task } from "../task.ts";
import { LineDiscipline } from "./line-discipline.ts";

export const SIGHUP = 1;
const SIGCONT = 18;
const SIGTTIN = 21;
const SIGTTOU = 22;
const SIGWINCH = 28;

/** What terminals need of the kernel. */
export interface TerminalKernel {
  signalGroup(group: ProcessGroup, signal: number): void;
  /** The signal is blocked by this task or ignored by its process. */
  isBlockedOrIgnored(task: Task, signal: number): boolean;
  after(ms: number, callback: () => void): () => void;
}

/** What is behind a terminal: the host's screen, or the master side of a pty. */
export interface TerminalBackend {
  transmit(bytes: Uint8Array): boolean;
  /** A reader made room in the input buffer. */
  inputRoom?(): void;
  status?(bits: number): void;
  changed?(): void;
}

export class Terminal implements ControllingTerminal {
  session: Session | null = null;
  foreground: ProcessGroup | null = null;
  readonly device: number;
  /** "/dev/console", "/dev/pts/0" */
  readonly name: string;
  readonly discipline: LineDiscipline;
  readonly queue: WaitQueue = new WaitQueue();
  window: WindowSize & { xpixel?: number; ypixel?: number } = { rows: 0, columns: 0 };
  /** TIOCEXCL: no more opens, but by root. */
  exclusive = false;
  /** Bits and characters that may not be changed (TIOCSLCKTRMIOS). */
  locked: Termios = noTermios();
  /** The other side is gone: reads see the end of file, writes fail with EIO. */
  hungUp = false;
  openCount = 0;
  readonly backend: TerminalBackend;
  readonly #kernel: TerminalKernel;

  constructor(kernel: TerminalKernel, backend: TerminalBackend, device: number, name: string) {
    this.#kernel = kernel;
    this.backend = backend;
    this.device = device;
    this.name = name;
    this.discipline = new LineDiscipline({
      transmit: (bytes) => backend.transmit(bytes),
      signal: (signal) => {
        if (this.foreground !== null) kernel.signalGroup(this.foreground, signal);
      },
      changed: () => this.changed(),
      after: (ms, callback) => kernel.after(ms, callback),
      status: (bits) => backend.status?.(bits),
    });
  }

  changed(): void {
    this.queue.wake();
    this.backend.changed?.();
  }

  /** The session leader `task` makes this its controlling terminal, if neither has one yet. */
  acquireAtOpen(task: Task): void {
    const { session } = task.process.group;
    if (session.leader === task.process && session.controllingTerminal === null && this.session === null)
      this.#take(task);
  }

  #take(task: Task): void {
    const { session } = task.process.group;
    this.session = session;
    this.foreground = task.process.group;
    session.controllingTerminal = this;
  }

  /** TIOCSCTTY: 0 or a negative errno. */
  acquire(task: Task, steal: boolean): number {
    const { session } = task.process.group;
    if (session.leader === task.process && this.session === session) return 0;
    if (session.leader !== task.process || session.controllingTerminal !== null) return -EPERM;
    if (this.session !== null) {
      if (!steal || !task.capable(21)) return -EPERM;
      this.session.controllingTerminal = null;
    }
    this.#take(task);
    return 0;
  }

  disassociate(): void {
    const { foreground, session } = this;
    this.session = null;
    this.foreground = null;
    if (session !== null) session.controllingTerminal = null;
    if (foreground !== null) {
      this.#kernel.signalGroup(foreground, SIGHUP);
      this.#kernel.signalGroup(foreground, SIGCONT);
    }
  }

  /** The master side closed, or the host's terminal went away. */
  hangUp(): void {
    if (this.hungUp) return;
    this.hungUp = true;
    const leader = this.session?.leader;
    const { foreground } = this;
    if (this.session !== null) this.session.controllingTerminal = null;
    this.session = null;
    this.foreground = null;
    if (leader !== undefined) {
      this.#kernel.signalGroup(leader.group, SIGHUP);
      this.#kernel.signalGroup(leader.group, SIGCONT);
    }
    if (foreground !== null && foreground !== leader?.group) {
      this.#kernel.signalGroup(foreground, SIGHUP);
      this.#kernel.signalGroup(foreground, SIGCONT);
    }
    this.changed();
  }

  resize(size: { rows: number; columns: number; xpixel?: number; ypixel?: number }): void {
    const old = this.window;
    const same =
      old.rows === size.rows &&
      old.columns === size.columns &&
      (old.xpixel ?? 0) === (size.xpixel ?? 0) &&
      (old.ypixel ?? 0) === (size.ypixel ?? 0);
    if (same) return;
    this.window = size;
    if (this.foreground !== null) this.#kernel.signalGroup(this.foreground, SIGWINCH);
  }

  #isBackground(task: Task): boolean {
    const { group } = task.process;
    return (
      this.session !== null && group.session === this.session && this.foreground !== null && group !== this.foreground
    );
  }

  admitRead(task: Task): number {
    if (!this.#isBackground(task)) return 0;
    const { group } = task.process;
    if (this.#kernel.isBlockedOrIgnored(task, SIGTTIN) || group.orphaned()) return -EIO;
    this.#kernel.signalGroup(group, SIGTTIN);
    return -ERESTARTSYS;
  }

  admitWrite(task: Task): number {
    return (this.discipline.termios.lflag & T.TOSTOP) === 0 ? 0 : this.admitChange(task);
  }

  /** For calls that change the terminal: settings, foreground group, flow. */
  admitChange(task: Task): number {
    if (!this.#isBackground(task) || this.#kernel.isBlockedOrIgnored(task, SIGTTOU)) return 0;
    const { group } = task.process;
    if (group.orphaned()) return -EIO;
    this.#kernel.signalGroup(group, SIGTTOU);
    return -ERESTARTSYS;
  }
}
