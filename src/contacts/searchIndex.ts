import { type SQL, sql } from "drizzle-orm";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { indexedWords, type Searchable } from "./searchWords.ts";

/** Words written by one statement: two values each, and `rowsOf` takes 32,000. */
const WORDS_PER_STATEMENT = 10_000;

export type Indexed = Searchable & { id: string };

/** Makes contacts of a brand findable. Belongs into the transaction that writes them. */
export async function indexContacts(tx: Tx, brandId: string, contacts: readonly Indexed[]): Promise<void> {
  await inParts(contacts, (words) =>
    tx.all(sql`insert into contact_words (brand_id, word, contact_id) select ${brandId}, n.word, n.id from ${words}
      where true on conflict do nothing`),
  );
}

/** Takes out what was written for contacts as they were. Belongs into the transaction that changes or removes them. */
export async function unindexContacts(tx: Tx, brandId: string, contacts: readonly Indexed[]): Promise<void> {
  await inParts(contacts, (words) =>
    tx.all(sql`delete from contact_words where (brand_id, word, contact_id) in
      (select ${brandId}, n.word, n.id from ${words})`),
  );
}

async function inParts(contacts: readonly Indexed[], write: (words: SQL) => Promise<unknown>): Promise<void> {
  const rows = contacts.flatMap((contact) => indexedWords(contact).map((word) => ({ word, id: contact.id })));
  // In the order of the key: neighbours are written to the same page.
  rows.sort((one, other) => (one.word < other.word ? -1 : one.word > other.word ? 1 : 0));
  for (let at = 0; at < rows.length; at += WORDS_PER_STATEMENT) {
    await write(rowsOf("n", rows.slice(at, at + WORDS_PER_STATEMENT), { word: "text", id: "text" }));
  }
}
