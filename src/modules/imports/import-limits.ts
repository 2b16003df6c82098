import type { Reader, Tx } from "../../db/store.ts";
import type { TenantScope } from "../../db/tenant-scope.ts";
import { AppError } from "../../lib/errors.ts";
import { getCampaign } from "../campaigns/lifecycle.ts";
import { assertAcceptsContacts } from "../campaigns/members.ts";
import type { LimitName } from "../limits/names.ts";
import { getLimit, PLATFORM } from "../limits/overrides.ts";
import {
  getRemainingQuota,
  getUsage,
  quotaReached,
  type RemainingQuota,
  releaseUsage,
  reserveUsage,
} from "../limits/usage.ts";

const RETRY_AFTER_SECONDS = 30;

/** Counts a running import of the brand and of the platform. @throws AppError RATE_LIMITED when a limit is reached */
export async function reserveImport(tx: Tx, brandId: string): Promise<void> {
  for (const [scope, name] of getCounters(brandId)) {
    const limit = await getLimit(tx, brandId, name);
    if (await reserveUsage(tx, scope, name, 1, limit)) continue;
    throw importLimitReached(name, limit);
  }
}

function importLimitReached(name: LimitName, limit: number): AppError {
  const message = `${limit} imports are running, and the limit ${name} is ${limit}: try again in ${RETRY_AFTER_SECONDS} seconds`;
  return new AppError("RATE_LIMITED", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** Uncounts an import that has ended. */
export async function releaseImport(tx: Tx, brandId: string): Promise<void> {
  for (const [scope, name] of getCounters(brandId)) await releaseUsage(tx, scope, name, 1);
}

const getCounters = (brandId: string) =>
  [
    [brandId, "importsAtOnce"],
    [PLATFORM, "importsOfAllBrands"],
  ] as const;

/**
 * Checks the limits that `createImportJob` checks, before a gigabyte has been received.
 * @returns the brand, and how many bytes it may still store
 */
export async function assertCanImport(
  read: Reader,
  campaignId: string,
  scope: TenantScope,
): Promise<{ brandId: string; left: RemainingQuota }> {
  const campaign = await getCampaign(read, campaignId, scope);
  assertAcceptsContacts(campaign);
  const { brandId } = campaign;
  for (const [scope, name] of getCounters(brandId)) {
    const limit = await getLimit(read, brandId, name);
    if (((await getUsage(read, scope))[name] ?? 0) >= limit) throw importLimitReached(name, limit);
  }
  const [rows, bytes] = [
    await getRemainingQuota(read, brandId, "contacts"),
    await getRemainingQuota(read, brandId, "storedBytes"),
  ];
  if (rows.left === 0) throw quotaReached("contacts", rows.limit);
  if (bytes.left === 0) throw quotaReached("storedBytes", bytes.limit);
  return { brandId, left: bytes };
}
