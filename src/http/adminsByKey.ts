import { Fault } from "../fault.ts";
import { knownCaller } from "./access.ts";

// An admin's API key does an admin's daily work. It makes no admins and shuts none out: whoever finds such a key must not
// be able to keep the installation.

export const refusedToKey = () =>
  new Fault("FORBIDDEN", "An API key cannot do this with an admin: sign in with your password");

/**
 * Refuses a key that asks for an account with the role admin. A transform: it runs before an Idempotency-Key is looked at.
 * @throws Fault FORBIDDEN
 */
export function refuseAdminByKey({ request, body }: { request: Request; body: unknown }): void {
  if (knownCaller(request)?.credential !== "api-key") return;
  if (typeof body === "object" && body !== null && "role" in body && body.role === "admin") throw refusedToKey();
}
