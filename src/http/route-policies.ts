/** Principals that may call a route. Declared as `detail.access`, shown on the API page, enforced by `guard`. */
export type Access = "public" | "user" | "admin";

/** Classes of routes, each with a rate limit of its own. Declared as `detail.limit`; otherwise the method decides. */
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

/** Declares the checks of a request before its body is read. */
export interface RoutePolicy {
  access: Access;
  /** Refuses API keys. */
  sessionOnly: boolean;
  /** Requires a recent sign-in: of all principals, or of sessions only. */
  recentSignIn: false | true | "of sessions";
  /** Rate limit that it counts against; undefined: the method decides. */
  limit: RouteClass | undefined;
  /** Honours an Idempotency-Key. */
  idempotent: boolean;
  /** Largest body in bytes; `stream` where the handler reads a file in chunks. */
  bodyLimit: number | "stream";
  /** Reads the body: as JSON before the handler, by a parser of the route, by the handler (also one without a length), or not at all. */
  bodyReader: "json" | "parser" | "handler" | "none";
  /** True when the route takes a body, so that one of another type is rejected instead of ignored. */
  takesBody: boolean;
}

/** Largest body at public routes: signing in and signing up send a few short texts. */
const PUBLIC_BODY_BYTES = 8 * 1024;
/** Largest body at other routes: a contact with every field at its longest is smaller, in any alphabet. */
export const USER_BODY_BYTES = 256 * 1024;

/** Serves as the `parse` of a route whose handler reads the body. */
export function handlerReadsBody(): object {
  return {};
}

/** Serves as the `parse` of a route that accepts any body and ignores it. */
export function ignoreBody(): object {
  return {};
}

function getBodyReader([parser]: unknown[]): RoutePolicy["bodyReader"] {
  if (parser === undefined) return "json";
  const { fn } = parser as { fn?: unknown };
  if (fn === ignoreBody) return "none";
  return fn === handlerReadsBody ? "handler" : "parser";
}

function toPolicy(hooks: unknown): RoutePolicy {
  const { detail, parse, body } = (hooks ?? {}) as { detail?: Detail; parse?: unknown; body?: unknown };
  const access = detail?.access ?? "admin";
  // Hooks of the app are listed too; they have a scope.
  const parsers = [parse ?? []].flat().filter((parser) => (parser as { scope?: string }).scope === undefined);
  return {
    access,
    sessionOnly: detail?.sessionOnly ?? false,
    recentSignIn: detail?.recentSignIn ?? false,
    limit: detail?.limit,
    idempotent: detail?.idempotent ?? false,
    bodyLimit: detail?.body ?? (access === "public" ? PUBLIC_BODY_BYTES : USER_BODY_BYTES),
    bodyReader: getBodyReader(parsers),
    takesBody: body !== undefined,
  };
}

/** Applies to a route that is not listed: for admins only, with a small body. */
const UNLISTED_ROUTE_POLICY: RoutePolicy = toPolicy({ detail: { body: PUBLIC_BODY_BYTES } });

/**
 * Creates a function that finds by method and path the value that `about` derives from a route. Calls `routes` at the first
 * request, when all are mounted.
 */
export function createRouteFinder<Found>(
  routes: () => readonly RouteEntry[],
  about: (hooks: unknown) => Found,
  none: Found,
) {
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

/** Creates a search for the policy of a route. */
export function createPolicyFinder(
  routes: () => readonly RouteEntry[],
): (method: string, route: string) => RoutePolicy {
  return createRouteFinder(routes, toPolicy, UNLISTED_ROUTE_POLICY);
}
