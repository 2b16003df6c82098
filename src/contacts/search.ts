import { inArray, sql } from "drizzle-orm";
import { contacts } from "../db/schema/brands.ts";
import type { Reader } from "../db/store.ts";
import type { TenantScope } from "../db/tenant-scope.ts";
import { endOf, type WordPlace, wordsFrom } from "../db/wordIndex.ts";
import { invalid } from "../fault.ts";
import type { ContactRow } from "./contacts.ts";
import { indexed, indexedWords, isFoundBy, type SearchWord, searchWords } from "./searchWords.ts";

/** Entries of the index that one slice visits, and contacts that are then compared: 1 to 2 ms on SQLite. */
export const SEARCH_SLICE_ENTRIES = 200;
/** Brands that one slice looks into when an admin searches all of them. */
export const SEARCH_SLICE_BRANDS = 100;
/** Slices of one request; after them it answers what it has, and the cursor goes on. */
export const SEARCH_SLICES = 25;

/** A place in the index: the last entry visited. */
export interface SearchPlace extends WordPlace {
  brandId: string;
}

export interface ContactSearch {
  scope: TenantScope;
  text: string;
  after: SearchPlace | null;
  limit: number;
  /** Awaited before each slice. */
  pause: () => Promise<void>;
}

interface Visited extends SearchPlace {
  contactId: string;
}

interface Entry extends Visited {
  contact: ContactRow;
}

/** What was found, in the order of brand, word and contact. `next`: where to go on; null when all was visited. */
export interface Found<Item> {
  items: Item[];
  next: SearchPlace | null;
}

/**
 * Finds contacts with a word for every word of a text to be the beginning of: name, company, parts of the e-mail address, phone
 * number. Walks the index entry by entry, however many contacts match: no statement visits more than a slice, none sorts.
 * `select` takes from some contacts those that count, as what the caller shows; it is asked once for each slice.
 */
export async function searchContacts<Item>(
  read: Reader,
  search: ContactSearch,
  select: (found: ContactRow[]) => Promise<Map<string, Item>>,
): Promise<Found<Item>> {
  const { text, after, limit } = search;
  const wanted = searchWords(text);
  const leading = after ? leadingOf(wanted, after) : await chooseLeading(read, search, wanted);
  const items: Item[] = [];
  if (!leading) return { items, next: null };
  let place = after;
  let slices = 0;
  for await (const { entries, at } of walk(read, search, leading)) {
    const found = entries.filter((entry) => isFirst(entry, leading) && isFoundBy(entry.contact, wanted));
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
    if (at !== null && ++slices >= SEARCH_SLICES) return { items, next: place };
  }
  return { items, next: null };
}

const placeOf = ({ brandId, word, order }: SearchPlace): SearchPlace => ({ brandId, word, order });

/** The word with the fewest entries, which are all that is visited. Null when one has none: then nothing is found. */
async function chooseLeading(
  read: Reader,
  { scope, pause }: ContactSearch,
  wanted: readonly SearchWord[],
): Promise<SearchWord | null> {
  // Over all brands a count would have to look into each of them.
  if (scope.kind === "all") return wanted.toSorted((one, other) => lengthOf(other) - lengthOf(one))[0] ?? null;
  let leading: SearchWord | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const word of wanted) {
    await pause();
    let entries = 0;
    for (const beginning of word) {
      entries += (await wordsFrom(read, scope.brandId, indexed(beginning), null, SEARCH_SLICE_ENTRIES)).length;
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
  visited: Visited[];
  /** The last place looked at; null when nothing of this beginning is left. */
  at: SearchPlace | null;
}

/** The entries of the index slice by slice: for each beginning by brand, word and contact. */
async function* walk(
  read: Reader,
  { scope, after, pause }: ContactSearch,
  leading: SearchWord,
): AsyncGenerator<{ entries: Entry[]; at: SearchPlace | null }> {
  const begun = after === null ? 0 : leading.findIndex((beginning) => after.word.startsWith(indexed(beginning)));
  let place = after;
  for (const beginning of leading.slice(Math.max(begun, 0))) {
    do {
      await pause();
      const { visited, at } = await sliceOf(read, scope, indexed(beginning), place);
      place = at;
      yield { entries: await withContacts(read, visited), at };
    } while (place !== null);
  }
}

async function sliceOf(read: Reader, scope: TenantScope, beginning: string, after: SearchPlace | null): Promise<Slice> {
  const isAll = scope.kind === "all";
  const brandIds = isAll ? await brandsFrom(read, after?.brandId ?? "") : [scope.brandId];
  const visited: Visited[] = [];
  for (const brandId of brandIds) {
    const from = after?.brandId === brandId ? after : null;
    const found = await wordsFrom(read, brandId, beginning, from, SEARCH_SLICE_ENTRIES - visited.length);
    for (const entry of found) visited.push({ ...entry, brandId });
    const last = visited.at(-1);
    if (last && visited.length === SEARCH_SLICE_ENTRIES) return { visited, at: placeOf(last) };
  }
  const lastBrand = brandIds.at(-1);
  if (!isAll || lastBrand === undefined || brandIds.length < SEARCH_SLICE_BRANDS) return { visited, at: null };
  return { visited, at: { brandId: lastBrand, ...endOf(beginning) } };
}

async function brandsFrom(read: Reader, first: string): Promise<string[]> {
  const rows = await read.all<{ id: string }>(sql`select b.id from brands b where b.id >= ${first} order by b.id
    limit ${SEARCH_SLICE_BRANDS}`);
  return rows.map(({ id }) => id);
}

async function withContacts(read: Reader, visited: readonly Visited[]): Promise<Entry[]> {
  const ids = [...new Set(visited.map(({ contactId }) => contactId))];
  const [last] = ids.slice(-1);
  if (last === undefined) return [];
  // As many as a slice has, whatever was visited: one statement to prepare, not one for each number.
  const padded = Array.from({ length: SEARCH_SLICE_ENTRIES }, (_, at) => ids[at] ?? last);
  const rows = await read.select().from(contacts).where(inArray(contacts.id, padded));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return visited.flatMap((entry) => {
    const contact = byId.get(entry.contactId);
    return contact?.brandId === entry.brandId ? { ...entry, contact } : [];
  });
}
