import { and, eq, ne, sql } from "drizzle-orm";
import { brands } from "../db/schema/brands.ts";
import { chargebeeCustomers, chargebeeEvents } from "../db/schema/chargebee.ts";
import { users } from "../db/schema/identity.ts";
import { forUpdate } from "../db/sql.ts";
import type { Reader, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { type Fields, fieldsIn, momentIn, textIn, wholeIn } from "./fields.ts";

interface Known {
  brand_id: string | null;
  email: string | null;
  named_brand_id: string | null;
  version: number;
}

/** Locks a customer until the transaction ends, so that what is known of them is added to by one at a time. */
export async function lockCustomer(tx: Tx, customerId: string): Promise<Known> {
  await tx.insert(chargebeeCustomers).values({ customerId, version: -1, createdAt: tx.now }).onConflictDoNothing();
  const [known] = await tx.all<Known>(
    sql`select c.brand_id, c.email, c.named_brand_id, c.version from chargebee_customers c where c.customer_id = ${customerId} ${forUpdate("c")}`,
  );
  if (!known) throw new Error(`the customer ${customerId} was written and is not there`);
  return known;
}

/** What a customer's own record says, if it is newer than what we have. */
export async function noteCustomer(tx: Tx, customerId: string, known: Known, given: Fields): Promise<Known> {
  const version = wholeIn(given.resource_version) ?? momentIn(given.updated_at) ?? 0;
  if (version <= known.version) return known;
  const meta = fieldsIn(given.meta_data);
  const email = textIn(given.email)?.toLowerCase() ?? null;
  const namedBrandId = textIn(meta.brandId) ?? textIn(given.cf_brand_id);
  if (email !== known.email || namedBrandId !== known.named_brand_id) await retryEventsOf(tx, customerId);
  await tx
    .update(chargebeeCustomers)
    .set({ email, namedBrandId, version })
    .where(eq(chargebeeCustomers.customerId, customerId));
  return { ...known, email, named_brand_id: namedBrandId, version };
}

/** The customer's brand, found now if it was not known before: named by the customer's record, or owned under their e-mail. */
export async function brandOfCustomer(tx: Tx, customerId: string, known: Known): Promise<string | null> {
  if (known.brand_id !== null) return known.brand_id;
  const brandId = (await brandNamed(tx, known.named_brand_id)) ?? (await brandOwnedBy(tx, known.email));
  if (brandId === null) return null;
  await tx.update(chargebeeCustomers).set({ brandId }).where(eq(chargebeeCustomers.customerId, customerId));
  await retryEventsOf(tx, customerId);
  return brandId;
}

async function brandNamed(read: Reader, id: string | null): Promise<string | null> {
  if (id === null) return null;
  const [brand] = await read.select({ id: brands.id }).from(brands).where(eq(brands.id, id));
  return brand?.id ?? null;
}

/** Only where an admin made the owner: whoever signs up by themselves may have typed anybody's address. */
async function brandOwnedBy(read: Reader, email: string | null): Promise<string | null> {
  if (email === null) return null;
  const [brand] = await read
    .select({ id: brands.id })
    .from(brands)
    .innerJoin(users, eq(users.id, brands.ownerId))
    .where(and(eq(users.email, email), eq(users.emailVerified, true)));
  return brand?.id ?? null;
}

/** Says which brand a customer is. CONFLICT when they are another one: their credits would be in two places. */
export async function linkCustomer(
  tx: Tx,
  { customerId, brandId, actorId }: { customerId: string; brandId: string; actorId: string },
): Promise<{ waiting: number }> {
  const known = await lockCustomer(tx, customerId);
  if (known.brand_id !== null && known.brand_id !== brandId) {
    throw new Fault("CONFLICT", "This customer is another brand already, which has their credits", {
      facts: { brandId: known.brand_id },
    });
  }
  await tx
    .update(chargebeeCustomers)
    .set({ brandId, linkedBy: actorId })
    .where(eq(chargebeeCustomers.customerId, customerId));
  return { waiting: await retryEventsOf(tx, customerId) };
}

/** What waits for something about this customer is tried again at once. Returns how many events that are. */
async function retryEventsOf(tx: Tx, customerId: string): Promise<number> {
  const waiting = await tx
    .update(chargebeeEvents)
    .set({ dueAt: tx.now })
    .where(and(eq(chargebeeEvents.customerId, customerId), ne(chargebeeEvents.status, "DONE")))
    .returning({ id: chargebeeEvents.id });
  return waiting.length;
}
