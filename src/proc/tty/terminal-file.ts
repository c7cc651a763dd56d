/** An open terminal: read, write, poll and the ioctls of ioctl_tty(2). */
import { CAP_SYS_ADMIN } from "../../abi/capability.ts";
import { EINVAL, EIO, ENOTTY, EPERM, ESRCH } from "../../abi/errno.ts";
import * as T from "../../abi/termios.ts";
import type { WaitQueue } from "../../util/wait-queue.ts";
import { BaseFile } from "../../vfs/file.ts";
import type { Path } from "../../vfs/path.ts";
import type { GuestAccess, Inode, OpenContext } from "../../vfs/types.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../vfs/types.ts";
import type { Task } from "../task.ts";
import type { Terminal } from "./terminal.ts";

export const TCIFLUSH = 0;
export const TCOFLUSH = 1;
export const TCIOFLUSH = 2;
const TCOOFF = 0;
const TCOON = 1;
const TCIOFF = 2;
const TCION = 3;

/** The parts of a terminal's file that the two ends of a pty share. */
export abstract class TerminalFileBase extends BaseFile {
  readonly terminal: Terminal;

  constructor(terminal: Terminal, inode: Inode, flags: number, path: Path | undefined) {
    super(inode, flags, path);
    this.terminal = terminal;
  }

  /** The requests that mean the same on both sides. Undefined: not one of them. */
  protected commonIoctl(request: number, argument: number, guest: GuestAccess): number | undefined {
    const { terminal } = this;
    const { discipline } = terminal;
    switch (request) {
      case T.TCGETS:
        T.encodeTermios(discipline.termios, guest.writable(argument, T.TERMIOS_SIZE));
        return 0;
      case T.TCGETS2:
        T.encodeTermios(discipline.termios, guest.writable(argument, T.TERMIOS2_SIZE));
        return 0;
      case T.TCGETA:
        T.encodeTermio(discipline.termios, guest.writable(argument, T.TERMIO_SIZE));
        return 0;
      case T.TIOCGLCKTRMIOS:
        T.encodeTermios(terminal.locked, guest.writable(argument, T.TERMIOS_SIZE));
        return 0;
      case T.TIOCGWINSZ: {
        const v = view(guest.writable(argument, 8));
        v.setUint16(0, terminal.window.rows, true);
        v.setUint16(2, terminal.window.columns, true);
        v.setUint16(4, terminal.window.xpixel ?? 0, true);
        v.setUint16(6, terminal.window.ypixel ?? 0, true);
        return 0;
      }
      case T.TIOCSWINSZ: {
        const v = view(guest.readable(argument, 8));
        terminal.resize({
          rows: v.getUint16(0, true),
          columns: v.getUint16(2, true),
          xpixel: v.getUint16(4, true),
          ypixel: v.getUint16(6, true),
        });
        return 0;
      }
      default:
        return undefined;
    }
  }

  /** TCSETS and its variants. */
  protected setTermios(request: number, argument: number, guest: GuestAccess): void {
    const { discipline } = this.terminal;
    const { termios } = discipline;
    const { locked } = this.terminal;
    if (request === T.TCSETA || request === T.TCSETAW || request === T.TCSETAF) {
      const old = guest.readable(argument, T.TERMIO_SIZE);
      if (request === T.TCSETAF) discipline.flushInput();
      discipline.setTermios(T.withLocks(T.decodeTermio(old, termios), termios, locked));
      return;
    }
    const two = request === T.TCSETS2 || request === T.TCSETSW2 || request === T.TCSETSF2;
    const bytes = guest.readable(argument, two ? T.TERMIOS2_SIZE : T.TERMIOS_SIZE);
    if (request === T.TCSETSF || request === T.TCSETSF2) discipline.flushInput();
    discipline.setTermios(T.withLocks(T.decodeTermios(bytes, termios), termios, locked));
  }
}

export class TerminalFile extends TerminalFileBase {
  readonly queue: WaitQueue;

  constructor(terminal: Terminal, inode: Inode, flags: number, path: Path | undefined) {
    super(terminal, inode, flags, path);
    this.queue = terminal.queue;
    terminal.openCount++;
  }

  override describe(): string {
    return this.terminal.name;
  }

  admit(context: OpenContext, access: "read" | "write"): number {
    const task = context.task as Task;
    return access === "read" ? this.terminal.admitRead(task) : this.terminal.admitWrite(task);
  }

  override read(into: Uint8Array): number {
    const { terminal } = this;
    if (terminal.hungUp) return 0;
    const n = terminal.discipline.read(into);
    if (n >= 0) terminal.backend.inputRoom?.();
    return n;
  }

  override write(from: Uint8Array): number {
    const { terminal } = this;
    if (terminal.hungUp) return -EIO;
    return from.length === 0 ? 0 : terminal.discipline.write(from);
  }

  override poll(): number {
    const { terminal } = this;
    if (terminal.hungUp) return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
    return (
      (terminal.discipline.hasInput ? POLLIN | POLLRDNORM : 0) |
      (terminal.discipline.canWrite ? POLLOUT | POLLWRNORM : 0)
    );
  }

  override ioctl(request: number, argument: number, guest: GuestAccess, context: OpenContext): number {
    const { terminal } = this;
    const { discipline } = terminal;
    const task = context.task as Task;
    if (terminal.hungUp) return -EIO;
    const common = this.commonIoctl(request, argument, guest);
    if (common !== undefined) return common;
    const { group } = task.process;
    switch (request) {
      case T.TCSETS:
      case T.TCSETSW:
      case T.TCSETSF:
      case T.TCSETS2:
      case T.TCSETSW2:
      case T.TCSETSF2:
      case T.TCSETA:
      case T.TCSETAW:
      case T.TCSETAF: {
        const refused = terminal.admitChange(task);
        if (refused !== 0) return refused;
        this.setTermios(request, argument, guest);
        return 0;
      }
      case T.TIOCSLCKTRMIOS:
        if (!task.capable(CAP_SYS_ADMIN)) return -EPERM;
        terminal.locked = T.decodeTermios(guest.readable(argument, T.TERMIOS_SIZE), terminal.locked);
        return 0;
      case T.TIOCSCTTY:
        return terminal.acquire(task, argument === 1);
      case T.TIOCNOTTY: {
        if (group.session.controllingTerminal !== terminal) return -ENOTTY;
        // Only a leader gives the terminal up for the whole session; for others Linux forgets it for the caller alone.
        if (group.session.leader === task.process) terminal.disassociate();
        return 0;
      }
      case T.TIOCGPGRP:
        if (group.session.controllingTerminal !== terminal) return -ENOTTY;
        guest.writeU32(argument, task.numberOf(terminal.foreground?.id ?? 0));
        return 0;
      case T.TIOCSPGRP:
        return this.#setForeground(task, guest.readU32(argument) | 0);
      case T.TIOCGSID:
        if (terminal.session === null || group.session.controllingTerminal !== terminal) return -ENOTTY;
        guest.writeU32(argument, task.numberOf(terminal.session.id));
        return 0;
      case T.FIONREAD:
        guest.writeU32(argument, discipline.readable);
        return 0;
      case T.TIOCOUTQ:
        guest.writeU32(argument, 0);
        return 0;
      case T.TCFLSH: {
        const refused = terminal.admitChange(task);
        if (refused !== 0) return refused;
        if (argument !== TCIFLUSH && argument !== TCOFLUSH && argument !== TCIOFLUSH) return -EINVAL;
        if (argument !== TCOFLUSH) discipline.flushInput();
        terminal.backend.status?.(
          (argument !== TCOFLUSH ? T.TIOCPKT_FLUSHREAD : 0) | (argument !== TCIFLUSH ? T.TIOCPKT_FLUSHWRITE : 0),
        );
        terminal.changed();
        return 0;
      }
      case T.TCXONC: {
        const refused = terminal.admitChange(task);
        if (refused !== 0) return refused;
        return this.#flow(argument);
      }
      case T.TCSBRK:
      case T.TCSBRKP: {
        // Output leaves at once, so there is nothing to drain; a break means nothing to a terminal without a line.
        return terminal.admitChange(task);
      }
      case T.TIOCSTI: {
        if (group.session.controllingTerminal !== terminal && !task.capable(21)) return -EPERM;
        discipline.input(guest.readable(argument, 1).slice());
        return 0;
      }
      case T.TIOCEXCL:
        terminal.exclusive = true;
        return 0;
      case T.TIOCNXCL:
        terminal.exclusive = false;
        return 0;
      case T.TIOCGETD:
        guest.writeU32(argument, 0);
        return 0;
      case T.TIOCSETD:
        return guest.readU32(argument) === 0 ? 0 : -EINVAL;
      default:
        return -ENOTTY;
    }
  }

  #setForeground(task: Task, id: number): number {
    const { terminal } = this;
    const refused = terminal.admitChange(task);
    if (refused !== 0) return refused === -EIO ? -ENOTTY : refused;
    const { session } = task.process.group;
    if (session.controllingTerminal !== terminal || terminal.session !== session) return -ENOTTY;
    if (id < 0) return -EINVAL;
    const group = task.findGroup(id);
    if (group?.session !== session) return group === undefined ? -ESRCH : -EPERM;
    terminal.foreground = group;
    return 0;
  }

  #flow(action: number): number {
    const { discipline } = this.terminal;
    const { cc } = discipline.termios;
    if (action === TCOOFF || action === TCOON) {
      discipline.flow(action === TCOOFF);
      return 0;
    }
    if (action !== TCIOFF && action !== TCION) return -EINVAL;
    const character = cc[action === TCIOFF ? T.VSTOP : T.VSTART] ?? 0;
    if (character !== 0) this.terminal.backend.transmit(Uint8Array.of(character));
    return 0;
  }

  override close(): void {
    const { terminal } = this;
    terminal.openCount--;
    terminal.changed();
    super.close();
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
