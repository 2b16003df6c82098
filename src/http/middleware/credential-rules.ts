import type { Clock } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Principal } from "../request-context.ts";
import type { RoutePolicy } from "../route-policies.ts";
import type { RouteCheck } from "./guard.ts";

/** Rejects a credential that is too weak for a route. @throws AppError FORBIDDEN or REAUTHENTICATION_REQUIRED */
function assertCredential({ sessionOnly, recentSignIn }: RoutePolicy, principal: Principal, oldest: number): void {
  if (principal.credential === "api-key") {
    if (sessionOnly || recentSignIn === true)
      throw new AppError("FORBIDDEN", "An API key cannot do this: sign in with your password");
    return;
  }
  if (recentSignIn && (principal.signedInAt ?? 0) < oldest) {
    throw new AppError(
      "REAUTHENTICATION_REQUIRED",
      "Give your password again first (POST /api/auth/reauthenticate): this needs a recent sign-in",
    );
  }
}

/**
 * Enforces `sessionOnly` and `recentSignIn`. The guard calls it before the body is read, and so before `idempotency`,
 * which would replay to an API key a response that only a session may receive.
 */
export function credentialRules({
  clock,
  config: { reauthWindowMs },
}: {
  clock: Clock;
  config: { reauthWindowMs: number };
}): RouteCheck {
  return (principal, { policy }) => {
    if (policy.sessionOnly || policy.recentSignIn) assertCredential(policy, principal, clock.now() - reauthWindowMs);
  };
}
