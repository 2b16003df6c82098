import type { Server } from "../http/clientAddress.ts";

/** A request of somebody who is not signed in yet, and where its answer's headers are set. */
export interface Visit {
  request: Request;
  server: Server | null;
  set: { headers: object };
}

/** Does what guesses or costs something, unless the client or the account has tried too often. */
export type Limited = <T>(visit: Visit, email: string, work: () => Promise<T>) => Promise<T>;

export function setCookies(set: { headers: object }, cookies: string[]): void {
  // Elysia sends a list as one header a cookie, though its types know only a text.
  Object.assign(set.headers, { "set-cookie": cookies });
}
