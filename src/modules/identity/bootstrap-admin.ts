import { createHash, randomBytes } from "node:crypto";
import { and, eq, gt } from "drizzle-orm";
import { HOUR } from "../clock.ts";
import { settings } from "../db/schema/identity.ts";
import type { Store, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { appointAdmin } from "./accounts.ts";
import { hashPassword } from "./password.ts";
import { hasAdmin, type Row } from "./users.ts";

const CLAIM = "claim";
/** Lifetime of the bootstrap link: it stands in the log of the service. */
const CLAIM_TTL_MS = 24 * HOUR;

function digest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * Creates a one-time token for adding the first admin, printed by `serve`; null once there is an admin. Only its hash is
 * stored, and the token of an earlier start becomes invalid.
 */
export async function openClaim(store: Store): Promise<string | null> {
  if (await hasAdmin(store.read)) return null;
  const token = randomBytes(32).toString("base64url");
  await store.write(async (tx) => {
    const row = { name: CLAIM, value: digest(token), updatedAt: tx.now };
    await tx.insert(settings).values(row).onConflictDoUpdate({ target: settings.name, set: row });
  });
  return token;
}

/** Adds the first admin. @throws AppError FORBIDDEN unless the token is the last one printed, unused and less than a day old, and there is no admin */
export async function claim(tx: Tx, token: string, given: { email: string; name: string }, hash: string): Promise<Row> {
  const isFresh = gt(settings.updatedAt, tx.now - CLAIM_TTL_MS);
  const mine = and(eq(settings.name, CLAIM), eq(settings.value, digest(token)), isFresh);
  const [used] = await tx.delete(settings).where(mine).returning();
  if (!used || (await hasAdmin(tx)))
    throw new Fault("FORBIDDEN", "This claim link is not valid any more: start the service again to get another");
  return appointAdmin(tx, given, hash);
}

/** Adds an admin for `reprise admin create`. A user who has the address already becomes an admin with this password. */
export async function createAdmin(
  store: Store,
  given: { email: string; password: string; name: string },
): Promise<{ id: string; email: string }> {
  const hash = await hashPassword(given.password, "password", given);
  const { id, email } = await store.write((tx) => appointAdmin(tx, given, hash));
  return { id, email };
}
