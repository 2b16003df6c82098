import { and, eq, gt, inArray } from "drizzle-orm";
import { creditClawbacks, creditLots } from "../../db/schema/credits.ts";
import { forEachSlice } from "../../db/slices.ts";
import type { Tx } from "../../db/store.ts";
import { clawBack } from "../credits/clawback.ts";
import { expireLot, grant } from "../credits/ledger.ts";
import { upsertPayment } from "../payments/payments.ts";
import type { Catalog } from "./catalog.ts";
import { computeEntitlements, type FindEnd, type LotEntitlement } from "./entitlements.ts";
import { toPaymentRows } from "./payment-rows.ts";
import type { ResourceHistory } from "./resource-history.ts";
import { findResource, listProducts, listResources } from "./resource-store.ts";
import type { Invoice, Line } from "./resources.ts";

/**
 * Computes the credits that a brand is entitled to by an invoice and its credit notes, and posts the difference to the
 * ledger and the payments. Returns the item prices without a number of credits. Call it under the customer's lock.
 */
export async function settleInvoice(
  tx: Tx,
  { brandId, invoiceId, catalog }: { brandId: string; invoiceId: string; catalog: Catalog },
): Promise<string[]> {
  const history = await findResource(tx, "invoice", invoiceId);
  if (history === null) return [];
  const notes = await listResources(tx, "credit_note", invoiceId);
  const { subscriptionId, lines } = history.newest;
  const siblings = subscriptionId === null ? [] : await listResources(tx, "invoice", subscriptionId);
  const uncataloged = lines.map(({ itemPriceId }) => itemPriceId ?? "").filter((id) => id !== "" && !catalog.has(id));
  const products = await listProducts(tx, uncataloged);
  const findProduct = (id: string) => catalog.get(id) ?? products.get(id) ?? null;
  const entitlements = computeEntitlements(history, notes, {
    productOf: findProduct,
    endOf: findEarlyEnd(siblings, tx.now),
  });
  await postMissing(tx, brandId, entitlements.lots);
  if (history.first !== null) await expireReplacedPlans(tx, brandId, history.first.state, siblings);
  for (const row of toPaymentRows(history, notes, entitlements)) await upsertPayment(tx, { brandId, ...row });
  return entitlements.unknown;
}

/** Lists the plans of a subscription that were ever paid. A plan that begins ends those before it. */
function listPaidPlans(siblings: readonly ResourceHistory<Invoice>[]): { invoiceId: string; line: Line }[] {
  return siblings.flatMap(({ first }) =>
    (first?.state.lines ?? [])
      .filter(({ type }) => type === "plan")
      .map((line) => ({ invoiceId: first?.state.id ?? "", line })),
  );
}

/** Returns a function that finds when a plan's credits end early because another plan of the subscription began. */
function findEarlyEnd(siblings: readonly ResourceHistory<Invoice>[], now: number): FindEnd {
  const beginnings = listPaidPlans(siblings).map(({ line }) => line.from ?? 0);
  return ({ type, from, to }) => {
    if (type !== "plan" || from === null || to === null) return null;
    const earlier = beginnings.filter((begun) => begun > from && begun < to && begun <= now);
    return earlier.length > 0 ? Math.min(...earlier) : null;
  };
}

/** Expires the credits of plans that this invoice's plan replaced. */
async function expireReplacedPlans(
  tx: Tx,
  brandId: string,
  invoice: Invoice,
  siblings: readonly ResourceHistory<Invoice>[],
): Promise<void> {
  const findEnd = findEarlyEnd(siblings, tx.now);
  for (const { invoiceId, line } of listPaidPlans(siblings)) {
    const end = findEnd(line);
    if (end === null || invoiceId === invoice.id) continue;
    const source = `chargebee:${invoiceId}:${line.id}`;
    const later = await tx
      .select({ id: creditLots.id, source: creditLots.source })
      .from(creditLots)
      .where(and(eq(creditLots.brandId, brandId), gt(creditLots.expiresAt, end)));
    for (const lot of later) {
      // Includes the lots of an invoice that was paid again, and those restored by a voided credit note.
      const isOfLine = lot.source === source || lot.source?.startsWith(`${source}:`);
      if (isOfLine) await expireLot(tx, { id: lot.id }, "PLAN_CHANGED", end);
    }
  }
}

/** Posts the grants and clawbacks that are still missing in the ledger. */
async function postMissing(tx: Tx, brandId: string, lots: readonly LotEntitlement[]): Promise<void> {
  if (lots.length === 0) return;
  const grantedSources = new Set<string | null>();
  const taken: { source: string; lotSource: string | null; amount: number }[] = [];
  const { source, lotSource, amount } = creditClawbacks;
  await forEachSlice(lots, async (slice) => {
    const sources = slice.map(({ source }) => source);
    const granted = await tx
      .select({ source: creditLots.source })
      .from(creditLots)
      .where(inArray(creditLots.source, sources));
    for (const lot of granted) grantedSources.add(lot.source);
    taken.push(
      ...(await tx
        .select({ source, lotSource, amount })
        .from(creditClawbacks)
        .where(and(eq(creditClawbacks.brandId, brandId), inArray(lotSource, sources)))),
    );
  });
  for (const lot of lots) {
    const { source, amount, kind, expiresAt, at } = lot;
    const reason = `Chargebee: ${lot.description ?? source}`.slice(0, 300);
    if (amount > 0 && !grantedSources.has(source))
      await grant(tx, { brandId, amount, kind, expiresAt, at, source, reason });
    await takeBack(
      tx,
      brandId,
      lot,
      taken.filter(({ lotSource }) => lotSource === source),
    );
  }
}

/** Posts the missing clawbacks of a lot. The amount for one credit note may grow, which then has several clawbacks. */
async function takeBack(
  tx: Tx,
  brandId: string,
  lot: LotEntitlement,
  taken: readonly { source: string; amount: number }[],
): Promise<void> {
  const sum = (some: readonly { amount: number }[]) => some.reduce((total, { amount }) => total + amount, 0);
  // A refund that arrives after a later one may find its share taken already.
  let left = sum(lot.clawbacks) - sum(taken);
  for (const { source, amount, at, reason } of lot.clawbacks) {
    const had = sum(taken.filter((clawback) => clawback.source.split("+", 1)[0] === source));
    const part = Math.min(left, amount - had);
    if (part <= 0) continue;
    const key = had === 0 ? source : `${source}+${had}`;
    await clawBack(tx, { brandId, amount: part, lotSource: lot.source, source: key, reason, at });
    left -= part;
  }
}
