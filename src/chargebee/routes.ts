import { timingSafeEqual } from "node:crypto";
import { Elysia, t } from "elysia";
import { MINUTE } from "../clock.ts";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { clientAddress } from "../http/clientAddress.ts";
import { scanJson } from "../http/jsonScan.ts";
import { ErrorBody } from "../http/model.ts";
import { type RequestContext, requestContext } from "../http/request-context.ts";
import { readBytes } from "../http/requestBody.ts";
import { leftToRoute } from "../http/routePlans.ts";
import { unstorable } from "../http/storable.ts";
import { TokenBuckets } from "../limits/bucket.ts";
import { readEvent } from "./event.ts";
import { storeEvent } from "./events.ts";
import { workOnEvent } from "./work.ts";

/** Events of an invoice with hundreds of lines are smaller. Bytes. */
const LARGEST_EVENT = 1_000_000;

/** Wrong passwords from one address: so many at once, and then as many again over each minute. */
const WRONG_LOGINS = { quota: 10, windowMs: MINUTE };

const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();

/** Compares what a request shows with what it should show, in the same time whatever it shows. */
function isFromChargebee(request: Request, { user, password }: { user: string; password: string }): boolean {
  const shown = request.headers.get("authorization") ?? "";
  const [scheme, code = ""] = shown.split(" ", 2);
  const said = scheme?.toLowerCase() === "basic" ? Buffer.from(code, "base64").toString() : "";
  return timingSafeEqual(hash(said), hash(`${user}:${password}`));
}

async function readBody(context: RequestContext): Promise<unknown> {
  const bytes = await readBytes(context, LARGEST_EVENT);
  try {
    await scanJson(bytes);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Fault("MALFORMED", "The body could not be read: expected an event of Chargebee as JSON");
  }
}

/** Where Chargebee tells us what happened. */
export function chargebeeRoutes(deps: Deps) {
  const wrong = new TokenBuckets();

  /** Refuses whoever guesses. The right credentials never get here, whatever else came from their address. */
  function refuse(address: string): Fault {
    const { waitMs } = wrong.take(address, WRONG_LOGINS, deps.clock.now());
    if (waitMs === 0) {
      return new Fault("UNAUTHENTICATED", "Expected the user and password that are configured for this webhook");
    }
    const seconds = Math.ceil(waitMs / 1000);
    return new Fault("RATE_LIMITED", `Too many wrong passwords: try again in ${seconds} seconds`, {
      retryAfterSeconds: seconds,
    });
  }

  return new Elysia({ prefix: "/api/webhooks", tags: ["Payments"] }).use(requestContext).post(
    "/chargebee",
    async ({ context, server, set }) => {
      const { request } = context;
      const { webhook } = deps.config.chargebee;
      if (webhook === null) throw new Fault("NOT_FOUND", "Webhooks of Chargebee are not configured here");
      if (!isFromChargebee(request, webhook)) {
        set.headers["www-authenticate"] = 'Basic realm="chargebee", charset="UTF-8"';
        throw refuse(clientAddress(request, server, deps.config.clientAddressHeader));
      }
      const given = await readBody(context);
      const event = unstorable(given) === null ? readEvent(given) : null;
      if (event === null) {
        throw new Fault("MALFORMED", "Expected an event with id, event_type, occurred_at and content");
      }
      const isNew = await deps.store.write((tx) => storeEvent(tx, event, "WEBHOOK"));
      // Nobody waits for it: Chargebee is told that it was heard, and what fails is tried again from the table.
      if (isNew) void workOnEvent(deps, event.id);
      return { success: true as const };
    },
    {
      parse: leftToRoute,
      response: {
        200: t.Object({ success: t.Literal(true) }),
        400: ErrorBody,
        401: ErrorBody,
        404: ErrorBody,
        413: ErrorBody,
      },
      detail: {
        access: "public",
        body: LARGEST_EVENT,
        summary: "Chargebee's webhook",
        description:
          "Takes an event of Chargebee, once, however often it comes; answers at once and works on it afterwards. Basic authentication with CHARGEBEE_WEBHOOK_USER and CHARGEBEE_WEBHOOK_PASSWORD; 404 while those are not set.",
      },
    },
  );
}
