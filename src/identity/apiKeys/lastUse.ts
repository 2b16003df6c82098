import { and, eq, isNull, lte, or } from "drizzle-orm";
import { type Instant, MINUTE } from "../../clock.ts";
import { apiKeys } from "../../db/schema/identity.ts";
import type { Store } from "../../db/store.ts";
import type { Log } from "../../log.ts";

/** How exact the last use of a key is: a write for each request would cost more than most requests do. */
const LAST_USE_PRECISION_MS = 10 * MINUTE;
/** Keys whose last write is remembered; far more than one process serves within the precision. */
const MAX_REMEMBERED_KEYS = 10_000;

/** Notes that a key was used, at most once in ten minutes for each key. Nobody waits for it, and no request fails by it. */
export type NoteLastUse = (key: { id: string; lastUsedAt: Instant | null }, now: Instant) => void;

export function lastUse(store: Pick<Store, "write">, log: Log): NoteLastUse {
  const tried = new Map<string, Instant>();
  return ({ id, lastUsedAt }, now) => {
    const latest = Math.max(lastUsedAt ?? 0, tried.get(id) ?? 0);
    if (now - latest < LAST_USE_PRECISION_MS) return;
    if (tried.size >= MAX_REMEMBERED_KEYS) tried.clear();
    // Also where the write fails: a full disk is not tried again at each request.
    tried.set(id, now);
    const isOlder = or(isNull(apiKeys.lastRequest), lte(apiKeys.lastRequest, now - LAST_USE_PRECISION_MS));
    store
      .write(async (tx) => {
        await tx
          .update(apiKeys)
          .set({ lastRequest: now })
          .where(and(eq(apiKeys.id, id), isOlder));
      })
      .catch((error) => log.warn("api_key.last_use_not_written", { keyId: id, error }));
  };
}
