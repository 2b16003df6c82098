/** The part of Bun's server that knows who is at the other end. Null in tests that have none. */
export interface Server {
  requestIP(request: Request): { address: string } | null;
}

/** Characters of an address, with its zone and port. */
const LONGEST_ADDRESS = 64;

/** The groups of an IPv6 address, `::` written out. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = tail?.split(":").filter(Boolean) ?? [];
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0"), ...after];
}

/**
 * Where a request comes from, as a key for counting. IPv6 is cut to its /64, which is what one customer is given: whoever
 * has it has 2^64 addresses. Behind a proxy the address stands in `header`; in a list the last one is the proxy's own word,
 * those before it are the client's.
 */
export function clientAddress(request: Request, server: Server | null, header: string | null): string {
  const told = header === null ? undefined : request.headers.get(header)?.split(",").at(-1)?.trim();
  // Cut before it is matched: on 64 KB of colons the pattern below would take billions of steps.
  const address = (told || server?.requestIP(request)?.address || "unknown").slice(0, LONGEST_ADDRESS).toLowerCase();
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/.exec(address)?.[1];
  if (ipv4) return ipv4;
  const ipv6 = /^\[?([0-9a-f:]*:[0-9a-f:]*)(?:%\w+)?(?:\]:\d+)?\]?$/.exec(address)?.[1];
  return ipv6 ? `${groupsOf(ipv6).slice(0, 4).join(":")}::/64` : address;
}
