import type { Example } from "./illustrate.ts";
import type { Access, RouteClass } from "./routePlans.ts";

declare module "elysia" {
  interface DocumentDecoration {
    /** Who may call this route. Absent means admins only. */
    access?: Access;
    /** The route does its work by `writeOnce`, so that it honours an Idempotency-Key. */
    idempotent?: true;
    /** Refuses API keys, before an Idempotency-Key is looked at. Implied by `recentSignIn`. */
    sessionOnly?: true;
    /** Needs a session whose password was given a short time ago. `"of sessions"`: API keys may call it all the same. */
    recentSignIn?: true | "of sessions";
    /** Largest body in bytes, or `stream` where the route reads its body itself. Absent: the default of the access level. */
    body?: number | "stream";
    /** Which limit its requests count against. Absent: that of what reads (GET) or writes. */
    limit?: RouteClass;
    /** False where any input has an answer of its own: nothing of it is refused before the handler sees it. */
    inputLimits?: false;
    /** What "Try it out" on the API page fills in: works on the data of the demo, as its admin. */
    example?: Example;
  }
}
