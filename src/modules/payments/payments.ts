import { and, desc, eq, sql } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import { users } from "../../db/schema/identity.ts";
import { payments } from "../../db/schema/payments.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { type Instant, iso } from "../../lib/clock.ts";
import { notFound } from "../../lib/errors.ts";
import { toCredits } from "../credits/amounts.ts";
import type { Status, Transaction, Type } from "./model.ts";
import { toMajorUnits } from "./money.ts";

export interface PaymentInput {
  brandId: string;
  type: Type;
  status: Status;
  /** Amount in the currency's smallest unit; negative for money that was returned. */
  amountMinor: number;
  currency: string;
  /** Credits in thousandths; negative for credits that were taken back. */
  creditsAdded: number;
  planName?: string | null;
  description?: string | null;
  chargebeeCustomerId?: string | null;
  chargebeeInvoiceId?: string | null;
  /** The external id of the payment, e.g. of an invoice line. A source is one row. */
  source?: string | null;
  transactionDate: Instant;
}

/** Creates a payment with the brand's current owner. Returns its id; null when its source exists already. */
export async function createPayment(tx: Tx, order: PaymentInput): Promise<string | null> {
  const [brand] = await tx.select({ ownerId: brands.ownerId }).from(brands).where(eq(brands.id, order.brandId));
  if (!brand) throw notFound("brand", order.brandId);
  const [made] = await tx
    .insert(payments)
    .values({ ...order, id: tx.newId(), userId: brand.ownerId, createdAt: tx.now })
    .onConflictDoNothing()
    .returning({ id: payments.id });
  return made?.id ?? null;
}

/** Creates or updates a payment that may still change, such as an invoice that is refunded. */
export async function upsertPayment(tx: Tx, order: PaymentInput & { source: string }): Promise<void> {
  if ((await createPayment(tx, order)) !== null) return;
  const { source, brandId, ...now } = order;
  await tx
    .update(payments)
    .set(now)
    .where(and(eq(payments.source, source), eq(payments.brandId, brandId)));
}

export interface PaymentFilter {
  status?: Status | undefined;
  type?: Type | undefined;
  brandId?: string | undefined;
}

/** Lists one page of the platform's payments, the newest first, with their total. */
export async function listPayments(
  read: Reader,
  { status, type, brandId }: PaymentFilter,
  { page, limit }: { page: number; limit: number },
): Promise<{ transactions: Transaction[]; total: number }> {
  const matching = and(
    status === undefined ? undefined : eq(payments.status, status),
    type === undefined ? undefined : eq(payments.type, type),
    brandId === undefined ? undefined : eq(payments.brandId, brandId),
  );
  const [counted] = await read.select({ total: sql<unknown>`count(*)` }).from(payments).where(matching);
  const total = Number(counted?.total ?? 0);
  const offset = (page - 1) * limit;
  if (offset >= total) return { transactions: [], total };
  const rows = await read
    .select({ payment: payments, brandName: brands.name, userName: users.name, userEmail: users.email })
    .from(payments)
    .leftJoin(brands, eq(brands.id, payments.brandId))
    .leftJoin(users, eq(users.id, payments.userId))
    .where(matching)
    .orderBy(desc(payments.transactionDate), desc(payments.id))
    .limit(limit)
    .offset(offset);
  return { transactions: rows.map(toTransaction), total };
}

function toTransaction(row: {
  payment: typeof payments.$inferSelect;
  brandName: string | null;
  userName: string | null;
  userEmail: string | null;
}): Transaction {
  const { source: _, createdAt: __, transactionDate, creditsAdded, ...payment } = row.payment;
  const { brandName, userName, userEmail } = row;
  return {
    ...payment,
    brandName,
    userName,
    userEmail,
    amount: toMajorUnits(payment.amountMinor, payment.currency),
    creditsAdded: toCredits(creditsAdded),
    transactionDate: iso(transactionDate),
  };
}
