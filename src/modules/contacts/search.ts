import { inArray, sql } from "drizzle-orm";
import { contacts } from "../../db/schema/contacts.ts";
import type { Reader } from "../../db/store.ts";
import type { TenantScope } from "../../db/tenant-scope.ts";
import { afterPrefix, listWords, type WordCursor } from "../../db/word-index.ts";
import { invalid } from "../../lib/errors.ts";
import type { ContactRow } from "./contacts.ts";
import { getIndexedWords, matchesSearch, parseSearchWords, type SearchWord, truncateWord } from "./search-words.ts";

/** Index entries that one slice visits, and contacts that it compares: 1 to 2 ms on SQLite. */
export const SEARCH_SLICE_ENTRIES = 200;
/** Brands that one slice visits when an admin searches all of them. */
const SEARCH_SLICE_BRANDS = 100;
/** Maximum slices of one request; then it returns the contacts found so far, with a cursor to continue. */
export const MAX_SEARCH_SLICES = 25;

/** The last index entry visited. */
export interface SearchPosition extends WordCursor {
  brandId: string;
}

interface ContactSearch {
  scope: TenantScope;
  text: string;
  after: SearchPosition | null;
  limit: number;
  /** Is awaited before each slice, to yield to other requests. */
  pause: () => Promise<void>;
}

interface IndexEntry extends SearchPosition {
  contactId: string;
}

interface ContactEntry extends IndexEntry {
  contact: ContactRow;
}

/** The results in the order of brand, word and contact. `next`: where the next page starts; null when all was visited. */
export interface SearchResult<Item> {
  items: Item[];
  next: SearchPosition | null;
}

/**
 * Finds contacts for whom every word of a text is a prefix of a word: of name, company, parts of the e-mail address, phone
 * number. Walks the index entry by entry, however many contacts match: no statement visits more than a slice, none sorts.
 * `select` filters the contacts of each slice and maps them, by id, to what the caller returns.
 */
export async function searchContacts<Item>(
  read: Reader,
  search: ContactSearch,
  select: (found: ContactRow[]) => Promise<Map<string, Item>>,
): Promise<SearchResult<Item>> {
  const { text, after, limit } = search;
  const wanted = parseSearchWords(text);
  const leading = after ? findLeading(wanted, after) : await chooseLeading(read, search, wanted);
  const items: Item[] = [];
  if (!leading) return { items, next: null };
  let position = after;
  let slices = 0;
  for await (const { entries, at } of walkIndex(read, search, leading)) {
    const found = entries.filter((entry) => isFirstEntry(entry, leading) && matchesSearch(entry.contact, wanted));
    const chosen = await select(found.map(({ contact }) => contact));
    for (const entry of found) {
      const item = chosen.get(entry.contactId);
      if (item === undefined) continue;
      // One item more than the page holds: the next page starts after the last one on this page.
      if (items.length === limit) return { items, next: position };
      items.push(item);
      position = toPosition(entry);
    }
    if (items.length < limit) position = at ?? position;
    if (at !== null && ++slices >= MAX_SEARCH_SLICES) return { items, next: position };
  }
  return { items, next: null };
}

const toPosition = ({ brandId, word, order }: SearchPosition): SearchPosition => ({ brandId, word, order });

/** Chooses the word with the fewest entries, the only ones to visit. Null when a word has none: then nothing matches. */
async function chooseLeading(
  read: Reader,
  { scope, pause }: ContactSearch,
  wanted: readonly SearchWord[],
): Promise<SearchWord | null> {
  // Counting over all brands would have to visit each brand.
  if (scope.kind === "all") return wanted.toSorted((one, other) => getLength(other) - getLength(one))[0] ?? null;
  let leading: SearchWord | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const word of wanted) {
    await pause();
    let entries = 0;
    for (const prefix of word) {
      entries += (await listWords(read, scope.brandId, truncateWord(prefix), null, SEARCH_SLICE_ENTRIES)).length;
    }
    if (entries === 0) return null;
    if (entries < fewest) [leading, fewest] = [word, entries];
  }
  return leading;
}

const getLength = ([prefix = ""]: SearchWord) => prefix.length;

/** Finds the word by which an earlier page walked the index. @throws AppError INVALID for the cursor of another search */
function findLeading(wanted: readonly SearchWord[], { word }: SearchPosition): SearchWord {
  const leading = wanted.find((prefixes) => prefixes.some((prefix) => word.startsWith(truncateWord(prefix))));
  if (!leading) throw invalid("cursor", "expected the nextCursor of the same search");
  return leading;
}

/**
 * Returns each contact once. A contact has an entry for each of its words with the prefix; it is returned for the first
 * only.
 */
function isFirstEntry({ contact, word }: ContactEntry, leading: SearchWord): boolean {
  const own = getIndexedWords(contact);
  for (const prefix of leading) {
    const first = own.find((other) => other.startsWith(truncateWord(prefix)));
    if (first !== undefined) return first === word;
  }
  return false;
}

interface Slice {
  visited: IndexEntry[];
  /** The last entry visited; null when no entry with this prefix is left. */
  at: SearchPosition | null;
}

/** Yields the index entries slice by slice: for each prefix in the order of brand, word and contact. */
async function* walkIndex(
  read: Reader,
  { scope, after, pause }: ContactSearch,
  leading: SearchWord,
): AsyncGenerator<{ entries: ContactEntry[]; at: SearchPosition | null }> {
  const startAt = after === null ? 0 : leading.findIndex((prefix) => after.word.startsWith(truncateWord(prefix)));
  let position = after;
  for (const prefix of leading.slice(Math.max(startAt, 0))) {
    do {
      await pause();
      const { visited, at } = await loadSlice(read, scope, truncateWord(prefix), position);
      position = at;
      yield { entries: await loadContacts(read, visited), at };
    } while (position !== null);
  }
}

async function loadSlice(
  read: Reader,
  scope: TenantScope,
  prefix: string,
  after: SearchPosition | null,
): Promise<Slice> {
  const isAll = scope.kind === "all";
  const brandIds = isAll ? await listBrandIds(read, after?.brandId ?? "") : [scope.brandId];
  const visited: IndexEntry[] = [];
  for (const brandId of brandIds) {
    const from = after?.brandId === brandId ? after : null;
    const found = await listWords(read, brandId, prefix, from, SEARCH_SLICE_ENTRIES - visited.length);
    for (const entry of found) visited.push({ ...entry, brandId });
    const last = visited.at(-1);
    if (last && visited.length === SEARCH_SLICE_ENTRIES) return { visited, at: toPosition(last) };
  }
  const lastBrand = brandIds.at(-1);
  if (!isAll || lastBrand === undefined || brandIds.length < SEARCH_SLICE_BRANDS) return { visited, at: null };
  return { visited, at: { brandId: lastBrand, ...afterPrefix(prefix) } };
}

async function listBrandIds(read: Reader, first: string): Promise<string[]> {
  const rows = await read.all<{ id: string }>(sql`select b.id from brands b where b.id >= ${first} order by b.id
    limit ${SEARCH_SLICE_BRANDS}`);
  return rows.map(({ id }) => id);
}

async function loadContacts(read: Reader, visited: readonly IndexEntry[]): Promise<ContactEntry[]> {
  const ids = [...new Set(visited.map(({ contactId }) => contactId))];
  const [last] = ids.slice(-1);
  if (last === undefined) return [];
  // Always as many ids as a slice has: one statement to prepare instead of one for each number.
  const padded = Array.from({ length: SEARCH_SLICE_ENTRIES }, (_, at) => ids[at] ?? last);
  const rows = await read.select().from(contacts).where(inArray(contacts.id, padded));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return visited.flatMap((entry) => {
    const contact = byId.get(entry.contactId);
    return contact?.brandId === entry.brandId ? { ...entry, contact } : [];
  });
}
