import type { Elysia } from "elysia";
import type { Store } from "../../db/store.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Vault } from "../../lib/crypto/secrets.ts";
import type { Log } from "../../lib/logger.ts";
import type { Principal, RequestContext } from "../request-context.ts";
import { bodyAdmission } from "./body-admission.ts";
import type { BodySettings } from "./body-budget.ts";
import { credentialRules } from "./credential-rules.ts";
import { errorHandler } from "./errors.ts";
import { guard, type RouteCheck } from "./guard.ts";
import { idempotency } from "./idempotency.ts";
import { idleTimeout } from "./idle-timeout.ts";
import { inputLimits } from "./input-limits.ts";
import type { RequestDrain } from "./request-drain.ts";
import { requestLog } from "./request-log.ts";
import { securityHeaders } from "./security-headers.ts";

export interface PipelineOptions {
  config: {
    publicUrl: string;
    bodies: BodySettings;
    /** The header in which a trusted proxy names the client's address. */
    clientAddressHeader: string | null;
    reauthWindowMs: number;
  };
  log: Log;
  clock: Clock;
  store: Store;
  vault: Vault;
  background: { signal: AbortSignal };
}

export interface PipelineHooks {
  /** Finds whom the credential of a request belongs to; null without a valid one. */
  findPrincipal(request: Request): Promise<Principal | null>;
  /** Applies the rate limits once the principal is known. */
  checkLimits: RouteCheck;
  /** Notes that a request is over. */
  onRequestEnd(context: RequestContext): void;
}

/**
 * Mounts the hooks that every request passes before its handler. Their order is the order of the checks, and a hook of
 * Elysia reaches only what is mounted after it: the error handler first, so that it answers the errors of all checks; the
 * size of a body before the credential; the credential before any of the body is read; input limits and stored responses
 * last.
 */
export function mountPipeline(app: Elysia, options: PipelineOptions, hooks: PipelineHooks, drain?: RequestDrain): void {
  const { config, log, background } = options;
  const routes = () => app.routes;
  const bodies = bodyAdmission({
    settings: config.bodies,
    clientAddressHeader: config.clientAddressHeader,
    routes,
    server: () => app.server,
    stopping: background.signal,
  });
  app.use(securityHeaders(config.publicUrl));
  app.use(requestLog(log, hooks.onRequestEnd));
  app.use(bodies.settle);
  app.use(errorHandler(log));
  if (drain) app.use(drain.plugin());
  app.use(bodies.before);
  app.use(guard(hooks.findPrincipal, routes, bodies.identified, credentialRules(options), hooks.checkLimits));
  app.use(bodies.after);
  app.use(inputLimits(routes));
  app.use(idempotency(options, routes));
  app.use(idleTimeout(() => app.server));
}
