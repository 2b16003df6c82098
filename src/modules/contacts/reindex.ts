import { asc, gt } from "drizzle-orm";
import { findNote, setNote } from "../../db/installation.ts";
import { contacts } from "../../db/schema/contacts.ts";
import type { Store, Tx } from "../../db/store.ts";
import { deleteWords, indexWords } from "../../db/word-index.ts";
import { toWordEntry } from "./upsert.ts";

/** The row of `installation` that records that all contacts are indexed. */
const INDEX_STATE_NAME = "contact words";
/** Increased when the words of a contact change. */
const INDEX_VERSION = "1";
const CONTACTS_PER_TRANSACTION = 500;

/**
 * Adds contacts to the search index that are not in it: those of a migrated database, or of a version without an index.
 * Runs once; after an interruption it starts again and is idempotent. Returns how many contacts it indexed.
 */
export async function indexMissingContacts(store: Store): Promise<number> {
  if ((await findNote(store.read, INDEX_STATE_NAME)) === INDEX_VERSION) return 0;
  let count = 0;
  for (let after: string | null = ""; after !== null; ) {
    const from: string = after;
    const ids: string[] = await store.write((tx) => indexPage(tx, from));
    count += ids.length;
    after = ids.at(-1) ?? null;
  }
  await store.write((tx) => setNote(tx, INDEX_STATE_NAME, INDEX_VERSION));
  return count;
}

async function indexPage(tx: Tx, after: string): Promise<string[]> {
  const rows = await tx
    .select()
    .from(contacts)
    .where(gt(contacts.id, after))
    .orderBy(asc(contacts.id))
    .limit(CONTACTS_PER_TRANSACTION);
  for (const [brandId, own] of Map.groupBy(rows, (row) => row.brandId)) {
    const entries = own.map(toWordEntry);
    await deleteWords(tx, brandId, entries);
    await indexWords(tx, brandId, entries);
  }
  return rows.map(({ id }) => id);
}
