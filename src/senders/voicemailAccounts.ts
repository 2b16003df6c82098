import { and, asc, eq, gt } from "drizzle-orm";
import { normalisePhone } from "../address.ts";
import { getBrand } from "../brands/brands.ts";
import { iso } from "../clock.ts";
import { voicemailAccounts } from "../db/schema/senders.ts";
import type { Reader, Tx } from "../db/store.ts";
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

/** The number with this id within reach; NOT_FOUND if there is none. */
export async function getVoicemailAccount(read: Reader, id: string, reach: string | null): Promise<VoicemailRow> {
  const [row] = await read.select().from(voicemailAccounts).where(within(id, reach));
  if (!row) throw notFound("voicemail account", id);
  return row;
}

const within = (id: string, reach: string | null) =>
  and(eq(voicemailAccounts.id, id), reach === null ? undefined : eq(voicemailAccounts.brandId, reach));

/** Numbers within reach in the order they were added, after the one with id `after`. */
export async function listVoicemailAccounts(
  read: Reader,
  { reach, after, limit }: { reach: string | null; after: string | null; limit: number },
): Promise<VoicemailRow[]> {
  return read
    .select()
    .from(voicemailAccounts)
    .where(
      and(
        reach === null ? undefined : eq(voicemailAccounts.brandId, reach),
        after === null ? undefined : gt(voicemailAccounts.id, after),
      ),
    )
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
  reach: string | null,
  { displayName, isActive }: VoicemailAccountChange,
): Promise<VoicemailRow> {
  if (isActive === true) await expectOwnNumber(tx, await getVoicemailAccount(tx, id, reach));
  const [row] = await tx
    .update(voicemailAccounts)
    .set({
      ...(displayName === undefined ? {} : { displayName: displayName.trim() }),
      ...(isActive === undefined ? {} : { isActive, inactiveReason: null }),
      updatedAt: tx.now,
    })
    .where(within(id, reach))
    .returning();
  if (!row) throw notFound("voicemail account", id);
  return row;
}

/** Removes a number. CONFLICT while messages wait to leave from it. */
export async function removeVoicemailAccount(tx: Tx, id: string, reach: string | null): Promise<void> {
  await getVoicemailAccount(tx, id, reach);
  await checkNothingWaits(tx, id);
  const [gone] = await tx.delete(voicemailAccounts).where(within(id, reach)).returning();
  if (gone) await release(tx, gone.brandId, "voicemailNumbers", 1);
}
