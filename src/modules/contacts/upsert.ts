import { getTableColumns, type SQL, sql } from "drizzle-orm";
import { contacts } from "../../db/schema/contacts.ts";
import { forEachSlice, yieldToEventLoop } from "../../db/slices.ts";
import { forUpdate, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { deleteWords, indexWords, type WordEntry } from "../../db/word-index.ts";
import { notFound } from "../../lib/errors.ts";
import type { ContactData, RowError } from "../contact-files/file-row.ts";
import { contactBytes, sum } from "../limits/bytes.ts";
import { addUsage, getRemainingQuota, quotaMessage } from "../limits/usage.ts";
import { ContactMatcher, type MatchedContact } from "./contact-matcher.ts";
import { type ParsedRow, truncateContact } from "./parse-contact.ts";
import { getIndexedWords, type SearchableContact } from "./search-words.ts";

/** The result for one row. `contactId` is its contact; null when the row was left out. */
export interface RowResult {
  contactId: string | null;
  verdict: "added" | "updated" | "duplicate" | "banned" | "quota" | RowError;
  /** Reason why the row, or part of it, was not stored. */
  message: string | null;
}

/**
 * Creates or updates contacts of a brand, in a few statements for up to a thousand rows. A row with the e-mail address or
 * phone number of an existing contact, or of an earlier row, is a duplicate: skipped (SKIP) or applied (UPDATE). People on a
 * ban list of the brand or the platform are neither added nor updated, and none is added beyond the brand's limits.
 * Returns the results in the order of the rows.
 */
export async function upsertContacts(
  tx: Tx,
  brandId: string,
  rows: readonly ParsedRow[],
  onDuplicate: "SKIP" | "UPDATE",
): Promise<RowResult[]> {
  await lockContacts(tx, brandId);
  const truncated = rows.map((row) => (row.verdict === "ok" ? truncateContact(row.contact) : row));
  const people = truncated.flatMap((row) => ("person" in row ? [row.person] : []));
  const known = await findKnown(tx, brandId, people);
  await yieldToEventLoop();
  const banned = await findBanned(tx, brandId, [...people, ...known]);
  const quota = await loadQuota(tx, brandId);
  const before = new Map(known.map((entry) => [entry.id, { ...entry }]));
  const bytesBefore = new Map(known.map((entry) => [entry.id, contactBytes(entry)]));
  const matcher = new ContactMatcher(known, (address) => banned.has(address), tx, quota.takeOrExplain);

  const outcomes = truncated.map((row): RowResult => {
    if (!("person" in row)) return { contactId: null, verdict: row.verdict, message: row.message.toWellFormed() };
    const { verdict, contactId, note } = matcher.match(row.person, onDuplicate);
    const wrote = verdict === "added" || verdict === "updated";
    return { contactId, verdict, message: note ?? (wrote ? row.note : null) };
  });
  await forEachSlice(matcher.pendingWrites, (entries) => writeContacts(tx, brandId, entries, before));
  await addUsage(tx, brandId, "contacts", matcher.pendingWrites.filter(({ state }) => state === "new").length);
  const bytes = sum(matcher.pendingWrites, (entry) => contactBytes(entry) - (bytesBefore.get(entry.id) ?? 0));
  await addUsage(tx, brandId, "storedBytes", bytes);
  return outcomes;
}

/** Loads how much the brand may still store. Call it with the brand's contacts locked, so that it does not change. */
async function loadQuota(tx: Tx, brandId: string): Promise<{ takeOrExplain(person: ContactData): string | null }> {
  const [rows, bytes] = [
    await getRemainingQuota(tx, brandId, "contacts"),
    await getRemainingQuota(tx, brandId, "storedBytes"),
  ];
  return {
    /** Takes the space of one new contact; returns which limit is reached, or null. */
    takeOrExplain(person) {
      const size = contactBytes(person);
      if (rows.left < 1) return quotaMessage("contacts", rows.limit);
      if (bytes.left < size) return quotaMessage("storedBytes", bytes.limit);
      rows.left--;
      bytes.left -= size;
      return null;
    },
  };
}

/** Locks the brand, so that one transaction at a time changes the addresses of its contacts. @throws AppError NOT_FOUND */
export async function lockContacts(tx: Tx, brandId: string): Promise<void> {
  const locked = await tx.all(sql`select b.id from brands b where b.id = ${brandId} ${forUpdate("b")}`);
  if (locked.length === 0) throw notFound("brand", brandId);
}

type KnownRow = Omit<MatchedContact, "state" | "custom"> & { custom: string | Record<string, string> };

async function findKnown(tx: Tx, brandId: string, people: readonly ContactData[]): Promise<MatchedContact[]> {
  const columns = sql.raw(`c.id, c.email, c.phone, c.first_name as "firstName", c.last_name as "lastName", c.company,
    c.timezone, c.custom, c.created_at as "createdAt"`);
  const find = (column: "email" | "phone") => {
    const wanted = people.flatMap((person) => person[column] ?? []).map((address) => ({ address }));
    return tx.all<KnownRow>(sql`select ${columns} from ${valuesTable("n", wanted, { address: "text" })}
      cross join contacts c where c.brand_id = ${brandId} and c.${sql.raw(column)} = n.address`);
  };
  const found = [...(await find("email")), ...(await find("phone"))];
  const entries = new Map<string, MatchedContact>();
  for (const row of found) {
    const custom = typeof row.custom === "string" ? (JSON.parse(row.custom) as Record<string, string>) : row.custom;
    entries.set(row.id, { ...row, custom, state: "kept" });
  }
  return [...entries.values()];
}

/** Finds the banned ones among the addresses of some people. */
export async function findBanned(
  tx: Tx,
  brandId: string,
  people: readonly Pick<ContactData, "email" | "phone">[],
): Promise<Set<string>> {
  const wanted = [...new Set(people.flatMap(({ email, phone }) => [email ?? [], phone ?? []].flat()))];
  const rows = wanted.map((address) => ({ address }));
  const by = (column: "email" | "phone") => sql`select n.address from ${valuesTable("n", rows, { address: "text" })}
    cross join bans b where b.scope in (${brandId}, 'platform') and b.${sql.raw(column)} = n.address`;
  const banned = await tx.all<{ address: string }>(sql`${by("email")} union ${by("phone")}`);
  return new Set(banned.map((row) => row.address));
}

/** Builds the entry of a contact in the search index. */
export const toWordEntry = (contact: SearchableContact & { id: string }): WordEntry => ({
  contactId: contact.id,
  words: getIndexedWords(contact),
});

/** Writes the changed contacts. `before`: the contacts as they are in the database. */
async function writeContacts(
  tx: Tx,
  brandId: string,
  entries: readonly MatchedContact[],
  before: ReadonlyMap<string, MatchedContact>,
): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ state: _, consent: __, ...entry }) => ({ ...entry, brandId, updatedAt: tx.now }));
  await tx.insert(contacts).values(rows).onConflictDoUpdate({ target: contacts.id, set: UPDATED_COLUMNS });
  await deleteWords(tx, brandId, entries.flatMap(({ id }) => before.get(id) ?? []).map(toWordEntry));
  await indexWords(tx, brandId, entries.map(toWordEntry));
}

/** The columns that an upsert overwrites. */
const UPDATED_COLUMNS: Record<string, SQL> = Object.fromEntries(
  Object.entries(getTableColumns(contacts))
    .filter(([name]) => !["id", "brandId", "emailBouncedAt", "createdAt"].includes(name))
    .map(([name, column]) => [name, sql.raw(`excluded.${column.name}`)]),
);
