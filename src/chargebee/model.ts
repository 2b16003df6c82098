import { t } from "elysia";
import { Cursor, Id, Limit, Moment, Nullable } from "../http/model.ts";

const EventStatus = t.Union([t.Literal("unprocessed"), t.Literal("failed"), t.Literal("done")], {
  description: "`unprocessed`: not worked on yet, or waiting for a brand or a price",
});

export const EventQuery = t.Object({ status: t.Optional(EventStatus), cursor: Cursor, limit: Limit });

export const ListedEvent = t.Object({
  id: t.String({ examples: ["ev_16BHbhF4s42tO2lK"] }),
  eventType: t.String({ examples: ["payment_succeeded"] }),
  customerId: Nullable(t.String()),
  brandId: Nullable(t.String({ description: "The brand that the customer is; null while nobody knows" })),
  status: EventStatus,
  reason: Nullable(t.String({ description: "What it waits for, or why it failed" })),
  cameBy: t.String({ description: "WEBHOOK, or API: it never arrived and was asked for" }),
  attempts: t.Integer({ description: "How often it failed" }),
  occurredAt: Moment,
  receivedAt: Moment,
  processedAt: Nullable(Moment),
});
export type ListedEvent = typeof ListedEvent.static;

/** Chargebee's own ids. */
const ForeignId = t.String({ minLength: 1, maxLength: 100, examples: ["AzZlGJTUHvCGN1aE"] });

export const Link = t.Object({ brandId: Id, customerId: ForeignId });

export const Replay = t.Object({ eventId: ForeignId });

export const Since = t.Object({
  since: t.Optional(
    t.String({ format: "date-time", description: "Absent: three days before it was last asked, 90 days at most" }),
  ),
});
