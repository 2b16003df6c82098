import { t } from "elysia";
import { CursorQuery, Id, Nullable, PageLimit, Timestamp } from "../../http/schemas.ts";

const EventStatus = t.Union([t.Literal("unprocessed"), t.Literal("failed"), t.Literal("done")], {
  description: "`unprocessed`: not processed yet, or waiting for a brand or a price",
});

export const EventQuery = t.Object({ status: t.Optional(EventStatus), cursor: CursorQuery, limit: PageLimit });

export const ListedEvent = t.Object({
  id: t.String({ examples: ["ev_16BHbhF4s42tO2lK"] }),
  eventType: t.String({ examples: ["payment_succeeded"] }),
  customerId: Nullable(t.String()),
  brandId: Nullable(t.String({ description: "The brand of the customer; null until it is linked" })),
  status: EventStatus,
  reason: Nullable(t.String({ description: "What the event waits for, or why it failed" })),
  cameBy: t.String({ description: "WEBHOOK, or API: fetched because it never arrived" }),
  attempts: t.Integer({ description: "Failed attempts" }),
  occurredAt: Timestamp,
  receivedAt: Timestamp,
  processedAt: Nullable(Timestamp),
});
export type ListedEvent = typeof ListedEvent.static;

/** An id of Chargebee. */
const ForeignId = t.String({ minLength: 1, maxLength: 100, examples: ["AzZlGJTUHvCGN1aE"] });

export const Link = t.Object({ brandId: Id, customerId: ForeignId });

export const Replay = t.Object({ eventId: ForeignId });

export const Since = t.Object({
  since: t.Optional(
    t.String({
      format: "date-time",
      description: "Default: three days before the last reconciliation, at most 90 days ago",
    }),
  ),
});
