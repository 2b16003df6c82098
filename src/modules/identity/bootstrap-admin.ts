import { createHash, randomBytes } from "node:crypto";
import { and, eq, gt } from "drizzle-orm";
import { settings } from "../../db/schema/identity.ts";
import type { Store, Tx } from "../../db/store.ts";
import { HOUR } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { grantAdmin } from "./accounts.ts";
import { hashPassword } from "./password.ts";
import { hasAdmin, type UserRow } from "./users.ts";

const BOOTSTRAP_SETTING = "claim";
/** Lifetime of the bootstrap link: it stands in the log of the service. */
const BOOTSTRAP_TTL_MS = 24 * HOUR;

function digest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * Creates a one-time token for adding the first admin, printed by `serve`; null once there is an admin. Only its hash is
 * stored, and the token of an earlier start becomes invalid.
 */
export async function createBootstrapToken(store: Store): Promise<string | null> {
  if (await hasAdmin(store.read)) return null;
  const token = randomBytes(32).toString("base64url");
  await store.write(async (tx) => {
    const row = { name: BOOTSTRAP_SETTING, value: digest(token), updatedAt: tx.now };
    await tx.insert(settings).values(row).onConflictDoUpdate({ target: settings.name, set: row });
  });
  return token;
}

/** Adds the first admin. @throws AppError FORBIDDEN unless the token is the last one printed, unused and less than a day old, and there is no admin */
export async function bootstrapAdmin(
  tx: Tx,
  token: string,
  given: { email: string; name: string },
  hash: string,
): Promise<UserRow> {
  const isFresh = gt(settings.updatedAt, tx.now - BOOTSTRAP_TTL_MS);
  const mine = and(eq(settings.name, BOOTSTRAP_SETTING), eq(settings.value, digest(token)), isFresh);
  const [used] = await tx.delete(settings).where(mine).returning();
  if (!used || (await hasAdmin(tx)))
    throw new AppError("FORBIDDEN", "This claim link is not valid any more: start the service again to get another");
  return grantAdmin(tx, given, hash);
}

/** Adds an admin for `reprise admin create`. A user who has the address already becomes an admin with this password. */
export async function createAdmin(
  store: Store,
  given: { email: string; password: string; name: string },
): Promise<{ id: string; email: string }> {
  const hash = await hashPassword(given.password, "password", given);
  const { id, email } = await store.write((tx) => grantAdmin(tx, given, hash));
  return { id, email };
}
