import { type SQL, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { release } from "../credits/holds.ts";
import { byPages, inSlices, SCAN_ROWS, SLICE_ROWS } from "../db/slices.ts";
import { equalsUnindexed, findByIndex, forUpdate, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { countMoves } from "./counts.ts";
import type { CancelReason, MessageStatus } from "./model.ts";

interface Seen {
  id: string;
  status: MessageStatus;
}

interface Cancelled {
  id: string;
  campaignId: string;
  stage: number;
  scheduledTime: Instant;
}

const named = (ids: readonly string[]) =>
  rowsOf(
    "n",
    ids.map((id) => ({ id })),
    { id: "text" },
  );

/**
 * Cancels what is still to be sent and gives its credits back, a slice at a time. A message being sent at this moment
 * cannot be called back; it is marked, and is cancelled if it turns out that it did not leave. `which` is a condition on
 * `messages m`. Returns how many were cancelled.
 */
async function cancel(tx: Tx, which: SQL, reason: CancelReason): Promise<number> {
  // Whatever their status: a page of those that are pending would pass over any number of others first.
  return cancelPages(tx, reason, (after) =>
    tx.all<Seen>(sql`select m.id, m.status from messages m where ${which} and m.id > ${after}
      order by m.id limit ${SCAN_ROWS}`),
  );
}

async function cancelPages(tx: Tx, reason: CancelReason, page: (after: string) => Promise<Seen[]>): Promise<number> {
  let cancelled = 0;
  const moving: string[] = [];
  await byPages(page, async (seen) => {
    for (const { id, status } of seen) if (status === "SENDING") moving.push(id);
    const pending = seen.flatMap(({ id, status }) => (status === "PENDING" ? [id] : []));
    await inSlices(pending, async (ids) => {
      const done = await cancelPending(tx, ids, reason);
      cancelled += done.size;
      // Claimed by the engine since they were seen.
      for (const id of ids) if (!done.has(id)) moving.push(id);
    });
  });
  await inSlices(moving, async (ids) => {
    // Held until the end, so that none goes from one status to the other between the two statements below.
    await tx.all(sql`select m.id from messages m where m.id in (select n.id from ${named(ids)})
      order by m.id ${forUpdate("m")}`);
    await tx.all(sql`update messages set cancel_reason = ${reason}
      where id in (select n.id from ${named(ids)}) and ${equalsUnindexed("status", "SENDING")}`);
    cancelled += (await cancelPending(tx, ids, reason)).size;
  });
  return cancelled;
}

/** Cancels those of these messages that are pending, and returns their ids. */
async function cancelPending(tx: Tx, ids: readonly string[], reason: CancelReason): Promise<Set<string>> {
  const rows = await tx.all<Cancelled>(sql`update messages set status = 'CANCELLED', error_message = ${reason},
      processed_at = ${tx.now}
    where id in (select n.id from ${named(ids)}) and ${equalsUnindexed("status", "PENDING")}
    returning id, campaign_id as "campaignId", stage, scheduled_time as "scheduledTime"`);
  const done = new Set(rows.map((row) => row.id));
  await release(tx, [...done], reason);
  await countMoves(
    tx,
    rows.map((row) => ({ ...row, from: "PENDING" as const, to: "CANCELLED" as const })),
  );
  return done;
}

/** Cancels all that a conversation still had to send. */
export function cancelConversation(tx: Tx, conversationId: string, reason: CancelReason): Promise<number> {
  return cancel(tx, sql`m.conversation_id = ${conversationId}`, reason);
}

/** Cancels all that a campaign still had to send. */
export async function cancelCampaign(tx: Tx, campaignId: string, reason: CancelReason): Promise<number> {
  await findByIndex(tx);
  return cancel(tx, sql`m.campaign_id = ${campaignId}`, reason);
}

/** Cancels all that anybody (or one brand) still had to send to a person, whom an e-mail address or a phone number names. */
export async function cancelPerson(
  tx: Tx,
  person: { email: string | null; phone: string | null; brandId: string | null },
  reason: CancelReason,
): Promise<number> {
  const { email, phone, brandId } = person;
  const ofBrand = brandId === null ? sql.empty() : sql`and c.brand_id = ${brandId}`;
  const by = (column: "email" | "phone", address: string | null) =>
    address === null ? [] : [sql`select c.id from contacts c where c.${sql.raw(column)} = ${address} ${ofBrand}`];
  const people = await tx.all<{ id: string }>(sql.join([...by("email", email), ...by("phone", phone)], sql` union `));
  if (people.length > 0) await findByIndex(tx);
  let cancelled = 0;
  // One contact after the other, each in the order of its index: none is sorted, nor passed over in every page.
  for (const contact of people) {
    await byPages(
      (after) =>
        tx.all<{
          id: string;
        }>(sql`select v.id from conversations v where v.contact_id = ${contact.id} and v.id > ${after}
          order by v.id limit ${SLICE_ROWS}`),
      async (slice) => {
        const ids = slice.map(({ id }) => id);
        // All at once, in no order: a conversation has few, and Postgres would look for the order in an index of all messages.
        const seen = await tx.all<Seen>(sql`select m.id, m.status from ${named(ids)} cross join messages m
          where m.conversation_id = n.id`);
        cancelled += await cancelPages(tx, reason, async (after) => (after === "" ? seen : []));
      },
    );
  }
  return cancelled;
}
