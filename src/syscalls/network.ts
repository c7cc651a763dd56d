/**
 * Sockets, of which there are none: as a kernel that has the interface but no protocol family answers. No descriptor is a
 * socket, so whatever is done to one fails as it does with any other file.
 */
import { EAFNOSUPPORT, EINVAL, ENOTSOCK, errno } from "../abi/errno.ts";
import type { Task } from "../proc/task.ts";
import { fd, int, outPtr, ptr, size, uint } from "./args.ts";
import { addressFamily, socketProtocol, socketType } from "./control-args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";

const SOCK_TYPE_MASK = 0xf;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** AF_MAX and SOCK_MAX: families and types beyond them do not exist anywhere. */
const AF_MAX = 46;
const SOCK_MAX = 11;

function socket(_task: Task, family: number, type: number): number {
  if (type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) throw errno(EINVAL);
  if (family < 0 || family >= AF_MAX) throw errno(EAFNOSUPPORT);
  if ((type & SOCK_TYPE_MASK) >= SOCK_MAX) throw errno(EINVAL);
  throw errno(EAFNOSUPPORT);
}

/** EBADF for what is not open, ENOTSOCK for what is. */
function notSocket(task: Task, descriptor: number): number {
  task.files.get(descriptor);
  return -ENOTSOCK;
}

const options = { partial: "no protocol families as yet" };

export const networkCalls: readonly SyscallDefinition[] = [
  syscall("socket", [addressFamily, socketType, socketProtocol], socket, options),
  syscall("socketpair", [addressFamily, socketType, socketProtocol, outPtr], socket, options),
  syscall("bind", [fd, ptr, uint], notSocket, options),
  syscall("connect", [fd, ptr, uint], notSocket, options),
  syscall("listen", [fd, int], notSocket, options),
  syscall("accept", [fd, outPtr, outPtr], notSocket, options),
  syscall("accept4", [fd, outPtr, outPtr, int], notSocket, options),
  syscall("getsockname", [fd, outPtr, outPtr], notSocket, options),
  syscall("getpeername", [fd, outPtr, outPtr], notSocket, options),
  syscall("sendto", [fd, ptr, size, int, ptr, uint], notSocket, options),
  syscall("recvfrom", [fd, outPtr, size, int, outPtr, outPtr], notSocket, options),
  syscall("sendmsg", [fd, ptr, int], notSocket, options),
  syscall("recvmsg", [fd, outPtr, int], notSocket, options),
  syscall("shutdown", [fd, int], notSocket, options),
  syscall("setsockopt", [fd, int, int, ptr, uint], notSocket, options),
  syscall("getsockopt", [fd, int, int, outPtr, outPtr], notSocket, options),
];
