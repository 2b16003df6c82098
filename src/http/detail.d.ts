import type { Example } from "./openapi/add-example.ts";
import type { Access, RouteClass } from "./route-policies.ts";

declare module "elysia" {
  interface DocumentDecoration {
    /** Principals that may call this route. Absent: admins only. */
    access?: Access;
    /** Honours an Idempotency-Key. The handler must do its work by `runIdempotent`. */
    idempotent?: true;
    /** Rejects API keys, before an Idempotency-Key is looked up. Implied by `recentSignIn`. */
    sessionOnly?: true;
    /** Requires a session with a recent sign-in. `"of sessions"`: allows API keys as well. */
    recentSignIn?: true | "of sessions";
    /** Largest body in bytes, or `stream` where the handler reads a body of any size itself. Absent: the default of the access level. */
    body?: number | "stream";
    /** Rate limit that its requests count against. Absent: `read` for GET, else `write`. */
    limit?: RouteClass;
    /** False: the handler answers any input, so that none is rejected before. */
    inputLimits?: false;
    /** Filled in by "Try it out" on the API page. It must work on the data of the demo, as its admin. */
    example?: Example;
  }
}
