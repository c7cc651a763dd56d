/**
 * Whom a guest may reach: the rules of --allow-net. Without any, everybody; a rule allows a host name, an address or a range
 * of addresses, at one port or at all.
 *
 * *Names* are not looked up by tsrcore. A guest that wants an address asks the machine's name server, which passes on
 * questions about allowed names only (other names do not exist, and the question does not leave the machine); and the addresses in the
 * answers are allowed from then on, for the ports of the rule. An answer may be a lie: whoever owns an allowed name could let
 * it point into the network that the host is in ("DNS rebinding"). So addresses that are not public are never allowed by
 * name; that takes a rule with the address.
 */
import { type Endpoint, inPrefix, type Prefix, parseIp } from "./address.ts";

export interface NetworkRule {
  /** "example.com", or ".example.com" for all names below it; undefined: `prefix` counts. */
  readonly name: string | undefined;
  readonly prefix: Prefix | undefined;
  /** undefined: every port. */
  readonly port: number | undefined;
}

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** Reads `name`, `*.name`, `address` or `address/bits`, each with `:port` if need be; undefined if it is nothing of it. */
export function parseRule(text: string): NetworkRule | undefined {
  let host = text;
  let port: number | undefined;
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(text);
  const [, inner, behind] = bracketed ?? [];
  const colon = bracketed === null ? text.lastIndexOf(":") : -1;
  let portText: string | undefined;
  if (inner !== undefined) {
    host = inner;
    if (behind !== "" && !behind?.startsWith(":")) return undefined;
    portText = behind === "" ? undefined : behind?.slice(1);
  } else if (colon >= 0 && text.indexOf(":") === colon) {
    host = text.slice(0, colon);
    portText = text.slice(colon + 1);
  }
  if (portText !== undefined) {
    if (!/^\d{1,5}$/.test(portText)) return undefined;
    port = Number(portText);
    if (port < 1 || port > 65_535) return undefined;
  }
  const prefix = parsePrefix(host);
  if (prefix !== undefined) return { name: undefined, prefix, port };
  if (bracketed !== null) return undefined;
  const name = host.toLowerCase().replace(/\.$/, "");
  const below = name.startsWith("*.");
  const plain = below ? name.slice(2) : name;
  // All digits and dots is an address that is wrong.
  if (!NAME.test(plain) || /^[\d.]+$/.test(plain)) return undefined;
  return { name: below ? `.${plain}` : plain, prefix: undefined, port };
}

function parsePrefix(text: string): Prefix | undefined {
  const [ip, length, ...more] = text.split("/");
  const bytes = parseIp(ip ?? "");
  if (bytes === undefined || more.length > 0) return undefined;
  const most = bytes.length * 8;
  if (length === undefined) return { bytes, bits: most };
  if (!/^\d{1,3}$/.test(length) || Number(length) > most) return undefined;
  return { bytes, bits: Number(length) };
}

/** Addresses that mean something else to each network: RFC 6890, and multicast. */
const NOT_PUBLIC: readonly Prefix[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  "::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
].map((text) => parsePrefix(text) as Prefix);

/** What is carried inside of IPv6 and leads to an IPv4 address: NAT64 and 6to4 prefixes, and where the address lies. */
const EMBEDDED: readonly (readonly [Prefix, number])[] = [
  [parsePrefix("64:ff9b::/96") as Prefix, 12],
  [parsePrefix("2002::/16") as Prefix, 2],
];

export function isPublic(ip: string): boolean {
  for (const [prefix, at] of EMBEDDED) {
    if (inPrefix(ip, prefix)) return isPublic((parseIp(ip) as Uint8Array).subarray(at, at + 4).join("."));
  }
  return !NOT_PUBLIC.some((prefix) => inPrefix(ip, prefix));
}

/** Addresses that are remembered for one name. */
const MOST_ADDRESSES = 4096;

export class NetworkPolicy {
  readonly #rules: readonly NetworkRule[];
  /** Allowed by name: the rules for each address. */
  readonly #learned: Map<string, Set<NetworkRule>> = new Map();

  /** @param rules none: everything is allowed */
  constructor(rules: readonly NetworkRule[]) {
    this.#rules = rules;
  }

  get restricted(): boolean {
    return this.#rules.length > 0;
  }

  allows({ ip, port }: Endpoint): boolean {
    if (!this.restricted) return true;
    const fits = (rule: NetworkRule): boolean => rule.port === undefined || rule.port === port;
    for (const rule of this.#rules) {
      if (rule.prefix !== undefined && fits(rule) && inPrefix(ip, rule.prefix)) return true;
    }
    for (const rule of this.#learned.get(ip) ?? []) if (fits(rule)) return true;
    return false;
  }

  /** By a rule with this very address. */
  allowsExactly(to: Endpoint): boolean {
    if (!this.restricted) return true;
    return this.#rules.some(
      ({ prefix, port }) =>
        prefix !== undefined &&
        prefix.bits === prefix.bytes.length * 8 &&
        (port === undefined || port === to.port) &&
        inPrefix(to.ip, prefix),
    );
  }

  /** The rules that a name falls under. */
  #rulesFor(name: string): NetworkRule[] {
    const lower = name.toLowerCase();
    return this.#rules.filter(
      (rule) =>
        rule.name !== undefined && (rule.name.startsWith(".") ? lower.endsWith(rule.name) : lower === rule.name),
    );
  }

  allowsName(name: string): boolean {
    return !this.restricted || this.#rulesFor(name).length > 0;
  }

  /** The name server says that `name` is at these addresses. */
  learn(name: string, addresses: readonly string[]): void {
    if (!this.restricted) return;
    for (const rule of this.#rulesFor(name)) {
      for (const ip of addresses) {
        if (!isPublic(ip)) continue;
        const known = this.#learned.get(ip);
        if (known !== undefined) known.add(rule);
        else if (this.#learned.size < MOST_ADDRESSES) this.#learned.set(ip, new Set([rule]));
      }
    }
  }
}
