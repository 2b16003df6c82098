import { and, asc, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import { bans } from "../../db/schema/suppressions.ts";
import { deleteWhere } from "../../db/slices.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import { normaliseEmail, normalisePhone } from "../../lib/addresses.ts";
import { AppError, invalid, notFound } from "../../lib/errors.ts";
import { addUsage, releaseUsage, reserveQuota } from "../limits/usage.ts";
import { cancelPerson } from "../messages/cancel.ts";
import type { CancelReason } from "../messages/model.ts";

/** The scope of a ban that holds for every brand. */
export const PLATFORM = "platform";

type Row = typeof bans.$inferSelect;

/** The cancel reason of messages for each reason of a ban. */
const REASON: Record<Row["source"], CancelReason> = {
  MANUAL: "BANNED",
  HOSTILE: "BANNED",
  OPT_OUT: "UNSUBSCRIBED",
  UNSUBSCRIBE: "UNSUBSCRIBED",
};

export interface BanRequest {
  /** A brand's id, or PLATFORM. */
  scope: string;
  email?: string | null;
  phone?: string | null;
  reason?: string | null;
  source: Row["source"];
  /** The inbound text and score behind an automatic ban. */
  messageGot?: string | null;
  sentimentScore?: number | null;
  createdBy?: string | null;
}

/**
 * Puts a person on the ban list, cancels their pending messages and releases the credits, in one transaction. A person who
 * is on the list stays on it under the same id, and an address that is new for them is added.
 * @throws AppError INVALID without a valid e-mail address or phone number
 */
export async function createBan(tx: Tx, order: BanRequest): Promise<{ id: string; cancelled: number }> {
  const email = order.email ? normaliseEmail(order.email) : null;
  const phone = order.phone ? normalisePhone(order.phone) : null;
  if (order.email && !email) throw invalid("email", "expected an e-mail address");
  if (order.phone && !phone) throw invalid("phone", "expected a phone number with country code, such as +12025550123");
  if (!email && !phone) throw invalid("email", "expected an email, a phone or both");

  const found = await findBans(tx, order.scope, email, phone);
  const unlisted = await extendBans(tx, order, found, {
    email: found.some((row) => row.email === email) ? null : email,
    phone: found.some((row) => row.phone === phone) ? null : phone,
  });
  const made = unlisted.email || unlisted.phone ? await insertBan(tx, order, unlisted) : null;
  const id = found[0]?.id ?? made;
  // Another transaction banned the same person between the select and the insert: now the select sees it.
  if (id === null || (made === null && (unlisted.email || unlisted.phone))) return createBan(tx, order);
  const brandId = order.scope === PLATFORM ? null : order.scope;
  return {
    id,
    cancelled: await cancelPerson(tx, { email, phone, brandId }, REASON[order.source]),
  };
}

type Addresses = Pick<Row, "email" | "phone">;

const isOwnWish = (source: Row["source"]) => source === "OPT_OUT" || source === "UNSUBSCRIBE";

/**
 * Adds new addresses to the bans that a person has already, and returns those that fit into none. A ban by others becomes the
 * person's own when they ask for it themselves.
 */
async function extendBans(
  tx: Tx,
  { source }: BanRequest,
  found: readonly Row[],
  unlisted: Addresses,
): Promise<Addresses> {
  const left = { ...unlisted };
  for (const row of found) {
    const change: Partial<Row> = isOwnWish(source) && !isOwnWish(row.source) ? { source } : {};
    for (const column of ["email", "phone"] as const) {
      if (left[column] === null || row[column] !== null) continue;
      change[column] = left[column];
      left[column] = null;
    }
    if (Object.keys(change).length > 0) await tx.update(bans).set(change).where(eq(bans.id, row.id));
  }
  return left;
}

/** Inserts a ban and returns its id; null when one of the addresses is on the list. */
async function insertBan(tx: Tx, order: BanRequest, { email, phone }: Addresses): Promise<string | null> {
  const [row] = await tx
    .insert(bans)
    .values({
      id: tx.newId(),
      scope: order.scope,
      email,
      phone,
      source: order.source,
      reason: order.reason ?? null,
      messageGot: order.messageGot?.slice(0, 2000) ?? null,
      sentimentScore: order.sentimentScore ?? null,
      createdBy: order.createdBy ?? null,
      createdAt: tx.now,
    })
    .onConflictDoNothing()
    .returning({ id: bans.id });
  if (row && order.scope !== PLATFORM) {
    // A person's own wish is stored even beyond the limit.
    if (order.source === "MANUAL") await reserveQuota(tx, order.scope, "bans");
    else await addUsage(tx, order.scope, "bans", 1);
  }
  return row?.id ?? null;
}

/** Finds the bans of one scope that have either address, the oldest first. */
async function findBans(read: Reader, scope: string, email: string | null, phone: string | null): Promise<Row[]> {
  const named = or(email ? eq(bans.email, email) : undefined, phone ? eq(bans.phone, phone) : undefined);
  return read
    .select()
    .from(bans)
    .where(and(eq(bans.scope, scope), named))
    .orderBy(asc(bans.id));
}

/**
 * Deletes a ban.
 * @throws AppError NOT_FOUND; FORBIDDEN for a ban that the person asked for (STOP, unsubscribe), unless the scope is all tenants
 */
export async function deleteBan(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  const mine = and(eq(bans.id, id), inScope(scope, bans.scope));
  const [row] = await tx.select().from(bans).where(mine);
  if (!row) throw notFound("ban", id);
  if (scope.kind === "brand" && isOwnWish(row.source)) {
    throw new AppError("FORBIDDEN", "This person asked not to be contacted: only an admin can lift that");
  }
  const [gone] = await tx.delete(bans).where(mine).returning();
  if (gone && gone.scope !== PLATFORM) await releaseUsage(tx, gone.scope, "bans", 1);
}

/** Takes back a STOP by text message, and nothing else: an address banned with the number stays banned. */
export async function liftTextOptOut(tx: Tx, brandId: string, phone: string): Promise<void> {
  const byText = and(eq(bans.scope, brandId), eq(bans.phone, phone), eq(bans.source, "OPT_OUT"));
  const lifted = await tx
    .delete(bans)
    .where(and(byText, isNull(bans.email)))
    .returning();
  await releaseUsage(tx, brandId, "bans", lifted.length);
  await tx.update(bans).set({ phone: null }).where(byText);
}

/** Deletes the bans of a brand that is being deleted. */
export async function deleteBrandBans(tx: Tx, brandId: string): Promise<void> {
  await deleteWhere(tx, "bans", sql`scope = ${brandId}`);
}

export interface BanPage {
  scope: string;
  sortBy: "createdAt" | "email";
  sortOrder: "asc" | "desc";
  after: [string | number | null, string] | null;
  limit: number;
}

/** A ban as it is listed. */
export type ListedBan = Pick<Row, "id" | "email" | "phone" | "reason" | "messageGot" | "sentimentScore" | "createdAt">;

/** Lists one page of the bans of a scope by keyset, so that inserts between two pages neither repeat nor skip a row. */
export async function listBans(read: Reader, page: BanPage): Promise<ListedBan[]> {
  // A ban by phone alone has no e-mail; it sorts as the empty text, equal on both databases and in the index.
  const key = sql.raw(page.sortBy === "email" ? "(case when email is null then '' else email end)" : "created_at");
  const [beyond, direction] = page.sortOrder === "asc" ? ([sql`>`, sql`asc`] as const) : ([sql`<`, sql`desc`] as const);
  const [position] = page.after ?? [];
  if (page.after && !(page.sortBy === "email" ? typeof position === "string" : Number.isSafeInteger(position))) {
    throw invalid("cursor", "expected the nextCursor of a page that was sorted alike");
  }
  const inOrder = sql`${key} ${direction}, id ${direction}`;
  const rows = (which: SQL, order: SQL, limit: number) =>
    read.all<ListedBan>(sql`select id, email, phone, reason, message_got as "messageGot",
        sentiment_score as "sentimentScore", created_at as "createdAt"
      from bans where scope = ${page.scope} ${which} order by ${order} limit ${limit}`);
  if (page.after === null) return rows(sql.empty(), inOrder, page.limit);
  // First rows with the same key, then those after it: only so does SQLite use the index of an expression.
  const same = sql`and ${key} = ${position ?? ""} and id ${beyond} ${page.after[1]}`;
  const equal = await rows(same, sql`id ${direction}`, page.limit);
  if (equal.length === page.limit) return equal;
  return [...equal, ...(await rows(sql`and ${key} ${beyond} ${position ?? ""}`, inOrder, page.limit - equal.length))];
}

/** Returns whether this brand must not write to an e-mail address or a phone number. */
export async function isBanned(
  read: Reader,
  brandId: string,
  email: string | null,
  phone: string | null,
): Promise<boolean> {
  const person = or(email ? eq(bans.email, email) : isNull(bans.id), phone ? eq(bans.phone, phone) : isNull(bans.id));
  const rows = await read
    .select({ id: bans.id })
    .from(bans)
    .where(and(or(eq(bans.scope, brandId), eq(bans.scope, PLATFORM)), person))
    .limit(1);
  return rows.length > 0;
}
