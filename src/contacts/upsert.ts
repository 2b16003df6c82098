import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { Rejection } from "../contactFiles/fileRow.ts";
import { contacts } from "../db/schema/contacts.ts";
import { inSlices, yieldToEventLoop } from "../db/slices.ts";
import { forUpdate, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { addWords, removeWords, type WordEntry } from "../db/wordIndex.ts";
import { notFound } from "../fault.ts";
import { contactBytes, sum } from "../limits/bytes.ts";
import { addUsage, quotaMessage, roomFor } from "../limits/usage.ts";
import { AddressBook, type Entry } from "./addressBook.ts";
import { fitPerson, type JudgedRow, type Person } from "./person.ts";
import { indexedWords, type Searchable } from "./searchWords.ts";

/** What became of one row. `contactId` is the contact it is about, if it may be written to. */
export interface RowOutcome {
  contactId: string | null;
  verdict: "added" | "updated" | "duplicate" | "banned" | "quota" | Rejection;
  /** Why it was left out, or what of it was. */
  message: string | null;
}

/**
 * Adds people to a brand, in a handful of statements for up to a thousand rows. Somebody whom the brand knows by e-mail
 * or phone, or who stands in the batch twice, is a duplicate: left alone (SKIP) or given what the row says (UPDATE).
 * Nobody on a ban list, the brand's or the platform's, is added or changed, and nobody is added beyond the brand's limits.
 * Answers in the order of the rows.
 */
export async function upsertContacts(
  tx: Tx,
  brandId: string,
  rows: readonly JudgedRow[],
  onDuplicate: "SKIP" | "UPDATE",
): Promise<RowOutcome[]> {
  await holdContacts(tx, brandId);
  const fitted = rows.map((row) => (row.verdict === "ok" ? fitPerson(row.contact) : row));
  const people = fitted.flatMap((row) => ("person" in row ? [row.person] : []));
  const known = await findKnown(tx, brandId, people);
  await yieldToEventLoop();
  const banned = await findBanned(tx, brandId, [...people, ...known]);
  const room = await contactRoom(tx, brandId);
  const before = new Map(known.map((entry) => [entry.id, { ...entry }]));
  const bytesBefore = new Map(known.map((entry) => [entry.id, contactBytes(entry)]));
  const book = new AddressBook(known, (address) => banned.has(address), tx, room.refuse);

  const outcomes = fitted.map((row): RowOutcome => {
    if (!("person" in row)) return { contactId: null, verdict: row.verdict, message: row.message.toWellFormed() };
    const { verdict, contactId, note } = book.place(row.person, onDuplicate);
    const wrote = verdict === "added" || verdict === "updated";
    return { contactId, verdict, message: note ?? (wrote ? row.note : null) };
  });
  await inSlices(book.toWrite, (entries) => write(tx, brandId, entries, before));
  await addUsage(tx, brandId, "contacts", book.toWrite.filter(({ state }) => state === "new").length);
  const bytes = sum(book.toWrite, (entry) => contactBytes(entry) - (bytesBefore.get(entry.id) ?? 0));
  await addUsage(tx, brandId, "storedBytes", bytes);
  return outcomes;
}

/** Says of each new contact whether there is room for one more. Call it while the brand's contacts are held: then the room stays as it is. */
async function contactRoom(tx: Tx, brandId: string): Promise<{ refuse(person: Person): string | null }> {
  const [rows, bytes] = [await roomFor(tx, brandId, "contacts"), await roomFor(tx, brandId, "storedBytes")];
  return {
    refuse(person) {
      const size = contactBytes(person);
      if (rows.left < 1) return quotaMessage("contacts", rows.limit);
      if (bytes.left < size) return quotaMessage("storedBytes", bytes.limit);
      rows.left--;
      bytes.left -= size;
      return null;
    },
  };
}

/** Lets one transaction at a time change the addresses of a brand's contacts, so that what it found stays true. */
export async function holdContacts(tx: Tx, brandId: string): Promise<void> {
  const held = await tx.all(sql`select b.id from brands b where b.id = ${brandId} ${forUpdate("b")}`);
  if (held.length === 0) throw notFound("brand", brandId);
}

type KnownRow = Omit<Entry, "state" | "custom"> & { custom: string | Record<string, string> };

async function findKnown(tx: Tx, brandId: string, people: readonly Person[]): Promise<Entry[]> {
  const columns = sql.raw(`c.id, c.email, c.phone, c.first_name as "firstName", c.last_name as "lastName", c.company,
    c.timezone, c.custom, c.created_at as "createdAt"`);
  const find = (column: "email" | "phone") => {
    const wanted = people.flatMap((person) => person[column] ?? []).map((address) => ({ address }));
    return tx.all<KnownRow>(sql`select ${columns} from ${rowsOf("n", wanted, { address: "text" })}
      cross join contacts c where c.brand_id = ${brandId} and c.${sql.raw(column)} = n.address`);
  };
  const found = [...(await find("email")), ...(await find("phone"))];
  const entries = new Map<string, Entry>();
  for (const row of found) {
    const custom = typeof row.custom === "string" ? (JSON.parse(row.custom) as Record<string, string>) : row.custom;
    entries.set(row.id, { ...row, custom, state: "kept" });
  }
  return [...entries.values()];
}

/** Those of the people's addresses that may not be written to. */
export async function findBanned(
  tx: Tx,
  brandId: string,
  people: readonly Pick<Person, "email" | "phone">[],
): Promise<Set<string>> {
  const wanted = [...new Set(people.flatMap(({ email, phone }) => [email ?? [], phone ?? []].flat()))];
  const rows = wanted.map((address) => ({ address }));
  const by = (column: "email" | "phone") => sql`select n.address from ${rowsOf("n", rows, { address: "text" })}
    cross join bans b where b.scope in (${brandId}, 'platform') and b.${sql.raw(column)} = n.address`;
  const banned = await tx.all<{ address: string }>(sql`${by("email")} union ${by("phone")}`);
  return new Set(banned.map((row) => row.address));
}

/** What a contact is found by, as the index takes it. */
export const wordEntry = (contact: Searchable & { id: string }): WordEntry => ({
  contactId: contact.id,
  words: indexedWords(contact),
});

/** `before` are the contacts as they were found. */
async function write(
  tx: Tx,
  brandId: string,
  entries: readonly Entry[],
  before: ReadonlyMap<string, Entry>,
): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ state: _, consent: __, ...entry }) => ({ ...entry, brandId, updatedAt: tx.now }));
  await tx.insert(contacts).values(rows).onConflictDoUpdate({ target: contacts.id, set: taken });
  await removeWords(tx, brandId, entries.flatMap(({ id }) => before.get(id) ?? []).map(wordEntry));
  await addWords(tx, brandId, entries.map(wordEntry));
}

/** The columns that a row written again takes from what was to be inserted. */
const taken: Record<string, SQL> = Object.fromEntries(
  Object.entries(getTableColumns(contacts))
    .filter(([name]) => !["id", "brandId", "emailBouncedAt", "createdAt"].includes(name))
    .map(([name, column]) => [name, sql.raw(`excluded.${column.name}`)]),
);
