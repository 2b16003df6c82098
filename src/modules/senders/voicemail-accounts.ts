import { and, asc, eq, gt } from "drizzle-orm";
import { isUniqueViolation } from "../../db/errors.ts";
import { voicemailAccounts } from "../../db/schema/senders.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import { normalisePhone } from "../../lib/addresses.ts";
import { iso } from "../../lib/clock.ts";
import { invalid, notFound } from "../../lib/errors.ts";
import { getBrand } from "../brands/brands.ts";
import { releaseUsage, reserveQuota } from "../limits/usage.ts";
import type { NewVoicemailAccount, VoicemailAccount, VoicemailAccountUpdate } from "./model.ts";
import {
  assertNumberFree,
  assertNumberUnclaimed,
  disableUnprovedNumbers,
  numberTaken,
  proveNumber,
} from "./number-ownership.ts";
import { assertNoPendingMessages } from "./pending-messages.ts";

type VoicemailRow = typeof voicemailAccounts.$inferSelect;

export function toVoicemailAccount({ createdAt, updatedAt, provedAt, ...row }: VoicemailRow): VoicemailAccount {
  return { ...row, isProved: provedAt !== null, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

/** @throws AppError NOT_FOUND when there is no such number in scope */
export async function getVoicemailAccount(read: Reader, id: string, scope: TenantScope): Promise<VoicemailRow> {
  const [row] = await read.select().from(voicemailAccounts).where(isInScope(id, scope));
  if (!row) throw notFound("voicemail account", id);
  return row;
}

const isInScope = (id: string, scope: TenantScope) =>
  and(eq(voicemailAccounts.id, id), inScope(scope, voicemailAccounts.brandId));

/** Lists numbers in scope in the order of their creation, after the one with id `after`. */
export async function listVoicemailAccounts(
  read: Reader,
  { scope, after, limit }: { scope: TenantScope; after: string | null; limit: number },
): Promise<VoicemailRow[]> {
  return read
    .select()
    .from(voicemailAccounts)
    .where(and(inScope(scope, voicemailAccounts.brandId), after === null ? undefined : gt(voicemailAccounts.id, after)))
    .orderBy(asc(voicemailAccounts.id))
    .limit(limit);
}

/**
 * Creates a number; its default name is the brand's name and its last four digits. With `proved` (an admin adds it) it
 * belongs to the brand, and the unproved accounts of other brands for it are disabled.
 * @throws AppError INVALID for a malformed number, CONFLICT when another brand has proved it or this one has it
 */
export async function createVoicemailAccount(
  tx: Tx,
  brandId: string,
  given: NewVoicemailAccount,
  { proved }: { proved: boolean },
): Promise<VoicemailRow> {
  const brand = await getBrand(tx, brandId);
  const phoneNumber = normalisePhone(given.phoneNumber);
  if (phoneNumber === null) {
    throw invalid("phoneNumber", "expected an international phone number, such as +12025550143");
  }
  const unproved = await assertNumberFree(tx, brandId, phoneNumber, proved);
  if (unproved !== null) return proveNumber(tx, unproved);
  const row: VoicemailRow = {
    id: tx.newId(),
    brandId,
    phoneNumber,
    displayName: given.displayName?.trim() ?? `${brand.name} ${phoneNumber.slice(-4)}`,
    provider: "TWILIO",
    isActive: true,
    provedAt: proved ? tx.now : null,
    inactiveReason: null,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  await reserveQuota(tx, brandId, "voicemailNumbers");
  try {
    await tx.insert(voicemailAccounts).values(row);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw numberTaken();
  }
  if (proved) await disableUnprovedNumbers(tx, row);
  return row;
}

/** Updates the fields that are given. @throws AppError CONFLICT when a number that another brand proved is switched on */
export async function updateVoicemailAccount(
  tx: Tx,
  id: string,
  scope: TenantScope,
  { displayName, isActive }: VoicemailAccountUpdate,
): Promise<VoicemailRow> {
  if (isActive === true) await assertNumberUnclaimed(tx, await getVoicemailAccount(tx, id, scope));
  const [row] = await tx
    .update(voicemailAccounts)
    .set({
      ...(displayName === undefined ? {} : { displayName: displayName.trim() }),
      ...(isActive === undefined ? {} : { isActive, inactiveReason: null }),
      updatedAt: tx.now,
    })
    .where(isInScope(id, scope))
    .returning();
  if (!row) throw notFound("voicemail account", id);
  return row;
}

/** Deletes a number. @throws AppError CONFLICT while messages are pending */
export async function deleteVoicemailAccount(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  await getVoicemailAccount(tx, id, scope);
  await assertNoPendingMessages(tx, id);
  const [deleted] = await tx.delete(voicemailAccounts).where(isInScope(id, scope)).returning();
  if (deleted) await releaseUsage(tx, deleted.brandId, "voicemailNumbers", 1);
}
