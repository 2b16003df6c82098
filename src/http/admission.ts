import type { Admission, Headings, Pass } from "../limits/admission.ts";
import { classOf } from "../limits/routeClass.ts";
import type { RouteCheck } from "./access.ts";
import type { RequestContext } from "./request-context.ts";

/** Notes that a request is over. `requestLog` calls it, because a hook of our own costs more than all the rest. */
export function endAdmission({ ended }: Admission) {
  return (context: RequestContext): void => {
    context.onEnd?.();
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
  return (principal, { context, plan, headers }) => {
    const pass = admit(principal, classOf(context.request.method, plan.limit), (told) => tell(headers, told));
    const note = (given: Pass) => {
      tell(headers, given);
      if (given.end) context.onEnd = given.end;
    };
    return pass instanceof Promise ? pass.then(note) : note(pass);
  };
}

function tell(headers: Headers, { policy, state }: Headings): void {
  headers["ratelimit-policy"] = policy;
  headers.ratelimit = state;
}
