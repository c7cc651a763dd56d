/**
 * One end of a TCP connection as the other sees it: a socket of this machine (tcp.ts) or the way to somebody outside
 * (outside.ts). None of the calls fails or waits. There are no segments and no acknowledgements: what one end hands over
 * is in the other's receive queue, or on its way to the host.
 */
export interface StreamEnd {
  /** Takes a copy of as many bytes as there is room for; 0: none. `roomMade` tells the giver when there is some. */
  deliver(bytes: Uint8Array): number;
  /** Is there so much room that it is worth telling a giver? */
  readonly spacious: boolean;
  /** Bytes that were delivered and have not been read (SIOCOUTQ). */
  readonly pending: number;
  /** The other end will send no more (FIN). */
  finish(): void;
  /** The connection is over, and something may be lost (RST). */
  reset(): void;
  /** The other end has read: it can take more. */
  roomMade(): void;
}
