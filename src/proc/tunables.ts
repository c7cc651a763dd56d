import type { InotifyAccount } from "../vfs/inotify.ts";

/** Values below /proc/sys that are the machine's, and that a privileged process may change (sysctl(8)). */
export class Tunables {
  /** fs.pipe-max-size: what F_SETPIPE_SZ gives without CAP_SYS_RESOURCE. */
  pipeMaxSize = 1_048_576;
  /** fs.nr_open: RLIMIT_NOFILE may not be above it. */
  openFiles = 1_048_576;
  /** fs.lease-break-time, in seconds. */
  leaseBreakTime = 45;
  /** fs.inotify: of each user, and the length of a queue that is made from now on. */
  inotifyInstances = 128;
  inotifyWatches = 192_536;
  inotifyEvents = 16_384;
  readonly #inotify: Map<number, InotifyAccount> = new Map();

  inotifyOf(uid: number): InotifyAccount {
    let account = this.#inotify.get(uid);
    if (account === undefined) {
      account = { instances: 0, watches: 0, limits: this };
      this.#inotify.set(uid, account);
    }
    return account;
  }
}
