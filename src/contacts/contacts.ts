import { and, asc, eq, gt } from "drizzle-orm";
import { iso, isoOrNull } from "../clock.ts";
import { contacts } from "../db/schema/brands.ts";
import { conversations } from "../db/schema/campaigns.ts";
import type { Reader, Tx } from "../db/store.ts";
import { inScope, SYSTEM, type TenantScope, tenantScope } from "../db/tenant-scope.ts";
import { isForeignKeyViolation, isUniqueViolation } from "../db/violations.ts";
import { addWords, removeWords } from "../db/wordIndex.ts";
import { Fault, invalid, notFound } from "../fault.ts";
import { contactBytes } from "../limits/bytes.ts";
import { addUsage, release } from "../limits/usage.ts";
import type { Contact, ContactChange, NewContact } from "./model.ts";
import { fitPerson, judgeContact, type Person } from "./person.ts";
import { findBanned, holdContacts, upsertContacts, wordEntry } from "./upsert.ts";

export type ContactRow = typeof contacts.$inferSelect;

export function toContact(row: ContactRow): Contact {
  const { emailBouncedAt, createdAt, updatedAt, ...shown } = row;
  return {
    ...shown,
    emailBouncedAt: isoOrNull(emailBouncedAt),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** The contact with this id in the scope; NOT_FOUND if there is none. */
export async function getContact(read: Reader, id: string, scope: TenantScope): Promise<ContactRow> {
  const [row] = await read
    .select()
    .from(contacts)
    .where(and(eq(contacts.id, id), inScope(scope, contacts.brandId)));
  if (!row) throw notFound("contact", id);
  return row;
}

/** Contacts in the scope in the order they were added, after the one with id `after`. */
export async function listContacts(
  read: Reader,
  options: { scope: TenantScope; after: string | null; limit: number },
): Promise<ContactRow[]> {
  return read
    .select()
    .from(contacts)
    .where(
      and(
        inScope(options.scope, contacts.brandId),
        options.after === null ? undefined : gt(contacts.id, options.after),
      ),
    )
    .orderBy(asc(contacts.id))
    .limit(options.limit);
}

/** Adds one contact. CONFLICT when the brand has them already or somebody banned them. */
export async function createContact(
  tx: Tx,
  brandId: string,
  given: NewContact,
  defaultCountry?: string,
): Promise<ContactRow> {
  const [outcome] = await upsertContacts(tx, brandId, [judgeContact(given, "", defaultCountry)], "SKIP");
  if (outcome?.verdict === "added" && outcome.contactId)
    return getContact(tx, outcome.contactId, tenantScope(SYSTEM, brandId));
  switch (outcome?.verdict) {
    case "duplicate":
      throw new Fault("CONFLICT", outcome.message ?? "The brand has a contact with this address already", {
        facts: { contactId: outcome.contactId },
      });
    case "banned":
      throw banned();
    case "quota":
      throw new Fault("CONFLICT", outcome.message ?? "The brand may have no more contacts");
    default:
      throw invalid(outcome?.verdict === "bad_phone" ? "phone" : "email", outcome?.message ?? "expected an address");
  }
}

const banned = () => new Fault("CONFLICT", "This person is on a ban list and must not be contacted");

/** Changes what is named and leaves the rest; `custom` is replaced as a whole. One address at least must remain. */
export async function changeContact(
  tx: Tx,
  id: string,
  scope: TenantScope,
  change: ContactChange,
): Promise<ContactRow> {
  const { brandId } = await getContact(tx, id, scope);
  await holdContacts(tx, brandId);
  // Read again: until now somebody else may have held the brand's contacts.
  const row = await getContact(tx, id, scope);
  const judged = judgeContact({ ...row, ...change });
  if (judged.verdict !== "ok") throw invalid(judged.verdict === "bad_phone" ? "phone" : "email", judged.message);
  const { person } = fitPerson(judged.contact);
  await mayBecome(tx, row, person);
  try {
    await tx
      .update(contacts)
      // Mail to the address of before came back; of the new one nothing is known.
      .set({ ...person, updatedAt: tx.now, ...(person.email === row.email ? {} : { emailBouncedAt: null }) })
      .where(eq(contacts.id, id));
    await removeWords(tx, brandId, [wordEntry(row)]);
    await addWords(tx, brandId, [wordEntry({ ...person, id })]);
  } catch (error) {
    if (isUniqueViolation(error)) throw new Fault("CONFLICT", "The brand has a contact with this address already");
    throw error;
  }
  await addUsage(tx, brandId, "storedBytes", contactBytes(person) - contactBytes(row));
  return getContact(tx, id, scope);
}

/**
 * Refuses to give a contact an address that is banned, and to take a banned address from a contact: a ban means the person,
 * who would be written to again under another address.
 */
async function mayBecome(tx: Tx, row: ContactRow, person: Person): Promise<void> {
  const isNew = { email: person.email !== row.email, phone: person.phone !== row.phone };
  const changed = [person, row].map(({ email, phone }) => ({
    email: isNew.email ? email : null,
    phone: isNew.phone ? phone : null,
  }));
  if ((await findBanned(tx, row.brandId, changed)).size > 0) throw banned();
}

/** Removes a contact nobody has written to. CONFLICT when they are part of a campaign. */
export async function removeContact(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  const row = await getContact(tx, id, scope);
  const inUse = () =>
    new Fault(
      "CONFLICT",
      "This contact is part of a campaign: remove them there, or ban them if they must be left alone",
    );
  const [conversation] = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(eq(conversations.contactId, id))
    .limit(1);
  if (conversation) throw inUse();
  try {
    const [gone] = await tx.delete(contacts).where(eq(contacts.id, id)).returning();
    if (!gone) return;
    await release(tx, row.brandId, "contacts", 1);
    await release(tx, row.brandId, "storedBytes", contactBytes(gone));
    await removeWords(tx, row.brandId, [wordEntry(row)]);
  } catch (error) {
    throw isForeignKeyViolation(error) ? inUse() : error;
  }
}
