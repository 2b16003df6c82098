import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import { invalid } from "../fault.ts";
import { isNeverServer, isPublic, parseAddress } from "./addressRules.ts";
import { findNetwork, type PrivateNetwork } from "./privateNetworks.ts";

/** Where mail may be handed in: SMTP (RFC 5321), submission with TLS (RFC 8314), submission (RFC 6409), and its usual stand-in. */
export const SMTP_PORTS: readonly number[] = [25, 465, 587, 2525];

const DNS_MILLISECONDS = 10_000;

/** What hosts may be connected to. The operator sets it, never a tenant. */
export interface HostPolicy {
  /** Every network and every port. */
  allowPrivate: boolean;
  /** Networks of the operator's own that may be used besides the public one, each at ports of its own. */
  networks?: readonly PrivateNetwork[];
  /** Ports on the public network. */
  ports: readonly number[];
}

export interface ResolvedHost {
  /** The address to connect to. */
  address: string;
  /** It lies in one of `networks`. */
  isPrivate: boolean;
  /** Any of the name's addresses does. */
  needsNetworks: boolean;
}

/** All addresses of a name. Replaced in tests. */
export type Resolver = (name: string) => Promise<string[]>;

/**
 * Finds the address to connect to for a host that a tenant named. Every address of a name must be allowed, and the caller
 * connects to the address returned, not to the name: a name that changes between check and use gains nothing. A name that
 * does not exist and one of a private network are refused in the same words, so that nobody learns the names used inside.
 * @throws Fault INVALID naming `host` or `port` and what is expected there.
 */
export async function resolveHost(
  host: string,
  port: number,
  policy: HostPolicy,
  resolve: Resolver = systemResolver,
): Promise<ResolvedHost> {
  checkPort(port, policy);
  const name = hostName(host);
  const addresses = isIP(name) === 0 ? await resolve(name).catch(() => []) : [name];
  // IPv4 first: many self-hosted machines have an IPv6 address and no way out with it.
  const address = addresses.find((candidate) => isIPv4(candidate)) ?? addresses[0];
  if (address === undefined) throw invalid("host", policy.allowPrivate ? NOT_FOUND : expected(policy));
  const reached = new Map(addresses.map((candidate) => [candidate, networkOf(candidate, port, policy)]));
  const all = [...reached.values()];
  if (all.includes("none")) throw invalid("host", expected(policy));
  if (all.includes("public") && !policy.allowPrivate) checkPublicPort(port, policy);
  return { address, isPrivate: reached.get(address) === "private", needsNetworks: all.includes("private") };
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
  // With networks of one's own the address decides which ports there are.
  if (!policy.allowPrivate && !policy.networks?.length) checkPublicPort(port, policy);
}

function checkPublicPort(port: number, { ports }: HostPolicy): void {
  if (!ports.includes(port)) throw invalid("port", `must be one of ${ports.join(", ")}`);
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

/** Tells on which network an address is reached; `none` for one that may not be. */
function networkOf(address: string, port: number, policy: HostPolicy): "public" | "private" | "none" {
  const parsed = parseAddress(address);
  if (parsed === null || isNeverServer(parsed)) return "none";
  if (policy.networks && findNetwork(policy.networks, address, port)) return "private";
  return policy.allowPrivate || isPublic(parsed) ? "public" : "none";
}

const NOT_FOUND = "was not found: check how it is spelled, and its DNS";

function expected(policy: HostPolicy): string {
  if (policy.allowPrivate) return "must be a mail server's address, not an unspecified, broadcast or multicast one";
  const place = policy.networks?.length
    ? "a public mail server, or one in SMTP_PRIVATE_NETWORKS at a port listed there"
    : "a public mail server";
  return `must be ${place}: check how it is spelled, and its DNS. Private, local and reserved addresses are refused`;
}
