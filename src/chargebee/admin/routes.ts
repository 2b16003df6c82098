import { Elysia, t } from "elysia";
import { getBrand } from "../../brands/brands.ts";
import { iso } from "../../clock.ts";
import type { Deps } from "../../deps.ts";
import { EXEMPLARS } from "../../exemplars.ts";
import { invalid } from "../../fault.ts";
import { cutPage, readCursor } from "../../http/cursor.ts";
import { writeOnce } from "../../http/idempotency.ts";
import { ErrorBody, Moment, Nullable } from "../../http/model.ts";
import { requestContext } from "../../http/request-context.ts";
import { linkCustomer } from "../customers.ts";
import { listEvents, replayEvent } from "../log.ts";
import { EventQuery, Link, ListedEvent, Replay, Since } from "../model.ts";
import { reconcile } from "../reconcile.ts";
import { workOffEvents, workOnEvent } from "../work.ts";

/** Where a page of events begins; INVALID for a cursor of another list. */
function placeIn(cursor: string | undefined): [number, string] | null {
  const place = readCursor(cursor);
  if (place === null) return null;
  const [at, id] = place;
  if (typeof at !== "number" || !Number.isSafeInteger(at))
    throw invalid("cursor", "expected the nextCursor of an earlier page");
  return [at, id];
}

/** What Chargebee told us and what became of it, for admins. */
export function chargebeeAdminRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Payments"] })
    .use(requestContext)
    .get(
      "/chargebee-events",
      async ({ query }) => {
        const { limit = 20, status } = query;
        const rows = await listEvents(deps.store.read, { status, after: placeIn(query.cursor), limit: limit + 1 });
        const page = cutPage(rows, limit, (row) => [row.at, row.id]);
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
            "What Chargebee told us and what became of it, newest first. `reason` says what an event waits for: a brand for its customer (link them), or an item price that nobody says anything about (CHARGEBEE_CREDITS). Admins only.",
        },
      },
    )
    .post(
      "/link-chargebee-customer",
      async ({ body, context }) => {
        const { userId } = context.principal;
        const answer = await writeOnce(deps, context, async (tx) => {
          const { id: brandId } = await getBrand(tx, body.brandId);
          const { waiting } = await linkCustomer(tx, { brandId, customerId: body.customerId, actorId: userId });
          return { success: true as const, waiting };
        });
        await workOffEvents(deps);
        return answer;
      },
      {
        body: Link,
        response: t.Object({
          success: t.Literal(true),
          waiting: t.Integer({ description: "Events that waited for this" }),
        }),
        detail: {
          access: "admin",
          idempotent: true,
          example: { body: { brandId: EXEMPLARS.brand, customerId: "AzZlGJTUHvCGN1aE" } },
          summary: "Link a customer of Chargebee",
          description:
            "Says which brand a customer is, where neither their record in Chargebee (`meta_data.brandId`, `cf_brand_id`) nor their e-mail does. What they have paid by then is granted now. 409 when they are another brand already. Admins only.",
        },
      },
    )
    .post(
      "/replay-chargebee-event",
      async ({ body, context }) => {
        const answer = await writeOnce(deps, context, async (tx) => {
          await replayEvent(tx, body.eventId);
          return { success: true as const };
        });
        await workOnEvent(deps, body.eventId);
        return answer;
      },
      {
        body: Replay,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "admin",
          idempotent: true,
          example: { body: { eventId: "ev_16BHbhF4s42tO2lK" } },
          summary: "Work on an event again",
          description:
            "Works on an event again, one that failed or any other: nothing is granted or taken back twice. Admins only.",
        },
      },
    )
    .post(
      "/reconcile-chargebee",
      async ({ body }) => {
        const since = body.since === undefined ? {} : { since: Date.parse(body.since) };
        const { seen, added, since: from } = await reconcile(deps, since);
        await workOffEvents(deps);
        return { success: true as const, since: iso(from), seen, added };
      },
      {
        body: Since,
        response: {
          200: t.Object({
            success: t.Literal(true),
            since: Moment,
            seen: t.Integer({ description: "Events that Chargebee named" }),
            added: t.Integer({ description: "Those that had never arrived" }),
          }),
          503: ErrorBody,
        },
        detail: {
          access: "admin",
          example: { body: {} },
          summary: "Ask Chargebee for what never arrived",
          description:
            "Asks Chargebee's API for its events and works on those that no webhook brought. Done every night by itself. 409 while no site is configured; 503 when Chargebee does not answer. Admins only.",
        },
      },
    );
}
