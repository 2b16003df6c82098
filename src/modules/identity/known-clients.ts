import { and, desc, eq, gt, lt, notInArray, sql } from "drizzle-orm";
import { knownClients } from "../../db/schema/identity.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { DAY, type Instant } from "../../lib/clock.ts";

/** Time an address stays known after the last sign-in from it. */
const KNOWN_CLIENT_TTL_MS = 90 * DAY;
/** Precision of that time: many sign-ins of one day are written once. */
const SEEN_PRECISION_MS = DAY;
/** Addresses stored for one account, the latest ones. */
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

/** Records the client of a sign-in, and deletes the oldest of too many. */
export async function recordClient(tx: Tx, account: string, client: string): Promise<void> {
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

/** Deletes clients without a recent sign-in, for a periodic job; returns how many there were. */
export async function purgeKnownClients(tx: Tx): Promise<number> {
  const old = lt(knownClients.seenAt, tx.now - KNOWN_CLIENT_TTL_MS);
  return (await tx.delete(knownClients).where(old).returning({ client: knownClients.client })).length;
}
