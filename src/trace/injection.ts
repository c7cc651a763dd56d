/** What strace -e inject does to a call. */
export interface Injection {
  /** Result instead of the call's; a negative errno for a failure. The call is not made. */
  readonly result?: number;
  /** A signal for the task when it enters the call. */
  readonly signal?: number;
}
