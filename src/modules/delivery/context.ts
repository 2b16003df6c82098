import { inArray, sql } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import { formatLocalDay } from "../../lib/calendar/zones.ts";
import type { Instant } from "../../lib/clock.ts";
import { type CampaignCache, emptyCampaignCache, loadCampaigns } from "../campaigns/campaign-cache.ts";
import { getWarmup } from "../senders/warmup.ts";
import type { DueRow } from "./due-messages.ts";

/** The rows that many messages of a batch share: campaigns, steps, mailboxes and brands, each loaded once in a transaction. */
export interface DeliveryContext extends CampaignCache {
  senders: Map<string, Sender>;
  brands: Map<string, Brand>;
}

export const emptyContext = (): DeliveryContext => ({ ...emptyCampaignCache(), senders: new Map(), brands: new Map() });

export type Brand = typeof brands.$inferSelect;

export type Sender = typeof emailAccounts.$inferSelect & {
  /** The date in the mailbox's time zone. */
  today: string;
  /** Sends of today, with those that this transaction has claimed. */
  sendsToday: number;
  /** `sendsToday` as the database has it; the claim adds the difference. */
  sendsBefore: number;
  /** Number of messages that it may send today: less than its limit while it warms up. */
  cap: number;
  warming: boolean;
};

const distinct = <Row>(rows: readonly Row[], key: (row: Row) => string | null) =>
  [...new Set(rows.map(key))].filter((id) => id !== null);

/** Loads into `context` the rows that these messages need and it does not contain yet. */
export async function loadContext(
  read: Reader,
  context: DeliveryContext,
  rows: readonly DueRow[],
  now: Instant,
): Promise<void> {
  const senderIds = distinct(rows, (row) => row.sender_id).filter((id) => !context.senders.has(id));
  const brandIds = distinct(rows, (row) => row.brand_id).filter((id) => !context.brands.has(id));
  const [senderRows, brandRows] = await Promise.all([
    senderIds.length === 0 ? [] : read.select().from(emailAccounts).where(inArray(emailAccounts.id, senderIds)),
    brandIds.length === 0 ? [] : read.select().from(brands).where(inArray(brands.id, brandIds)),
    loadCampaigns(
      read,
      context,
      rows.map((row) => row.campaign_id),
    ),
  ]);
  const senders = senderRows.map((row): Sender => {
    const { status, cap } = getWarmup(row, now);
    const warming = status === "WARMING";
    return { ...row, today: formatLocalDay(row.timezone, now), sendsToday: 0, sendsBefore: 0, cap, warming };
  });
  await loadSendsToday(read, senders);
  for (const sender of senders) context.senders.set(sender.id, sender);
  for (const row of brandRows) context.brands.set(row.id, row);
}

async function loadSendsToday(read: Reader, senders: readonly Sender[]): Promise<void> {
  if (senders.length === 0) return;
  const days = senders.map(({ id, today }) => ({ id, today }));
  const rows = await read.all<{ sender_id: string; sends: number }>(sql`select d.sender_id, d.sends
    from ${valuesTable("n", days, { id: "text", today: "text" })} cross join sender_days d where d.sender_id = n.id and d.day = n.today`);
  const sends = new Map(rows.map((row) => [row.sender_id, row.sends]));
  for (const sender of senders) sender.sendsToday = sender.sendsBefore = sends.get(sender.id) ?? 0;
}
