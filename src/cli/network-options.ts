/** The options about the network, and what they mean. */

import type { Options } from "yargs";
import {
  isIp,
  type NetworkMode,
  type NetworkOptions,
  type NetworkRule,
  type PublishedPort,
  parseRule,
} from "../runtime/networking.ts";
import { CliError } from "./errors.ts";

export const NETWORK_OPTIONS: Readonly<Record<string, Options>> = {
  publish: {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "Let a port of the host lead to one of the guest: [hostip:]host:guest[/udp]",
  },
  network: {
    type: "string",
    requiresArg: true,
    describe: "What the guest reaches: none, loopback (itself; the default) or host (all that the host does)",
  },
  "allow-net": {
    type: "string",
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: "With --network host: only there; a name, *.name, address or address/bits, with :port if need be",
  },
};

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

export function parsePublish(text: string): PublishedPort {
  const wrong = (): CliError =>
    new CliError(`-p ${text}: expected [hostip:]host:guest[/udp], such as -p 8080:80 or -p 127.0.0.1:5353:53/udp`);
  const match = /^(?:(\[[^\]]*\]|[^:[\]]+):)?(\d+):(\d+)(?:\/(tcp|udp))?$/.exec(text);
  if (match === null) throw wrong();
  const [, address, hostText, guestText, protocol] = match;
  const ip = address?.replace(/^\[|\]$/g, "");
  if (ip !== undefined && !isIp(ip)) throw new CliError(`-p ${text}: "${ip}" is not an address`);
  const hostPort = portOf(hostText);
  const guestPort = portOf(guestText);
  if (hostPort === undefined || guestPort === undefined) throw new CliError(`-p ${text}: a port is 1 to 65535`);
  return { ip, hostPort, guestPort, protocol: protocol === "udp" ? "udp" : "tcp" };
}

function parseAllowed(text: string): NetworkRule {
  const rule = parseRule(text);
  if (rule !== undefined) return rule;
  throw new CliError(
    `--allow-net ${text}: expected a name, an address or address/bits, with :port if need be, such as example.com:443`,
  );
}

export function networkOptions(
  mode: string | undefined,
  publish: readonly string[] | undefined,
  allowed: readonly string[] | undefined,
): NetworkOptions {
  const modes: readonly NetworkMode[] = ["none", "loopback", "host"];
  const chosen = modes.find((m) => m === (mode ?? "loopback"));
  if (chosen === undefined) throw new CliError(`--network ${mode}: there are ${modes.join(", ")}`);
  if (chosen === "none" && publish !== undefined)
    throw new CliError("-p: with --network none no port of the guest can be reached");
  if (chosen !== "host" && allowed !== undefined)
    throw new CliError(`--allow-net: with --network ${chosen} nothing outside is reached; use --network host`);
  return { mode: chosen, publish: (publish ?? []).map(parsePublish), allow: (allowed ?? []).map(parseAllowed) };
}
