import { and, eq, isNull, lte, or } from "drizzle-orm";
import { apiKeys } from "../../../db/schema/identity.ts";
import type { Store } from "../../../db/store.ts";
import { type Instant, MINUTE } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/logger.ts";

/** Precision of the last use of a key: a write for each request would cost more than most requests. */
const LAST_USE_PRECISION_MS = 10 * MINUTE;
/** Keys whose last write is cached; far more than one process serves within the precision. */
const MAX_REMEMBERED_KEYS = 10_000;

/** Records the use of a key, at most once in ten minutes. No request waits for the write or fails by it. */
export type RecordLastUse = (key: { id: string; lastUsedAt: Instant | null }, now: Instant) => void;

export function createLastUseRecorder(store: Pick<Store, "write">, log: Log): RecordLastUse {
  const tried = new Map<string, Instant>();
  return ({ id, lastUsedAt }, now) => {
    const latest = Math.max(lastUsedAt ?? 0, tried.get(id) ?? 0);
    if (now - latest < LAST_USE_PRECISION_MS) return;
    if (tried.size >= MAX_REMEMBERED_KEYS) tried.clear();
    // Set before the write: one that fails, as on a full disk, is not repeated at each request.
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
