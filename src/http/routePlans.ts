/** Who a route is for. Written at the route as `detail.access`, shown in the API page, enforced by `guard`. */
export type Access = "public" | "user" | "admin";

/** What a route costs, and so which rate limit it counts against. A route says its own as `detail.limit`; else its method decides. */
export type RouteClass = "read" | "write" | "costly" | "upload" | "import" | "login";

/** A route as Elysia lists it. */
export interface RouteEntry {
  method: string;
  path: string;
  hooks: unknown;
}

interface Detail {
  access?: Access;
  body?: number | "stream";
  sessionOnly?: true;
  recentSignIn?: true | "of sessions";
  limit?: RouteClass;
  idempotent?: true;
}

/** What is decided about a request before its body is read. */
export interface RoutePlan {
  access: Access;
  /** Refuses API keys. */
  sessionOnly: boolean;
  /** Needs a password given a short time ago: of everybody, or of sessions only. */
  recentSignIn: false | true | "of sessions";
  /** Which rate limit it counts against; undefined: its method decides. */
  limit: RouteClass | undefined;
  /** Honours an Idempotency-Key. */
  idempotent: boolean;
  /** Largest body in bytes; `stream` where the route reads a file piece by piece. */
  body: number | "stream";
  /** Who reads the body: we, as JSON; a parser of the route; its handler, which may take it without a length; or nobody. */
  reader: "json" | "parser" | "handler" | "nobody";
  /** The route takes a body, so that one in another form is refused rather than ignored. */
  takesBody: boolean;
}

/** Signing in, signing up and the like send a few short texts. */
export const PUBLIC_BODY_BYTES = 8 * 1024;
/** A contact with every field at its longest is smaller, in any alphabet. */
export const USER_BODY_BYTES = 256 * 1024;

/** The `parse` of a route whose handler reads the body. */
export function leftToRoute(): object {
  return {};
}

/** The `parse` of a route that needs no body and takes any. */
export function ignoreBody(): object {
  return {};
}

function readerOf([parser]: unknown[]): RoutePlan["reader"] {
  if (parser === undefined) return "json";
  const { fn } = parser as { fn?: unknown };
  if (fn === ignoreBody) return "nobody";
  return fn === leftToRoute ? "handler" : "parser";
}

function planOf(hooks: unknown): RoutePlan {
  const { detail, parse, body } = (hooks ?? {}) as { detail?: Detail; parse?: unknown; body?: unknown };
  const access = detail?.access ?? "admin";
  // Hooks for all routes are listed too, with a scope.
  const parsers = [parse ?? []].flat().filter((parser) => (parser as { scope?: string }).scope === undefined);
  return {
    access,
    sessionOnly: detail?.sessionOnly ?? false,
    recentSignIn: detail?.recentSignIn ?? false,
    limit: detail?.limit,
    idempotent: detail?.idempotent ?? false,
    body: detail?.body ?? (access === "public" ? PUBLIC_BODY_BYTES : USER_BODY_BYTES),
    reader: readerOf(parsers),
    takesBody: body !== undefined,
  };
}

/** Closed to everybody but admins, and takes next to nothing: a route that is not listed. */
const UNKNOWN: RoutePlan = planOf({ detail: { body: PUBLIC_BODY_BYTES } });

/** Finds something about a route by method and path. `routes` is asked at the first request, when all routes are mounted. */
export function byRoute<Found>(routes: () => readonly RouteEntry[], about: (hooks: unknown) => Found, none: Found) {
  let methods: Map<string, Map<string, Found>> | null = null;
  function list(): Map<string, Map<string, Found>> {
    const found = new Map<string, Map<string, Found>>();
    for (const { method, path, hooks } of routes()) {
      const paths = found.get(method) ?? new Map<string, Found>();
      found.set(method, paths.set(path, about(hooks)));
    }
    return found;
  }
  return (method: string, route: string): Found => {
    methods ??= list();
    const asked = method === "HEAD" ? "GET" : method;
    return methods.get(asked)?.get(route) ?? methods.get("ALL")?.get(route) ?? none;
  };
}

/** What is decided about requests for each route. */
export function routePlans(routes: () => readonly RouteEntry[]): (method: string, route: string) => RoutePlan {
  return byRoute(routes, planOf, UNKNOWN);
}
