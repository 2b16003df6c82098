import { type SQL, sql } from "drizzle-orm";
import { forEachPage, forEachSlice, SCAN_ROWS, SLICE_ROWS } from "../../db/slices.ts";
import { equalsUnindexed, forceIndexScans, forUpdate, idTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { CancelReason, MessageStatus } from "./model.ts";
import { transition } from "./transitions.ts";

interface ScannedMessage {
  id: string;
  status: MessageStatus;
}

/**
 * Cancels the pending messages that `which`, a condition on `messages m`, holds for, and releases their credits, a slice at
 * a time. A message that is being sent cannot be recalled: it is marked, and is cancelled if it turns out not to have left.
 * Returns how many were cancelled.
 */
async function cancel(tx: Tx, which: SQL, reason: CancelReason): Promise<number> {
  // Of any status: a page of pending ones would pass over any number of others first.
  return cancelPages(tx, reason, (after) =>
    tx.all<ScannedMessage>(sql`select m.id, m.status from messages m where ${which} and m.id > ${after}
      order by m.id limit ${SCAN_ROWS}`),
  );
}

async function cancelPages(
  tx: Tx,
  reason: CancelReason,
  page: (after: string) => Promise<ScannedMessage[]>,
): Promise<number> {
  let cancelled = 0;
  const sending: string[] = [];
  await forEachPage(page, async (seen) => {
    for (const { id, status } of seen) if (status === "SENDING") sending.push(id);
    const pending = seen.flatMap(({ id, status }) => (status === "PENDING" ? [id] : []));
    await forEachSlice(pending, async (ids) => {
      const done = await cancelPending(tx, ids, reason);
      cancelled += done.size;
      // Claimed by the engine since they were seen.
      for (const id of ids) if (!done.has(id)) sending.push(id);
    });
  });
  await forEachSlice(sending, async (ids) => {
    // Held until the end, so that none goes from one status to the other between the two statements below.
    await tx.all(sql`select m.id from messages m where m.id in (select n.id from ${idTable("n", ids)})
      order by m.id ${forUpdate("m")}`);
    await tx.all(sql`update messages set cancel_reason = ${reason}
      where id in (select n.id from ${idTable("n", ids)}) and ${equalsUnindexed("status", "SENDING")}`);
    cancelled += (await cancelPending(tx, ids, reason)).size;
  });
  return cancelled;
}

/** Cancels those of these messages that are pending, and returns their ids. */
async function cancelPending(tx: Tx, ids: readonly string[], reason: CancelReason): Promise<Set<string>> {
  const changes = ids.map((id) => ({ id, to: "CANCELLED" as const, reason }));
  return new Set((await transition(tx, "cancel", changes)).map(({ id }) => id));
}

/** Cancels the pending messages of a conversation. */
export function cancelConversation(tx: Tx, conversationId: string, reason: CancelReason): Promise<number> {
  return cancel(tx, sql`m.conversation_id = ${conversationId}`, reason);
}

/** Cancels the pending messages of a campaign. */
export async function cancelCampaign(tx: Tx, campaignId: string, reason: CancelReason): Promise<number> {
  await forceIndexScans(tx);
  return cancel(tx, sql`m.campaign_id = ${campaignId}`, reason);
}

/** Cancels the pending messages of a brand, or of all brands, to the person with this e-mail address or phone number. */
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
  if (people.length > 0) await forceIndexScans(tx);
  let cancelled = 0;
  // Each contact by itself, in the order of its index: nothing is sorted, or passed over in every page.
  for (const contact of people) {
    await forEachPage(
      (after) =>
        tx.all<{
          id: string;
        }>(sql`select v.id from conversations v where v.contact_id = ${contact.id} and v.id > ${after}
          order by v.id limit ${SLICE_ROWS}`),
      async (slice) => {
        const ids = slice.map(({ id }) => id);
        // In one query without an order: a conversation has few messages, and to sort them Postgres would scan an index of all.
        const seen =
          await tx.all<ScannedMessage>(sql`select m.id, m.status from ${idTable("n", ids)} cross join messages m
          where m.conversation_id = n.id`);
        cancelled += await cancelPages(tx, reason, async (after) => (after === "" ? seen : []));
      },
    );
  }
  return cancelled;
}
