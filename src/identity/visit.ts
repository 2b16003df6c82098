import type { Server } from "../http/clientAddress.ts";
import type { RequestContext } from "../http/request-context.ts";

/** A request that tries to sign in, and where its answer's headers are set. */
export interface Visit {
  context: RequestContext;
  server: Server | null;
  set: { headers: object };
}

/** Does what guesses or costs something, unless the client or the account has tried too often. */
export type Limited = <T>(visit: Visit, email: string, work: () => Promise<T>) => Promise<T>;

export function setCookies(set: { headers: object }, cookies: string[]): void {
  // Elysia sends a list as one header a cookie, though its types know only a text.
  Object.assign(set.headers, { "set-cookie": cookies });
}
