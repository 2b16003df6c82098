/** In which header better-auth is told the address for the session it opens; what it is told is all our own. */
export const ADDRESS_HEADER = "x-session-address";

const addresses = new WeakMap<Request, string>();

/** Notes where a request comes from, for the session that it may open. Routes know it, service functions do not. */
export function noteAddress(request: Request, address: string): void {
  addresses.set(request, address);
}

/** Returns where a request comes from; null where nobody noted it. */
export function addressOf(request: Request): string | null {
  return addresses.get(request) ?? null;
}
