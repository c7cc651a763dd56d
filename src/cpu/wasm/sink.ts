/** A place for an i32 that is not known yet: where it is, in bytes, and what belongs there. */
export interface Mark {
  readonly at: number;
  readonly what: string;
}

/** Writes what belongs to a mark: signed LEB128, always five bytes. */
export function fillMark(bytes: Uint8Array, { at }: Mark, value: number): void {
  let v = value | 0;
  for (let i = 0; i < 4; i++) {
    bytes[at + i] = (v & 0x7f) | 0x80;
    v >>= 7;
  }
  bytes[at + 4] = v & 0x7f;
}

/** A growing byte buffer with WebAssembly's number encodings (LEB128, IEEE little endian). */
export class ByteSink {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param capacity bytes expected */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }
  readonly marks: Mark[] = [];

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(values: ArrayLike<number>): void {
    if (this.#length + values.length > this.#bytes.length) this.#grow(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** Leaves room for a number that is filled in later. Until then it is 0. */
  mark(what: string): void {
    this.marks.push({ at: this.#length, what });
    this.bytes([0x80, 0x80, 0x80, 0x80, 0]);
  }

  /** All of another, with its marks. */
  append(other: ByteSink): void {
    for (const { at, what } of other.marks) this.marks.push({ at: this.#length + at, what });
    this.bytes(other.view());
  }

  /** One-byte opcodes below 0x100; 0xfcNN and 0xfd00_0000 + n for the prefixed groups. */
  opcode(code: number): void {
    if (code < 0x100) this.byte(code);
    else if (code >= 0xfd00_0000) {
      this.byte(0xfd);
      this.u32(code - 0xfd00_0000);
    } else {
      this.byte(code >> 8);
      this.u32(code & 0xff);
    }
  }

  /** Unsigned LEB128 of a 32-bit number (sizes, indices, offsets). */
  u32(value: number): void {
    let v = value >>> 0;
    while (v >= 0x80) {
      this.byte((v & 0x7f) | 0x80);
      v >>>= 7;
    }
    this.byte(v);
  }

  /** Signed LEB128 of a 32-bit number. */
  s32(value: number): void {
    let v = value | 0;
    for (;;) {
      const low = v & 0x7f;
      v >>= 7;
      if ((v === 0 && (low & 0x40) === 0) || (v === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit number. */
  s64(value: bigint): void {
    let v = BigInt.asIntN(64, value);
    if (v >= -0x8000_0000n && v <= 0x7fff_ffffn) {
      this.s32(Number(v));
      return;
    }
    for (;;) {
      const low = Number(v & 0x7fn);
      v >>= 7n;
      if ((v === 0n && (low & 0x40) === 0) || (v === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  f32(value: number): void {
    this.bytes(new Uint8Array(new Float32Array([value]).buffer));
  }

  f64(value: number): void {
    this.bytes(new Uint8Array(new Float64Array([value]).buffer));
  }

  name(text: string): void {
    const utf8 = new TextEncoder().encode(text);
    this.u32(utf8.length);
    this.bytes(utf8);
  }

  /** A view of what was written; valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(atLeast: number): void {
    const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + atLeast));
    next.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = next;
  }
}
