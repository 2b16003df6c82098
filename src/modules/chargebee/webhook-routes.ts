import { timingSafeEqual } from "node:crypto";
import { Elysia, t } from "elysia";
import { getClientAddress } from "../../http/client-address.ts";
import { scanJson } from "../../http/json-scan.ts";
import { loadBody } from "../../http/middleware/request-body.ts";
import { findInputFlaw } from "../../http/middleware/storable-input.ts";
import { type RequestContext, requestContext } from "../../http/request-context.ts";
import { handlerReadsBody } from "../../http/route-policies.ts";
import { ErrorBody } from "../../http/schemas.ts";
import { MINUTE } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { TokenBuckets } from "../limits/bucket.ts";
import { parseEvent } from "./event.ts";
import { processStoredEvent } from "./event-worker.ts";
import { storeEvent } from "./events.ts";

/** The body limit. Events of an invoice with hundreds of lines are smaller. */
const MAX_EVENT_BYTES = 1_000_000;

/** Limits wrong passwords from one address: a burst, refilled every minute. */
const WRONG_LOGIN_LIMIT = { quota: 10, windowMs: MINUTE };

const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();

/** Compares the credentials of a request with the configured ones in constant time. */
function isFromChargebee(request: Request, { user, password }: { user: string; password: string }): boolean {
  const shown = request.headers.get("authorization") ?? "";
  const [scheme, code = ""] = shown.split(" ", 2);
  const said = scheme?.toLowerCase() === "basic" ? Buffer.from(code, "base64").toString() : "";
  return timingSafeEqual(hash(said), hash(`${user}:${password}`));
}

async function loadEventBody(context: RequestContext): Promise<unknown> {
  const bytes = await loadBody(context, MAX_EVENT_BYTES);
  try {
    await scanJson(bytes);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new AppError("MALFORMED", "The body is invalid: expected an event of Chargebee as JSON");
  }
}

/** Registers the webhook that receives events from Chargebee. */
export function chargebeeRoutes(deps: Deps) {
  const wrongLogins = new TokenBuckets();

  /** Limits guessing. Requests with the right credentials are never limited, even from the same address. */
  function refuse(address: string): AppError {
    const { waitMs } = wrongLogins.take(address, WRONG_LOGIN_LIMIT, deps.clock.now());
    if (waitMs === 0) {
      return new AppError("UNAUTHENTICATED", "Expected the user and password that are configured for this webhook");
    }
    const seconds = Math.ceil(waitMs / 1000);
    return new AppError("RATE_LIMITED", `Too many wrong passwords: try again in ${seconds} seconds`, {
      retryAfterSeconds: seconds,
    });
  }

  return new Elysia({ prefix: "/api/webhooks", tags: ["Payments"] }).use(requestContext).post(
    "/chargebee",
    async ({ context, server, set }) => {
      const { request } = context;
      const { webhook } = deps.config.chargebee;
      if (webhook === null) throw new AppError("NOT_FOUND", "Webhooks of Chargebee are not configured");
      if (!isFromChargebee(request, webhook)) {
        set.headers["www-authenticate"] = 'Basic realm="chargebee", charset="UTF-8"';
        throw refuse(getClientAddress(request, server, deps.config.clientAddressHeader));
      }
      const given = await loadEventBody(context);
      const event = findInputFlaw(given) === null ? parseEvent(given) : null;
      if (event === null) {
        throw new AppError("MALFORMED", "Expected an event with id, event_type, occurred_at and content");
      }
      const isNew = await deps.store.write((tx) => storeEvent(tx, event, "WEBHOOK"));
      // Not awaited: the event is stored, so Chargebee gets its response, and failures are retried from the table.
      if (isNew) void processStoredEvent(deps, event.id);
      return { success: true as const };
    },
    {
      parse: handlerReadsBody,
      response: {
        200: t.Object({ success: t.Literal(true) }),
        400: ErrorBody,
        401: ErrorBody,
        404: ErrorBody,
        413: ErrorBody,
      },
      detail: {
        access: "public",
        body: MAX_EVENT_BYTES,
        summary: "Receive a Chargebee event",
        description:
          "Stores an event of Chargebee and processes it after the response. An event that is delivered again is ignored. Basic authentication with CHARGEBEE_WEBHOOK_USER and CHARGEBEE_WEBHOOK_PASSWORD; 404 while those are not set.",
      },
    },
  );
}
