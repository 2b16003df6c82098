import { eq } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import type { Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";

/**
 * Refuses as owner a user who may have typed another person's address.
 * @throws AppError CONFLICT for a user whose address is not verified
 */
export function assertVerified({ emailVerified }: { emailVerified: boolean }): void {
  if (emailVerified) return;
  throw new AppError(
    "CONFLICT",
    "This user has not proved their e-mail address: they must open the mailed link, or an admin must verify the address (POST /api/auth/admin/verify-user)",
  );
}

/** Removes a user who is being deleted as the owner of a brand. The brand stays, because its history may have to be kept. */
export async function clearOwner(tx: Tx, userId: string): Promise<void> {
  await tx.update(brands).set({ ownerId: null, updatedAt: tx.now }).where(eq(brands.ownerId, userId));
}
