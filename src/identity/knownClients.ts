import { and, desc, eq, gt, lt, notInArray, sql } from "drizzle-orm";
import { DAY, type Instant } from "../clock.ts";
import { knownClients } from "../db/schema/identity.ts";
import type { Reader, Tx } from "../db/store.ts";

/** How long an address stays known after the last sign-in from it. */
const KNOWN_CLIENT_TTL_MS = 90 * DAY;
/** How exactly that is noted: whoever signs in many times a day is written down once. */
const SEEN_PRECISION_MS = DAY;
/** Addresses known of one account, the last ones. */
const KNOWN_CLIENTS_PER_ACCOUNT = 10;

/** Returns whether this account was signed in to from this client before. Both are keyed hashes. */
export async function isKnownClient(read: Reader, now: Instant, account: string, client: string): Promise<boolean> {
  const known = await read
    .select({ seenAt: knownClients.seenAt })
    .from(knownClients)
    .where(
      and(
        eq(knownClients.account, account),
        eq(knownClients.client, client),
        gt(knownClients.seenAt, now - KNOWN_CLIENT_TTL_MS),
      ),
    );
  return known.length > 0;
}

/** Notes from where an account was signed in to, and forgets the oldest of too many. */
export async function rememberClient(tx: Tx, account: string, client: string): Promise<void> {
  const noted = await tx
    .insert(knownClients)
    .values({ account, client, seenAt: tx.now })
    .onConflictDoUpdate({
      target: [knownClients.account, knownClients.client],
      set: { seenAt: tx.now },
      setWhere: sql`${knownClients.seenAt} < ${tx.now - SEEN_PRECISION_MS}`,
    })
    .returning({ client: knownClients.client });
  if (noted.length === 0) return;
  const latest = tx
    .select({ client: knownClients.client })
    .from(knownClients)
    .where(eq(knownClients.account, account))
    .orderBy(desc(knownClients.seenAt), desc(knownClients.client))
    .limit(KNOWN_CLIENTS_PER_ACCOUNT);
  await tx.delete(knownClients).where(and(eq(knownClients.account, account), notInArray(knownClients.client, latest)));
}

/** Removes clients that nobody signed in from for long, for a periodic job; returns how many there were. */
export async function purgeKnownClients(tx: Tx): Promise<number> {
  const old = lt(knownClients.seenAt, tx.now - KNOWN_CLIENT_TTL_MS);
  return (await tx.delete(knownClients).where(old).returning({ client: knownClients.client })).length;
}
