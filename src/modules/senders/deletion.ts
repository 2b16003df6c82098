import { eq } from "drizzle-orm";
import { emailAccounts, voicemailAccounts } from "../../db/schema/senders.ts";
import type { Tx } from "../../db/store.ts";

/** Removes the mailboxes of a brand from it. An admin may assign them to another brand. */
export async function releaseBrandMailboxes(tx: Tx, brandId: string): Promise<void> {
  await tx.update(emailAccounts).set({ brandId: null, updatedAt: tx.now }).where(eq(emailAccounts.brandId, brandId));
}

/** Deletes the voicemail numbers of a brand that is being deleted. */
export async function deleteBrandVoicemailAccounts(tx: Tx, brandId: string): Promise<void> {
  await tx.delete(voicemailAccounts).where(eq(voicemailAccounts.brandId, brandId));
}
