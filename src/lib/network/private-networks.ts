import ipaddr, { type IPv4, type IPv6 } from "ipaddr.js";
import { invalid } from "../errors.ts";
import { isInNetwork, parseAddress } from "./address-rules.ts";

/** One of the operator's own networks, with the ports of its mail servers. */
export interface PrivateNetwork {
  /** The text of the setting, `10.1.2.0/24`. */
  name: string;
  network: [IPv4 | IPv6, number];
  /** Inclusive ranges. */
  ports: readonly { from: number; to: number }[];
}

/** 10.0.0.0/8 and fc00::/7 are the largest private networks (RFC 1918, RFC 4193). */
const MIN_IPV4_PREFIX_BITS = 8;
const MIN_IPV6_PREFIX_BITS = 7;

/**
 * Parses `10.1.2.0/24:25,587; 192.168.7.9:2525-2527; [fd12:3456::/48]:25`. Entries are separated by semicolons or
 * white space; IPv6 networks are in brackets, including the prefix. Returns the networks, or an error message.
 */
export function parsePrivateNetworks(text: string): PrivateNetwork[] | string {
  const found: PrivateNetwork[] = [];
  for (const entry of text.split(/[;\s]+/).filter(Boolean)) {
    const parsed = parseEntry(entry);
    if (typeof parsed === "string") return `${JSON.stringify(entry)}: ${parsed}`;
    found.push(parsed);
  }
  return found;
}

/** @throws AppError INVALID without TLS, except on the operator's own networks */
export function assertTls(security: string, isOwnNetwork: boolean): void {
  if (security === "NONE" && !isOwnNetwork) throw invalid("security", "must be TLS or STARTTLS");
}

/** Finds the first network that contains the address and allows the port. */
export function findNetwork(
  networks: readonly PrivateNetwork[],
  address: string,
  port: number,
): PrivateNetwork | undefined {
  const parsed = parseAddress(address);
  if (parsed === null) return undefined;
  return networks.find(
    ({ network, ports }) => isInNetwork(parsed, network) && ports.some(({ from, to }) => port >= from && port <= to),
  );
}

function parseEntry(entry: string): PrivateNetwork | string {
  const [, ipv6, ipv4, ports = ""] = /^(?:\[([\da-f:.]+(?:\/\d+)?)\]|([\d.]+(?:\/\d+)?)):([\d,-]+)$/i.exec(entry) ?? [];
  const name = ipv6 ?? ipv4;
  if (name === undefined) return "expected a network and ports, such as 10.1.2.0/24:25,587 or [fd12:3456::/48]:587";
  const network = parseNetwork(name);
  if (typeof network === "string") return network;
  const parsedPorts = ports.split(",").map(parsePorts);
  const known = parsedPorts.filter((range) => range !== null);
  if (known.length < parsedPorts.length) return "expected ports from 1 to 65535, such as 25,587 or 2525-2527";
  return { name, network, ports: known };
}

function parseNetwork(name: string): [IPv4 | IPv6, number] | string {
  const [text = "", given] = name.split("/");
  const address = parseAddress(text);
  if (address === null) return "expected an IPv4 or IPv6 address in its usual form";
  const isIPv4 = address.kind() === "ipv4";
  const bits = isIPv4 ? 32 : 128;
  const prefix = given === undefined ? bits : Number(given);
  const shortest = isIPv4 ? MIN_IPV4_PREFIX_BITS : MIN_IPV6_PREFIX_BITS;
  if (prefix < shortest || prefix > bits) return `expected a prefix from /${shortest} to /${bits}`;
  if (address.range() === "ipv4Mapped") return "expected the IPv4 network itself";
  const first = isIPv4
    ? ipaddr.IPv4.networkAddressFromCIDR(`${text}/${prefix}`)
    : ipaddr.IPv6.networkAddressFromCIDR(`${text}/${prefix}`);
  if (first.toString() !== address.toString()) return `expected the network's first address, ${first}/${prefix}`;
  return [address, prefix];
}

function parsePorts(text: string): { from: number; to: number } | null {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) return null;
  const [from, to] = [Number(first), Number(last ?? first)];
  return from >= 1 && to <= 65_535 && from <= to ? { from, to } : null;
}
