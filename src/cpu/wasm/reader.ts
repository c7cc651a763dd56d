/** Reads WebAssembly's number encodings: the counterpart of sink.ts. */
export class ByteReader {
  at: number;
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw new Error(`WebAssembly ends unexpectedly at offset ${this.at}`);
    return this.#bytes[this.at++] as number;
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.end) throw new Error(`WebAssembly ends unexpectedly at offset ${this.end}`);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** Unsigned LEB128 of up to 32 bits. */
  u32(): number {
    return Number(this.#leb(32, false));
  }

  /** Signed LEB128 of up to 33 bits (block types have one more than numbers). */
  s33(): number {
    return Number(this.#leb(33, true));
  }

  s64(): bigint {
    return this.#leb(64, true);
  }

  #leb(bits: number, signed: boolean): bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0; shift < bits; shift += 7) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(shift);
      if ((byte & 0x80) === 0) return signed ? BigInt.asIntN(Math.min(shift + 7, bits), value) : value;
    }
    throw new Error(`WebAssembly has a number that is too long at offset ${start}`);
  }

  f32(): { readonly value: number; readonly bits: number } {
    const at = this.#skip(4);
    return { value: this.#view.getFloat32(at, true), bits: this.#view.getUint32(at, true) };
  }

  f64(): { readonly value: number; readonly bits: bigint } {
    const at = this.#skip(8);
    return { value: this.#view.getFloat64(at, true), bits: this.#view.getBigUint64(at, true) };
  }

  u32le(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  name(): string {
    return new TextDecoder().decode(this.bytes(this.u32()));
  }

  #skip(length: number): number {
    this.bytes(length);
    return this.at - length;
  }
}
