import { Elysia } from "elysia";
import type { Instant } from "../clock.ts";
import { Fault } from "../fault.ts";
import { type RouteEntry, type RoutePlan, routePlans } from "./routePlans.ts";

/** Who a route is for. Written at the route as `detail.access`, shown in the API page, enforced by `guard`. */
export type Access = "public" | "user" | "admin";

/** Who makes the request. */
export interface Caller {
  userId: string;
  email: string;
  role: "admin" | "user";
  /** The brand this user owns, if any. */
  brandId: string | null;
  credential: "session" | "api-key";
  /** When the password of this session was given last; null for an API key. */
  signedInAt: Instant | null;
}

const callers = new WeakMap<Request, Caller>();

/** Who makes a request; null for a stranger at a public route. */
export function knownCaller(request: Request): Caller | null {
  return callers.get(request) ?? null;
}

/** The caller of a guarded route. */
export function callerOf(request: Request): Caller {
  const caller = knownCaller(request);
  if (!caller) throw new Fault("UNAUTHENTICATED", "Sign in first");
  return caller;
}

/**
 * The brand a request is about: the caller's own; an admin may name another one, and must where they own none.
 * Every brand-scoped verb takes its answer, so that one brand cannot name another's rows.
 */
export function brandOf(caller: Caller, named?: string): string {
  if (named !== undefined && named !== caller.brandId) {
    if (caller.role !== "admin") throw new Fault("FORBIDDEN", "This brand is not yours");
    return named;
  }
  if (caller.brandId === null) {
    throw caller.role === "admin"
      ? new Fault("INVALID", "brandId: say which brand", {
          details: [{ field: "brandId", message: "expected a brand's id: you own no brand yourself" }],
        })
      : new Fault("FORBIDDEN", "You have no brand yet: create one first (POST /api/brands)");
  }
  return caller.brandId;
}

/** What else is asked of a caller who may use the route. @throws Fault */
export type RouteCheck = (caller: Caller, at: Admitting) => void | Promise<void>;

/** What a check is told of the request, and the header fields of its answer. */
export interface Admitting {
  request: Request;
  route: string;
  plan: RoutePlan;
  headers: Record<string, string | number>;
}

/**
 * The one guard: every route mounted after this hook is closed to strangers unless it says `access: "public"`, and closed
 * to users when it says "admin" or nothing at all. Where there is a body, the caller is asked for before any of it is read.
 * `routes` is asked at the first request, when all modules are mounted.
 */
export function guard(
  identify: (request: Request) => Promise<Caller | null>,
  routes: () => readonly RouteEntry[],
  ...checks: readonly RouteCheck[]
) {
  const findPlan = routePlans(routes);

  async function authorise(request: Request, route: string, headers: Admitting["headers"]): Promise<void> {
    const plan = findPlan(request.method, route);
    const { access } = plan;
    if (access === "public") return;
    const caller = await identify(request);
    if (!caller)
      throw new Fault("UNAUTHENTICATED", "Sign in first: send a session cookie, a bearer token or an API key");
    if (access === "admin" && caller.role !== "admin") throw new Fault("FORBIDDEN", "This is for admins only");
    callers.set(request, caller);
    for (const check of checks) {
      const checked = check(caller, { request, route, plan, headers });
      if (checked) await checked;
    }
  }

  // Elysia calls the first hook before it reads a body, and only for methods that may have one.
  const authorised = new WeakSet<Request>();
  return new Elysia({ name: "guard" })
    .onParse({ as: "global" }, async ({ request, route, set }) => {
      await authorise(request, route, set.headers);
      authorised.add(request);
    })
    .onTransform({ as: "global" }, async ({ request, route, set }) => {
      if (!authorised.has(request)) await authorise(request, route, set.headers);
    });
}
