import { Elysia } from "elysia";
import type { Clock } from "../clock.ts";
import { Fault } from "../fault.ts";
import { type Caller, callerOf } from "./access.ts";

/** What a route says in its `detail` about the credential it wants. */
interface Rule {
  sessionOnly?: true;
  recentSignIn?: true | "of sessions";
}

interface Route {
  method: string;
  path: string;
  hooks: unknown;
}

function rulesOf(routes: readonly Route[]): Map<string, Map<string, Rule>> {
  const rules = new Map<string, Map<string, Rule>>();
  for (const { method, path, hooks } of routes) {
    const { sessionOnly, recentSignIn } = (hooks as { detail?: Rule } | undefined)?.detail ?? {};
    if (!sessionOnly && !recentSignIn) continue;
    const byMethod = rules.get(path) ?? new Map<string, Rule>();
    byMethod.set(method, { ...(sessionOnly && { sessionOnly }), ...(recentSignIn && { recentSignIn }) });
    rules.set(path, byMethod);
  }
  return rules;
}

/** Refuses a credential that is not good enough for a route. @throws Fault FORBIDDEN or REAUTHENTICATION_REQUIRED */
function refuseCredential({ sessionOnly, recentSignIn }: Rule, caller: Caller, oldest: number): void {
  if (caller.credential === "api-key") {
    if (sessionOnly || recentSignIn === true)
      throw new Fault("FORBIDDEN", "An API key cannot do this: sign in with your password");
    return;
  }
  if (recentSignIn && (caller.signedInAt ?? 0) < oldest) {
    throw new Fault(
      "REAUTHENTICATION_REQUIRED",
      "Give your password again first (POST /api/auth/reauthenticate): this needs a recent sign-in",
    );
  }
}

/**
 * Enforces `sessionOnly` and `recentSignIn`. Mount it after the guard, which says who calls, and before `idempotency`, which
 * would answer a key under its Idempotency-Key what only a session may be told. `routes` is asked at the first request.
 */
export function credentialRules(
  { clock, config: { reauthWindowMs } }: { clock: Clock; config: { reauthWindowMs: number } },
  routes: () => readonly Route[],
) {
  let rules: Map<string, Map<string, Rule>> | null = null;
  return new Elysia({ name: "credential rules" }).onTransform({ as: "global" }, ({ request, route }) => {
    rules ??= rulesOf(routes());
    const byMethod = rules.get(route);
    if (byMethod === undefined) return;
    const rule = byMethod.get(request.method === "HEAD" ? "GET" : request.method);
    if (rule) refuseCredential(rule, callerOf(request), clock.now() - reauthWindowMs);
  });
}
