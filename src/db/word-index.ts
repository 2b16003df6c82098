import { sql } from "drizzle-orm";
import { dialect } from "./dialect.ts";
import { deleteWhere, forEachPage, SLICE_ROWS } from "./slices.ts";
import { valuesTable } from "./sql.ts";
import type { Reader, Tx } from "./store.ts";

// An index of the words of contacts, by brand and word, which finds all words with a given prefix page by page. On Postgres it
// is the table `contact_words` with that key. Such a table made imports on SQLite 2.5 times as slow: there it is an FTS5 index
// (`contact_terms`), which only appends, and whose vocabulary table lists the terms in that order.

/** Words written by one statement: two values each, and a statement has MAX_CELLS at most. */
const WORDS_PER_STATEMENT = 10_000;
/** The highest code point: it sorts after every character in every encoding. */
const MAX_CHAR = "\u{10ffff}";

/** A contact and its words, which contain no blank, quote or backslash. */
export interface WordEntry {
  contactId: string;
  words: readonly string[];
}

/** A position in the order of the index: right after this entry. */
export interface WordCursor {
  word: string;
  /** Orders the contacts of one word: by id, on SQLite by number. */
  order: string;
}

/** Returns the position after every word with this prefix. */
export const afterPrefix = (prefix: string): WordCursor => ({ word: prefix + MAX_CHAR, order: "0" });

/** Adds contacts to the index, in the transaction that writes them. They must not be in it yet. */
export async function indexWords(tx: Tx, brandId: string, entries: readonly WordEntry[]): Promise<void> {
  if (entries.length === 0) return;
  if (dialect === "postgres") {
    await forEachPart(entries, (part) =>
      tx.all(sql`insert into contact_words (brand_id, word, contact_id) select ${brandId}, n.word, n.id
        from ${valuesTable("n", part, { word: "text", id: "text" })} on conflict do nothing`),
    );
    return;
  }
  const [last] = await tx.all<{ number: number }>(sql`select coalesce(max(number), 0) as number from contact_numbers`);
  const first = (last?.number ?? 0) + 1;
  const rows = entries.map(({ contactId, words }, at) => ({
    number: first + at,
    id: contactId,
    words: words.map((word) => toTerm(brandId, word)).join(" "),
  }));
  const numbered = rows.map(({ number, id }) => ({ number, id }));
  const worded = rows.map(({ number, words }) => ({ number, words }));
  await tx.all(sql`insert into contact_numbers (number, contact_id)
    select n.number, n.id from ${valuesTable("n", numbered, { number: "integer", id: "text" })}`);
  await tx.all(sql`insert into contact_terms (rowid, words)
    select n.number, n.words from ${valuesTable("n", worded, { number: "integer", words: "text" })}`);
}

/** Deletes contacts from the index, in the transaction that changes or deletes them. `words` are those they were added with. */
export async function deleteWords(tx: Tx, brandId: string, entries: readonly WordEntry[]): Promise<void> {
  if (entries.length === 0) return;
  if (dialect === "postgres") {
    await forEachPart(entries, (part) =>
      tx.all(sql`delete from contact_words w using ${valuesTable("n", part, { word: "text", id: "text" })}
        where w.brand_id = ${brandId} and w.word = n.word and w.contact_id = n.id`),
    );
    return;
  }
  const ids = entries.map(({ contactId: id }) => ({ id }));
  const numbers = await tx.all<{ number: number }>(sql`select c.number from ${valuesTable("n", ids, { id: "text" })}
    cross join contact_numbers c where c.contact_id = n.id`);
  if (numbers.length === 0) return;
  const gone = sql`(select n.number from ${valuesTable("n", numbers, { number: "integer" })})`;
  await tx.all(sql`delete from contact_terms where rowid in ${gone}`);
  await tx.all(sql`delete from contact_numbers where number in ${gone}`);
}

/** Deletes all contacts of a brand from the index, before the contacts themselves are deleted. */
export async function deleteBrandWords(tx: Tx, brandId: string): Promise<void> {
  if (dialect === "postgres") {
    await deleteWhere(tx, "contact_words", sql`brand_id = ${brandId}`);
    return;
  }
  await forEachPage(
    (after) =>
      tx.all<{ id: string }>(sql`select p.id from contacts p where p.brand_id = ${brandId} and p.id > ${after}
        order by p.id limit ${SLICE_ROWS}`),
    // SQLite deletes by contact id alone.
    (rows) =>
      deleteWords(
        tx,
        brandId,
        rows.map(({ id: contactId }) => ({ contactId, words: [] })),
      ),
  );
}

async function forEachPart(
  entries: readonly WordEntry[],
  write: (part: { word: string; id: string }[]) => Promise<unknown>,
): Promise<void> {
  const rows = entries.flatMap(({ contactId: id, words }) => words.map((word) => ({ word, id })));
  // In the order of the key, so that neighbours are written to the same page.
  rows.sort((one, other) => (one.word < other.word ? -1 : one.word > other.word ? 1 : 0));
  for (let at = 0; at < rows.length; at += WORDS_PER_STATEMENT) await write(rows.slice(at, at + WORDS_PER_STATEMENT));
}

/**
 * Returns the term of a word within a brand. FTS5 stores terms in lower case, so ids of two brands that differ only in case
 * share their terms.
 */
const toTerm = (brandId: string, word: string) => `${brandId.toLowerCase()}:${word}`;

/** One contact under one of its words. */
export interface FoundWord extends WordCursor {
  contactId: string;
}

/**
 * Lists the next entries of a brand with this prefix, at most `limit`, by word. No statement visits more rows than that.
 * Contacts of another brand whose id differs only in case may be among them.
 */
export async function listWords(
  read: Reader,
  brandId: string,
  prefix: string,
  after: WordCursor | null,
  limit: number,
): Promise<FoundWord[]> {
  if (dialect === "sqlite") return termsFrom(read, brandId, prefix, after, limit);
  // One lower bound only: with two a planner may start at the wrong one and visit the rows of earlier pages.
  const start = after ? sql`(w.word, w.contact_id) > (${after.word}, ${after.order})` : sql`w.word >= ${prefix}`;
  return read.all<FoundWord>(sql`select w.word, w.contact_id as "order", w.contact_id as "contactId" from contact_words w
    where w.brand_id = ${brandId} and ${start} and w.word < ${prefix + MAX_CHAR} order by w.word, w.contact_id limit ${limit}`);
}

interface Term {
  term: string;
  number: number;
}

async function termsFrom(
  read: Reader,
  brandId: string,
  prefix: string,
  after: WordCursor | null,
  limit: number,
): Promise<FoundWord[]> {
  const found: Term[] = [];
  let start = toTerm(brandId, prefix);
  if (after) {
    // The remaining contacts of the word at the position: the list of terms would start that word again.
    const term = toTerm(brandId, after.word);
    const rows = await read.all<{ number: number }>(sql`select t.rowid as number from contact_terms t
      where t.contact_terms match ${`"${term}"`} and t.rowid > ${Number(after.order)} order by t.rowid limit ${limit}`);
    for (const { number } of rows) found.push({ term, number });
    start = `${term}\u0001`;
  }
  const end = toTerm(brandId, prefix) + MAX_CHAR;
  if (found.length < limit) {
    found.push(
      ...(await read.all<Term>(sql`select v.term, v.doc as number from contact_term_list v
        where v.term >= ${start} and v.term < ${end} limit ${limit - found.length}`)),
    );
  }
  return withIds(read, brandId, found);
}

async function withIds(read: Reader, brandId: string, found: readonly Term[]): Promise<FoundWord[]> {
  const numbers = found.map(({ number }) => ({ number }));
  const rows = await read.all<{ number: number; id: string }>(sql`select c.number, c.contact_id as id
    from ${valuesTable("n", numbers, { number: "integer" })} cross join contact_numbers c where c.number = n.number`);
  const ids = new Map(rows.map(({ number, id }) => [number, id]));
  const begin = toTerm(brandId, "").length;
  return found.map(({ term, number }) => ({
    word: term.slice(begin),
    order: String(number),
    contactId: ids.get(number) ?? "",
  }));
}
