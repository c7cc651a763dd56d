/** Process groups and sessions (credentials(7), "Process groups and sessions"), and what they know of their terminal. */
import type { ThreadGroup } from "./thread-group.ts";

/**
 * A terminal as job control sees it. The terminal layer implements it, sets `session.controllingTerminal` when a session
 * leader acquires the terminal, and sends the signals of its special characters to `foreground`.
 */
export interface ControllingTerminal {
  session: Session | null;
  foreground: ProcessGroup | null;
  /** Device number that /proc/pid/stat shows as tty_nr. */
  readonly device: number;
  /** vhangup(2) by the session: SIGHUP to it, and open files of the terminal become useless. */
  hangUp(): void;
  /** The session leader exits or gives the terminal up: the terminal forgets the session. */
  disassociate(): void;
}

export class Session {
  /** The pid of the process that called setsid(2). */
  readonly id: number;
  readonly groups: Map<number, ProcessGroup> = new Map();
  /** Undefined once the leader has exited. */
  leader: ThreadGroup | undefined;
  controllingTerminal: ControllingTerminal | null = null;

  constructor(id: number) {
    this.id = id;
  }
}

export class ProcessGroup {
  readonly id: number;
  readonly session: Session;
  /** Zombies are members too, until they are reaped. */
  readonly members: Set<ThreadGroup> = new Set();

  constructor(id: number, session: Session) {
    this.id = id;
    this.session = session;
  }

  /**
   * True if nobody in the session outside of the group is parent of a member: stop signals of the terminal then have no
   * effect, as there is nobody who could continue it (POSIX "orphaned process group").
   * @param without a process that is about to exit and does not count any more.
   */
  orphaned(without?: ThreadGroup): boolean {
    for (const member of this.members) {
      if (member === without || member.exited) continue;
      const parent = member.parent;
      if (parent !== null && parent.pid !== 1 && parent.group !== this && parent.group.session === this.session) {
        return false;
      }
    }
    return true;
  }
}
