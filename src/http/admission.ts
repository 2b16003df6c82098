import { Elysia } from "elysia";
import type { Admission, Headings, Pass } from "../limits/admission.ts";
import { classOf, type RouteClass } from "../limits/routeClass.ts";
import { knownCaller } from "./access.ts";

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

/**
 * Applies the limits to every request of somebody who is signed in, and tells them in header fields what is left. Mount it
 * after the guard. `routes` is asked at the first request, when all modules are mounted.
 */
export function admission({ admit }: Admission, routes: () => Routes) {
  let classes: Map<string, Map<string, RouteClass>> | null = null;

  return new Elysia({ name: "admission" }).onTransform({ as: "global" }, ({ request, route, set }) => {
    const caller = knownCaller(request);
    if (caller === null) return;
    classes ??= classesOf(routes());
    const method = request.method === "HEAD" ? "GET" : request.method;
    const routeClass = classes.get(method)?.get(route) ?? classOf(method, undefined);
    const { headers } = set;
    const tell = (told: Headings) => {
      headers["ratelimit-policy"] = told.policy;
      headers.ratelimit = told.state;
    };
    const pass = admit(caller, routeClass, tell);
    if (!(pass instanceof Promise)) return tell(pass);
    return pass.then((given) => {
      tell(given);
      if (given.end) passes.set(request, given);
    });
  });
}
