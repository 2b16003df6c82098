import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { chargebeeCustomers, chargebeeEvents } from "../../db/schema/chargebee.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { iso } from "../../lib/clock.ts";
import { notFound } from "../../lib/errors.ts";
import type { ListedEvent } from "./model.ts";

const WIRE_STATUS = { NEW: "unprocessed", WAITING: "unprocessed", FAILED: "failed", DONE: "done" } as const;

export interface ListedRow extends ListedEvent {
  /** Its sort key. */
  at: number;
}

/** Lists events, newest first, after a position. */
export async function listEvents(
  read: Reader,
  {
    status,
    after,
    limit,
  }: { status: ListedEvent["status"] | undefined; after: [number, string] | null; limit: number },
): Promise<ListedRow[]> {
  const statuses = (["NEW", "WAITING", "FAILED", "DONE"] as const).filter((word) => WIRE_STATUS[word] === status);
  const rows = await read
    .select({ event: chargebeeEvents, brandId: chargebeeCustomers.brandId })
    .from(chargebeeEvents)
    .leftJoin(chargebeeCustomers, eq(chargebeeCustomers.customerId, chargebeeEvents.customerId))
    .where(
      and(
        status === undefined ? undefined : inArray(chargebeeEvents.status, statuses),
        after === null
          ? undefined
          : sql`(${chargebeeEvents.occurredAt} < ${after[0]} or (${chargebeeEvents.occurredAt} = ${after[0]} and ${chargebeeEvents.id} < ${after[1]}))`,
      ),
    )
    .orderBy(desc(chargebeeEvents.occurredAt), desc(chargebeeEvents.id))
    .limit(limit);
  return rows.map(({ event: { body: _, dueAt: __, ...event }, brandId }) => ({
    ...event,
    brandId,
    at: event.occurredAt,
    status: WIRE_STATUS[event.status],
    occurredAt: iso(event.occurredAt),
    receivedAt: iso(event.receivedAt),
    processedAt: event.processedAt === null ? null : iso(event.processedAt),
  }));
}

/** Makes an event due again, done or not. Processing it again changes nothing if it was processed correctly before. */
export async function replayEvent(tx: Tx, id: string): Promise<void> {
  const found = await tx
    .update(chargebeeEvents)
    .set({ status: "NEW", dueAt: tx.now, reason: null })
    .where(eq(chargebeeEvents.id, id))
    .returning({ id: chargebeeEvents.id });
  if (found.length === 0) throw notFound("event", id);
}
