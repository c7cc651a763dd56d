/**
 * Terminal settings and ioctl numbers (asm-generic/termbits.h, ioctls.h; termios(3), ioctl_tty(2)). Same on x86_64 and
 * riscv64.
 */

/** Input flags. */
export const IGNBRK = 0o1;
export const BRKINT = 0o2;
export const ISTRIP = 0o40;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const IUCLC = 0o1000;
export const IXON = 0o2000;
export const IXANY = 0o4000;
export const IXOFF = 0o10000;
export const IMAXBEL = 0o20000;
export const IUTF8 = 0o40000;

/** Output flags. */
export const OPOST = 0o1;
export const OLCUC = 0o2;
export const ONLCR = 0o4;
export const OCRNL = 0o10;
export const ONOCR = 0o20;
export const ONLRET = 0o40;
export const TABDLY = 0o14000;
export const XTABS = 0o14000;

/** Control flags. */
export const B38400 = 0o17;
export const CS8 = 0o60;
export const CREAD = 0o200;
export const HUPCL = 0o2000;

/** Local flags. */
export const ISIG = 0o1;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const ECHOE = 0o20;
export const ECHOK = 0o40;
export const ECHONL = 0o100;
export const NOFLSH = 0o200;
export const TOSTOP = 0o400;
export const ECHOCTL = 0o1000;
export const ECHOPRT = 0o2000;
export const ECHOKE = 0o4000;
export const IEXTEN = 0o100000;
export const EXTPROC = 0o200000;

/** Indices of the control characters. */
export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VTIME = 5;
export const VMIN = 6;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VEOL = 11;
export const VREPRINT = 12;
export const VWERASE = 14;
export const VLNEXT = 15;
export const VEOL2 = 16;
export const NCCS = 19;

/** Bytes of the kernel's struct termios and struct termios2. */
export const TERMIOS_SIZE = 36;
export const TERMIOS2_SIZE = 44;

export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
/** With struct termio, which has 16 bits of each kind of flags and eight characters. */
export const TCGETA = 0x5405;
export const TCSETA = 0x5406;
export const TCSETAW = 0x5407;
export const TCSETAF = 0x5408;
export const TCSBRK = 0x5409;
export const TCXONC = 0x540a;
export const TCFLSH = 0x540b;
export const TIOCEXCL = 0x540c;
export const TIOCNXCL = 0x540d;
export const TIOCSCTTY = 0x540e;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const TIOCOUTQ = 0x5411;
export const TIOCSTI = 0x5412;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const FIONREAD = 0x541b;
export const TIOCPKT = 0x5420;
export const TIOCGLCKTRMIOS = 0x5456;
export const TIOCSLCKTRMIOS = 0x5457;
export const TIOCNOTTY = 0x5422;
export const TIOCGETD = 0x5424;
export const TIOCSETD = 0x5423;
export const TCSBRKP = 0x5425;
export const TIOCGSID = 0x5429;
export const TCGETS2 = 0x802c542a;
export const TCSETS2 = 0x402c542b;
export const TCSETSW2 = 0x402c542c;
export const TCSETSF2 = 0x402c542d;
export const TIOCGPTN = 0x80045430;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGPTLCK = 0x80045439;
export const TIOCGPKT = 0x80045438;
export const TIOCGPTPEER = 0x5441;

/** Packet mode's status byte (ioctl_tty(2)). */
export const TIOCPKT_DATA = 0;
export const TIOCPKT_FLUSHREAD = 1;
export const TIOCPKT_FLUSHWRITE = 2;
export const TIOCPKT_STOP = 4;
export const TIOCPKT_START = 8;
export const TIOCPKT_NOSTOP = 16;
export const TIOCPKT_DOSTOP = 32;

export interface Termios {
  iflag: number;
  oflag: number;
  cflag: number;
  lflag: number;
  line: number;
  readonly cc: Uint8Array;
  ispeed: number;
  ospeed: number;
}

/** What a new terminal has (drivers/tty/tty_io.c, tty_std_termios), as shown by `stty -a` in a fresh pty. */
export function standardTermios(): Termios {
  const cc = new Uint8Array(NCCS);
  cc.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0]);
  return {
    iflag: ICRNL | IXON,
    oflag: OPOST | ONLCR,
    cflag: B38400 | CS8 | CREAD,
    lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    line: 0,
    cc,
    ispeed: 38400,
    ospeed: 38400,
  };
}

/** Reads the kernel's struct termios (36 bytes) or termios2 (44). */
export function decodeTermios(bytes: Uint8Array, current: Termios): Termios {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const two = bytes.length >= TERMIOS2_SIZE;
  return {
    iflag: v.getUint32(0, true),
    oflag: v.getUint32(4, true),
    cflag: v.getUint32(8, true),
    lflag: v.getUint32(12, true),
    line: v.getUint8(16),
    cc: bytes.slice(17, 17 + NCCS),
    ispeed: two ? v.getUint32(36, true) : current.ispeed,
    ospeed: two ? v.getUint32(40, true) : current.ospeed,
  };
}

export const TERMIO_SIZE = 18;
/** c_cc of struct termio. */
const NCC = 8;

/** struct termio: what it has no room for stays. */
export function decodeTermio(bytes: Uint8Array, current: Termios): Termios {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = (at: number, old: number): number => ((old & ~0xffff) | v.getUint16(at, true)) >>> 0;
  const cc = current.cc.slice();
  cc.set(bytes.subarray(9, 9 + NCC));
  return {
    ...current,
    iflag: low(0, current.iflag),
    oflag: low(2, current.oflag),
    cflag: low(4, current.cflag),
    lflag: low(6, current.lflag),
    line: v.getUint8(8),
    cc,
  };
}

export function encodeTermio(t: Termios, into: Uint8Array): void {
  const v = new DataView(into.buffer, into.byteOffset, into.byteLength);
  [t.iflag, t.oflag, t.cflag, t.lflag].forEach((flags, i) => {
    v.setUint16(2 * i, flags & 0xffff, true);
  });
  v.setUint8(8, t.line);
  into.set(t.cc.subarray(0, NCC), 9);
}

/** Settings as they are asked for, but for those that are locked: unset_locked_termios(). */
export function withLocks(wanted: Termios, current: Termios, locked: Termios): Termios {
  const keep = (w: number, c: number, lock: number): number => ((c & lock) | (w & ~lock)) >>> 0;
  return {
    ...wanted,
    iflag: keep(wanted.iflag, current.iflag, locked.iflag),
    oflag: keep(wanted.oflag, current.oflag, locked.oflag),
    cflag: keep(wanted.cflag, current.cflag, locked.cflag),
    lflag: keep(wanted.lflag, current.lflag, locked.lflag),
    line: locked.line !== 0 ? current.line : wanted.line,
    cc: wanted.cc.map((c, i) => (locked.cc[i] !== 0 ? (current.cc[i] as number) : c)),
  };
}

/** Nothing is set, nothing is locked. */
export function noTermios(): Termios {
  return { iflag: 0, oflag: 0, cflag: 0, lflag: 0, line: 0, cc: new Uint8Array(NCCS), ispeed: 0, ospeed: 0 };
}

export function encodeTermios(t: Termios, into: Uint8Array): void {
  const v = new DataView(into.buffer, into.byteOffset, into.byteLength);
  v.setUint32(0, t.iflag, true);
  v.setUint32(4, t.oflag, true);
  v.setUint32(8, t.cflag, true);
  v.setUint32(12, t.lflag, true);
  v.setUint8(16, t.line);
  into.set(t.cc, 17);
  if (into.length >= TERMIOS2_SIZE) {
    v.setUint32(36, t.ispeed, true);
    v.setUint32(40, t.ospeed, true);
  }
}
