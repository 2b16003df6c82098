import { Elysia } from "elysia";
import type { Log } from "../../lib/logger.ts";
import { type RequestContext, requestContext } from "../request-context.ts";

/**
 * Adds the request id to every response and logs every request: the route, never the path or the query, which may hold an
 * address or a token. Health checks come every few seconds and are logged at debug level. Calls `ended` after every request,
 * because a second hook for that would cost more than the call.
 */
export function requestLog(log: Log, ended: (context: RequestContext) => void = () => {}) {
  return new Elysia({ name: "request log" })
    .use(requestContext)
    .onRequest(({ context, set }) => {
      set.headers["x-request-id"] = context.requestId;
    })
    .onAfterResponse({ as: "global" }, ({ context, set, ...rest }) => {
      ended(context);
      // Absent where no route was found, although the types say otherwise.
      const route: string | undefined = rest.route;
      const milliseconds = Math.round(performance.now() - context.startedAt);
      const facts = {
        requestId: context.requestId,
        method: context.request.method,
        route: route ?? null,
        status: set.status ?? 200,
        milliseconds,
      };
      if (route?.startsWith("/api/health")) log.debug("http.request", facts);
      else log.info("http.request", facts);
    });
}
