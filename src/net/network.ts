/** What the sockets of one machine have in common: their file system, the names of those that are bound, the way out. */
import { EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, ESOCKTNOSUPPORT, errno } from "../abi/errno.ts";
import * as I from "../abi/inet.ts";
import * as S from "../abi/socket.ts";
import { S_IFSOCK } from "../abi/stat.ts";
import type { Host } from "../host/interface.ts";
import type { Owner } from "../vfs/inode.ts";
import { AnonymousFs, type AnonymousInode } from "../vfs/special.ts";
import type { Inode, OpenContext } from "../vfs/types.ts";
import { inetProtocol } from "./inet.ts";
import { NetlinkSocket } from "./netlink.ts";
import { Outside, type PublishedPort } from "./outside.ts";
import { NetworkPolicy, type NetworkRule } from "./policy.ts";
import { RawSocket } from "./raw.ts";
import type { Socket } from "./socket.ts";
import { InetStack, type NetworkMode } from "./stack.ts";
import { TcpSocket } from "./tcp.ts";
import { UdpSocket } from "./udp.ts";
import { abstractKey, UnixSocket } from "./unix.ts";

export interface NetworkOptions {
  readonly mode: NetworkMode;
  readonly publish: readonly PublishedPort[];
  /** None: everything that the mode has. */
  readonly allow: readonly NetworkRule[];
  /** Who has a capability for this network; who has it for the machine, if undefined. */
  readonly capable?: (context: OpenContext, capability: number) => boolean;
  /** The loopback interface can be turned on and off. */
  readonly changes?: boolean;
  /** Names of sockets in file systems, which networks that see the same files have in common. */
  readonly boundTo?: WeakMap<Inode, UnixSocket>;
}

const DEFAULTS: NetworkOptions = { mode: "loopback", publish: [], allow: [] };

export class Network {
  readonly #sockfs: AnonymousFs;
  /** The abstract namespace of unix(7): names without the leading NUL, byte by byte, after the socket's type. */
  readonly abstractNames: Map<string, UnixSocket> = new Map();
  /** Sockets that are bound to a place in a file system, by the inode there. */
  readonly boundTo: WeakMap<Inode, UnixSocket>;
  /** All that are open: /proc/net/unix. */
  readonly unixSockets: Set<UnixSocket> = new Set();
  readonly stack: InetStack;
  readonly options: NetworkOptions;
  #lastAutomatic = 0;
  /** Port of the last netlink socket: Linux takes the process's number for the first. */
  #lastNetlink = 0;

  constructor(host: Host, device: number, options: NetworkOptions = DEFAULTS) {
    this.#sockfs = new AnonymousFs("sockfs", S.SOCKFS_MAGIC, device, host.clock);
    this.options = options;
    this.boundTo = options.boundTo ?? new WeakMap();
    const { mode, publish, allow } = options;
    this.stack = new InetStack({
      mode,
      attached: host.network !== undefined && (mode === "host" || publish.length > 0),
      ipv6: host.network?.ipv6 ?? false,
      now: () => Number(host.clock.monotonic()),
      after: (ms, callback) => host.timers.after(ms, callback),
      inodeLike: (inode) => this.inode(inode.attributes()),
      capable: options.capable ?? (({ credentials }, capability) => credentials.capable(capability)),
      changes: options.changes ?? false,
    });
    if (this.stack.attached && host.network !== undefined) {
      this.stack.outside = new Outside(this.stack, host.network, new NetworkPolicy(allow));
    }
  }

  /** Opens the published ports of the host. Rejects with the host's error. */
  async publish(): Promise<void> {
    for (const port of this.options.publish) await this.stack.outside?.publish(port);
  }

  inode(owner: Owner): AnonymousInode {
    return this.#sockfs.inode(S_IFSOCK | 0o777, owner);
  }

  /** A free name of five hexadecimal digits: unix_autobind(). */
  automaticName(type: number): string {
    for (;;) {
      this.#lastAutomatic = (this.#lastAutomatic + 1) & 0xf_ffff;
      const name = this.#lastAutomatic.toString(16).padStart(5, "0");
      if (!this.abstractNames.has(abstractKey(type, name))) return name;
    }
  }

  /**
   * socket(2), without the descriptor. Throws EAFNOSUPPORT for families that are not there.
   * @param flags O_* of the open file
   */
  create(family: number, type: number, protocol: number, flags: number, owner: Owner, context: OpenContext): Socket {
    if (family < 0 || family >= S.AF_MAX) throw errno(EAFNOSUPPORT);
    if (type < 0 || type >= S.SOCK_MAX) throw errno(EINVAL);
    if (family === S.AF_INET || family === S.AF_INET6) return this.#inet(family, type, protocol, flags, owner, context);
    if (family === S.AF_NETLINK) {
      if (type !== S.SOCK_RAW && type !== S.SOCK_DGRAM) throw errno(ESOCKTNOSUPPORT);
      return new NetlinkSocket(
        this.stack,
        this.inode(owner),
        flags,
        type,
        protocol,
        context,
        () => ++this.#lastNetlink,
      );
    }
    if (family !== S.AF_UNIX) throw errno(EAFNOSUPPORT);
    if (protocol !== 0 && protocol !== S.AF_UNIX) throw errno(EPROTONOSUPPORT);
    const kind = type === S.SOCK_RAW ? S.SOCK_DGRAM : type;
    if (kind !== S.SOCK_STREAM && kind !== S.SOCK_DGRAM && kind !== S.SOCK_SEQPACKET) throw errno(ESOCKTNOSUPPORT);
    return new UnixSocket(this, this.inode(owner), flags, kind);
  }

  #inet(family: number, type: number, protocol: number, flags: number, owner: Owner, context: OpenContext): Socket {
    const found = inetProtocol(type, protocol, this.stack, context);
    const inode = this.inode(owner);
    if (type === S.SOCK_RAW) return new RawSocket(this.stack, inode, flags, family, found);
    if (found === I.IPPROTO_TCP) return new TcpSocket(this.stack, inode, flags, family);
    return new UdpSocket(this.stack, inode, flags, family);
  }
}
