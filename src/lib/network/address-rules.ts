import ipaddr, { type IPv4, type IPv6 } from "ipaddr.js";

type Address = IPv4 | IPv6;
type Network = [Address, number];

const parseNetworks = (...texts: string[]): Network[] => texts.map((text) => ipaddr.parseCIDR(text));

/** The only IPv6 range that IANA allocates for the public internet (RFC 4291 section 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
const IPV4_MAPPED = ipaddr.IPv6.parseCIDR("::ffff:0:0/96"); // RFC 4291
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96"); // RFC 6052
const SIXTOFOUR = ipaddr.IPv6.parseCIDR("2002::/16"); // RFC 3056
/** Other ranges that embed an IPv4 address: SIIT (RFC 7915), local-use NAT64 (RFC 8215), IPv4-compatible (RFC 4291). */
const OTHER_TRANSLATIONS = ["::ffff:0:0:0/96", "64:ff9b:1::/48", "::/96"].map((text) => ipaddr.IPv6.parseCIDR(text));

/**
 * Addresses of cloud metadata services, which return a machine's credentials and are never mail servers: AWS, Azure, Google and
 * others (169.254.169.254), AWS containers, Alibaba, Oracle, Azure's platform, AWS and Google by IPv6.
 */
const CLOUD_METADATA = parseNetworks(
  ...["169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "100.100.100.200/32", "192.0.0.192/32"],
  ...["168.63.129.16/32", "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128"],
);
/** Unspecified, multicast and broadcast. */
const NON_HOST_RANGES = parseNetworks("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8");

/** Parses a plain IPv4 or IPv6 address; null for anything else, such as a zone (`fe80::1%eth0`), a short or an octal form. */
export function parseAddress(text: string): Address | null {
  if (text.includes("%")) return null;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  const [, start, end] = /^([\da-f:]*:)(\d+\.\d+\.\d+\.\d+)$/i.exec(text) ?? [];
  // ipaddr.js parses ::192.0.2.1 as ::ffff:192.0.2.1, which is another address, so it is converted to hexadecimal first.
  if (start !== undefined && end !== undefined) {
    if (!ipaddr.IPv4.isValidFourPartDecimal(end)) return null;
    const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(end).octets;
    return parseAddress(`${start}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  return /^[\da-f:]+$/i.test(text) && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null;
}

/** Returns whether the network contains the address. An IPv4-mapped IPv6 address counts as its IPv4 address. */
export function isInNetwork(address: Address, network: Network): boolean {
  if (isIPv6(address) && address.match(IPV4_MAPPED)) return isInNetwork(address.toIPv4Address(), network);
  return address.kind() === network[0].kind() && address.match(network);
}

/**
 * Returns whether the address is on the public internet: in no block of IANA's special-purpose registries (RFC 6890), and for
 * IPv6 in 2000::/3. An address that embeds an IPv4 address is public only if the IPv4 address is.
 */
export function isPublic(address: Address): boolean {
  if (isNeverMailServer(address)) return false;
  if (!isIPv6(address)) return address.range() === "unicast";
  if (address.match(IPV4_MAPPED) || address.match(NAT64)) return getEmbeddedIPv4(address).every(isPublic);
  if (!address.match(GLOBAL_UNICAST)) return false;
  const isOrdinary = address.range() === "unicast" || address.match(SIXTOFOUR);
  return isOrdinary && getEmbeddedIPv4(address).every(isPublic);
}

/** Returns whether the address can never be a mail server's, not even on the operator's own networks. */
export function isNeverMailServer(address: Address): boolean {
  const all = isIPv6(address) ? [address, ...getEmbeddedIPv4(address)] : [address];
  return all.some((one) => [...NON_HOST_RANGES, ...CLOUD_METADATA].some((network) => isInNetwork(one, network)));
}

/** Gets the IPv4 addresses that a translator, a tunnel or the kernel would extract from an IPv6 address. */
function getEmbeddedIPv4(address: IPv6): IPv4[] {
  const bytes = address.toByteArray();
  const at = (offset: number) => new ipaddr.IPv4(bytes.slice(offset, offset + 4));
  const embedded: IPv4[] = [];
  const isTranslated = [IPV4_MAPPED, NAT64, ...OTHER_TRANSLATIONS].some((network) => address.match(network));
  // ::1 is the loopback address and not 0.0.0.1.
  if (isTranslated && address.range() !== "loopback") embedded.push(at(12));
  if (address.match(SIXTOFOUR)) embedded.push(at(2));
  // ISATAP (RFC 5214): under any prefix, an interface identifier of 0:5efe or 200:5efe and then the IPv4 address.
  const [, , , , high = 0, low = 0] = address.parts;
  if ((high & 0xfdff) === 0 && low === 0x5efe) embedded.push(at(12));
  return embedded;
}

function isIPv6(address: Address): address is IPv6 {
  return address.kind() === "ipv6";
}
