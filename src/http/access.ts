import { Elysia } from "elysia";
import type { Instant } from "../clock.ts";
import { Fault } from "../fault.ts";

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

interface Needs {
  access: Access;
  sessionOnly: boolean;
}

const ADMINS_ONLY: Needs = { access: "admin", sessionOnly: false };

/** What each route asks of its callers, by method and path. */
function needsOf(routes: readonly { method: string; path: string; hooks: unknown }[]): Map<string, Needs> {
  return new Map(
    routes.map(({ method, path, hooks }) => {
      const detail = (hooks as { detail?: Partial<Needs> } | undefined)?.detail;
      return [`${method} ${path}`, { access: detail?.access ?? "admin", sessionOnly: detail?.sessionOnly ?? false }];
    }),
  );
}

/**
 * The one door: every route mounted after this hook is closed to strangers unless it says `access: "public"`, and closed
 * to users when it says "admin" or nothing at all. `routes` is asked at the first request, when all rooms are mounted.
 */
export function guard(
  identify: (request: Request) => Promise<Caller | null>,
  routes: () => readonly { method: string; path: string; hooks: unknown }[],
) {
  let needs: Map<string, Needs> | null = null;
  return new Elysia({ name: "guard" }).onTransform({ as: "global" }, async ({ request, route }) => {
    needs ??= needsOf(routes());
    const method = request.method === "HEAD" ? "GET" : request.method;
    const needed = needs.get(`${method} ${route}`) ?? needs.get(`ALL ${route}`) ?? ADMINS_ONLY;
    if (needed.access === "public") return;
    const caller = await identify(request);
    if (!caller)
      throw new Fault("UNAUTHENTICATED", "Sign in first: send a session cookie, a bearer token or an API key");
    if (needed.access === "admin" && caller.role !== "admin") throw new Fault("FORBIDDEN", "This is for admins only");
    if (needed.sessionOnly && caller.credential === "api-key")
      throw new Fault("FORBIDDEN", "An API key cannot do this: sign in with your password");
    callers.set(request, caller);
  });
}
