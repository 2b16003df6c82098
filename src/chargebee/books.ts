import { and, eq, gt, inArray } from "drizzle-orm";
import { clawBack } from "../credits/clawback.ts";
import { expireLot, grant } from "../credits/ledger.ts";
import { creditClawbacks, creditLots } from "../db/schema/credits.ts";
import { inSlices } from "../db/slices.ts";
import type { Tx } from "../db/store.ts";
import { keepPayment } from "../payments/payments.ts";
import type { Catalog } from "./catalog.ts";
import { claimsOf, type EndOf, type LotClaim } from "./claims.ts";
import type { Facts } from "./facts.ts";
import { knownIn, knownOf, knownProducts } from "./known.ts";
import type { Invoice, Line } from "./resources.ts";
import { rowsFor } from "./rows.ts";

/**
 * Brings a brand's books to where they should be by all that is known of an invoice: computes that, and posts the
 * difference. Returns the item prices that nobody says anything about. Call it under the customer's lock.
 */
export async function settleInvoice(
  tx: Tx,
  { brandId, invoiceId, catalog }: { brandId: string; invoiceId: string; catalog: Catalog },
): Promise<string[]> {
  const facts = await knownOf(tx, "invoice", invoiceId);
  if (facts === null) return [];
  const notes = await knownIn(tx, "credit_note", invoiceId);
  const { subscriptionId, lines } = facts.newest;
  const siblings = subscriptionId === null ? [] : await knownIn(tx, "invoice", subscriptionId);
  const unsaid = lines.map(({ itemPriceId }) => itemPriceId ?? "").filter((id) => id !== "" && !catalog.has(id));
  const products = await knownProducts(tx, unsaid);
  const productOf = (id: string) => catalog.get(id) ?? products.get(id) ?? null;
  const claims = claimsOf(facts, notes, { productOf, endOf: endsBy(siblings, tx.now) });
  await post(tx, brandId, claims.lots);
  if (facts.first !== null) await endEarlier(tx, brandId, facts.first.state, siblings);
  for (const row of rowsFor(facts, notes, claims)) await keepPayment(tx, { brandId, ...row });
  return claims.unknown;
}

/** The plans of a subscription that were paid for at some time: one that begins ends those before it. */
function plansOf(siblings: readonly Facts<Invoice>[]): { invoiceId: string; line: Line }[] {
  return siblings.flatMap(({ first }) =>
    (first?.state.lines ?? [])
      .filter(({ type }) => type === "plan")
      .map((line) => ({ invoiceId: first?.state.id ?? "", line })),
  );
}

/** When a plan's credits end because another plan of the subscription began before its period was over. */
function endsBy(siblings: readonly Facts<Invoice>[], now: number): EndOf {
  const beginnings = plansOf(siblings).map(({ line }) => line.from ?? 0);
  return ({ type, from, to }) => {
    if (type !== "plan" || from === null || to === null) return null;
    const earlier = beginnings.filter((begun) => begun > from && begun < to && begun <= now);
    return earlier.length > 0 ? Math.min(...earlier) : null;
  };
}

/** Ends the credits of plans that this invoice's plan took the place of. */
async function endEarlier(
  tx: Tx,
  brandId: string,
  invoice: Invoice,
  siblings: readonly Facts<Invoice>[],
): Promise<void> {
  const endOf = endsBy(siblings, tx.now);
  for (const { invoiceId, line } of plansOf(siblings)) {
    const end = endOf(line);
    if (end === null || invoiceId === invoice.id) continue;
    const source = `chargebee:${invoiceId}:${line.id}`;
    const later = await tx
      .select({ id: creditLots.id, source: creditLots.source })
      .from(creditLots)
      .where(and(eq(creditLots.brandId, brandId), gt(creditLots.expiresAt, end)));
    for (const lot of later) {
      // Beside the lot itself, those of an invoice that was paid again, and what came back from a credit note.
      const isOfLine = lot.source === source || lot.source?.startsWith(`${source}:`);
      if (isOfLine) await expireLot(tx, { id: lot.id }, "PLAN_CHANGED", end);
    }
  }
}

/** Grants what was not granted yet, and takes back what was not taken back yet. */
async function post(tx: Tx, brandId: string, lots: readonly LotClaim[]): Promise<void> {
  if (lots.length === 0) return;
  const have = new Set<string | null>();
  const taken: { source: string; lotSource: string | null; amount: number }[] = [];
  const { source, lotSource, amount } = creditClawbacks;
  await inSlices(lots, async (slice) => {
    const sources = slice.map(({ source }) => source);
    const granted = await tx
      .select({ source: creditLots.source })
      .from(creditLots)
      .where(inArray(creditLots.source, sources));
    for (const lot of granted) have.add(lot.source);
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
    if (amount > 0 && !have.has(source)) await grant(tx, { brandId, amount, kind, expiresAt, at, source, reason });
    await takeBack(
      tx,
      brandId,
      lot,
      taken.filter(({ lotSource }) => lotSource === source),
    );
  }
}

/** Takes back what is missing. What has to be taken for one thing may grow, and then has several clawbacks. */
async function takeBack(
  tx: Tx,
  brandId: string,
  lot: LotClaim,
  taken: readonly { source: string; amount: number }[],
): Promise<void> {
  const sum = (some: readonly { amount: number }[]) => some.reduce((total, { amount }) => total + amount, 0);
  // A refund heard of after a later one may find that taken already which would have been its own.
  let left = sum(lot.takes) - sum(taken);
  for (const { source, amount, at, reason } of lot.takes) {
    const had = sum(taken.filter((clawback) => clawback.source.split("+", 1)[0] === source));
    const part = Math.min(left, amount - had);
    if (part <= 0) continue;
    const key = had === 0 ? source : `${source}+${had}`;
    await clawBack(tx, { brandId, amount: part, lotSource: lot.source, source: key, reason, at });
    left -= part;
  }
}
