import { Elysia, t } from "elysia";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../../http/pagination.ts";
import { requestContext } from "../../../http/request-context.ts";
import { ErrorBody, Nullable, Timestamp } from "../../../http/schemas.ts";
import { iso } from "../../../lib/clock.ts";
import { invalid } from "../../../lib/errors.ts";
import { getBrand } from "../../brands/brands.ts";
import type { Deps } from "../../deps.ts";
import { linkCustomer } from "../customers.ts";
import { listEvents, replayEvent } from "../event-log.ts";
import { processDueEvents, processStoredEvent } from "../event-worker.ts";
import { EventQuery, Link, ListedEvent, Replay, Since } from "../model.ts";
import { reconcile } from "../reconcile.ts";

/** Parses a cursor of the events. @throws INVALID for a cursor of another list */
function parsePosition(cursor: string | undefined): [number, string] | null {
  const position = parseCursor(cursor);
  if (position === null) return null;
  const [at, id] = position;
  if (typeof at !== "number" || !Number.isSafeInteger(at))
    throw invalid("cursor", "expected the nextCursor of an earlier page");
  return [at, id];
}

/** Registers the admin routes of Chargebee's events. */
export function chargebeeAdminRoutes(deps: Deps) {
  return new Elysia().use(eventListRoute(deps)).use(customerRoute(deps)).use(eventRoutes(deps));
}

function eventListRoute(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Payments"] }).use(requestContext).get(
    "/chargebee-events",
    async ({ query }) => {
      const { limit = 20, status } = query;
      const rows = await listEvents(deps.store.read, {
        status,
        after: parsePosition(query.cursor),
        limit: limit + 1,
      });
      const page = paginate(rows, limit, (row) => [row.at, row.id]);
      return {
        success: true as const,
        data: page.data.map(({ at: _, ...event }) => event),
        nextCursor: page.nextCursor,
      };
    },
    {
      query: EventQuery,
      response: t.Object({ success: t.Literal(true), data: t.Array(ListedEvent), nextCursor: Nullable(t.String()) }),
      detail: {
        access: "admin",
        summary: "List Chargebee's events",
        description:
          "Lists the events of Chargebee and their status, newest first. `reason` is what an event waits for: a brand for its customer (link it), or the credits of an item price (CHARGEBEE_CREDITS). Admins only.",
      },
    },
  );
}

function customerRoute(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Payments"] }).use(requestContext).post(
    "/link-chargebee-customer",
    async ({ body, context }) => {
      const { userId } = context.principal;
      const answer = await runIdempotent(deps, context, async (tx) => {
        const { id: brandId } = await getBrand(tx, body.brandId);
        const { waiting } = await linkCustomer(tx, { brandId, customerId: body.customerId, actorId: userId });
        return { success: true as const, waiting };
      });
      await processDueEvents(deps);
      return answer;
    },
    {
      body: Link,
      response: t.Object({
        success: t.Literal(true),
        waiting: t.Integer({ description: "Events that waited for the link" }),
      }),
      detail: {
        access: "admin",
        idempotent: true,
        example: { body: { brandId: DEMO_IDS.brand, customerId: "AzZlGJTUHvCGN1aE" } },
        summary: "Link a customer of Chargebee",
        description:
          "Links a customer to a brand, where neither the record in Chargebee (`meta_data.brandId`, `cf_brand_id`) nor the e-mail identifies it. Credits that were paid before are granted now. 409 when the customer is linked to another brand. Admins only.",
      },
    },
  );
}

function eventRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Payments"] })
    .use(requestContext)
    .post(
      "/replay-chargebee-event",
      async ({ body, context }) => {
        const answer = await runIdempotent(deps, context, async (tx) => {
          await replayEvent(tx, body.eventId);
          return { success: true as const };
        });
        await processStoredEvent(deps, body.eventId);
        return answer;
      },
      {
        body: Replay,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "admin",
          idempotent: true,
          example: { body: { eventId: "ev_16BHbhF4s42tO2lK" } },
          summary: "Process a Chargebee event again",
          description:
            "Processes an event again, whether it failed or not. Credits are never granted or taken back twice. Admins only.",
        },
      },
    )
    .post(
      "/reconcile-chargebee",
      async ({ body }) => {
        const since = body.since === undefined ? {} : { since: Date.parse(body.since) };
        const { seen, added, since: from } = await reconcile(deps, since);
        await processDueEvents(deps);
        return { success: true as const, since: iso(from), seen, added };
      },
      {
        body: Since,
        response: {
          200: t.Object({
            success: t.Literal(true),
            since: Timestamp,
            seen: t.Integer({ description: "Events that Chargebee returned" }),
            added: t.Integer({ description: "Events that had not arrived before" }),
          }),
          503: ErrorBody,
        },
        detail: {
          access: "admin",
          example: { body: {} },
          summary: "Reconcile Chargebee events",
          description:
            "Fetches events from Chargebee's API and processes those that no webhook delivered. Also runs every night. 409 while no site is configured; 503 when Chargebee does not answer. Admins only.",
        },
      },
    );
}
