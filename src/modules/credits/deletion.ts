import { eq } from "drizzle-orm";
import { creditAccounts, creditLots } from "../../db/schema/credits.ts";
import type { Tx } from "../../db/store.ts";

/** Deletes the account of a brand that has no entry in the ledger: its lots are empty, too. */
export async function deleteBrandCredits(tx: Tx, brandId: string): Promise<void> {
  await tx.delete(creditLots).where(eq(creditLots.brandId, brandId));
  await tx.delete(creditAccounts).where(eq(creditAccounts.brandId, brandId));
}
