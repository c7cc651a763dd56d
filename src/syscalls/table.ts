/** All definitions, and the numbers under which an architecture calls them. */

import { aioCalls } from "./aio.ts";
import type { SyscallDefinition } from "./define.ts";
import { eventFileCalls } from "./event-files.ts";
import { eventPollCalls } from "./event-poll.ts";
import { fileFamilies } from "./file-table.ts";
import { futexCalls } from "./futex.ts";
import { ioPriorityCalls } from "./io-priority.ts";
import { landlockCalls } from "./landlock.ts";
import { memoryCalls } from "./memory.ts";
import { mqueueCalls } from "./mqueue.ts";
import { namespaceCalls } from "./namespaces.ts";
import { networkCalls } from "./network.ts";
import { prctlCalls } from "./process-control.ts";
import { processCreationCalls } from "./process-create.ts";
import { processIdCalls } from "./process-ids.ts";
import { processMemoryCalls } from "./process-memory.ts";
import { pidfdCalls } from "./process-pidfd.ts";
import { waitCalls } from "./process-wait.ts";
import { ptraceCalls } from "./ptrace.ts";
import { riscvCalls } from "./riscv.ts";
import { schedulingCalls } from "./scheduling.ts";
import { seccompCalls } from "./seccomp.ts";
import { securityCalls } from "./security.ts";
import { signalActionCalls } from "./signal-action.ts";
import { signalSendCalls } from "./signal-send.ts";
import { signalWaitCalls } from "./signal-wait.ts";
import { systemCalls } from "./system.ts";
import { resourceCalls } from "./system-resources.ts";
import { messageCalls } from "./sysv-msg.ts";
import { semaphoreCalls } from "./sysv-sem.ts";
import { sharedMemoryCalls } from "./sysv-shm.ts";
import { clockAdjustmentCalls } from "./time-adjust.ts";
import { clockCalls } from "./time-clock.ts";
import { timerCalls } from "./time-timers.ts";
import { userIdCalls } from "./user-ids.ts";

/** Every definition, family by family. */
export const SYSCALLS: readonly SyscallDefinition[] = [
  ...aioCalls,
  ...eventFileCalls,
  ...eventPollCalls,
  ...fileFamilies,
  ...pidfdCalls,
  ...futexCalls,
  ...landlockCalls,
  ...memoryCalls,
  ...mqueueCalls,
  ...namespaceCalls,
  ...networkCalls,
  ...prctlCalls,
  ...processCreationCalls,
  ...processIdCalls,
  ...processMemoryCalls,
  ...ptraceCalls,
  ...seccompCalls,
  ...securityCalls,
  ...waitCalls,
  ...riscvCalls,
  ...schedulingCalls,
  ...signalActionCalls,
  ...signalSendCalls,
  ...signalWaitCalls,
  ...systemCalls,
  ...messageCalls,
  ...semaphoreCalls,
  ...sharedMemoryCalls,
  ...resourceCalls,
  ...clockCalls,
  ...clockAdjustmentCalls,
  ...ioPriorityCalls,
  ...timerCalls,
  ...userIdCalls,
];

/** The definitions by number; numbers without a definition are ENOSYS. */
export function syscallTable(
  numbers: Readonly<Record<string, number>>,
  definitions: readonly SyscallDefinition[] = SYSCALLS,
): (SyscallDefinition | undefined)[] {
  const table: (SyscallDefinition | undefined)[] = [];
  for (const definition of definitions) {
    const number = numbers[definition.name];
    // A call that this architecture does not have, such as fork on riscv64.
    if (number === undefined) continue;
    if (table[number] !== undefined) throw new Error(`${definition.name} is defined twice`);
    while (table.length < number) table.push(undefined);
    table[number] = definition;
  }
  return table;
}
