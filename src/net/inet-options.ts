/**
 * Options of the Internet protocols: those that are numbers with a range, in a table. What has an effect here is asked for
 * by name where it has it; the others are kept, since nothing is sent on a wire of ours.
 */
import { EINVAL, ENOPROTOOPT, errno } from "../abi/errno.ts";
import * as I from "../abi/inet.ts";
import { AF_INET6, SOCK_RAW, SOCK_STREAM } from "../abi/socket.ts";

interface NumberOption {
  readonly initial: number;
  readonly least: number;
  readonly most: number;
  /** Anything but 0 is 1. */
  readonly flag: boolean;
  /** -1 stands for the initial value. */
  readonly resets: boolean;
}

const flag = (initial = 0): NumberOption => ({ initial, least: -(2 ** 31), most: 2 ** 31, flag: true, resets: false });
const range = (initial: number, least: number, most: number): NumberOption => ({
  initial,
  least,
  most,
  flag: false,
  resets: false,
});
const hops = (initial: number, least: number): NumberOption => ({ ...range(initial, least, 255), resets: true });
const INT_MAX = 0x7fff_ffff;

const IP: Readonly<Record<number, NumberOption>> = {
  [I.IP_TOS]: range(0, 0, 255),
  [I.IP_TTL]: hops(64, 1),
  [I.IP_RECVOPTS]: flag(),
  [I.IP_PKTINFO]: flag(),
  [I.IP_MTU_DISCOVER]: range(1, 0, 5),
  [I.IP_RECVERR]: flag(),
  [I.IP_RECVTTL]: flag(),
  [I.IP_RECVTOS]: flag(),
  [I.IP_FREEBIND]: flag(),
  [I.IP_BIND_ADDRESS_NO_PORT]: flag(),
  [I.IP_MULTICAST_TTL]: hops(1, 0),
  [I.IP_MULTICAST_LOOP]: flag(1),
  [I.IP_MULTICAST_ALL]: flag(1),
};

const IPV6: Readonly<Record<number, NumberOption>> = {
  [I.IPV6_2292HOPLIMIT]: flag(),
  [I.IPV6_UNICAST_HOPS]: hops(64, 0),
  [I.IPV6_MULTICAST_HOPS]: hops(1, 0),
  [I.IPV6_MULTICAST_LOOP]: flag(1),
  [I.IPV6_MTU_DISCOVER]: range(1, 0, 5),
  [I.IPV6_RECVERR]: flag(),
  [I.IPV6_V6ONLY]: flag(),
  [I.IPV6_RECVPKTINFO]: flag(),
  [I.IPV6_RECVHOPLIMIT]: flag(),
  [I.IPV6_RECVTCLASS]: flag(),
  [I.IPV6_TCLASS]: { ...range(0, 0, 255), resets: true },
  [I.IPV6_DONTFRAG]: flag(),
  [I.IPV6_AUTOFLOWLABEL]: flag(1),
  [I.IPV6_FREEBIND]: flag(),
};

const TCP: Readonly<Record<number, NumberOption>> = {
  [I.TCP_NODELAY]: flag(),
  [I.TCP_CORK]: flag(),
  [I.TCP_MAXSEG]: range(536, 88, 32767),
  [I.TCP_KEEPIDLE]: range(7200, 1, 32767),
  [I.TCP_KEEPINTVL]: range(75, 1, 32767),
  [I.TCP_KEEPCNT]: range(9, 1, 127),
  [I.TCP_SYNCNT]: range(6, 1, 127),
  [I.TCP_LINGER2]: range(60, -INT_MAX, INT_MAX),
  [I.TCP_DEFER_ACCEPT]: range(0, -INT_MAX, INT_MAX),
  [I.TCP_WINDOW_CLAMP]: range(0, 0, INT_MAX),
  [I.TCP_QUICKACK]: flag(1),
  [I.TCP_USER_TIMEOUT]: range(0, 0, INT_MAX),
  [I.TCP_FASTOPEN]: range(0, 0, INT_MAX),
  [I.TCP_TIMESTAMP]: range(0, -INT_MAX, INT_MAX),
  [I.TCP_NOTSENT_LOWAT]: range(0, -INT_MAX, INT_MAX),
};

const UDP: Readonly<Record<number, NumberOption>> = { [I.UDP_CORK]: flag() };
const RAW6: Readonly<Record<number, NumberOption>> = { [I.IPV6_CHECKSUM]: range(-1, -1, INT_MAX) };
const RAW: Readonly<Record<number, NumberOption>> = { [I.IP_HDRINCL]: flag() };

export class InetOptions {
  readonly #family: number;
  readonly #type: number;
  readonly #protocol: number;
  readonly #values: Map<number, number> = new Map();

  constructor(family: number, type: number, protocol: number, from?: InetOptions) {
    this.#family = family;
    this.#type = type;
    this.#protocol = protocol;
    if (from !== undefined) for (const [key, value] of from.#values) this.#values.set(key, value);
  }

  #find(level: number, name: number): NumberOption | undefined {
    if (level === I.IPPROTO_IP) return IP[name] ?? (this.#type === SOCK_RAW ? RAW[name] : undefined);
    if (level === I.IPPROTO_IPV6 && this.#family === AF_INET6) return IPV6[name];
    if (level === I.IPPROTO_RAW && this.#type === SOCK_RAW && this.#family === AF_INET6) return RAW6[name];
    if (level !== this.#protocol) return undefined;
    if (level === I.IPPROTO_TCP && this.#type === SOCK_STREAM) return TCP[name];
    return level === I.IPPROTO_UDP ? UDP[name] : undefined;
  }

  /** The value; ENOPROTOOPT if there is no such option. */
  get(level: number, name: number): number {
    const option = this.#find(level, name);
    if (option === undefined) throw errno(ENOPROTOOPT);
    return this.#values.get(level * 256 + name) ?? option.initial;
  }

  isSet(level: number, name: number): boolean {
    return (this.#values.get(level * 256 + name) ?? this.#find(level, name)?.initial ?? 0) !== 0;
  }

  set(level: number, name: number, value: Uint8Array): void {
    const option = this.#find(level, name);
    if (option === undefined) throw errno(ENOPROTOOPT);
    // ip(7): options of IPPROTO_IP take a byte as well.
    if (value.length < (level === I.IPPROTO_IP ? 1 : 4)) throw errno(EINVAL);
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    let number = value.length >= 4 ? view.getInt32(0, true) : (value[0] as number);
    if (option.resets && number === -1) number = option.initial;
    if (option.flag) number = number === 0 ? 0 : 1;
    else if (number < option.least || number > option.most) {
      if (level === I.IPPROTO_TCP && name === I.TCP_MAXSEG && number === 0) number = option.initial;
      else throw errno(EINVAL);
    }
    this.#values.set(level * 256 + name, number);
  }
}
