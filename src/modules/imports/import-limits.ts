import { campaignOf } from "../campaigns/lifecycle.ts";
import { mustTakeContacts } from "../campaigns/members.ts";
import type { Reader, Tx } from "../db/store.ts";
import type { TenantScope } from "../db/tenant-scope.ts";
import { Fault } from "../fault.ts";
import type { LimitName } from "../limits/names.ts";
import { getLimit, PLATFORM } from "../limits/overrides.ts";
import { quotaReached, type Room, release, reserve, roomFor, usageOf } from "../limits/usage.ts";

const RETRY_AFTER_SECONDS = 30;

/** Counts a running import of the brand and of the platform. @throws AppError RATE_LIMITED when a limit is reached */
export async function takeImportPlace(tx: Tx, brandId: string): Promise<void> {
  for (const [scope, name] of getCounters(brandId)) {
    const limit = await getLimit(tx, brandId, name);
    if (await reserve(tx, scope, name, 1, limit)) continue;
    throw importLimitReached(name, limit);
  }
}

function importLimitReached(name: LimitName, limit: number): Fault {
  const message = `${limit} imports are running, and the limit ${name} is ${limit}: try again in ${RETRY_AFTER_SECONDS} seconds`;
  return new Fault("RATE_LIMITED", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** Uncounts an import that has ended. */
export async function releaseImportPlace(tx: Tx, brandId: string): Promise<void> {
  for (const [scope, name] of getCounters(brandId)) await release(tx, scope, name, 1);
}

const getCounters = (brandId: string) =>
  [
    [brandId, "importsAtOnce"],
    [PLATFORM, "importsOfAllBrands"],
  ] as const;

/**
 * Asserts what `createImportJob` asserts, before a gigabyte has been received.
 * @returns the brand, and how many bytes it may still store
 */
export async function mustTakeFile(
  read: Reader,
  campaignId: string,
  scope: TenantScope,
): Promise<{ brandId: string; left: Room }> {
  const campaign = await campaignOf(read, campaignId, scope);
  mustTakeContacts(campaign);
  const { brandId } = campaign;
  for (const [scope, name] of getCounters(brandId)) {
    const limit = await getLimit(read, brandId, name);
    if (((await usageOf(read, scope))[name] ?? 0) >= limit) throw importLimitReached(name, limit);
  }
  const [rows, bytes] = [await roomFor(read, brandId, "contacts"), await roomFor(read, brandId, "storedBytes")];
  if (rows.left === 0) throw quotaReached("contacts", rows.limit);
  if (bytes.left === 0) throw quotaReached("storedBytes", bytes.limit);
  return { brandId, left: bytes };
}
