import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import { invalid } from "../fault.ts";

/** Where mail may be handed in: SMTP (RFC 5321), submission with TLS (RFC 8314), submission (RFC 6409), and its usual stand-in. */
export const SMTP_PORTS: readonly number[] = [25, 465, 587, 2525];

const DNS_MILLISECONDS = 10_000;

/** What hosts may be connected to. `allowPrivate` is the operator's to set, never a tenant's. */
export interface HostPolicy {
  allowPrivate: boolean;
  ports: readonly number[];
}

/** All addresses of a name. Replaced in tests. */
export type Resolver = (name: string) => Promise<string[]>;

type Networks = readonly (readonly [network: string, prefixLength: number])[];

/** Nothing a tenant names may lie here (IANA special-purpose registries, RFC 6890). */
const PRIVATE_IPV4: Networks = [
  ["0.0.0.0", 8], // this network; 0.0.0.0 reaches this very machine
  ["10.0.0.0", 8], // private (RFC 1918)
  ["100.64.0.0", 10], // carrier-grade NAT (RFC 6598), and some clouds' metadata
  ["127.0.0.0", 8], // loopback
  ["168.63.129.16", 32], // the platform address of Azure, public by its number only
  ["169.254.0.0", 16], // link-local, and most clouds' metadata
  ["172.16.0.0", 12], // private (RFC 1918)
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation (RFC 5737)
  ["192.88.99.0", 24], // 6to4 relays (RFC 7526)
  ["192.168.0.0", 16], // private (RFC 1918)
  ["198.18.0.0", 15], // benchmarking (RFC 2544)
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, and broadcast
];

const PRIVATE_IPV6: Networks = [
  ["::", 96], // unspecified, loopback, and IPv4-compatible addresses, long abolished (RFC 4291)
  ["64:ff9b:1::", 48], // local-use NAT64 (RFC 8215)
  ["100::", 8], // discard-only (RFC 6666) and unassigned
  ["2001::", 23], // protocol assignments: Teredo, benchmarking, ORCHID
  ["2001:db8::", 32], // documentation (RFC 3849)
  ["3fff::", 20], // documentation (RFC 9637)
  ["4000::", 2], // unassigned, and segment routing (RFC 9602)
  ["8000::", 1], // unassigned; unique local fc00::/7, link-local fe80::/10, site-local fec0::/10, multicast ff00::/8
];

/** Never a mail server, not even on the operator's own network. */
const NEVER_IPV4: Networks = [
  ["0.0.0.0", 8],
  ["224.0.0.0", 4],
  ["255.255.255.255", 32],
];
const NEVER_IPV6: Networks = [
  ["::", 128],
  ["ff00::", 8],
];

const privateAddresses = blockList(PRIVATE_IPV4, PRIVATE_IPV6);
const neverAddresses = blockList(NEVER_IPV4, NEVER_IPV6);

/**
 * Finds the address to connect to for a host that a tenant named. Every address of a name must be allowed, and the caller
 * connects to the address returned, not to the name: a name that changes between check and use gains nothing.
 * @throws Fault INVALID naming `host` or `port` and what is expected there.
 */
export async function resolveHost(
  host: string,
  port: number,
  policy: HostPolicy,
  resolve: Resolver = systemResolver,
): Promise<{ address: string }> {
  checkPort(port, policy);
  const name = hostName(host);
  const addresses = isIP(name) === 0 ? await resolve(name).catch(() => []) : [name];
  // IPv4 first: many self-hosted machines have an IPv6 address and no way out with it.
  const address = addresses.find((candidate) => isIPv4(candidate)) ?? addresses[0];
  if (address === undefined) throw invalid("host", "was not found: check how it is spelled, and its DNS");
  if (!addresses.every((candidate) => isAllowed(candidate, policy))) throw invalid("host", expected(policy));
  return { address };
}

/** The machine's own resolver, which by itself may wait for minutes. */
async function systemResolver(name: string): Promise<string[]> {
  const tooLong = new Promise<never>((_, reject) =>
    setTimeout(reject, DNS_MILLISECONDS, new Error("no answer")).unref(),
  );
  const answers = await Promise.race([lookup(name, { all: true }), tooLong]);
  return answers.map((answer) => answer.address);
}

function checkPort(port: number, policy: HostPolicy): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid("port", "must be a number from 1 to 65535");
  if (!policy.allowPrivate && !policy.ports.includes(port)) {
    throw invalid("port", `must be one of ${policy.ports.join(", ")}`);
  }
}

/** The one spelling of a host that is looked at: a plain address, or a name in ASCII (RFC 5890). */
function hostName(host: string): string {
  if (isIP(host) !== 0 && !host.includes("%")) return host;
  // What URL parsers would cut, decode or take for something else never reaches one.
  if (!/^[\p{L}\p{M}\p{N}._-]{1,253}$/u.test(host)) throw invalid("host", "must be a host name or an IP address");
  const name = domainToASCII(host).replace(/\.$/, "");
  const labels = name.split(".");
  if (!labels.every((label) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(label))) {
    throw invalid("host", "must be a host name or an IP address");
  }
  // 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 are all 127.0.0.1 to some resolver.
  if (isIP(name) !== 0 || /^(\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? "")) {
    throw invalid("host", "must be a host name, or an IP address in its usual form, such as 192.0.2.1");
  }
  return name;
}

function isAllowed(address: string, policy: HostPolicy): boolean {
  const version = isIP(address);
  // A block list finds nothing in what it cannot read, such as an address with a zone (fe80::1%eth0).
  if (version === 0 || address.includes("%")) return false;
  return !(policy.allowPrivate ? neverAddresses : privateAddresses).check(address, version === 4 ? "ipv4" : "ipv6");
}

function expected(policy: HostPolicy): string {
  return policy.allowPrivate
    ? "must be a mail server's address, not an unspecified, broadcast or multicast one"
    : "must be a public mail server; private, local and reserved addresses are refused";
}

function blockList(ipv4: Networks, ipv6: Networks): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ipv4) {
    list.addSubnet(network, prefix, "ipv4");
    // The same machines, by way of IPv6: mapped (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056).
    list.addSubnet(`::ffff:${network}`, 96 + prefix, "ipv6");
    list.addSubnet(`64:ff9b::${network}`, 96 + prefix, "ipv6");
    list.addSubnet(`2002:${inHex(network)}::`, 16 + prefix, "ipv6");
  }
  for (const [network, prefix] of ipv6) list.addSubnet(network, prefix, "ipv6");
  return list;
}

/** 192.168.0.0 as c0a8:0000, how it is written inside an IPv6 address. */
function inHex(ipv4: string): string {
  const hex = ipv4.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return `${hex.slice(0, 2).join("")}:${hex.slice(2).join("")}`;
}
