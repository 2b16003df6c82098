import { and, eq, inArray } from "drizzle-orm";
import { chargebeeResources } from "../../db/schema/chargebee.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { Product } from "./catalog.ts";
import { mergeObservation, type Observation, type ResourceHistory } from "./resource-history.ts";
import type { CreditNote, Invoice, Transaction } from "./resources.ts";

/** The stored state of each kind of resource. */
interface Kinds {
  invoice: Invoice;
  credit_note: CreditNote;
  transaction: Transaction;
  item_price: Product;
}
type Kind = keyof Kinds;

/** Finds the history of a resource. */
export async function findResource<K extends Kind>(
  read: Reader,
  kind: K,
  id: string,
): Promise<ResourceHistory<Kinds[K]> | null> {
  const [row] = await read
    .select({ facts: chargebeeResources.facts })
    .from(chargebeeResources)
    .where(and(eq(chargebeeResources.kind, kind), eq(chargebeeResources.id, id)));
  return row ? (row.facts as ResourceHistory<Kinds[K]>) : null;
}

/** Lists the histories of resources that belong to another: the credit notes of an invoice, the invoices of a subscription. */
export async function listResources<K extends Kind>(
  read: Reader,
  kind: K,
  belongsTo: string,
): Promise<ResourceHistory<Kinds[K]>[]> {
  const rows = await read
    .select({ facts: chargebeeResources.facts })
    .from(chargebeeResources)
    .where(and(eq(chargebeeResources.kind, kind), eq(chargebeeResources.belongsTo, belongsTo)));
  return rows.map(({ facts }) => facts as ResourceHistory<Kinds[K]>);
}

/** Returns the products of item prices that have metadata in Chargebee. */
export async function listProducts(read: Reader, ids: readonly string[]): Promise<Map<string, Product>> {
  if (ids.length === 0) return new Map();
  const rows = await read
    .select({ id: chargebeeResources.id, facts: chargebeeResources.facts })
    .from(chargebeeResources)
    .where(and(eq(chargebeeResources.kind, "item_price"), inArray(chargebeeResources.id, [...ids])));
  return new Map(rows.map(({ id, facts }) => [id, (facts as ResourceHistory<Product>).newest]));
}

/** Merges an observation into the history of a resource. Call it under its customer's lock. */
export async function recordObservation<K extends Kind>(
  tx: Tx,
  { kind, id, customerId, belongsTo }: { kind: K; id: string; customerId: string | null; belongsTo: string | null },
  observation: Observation<Kinds[K]>,
): Promise<ResourceHistory<Kinds[K]>> {
  const before = await findResource(tx, kind, id);
  const facts = mergeObservation(before, observation);
  if (facts === before) return facts;
  const row = { customerId, belongsTo, version: facts.version, facts, updatedAt: tx.now };
  await tx
    .insert(chargebeeResources)
    .values({ kind, id, ...row })
    .onConflictDoUpdate({ target: [chargebeeResources.kind, chargebeeResources.id], set: row });
  return facts;
}
