/** Pseudo-terminals (pty(7)): a terminal whose other end is a file, made by opening /dev/ptmx. */

import { makedev } from "../../abi/device.ts";
import { EAGAIN, EINVAL, EIO, ENOTTY } from "../../abi/errno.ts";
import * as T from "../../abi/termios.ts";
import { WaitQueue } from "../../util/wait-queue.ts";
import type { Path } from "../../vfs/path.ts";
import type { GuestAccess, Inode, OpenContext } from "../../vfs/types.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from "../../vfs/types.ts";
import type { Task } from "../task.ts";
import { Terminal, type TerminalKernel } from "./terminal.ts";
import { TCIFLUSH, TCIOFLUSH, TCOFLUSH, TerminalFileBase } from "./terminal-file.ts";

/** Bytes that wait for the reader of the master before the slave's writers have to. */
const MASTER_BUFFER = 65536;
const PTS_MAJOR = 136;

export class Pty {
  readonly index: number;
  readonly terminal: Terminal;
  readonly masterQueue: WaitQueue = new WaitQueue();
  readonly created: number;
  /** A new pty's slave cannot be opened before unlockpt(3). */
  locked = true;
  masterOpen = true;
  slaveWasOpen = false;
  packetMode = false;
  packetStatus = 0;
  owner: { uid: number; gid: number; mode: number };
  #output: Uint8Array[] = [];
  #outputBytes = 0;

  constructor(kernel: TerminalKernel, index: number, uid: number, gid: number, now: number) {
    this.index = index;
    this.created = now;
    this.owner = { uid, gid, mode: 0o620 };
    this.terminal = new Terminal(
      kernel,
      {
        transmit: (bytes) => {
          if (!this.masterOpen) return true;
          this.#output.push(bytes);
          this.#outputBytes += bytes.length;
          this.masterQueue.wake();
          return this.#outputBytes < MASTER_BUFFER;
        },
        status: (bits) => {
          if (!this.packetMode) return;
          this.packetStatus |= bits;
          this.masterQueue.wake();
        },
        changed: () => this.masterQueue.wake(),
        inputRoom: () => this.masterQueue.wake(),
      },
      makedev(PTS_MAJOR, index),
      `/dev/pts/${index}`,
    );
  }

  get pendingOutput(): number {
    return this.#outputBytes;
  }

  dropOutput(): void {
    this.#output = [];
    this.#outputBytes = 0;
    this.terminal.discipline.outputDrained();
  }

  takeOutput(into: Uint8Array): number {
    let n = 0;
    while (n < into.length) {
      const first = this.#output[0];
      if (first === undefined) break;
      const part = first.subarray(0, into.length - n);
      into.set(part, n);
      n += part.length;
      if (part.length === first.length) this.#output.shift();
      else this.#output[0] = first.subarray(part.length);
    }
    this.#outputBytes -= n;
    if (this.#outputBytes < MASTER_BUFFER / 2) this.terminal.discipline.outputDrained();
    return n;
  }
}

export class PtyMasterFile extends TerminalFileBase {
  readonly pty: Pty;
  readonly queue: WaitQueue;
  readonly #closed: () => void;

  constructor(pty: Pty, inode: Inode, flags: number, path: Path | undefined, closed: () => void) {
    super(pty.terminal, inode, flags, path);
    this.pty = pty;
    this.queue = pty.masterQueue;
    this.#closed = closed;
  }

  override describe(): string {
    return "/dev/ptmx";
  }

  get #slaveGone(): boolean {
    return this.pty.slaveWasOpen && this.terminal.openCount === 0;
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    const { pty } = this;
    if (pty.packetMode && pty.packetStatus !== 0) {
      into[0] = pty.packetStatus;
      pty.packetStatus = 0;
      return 1;
    }
    if (pty.pendingOutput > 0) {
      if (!pty.packetMode) return pty.takeOutput(into);
      into[0] = T.TIOCPKT_DATA;
      return 1 + pty.takeOutput(into.subarray(1));
    }
    return this.#slaveGone ? -EIO : -EAGAIN;
  }

  override write(from: Uint8Array): number {
    const { discipline } = this.terminal;
    const room = Math.max(discipline.room, discipline.hasInput ? 0 : 1);
    if (room === 0) return from.length === 0 ? 0 : -EAGAIN;
    const part = from.subarray(0, room);
    discipline.input(part.slice());
    return part.length;
  }

  override poll(): number {
    const { pty } = this;
    let events = 0;
    if (pty.pendingOutput > 0) events |= POLLIN | POLLRDNORM;
    if (pty.packetMode && pty.packetStatus !== 0) events |= POLLPRI | POLLIN | POLLRDNORM;
    if (this.terminal.discipline.room > 0) events |= POLLOUT | POLLWRNORM;
    if (this.#slaveGone) events |= POLLHUP;
    return events;
  }

  override ioctl(request: number, argument: number, guest: GuestAccess, context: OpenContext): number {
    const { pty, terminal } = this;
    const common = this.commonIoctl(request, argument, guest);
    if (common !== undefined) return common;
    switch (request) {
      case T.TCSETS:
      case T.TCSETSW:
      case T.TCSETSF:
      case T.TCSETS2:
      case T.TCSETSW2:
      case T.TCSETSF2:
        this.setTermios(request, argument, guest);
        return 0;
      case T.TIOCGPTN:
        guest.writeU32(argument, pty.index);
        return 0;
      case T.TIOCSPTLCK:
        pty.locked = guest.readU32(argument) !== 0;
        return 0;
      case T.TIOCGPTLCK:
        guest.writeU32(argument, pty.locked ? 1 : 0);
        return 0;
      case T.TIOCPKT:
        pty.packetMode = guest.readU32(argument) !== 0;
        pty.packetStatus = 0;
        return 0;
      case T.TIOCGPKT:
        guest.writeU32(argument, pty.packetMode ? 1 : 0);
        return 0;
      case T.TCFLSH:
        // What the master has written is the slave's already; what the slave has written waits here.
        if (argument !== TCIFLUSH && argument !== TCOFLUSH && argument !== TCIOFLUSH) return -EINVAL;
        if (argument !== TCOFLUSH) pty.dropOutput();
        return 0;
      case T.FIONREAD:
        guest.writeU32(argument, pty.pendingOutput);
        return 0;
      case T.TIOCGPGRP:
        guest.writeU32(argument, (context.task as Task).numberOf(terminal.foreground?.id ?? 0));
        return 0;
      case T.TIOCGSID:
        if (terminal.session === null) return -ENOTTY;
        guest.writeU32(argument, (context.task as Task).numberOf(terminal.session.id));
        return 0;
      case T.TIOCGPTPEER:
        return this.openPeer === undefined ? -ENOTTY : this.openPeer(argument, context);
      default:
        return -ENOTTY;
    }
  }

  /** Opens the slave into a new descriptor; set by whoever owns the device file system. */
  openPeer: ((flags: number, context: OpenContext) => number) | undefined;

  override close(): void {
    this.pty.masterOpen = false;
    this.terminal.hangUp();
    this.#closed();
    super.close();
  }
}
