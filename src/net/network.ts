/** What the sockets of one machine have in common: their file system, and the names of those that are bound. */
import { EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, ESOCKTNOSUPPORT, errno } from "../abi/errno.ts";
import * as S from "../abi/socket.ts";
import { S_IFSOCK } from "../abi/stat.ts";
import type { Clock } from "../host/interface.ts";
import type { Owner } from "../vfs/inode.ts";
import { AnonymousFs, type AnonymousInode } from "../vfs/special.ts";
import type { Inode, OpenContext } from "../vfs/types.ts";
import { InetSocket, inetProtocol, Ports } from "./inet.ts";
import type { Socket } from "./socket.ts";
import { abstractKey, UnixSocket } from "./unix.ts";

export class Network {
  readonly #sockfs: AnonymousFs;
  /** The abstract namespace of unix(7): names without the leading NUL, byte by byte, after the socket's type. */
  readonly abstractNames: Map<string, UnixSocket> = new Map();
  /** Sockets that are bound to a place in a file system, by the inode there. */
  readonly boundTo: WeakMap<Inode, UnixSocket> = new WeakMap();
  readonly #ports: Ports = new Ports();
  #lastAutomatic = 0;

  constructor(clock: Clock, device: number) {
    this.#sockfs = new AnonymousFs("sockfs", S.SOCKFS_MAGIC, device, clock);
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
    if (family === S.AF_INET || family === S.AF_INET6) {
      const found = inetProtocol(type, protocol, context);
      return new InetSocket(this.#ports, this.inode(owner), flags, family, type, found);
    }
    if (family !== S.AF_UNIX) throw errno(EAFNOSUPPORT);
    if (protocol !== 0 && protocol !== S.AF_UNIX) throw errno(EPROTONOSUPPORT);
    const kind = type === S.SOCK_RAW ? S.SOCK_DGRAM : type;
    if (kind !== S.SOCK_STREAM && kind !== S.SOCK_DGRAM && kind !== S.SOCK_SEQPACKET) throw errno(ESOCKTNOSUPPORT);
    return new UnixSocket(this, this.inode(owner), flags, kind);
  }
}
