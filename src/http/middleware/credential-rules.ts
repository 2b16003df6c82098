import type { Clock } from "../clock.ts";
import { Fault } from "../fault.ts";
import type { RouteCheck } from "./access.ts";
import type { Principal } from "./request-context.ts";
import type { RoutePlan } from "./routePlans.ts";

/** Rejects a credential that is too weak for a route. @throws AppError FORBIDDEN or REAUTHENTICATION_REQUIRED */
function refuseCredential({ sessionOnly, recentSignIn }: RoutePlan, principal: Principal, oldest: number): void {
  if (principal.credential === "api-key") {
    if (sessionOnly || recentSignIn === true)
      throw new Fault("FORBIDDEN", "An API key cannot do this: sign in with your password");
    return;
  }
  if (recentSignIn && (principal.signedInAt ?? 0) < oldest) {
    throw new Fault(
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
    if (policy.sessionOnly || policy.recentSignIn) refuseCredential(policy, principal, clock.now() - reauthWindowMs);
  };
}
