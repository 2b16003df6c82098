import { eq, sql } from "drizzle-orm";
import { campaignSteps, campaigns } from "../../db/schema/campaigns.ts";
import { forUpdate } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { SYSTEM, type TenantScope, tenantScope } from "../../db/tenant-scope.ts";
import { assertWindows } from "../../lib/calendar/windows.ts";
import { type Instant, iso, isoOrNull } from "../../lib/clock.ts";
import { AppError, invalid } from "../../lib/errors.ts";
import { assertZone, getBrand } from "../brands/brands.ts";
import { reserveQuota } from "../limits/usage.ts";
import { getCampaign } from "./lifecycle.ts";
import type { Campaign, CampaignChange, NewCampaign } from "./model.ts";

export type CampaignRow = typeof campaigns.$inferSelect;

export function toCampaign(row: CampaignRow): Campaign {
  return {
    ...row,
    startAt: isoOrNull(row.startAt),
    endAt: isoOrNull(row.endAt),
    launchedAt: isoOrNull(row.launchedAt),
    completedAt: isoOrNull(row.completedAt),
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
  };
}

/** Locks and returns the campaign with this id within the scope, until this transaction ends. @throws AppError NOT_FOUND */
export async function lockCampaign(tx: Tx, id: string, scope: TenantScope): Promise<CampaignRow> {
  await tx.all(sql`select c.id from campaigns c where c.id = ${id} ${forUpdate("c")}`);
  return getCampaign(tx, id, scope);
}

/** Creates a draft. Defaults: the zone of the brand, e-mail, and no send windows. */
export async function createCampaign(tx: Tx, brandId: string, given: NewCampaign): Promise<CampaignRow> {
  const brand = await getBrand(tx, brandId);
  const { sendWindows = [] } = given;
  assertWindows("sendWindows", sendWindows);
  const row = {
    id: tx.newId(),
    brandId,
    name: given.name.trim(),
    status: "DRAFT" as const,
    channels: given.channels ?? ["EMAIL" as const],
    timezone: assertZone(given.timezone ?? brand.timezone),
    sendWindows: [...sendWindows],
    startAt: parseTime("startAt", given.startAt ?? null),
    endAt: parseTime("endAt", given.endAt ?? null),
    stopOnReply: given.stopOnReply ?? true,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  checkPeriod(row, tx.now);
  await reserveQuota(tx, brandId, "campaigns");
  await tx.insert(campaigns).values(row);
  return getCampaign(tx, row.id, tenantScope(SYSTEM, brandId));
}

/** Fields that may change after the launch: none that messages already scheduled depend on. */
const FIELDS_OPEN_AFTER_LAUNCH = ["name", "sendWindows", "timezone", "endAt", "stopOnReply"];

/** Updates the given fields. @throws AppError CONFLICT when `version` is not the current one, or a field is fixed after the launch */
export async function updateCampaign(
  tx: Tx,
  id: string,
  scope: TenantScope,
  { version, ...change }: CampaignChange,
): Promise<CampaignRow> {
  const row = await lockCampaign(tx, id, scope);
  checkVersion(row, version);
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  const fixed = named
    .map(([name]) => name)
    .filter((name) => row.status !== "DRAFT" && !FIELDS_OPEN_AFTER_LAUNCH.includes(name));
  if (fixed.length > 0) {
    throw new AppError("CONFLICT", `${fixed.join(", ")} cannot be changed: the campaign is ${row.status}`);
  }
  const { name, channels, timezone, sendWindows, startAt, endAt, stopOnReply } = change;
  if (sendWindows) assertWindows("sendWindows", sendWindows);
  if (channels) await checkChannelsUsed(tx, id, channels);
  const next = {
    name: name?.trim() ?? row.name,
    channels: channels ?? row.channels,
    timezone: timezone === undefined ? row.timezone : assertZone(timezone),
    sendWindows: sendWindows ?? row.sendWindows,
    startAt: startAt === undefined ? row.startAt : parseTime("startAt", startAt),
    endAt: endAt === undefined ? row.endAt : parseTime("endAt", endAt),
    stopOnReply: stopOnReply ?? row.stopOnReply,
  };
  if (startAt !== undefined || endAt !== undefined) checkPeriod(next, tx.now);
  await tx
    .update(campaigns)
    .set({ ...next, version: version + 1, updatedAt: tx.now })
    .where(eq(campaigns.id, id));
  return getCampaign(tx, id, scope);
}

/** @throws AppError CONFLICT when `version` is not the current one */
export function checkVersion(row: CampaignRow, version: number): void {
  if (row.version === version) return;
  throw new AppError("CONFLICT", "The campaign was changed meanwhile: get it again", {
    meta: { version: row.version },
  });
}

function parseTime(field: string, text: string | null): Instant | null {
  if (text === null) return null;
  const time = Date.parse(text);
  if (!Number.isFinite(time)) throw invalid(field, "expected a time such as 2026-11-23T09:00:00Z");
  return time;
}

function checkPeriod({ startAt, endAt }: Pick<CampaignRow, "startAt" | "endAt">, now: Instant): void {
  if (endAt === null) return;
  if (endAt <= now) throw invalid("endAt", "expected a time in the future");
  if (startAt !== null && endAt <= startAt) throw invalid("endAt", "expected a time after startAt");
}

async function checkChannelsUsed(tx: Tx, campaignId: string, channels: CampaignRow["channels"]): Promise<void> {
  const steps = await tx.select().from(campaignSteps).where(eq(campaignSteps.campaignId, campaignId));
  const used = steps.find((step) => !channels.includes(step.channel));
  if (used) throw invalid("channels", `stage ${used.stage} is sent by ${used.channel}: change the steps first`);
}
