/**
 * Pages that a fork leaves shared until one side touches them.
 *
 * Address spaces are separate memories, so a page cannot be mapped into two of them. After a fork its bytes stay where they are,
 * in the memory of one space, the *holder*, which may read but not write them; the others *inherit* the page: they have contents
 * for it (PageBits.Present) but not in their memory (PageBits.Inherited), and no right to it.
 *
 * - An inheriting space that touches the page fetches a copy and is out of it.
 * - A holder that writes hands the bytes to another member first, which becomes the holder, and is out of it. So a write costs
 *   one copy, as on Linux.
 * - Likewise when the holder unmaps the page or ends.
 * - The last member has the page for itself; its next write finds nobody to hand anything to.
 *
 * The members of a page form a ring: each space has, by page, the number of the next one, with a bit for the holder. A page has
 * the same number in all of them, since what moves (mremap) becomes the space's own first. To share a page is two stores into
 * such tables, so forking 200 MB takes about a millisecond; rings are as long as processes share a page, mostly two.
 */
import { PAGE_SIZE } from "./layout.ts";

/** Set in the entry of the space in whose memory the bytes are. */
const HOLDER = 0x8000;
const NUMBER = 0x7fff;
/** The tables are made of pieces: most of an address space is empty. */
const PIECE_SHIFT = 10;
const PIECE = 1 << PIECE_SHIFT;

/** What sharing needs of an address space. */
export interface SharingHost {
  /** The bytes of a page. */
  bytes(page: number): Uint8Array;
  /** An inherited page has got its bytes, and is held from now on; `writable`: by nobody else. */
  received(page: number, writable: boolean): void;
}

/** The spaces of a machine that share pages, by number. 0 is nobody. */
export class Sharers {
  readonly #spaces: (PageSharing | undefined)[] = [undefined];
  readonly #free: number[] = [];

  /** A number for it, or 0 if there are as many as can be. */
  add(space: PageSharing): number {
    const number = this.#free.pop() ?? this.#spaces.length;
    if (number > NUMBER) return 0;
    this.#spaces[number] = space;
    return number;
  }

  remove(number: number): void {
    this.#spaces[number] = undefined;
    this.#free.push(number);
  }

  at(number: number): PageSharing {
    const space = this.#spaces[number];
    if (space === undefined) throw new Error("a page is shared with nobody");
    return space;
  }
}

/** One address space's part in it. */
export class PageSharing {
  readonly #sharers: Sharers;
  readonly #host: SharingHost;
  readonly #pieces: (Uint16Array | undefined)[] = [];
  #number = 0;
  #count = 0;

  constructor(sharers: Sharers, host: SharingHost) {
    this.#sharers = sharers;
    this.#host = host;
  }

  /** Pages shared with others. */
  get count(): number {
    return this.#count;
  }

  /** To be called before pages are shared; false if that cannot be. */
  join(): boolean {
    if (this.#number === 0) this.#number = this.#sharers.add(this);
    return this.#number !== 0;
  }

  /** The space has ended; it shares nothing any more. */
  end(): void {
    if (this.#count > 0) throw new Error("an address space has ended with shared pages");
    if (this.#number !== 0) this.#sharers.remove(this.#number);
    this.#number = 0;
  }

  #entry(page: number): number {
    return this.#pieces[page >>> PIECE_SHIFT]?.[page & (PIECE - 1)] ?? 0;
  }

  #set(page: number, entry: number): void {
    let piece = this.#pieces[page >>> PIECE_SHIFT];
    if (piece === undefined) this.#pieces[page >>> PIECE_SHIFT] = piece = new Uint16Array(PIECE);
    const at = page & (PIECE - 1);
    if (piece[at] === 0) this.#count++;
    if (entry === 0) this.#count--;
    piece[at] = entry;
  }

  /** Is the page shared, as a holder or inherited? */
  has(page: number): boolean {
    return this.#count > 0 && this.#entry(page) !== 0;
  }

  /** How many address spaces share the page, this one included. */
  members(page: number): number {
    const own = this.#entry(page);
    if (own === 0) return 1;
    let members = 1;
    for (let at = own & NUMBER; at !== this.#number; members++) at = this.#sharers.at(at).#entry(page) & NUMBER;
    return members;
  }

  /** `child` inherits the page: from this one, or from whom this one does. Both have joined. */
  share(page: number, child: PageSharing): void {
    const own = this.#entry(page);
    const next = own === 0 ? this.#number : own & NUMBER;
    child.#set(page, next);
    this.#set(page, child.#number | (own === 0 ? HOLDER : own & HOLDER));
  }

  /** Copies the bytes of an inherited page, which then is this space's own. */
  fetch(page: number): void {
    const holder = this.#unlink(page);
    this.#host.bytes(page).set(holder.#host.bytes(page).subarray(0, PAGE_SIZE));
  }

  /**
   * The page is about to be written by its holder, or is given up by either kind of member. True if somebody else has got the
   * bytes, which is one page more in memory.
   */
  leave(page: number): boolean {
    const holds = (this.#entry(page) & HOLDER) !== 0;
    const next = this.#sharers.at(this.#entry(page) & NUMBER);
    this.#unlink(page);
    if (!holds) return false;
    next.#host.bytes(page).set(this.#host.bytes(page).subarray(0, PAGE_SIZE));
    const entry = next.#entry(page);
    if (entry !== 0) next.#set(page, entry | HOLDER);
    next.#host.received(page, entry === 0);
    return true;
  }

  /** Takes this space out of the ring; the result is the holder, or somebody if this one was it. */
  #unlink(page: number): PageSharing {
    const next = this.#entry(page) & NUMBER;
    let before = this.#sharers.at(next);
    let holder = before;
    for (;;) {
      const entry = before.#entry(page);
      if (entry & HOLDER) holder = before;
      if ((entry & NUMBER) === this.#number) break;
      before = this.#sharers.at(entry & NUMBER);
    }
    // A ring of one is none.
    before.#set(page, before.#number === next ? 0 : next | (before.#entry(page) & HOLDER));
    this.#set(page, 0);
    return holder;
  }
}
