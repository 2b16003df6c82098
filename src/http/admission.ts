import type { Admission, Headings, Pass } from "../limits/admission.ts";
import { classOf } from "../limits/routeClass.ts";
import type { RouteCheck } from "./access.ts";

/** Requests that have no answer yet. */
const passes = new WeakMap<Request, Pass>();

/** Notes that a request is over. `requestLog` calls it, because a hook of our own costs more than all the rest. */
export function endAdmission({ ended }: Admission) {
  return (request: Request): void => {
    passes.get(request)?.end?.();
    ended();
  };
}

/** What an answer's header fields are written to. */
type Headers = Record<string, string | number>;

/**
 * Applies the limits to requests of those who are signed in, and tells them in header fields what is left. The guard calls
 * it as soon as it knows who asks. @throws Fault RATE_LIMITED
 */
export function admission({ admit }: Admission): RouteCheck {
  return (caller, { request, plan, headers }) => {
    const pass = admit(caller, classOf(request.method, plan.limit), (told) => tell(headers, told));
    const note = (given: Pass) => {
      tell(headers, given);
      if (given.end) passes.set(request, given);
    };
    return pass instanceof Promise ? pass.then(note) : note(pass);
  };
}

function tell(headers: Headers, { policy, state }: Headings): void {
  headers["ratelimit-policy"] = policy;
  headers.ratelimit = state;
}
