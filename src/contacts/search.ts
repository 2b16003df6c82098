import { inArray, type SQL, sql } from "drizzle-orm";
import { contacts } from "../db/schema/brands.ts";
import type { Reader } from "../db/store.ts";
import { invalid } from "../fault.ts";
import type { ContactRow } from "./contacts.ts";
import { indexed, indexedWords, isFoundBy, type SearchWord, searchWords } from "./searchWords.ts";

/** Entries of the index that one statement visits, and contacts that are then compared: about 1 ms on SQLite. */
export const SEARCH_SLICE_ENTRIES = 200;
/** Brands that one statement looks into when an admin searches all of them. */
export const SEARCH_SLICE_BRANDS = 200;
/** Statements of one request; after them it answers what it has, and the cursor goes on. */
export const SEARCH_STATEMENTS = 25;

/** A place in the index: the last entry visited. */
export interface SearchPlace {
  brandId: string;
  word: string;
  contactId: string;
}

export interface ContactSearch {
  /** The brand whose contacts are searched; null for all brands. */
  reach: string | null;
  text: string;
  after: SearchPlace | null;
  limit: number;
  /** Awaited before each statement. */
  pause: () => Promise<void>;
}

interface Entry extends SearchPlace {
  contact: ContactRow;
}

/** What was found, in the order of brand, word and id. `next`: where to go on; null when all was visited. */
export interface Found<Item> {
  items: Item[];
  next: SearchPlace | null;
}

/**
 * Finds contacts every word of a text is the beginning of a word of: name, company, parts of the e-mail address, phone number.
 * Walks the index from entry to entry, whatever the number of contacts that match: no statement visits more than a slice, none
 * sorts. `select` takes from some contacts those that count, as what the caller shows; it is asked once for each slice.
 */
export async function searchContacts<Item>(
  read: Reader,
  { reach, text, after, limit, pause }: ContactSearch,
  select: (found: ContactRow[]) => Promise<Map<string, Item>>,
): Promise<Found<Item>> {
  const wanted = searchWords(text);
  const leading = after ? leadingOf(wanted, after) : await chooseLeading(read, reach, wanted, pause);
  const items: Item[] = [];
  if (!leading) return { items, next: null };
  let place = after;
  let statements = 0;
  for await (const { visited, at } of walk(read, reach, leading, after, pause)) {
    const found = visited.filter((entry) => isFirst(entry, leading) && isFoundBy(entry.contact, wanted));
    const chosen = await select(found.map(({ contact }) => contact));
    for (const entry of found) {
      const item = chosen.get(entry.contactId);
      if (item === undefined) continue;
      // One more than fits: there is a next page, and it begins after the last one shown.
      if (items.length === limit) return { items, next: place };
      items.push(item);
      place = placeOf(entry);
    }
    if (items.length < limit) place = at ?? place;
    if (at !== null && ++statements >= SEARCH_STATEMENTS) return { items, next: place };
  }
  return { items, next: null };
}

const placeOf = ({ brandId, word, contactId }: SearchPlace): SearchPlace => ({ brandId, word, contactId });

/** The word with the fewest entries, which are all that is visited. Null when one has none: then nothing is found. */
async function chooseLeading(
  read: Reader,
  reach: string | null,
  wanted: readonly SearchWord[],
  pause: () => Promise<void>,
): Promise<SearchWord | null> {
  // Over all brands a count would have to look into each of them.
  if (reach === null) return wanted.toSorted((one, other) => lengthOf(other) - lengthOf(one))[0] ?? null;
  let leading: SearchWord | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const word of wanted) {
    await pause();
    let entries = 0;
    for (const beginning of word) {
      const [row] = await read.all<{
        entries: unknown;
      }>(sql`select count(*) as entries from (select 1 from contact_words w
        where w.brand_id = ${reach} and ${within(beginning)} limit ${SEARCH_SLICE_ENTRIES}) w`);
      entries += Number(row?.entries ?? 0);
    }
    if (entries === 0) return null;
    if (entries < fewest) [leading, fewest] = [word, entries];
  }
  return leading;
}

const lengthOf = ([beginning = ""]: SearchWord) => beginning.length;

/** The word that an earlier page was led by. */
function leadingOf(wanted: readonly SearchWord[], { word }: SearchPlace): SearchWord {
  const leading = wanted.find((beginnings) => beginnings.some((beginning) => word.startsWith(indexed(beginning))));
  if (!leading) throw invalid("cursor", "expected the nextCursor of a page of the same search");
  return leading;
}

/** The words that begin so: a range of the index. No character comes after U+10FFFF, in whatever encoding. */
function within(beginning: string): SQL {
  const from = indexed(beginning);
  return sql`w.word >= ${from} and w.word < ${endOf(beginning)}`;
}

const endOf = (beginning: string) => `${indexed(beginning)}\u{10ffff}`;

/** A contact with several words that begin alike has several entries; it is shown at the first only. */
function isFirst({ contact, word }: Entry, leading: SearchWord): boolean {
  const own = indexedWords(contact);
  for (const beginning of leading) {
    const first = own.find((other) => other.startsWith(indexed(beginning)));
    if (first !== undefined) return first === word;
  }
  return false;
}

interface Slice {
  visited: SearchPlace[];
  /** The last place looked at; null when nothing of this beginning is left. */
  at: SearchPlace | null;
}

/** The entries of the index slice by slice: for each beginning by brand, word and contact. */
async function* walk(
  read: Reader,
  reach: string | null,
  leading: SearchWord,
  after: SearchPlace | null,
  pause: () => Promise<void>,
): AsyncGenerator<{ visited: Entry[]; at: SearchPlace | null }> {
  const begun = after === null ? 0 : leading.findIndex((beginning) => after.word.startsWith(indexed(beginning)));
  let place = after;
  for (const beginning of leading.slice(Math.max(begun, 0))) {
    do {
      await pause();
      const { visited, at } = await sliceOf(read, reach, beginning, place);
      place = at;
      yield { visited: await withContacts(read, visited), at };
    } while (place !== null);
  }
}

async function sliceOf(
  read: Reader,
  reach: string | null,
  beginning: string,
  after: SearchPlace | null,
): Promise<Slice> {
  const brandIds = reach === null ? await brandsFrom(read, after?.brandId ?? "") : [reach];
  const visited: SearchPlace[] = [];
  for (const brandId of brandIds) {
    const from = after?.brandId === brandId ? after : null;
    visited.push(...(await entriesOf(read, brandId, beginning, from, SEARCH_SLICE_ENTRIES - visited.length)));
    const last = visited.at(-1);
    if (last && visited.length === SEARCH_SLICE_ENTRIES) return { visited, at: last };
  }
  const lastBrand = brandIds.at(-1);
  if (reach !== null || lastBrand === undefined || brandIds.length < SEARCH_SLICE_BRANDS) return { visited, at: null };
  return { visited, at: { brandId: lastBrand, word: endOf(beginning), contactId: "" } };
}

async function brandsFrom(read: Reader, first: string): Promise<string[]> {
  const rows = await read.all<{ id: string }>(sql`select b.id from brands b where b.id >= ${first} order by b.id
    limit ${SEARCH_SLICE_BRANDS}`);
  return rows.map(({ id }) => id);
}

async function entriesOf(
  read: Reader,
  brandId: string,
  beginning: string,
  after: SearchPlace | null,
  limit: number,
): Promise<SearchPlace[]> {
  // One lower bound only: with two SQLite would begin at the wrong one, and visit what pages before have shown.
  const range = after
    ? sql`(w.word, w.contact_id) > (${after.word}, ${after.contactId}) and w.word < ${endOf(beginning)}`
    : within(beginning);
  return read.all<SearchPlace>(sql`select w.brand_id as "brandId", w.word, w.contact_id as "contactId" from contact_words w
    where w.brand_id = ${brandId} and ${range} order by w.word, w.contact_id limit ${limit}`);
}

async function withContacts(read: Reader, visited: readonly SearchPlace[]): Promise<Entry[]> {
  const ids = [...new Set(visited.map(({ contactId }) => contactId))];
  const [last] = ids.slice(-1);
  if (last === undefined) return [];
  // As many as a slice has, whatever was visited: one statement to prepare, not one for each number.
  const padded = Array.from({ length: SEARCH_SLICE_ENTRIES }, (_, at) => ids[at] ?? last);
  const rows = await read.select().from(contacts).where(inArray(contacts.id, padded));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return visited.flatMap((place) => {
    const contact = byId.get(place.contactId);
    return contact?.brandId === place.brandId ? { ...place, contact } : [];
  });
}
