import { and, asc, eq, gte } from "drizzle-orm";
import type { ChannelName } from "../../channels/channel.ts";
import { campaignSteps, campaigns } from "../../db/schema/campaigns.ts";
import { messages } from "../../db/schema/messages.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { TenantScope } from "../../db/tenant-scope.ts";
import { DAY, HOUR, MINUTE } from "../../lib/clock.ts";
import { AppError, invalid } from "../../lib/errors.ts";
import { MAX_STEPS_BYTES } from "../../lib/templates/limits.ts";
import { assertTemplate } from "../../lib/templates/template.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import { stepBytes, sum } from "../limits/bytes.ts";
import { releaseUsage, reserveQuota } from "../limits/usage.ts";
import { getCounts } from "../messages/counts.ts";
import { toWireStatus } from "../messages/model.ts";
import { type CampaignRow, checkVersion, lockCampaign } from "./campaigns.ts";
import type { Delay, StepShape } from "./model.ts";

export type StepRow = typeof campaignSteps.$inferSelect;

const UNIT_MS = { MINUTES: MINUTE, HOURS: HOUR, DAYS: DAY };
const MAX_STEPS = 20;
const CLOSED = ["COMPLETED", "CANCELLED", "ARCHIVED"];

/** Converts milliseconds to the largest unit without a remainder: 48 hours become 2 days. */
function toDelay(milliseconds: number): Delay {
  const unit =
    milliseconds === 0
      ? "MINUTES"
      : milliseconds % DAY === 0
        ? "DAYS"
        : milliseconds % HOUR === 0
          ? "HOURS"
          : "MINUTES";
  return { value: milliseconds / UNIT_MS[unit], unit };
}

function toStep({ stage, channel, delay, subject, body }: StepRow) {
  return { stage, channel, delay: toDelay(delay), subject, body };
}

/** Lists the steps of a campaign by stage. */
export async function listSteps(read: Reader, campaignId: string): Promise<StepRow[]> {
  return read
    .select()
    .from(campaignSteps)
    .where(eq(campaignSteps.campaignId, campaignId))
    .orderBy(asc(campaignSteps.stage));
}

/** Lists the steps by stage, each with the number of its messages by status. */
export async function listStepsWithCounts(read: Reader, campaignId: string) {
  const steps = await listSteps(read, campaignId);
  const counts = await getCounts(read, campaignId);
  return steps.map((row) => {
    const own = { PENDING: 0, SENT: 0, CANCELLED: 0, FAILED: 0 };
    for (const { stage, status, count } of counts) if (stage === row.stage) own[toWireStatus(status)] += count;
    return { ...toStep(row), counts: own };
  });
}

/**
 * Checks all templates of some steps, in one slice of the event loop each, before a transaction begins. `owner` is the id of
 * the brand, whose share of the event loop is used.
 * @throws AppError INVALID naming the first invalid template, or their size
 */
export async function checkTemplates(given: readonly StepShape[], owner: string): Promise<void> {
  const bytes = given.reduce((sum, { subject, body }) => sum + Buffer.byteLength(`${subject ?? ""}${body}`), 0);
  if (bytes > MAX_STEPS_BYTES) {
    throw invalid(
      "steps",
      `at most ${MAX_STEPS_BYTES / 1024} KB of templates in all, got ${Math.ceil(bytes / 1024)} KB`,
    );
  }
  for (const [index, { channel, subject, body }] of given.entries()) {
    await timeSlices.next(owner);
    if (channel === "EMAIL" && subject?.trim()) assertTemplate(`steps.${index}.subject`, subject.trim());
    assertTemplate(`steps.${index}.body`, body);
  }
}

/**
 * Replaces the steps of a campaign, whose templates `checkTemplates` has accepted. After the launch only stages that no
 * contact has reached may change. `channels` are those this installation can send through.
 * @throws AppError CONFLICT naming the first stage that must not change
 */
export async function replaceSteps(
  tx: Tx,
  campaignId: string,
  scope: TenantScope,
  given: readonly StepShape[],
  options: { channels: readonly ChannelName[]; version?: number | undefined },
): Promise<CampaignRow> {
  const campaign = await lockCampaign(tx, campaignId, scope);
  if (options.version !== undefined) checkVersion(campaign, options.version);
  if (CLOSED.includes(campaign.status)) {
    throw new AppError("CONFLICT", `The campaign is ${campaign.status}: its steps cannot be changed`);
  }
  const steps = checkSteps(campaign, given, options.channels);
  const before = await listSteps(tx, campaignId);
  const length = Math.max(before.length, steps.length);
  const first = Array.from({ length }, (_, stage) => stage).find((stage) => differ(before[stage], steps[stage]));
  if (first !== undefined && campaign.status !== "DRAFT") await assertUnreached(tx, campaignId, before, steps, first);

  const from = first ?? length;
  await tx.delete(campaignSteps).where(and(eq(campaignSteps.campaignId, campaignId), gte(campaignSteps.stage, from)));
  const bytes = sum(steps.slice(from), stepBytes) - sum(before.slice(from), stepBytes);
  if (bytes > 0) await reserveQuota(tx, campaign.brandId, "storedBytes", bytes);
  else await releaseUsage(tx, campaign.brandId, "storedBytes", -bytes);
  if (steps.length > from) await tx.insert(campaignSteps).values(steps.slice(from));
  const [changed] = await tx
    .update(campaigns)
    .set({ version: campaign.version + 1, updatedAt: tx.now })
    .where(eq(campaigns.id, campaignId))
    .returning();
  return changed ?? campaign;
}

function differ(before: StepRow | undefined, after: StepRow | undefined): boolean {
  return JSON.stringify(before && toStep(before)) !== JSON.stringify(after && toStep(after));
}

/** @throws AppError CONFLICT for a changed stage that has messages */
async function assertUnreached(
  read: Reader,
  campaignId: string,
  before: readonly StepRow[],
  after: readonly StepRow[],
  first: number,
): Promise<void> {
  for (const { stage } of before.slice(first)) {
    if (!differ(before[stage], after[stage])) continue;
    const [reached] = await read
      .select({ id: messages.id })
      .from(messages)
      .where(and(eq(messages.campaignId, campaignId), eq(messages.stage, stage)))
      .limit(1);
    if (reached) {
      throw new AppError("CONFLICT", `Stage ${stage} has been reached by contacts and can no longer be changed`, {
        details: [{ field: `steps.${stage}`, message: "must stay as it is" }],
        meta: { stage },
      });
    }
  }
}

/** Converts the steps to rows by stage. @throws AppError INVALID for the first invalid field */
function checkSteps(campaign: CampaignRow, given: readonly StepShape[], channels: readonly ChannelName[]): StepRow[] {
  if (given.length < 1 || given.length > MAX_STEPS) throw invalid("steps", `expected 1 to ${MAX_STEPS} steps`);
  const order = given
    .map((step, index) => ({ step, field: `steps.${index}` }))
    .sort((a, b) => a.step.stage - b.step.stage);
  const opening = order.findIndex(({ step }) => step.channel === "EMAIL");
  return order.map(({ step, field }, stage) => {
    if (step.stage !== stage)
      throw invalid(`${field}.stage`, `expected the stages 0 to ${given.length - 1}, each once`);
    if (!campaign.channels.includes(step.channel)) {
      throw invalid(`${field}.channel`, `expected one of the campaign's channels: ${campaign.channels.join(", ")}`);
    }
    if (!channels.includes(step.channel)) {
      throw invalid(
        `${field}.channel`,
        `${step.channel} is not available: this installation sends ${channels.join(", ")}`,
      );
    }
    const subject = step.channel === "EMAIL" ? step.subject?.trim() || null : null;
    if (stage === opening && subject === null) {
      throw invalid(`${field}.subject`, "expected a subject: the first e-mail has no thread to continue");
    }
    const delay = step.delay.value * UNIT_MS[step.delay.unit];
    return { campaignId: campaign.id, stage, channel: step.channel, delay, subject, body: step.body };
  });
}
