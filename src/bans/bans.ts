import { and, asc, desc, eq, isNull, or, sql } from "drizzle-orm";
import { normaliseEmail, normalisePhone } from "../contacts/address.ts";
import { bans } from "../db/schema/brands.ts";
import type { Reader, Tx } from "../db/store.ts";
import { Fault, invalid, notFound } from "../fault.ts";
import { cancelPerson } from "../messages/messages.ts";
import type { CancelReason } from "../messages/model.ts";

/** The scope of a ban that holds for every brand. */
export const PLATFORM = "platform";

type Row = typeof bans.$inferSelect;

/** What a cancelled message says, by what put its contact on the list. */
const REASON: Record<Row["source"], CancelReason> = {
  MANUAL: "BANNED",
  HOSTILE: "BANNED",
  OPT_OUT: "UNSUBSCRIBED",
  UNSUBSCRIBE: "UNSUBSCRIBED",
};

export interface BanOrder {
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
 * Puts a person on the ban list, cancels all that was still to be sent to them and gives its credits back, in one
 * transaction. Somebody who is on the list already stays on it under the same id. INVALID without an e-mail or phone.
 */
export async function ban(tx: Tx, order: BanOrder): Promise<{ id: string; cancelled: number }> {
  const email = order.email ? normaliseEmail(order.email) : null;
  const phone = order.phone ? normalisePhone(order.phone) : null;
  if (order.email && !email) throw invalid("email", "expected an e-mail address");
  if (order.phone && !phone) throw invalid("phone", "expected a phone number with country code, such as +12025550123");
  if (!email && !phone) throw invalid("email", "expected an email, a phone or both");

  const found = await findBan(tx, order.scope, email, phone);
  const id = found?.id ?? tx.newId();
  if (!found) {
    const { scope, source } = order;
    const made = await tx
      .insert(bans)
      .values({
        id,
        scope,
        email,
        phone,
        source,
        reason: order.reason ?? null,
        messageGot: order.messageGot?.slice(0, 2000) ?? null,
        sentimentScore: order.sentimentScore ?? null,
        createdBy: order.createdBy ?? null,
        createdAt: tx.now,
      })
      .onConflictDoNothing()
      .returning({ id: bans.id });
    // Somebody else banned the same person between our look and our insert: theirs is the ban.
    if (made.length === 0) return { id: (await findBan(tx, order.scope, email, phone))?.id ?? id, cancelled: 0 };
  } else {
    await complete(tx, found, { email: found.email ?? email, phone: found.phone ?? phone });
  }
  const brandId = order.scope === PLATFORM ? null : order.scope;
  return {
    id,
    cancelled: await cancelPerson(tx, { email, phone, brandId }, REASON[order.source]),
  };
}

/** Adds to a ban what it did not say of the person, unless another ban says it: each address stands on a list once. */
async function complete(tx: Tx, found: Row, person: Pick<Row, "email" | "phone">): Promise<void> {
  for (const column of ["email", "phone"] as const) {
    const address = person[column];
    if (address === null || found[column] !== null) continue;
    const elsewhere = tx.select({ id: bans.id }).from(bans);
    const taken = await elsewhere.where(and(eq(bans.scope, found.scope), eq(bans[column], address)));
    if (taken.length === 0)
      await tx
        .update(bans)
        .set({ [column]: address })
        .where(eq(bans.id, found.id));
  }
}

async function findBan(
  read: Reader,
  scope: string,
  email: string | null,
  phone: string | null,
): Promise<Row | undefined> {
  const [row] = await read
    .select()
    .from(bans)
    .where(
      and(
        eq(bans.scope, scope),
        or(email ? eq(bans.email, email) : undefined, phone ? eq(bans.phone, phone) : undefined),
      ),
    )
    .orderBy(asc(bans.id))
    .limit(1);
  return row;
}

/**
 * Takes a ban off the list. `scope` null means any (an admin). What a person asked for themselves (STOP, unsubscribe)
 * only an admin lifts.
 */
export async function unban(tx: Tx, id: string, scope: string | null): Promise<void> {
  const mine = and(eq(bans.id, id), scope === null ? undefined : eq(bans.scope, scope));
  const [row] = await tx.select().from(bans).where(mine);
  if (!row) throw notFound("ban", id);
  if (scope !== null && (row.source === "OPT_OUT" || row.source === "UNSUBSCRIBE")) {
    throw new Fault("FORBIDDEN", "This person asked not to be contacted: only an admin can lift that");
  }
  await tx.delete(bans).where(mine);
}

export interface BanPage {
  scope: string;
  sortBy: "createdAt" | "email";
  sortOrder: "asc" | "desc";
  after: [string | number | null, string] | null;
  limit: number;
}

/** One page of a scope's bans by keyset, so that inserts between two pages neither repeat nor skip a row. */
export async function listBans(read: Reader, page: BanPage): Promise<Row[]> {
  const order = page.sortOrder === "asc" ? asc : desc;
  // A ban by phone alone has no e-mail; it sorts as the empty text, alike on both databases.
  const key = page.sortBy === "email" ? sql`coalesce(${bans.email}, '')` : sql`${bans.createdAt}`;
  const beyond = page.sortOrder === "asc" ? sql`>` : sql`<`;
  const [place] = page.after ?? [];
  if (page.after && !(page.sortBy === "email" ? typeof place === "string" : Number.isSafeInteger(place))) {
    throw invalid("cursor", "expected the nextCursor of a page that was sorted alike");
  }
  const later = page.after ? sql`(${key}, ${bans.id}) ${beyond} (${page.after[0] ?? ""}, ${page.after[1]})` : undefined;
  return read
    .select()
    .from(bans)
    .where(and(eq(bans.scope, page.scope), later))
    .orderBy(order(key), order(bans.id))
    .limit(page.limit);
}

/** True when an e-mail address or a phone number may not be written to by this brand. */
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
