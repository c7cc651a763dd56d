/** landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2); what the rules do is in vfs/sandbox.ts. */
import { CAP_SYS_ADMIN } from "../abi/capability.ts";
import { E2BIG, EBADFD, EFAULT, EINVAL, ENOMSG, EPERM, errno } from "../abi/errno.ts";
import { O_RDWR } from "../abi/fcntl.ts";
import * as L from "../abi/landlock.ts";
import type { Task } from "../proc/task.ts";
import { BaseFile } from "../vfs/file.ts";
import { Ruleset, Sandbox } from "../vfs/sandbox.ts";
import type { Inode } from "../vfs/types.ts";
import { choice, descriptorResult, fd, flags, ptr, size } from "./args.ts";
import { type SyscallDefinition, syscall } from "./define.ts";
import { fdLimit, ownerOf, readVersioned } from "./file-util.ts";
import { viewOf } from "./process-args.ts";
import { unsigned64 } from "./struct-args.ts";

const PAGE_SIZE = 4096;
const PORT_MAX = 0xffff;

class RulesetFile extends BaseFile {
  readonly ruleset: Ruleset;

  constructor(inode: Inode, ruleset: Ruleset) {
    super(inode, O_RDWR, undefined);
    this.ruleset = ruleset;
  }

  override describe(): string {
    return "anon_inode:[landlock-ruleset]";
  }

  override get mappable(): boolean {
    return false;
  }
}

function rulesetOf(task: Task, number: number): Ruleset {
  const file = task.files.get(number);
  if (!(file instanceof RulesetFile)) throw errno(EBADFD);
  return file.ruleset;
}

/** One of the masks that a structure has; EINVAL for what is not in `known`. */
function mask(view: DataView, at: number, known: number): number {
  const value = unsigned64(view, at);
  if (value > known || (value & ~known) !== 0) throw errno(EINVAL);
  return value;
}

function createRuleset(task: Task, address: number, length: number, bits: number): number {
  if (bits !== 0) {
    if (address !== 0 || length !== 0) return -EINVAL;
    if (bits === L.LANDLOCK_CREATE_RULESET_VERSION) return L.LANDLOCK_ABI;
    return bits === L.LANDLOCK_CREATE_RULESET_ERRATA ? L.LANDLOCK_ERRATA : -EINVAL;
  }
  if (address === 0) return -EFAULT;
  if (length < L.RULESET_ATTR_MIN) return -EINVAL;
  if (length > PAGE_SIZE) return -E2BIG;
  const view = readVersioned(task, address, length, L.RULESET_ATTR_SIZE);
  const [files, network, scoped] = [mask(view, 0, L.FS_ALL), mask(view, 8, L.NET_ALL), mask(view, 16, L.SCOPE_ALL)];
  if (files === 0 && network === 0 && scoped === 0) return -ENOMSG;
  const inode = task.fs.mounts.special.anonfs.inode(0o600, ownerOf(task));
  return task.files.add(new RulesetFile(inode, new Ruleset(files, network, scoped)), true, fdLimit(task));
}

function addRule(task: Task, number: number, type: number, address: number, bits: number): number {
  if (bits !== 0) return -EINVAL;
  const ruleset = rulesetOf(task, number);
  switch (type) {
    case L.LANDLOCK_RULE_PATH_BENEATH:
      return addPath(task, ruleset, viewOf(task.space.readable(address, L.PATH_BENEATH_SIZE)));
    case L.LANDLOCK_RULE_NET_PORT:
      return addPort(ruleset, viewOf(task.space.readable(address, L.NET_PORT_SIZE)));
    default:
      return -EINVAL;
  }
}

function addPath(task: Task, ruleset: Ruleset, rule: DataView): number {
  if (unsigned64(rule, 0) === 0) return -ENOMSG;
  const access = mask(rule, 0, ruleset.files);
  const { path } = task.files.getAny(rule.getInt32(8, true));
  // What is nowhere has nothing beneath it.
  if (path === undefined || path.mount.pseudo) return -EBADFD;
  if (!path.dentry.isDirectory && (access & ~L.FS_OF_FILES) !== 0) return -EINVAL;
  ruleset.allowBeneath(path.inode, access);
  return 0;
}

function addPort(ruleset: Ruleset, rule: DataView): number {
  if (unsigned64(rule, 0) === 0) return -ENOMSG;
  const access = mask(rule, 0, ruleset.network);
  const port = unsigned64(rule, 8);
  if (port > PORT_MAX) return -EINVAL;
  ruleset.allowPort(port, access);
  return 0;
}

function restrictSelf(task: Task, number: number, bits: number): number {
  const { credentials } = task;
  if (!credentials.noNewPrivileges && !credentials.hasEffective(CAP_SYS_ADMIN)) return -EPERM;
  if ((bits & ~L.LANDLOCK_RESTRICT_SELF_FLAGS) !== 0) return -EINVAL;
  // All that the flags change is what is logged, and there is no log.
  if (number === -1 && bits === L.LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF) return 0;
  const ruleset = rulesetOf(task, number);
  const { sandbox } = credentials;
  if (sandbox !== null && sandbox.layers.length >= L.MAX_LAYERS) return -E2BIG;
  task.credentials = credentials.with({ sandbox: new Sandbox(sandbox, ruleset.snapshot()) });
  return 0;
}

const createFlags = flags([
  [L.LANDLOCK_CREATE_RULESET_VERSION, "LANDLOCK_CREATE_RULESET_VERSION"],
  [L.LANDLOCK_CREATE_RULESET_ERRATA, "LANDLOCK_CREATE_RULESET_ERRATA"],
]);
const ruleType = choice(
  {
    [L.LANDLOCK_RULE_PATH_BENEATH]: "LANDLOCK_RULE_PATH_BENEATH",
    [L.LANDLOCK_RULE_NET_PORT]: "LANDLOCK_RULE_NET_PORT",
  },
  "LANDLOCK_RULE_???",
);

export const landlockCalls: readonly SyscallDefinition[] = [
  syscall("landlock_create_ruleset", [ptr, size, createFlags], createRuleset, descriptorResult),
  syscall("landlock_add_rule", [fd, ruleType, ptr, flags([])], addRule),
  syscall("landlock_restrict_self", [fd, flags([])], restrictSelf),
];
