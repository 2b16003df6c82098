import { and, asc, eq, gt } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { campaignSteps, type campaigns } from "../db/schema/campaigns.ts";
import { conversations } from "../db/schema/conversations.ts";
import { byPages, inSlices, SLICE_ROWS } from "../db/slices.ts";
import type { Reader, Tx } from "../db/store.ts";
import { countsOf } from "../messages/counts.ts";
import { openingSenders } from "./mailboxes.ts";
import { scheduleOpenings } from "./schedule.ts";

type Campaign = typeof campaigns.$inferSelect;

/** A conversation that has no message yet. */
export interface Newcomer {
  id: string;
  contactId: string;
}

const OPEN_TO_NEWCOMERS: readonly Campaign["status"][] = ["SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"];

async function openingStep(read: Reader, campaignId: string) {
  const [step] = await read
    .select()
    .from(campaignSteps)
    .where(and(eq(campaignSteps.campaignId, campaignId), eq(campaignSteps.stage, 0)));
  return step;
}

/** Schedules the first message of every contact at the launch. Returns the time of the earliest. */
export async function openAll(tx: Tx, campaign: Campaign): Promise<Instant | null> {
  const step = await openingStep(tx, campaign.id);
  if (!step) return null;
  const senders = await openingSenders(tx, campaign);
  const queued = and(eq(conversations.campaignId, campaign.id), eq(conversations.status, "QUEUED"));
  let opened = 0;
  let first: Instant | null = null;
  await byPages(
    (after) =>
      tx
        .select({ id: conversations.id, contactId: conversations.contactId })
        .from(conversations)
        .where(and(queued, gt(conversations.id, after)))
        .orderBy(asc(conversations.id))
        .limit(SLICE_ROWS),
    async (waiting) => {
      const { firstAt } = await scheduleOpenings(tx, campaign, step, waiting, senders, opened);
      opened += waiting.length;
      first = Math.min(first ?? firstAt, firstAt);
    },
  );
  return first;
}

/**
 * Schedules the first messages of contacts added after the launch, behind those that still wait. Does nothing for a draft
 * or for contacts that already have a first message.
 */
export async function openNewcomers(tx: Tx, campaign: Campaign, newcomers: readonly Newcomer[]): Promise<void> {
  if (!OPEN_TO_NEWCOMERS.includes(campaign.status)) return;
  const step = await openingStep(tx, campaign.id);
  if (!step) return;
  const waiting = (await countsOf(tx, campaign.id)).find(({ stage, status }) => stage === 0 && status === "PENDING");
  const senders = await openingSenders(tx, campaign);
  let before = waiting?.count ?? 0;
  await inSlices(newcomers, async (slice) => {
    await scheduleOpenings(tx, campaign, step, slice, senders, before);
    before += slice.length;
  });
}
