/** The Internet protocols: numbers, options, ioctls, states (linux/in.h, in6.h, tcp.h, udp.h, sockios.h, if.h). */

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_RAW = 255;
/** Protocols from here on do not exist for socket(2). */
export const IPPROTO_MAX = 263;

/** net.ipv4.ip_local_port_range */
export const FIRST_EPHEMERAL = 32768;
export const LAST_EPHEMERAL = 60999;
/** net.ipv4.ip_unprivileged_port_start */
export const FIRST_UNPRIVILEGED = 1024;

export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_OPTIONS = 4;
export const IP_RECVOPTS = 6;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
export const IP_RECVTOS = 13;
export const IP_MTU = 14;
export const IP_FREEBIND = 15;
export const IP_TRANSPARENT = 19;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_MULTICAST_ALL = 49;

/** Of RFC 2292, before RFC 3542 gave it another number. */
export const IPV6_2292HOPLIMIT = 8;
export const IPV6_CHECKSUM = 7;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_MTU = 24;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;
export const IPV6_DONTFRAG = 62;
export const IPV6_AUTOFLOWLABEL = 70;
export const IPV6_FREEBIND = 78;

export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_CORK = 3;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_SYNCNT = 7;
export const TCP_LINGER2 = 8;
export const TCP_DEFER_ACCEPT = 9;
export const TCP_WINDOW_CLAMP = 10;
export const TCP_INFO = 11;
export const TCP_QUICKACK = 12;
export const TCP_CONGESTION = 13;
export const TCP_USER_TIMEOUT = 18;
export const TCP_FASTOPEN = 23;
export const TCP_TIMESTAMP = 24;
export const TCP_NOTSENT_LOWAT = 25;

export const UDP_CORK = 1;

/** By name, apart from the states below that begin alike. */
export const TCP_OPTIONS: Readonly<Record<string, number>> = {
  TCP_NODELAY,
  TCP_MAXSEG,
  TCP_CORK,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_KEEPCNT,
  TCP_SYNCNT,
  TCP_LINGER2,
  TCP_DEFER_ACCEPT,
  TCP_WINDOW_CLAMP,
  TCP_INFO,
  TCP_QUICKACK,
  TCP_CONGESTION,
  TCP_USER_TIMEOUT,
  TCP_FASTOPEN,
  TCP_TIMESTAMP,
  TCP_NOTSENT_LOWAT,
};

/** enum of net/tcp_states.h, as /proc/net/tcp and TCP_INFO show them. */
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LISTEN = 10;

export const SIOC_FIRST: number = 0x8900;
export const SIOC_LAST: number = 0x89ff;

/** Options that join a multicast group: IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IPV6_ADD_MEMBERSHIP, MCAST_JOIN_GROUP... */
export function isMulticastJoin(level: number, option: number): boolean {
  if (option === 42 || option === 46) return level === IPPROTO_IP || level === IPPROTO_IPV6;
  return level === IPPROTO_IP ? option === 35 || option === 39 : level === IPPROTO_IPV6 && option === 20;
}
