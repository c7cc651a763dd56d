/** /proc/sysvipc: the System V IPC objects of the reader's IPC namespace (proc_sysvipc(5)). */
import { PAGE_SIZE } from "../../mm/layout.ts";
import type { PidNamespace } from "../pid-namespace.ts";
import type { IpcObject } from "../sysv-ipc.ts";
import type { Task } from "../task.ts";

type Column = readonly [name: string, width: number];

const OWNERS: readonly Column[] = [
  ["uid", 5],
  ["gid", 5],
  ["cuid", 5],
  ["cgid", 5],
];

function row(columns: readonly Column[], values: readonly (string | number)[]): string {
  return `${columns.map(([, width], i) => String(values[i]).padStart(width)).join(" ")}\n`;
}

/** The first line; names that are wider than their column push the others. */
function head(columns: readonly Column[]): string {
  return row(
    columns,
    columns.map(([name]) => name),
  );
}

function common({ key, id, mode }: IpcObject): [number, number, string] {
  return [key | 0, id, mode.toString(8)];
}

function owners({ credentials: c }: Task, { owner, creator }: IpcObject): number[] {
  return [c.shownUser(owner.uid), c.shownGroup(owner.gid), c.shownUser(creator.uid), c.shownGroup(creator.gid)];
}

const MESSAGES: readonly Column[] = [
  ["key", 10],
  ["msqid", 10],
  ["perms", 5],
  ["cbytes", 11],
  ["qnum", 10],
  ["lspid", 5],
  ["lrpid", 5],
  ...OWNERS,
  ["stime", 10],
  ["rtime", 10],
  ["ctime", 10],
];

export function messagesText(task: Task, pids: PidNamespace): string {
  let text = head(MESSAGES);
  for (const q of task.ipc.sysv.queues) {
    const last = [pids.number(q.lastSender), pids.number(q.lastReceiver)];
    const figures = [q.bytes, q.messages.length, ...last];
    text += row(MESSAGES, [...common(q), ...figures, ...owners(task, q), q.sent, q.received, q.changed]);
  }
  return text;
}

const SEMAPHORES: readonly Column[] = [
  ["key", 10],
  ["semid", 10],
  ["perms", 5],
  ["nsems", 10],
  ...OWNERS,
  ["otime", 10],
  ["ctime", 10],
];

export function semaphoresText(task: Task): string {
  let text = head(SEMAPHORES);
  for (const s of task.ipc.sysv.sets) {
    text += row(SEMAPHORES, [...common(s), s.semaphores.length, ...owners(task, s), s.operated, s.changed]);
  }
  return text;
}

const SEGMENTS: readonly Column[] = [
  ["key", 10],
  ["shmid", 10],
  ["perms", 5],
  ["size", 21],
  ["cpid", 5],
  ["lpid", 5],
  ["nattch", 6],
  ...OWNERS,
  ["atime", 10],
  ["dtime", 10],
  ["ctime", 10],
  ["rss", 21],
  ["swap", 21],
];
/** Of `perms`: it goes with its last mapping. */
const SHM_DEST = 0o1000;

export function segmentsText(task: Task, pids: PidNamespace): string {
  let text = head(SEGMENTS);
  for (const s of task.ipc.sysv.segments) {
    const [key, id] = common(s);
    const mode = ((s.doomed ? SHM_DEST : 0) | s.mode).toString(8);
    const figures = [s.size, pids.number(s.creatorPid), pids.number(s.lastPid), s.attachments(task.kernel)];
    const rss = Math.ceil(s.size / PAGE_SIZE) * PAGE_SIZE;
    text += row(SEGMENTS, [
      key,
      id,
      mode,
      ...figures,
      ...owners(task, s),
      s.attached,
      s.detached,
      s.changed,
      s.attached === 0 ? 0 : rss,
      0,
    ]);
  }
  return text;
}
