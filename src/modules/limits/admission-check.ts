import type { Admission, Headings, Pass } from "../limits/admission.ts";
import { classOf } from "../limits/routeClass.ts";
import type { RouteCheck } from "./access.ts";
import type { RequestContext } from "./request-context.ts";

/** Creates the function that `requestLog` calls at the end of a request: a hook of its own would cost more than the rest. */
export function endAdmission({ ended }: Admission) {
  return (context: RequestContext): void => {
    context.onEnd?.();
    ended();
  };
}

type Headers = Record<string, string | number>;

/**
 * Creates the check that counts a request against the limits of its principal and writes what is left into header fields.
 * The guard calls it as soon as the principal is known. @throws AppError RATE_LIMITED
 */
export function admission({ admit }: Admission): RouteCheck {
  return (principal, { context, policy, headers }) => {
    const pass = admit(principal, classOf(context.request.method, policy.limit), (told) => tell(headers, told));
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
