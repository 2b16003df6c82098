import { Elysia } from "elysia";
import type { Admission, Pass } from "../limits/admission.ts";
import { classOf, type RouteClass } from "../limits/routeClass.ts";
import { knownCaller } from "./access.ts";

const passes = new WeakMap<Request, Pass>();

type Routes = readonly { method: string; path: string; hooks: unknown }[];

/** Returns the class of each route, worked out once. */
function classesOf(routes: Routes): Map<string, RouteClass> {
  return new Map(
    routes.map(({ method, path, hooks }) => {
      const detail = (hooks as { detail?: { limit?: RouteClass } } | undefined)?.detail;
      return [`${method} ${path}`, classOf(method, detail?.limit)];
    }),
  );
}

/**
 * Applies the limits to every request of somebody who is signed in, and tells them in header fields what is left. Mount it
 * after the guard. `routes` is asked at the first request, when all modules are mounted.
 */
export function admission({ admit }: Admission, routes: () => Routes) {
  let classes: Map<string, RouteClass> | null = null;
  return new Elysia({ name: "admission" })
    .onTransform({ as: "global" }, ({ request, route, set }) => {
      const caller = knownCaller(request);
      if (caller === null) return;
      const method = request.method === "HEAD" ? "GET" : request.method;
      classes ??= classesOf(routes());
      const routeClass = classes.get(`${method} ${route}`) ?? classOf(method, undefined);
      const pass = admit(caller, routeClass, ({ policy, state }) => {
        set.headers["ratelimit-policy"] = policy;
        set.headers.ratelimit = state;
      });
      const note = (given: Pass) => {
        passes.set(request, given);
        set.headers["ratelimit-policy"] = given.policy;
        set.headers.ratelimit = given.state;
      };
      if (pass instanceof Promise) return pass.then(note);
      note(pass);
    })
    .onAfterHandle({ as: "global" }, ({ request }) => {
      passes.get(request)?.worked();
    })
    .onAfterResponse({ as: "global" }, ({ request }) => {
      passes.get(request)?.release();
    });
}
