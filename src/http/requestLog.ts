import { Elysia } from "elysia";
import type { Log } from "../log.ts";
import { requestIdOf } from "./requestId.ts";

const started = new WeakMap<Request, number>();

/**
 * Gives every answer its request id, and every request a line in the log: the route, never the path or the query, which
 * may hold an address or a token. Health checks come every few seconds and are logged for debugging only. `ended` is told of
 * every request that is over, here because a second hook for that costs more than what it does.
 */
export function requestLog(log: Log, ended: (request: Request) => void = () => {}) {
  return new Elysia({ name: "request log" })
    .onRequest(({ request, set }) => {
      started.set(request, performance.now());
      set.headers["x-request-id"] = requestIdOf(request);
    })
    .onAfterResponse({ as: "global" }, ({ request, set, ...rest }) => {
      ended(request);
      // Absent where no route was found, whatever the types say.
      const route: string | undefined = rest.route;
      const milliseconds = Math.round(performance.now() - (started.get(request) ?? performance.now()));
      const facts = {
        requestId: requestIdOf(request),
        method: request.method,
        route: route ?? null,
        status: set.status ?? 200,
        milliseconds,
      };
      if (route?.startsWith("/api/health")) log.debug("request", facts);
      else log.info("request", facts);
    });
}
