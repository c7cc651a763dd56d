/**
 * N_TTY: what stands between a terminal (or the master side of a pty) and the programs that read and write it.
 *
 *     driver --input()--> [flow control, signals, editing, echo] --> read buffer --read()--> program
 *     driver <--transmit-- [output processing, echo] <------------------------- --write()--- program
 *
 * Canonical input: bytes are edited in `#line` until an end-of-line character; whole lines then move to `#ready`, each with
 * its length remembered, since a read never crosses a line. An end-of-file character ends a line without being part of
 * it, so an empty line is what a reader sees as the end of the file. Raw input goes to `#ready` at once.
 *
 * Behaviour follows termios(3) and, where that is vague (echo of control characters, what ^U shows, the 4095-byte line),
 * what Linux does.
 */
import { EAGAIN } from "../../abi/errno.ts";
import * as T from "../../abi/termios.ts";

/** Linux's N_TTY_BUF_SIZE: a line longer than 4095 bytes loses what comes after. */
const BUFFER_SIZE = 4096;

export const TtySignal = { INT: 2, QUIT: 3, TSTP: 20 } as const;

/** What the discipline needs of its terminal. */
export interface Driver {
  /** Takes all; `false` asks to hold further output until `outputDrained` is called. */
  transmit(bytes: Uint8Array): boolean;
  /** To the foreground process group. */
  signal(signal: number): void;
  /** Something became readable or writable: whoever polls or sleeps looks again. */
  changed(): void;
  /** A timer for VTIME, in milliseconds; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** Flow control or flush happened, as packet mode reports it (TIOCPKT_*). */
  status?(bits: number): void;
}

export class LineDiscipline {
  termios: T.Termios = T.standardTermios();
  readonly #driver: Driver;

  /** Canonical: the line being edited. */
  #line: number[] = [];
  /** Complete input, and in canonical mode the lengths of its lines (an EOF line may have length 0). */
  #ready: number[] = [];
  #lineEnds: { length: number; eof: boolean }[] = [];
  #literalNext = false;
  /** Output is held by ^S, or by a slow reader behind the driver. */
  #stopped = false;
  #congested = false;
  #column = 0;
  /** Column at which the edited line began: ECHOKE and erasing a tab need it. */
  #lineColumn = 0;
  /**
   * Echo of the input that is being taken, shown when all of it has been: a signal's flush takes back what came before
   * it (isig() of n_tty.c). Undefined between inputs.
   */
  #echoed: number[] | undefined;
  #echoColumn = 0;
  #timer: (() => void) | undefined;
  #timedOut = false;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  get #canonical(): boolean {
    return (this.termios.lflag & T.ICANON) !== 0;
  }

  /** Bytes that FIONREAD reports. */
  get readable(): number {
    if (!this.#canonical) return this.#ready.length;
    return this.#lineEnds.reduce((sum, line) => sum + line.length, 0);
  }

  /** Whether a read would return now. */
  get hasInput(): boolean {
    if (this.#canonical) return this.#lineEnds.length > 0;
    const min = this.termios.cc[T.VTIME] === 0 ? Math.max(1, this.termios.cc[T.VMIN] ?? 1) : 1;
    return this.#ready.length >= min;
  }

  get canWrite(): boolean {
    return !this.#stopped && !this.#congested;
  }

  /** More raw input can be taken: the driver holds back the rest until a read makes room. */
  get room(): number {
    return Math.max(0, BUFFER_SIZE - 1 - this.#ready.length - this.#line.length);
  }

  // ---- driver to program ----

  input(bytes: Uint8Array): void {
    this.#echoed = [];
    this.#echoColumn = this.#column;
    for (const b of bytes) this.#inputByte(b);
    const echoed = Uint8Array.from(this.#echoed);
    this.#echoed = undefined;
    this.#send(echoed);
    this.#driver.changed();
  }

  #inputByte(byte: number): void {
    const { iflag, lflag, cc } = this.termios;
    let b = iflag & T.ISTRIP ? byte & 0x7f : byte;
    if (iflag & T.IUCLC && lflag & T.IEXTEN && b >= 65 && b <= 90) b += 32;
    if (this.#literalNext) {
      this.#literalNext = false;
      this.#accept(b);
      return;
    }
    if (iflag & T.IXON && (b === cc[T.VSTART] || b === cc[T.VSTOP]) && b !== 0) {
      this.flow(b === cc[T.VSTOP] && b !== cc[T.VSTART]);
      return;
    }
    if (this.#stopped && iflag & T.IXON && iflag & T.IXANY) this.flow(false);
    if (lflag & T.ISIG && b !== 0) {
      const signal =
        b === cc[T.VINTR] ? TtySignal.INT : b === cc[T.VQUIT] ? TtySignal.QUIT : b === cc[T.VSUSP] ? TtySignal.TSTP : 0;
      if (signal !== 0) {
        this.#signalByte(b, signal);
        return;
      }
    }
    if (b === 13) {
      if (iflag & T.IGNCR) return;
      if (iflag & T.ICRNL) b = 10;
    } else if (b === 10 && iflag & T.INLCR) b = 13;
    if (this.#canonical) this.#edit(b);
    else this.#accept(b);
  }

  #signalByte(b: number, signal: number): void {
    if ((this.termios.lflag & T.NOFLSH) === 0) {
      this.flushInput();
      this.#echoed = [];
      this.#column = this.#echoColumn;
      this.#driver.status?.(T.TIOCPKT_FLUSHREAD | T.TIOCPKT_FLUSHWRITE);
    }
    this.flow(false);
    if (this.termios.lflag & T.ECHO) this.#echo(b);
    this.#driver.signal(signal);
  }

  /** A byte of canonical input: an editing character, the end of a line, or part of it. */
  #edit(b: number): void {
    const { lflag, cc } = this.termios;
    const is = (index: number): boolean => b === cc[index] && b !== 0;
    const extended = (lflag & T.IEXTEN) !== 0;
    if (is(T.VERASE)) {
      this.#eraseCharacter();
    } else if (is(T.VKILL)) {
      this.#killLine();
    } else if (extended && is(T.VWERASE)) {
      this.#eraseWord();
    } else if (extended && is(T.VLNEXT)) {
      this.#literalNext = true;
      // The caret is shown, and the character that follows is written over it.
      if (lflag & T.ECHO && lflag & T.ECHOCTL) this.#transmit([94, 8]);
    } else if (extended && lflag & T.ECHO && is(T.VREPRINT)) {
      this.#echo(b);
      this.#transmitProcessed(10);
      this.#lineColumn = this.#column;
      for (const c of this.#line) this.#echo(c);
    } else if (b === 10) {
      if (lflag & (T.ECHO | T.ECHONL)) this.#transmitProcessed(10);
      this.#endLine(b);
    } else if (is(T.VEOF)) {
      this.#endLine(undefined);
    } else if (is(T.VEOL) || (extended && is(T.VEOL2))) {
      if (lflag & T.ECHO) this.#echo(b);
      this.#endLine(b);
    } else {
      this.#accept(b);
    }
  }

  #accept(b: number): void {
    if (this.#canonical) {
      // A full line takes nothing but its end; Linux rings the bell when IMAXBEL asks for it.
      if (this.#ready.length + this.#line.length >= BUFFER_SIZE - 1) {
        if (this.termios.iflag & T.IMAXBEL) this.#transmit([7]);
        return;
      }
      if (this.#line.length === 0) this.#lineColumn = this.#column;
      this.#line.push(b);
    } else if (this.#ready.length < BUFFER_SIZE) {
      this.#ready.push(b);
    }
    if (this.termios.lflag & T.ECHO) this.#echo(b);
  }

  #endLine(terminator: number | undefined): void {
    if (terminator !== undefined) this.#line.push(terminator);
    for (const b of this.#line) this.#ready.push(b);
    this.#lineEnds.push({ length: this.#line.length, eof: terminator === undefined });
    this.#line = [];
  }

  #eraseCharacter(): void {
    if (this.#line.length === 0) return;
    const removed = [this.#line.pop() as number];
    // With IUTF8 a character of several bytes goes as one.
    if (this.termios.iflag & T.IUTF8)
      while (this.#line.length > 0 && ((removed[0] as number) & 0xc0) === 0x80)
        removed.unshift(this.#line.pop() as number);
    this.#showErased(removed);
  }

  #eraseWord(): void {
    const wordByte = (b: number): boolean =>
      (b >= 48 && b <= 57) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122) || b === 95 || b >= 128;
    let seenWord = false;
    while (this.#line.length > 0) {
      const last = this.#line[this.#line.length - 1] as number;
      if (wordByte(last)) seenWord = true;
      else if (seenWord) break;
      this.#eraseCharacter();
    }
  }

  #killLine(): void {
    const { lflag } = this.termios;
    if (lflag & T.ECHO && lflag & T.ECHOKE && lflag & T.ECHOE) {
      while (this.#line.length > 0) this.#eraseCharacter();
      return;
    }
    this.#line = [];
    if ((lflag & T.ECHO) === 0) return;
    this.#echo(this.termios.cc[T.VKILL] ?? 0);
    if (lflag & T.ECHOK) this.#transmitProcessed(10);
  }

  #showErased(bytes: readonly number[]): void {
    const { lflag } = this.termios;
    if ((lflag & T.ECHO) === 0) return;
    if ((lflag & T.ECHOE) === 0) {
      this.#echo(this.termios.cc[T.VERASE] ?? 0);
      return;
    }
    const b = bytes[0] as number;
    if (b === 9) {
      // Back to where the tab began: replay the columns of what is left of the line.
      let column = this.#lineColumn;
      for (const c of this.#line) column = c === 9 ? (column | 7) + 1 : column + this.#echoWidth(c);
      while (this.#column > column) this.#transmit([8]);
      return;
    }
    for (let n = this.#echoWidth(b); n > 0; n--) this.#transmit([8, 32, 8]);
  }

  /** Columns that the echo of a byte takes. */
  #echoWidth(b: number): number {
    if (b === 9) return 8 - (this.#column & 7);
    if (b < 32 || b === 127) return this.termios.lflag & T.ECHOCTL ? 2 : 0;
    if (this.termios.iflag & T.IUTF8 && (b & 0xc0) === 0x80) return 0;
    return 1;
  }

  #echo(b: number): void {
    if (this.termios.lflag & T.ECHOCTL && (b < 32 || b === 127) && b !== 9 && b !== 10)
      this.#transmit([94, b === 127 ? 63 : b + 64]);
    else this.#transmitProcessed(b);
  }

  // ---- program to driver ----

  /** Bytes taken, or -EAGAIN while output is stopped. */
  write(from: Uint8Array): number {
    if (!this.canWrite) return -EAGAIN;
    if ((this.termios.oflag & T.OPOST) === 0) {
      this.#track(from);
      this.#send(from);
      return from.length;
    }
    const out: number[] = [];
    for (const b of from) this.#process(b, out);
    this.#send(Uint8Array.from(out));
    return from.length;
  }

  #transmitProcessed(b: number): void {
    const out: number[] = [];
    if (this.termios.oflag & T.OPOST) this.#process(b, out);
    else {
      out.push(b);
      this.#track([b]);
    }
    this.#show(out);
  }

  #transmit(bytes: readonly number[]): void {
    this.#track(bytes);
    this.#show(bytes);
  }

  #show(bytes: readonly number[]): void {
    if (this.#echoed === undefined) this.#send(Uint8Array.from(bytes));
    else for (const b of bytes) this.#echoed.push(b);
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#driver.transmit(bytes)) this.#congested = true;
  }

  #track(bytes: Iterable<number>): void {
    for (const b of bytes) {
      if (b === 8) this.#column = Math.max(0, this.#column - 1);
      else if (b === 9) this.#column = (this.#column | 7) + 1;
      else if (b === 13) this.#column = 0;
      else if (b >= 32 && b !== 127 && (b & 0xc0) !== 0x80) this.#column++;
    }
  }

  /** Output processing (OPOST) of one byte. */
  #process(byte: number, out: number[]): void {
    const { oflag } = this.termios;
    if (byte === 10) {
      if (oflag & T.ONLCR) {
        out.push(13, 10);
        this.#column = 0;
        return;
      }
      if (oflag & T.ONLRET) this.#column = 0;
    } else if (byte === 13) {
      if (oflag & T.ONOCR && this.#column === 0) return;
      if (oflag & T.OCRNL) {
        out.push(10);
        if (oflag & T.ONLRET) this.#column = 0;
        return;
      }
    } else if (byte === 9 && (oflag & T.TABDLY) === T.XTABS) {
      const spaces = 8 - (this.#column & 7);
      for (let i = 0; i < spaces; i++) out.push(32);
      this.#column += spaces;
      return;
    }
    const b = oflag & T.OLCUC && byte >= 97 && byte <= 122 ? byte - 32 : byte;
    out.push(b);
    this.#track([b]);
  }

  /** The driver can take more again. */
  outputDrained(): void {
    this.#congested = false;
    this.#driver.changed();
  }

  /** Stops (^S, TCOOFF) or restarts output. */
  flow(stop: boolean): void {
    if (this.#stopped === stop) return;
    this.#stopped = stop;
    this.#driver.status?.(stop ? T.TIOCPKT_STOP : T.TIOCPKT_START);
    this.#driver.changed();
  }

  // ---- reading ----

  /** Bytes, 0 for the end of file or an expired VTIME, -EAGAIN if there is nothing yet. */
  read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    return this.#canonical ? this.#readLine(into) : this.#readRaw(into);
  }

  #readLine(into: Uint8Array): number {
    const line = this.#lineEnds[0];
    if (line === undefined) return -EAGAIN;
    const n = Math.min(into.length, line.length);
    this.#take(into, n);
    line.length -= n;
    // A line that ends in EOF and was read to its last byte must not show an empty rest, which would mean end of file.
    if (line.length === 0) this.#lineEnds.shift();
    return n;
  }

  #readRaw(into: Uint8Array): number {
    const min = this.termios.cc[T.VMIN] ?? 1;
    const tenths = this.termios.cc[T.VTIME] ?? 0;
    const have = this.#ready.length;
    const enough = tenths > 0 && min === 0 ? have > 0 : have >= Math.min(Math.max(min, 1), into.length);
    if (enough || (this.#timedOut && (have > 0 || min === 0)) || (have === 0 && min === 0 && tenths === 0)) {
      this.#cancelTimer();
      const n = Math.min(into.length, have);
      this.#take(into, n);
      return n;
    }
    // VTIME runs from the call if VMIN is 0, else from the first byte (termios(3), "Canonical and noncanonical mode").
    if (tenths > 0 && this.#timer === undefined && (min === 0 || have > 0)) {
      this.#timer = this.#driver.after(tenths * 100, () => {
        this.#timer = undefined;
        this.#timedOut = true;
        this.#driver.changed();
      });
    }
    return -EAGAIN;
  }

  #cancelTimer(): void {
    this.#timedOut = false;
    this.#timer?.();
    this.#timer = undefined;
  }

  #take(into: Uint8Array, n: number): void {
    for (let i = 0; i < n; i++) into[i] = this.#ready[i] as number;
    this.#ready.splice(0, n);
  }

  // ---- settings ----

  setTermios(next: T.Termios): void {
    const wasCanonical = this.#canonical;
    this.termios = next;
    this.#cancelTimer();
    if (wasCanonical && !this.#canonical) {
      // What was being edited becomes readable as it is.
      for (const b of this.#line) this.#ready.push(b);
      this.#line = [];
      this.#lineEnds = [];
    } else if (!wasCanonical && this.#canonical && this.#ready.length > 0) {
      // Raw bytes not read yet count as one line.
      this.#lineEnds = [{ length: this.#ready.length, eof: true }];
    }
    if ((next.iflag & T.IXON) === 0) this.flow(false);
    this.#driver.changed();
  }

  flushInput(): void {
    this.#line = [];
    this.#ready = [];
    this.#lineEnds = [];
    this.#literalNext = false;
  }
}
