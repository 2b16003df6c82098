import { asc, eq, gt } from "drizzle-orm";
import { contacts } from "../db/schema/contacts.ts";
import { installation } from "../db/schema/installation.ts";
import type { Store, Tx } from "../db/store.ts";
import { addWords, removeWords } from "../db/wordIndex.ts";
import { wordEntry } from "./upsert.ts";

/** The mark in `installation` that all contacts are in the index. */
const MARK = "contact words";
/** Another one when the words that a contact is found by change. */
const VERSION = "1";
const CONTACTS_PER_TRANSACTION = 500;

/**
 * Puts contacts into the index that are not in it: those of a database that was moved here, or of a version that kept none.
 * Does its work once; broken off, it begins anew and changes nothing twice. Returns how many it indexed.
 */
export async function indexOlderContacts(store: Store): Promise<number> {
  const [mark] = await store.read.select().from(installation).where(eq(installation.name, MARK));
  if (mark?.value === VERSION) return 0;
  let count = 0;
  for (let after: string | null = ""; after !== null; ) {
    const from: string = after;
    const ids: string[] = await store.write((tx) => indexFrom(tx, from));
    count += ids.length;
    after = ids.at(-1) ?? null;
  }
  await store.write((tx) =>
    tx
      .insert(installation)
      .values({ name: MARK, value: VERSION })
      .onConflictDoUpdate({ target: installation.name, set: { value: VERSION } }),
  );
  return count;
}

async function indexFrom(tx: Tx, after: string): Promise<string[]> {
  const rows = await tx
    .select()
    .from(contacts)
    .where(gt(contacts.id, after))
    .orderBy(asc(contacts.id))
    .limit(CONTACTS_PER_TRANSACTION);
  for (const [brandId, own] of Map.groupBy(rows, (row) => row.brandId)) {
    const entries = own.map(wordEntry);
    await removeWords(tx, brandId, entries);
    await addWords(tx, brandId, entries);
  }
  return rows.map(({ id }) => id);
}
