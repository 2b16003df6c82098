import { and, eq, ne, sql } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import { chargebeeCustomers, chargebeeEvents } from "../../db/schema/chargebee.ts";
import { users } from "../../db/schema/identity.ts";
import { forUpdate } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";
import { type Fields, parseUnixSeconds, toFields, toInteger, toText } from "../../lib/json-fields.ts";

interface Customer {
  brand_id: string | null;
  email: string | null;
  named_brand_id: string | null;
  version: number;
}

/** Locks a customer until the transaction ends, so that its events are processed one at a time. */
export async function lockCustomer(tx: Tx, customerId: string): Promise<Customer> {
  await tx.insert(chargebeeCustomers).values({ customerId, version: -1, createdAt: tx.now }).onConflictDoNothing();
  const [known] = await tx.all<Customer>(
    sql`select c.brand_id, c.email, c.named_brand_id, c.version from chargebee_customers c where c.customer_id = ${customerId} ${forUpdate("c")}`,
  );
  if (!known) throw new Error(`the customer ${customerId} was inserted and cannot be found`);
  return known;
}

/** Updates a customer from a record in Chargebee, if it is newer than the stored one. */
export async function updateCustomer(tx: Tx, customerId: string, known: Customer, given: Fields): Promise<Customer> {
  const version = toInteger(given.resource_version) ?? parseUnixSeconds(given.updated_at) ?? 0;
  if (version <= known.version) return known;
  const meta = toFields(given.meta_data);
  const email = toText(given.email)?.toLowerCase() ?? null;
  const namedBrandId = toText(meta.brandId) ?? toText(given.cf_brand_id);
  if (email !== known.email || namedBrandId !== known.named_brand_id) await retryCustomerEvents(tx, customerId);
  await tx
    .update(chargebeeCustomers)
    .set({ email, namedBrandId, version })
    .where(eq(chargebeeCustomers.customerId, customerId));
  return { ...known, email, named_brand_id: namedBrandId, version };
}

/** Returns the customer's brand. An unlinked customer is linked to the brand that the record names, or whose owner has its e-mail. */
export async function findBrandOfCustomer(tx: Tx, customerId: string, known: Customer): Promise<string | null> {
  if (known.brand_id !== null) return known.brand_id;
  const brandId = (await findNamedBrand(tx, known.named_brand_id)) ?? (await findBrandOfOwner(tx, known.email));
  if (brandId === null) return null;
  await tx.update(chargebeeCustomers).set({ brandId }).where(eq(chargebeeCustomers.customerId, customerId));
  await retryCustomerEvents(tx, customerId);
  return brandId;
}

async function findNamedBrand(read: Reader, id: string | null): Promise<string | null> {
  if (id === null) return null;
  const [brand] = await read.select({ id: brands.id }).from(brands).where(eq(brands.id, id));
  return brand?.id ?? null;
}

/** Requires a verified address: at sign-up anyone can enter the address of another person. */
async function findBrandOfOwner(read: Reader, email: string | null): Promise<string | null> {
  if (email === null) return null;
  const [brand] = await read
    .select({ id: brands.id })
    .from(brands)
    .innerJoin(users, eq(users.id, brands.ownerId))
    .where(and(eq(users.email, email), eq(users.emailVerified, true)));
  return brand?.id ?? null;
}

/** Links a customer to a brand. @throws CONFLICT when it is linked to another brand, which has its credits */
export async function linkCustomer(
  tx: Tx,
  { customerId, brandId, actorId }: { customerId: string; brandId: string; actorId: string },
): Promise<{ waiting: number }> {
  const known = await lockCustomer(tx, customerId);
  if (known.brand_id !== null && known.brand_id !== brandId) {
    throw new AppError(
      "CONFLICT",
      "customerId: expected a customer without a brand, this one is linked to another brand already",
      {
        meta: { brandId: known.brand_id },
      },
    );
  }
  await tx
    .update(chargebeeCustomers)
    .set({ brandId, linkedBy: actorId })
    .where(eq(chargebeeCustomers.customerId, customerId));
  return { waiting: await retryCustomerEvents(tx, customerId) };
}

/** Makes the unfinished events of a customer due now and returns their number. */
async function retryCustomerEvents(tx: Tx, customerId: string): Promise<number> {
  const waiting = await tx
    .update(chargebeeEvents)
    .set({ dueAt: tx.now })
    .where(and(eq(chargebeeEvents.customerId, customerId), ne(chargebeeEvents.status, "DONE")))
    .returning({ id: chargebeeEvents.id });
  return waiting.length;
}
