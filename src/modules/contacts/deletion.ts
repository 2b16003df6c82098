import { sql } from "drizzle-orm";
import { deleteWhere } from "../../db/slices.ts";
import type { Tx } from "../../db/store.ts";
import { deleteBrandWords } from "../../db/word-index.ts";

/** Deletes the contacts of a brand that is being deleted, and their entries in the search index. */
export async function deleteBrandContacts(tx: Tx, brandId: string): Promise<void> {
  await deleteBrandWords(tx, brandId);
  await deleteWhere(tx, "contacts", sql`brand_id = ${brandId}`);
}
