/** The network of a machine: what front ends need to describe it, and the files that tell its programs about it. */

import type { HostNetwork } from "../host/interface.ts";
import { isIp } from "../net/address.ts";
import type { Network, NetworkOptions } from "../net/network.ts";
import type { PublishedPort } from "../net/outside.ts";
import { type NetworkRule, parseRule } from "../net/policy.ts";
import { GATEWAY4, NAMESERVER4, type NetworkMode, OWN4, OWN6 } from "../net/stack.ts";

export { isIp, type NetworkMode, type NetworkOptions, type NetworkRule, type PublishedPort, parseRule };

/** The name by which guests may call the host itself. */
const HOST_NAME = "host.tsrcore.internal";

/** /etc/hosts and its kin as a container gets them, by path. */
export function networkFiles(network: Network, host: HostNetwork, hostname: string): Map<string, string> {
  const { stack } = network;
  const files = new Map<string, string>();
  files.set("/etc/hostname", `${hostname}\n`);
  const hosts = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    `${OWN4}\t${hostname}`,
    ...(stack.ipv6 ? [`${OWN6}\t${hostname}`] : []),
    ...(stack.mode === "host" ? [`${GATEWAY4}\t${HOST_NAME}`] : []),
  ];
  files.set("/etc/hosts", `${hosts.join("\n")}\n`);
  if (stack.mode !== "host") return files;
  const search = host.searchDomains();
  const lines = [...(search.length > 0 ? [`search ${search.join(" ")}`] : [])];
  if (host.nameservers().length > 0) lines.push(`nameserver ${NAMESERVER4}`);
  files.set("/etc/resolv.conf", `${lines.join("\n")}\n`);
  return files;
}
