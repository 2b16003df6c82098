import { Elysia } from "elysia";
import { AppError } from "../../lib/errors.ts";
import { type Principal, type RequestContext, requestContext } from "../request-context.ts";
import { createPolicyFinder, type RouteEntry, type RoutePolicy } from "../route-policies.ts";

/** Checks more of a principal who may use the route. @throws AppError */
export type RouteCheck = (principal: Principal, at: CheckedRequest) => void | Promise<void>;

/** The request that a check is about, and the header fields of its answer. */
export interface CheckedRequest {
  context: RequestContext;
  policy: RoutePolicy;
  headers: Record<string, string | number>;
}

/**
 * Closes every route mounted after this hook to requests without a credential unless it has `access: "public"`, and to
 * users when it has "admin" or no `access`. Where there is a body, the credential is checked before any of it is read. Call
 * `routes` at the first request, when all modules are mounted.
 */
export function guard(
  identify: (request: Request) => Promise<Principal | null>,
  routes: () => readonly RouteEntry[],
  ...checks: readonly RouteCheck[]
) {
  const findPolicy = createPolicyFinder(routes);

  async function authorise(context: RequestContext, route: string, headers: CheckedRequest["headers"]): Promise<void> {
    const { request } = context;
    const policy = findPolicy(request.method, route);
    const { access } = policy;
    if (access === "public") return;
    const principal = await identify(request);
    if (!principal)
      throw new AppError("UNAUTHENTICATED", "Sign in first: send a session cookie, a bearer token or an API key");
    if (access === "admin" && principal.role !== "admin") throw new AppError("FORBIDDEN", "This is for admins only");
    context.knownPrincipal = principal;
    for (const check of checks) {
      const checked = check(principal, { context, policy, headers });
      if (checked) await checked;
    }
  }

  // Elysia calls the first hook before it reads a body, and only for methods that may have one.
  return new Elysia({ name: "guard" })
    .use(requestContext)
    .onParse({ as: "global" }, async ({ context, route, set }) => {
      await authorise(context, route, set.headers);
      context.isAuthorised = true;
    })
    .onTransform({ as: "global" }, async ({ context, route, set }) => {
      if (!context.isAuthorised) await authorise(context, route, set.headers);
    });
}
