import type { Server } from "../../http/client-address.ts";
import type { RequestContext } from "../../http/request-context.ts";
import type { SignInRequest, SignInResult } from "./identity.ts";
import type { User } from "./model.ts";

/** A request that tries to sign in, and where its answer's headers are set. */
interface SignInVisit {
  context: RequestContext;
  server: Server | null;
  set: { headers: object };
}

/** Does work that guesses or costs a password hash. @throws AppError RATE_LIMITED after too many attempts; the work is not begun then */
export type Throttled = <T>(
  visit: Pick<SignInVisit, "context" | "server">,
  email: string,
  work: (by: SignInRequest) => Promise<T>,
) => Promise<T>;

/** Opens a session, throttled, and returns its response; sets its cookies. */
export type AnswerSignIn = (
  visit: SignInVisit,
  email: string,
  enter: (by: SignInRequest) => Promise<SignInResult>,
) => Promise<{ success: true; token: string; user: User }>;

export function setCookies(set: { headers: object }, cookies: string[]): void {
  // Elysia sends a list as one header a cookie, though its types allow only a text.
  Object.assign(set.headers, { "set-cookie": cookies });
}
