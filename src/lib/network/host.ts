import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import { invalid } from "../errors.ts";
import { isNeverMailServer, isPublic, parseAddress } from "./address-rules.ts";
import { findNetwork, type PrivateNetwork } from "./private-networks.ts";

/** SMTP (RFC 5321), submission with TLS (RFC 8314), submission (RFC 6409), and the usual alternative to it. */
export const SMTP_PORTS: readonly number[] = [25, 465, 587, 2525];

const DNS_TIMEOUT_MS = 10_000;

/** The hosts that may be connected to. Set by the operator, never by a tenant. */
export interface HostPolicy {
  /** Allows every network and every port. */
  allowPrivate: boolean;
  /** The operator's own networks that are allowed besides the public internet, each with its ports. */
  networks?: readonly PrivateNetwork[];
  /** Ports on the public internet. */
  ports: readonly number[];
}

interface ResolvedHost {
  /** The address to connect to. */
  address: string;
  /** True when it is in one of `networks`. */
  isPrivate: boolean;
  /** True when any address of the name is in one of `networks`. */
  needsNetworks: boolean;
}

/** Resolves a name to all its addresses. Replaced in tests. */
type Resolver = (name: string) => Promise<string[]>;

/**
 * Resolves a host that a tenant gave to the address to connect to. Every address of the name must be allowed, and the caller
 * connects to the returned address, not to the name, so that a name that changes between check and use gains nothing. A name
 * that does not exist and one of a private network get the same error, so that internal names are not disclosed.
 * @throws AppError INVALID naming `host` or `port` and what is expected there
 */
export async function resolveHost(
  host: string,
  port: number,
  policy: HostPolicy,
  resolve: Resolver = systemResolver,
): Promise<ResolvedHost> {
  assertPort(port, policy);
  const name = normalizeHost(host);
  const addresses = isIP(name) === 0 ? await resolve(name).catch(() => []) : [name];
  // IPv4 first: many self-hosted machines have an IPv6 address without a route to the internet.
  const address = addresses.find((candidate) => isIPv4(candidate)) ?? addresses[0];
  if (address === undefined) throw invalid("host", policy.allowPrivate ? NOT_FOUND_MESSAGE : describePolicy(policy));
  const networks = new Map(addresses.map((candidate) => [candidate, classifyAddress(candidate, port, policy)]));
  const all = [...networks.values()];
  if (all.includes("none")) throw invalid("host", describePolicy(policy));
  if (all.includes("public") && !policy.allowPrivate) assertPublicPort(port, policy);
  return { address, isPrivate: networks.get(address) === "private", needsNetworks: all.includes("private") };
}

/** Uses the machine's resolver with a timeout: by itself it may take minutes. */
async function systemResolver(name: string): Promise<string[]> {
  const timeout = new Promise<never>((_, reject) =>
    setTimeout(reject, DNS_TIMEOUT_MS, new Error("DNS lookup timed out")).unref(),
  );
  const answers = await Promise.race([lookup(name, { all: true }), timeout]);
  return answers.map((answer) => answer.address);
}

function assertPort(port: number, policy: HostPolicy): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid("port", "must be a number from 1 to 65535");
  // With networks of the operator's own, the allowed ports depend on the address.
  if (!policy.allowPrivate && !policy.networks?.length) assertPublicPort(port, policy);
}

function assertPublicPort(port: number, { ports }: HostPolicy): void {
  if (!ports.includes(port)) throw invalid("port", `must be one of ${ports.join(", ")}`);
}

/** Normalises a host to a plain address or an ASCII name (RFC 5890). @throws AppError INVALID for other forms */
function normalizeHost(host: string): string {
  if (isIP(host) !== 0 && !host.includes("%")) return host;
  // Characters that a URL parser would cut off or decode are refused before it sees them.
  if (!/^[\p{L}\p{M}\p{N}._-]{1,253}$/u.test(host)) throw invalid("host", "must be a host name or an IP address");
  const name = domainToASCII(host).replace(/\.$/, "");
  const labels = name.split(".");
  if (!labels.every((label) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(label))) {
    throw invalid("host", "must be a host name or an IP address");
  }
  // Some resolvers accept 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 as 127.0.0.1.
  if (isIP(name) !== 0 || /^(\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? "")) {
    throw invalid("host", "must be a host name, or an IP address in its usual form, such as 192.0.2.1");
  }
  return name;
}

/** Returns the network of an address; `none` when it must not be connected to. */
function classifyAddress(address: string, port: number, policy: HostPolicy): "public" | "private" | "none" {
  const parsed = parseAddress(address);
  if (parsed === null || isNeverMailServer(parsed)) return "none";
  if (policy.networks && findNetwork(policy.networks, address, port)) return "private";
  return policy.allowPrivate || isPublic(parsed) ? "public" : "none";
}

const NOT_FOUND_MESSAGE = "was not found: check its spelling and its DNS records";

function describePolicy(policy: HostPolicy): string {
  if (policy.allowPrivate) return "must be a mail server's address, not an unspecified, broadcast or multicast one";
  const hosts = policy.networks?.length
    ? "a public mail server, or one in SMTP_PRIVATE_NETWORKS at a port listed there"
    : "a public mail server";
  return `must be ${hosts}: check its spelling and its DNS records. Private, local and reserved addresses are refused`;
}
