/** The part of Bun's server that has the address of a connection. Null in tests that have no server. */
export interface Server {
  requestIP(request: Request): { address: string } | null;
}

/** Longest address, with its zone and port. */
const MAX_ADDRESS_CHARS = 64;

/** Splits an IPv6 address into its eight groups. */
function ipv6Groups(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = tail?.split(":").filter(Boolean) ?? [];
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0"), ...after];
}

/**
 * Returns the address of a request as a key for counters. IPv6 is cut to its /64, which one customer is given whole. Behind a
 * proxy the address stands in `header`; of a list the last entry is the proxy's, those before it are the client's own claim.
 */
export function getClientAddress(request: Request, server: Server | null, header: string | null): string {
  const told = header === null ? undefined : request.headers.get(header)?.split(",").at(-1)?.trim();
  // Cut before the patterns run: on 64 KB of colons the pattern below would take billions of steps.
  const address = (told || server?.requestIP(request)?.address || "unknown").slice(0, MAX_ADDRESS_CHARS).toLowerCase();
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/.exec(address)?.[1];
  if (ipv4) return ipv4;
  const ipv6 = /^\[?([0-9a-f:]*:[0-9a-f:]*)(?:%\w+)?(?:\]:\d+)?\]?$/.exec(address)?.[1];
  return ipv6 ? `${ipv6Groups(ipv6).slice(0, 4).join(":")}::/64` : address;
}
