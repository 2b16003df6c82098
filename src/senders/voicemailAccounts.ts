import { and, asc, eq, gt } from "drizzle-orm";
import { normalisePhone } from "../address.ts";
import { getBrand } from "../brands/brands.ts";
import { iso } from "../clock.ts";
import { voicemailAccounts } from "../db/schema/brands.ts";
import type { Reader, Tx } from "../db/store.ts";
import { inScope, type TenantScope } from "../db/tenant-scope.ts";
import { isUniqueViolation } from "../db/violations.ts";
import { invalid, notFound } from "../fault.ts";
import { release, takeQuota } from "../limits/usage.ts";
import type { NewVoicemailAccount, VoicemailAccount, VoicemailAccountChange } from "./model.ts";
import { disableUnprovedNumbers, expectNumberFree, expectOwnNumber, numberTaken, proveNumber } from "./ownNumbers.ts";
import { checkNothingWaits } from "./waiting.ts";

export type VoicemailRow = typeof voicemailAccounts.$inferSelect;

export function toVoicemailAccount({ createdAt, updatedAt, provedAt, ...row }: VoicemailRow): VoicemailAccount {
  return { ...row, isProved: provedAt !== null, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

/** The number with this id in the scope; NOT_FOUND if there is none. */
export async function getVoicemailAccount(read: Reader, id: string, scope: TenantScope): Promise<VoicemailRow> {
  const [row] = await read.select().from(voicemailAccounts).where(within(id, scope));
  if (!row) throw notFound("voicemail account", id);
  return row;
}

const within = (id: string, scope: TenantScope) =>
  and(eq(voicemailAccounts.id, id), inScope(scope, voicemailAccounts.brandId));

/** Numbers in the scope in the order they were added, after the one with id `after`. */
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
 * Adds a number, named after its brand and its last digits unless said otherwise. `proved` says that an admin vouches for it:
 * then it is this brand's, and others who only typed it lose it. CONFLICT when it is proved, or this brand's already.
 */
export async function addVoicemailAccount(
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
  const typed = await expectNumberFree(tx, brandId, phoneNumber, proved);
  if (typed !== null) return proveNumber(tx, typed);
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
  await takeQuota(tx, brandId, "voicemailNumbers");
  try {
    await tx.insert(voicemailAccounts).values(row);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw numberTaken();
  }
  if (proved) await disableUnprovedNumbers(tx, row);
  return row;
}

/** Changes what is named and leaves the rest. */
export async function changeVoicemailAccount(
  tx: Tx,
  id: string,
  scope: TenantScope,
  { displayName, isActive }: VoicemailAccountChange,
): Promise<VoicemailRow> {
  if (isActive === true) await expectOwnNumber(tx, await getVoicemailAccount(tx, id, scope));
  const [row] = await tx
    .update(voicemailAccounts)
    .set({
      ...(displayName === undefined ? {} : { displayName: displayName.trim() }),
      ...(isActive === undefined ? {} : { isActive, inactiveReason: null }),
      updatedAt: tx.now,
    })
    .where(within(id, scope))
    .returning();
  if (!row) throw notFound("voicemail account", id);
  return row;
}

/** Removes a number. CONFLICT while messages wait to leave from it. */
export async function removeVoicemailAccount(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  await getVoicemailAccount(tx, id, scope);
  await checkNothingWaits(tx, id);
  const [gone] = await tx.delete(voicemailAccounts).where(within(id, scope)).returning();
  if (gone) await release(tx, gone.brandId, "voicemailNumbers", 1);
}
