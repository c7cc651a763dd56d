/**
 * Between guest byte strings and JavaScript strings, without loss: valid UTF-8 becomes text, every other byte b becomes
 * the lone surrogate U+DC00 + b (0xDC80..0xDCFF), and the way back is exact.
 */

export function decodeBytes(bytes: Uint8Array): string {
  let ascii = "";
  const n = bytes.length;
  for (let i = 0; i < n; i++) {
    const b = bytes[i] as number;
    if (b >= 0x80) return ascii + decodeFrom(bytes, i);
    ascii += String.fromCharCode(b);
  }
  return ascii;
}

function decodeFrom(bytes: Uint8Array, start: number): string {
  let text = "";
  let i = start;
  while (i < bytes.length) {
    const length = sequenceLength(bytes, i);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[i] as number));
      i++;
      continue;
    }
    let point = length === 1 ? (bytes[i] as number) : (bytes[i] as number) & (0x7f >> length);
    for (let k = 1; k < length; k++) point = (point << 6) | ((bytes[i + k] as number) & 0x3f);
    text += String.fromCodePoint(point);
    i += length;
  }
  return text;
}

/** Bytes of the well-formed UTF-8 sequence at `i` (Unicode table 3-7), or 0. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const b0 = bytes[i] as number;
  if (b0 < 0x80) return 1;
  const at = (k: number): number => bytes[i + k] ?? 0;
  const tail = (k: number): boolean => (at(k) & 0xc0) === 0x80;
  if (b0 >= 0xc2 && b0 <= 0xdf) return tail(1) ? 2 : 0;
  if (b0 >= 0xe0 && b0 <= 0xef) {
    const low = b0 === 0xe0 ? 0xa0 : 0x80;
    const high = b0 === 0xed ? 0x9f : 0xbf;
    return at(1) >= low && at(1) <= high && tail(2) ? 3 : 0;
  }
  if (b0 >= 0xf0 && b0 <= 0xf4) {
    const low = b0 === 0xf0 ? 0x90 : 0x80;
    const high = b0 === 0xf4 ? 0x8f : 0xbf;
    return at(1) >= low && at(1) <= high && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

export function encodeBytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      out[n++] = unit;
      continue;
    }
    if (unit >= 0xdc80 && unit <= 0xdcff) {
      out[n++] = unit - 0xdc00;
      continue;
    }
    let point = unit;
    if (unit >= 0xd800 && unit < 0xdc00) {
      const low = text.charCodeAt(i + 1);
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        i++;
      }
    }
    if (point < 0x800) out[n++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x10000) out[n++] = 0xe0 | (point >> 12);
      else {
        out[n++] = 0xf0 | (point >> 18);
        out[n++] = 0x80 | ((point >> 12) & 0x3f);
      }
      out[n++] = 0x80 | ((point >> 6) & 0x3f);
    }
    out[n++] = 0x80 | (point & 0x3f);
  }
  return out.slice(0, n);
}
