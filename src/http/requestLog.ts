import { Elysia } from "elysia";
import type { Log } from "../log.ts";
import { type RequestContext, requestContext } from "./request-context.ts";

/**
 * Gives every answer its request id, and every request a line in the log: the route, never the path or the query, which
 * may hold an address or a token. Health checks come every few seconds and are logged for debugging only. `ended` is told of
 * every request that is over, here because a second hook for that costs more than what it does.
 */
export function requestLog(log: Log, ended: (context: RequestContext) => void = () => {}) {
  return new Elysia({ name: "request log" })
    .use(requestContext)
    .onRequest(({ context, set }) => {
      set.headers["x-request-id"] = context.requestId;
    })
    .onAfterResponse({ as: "global" }, ({ context, set, ...rest }) => {
      ended(context);
      // Absent where no route was found, whatever the types say.
      const route: string | undefined = rest.route;
      const milliseconds = Math.round(performance.now() - context.startedAt);
      const facts = {
        requestId: context.requestId,
        method: context.request.method,
        route: route ?? null,
        status: set.status ?? 200,
        milliseconds,
      };
      if (route?.startsWith("/api/health")) log.debug("request", facts);
      else log.info("request", facts);
    });
}
