/**
 * ptrace(2): what a tracer asks for. The stops themselves are in proc/ptrace.ts.
 *
 * There are no debug registers: a debugger that asks for a hardware breakpoint is refused and takes software ones.
 */
import { EINVAL, EIO, ENOSPC, EPERM, Errno, ESRCH, errno } from "../abi/errno.ts";
import * as P from "../abi/ptrace.ts";
import { AUDIT_ARCH } from "../abi/seccomp.ts";
import { encodeSiginfo, SIGINFO_SIZE } from "../abi/siginfo.ts";
import { NSIG, SI_USER, SIGKILL, SIGSTOP } from "../abi/signal.ts";
import type { DebugRegisters } from "../proc/arch/arch.ts";
import { mayInspect, peek, poke } from "../proc/inspect.ts";
import { adoptStop, attach, detach, interrupt, listen, resume, type Trace } from "../proc/ptrace.ts";
import type { Task } from "../proc/task.ts";
import { setUserDispatch } from "../proc/user-dispatch.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { pid as pidArg, readSignalSet, viewOf, writeSignalSet } from "./process-args.ts";
import { ptraceAddress, ptraceData, ptraceRequest } from "./ptrace-args.ts";
import { checkOptions, seccompFilter, seccompMetadata } from "./ptrace-seccomp.ts";
import { siginfoOf } from "./signal-send.ts";

/** Bytes of a word. */
const WORD = 8;
/** struct ptrace_syscall_info */
const SYSCALL_INFO_SIZE = 88;
/** Where struct user has the debug registers (x86_64). */
const DEBUG_REGISTERS = { first: 848, control: 848 + 7 * 8, end: 912 } as const;
/** DR7: breakpoints that are switched on. */
const DR7_ENABLED = 0xff;

function traceMe(task: Task): number {
  const { parent } = task.process;
  if (task.trace !== null || parent === null || !parent.leader.hasMemory) return -EPERM;
  const { sandbox } = parent.leader.credentials;
  if (sandbox !== null && !sandbox.contains(task.credentials.sandbox)) return -EPERM;
  attach(task, parent, false);
  return 0;
}

function begin(task: Task, pid: number, request: number, address: number, data: number): number {
  const seize = request === P.PTRACE_SEIZE;
  if (seize && (address !== 0 || (data & ~P.PTRACE_O_MASK) !== 0 || data > 2 ** 32)) return -EIO;
  if (seize) checkOptions(task, data);
  const target = task.find(pid);
  if (target === undefined) return -ESRCH;
  if (target.process === task.process || !target.hasMemory || !mayInspect(task, target)) return -EPERM;
  if (target.trace !== null || target.state === "zombie" || target.state === "dead") return -EPERM;
  const trace = attach(target, task.process, seize);
  if (seize) {
    trace.options = data;
    adoptStop(trace);
    return 0;
  }
  if (target.state === "stopped") adoptStop(trace);
  else task.kernel.signals.sendToTask(target, { signal: SIGSTOP, code: SI_USER, pid: 0, uid: 0 });
  return 0;
}

/** ptrace_check_attach(): a tracee of the caller's, and stopped unless it need not be. */
function find(task: Task, pid: number, stopped: boolean): Trace {
  const trace = task.find(pid)?.trace;
  if (trace === undefined || trace === null || trace.tracer !== task.process) throw errno(ESRCH);
  if (stopped && (trace.stop === null || trace.listening)) throw errno(ESRCH);
  return trace;
}

/** The registers of a stopped task, loaded or not. */
function contextOf(task: Task): DataView {
  const { mm, savedContext } = task;
  if (mm.loaded === task || savedContext === null) return mm.context;
  return new DataView(savedContext.buffer, savedContext.byteOffset, savedContext.length);
}

function debugOf(task: Task): DebugRegisters {
  const { debug } = task.arch;
  if (debug === undefined) throw errno(EIO);
  return debug;
}

/** The call that the task is in, as orig_rax shows it, or -1. */
function callOf({ tracee, call }: Trace): number {
  if (tracee.callStage !== 0) return tracee.callNumber;
  return tracee.state === "blocked" || tracee.restart !== 0 ? tracee.syscallNumber : call;
}

function setCall(trace: Trace, number: number): void {
  const { tracee } = trace;
  trace.call = number;
  if (tracee.callStage !== 0) tracee.callNumber = number;
  // Without a call there is none to make again.
  else if (number === -1) tracee.restart = 0;
}

function general(trace: Trace): Uint8Array {
  return debugOf(trace.tracee).getGeneral(contextOf(trace.tracee), callOf(trace));
}

function setGeneral(trace: Trace, bytes: Uint8Array): number {
  setCall(trace, debugOf(trace.tracee).setGeneral(contextOf(trace.tracee), bytes, callOf(trace)));
  return 0;
}

function peekUser(task: Task, trace: Trace, offset: number, into: number): number {
  const { userArea } = debugOf(trace.tracee);
  if (offset % WORD !== 0 || !(offset < userArea.size)) return -EIO;
  const registers = general(trace);
  const at = offset - userArea.general;
  const view = viewOf(registers);
  task.space.writeU64(into, at >= 0 && at < registers.length ? view.getBigUint64(at, true) : 0n);
  return 0;
}

function pokeUser(trace: Trace, offset: number, value: bigint): number {
  const { userArea } = debugOf(trace.tracee);
  if (offset % WORD !== 0 || !(offset < userArea.size)) return -EIO;
  const registers = general(trace);
  const at = offset - userArea.general;
  if (at >= 0 && at < registers.length) {
    viewOf(registers).setBigUint64(at, value, true);
    return setGeneral(trace, registers);
  }
  if (offset >= DEBUG_REGISTERS.first && offset < DEBUG_REGISTERS.end) {
    if (offset === DEBUG_REGISTERS.control && (value & BigInt(DR7_ENABLED)) !== 0n) return -ENOSPC;
    return 0;
  }
  return -EIO;
}

/** A register set by its NT_* number. */
function registerSet(trace: Trace, type: number): { get(): Uint8Array; set(bytes: Uint8Array): void } {
  const debug = debugOf(trace.tracee);
  const context = contextOf(trace.tracee);
  switch (type) {
    case P.NT_PRSTATUS:
      return { get: () => general(trace), set: (bytes) => setGeneral(trace, bytes) };
    case P.NT_PRFPREG:
      return { get: () => debug.getFloating(context), set: (bytes) => debug.setFloating(context, bytes) };
    default: {
      const other = debug.others.get(type);
      if (other === undefined) throw errno(EINVAL);
      return { get: () => other.get(context), set: (bytes) => other.set(context, bytes) };
    }
  }
}

/** PTRACE_GETREGSET and PTRACE_SETREGSET: `vector` is a struct iovec, whose length is updated. */
function transferSet(task: Task, trace: Trace, type: number, vector: number, store: boolean): number {
  const { space } = task;
  const base = space.readNumber64(vector);
  const wanted = space.readNumber64(vector + 8);
  const set = registerSet(trace, type);
  if (wanted % 4 !== 0) return -EINVAL;
  const bytes = set.get();
  if (bytes.length === 0) return -EINVAL;
  const length = Math.min(wanted, bytes.length);
  if (store) set.set(space.copyIn(base, length));
  else space.copyOut(base, bytes.subarray(0, length));
  space.writeNumber64(vector + 8, length);
  return 0;
}

function setOptions(task: Task, trace: Trace, data: number): number {
  if (data > 2 ** 32 || (data & ~P.PTRACE_O_MASK) !== 0) return -EINVAL;
  checkOptions(task, data);
  trace.options = data;
  return 0;
}

function getInfo(task: Task, trace: Trace, data: number): number {
  const { stop } = trace;
  if (stop === null || (stop.kind === "group" && !trace.seized)) return -EINVAL;
  task.space.copyOut(data, encodeSiginfo(stop.info));
  return 0;
}

function setInfo(task: Task, trace: Trace, data: number): number {
  const raw = task.space.copyIn(data, SIGINFO_SIZE);
  const { stop } = trace;
  if (stop === null || (stop.kind === "group" && !trace.seized)) return -EINVAL;
  stop.info = siginfoOf(raw);
  return 0;
}

/** PTRACE_GET_SYSCALL_INFO: as much of the structure as there is room for; its whole length. */
function syscallInfo(task: Task, trace: Trace, size: number, into: number): number {
  const { tracee, stop } = trace;
  const { arch } = tracee;
  const context = contextOf(tracee);
  const bytes = new Uint8Array(SYSCALL_INFO_SIZE);
  const view = viewOf(bytes);
  const { registers } = arch;
  const u64 = (at: number, n: number): void => view.setBigInt64(at, BigInt(n), true);
  view.setUint32(4, AUDIT_ARCH[arch.name], true);
  u64(8, registers.getPc(context));
  u64(16, registers.getSp(context));
  let length = 24;
  const call = (): void => {
    u64(24, tracee.callNumber);
    for (let i = 0; i < 6; i++) {
      view.setUint32(32 + 8 * i, registers.syscallArgLo(context, i), true);
      view.setUint32(36 + 8 * i, registers.syscallArgHi(context, i), true);
    }
    length = 80;
  };
  switch (stop?.kind) {
    case "entry":
      bytes[0] = P.PTRACE_SYSCALL_INFO_ENTRY;
      call();
      break;
    case "seccomp":
      bytes[0] = P.PTRACE_SYSCALL_INFO_SECCOMP;
      call();
      view.setUint32(80, trace.seccompData, true);
      length = 84;
      break;
    case "exit": {
      const result = registers.getSyscallResult(context);
      bytes[0] = P.PTRACE_SYSCALL_INFO_EXIT;
      u64(24, result);
      view.setUint8(32, result < 0 && result >= -4095 ? 1 : 0);
      length = 33;
      break;
    }
    default:
      break;
  }
  task.space.copyOut(into, bytes.subarray(0, Math.min(size, length)));
  return length;
}

/** PTRACE_PEEKSIGINFO: signals that are pending, without taking them. */
function peekInfo(task: Task, trace: Trace, args: number, into: number): number {
  const { space } = task;
  const offset = space.readNumber64(args);
  const flags = space.readU32(args + 8);
  const count = space.readI32(args + 12);
  if ((flags & ~1) !== 0 || count < 0) return -EINVAL;
  const { tracee } = trace;
  const queue = (flags & 1 ? tracee.process.pending : tracee.pending).list();
  const shown = queue.slice(offset, offset + count);
  // What did fit before the first bad address counts.
  for (const [i, info] of shown.entries()) {
    try {
      space.copyOut(into + i * SIGINFO_SIZE, encodeSiginfo(info));
    } catch (e) {
      if (i === 0 || !(e instanceof Errno)) throw e;
      return i;
    }
  }
  return shown.length;
}

/** struct ptrace_sud_config: mode, selector, offset, len. */
function userDispatch(task: Task, { tracee }: Trace, size: number, at: number, sets: boolean): number {
  if (size !== 32) return -EINVAL;
  const { space } = task;
  if (sets) {
    const [mode = 0, selector = 0, start = 0, length = 0] = [0, 8, 16, 24].map((field) =>
      space.readNumber64(at + field),
    );
    return setUserDispatch(tracee, { mode, start, length, selector });
  }
  const { start = 0, length = 0, selector = 0 } = tracee.userDispatch ?? {};
  space.writable(at, 32);
  for (const [i, value] of [tracee.userDispatch === null ? 0 : 1, selector, start, length].entries()) {
    space.writeNumber64(at + 8 * i, value);
  }
  return 0;
}

function checkSignal(data: number): void {
  if (data > NSIG) throw errno(EIO);
}

function ptrace(task: Task, request: number, pid: number, address: number, data: number): number {
  if (request === P.PTRACE_TRACEME) return traceMe(task);
  if (request === P.PTRACE_ATTACH || request === P.PTRACE_SEIZE) return begin(task, pid, request, address, data);
  if (task.find(pid) === undefined) return -ESRCH;
  const trace = find(task, pid, request !== P.PTRACE_KILL && request !== P.PTRACE_INTERRUPT);
  const { tracee } = trace;
  const { space } = task;
  switch (request) {
    case P.PTRACE_PEEKTEXT:
    case P.PTRACE_PEEKDATA:
      space.copyOut(data, peek(tracee.space, address, WORD));
      return 0;
    case P.PTRACE_POKETEXT:
    case P.PTRACE_POKEDATA: {
      const word = new Uint8Array(WORD);
      viewOf(word).setBigUint64(0, task.argument64(3), true);
      poke(tracee.space, address, word, EIO);
      return 0;
    }
    case P.PTRACE_PEEKUSER:
      return peekUser(task, trace, address, data);
    case P.PTRACE_POKEUSER:
      return pokeUser(trace, address, task.argument64(3));
    case P.PTRACE_CONT:
    case P.PTRACE_SYSCALL:
    case P.PTRACE_SINGLESTEP:
    case P.PTRACE_SYSEMU:
    case P.PTRACE_SYSEMU_SINGLESTEP:
      checkSignal(data);
      resume(trace, {
        syscalls: request === P.PTRACE_SYSCALL,
        emulates: request === P.PTRACE_SYSEMU || request === P.PTRACE_SYSEMU_SINGLESTEP,
        steps: request === P.PTRACE_SINGLESTEP || request === P.PTRACE_SYSEMU_SINGLESTEP,
        signal: data,
      });
      return 0;
    case P.PTRACE_KILL:
      if (!trace.exited) task.kernel.signals.sendToTask(tracee, task.kernel.signals.fromUser(task, SIGKILL));
      return 0;
    case P.PTRACE_DETACH:
      checkSignal(data);
      detach(trace, data);
      return 0;
    case P.PTRACE_GETREGS:
      space.copyOut(data, general(trace));
      return 0;
    case P.PTRACE_SETREGS:
      return setGeneral(trace, space.copyIn(data, general(trace).length));
    case P.PTRACE_GETFPREGS:
      space.copyOut(data, debugOf(tracee).getFloating(contextOf(tracee)));
      return 0;
    case P.PTRACE_SETFPREGS:
      debugOf(tracee).setFloating(contextOf(tracee), space.copyIn(data, 512));
      return 0;
    case P.PTRACE_ARCH_PRCTL: {
      // The bases are read with the tracer's memory to store them in, and set in the tracee.
      const { arch } = tracee;
      return arch.prctl === undefined ? -EIO : arch.prctl(space, contextOf(tracee), data, address);
    }
    case P.PTRACE_GETREGSET:
    case P.PTRACE_SETREGSET:
      return transferSet(task, trace, address, data, request === P.PTRACE_SETREGSET);
    case P.PTRACE_SETOPTIONS:
      return setOptions(task, trace, data);
    case P.PTRACE_GETEVENTMSG:
      space.writeNumber64(data, trace.message);
      return 0;
    case P.PTRACE_GETSIGINFO:
      return getInfo(task, trace, data);
    case P.PTRACE_SETSIGINFO:
      return setInfo(task, trace, data);
    case P.PTRACE_PEEKSIGINFO:
      return peekInfo(task, trace, address, data);
    case P.PTRACE_GETSIGMASK:
      if (address !== 8) return -EINVAL;
      writeSignalSet(task, data, tracee.savedMask ?? tracee.blocked);
      return 0;
    case P.PTRACE_SETSIGMASK:
      if (address !== 8) return -EINVAL;
      tracee.kernel.signals.setBlocked(tracee, readSignalSet(task, data, 8));
      return 0;
    case P.PTRACE_INTERRUPT:
      if (!trace.seized) return -EIO;
      interrupt(trace);
      return 0;
    case P.PTRACE_LISTEN:
      return listen(trace) ? 0 : -EIO;
    case P.PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
    case P.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
      return userDispatch(task, trace, address, data, request === P.PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG);
    case P.PTRACE_SECCOMP_GET_FILTER:
      return seccompFilter(task, trace, address, data);
    case P.PTRACE_SECCOMP_GET_METADATA:
      return seccompMetadata(task, trace, address, data);
    case P.PTRACE_GET_SYSCALL_INFO:
      return syscallInfo(task, trace, address, data);
    default:
      return -EIO;
  }
}

export const ptraceCalls: readonly SyscallDefinition[] = [
  syscall("ptrace", [ptraceRequest, pidArg, ptraceAddress, ptraceData], ptrace),
];
