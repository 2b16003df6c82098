import { eq } from "drizzle-orm";
import { brands } from "../../../src/db/schema/brands.ts";
import { creditAccounts, creditClawbacks, creditLots } from "../../../src/db/schema/credits.ts";
import { payments } from "../../../src/db/schema/payments.ts";
import type { Store } from "../../../src/db/store.ts";
import type { Catalog } from "../../../src/modules/chargebee/catalog.ts";
import { parseEvent } from "../../../src/modules/chargebee/event.ts";
import { listDueEvents, storeEvent, tryProcessEvent } from "../../../src/modules/chargebee/events.ts";
import { hold, settle } from "../../../src/modules/credits/holds.ts";
import type { Event } from "./fake-site.ts";

/** Inserts a brand without an owner. */
export async function insertOwnerlessBrand(store: Store): Promise<string> {
  const id = crypto.randomUUID();
  await store.write((tx) => tx.insert(brands).values({ id, name: id, createdAt: tx.now, updatedAt: tx.now }));
  return id;
}

/** Stores and processes events as the webhook does, then those that waited for one of them, as the scheduler does. */
export async function receiveEvents(store: Store, events: readonly Event[], catalog: Catalog): Promise<void> {
  for (const given of events) {
    const event = parseEvent(given);
    if (event === null) throw new Error(`${given.id} is no event`);
    if (!(await store.write((tx) => storeEvent(tx, event, "WEBHOOK")))) continue;
    const outcome = await tryProcessEvent(store, event.id, catalog);
    if (outcome !== "WORKED") throw outcome;
  }
  const now = await store.write(async (tx) => tx.now);
  for (const id of await listDueEvents(store.read, now, 10_000)) await tryProcessEvent(store, id, catalog);
}

/** Holds and settles a message that costs `amount` thousandths of a credit. */
export async function spendCredits(store: Store, brandId: string, amount: number): Promise<void> {
  const messageId = crypto.randomUUID();
  const wish = { messageId, brandId, campaignId: brandId, creditType: "EMAIL", amount, weight: amount } as const;
  const short = await store.write((tx) => hold(tx, [wish]));
  if (short.size > 0) throw new Error("there are not enough credits to use");
  await store.write((tx) => settle(tx, [messageId]));
}

/** Returns accounts, lots, clawbacks and payments of a brand without ids, so that two runs compare equal. */
export async function getCreditState(store: Store, brandId: string, prefix: string) {
  // Sorted here by the source without its prefix: databases sort differently.
  const sorted = <Row extends { source: string | null }>(rows: Row[]) =>
    rows.sort((a, b) => ((a.source ?? "") < (b.source ?? "") ? -1 : 1));
  const plain = (text: string | null) => text?.replaceAll(prefix, "") ?? null;
  const accounts = await store.read.select().from(creditAccounts).where(eq(creditAccounts.brandId, brandId));
  const lots = await store.read.select().from(creditLots).where(eq(creditLots.brandId, brandId));
  const taken = await store.read.select().from(creditClawbacks).where(eq(creditClawbacks.brandId, brandId));
  const rows = await store.read.select().from(payments).where(eq(payments.brandId, brandId));
  return {
    accounts: accounts.map(
      ({ brandId: _, entries: __, lowSince: ___, head: ____, seal: _____, ...balances }) => balances,
    ),
    lots: sorted(lots.map(({ id: _, brandId: __, seal: ___, source, ...lot }) => ({ source: plain(source), ...lot }))),
    // Either of two refunds of one invoice may carry the rounding: the sum is compared.
    taken: sorted(
      [...Map.groupBy(taken, ({ lotSource }) => lotSource)].map(([source, parts]) => ({
        source: plain(source),
        amount: parts.reduce((sum, { amount }) => sum + amount, 0),
      })),
    ),
    payments: sorted(
      rows.map(({ id: _, brandId: __, createdAt: ___, ...row }) => ({
        ...row,
        source: plain(row.source),
        description: plain(row.description),
        chargebeeCustomerId: plain(row.chargebeeCustomerId),
        chargebeeInvoiceId: plain(row.chargebeeInvoiceId),
      })),
    ),
  };
}
