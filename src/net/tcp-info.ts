/** struct tcp_info (linux/tcp.h): what getsockopt(TCP_INFO) tells of a connection that loses nothing and waits for nobody. */
import { TCP_CLOSE, TCP_LISTEN } from "../abi/inet.ts";
import type { TcpSocket } from "./tcp.ts";

/** sizeof(struct tcp_info) of Linux 6.1. */
const SIZE = 240;
/** TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE */
const OPTIONS = 7;
/** Segments of the loopback: half of 64 KiB, as Linux sends them. */
const SEGMENT = 32_741;

export function tcpInfo(socket: TcpSocket): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  const { state } = socket;
  bytes[0] = state;
  const connected = state !== TCP_CLOSE && state !== TCP_LISTEN;
  bytes[5] = connected ? OPTIONS : 0;
  bytes[6] = connected ? 0x77 : 0;
  const words: Readonly<Record<number, number>> = {
    // rto, ato, snd_mss, rcv_mss (microseconds, bytes)
    8: connected ? 201_000 : 1_000_000,
    12: connected ? 40_000 : 0,
    16: connected ? SEGMENT : 536,
    20: 536,
    // unacked and sacked are a listener's queue and its limit.
    24: state === TCP_LISTEN ? socket.accepting : 0,
    28: state === TCP_LISTEN ? socket.backlog : 0,
    // pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering
    60: connected ? 65_535 : 0,
    64: 65_483,
    68: connected ? 20 : 0,
    72: connected ? 10 : 250_000,
    76: 0x7fff_ffff,
    80: 10,
    84: SEGMENT * 2,
    88: 3,
  };
  for (const [at, value] of Object.entries(words)) view.setUint32(Number(at), value, true);
  return bytes;
}
