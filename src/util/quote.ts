/** Bytes as a C string literal, the way strace writes them. */
import { encodeBytes } from "./bytes.ts";

const NAMED: Readonly<Record<number, string>> = {
  9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\",
}; // biome-ignore format: one row

/**
 * @param hex "all": every byte in hexadecimal (strace -xx); "odd": strings with bytes that are neither printable nor white
 * space (-x). Otherwise such bytes are octal, as short as the next character allows.
 */
export function quote(data: Uint8Array | string, hex?: "odd" | "all"): string {
  const bytes = typeof data === "string" ? encodeBytes(data) : data;
  if (hex === "all" || (hex === "odd" && bytes.some((b) => (b < 0x20 && (b < 9 || b > 13)) || b >= 0x7f)))
    return `"${Array.from(bytes, (b) => `\\x${b.toString(16).padStart(2, "0")}`).join("")}"`;
  let out = '"';
  bytes.forEach((b, i) => {
    const known = NAMED[b];
    if (known !== undefined) out += known;
    else if (b >= 0x20 && b < 0x7f) out += String.fromCharCode(b);
    else {
      const next = bytes[i + 1];
      const digits = b.toString(8);
      out += `\\${next !== undefined && next >= 0x30 && next <= 0x37 ? digits.padStart(3, "0") : digits}`;
    }
  });
  return `${out}"`;
}
