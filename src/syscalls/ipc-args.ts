/** System V IPC as strace shows it. */
import { choice, printBytes, printFlags, printHex, printMode, printPointer } from "./args.ts";
import type { Arg, PrintContext } from "./define.ts";
import { peekView, printStruct, succeeded } from "./struct-args.ts";

type Names = readonly (readonly [number, string])[];

export const ipcKey: Arg = { kind: "u32", print: (v) => (v === 0 ? "IPC_PRIVATE" : printHex(v)) };

const GET_FLAGS: Names = [
  [0o1000, "IPC_CREAT"],
  [0o2000, "IPC_EXCL"],
  [0o4000, "IPC_NOWAIT"],
];
const SHM_GET_FLAGS: Names = [
  [0o1000, "IPC_CREAT"],
  [0o2000, "IPC_EXCL"],
  [0o4000, "SHM_HUGETLB"],
  [0o10000, "SHM_NORESERVE"],
];

/** Flags above permission bits. */
function getFlags(names: Names): Arg {
  return {
    kind: "u32",
    print: (v) => {
      const flags = (v & ~0o777) >>> 0;
      return flags === 0 ? printMode(v & 0o777) : `${printFlags(flags, names)}|${printMode(v & 0o777)}`;
    },
  };
}
export const ipcGetFlags: Arg = getFlags(GET_FLAGS);
export const shmGetFlags: Arg = getFlags(SHM_GET_FLAGS);

export const shmFlags: Arg = {
  kind: "u32",
  print: (v) =>
    printFlags(
      v,
      [
        [0o10000, "SHM_RDONLY"],
        [0o20000, "SHM_RND"],
        [0o40000, "SHM_REMAP"],
        [0o100000, "SHM_EXEC"],
      ],
      "0",
      "SHM_???",
    ),
};

export const messageFlags: Arg = {
  kind: "u32",
  print: (v) =>
    printFlags(
      v,
      [
        [0o10000, "MSG_NOERROR"],
        [0o20000, "MSG_EXCEPT"],
        [0o40000, "MSG_COPY"],
        [0o4000, "IPC_NOWAIT"],
      ],
      "0",
      "MSG_???",
    ),
};

function printMessage(address: number, c: PrintContext): string {
  const size = c.args[2] ?? 0;
  return printStruct(
    address,
    8,
    c,
    (view) => `{mtype=${view.getBigInt64(0, true)}, mtext=${printBytes(address + 8, size, c)}}`,
  );
}
/** struct msgbuf; the text's length is argument 2. */
export const message: Arg = { kind: "u64", print: printMessage };
export const filledMessage: Arg = {
  kind: "u64",
  out: true,
  print: (v, c) => (succeeded(c) ? printMessage(v, c) : printPointer(v)),
};

const SEMBUF_SIZE = 6;
const SEMOP_FLAGS: Names = [
  [0x1000, "SEM_UNDO"],
  [0o4000, "IPC_NOWAIT"],
];
/** An array of struct sembuf; argument 2 is its length. */
export const semaphoreOperations: Arg = {
  kind: "u64",
  print: (v, c) => {
    const count = c.args[2] ?? 0;
    if (v === 0) return "NULL";
    if (count === 0) return "[]";
    const parts: string[] = [];
    for (let i = 0; i < count; i++) {
      if (i >= c.stringLimit && c.verbose !== true) return `[${parts.join(", ")}, ...]`;
      const view = peekView(c, v + i * SEMBUF_SIZE, SEMBUF_SIZE);
      if (view === undefined) return i === 0 ? printPointer(v) : `[${parts.join(", ")}, ...]`;
      const flags = printFlags(view.getUint16(4, true), SEMOP_FLAGS, "0", "SEM_???");
      parts.push(`{sem_num=${view.getUint16(0, true)}, sem_op=${view.getInt16(2, true)}, sem_flg=${flags}}`);
    }
    return `[${parts.join(", ")}]`;
  },
};

// ---- *ctl ----

const COMMON: Readonly<Record<number, string>> = { 0: "IPC_RMID", 1: "IPC_SET", 2: "IPC_STAT", 3: "IPC_INFO" };
const IPC_SET = 1;
const IPC_STAT = 2;
const IPC_INFO = 3;
const SHM_INFO = 14;

export const messageCommand: Arg = choice({ ...COMMON, 11: "MSG_STAT", 12: "MSG_INFO", 13: "MSG_STAT_ANY" }, "MSG_???");
export const shmCommand: Arg = choice(
  { ...COMMON, 11: "SHM_LOCK", 12: "SHM_UNLOCK", 13: "SHM_STAT", 14: "SHM_INFO", 15: "SHM_STAT_ANY" },
  "SHM_???",
);
export const semaphoreCommand: Arg = choice(
  {
    ...COMMON,
    11: "GETPID",
    12: "GETVAL",
    13: "GETALL",
    14: "GETNCNT",
    15: "GETZCNT",
    16: "SETVAL",
    17: "SETALL",
    18: "SEM_STAT",
    19: "SEM_INFO",
    20: "SEM_STAT_ANY",
  },
  "SEM_???",
);

function printPermissions(view: DataView, name: string, set: boolean): string {
  const u32 = (at: number): number => view.getUint32(at, true);
  const rest = set ? "" : `, key=${u32(0)}, cuid=${u32(12)}, cgid=${u32(16)}`;
  return `${name}={uid=${u32(4)}, gid=${u32(8)}, mode=${printMode(u32(20))}${rest}}`;
}

function fields(view: DataView, names: readonly (readonly [name: string, at: number, size: 4 | 8])[]): string {
  return names
    .map(([name, at, size]) => `${name}=${size === 8 ? view.getBigUint64(at, true) : view.getInt32(at, true)}`)
    .join(", ");
}

/** `stat` and `info`: commands that fill in the one or the other. */
interface Control {
  readonly commandIndex: number;
  readonly stat: readonly number[];
  readonly info: readonly number[];
  readonly printObject: (view: DataView, set: boolean) => string;
  readonly printInfo: (view: DataView, command: number) => string;
}

const OBJECT_SIZE = 104;
const INFO_SIZE = 40;
const SHM_INFO_SIZE = 48;

function control({ commandIndex, stat, info, printObject, printInfo }: Control): Arg {
  const commandOf = (args: readonly number[]): number => args[commandIndex] ?? 0;
  return {
    kind: "u64",
    out: (args) => stat.includes(commandOf(args)) || info.includes(commandOf(args)),
    print: (v, c) => {
      const command = commandOf(c.args);
      if (command === IPC_SET) return printStruct(v, OBJECT_SIZE, c, (view) => printObject(view, true));
      if (!succeeded(c)) return printPointer(v);
      if (stat.includes(command)) return printStruct(v, OBJECT_SIZE, c, (view) => printObject(view, false));
      if (info.includes(command))
        return printStruct(v, command === SHM_INFO ? SHM_INFO_SIZE : INFO_SIZE, c, (view) => printInfo(view, command));
      return printPointer(v);
    },
  };
}

const integers = (view: DataView, names: readonly string[]): string =>
  fields(
    view,
    names.map((name, i) => [name, 4 * i, 4] as const),
  );

export const messageControl: Arg = control({
  commandIndex: 1,
  stat: [IPC_STAT, 11, 13],
  info: [IPC_INFO, 12],
  printObject: (view, set) =>
    set
      ? `{${printPermissions(view, "msg_perm", true)}, ${fields(view, [["msg_qbytes", 88, 8]])}}`
      : `{${printPermissions(view, "msg_perm", false)}, ${fields(view, [
          ["msg_stime", 48, 8],
          ["msg_rtime", 56, 8],
          ["msg_ctime", 64, 8],
          ["msg_qnum", 80, 8],
          ["msg_qbytes", 88, 8],
          ["msg_lspid", 96, 4],
          ["msg_lrpid", 100, 4],
        ])}}`,
  printInfo: (view) =>
    `{${integers(view, ["msgpool", "msgmap", "msgmax", "msgmnb", "msgmni", "msgssz", "msgtql"])}, ` +
    `msgseg=${view.getUint16(28, true)}}`,
});

export const shmControl: Arg = control({
  commandIndex: 1,
  stat: [IPC_STAT, 13, 15],
  info: [IPC_INFO, SHM_INFO],
  printObject: (view, set) =>
    set
      ? `{${printPermissions(view, "shm_perm", true)}}`
      : `{${printPermissions(view, "shm_perm", false)}, ${fields(view, [
          ["shm_segsz", 48, 8],
          ["shm_cpid", 80, 4],
          ["shm_lpid", 84, 4],
          ["shm_nattch", 88, 8],
          ["shm_atime", 56, 8],
          ["shm_dtime", 64, 8],
          ["shm_ctime", 72, 8],
        ])}}`,
  printInfo: (view, command) =>
    command === IPC_INFO
      ? `{${["shmmax", "shmmin", "shmmni", "shmseg", "shmall"]
          .map((name, i) => `${name}=${view.getBigUint64(8 * i, true)}`)
          .join(", ")}}`
      : `{used_ids=${view.getInt32(0, true)}, ${fields(view, [
          ["shm_tot", 8, 8],
          ["shm_rss", 16, 8],
          ["shm_swp", 24, 8],
          ["swap_attempts", 32, 8],
          ["swap_successes", 40, 8],
        ])}}`,
});

export const semaphoreControl: Arg = control({
  commandIndex: 2,
  stat: [IPC_STAT, 18, 20],
  info: [IPC_INFO, 19],
  printObject: (view, set) =>
    set
      ? `{${printPermissions(view, "sem_perm", true)}}`
      : `{${printPermissions(view, "sem_perm", false)}, ${fields(view, [
          ["sem_otime", 48, 8],
          ["sem_ctime", 64, 8],
          ["sem_nsems", 80, 8],
        ])}}`,
  printInfo: (view) =>
    `{${integers(view, [
      ...["semmap", "semmni", "semmns", "semmnu", "semmsl", "semopm", "semume", "semusz", "semvmx", "semaem"],
    ])}}`,
});
