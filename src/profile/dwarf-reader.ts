/** Reads the numbers of DWARF (DWARF 5, section 7.6, and LSB 5.0, "DWARF Extensions", for encoded pointers). */

/** DW_EH_PE_*: low four bits the format, the next three what it is relative to. */
const POINTER_RELATIVE = 0x10;
const DATA_RELATIVE = 0x30;
export const POINTER_OMITTED = 0xff;

export class DwarfReader {
  at: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  u8(): number {
    return this.#view.getUint8(this.at++);
  }
  u16(): number {
    this.at += 2;
    return this.#view.getUint16(this.at - 2, true);
  }
  u32(): number {
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }
  /** Rounded above 2^53, where no guest address is. */
  u64(): number {
    this.at += 8;
    return Number(this.#view.getBigUint64(this.at - 8, true));
  }
  s8(): number {
    return this.#view.getInt8(this.at++);
  }
  s16(): number {
    this.at += 2;
    return this.#view.getInt16(this.at - 2, true);
  }
  s32(): number {
    this.at += 4;
    return this.#view.getInt32(this.at - 4, true);
  }
  s64(): number {
    this.at += 8;
    return Number(this.#view.getBigInt64(this.at - 8, true));
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) return value;
    }
  }
  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) return (byte & 0x40) !== 0 ? value - scale * 128 : value;
    }
  }

  string(): string {
    let text = "";
    for (let c = this.u8(); c !== 0; c = this.u8()) text += String.fromCharCode(c);
    return text;
  }

  /** @param address of `bytes[0]` */
  pointer(encoding: number, address: number): number {
    if (encoding === POINTER_OMITTED) return 0;
    const field = address + this.at;
    const value = this.#formatted(encoding & 0x0f);
    const relative = encoding & 0x70;
    if (relative === POINTER_RELATIVE) return field + value;
    if (relative === 0 || relative === DATA_RELATIVE) return value;
    throw new RangeError(`pointer encoding 0x${encoding.toString(16)}`);
  }

  #formatted(format: number): number {
    switch (format) {
      case 0x1:
        return this.uleb();
      case 0x2:
        return this.u16();
      case 0x3:
        return this.u32();
      case 0x0:
      case 0x4:
        return this.u64();
      case 0x9:
        return this.sleb();
      case 0xa:
        return this.s16();
      case 0xb:
        return this.s32();
      case 0xc:
        return this.s64();
      default:
        throw new RangeError(`pointer format ${format}`);
    }
  }
}
