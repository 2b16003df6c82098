import { and, asc, eq, gt } from "drizzle-orm";
import { isForeignKeyViolation, isUniqueViolation } from "../../db/errors.ts";
import { contacts } from "../../db/schema/contacts.ts";
import { conversations } from "../../db/schema/conversations.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, SYSTEM, type TenantScope, tenantScope } from "../../db/tenant-scope.ts";
import { deleteWords, indexWords } from "../../db/word-index.ts";
import { iso, isoOrNull } from "../../lib/clock.ts";
import { AppError, invalid, notFound } from "../../lib/errors.ts";
import type { ContactData } from "../contact-files/file-row.ts";
import { contactBytes } from "../limits/bytes.ts";
import { addUsage, releaseUsage } from "../limits/usage.ts";
import type { Contact, ContactUpdate, NewContact } from "./model.ts";
import { parseContact, truncateContact } from "./parse-contact.ts";
import { findBanned, lockContacts, toWordEntry, upsertContacts } from "./upsert.ts";

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

/** @throws AppError NOT_FOUND when there is no such contact in scope */
export async function getContact(read: Reader, id: string, scope: TenantScope): Promise<ContactRow> {
  const [row] = await read
    .select()
    .from(contacts)
    .where(and(eq(contacts.id, id), inScope(scope, contacts.brandId)));
  if (!row) throw notFound("contact", id);
  return row;
}

/** Lists contacts in scope in the order of their creation, after the one with id `after`. */
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

/** Creates a contact. @throws AppError INVALID for a bad address, CONFLICT for a duplicate, a banned person or a full quota */
export async function createContact(
  tx: Tx,
  brandId: string,
  given: NewContact,
  defaultCountry?: string,
): Promise<ContactRow> {
  const [outcome] = await upsertContacts(tx, brandId, [parseContact(given, "", defaultCountry)], "SKIP");
  if (outcome?.verdict === "added" && outcome.contactId)
    return getContact(tx, outcome.contactId, tenantScope(SYSTEM, brandId));
  switch (outcome?.verdict) {
    case "duplicate":
      throw new AppError("CONFLICT", outcome.message ?? "The brand already has a contact with this address", {
        meta: { contactId: outcome.contactId },
      });
    case "banned":
      throw personBanned();
    case "quota":
      throw new AppError("CONFLICT", outcome.message ?? "The brand has reached its limit of contacts");
    default:
      throw invalid(outcome?.verdict === "bad_phone" ? "phone" : "email", outcome?.message ?? "expected an address");
  }
}

const personBanned = () => new AppError("CONFLICT", "This person is on a ban list and must not be contacted");

/**
 * Updates the fields that are given; `custom` is replaced as a whole.
 * @throws AppError INVALID without any address, CONFLICT for an address of another contact or a banned one
 */
export async function updateContact(
  tx: Tx,
  id: string,
  scope: TenantScope,
  change: ContactUpdate,
): Promise<ContactRow> {
  const { brandId } = await getContact(tx, id, scope);
  await lockContacts(tx, brandId);
  // Reads the row again: another transaction may have changed it before the lock.
  const row = await getContact(tx, id, scope);
  const parsed = parseContact({ ...row, ...change });
  if (parsed.verdict !== "ok") throw invalid(parsed.verdict === "bad_phone" ? "phone" : "email", parsed.message);
  const { person } = truncateContact(parsed.contact);
  await assertNotBanned(tx, row, person);
  try {
    await tx
      .update(contacts)
      // The bounce was for the old address.
      .set({ ...person, updatedAt: tx.now, ...(person.email === row.email ? {} : { emailBouncedAt: null }) })
      .where(eq(contacts.id, id));
    await deleteWords(tx, brandId, [toWordEntry(row)]);
    await indexWords(tx, brandId, [toWordEntry({ ...person, id })]);
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError("CONFLICT", "The brand already has a contact with this address");
    throw error;
  }
  await addUsage(tx, brandId, "storedBytes", contactBytes(person) - contactBytes(row));
  return getContact(tx, id, scope);
}

/**
 * Asserts that neither the old nor the new value of a changed address is banned: a ban means the person, who would be
 * contacted again under another address.
 */
async function assertNotBanned(tx: Tx, row: ContactRow, person: ContactData): Promise<void> {
  const isNew = { email: person.email !== row.email, phone: person.phone !== row.phone };
  const changed = [person, row].map(({ email, phone }) => ({
    email: isNew.email ? email : null,
    phone: isNew.phone ? phone : null,
  }));
  if ((await findBanned(tx, row.brandId, changed)).size > 0) throw personBanned();
}

/** Deletes a contact. @throws AppError CONFLICT when a campaign contains it */
export async function deleteContact(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  const row = await getContact(tx, id, scope);
  const inUse = () =>
    new AppError(
      "CONFLICT",
      "A campaign contains this contact: remove it from the campaign, or ban the person instead",
    );
  const [conversation] = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(eq(conversations.contactId, id))
    .limit(1);
  if (conversation) throw inUse();
  try {
    const [deleted] = await tx.delete(contacts).where(eq(contacts.id, id)).returning();
    if (!deleted) return;
    await releaseUsage(tx, row.brandId, "contacts", 1);
    await releaseUsage(tx, row.brandId, "storedBytes", contactBytes(deleted));
    await deleteWords(tx, row.brandId, [toWordEntry(row)]);
  } catch (error) {
    throw isForeignKeyViolation(error) ? inUse() : error;
  }
}
