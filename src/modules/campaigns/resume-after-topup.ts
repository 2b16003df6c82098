import { eq, inArray, sql } from "drizzle-orm";
import { campaigns } from "../../db/schema/campaigns.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import { forceIndexScans } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { findOpening, type SendWindow } from "../../lib/calendar/windows.ts";
import { HOUR, type Instant, SECOND } from "../../lib/clock.ts";
import { forEachPostponed, PARKED, type ParkedMessage } from "../messages/messages.ts";
import { reschedule } from "../messages/reschedule.ts";
import { resume } from "./lifecycle.ts";

/** Time over which the daily limit of a mailbox is spread after a top-up. */
const WORKING_DAY_MS = 8 * HOUR;
/** Time between two messages that are sent without a mailbox. */
const GAP_WITHOUT_MAILBOX_MS = SECOND;

/** Resumes the campaigns that ran out of credits and whose brand can pay for one of their messages again. Returns their number. */
export async function resumeFundedCampaigns(tx: Tx): Promise<number> {
  const funded = await tx.all<{
    id: string;
  }>(sql`select c.id from campaigns c join credit_accounts a on a.brand_id = c.brand_id
    where c.status = 'AUTO_PAUSED' and c.status_reason = 'NO_CREDITS' and a.available > 0 and exists (select 1 from messages m
      where m.campaign_id = c.id and ${PARKED} and m.credits <= a.available)
    order by c.id`);
  if (funded.length > 0) await forceIndexScans(tx);
  // One after the other, with common slots: two campaigns that share a mailbox share its daily limit.
  const paces = new Map<string, SendSlot>();
  for (const { id } of funded) {
    const [campaign] = await tx.select().from(campaigns).where(eq(campaigns.id, id));
    if (!campaign) continue;
    await spread(tx, campaign, paces);
    await resume(tx, campaign);
  }
  return funded.length;
}

interface SendSlot {
  next: Instant;
  gap: number;
}

/**
 * Gives each message that waited for credits a time of its own, in the order they were due: a burst after a top-up would
 * harm the reputation of the mailboxes. Windows, limits and quiet hours are checked again when a message is due.
 */
async function spread(tx: Tx, campaign: typeof campaigns.$inferSelect, paces: Map<string, SendSlot>): Promise<void> {
  const start = Math.max(tx.now, campaign.startAt ?? 0);
  const due = sql`campaign_id = ${campaign.id} and scheduled_time <= ${tx.now}`;
  await forEachPostponed(tx, due, async (parked) => {
    await loadSendSlots(tx, parked, paces, start);
    const times = parked.map(({ id, senderId }) => {
      const pace = paces.get(senderId ?? "") ?? { next: start, gap: GAP_WITHOUT_MAILBOX_MS };
      const runAt = findOpening(campaign.sendWindows as SendWindow[], campaign.timezone, Math.max(pace.next, start));
      paces.set(senderId ?? "", { ...pace, next: runAt + pace.gap });
      return { id, runAt };
    });
    await reschedule(tx, "postpone", times);
  });
}

async function loadSendSlots(
  tx: Tx,
  parked: readonly ParkedMessage[],
  paces: Map<string, SendSlot>,
  start: Instant,
): Promise<void> {
  const unknown = [...new Set(parked.flatMap((row) => row.senderId ?? []))].filter((id) => !paces.has(id));
  if (unknown.length === 0) return;
  const senders = await tx
    .select({ id: emailAccounts.id, dailyLimit: emailAccounts.dailyLimit })
    .from(emailAccounts)
    .where(inArray(emailAccounts.id, unknown));
  for (const { id, dailyLimit } of senders)
    paces.set(id, { next: start, gap: Math.ceil(WORKING_DAY_MS / Math.max(1, dailyLimit)) });
}
