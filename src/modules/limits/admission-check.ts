import type { RouteCheck } from "../../http/middleware/guard.ts";
import type { RequestContext } from "../../http/request-context.ts";
import type { Admission, AdmissionPass, RateLimitHeaders } from "./admission.ts";
import { getRouteClass } from "./route-class.ts";

/** Creates the function that `requestLog` calls at the end of a request: a hook of its own would cost more than the rest. */
export function admissionEnd({ ended }: Admission) {
  return (context: RequestContext): void => {
    context.onEnd?.();
    ended();
  };
}

type Headers = Record<string, string | number>;

/**
 * Creates the check that counts a request against the limits of its principal and writes the remaining amount into header
 * fields. The guard calls it as soon as it has the principal. @throws AppError RATE_LIMITED
 */
export function checkAdmission({ admit }: Admission): RouteCheck {
  return (principal, { context, policy, headers }) => {
    const pass = admit(principal, getRouteClass(context.request.method, policy.limit), (rateLimit) =>
      setRateLimitHeaders(headers, rateLimit),
    );
    const note = (given: AdmissionPass) => {
      setRateLimitHeaders(headers, given);
      if (given.end) context.onEnd = given.end;
    };
    return pass instanceof Promise ? pass.then(note) : note(pass);
  };
}

function setRateLimitHeaders(headers: Headers, { policy, state }: RateLimitHeaders): void {
  headers["ratelimit-policy"] = policy;
  headers.ratelimit = state;
}
