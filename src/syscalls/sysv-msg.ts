/** System V message queues: msgget(2), msgop(2), msgctl(2). */
import { CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { E2BIG, EAGAIN, EIDRM, EINVAL, ENOMSG, EPERM, ERESTARTNOHAND, errno } from "../abi/errno.ts";
import * as S from "../abi/sysv-ipc.ts";
import { type Message, MessageQueue } from "../proc/sysv-msg.ts";
import type { Task } from "../proc/task.ts";
import { block } from "../proc/wait.ts";
import { int, long, size } from "./args.ts";
import { type SyscallDefinition, type SyscallResult, syscall } from "./define.ts";
import {
  filledMessage,
  ipcGetFlags,
  ipcKey,
  message,
  messageCommand,
  messageControl,
  messageFlags,
} from "./ipc-args.ts";
import { put64, seconds, setPermissions, structure, writePermissions } from "./sysv-perm.ts";

const MSQID_SIZE = 120;

function msgget(task: Task, key: number, flags: number): number {
  const { kernel, credentials } = task;
  const { sysv, limits } = task.ipc;
  const make = (): MessageQueue => new MessageQueue(key, flags, credentials, seconds(kernel), limits.queueBytes);
  return sysv.queues.find(key, flags, credentials, make).id;
}

function msgsnd(task: Task, id: number, buffer: number, length: number, flags: number): SyscallResult {
  const { kernel, space } = task;
  if (length > task.ipc.limits.messageSize || id < 0) throw errno(EINVAL);
  const type = space.readSigned64(buffer);
  if (type < 1) throw errno(EINVAL);
  const message: Message = { type, text: space.copyIn(buffer + 8, length) };
  const queue = task.ipc.sysv.queues.get(id);
  const attempt = (): number => {
    if (queue.removed) return -EIDRM;
    queue.check(task.credentials, 0o222);
    return queue.send(message, task.pid, seconds(kernel));
  };
  if (flags & S.IPC_NOWAIT) return attempt();
  return block(task, queue.waiters, attempt, { interrupted: -ERESTARTNOHAND });
}

/** MSG_COPY: the message in that place of the queue, which stays there. */
function copyMessage(
  task: Task,
  queue: MessageQueue,
  buffer: number,
  length: number,
  place: number,
  flags: number,
): number {
  if (queue.removed) return -EIDRM;
  queue.check(task.credentials, 0o444);
  const found = queue.messages[place];
  if (found === undefined) return -ENOMSG;
  // The copy has to be as large as the message, even where it would be cut (copy_msg).
  if (found.text.length > length) return (flags & S.MSG_NOERROR) !== 0 ? -EINVAL : -E2BIG;
  task.space.writeNumber64(buffer, found.type);
  task.space.copyOut(buffer + 8, found.text);
  return found.text.length;
}

function msgrcv(task: Task, id: number, buffer: number, length: number, type: number, flags: number): SyscallResult {
  const { kernel, space } = task;
  if (id < 0 || length >= 2 ** 63) throw errno(EINVAL);
  const copies = (flags & S.MSG_COPY) !== 0;
  if (copies && ((flags & S.MSG_EXCEPT) !== 0 || (flags & S.IPC_NOWAIT) === 0)) throw errno(EINVAL);
  const queue = task.ipc.sysv.queues.get(id);
  if (copies) return copyMessage(task, queue, buffer, length, type, flags);
  const attempt = (): number => {
    if (queue.removed) return -EIDRM;
    queue.check(task.credentials, 0o444);
    const found = queue.receive(type, length, flags, task.pid, seconds(kernel));
    if (typeof found === "number") return found === -ENOMSG && (flags & S.IPC_NOWAIT) === 0 ? -EAGAIN : found;
    const text = found.text.subarray(0, length);
    space.writeNumber64(buffer, found.type);
    space.copyOut(buffer + 8, text);
    return text.length;
  };
  return block(task, queue.waiters, attempt, { interrupted: -ERESTARTNOHAND });
}

function msgctl(task: Task, id: number, command: number, buffer: number): number {
  const { space, credentials } = task;
  const { queues } = task.ipc.sysv;
  switch (command) {
    case S.IPC_INFO:
    case S.MSG_INFO: {
      const { limits } = task.ipc;
      const { bytes, view } = structure(32);
      const all = [...queues];
      const info = command === S.MSG_INFO;
      view.setInt32(0, info ? all.length : (limits.queues * limits.queueBytes) / 1024, true);
      view.setInt32(4, info ? all.reduce((n, q) => n + q.messages.length, 0) : limits.queueBytes, true);
      view.setInt32(8, limits.messageSize, true);
      view.setInt32(12, limits.queueBytes, true);
      view.setInt32(16, limits.queues, true);
      view.setInt32(20, 16, true);
      view.setInt32(24, info ? all.reduce((n, q) => n + q.bytes, 0) : limits.queueBytes, true);
      view.setUint16(28, 0xffff, true);
      space.copyOut(buffer, bytes);
      return queues.highestIndex;
    }
    case S.IPC_STAT:
    case S.MSG_STAT:
    case S.MSG_STAT_ANY: {
      const queue = command === S.IPC_STAT ? queues.get(id) : queues.at(id);
      if (command !== S.MSG_STAT_ANY) queue.check(credentials, 0o444);
      const { bytes, view } = structure(MSQID_SIZE);
      writePermissions(task, view, queue);
      put64(view, 48, queue.sent);
      put64(view, 56, queue.received);
      put64(view, 64, queue.changed);
      put64(view, 72, queue.bytes);
      put64(view, 80, queue.messages.length);
      put64(view, 88, queue.limit);
      view.setInt32(96, task.numberOf(queue.lastSender), true);
      view.setInt32(100, task.numberOf(queue.lastReceiver), true);
      space.copyOut(buffer, bytes);
      return command === S.IPC_STAT ? 0 : queue.id;
    }
    case S.IPC_SET: {
      const limit = space.readNumber64(buffer + 88);
      const queue = queues.get(id);
      queue.checkOwner(credentials);
      if (limit > task.ipc.limits.queueBytes && !task.capable(CAP_SYS_RESOURCE)) throw errno(EPERM);
      setPermissions(task, queue, buffer);
      queue.limit = limit;
      queue.waiters.wake();
      return 0;
    }
    case S.IPC_RMID: {
      const queue = queues.get(id);
      queue.checkOwner(credentials);
      queues.remove(queue);
      queue.waiters.wake();
      return 0;
    }
    default:
      throw errno(EINVAL);
  }
}

export const messageCalls: readonly SyscallDefinition[] = [
  syscall("msgget", [ipcKey, ipcGetFlags], msgget),
  syscall("msgsnd", [int, message, size, messageFlags], msgsnd),
  syscall("msgrcv", [int, filledMessage, size, long, messageFlags], msgrcv),
  syscall("msgctl", [int, messageCommand, messageControl], msgctl),
];
