/** What the policy has to know of messages to and from name servers: RFC 1035, section 4. */
import { formatIp } from "./address.ts";

const TYPE_A = 1;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
const HEADER = 12;
const RCODE_NXDOMAIN = 3;

/** The name that a message asks about, as text in lower case; undefined if it is not one plain question. */
export function questionOf(message: Uint8Array): string | undefined {
  if (message.length < HEADER || ((message[2] as number) & 0x78) !== 0) return undefined;
  if (word(message, 4) !== 1) return undefined;
  const parts: string[] = [];
  for (let at = HEADER; ; ) {
    const length = message[at];
    if (length === undefined || length > 63 || at + 1 + length > message.length) return undefined;
    if (length === 0) return at + 5 <= message.length ? parts.join(".").toLowerCase() : undefined;
    const label = String.fromCharCode(...message.subarray(at + 1, at + 1 + length));
    // A dot inside of a label would make another name of it.
    if (!/^[\x21-\x2d\x2f-\x7e]+$/.test(label)) return undefined;
    parts.push(label);
    at += 1 + length;
  }
}

function word(message: Uint8Array, at: number): number {
  return ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
}

/** Behind the name at `at`. */
function skipName(message: Uint8Array, start: number): number {
  for (let at = start; at < message.length; ) {
    const length = message[at] as number;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
  return message.length;
}

/** The addresses that an answer gives, of whatever names: those of aliases are the question's. */
export function addressesIn(message: Uint8Array): string[] {
  const found: string[] = [];
  if (message.length < HEADER || ((message[2] as number) & 0x80) === 0) return found;
  let at = HEADER;
  for (let i = word(message, 4); i > 0; i--) at = skipName(message, at) + 4;
  for (let i = word(message, 6); i > 0 && at < message.length; i--) {
    at = skipName(message, at);
    const type = word(message, at);
    const length = word(message, at + 8);
    const data = message.subarray(at + 10, at + 10 + length);
    if (word(message, at + 2) === CLASS_IN) {
      if (type === TYPE_A && data.length === 4) found.push(formatIp(data));
      if (type === TYPE_AAAA && data.length === 16) found.push(formatIp(data));
    }
    at += 10 + length;
  }
  return found;
}

/** The answer to a question that is not passed on: no such name. (REFUSED would make musl's resolver ask again, and wait.) */
export function refusalOf(question: Uint8Array): Uint8Array {
  const answer = question.slice();
  if (answer.length < HEADER) return answer;
  // A response, recursion available; the other sections are empty.
  answer[2] = (answer[2] as number) | 0x80;
  answer[3] = 0x80 | RCODE_NXDOMAIN;
  answer.fill(0, 6, HEADER);
  return answer.subarray(0, Math.min(answer.length, skipName(answer, HEADER) + 4));
}
