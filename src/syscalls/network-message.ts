/** struct msghdr and what goes along with a message: sendmsg(2), recvmsg(2), cmsg(3), unix(7) "Ancillary messages". */
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from "../abi/capability.ts";
import { EFAULT, EINVAL, EMFILE, EMSGSIZE, ENODATA, EPERM, Errno, ESRCH, errno } from "../abi/errno.ts";
import * as S from "../abi/socket.ts";
import type { PeerCredentials, Received, Socket } from "../net/socket.ts";
import { makePidFile } from "../proc/pidfd.ts";
import type { Task } from "../proc/task.ts";
import { release, retain } from "../vfs/file.ts";
import type { File } from "../vfs/types.ts";
import { fdLimit, type IoVector, readIoVectors } from "./file-util.ts";

/** sizeof(struct cmsghdr) */
const CMSG_HEADER = 16;
const align8 = (n: number): number => (n + 7) & ~7;

export interface MessageHeader {
  readonly address: number;
  readonly name: number;
  readonly nameLength: number;
  readonly vectors: readonly IoVector[];
  readonly control: number;
  readonly controlLength: number;
}

export function readHeader(task: Task, address: number): MessageHeader {
  const { space } = task;
  space.readable(address, 56);
  const count = space.readNumber64(address + 24);
  if (count > 1024) throw errno(EMSGSIZE);
  const name = space.readNumber64(address);
  const nameLength = space.readI32(address + 8);
  if (nameLength < 0) throw errno(EINVAL);
  return {
    address,
    name,
    nameLength: name === 0 ? 0 : Math.min(nameLength, S.SOCKADDR_MAX),
    vectors: readIoVectors(task, space.readNumber64(address + 16), count),
    control: space.readNumber64(address + 32),
    controlLength: space.readNumber64(address + 40),
  };
}

export function totalLength(vectors: readonly IoVector[]): number {
  return vectors.reduce((sum, { length }) => sum + length, 0);
}

export function gather(task: Task, vectors: readonly IoVector[]): Uint8Array {
  const bytes = new Uint8Array(totalLength(vectors));
  let at = 0;
  for (const { address, length } of vectors) {
    bytes.set(task.space.readable(address, length), at);
    at += length;
  }
  return bytes;
}

export function scatter(task: Task, vectors: readonly IoVector[], bytes: Uint8Array): void {
  let at = 0;
  for (const { address, length } of vectors) {
    const part = bytes.subarray(at, at + length);
    if (part.length > 0) task.space.copyOut(address, part);
    at += part.length;
  }
}

export interface SentControl {
  /** References are held. */
  readonly files: readonly File[];
  readonly credentials: PeerCredentials;
}

export function ownCredentials(task: Task): PeerCredentials {
  return { pid: task.pid, uid: task.credentials.euid, gid: task.credentials.egid };
}

/** SO_PEERCRED tells of processes and users by the numbers that the caller knows them by. */
export function shownOption(
  { credentials, process }: Task,
  level: number,
  name: number,
  value: Uint8Array,
): Uint8Array {
  if (level !== S.SOL_SOCKET || name !== S.SO_PEERCRED || value.length < 12) return value;
  const view = viewOf(value);
  view.setUint32(0, process.pids.number(view.getUint32(0, true)), true);
  view.setUint32(4, credentials.shownUser(view.getUint32(4, true)), true);
  view.setUint32(8, credentials.shownGroup(view.getUint32(8, true)), true);
  return value;
}

/** scm_send() */
export function readControl(task: Task, header: MessageHeader): SentControl {
  const files: File[] = [];
  let credentials: PeerCredentials = { pid: task.pid, uid: task.credentials.uid, gid: task.credentials.gid };
  const { control, controlLength } = header;
  if (control === 0 || controlLength === 0) return { files, credentials };
  const view = viewOf(task.space.copyIn(control, controlLength));
  try {
    for (let at = 0; at + CMSG_HEADER <= controlLength; ) {
      const length = Number(view.getBigUint64(at, true));
      if (length < CMSG_HEADER || at + length > controlLength) throw errno(EINVAL);
      const data = new DataView(view.buffer, view.byteOffset + at + CMSG_HEADER, length - CMSG_HEADER);
      if (view.getInt32(at + 8, true) === S.SOL_SOCKET) {
        const type = view.getInt32(at + 12, true);
        if (type === S.SCM_RIGHTS) takeFiles(task, data, files);
        else if (type === S.SCM_CREDENTIALS) credentials = checkedCredentials(task, data);
        else throw errno(EINVAL);
      }
      at += align8(length);
    }
  } catch (e) {
    for (const file of files) release(file);
    throw e;
  }
  return { files, credentials };
}

function takeFiles(task: Task, data: DataView, files: File[]): void {
  const count = Math.floor(data.byteLength / 4);
  if (files.length + count > S.SCM_MAX_FD) throw errno(EINVAL);
  for (let i = 0; i < count; i++) files.push(retain(task.files.getAny(data.getInt32(4 * i, true))));
}

/** scm_check_creds(): one may only speak for oneself, unless privileged. */
function checkedCredentials(task: Task, data: DataView): PeerCredentials {
  if (data.byteLength !== 12) throw errno(EINVAL);
  const pid = data.getUint32(0, true);
  const c = task.credentials;
  const process = task.process.pids.id(pid);
  if (process !== task.pid && !c.capableIn(CAP_SYS_ADMIN, task.kernel.registry.of(task.process.pids).owner))
    throw errno(EPERM);
  const uid = c.toUser(data.getUint32(4, true));
  const gid = c.toGroup(data.getUint32(8, true));
  if (uid === undefined || gid === undefined) throw errno(EINVAL);
  if (![c.uid, c.euid, c.suid].includes(uid) && !c.hasEffective(CAP_SETUID)) throw errno(EPERM);
  if (![c.gid, c.egid, c.sgid].includes(gid) && !c.hasEffective(CAP_SETGID)) throw errno(EPERM);
  if (process !== task.pid && task.kernel.isFree(process)) throw errno(ESRCH);
  return { pid: process, uid, gid };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * scm_recv(): writes what came along to msg_control.
 * @returns flags for msg_flags, and the bytes used of msg_control
 */
export function writeControl(
  task: Task,
  header: MessageHeader,
  received: Received,
  socket: Socket,
  closeOnExec: boolean,
): { flags: number; used: number } {
  const { control } = header;
  const room = control === 0 ? 0 : header.controlLength;
  let used = 0;
  let flags = 0;
  const put = (level: number, type: number, words: readonly number[], size: number): void => {
    if (room - used < CMSG_HEADER) {
      flags |= S.MSG_CTRUNC;
      return;
    }
    const length = Math.min(CMSG_HEADER + size, room - used);
    if (length < CMSG_HEADER + size) flags |= S.MSG_CTRUNC;
    const bytes = new Uint8Array(CMSG_HEADER + size);
    const view = viewOf(bytes);
    view.setBigUint64(0, BigInt(length), true);
    view.setInt32(8, level, true);
    view.setInt32(12, type, true);
    for (const [i, word] of words.entries()) view.setUint32(CMSG_HEADER + 4 * i, word, true);
    task.space.copyOut(control + used, bytes.subarray(0, length));
    used = Math.min(used + align8(length), room);
  };
  for (const { level, type, words } of socket.ancillary(received)) put(level, type, words, 4 * words.length);
  if (socket.passCredentials) {
    const { credentials: c } = task;
    const { pid, uid, gid } = received.credentials ?? { pid: 0, uid: 65534, gid: 65534 };
    put(S.SOL_SOCKET, S.SCM_CREDENTIALS, [task.numberOf(pid), c.shownUser(uid), c.shownGroup(gid)], 12);
  }
  if (socket.passProcess) putProcess(task, received.credentials?.pid ?? 0, closeOnExec, room - used, put);
  if (received.files.length > 0) {
    const fits = Math.max(0, Math.floor((room - used - CMSG_HEADER) / 4));
    const numbers: number[] = [];
    received.files.forEach((file, i) => {
      if (i < fits) {
        try {
          numbers.push(task.files.add(file, closeOnExec, fdLimit(task)));
        } catch (e) {
          if (!(e instanceof Errno) || e.code !== EMFILE) throw e;
        }
      }
      release(file);
    });
    if (numbers.length < received.files.length) flags |= S.MSG_CTRUNC;
    if (numbers.length > 0) put(S.SOL_SOCKET, S.SCM_RIGHTS, numbers, 4 * numbers.length);
  }
  return { flags, used };
}

/** scm_pidfd_recv(): a descriptor, or the error that kept it from being made. */
function putProcess(
  task: Task,
  pid: number,
  closeOnExec: boolean,
  room: number,
  put: (level: number, type: number, words: readonly number[], size: number) => void,
): void {
  if (room < CMSG_HEADER + 4) {
    put(S.SOL_SOCKET, S.SCM_PIDFD, [], 4);
    return;
  }
  const process = task.kernel.processes.get(pid);
  let word = -ESRCH;
  if (process !== undefined) word = task.files.add(makePidFile(task, process, 0), closeOnExec, fdLimit(task));
  put(S.SOL_SOCKET, S.SCM_PIDFD, [word >>> 0], 4);
}

/** SO_PEERPIDFD: a descriptor of the process at the other end (sk_getsockopt()). */
export function peerProcess(task: Task, socket: Socket, room: number): Uint8Array {
  const { pid } = socket.peerCredentials;
  if (pid === 0) throw errno(ENODATA);
  const process = task.kernel.processes.get(pid);
  if (process === undefined) throw errno(ESRCH);
  const fd = task.files.add(makePidFile(task, process, 0), true, fdLimit(task));
  return new Uint8Array(Uint32Array.of(fd).buffer).subarray(0, room);
}

/** An address for the caller: as much as there is room for, and its true length. EINVAL for a negative room. */
export function writeAddress(task: Task, at: number, lengthAt: number, address: Uint8Array | undefined): void {
  if (at === 0) return;
  if (lengthAt === 0) throw errno(EFAULT);
  const room = task.space.readI32(lengthAt);
  if (room < 0) throw errno(EINVAL);
  const bytes = address ?? new Uint8Array(0);
  if (bytes.length > 0 && room > 0) task.space.copyOut(at, bytes.subarray(0, room));
  task.space.writeU32(lengthAt, bytes.length);
}
