import type { Admission, Headings, Pass } from "../limits/admission.ts";
import { classOf, type RouteClass } from "../limits/routeClass.ts";
import type { Caller } from "./access.ts";

type Routes = readonly { method: string; path: string; hooks: unknown }[];

/** Costly requests that have no answer yet. */
const passes = new WeakMap<Request, Pass>();

/** Returns the class of each route, worked out once: by method, then by path. */
function classesOf(routes: Routes): Map<string, Map<string, RouteClass>> {
  const classes = new Map<string, Map<string, RouteClass>>();
  for (const { method, path, hooks } of routes) {
    const detail = (hooks as { detail?: { limit?: RouteClass } } | undefined)?.detail;
    const ofMethod = classes.get(method) ?? new Map<string, RouteClass>();
    classes.set(method, ofMethod.set(path, classOf(method, detail?.limit)));
  }
  return classes;
}

/** Notes that a request is over. `requestLog` calls it, because a hook of our own costs more than all the rest. */
export function endAdmission({ ended }: Admission) {
  return (request: Request): void => {
    passes.get(request)?.end?.();
    ended();
  };
}

/** What an answer's header fields are written to. */
type Headers = Record<string, string | number>;

/** Admits a request of a caller to a route; a promise where that takes time. @throws AppError RATE_LIMITED */
export type Admit = (caller: Caller, request: Request, route: string, headers: Headers) => Promise<void> | undefined;

/**
 * Applies the limits to requests of those who are signed in, and tells them in header fields what is left. The guard calls
 * it as soon as it knows who asks. `routes` is asked at the first request, when all modules are mounted.
 */
export function admission({ admit }: Admission, routes: () => Routes): Admit {
  let classes: Map<string, Map<string, RouteClass>> | null = null;

  return (caller, request, route, headers) => {
    classes ??= classesOf(routes());
    const method = request.method === "HEAD" ? "GET" : request.method;
    const routeClass = classes.get(method)?.get(route) ?? classOf(method, undefined);
    const pass = admit(caller, routeClass, (told) => tell(headers, told));
    if (!(pass instanceof Promise)) {
      tell(headers, pass);
      return;
    }
    return pass.then((given) => {
      tell(headers, given);
      if (given.end) passes.set(request, given);
    });
  };
}

function tell(headers: Headers, { policy, state }: Headings): void {
  headers["ratelimit-policy"] = policy;
  headers.ratelimit = state;
}
