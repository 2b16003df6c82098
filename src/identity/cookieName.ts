/**
 * Returns the full name of a cookie. Over https it has the prefix with which browsers take it only from this very host, over
 * https and for all paths (RFC 6265bis section 4.1.3.2), so that no other host of the domain can set one in its place.
 */
export function cookieName(name: string, isSecure: boolean): string {
  return isSecure ? `__Host-${name}` : name;
}
