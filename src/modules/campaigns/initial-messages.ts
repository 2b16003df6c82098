import { and, asc, eq, gt } from "drizzle-orm";
import { campaignSteps, type campaigns } from "../../db/schema/campaigns.ts";
import { conversations } from "../../db/schema/conversations.ts";
import { forEachPage, forEachSlice, SLICE_ROWS } from "../../db/slices.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { getCounts } from "../messages/counts.ts";
import { scheduleInitialBatch } from "./follow-up-schedule.ts";
import { listInitialSenders } from "./initial-senders.ts";

type Campaign = typeof campaigns.$inferSelect;

/** A conversation that has no message yet. */
export interface NewMember {
  id: string;
  contactId: string;
}

const STATUSES_THAT_SCHEDULE: readonly Campaign["status"][] = ["SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"];

async function findInitialStep(read: Reader, campaignId: string) {
  const [step] = await read
    .select()
    .from(campaignSteps)
    .where(and(eq(campaignSteps.campaignId, campaignId), eq(campaignSteps.stage, 0)));
  return step;
}

/** Schedules the first message of every contact at the launch. Returns the time of the earliest. */
export async function scheduleInitialMessages(tx: Tx, campaign: Campaign): Promise<Instant | null> {
  const step = await findInitialStep(tx, campaign.id);
  if (!step) return null;
  const senders = await listInitialSenders(tx, campaign);
  const queued = and(eq(conversations.campaignId, campaign.id), eq(conversations.status, "QUEUED"));
  let opened = 0;
  let first: Instant | null = null;
  await forEachPage(
    (after) =>
      tx
        .select({ id: conversations.id, contactId: conversations.contactId })
        .from(conversations)
        .where(and(queued, gt(conversations.id, after)))
        .orderBy(asc(conversations.id))
        .limit(SLICE_ROWS),
    async (waiting) => {
      const { firstAt } = await scheduleInitialBatch(tx, campaign, step, waiting, senders, opened);
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
export async function scheduleForNewMembers(
  tx: Tx,
  campaign: Campaign,
  newMembers: readonly NewMember[],
): Promise<void> {
  if (!STATUSES_THAT_SCHEDULE.includes(campaign.status)) return;
  const step = await findInitialStep(tx, campaign.id);
  if (!step) return;
  const waiting = (await getCounts(tx, campaign.id)).find(({ stage, status }) => stage === 0 && status === "PENDING");
  const senders = await listInitialSenders(tx, campaign);
  let before = waiting?.count ?? 0;
  await forEachSlice(newMembers, async (slice) => {
    await scheduleInitialBatch(tx, campaign, step, slice, senders, before);
    before += slice.length;
  });
}
