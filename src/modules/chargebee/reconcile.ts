import { and, desc, eq, isNotNull, isNull } from "drizzle-orm";
import { chargebeeReconciliations } from "../../db/schema/chargebee.ts";
import type { Reader } from "../../db/store.ts";
import { DAY, type Instant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { parseEvent } from "./event.ts";
import { storeEvent } from "./events.ts";
import { ChargebeeError, DEFAULT_RETRY_POLICY, listEventsAfter, type RetryPolicy } from "./site.ts";

/** Overlap of two reconciliations: webhooks are retried for two days, and an event may be created after it occurred. */
const OVERLAP_MS = 3 * DAY;
/** Chargebee keeps events for about this long. */
const MAX_AGE_MS = 90 * DAY;

export interface Reconciliation {
  since: Instant;
  seen: number;
  added: number;
}

/** Returns the default start: OVERLAP_MS before the last complete reconciliation. */
async function getDefaultSince(read: Reader, now: Instant): Promise<Instant> {
  const [last] = await read
    .select({ startedAt: chargebeeReconciliations.startedAt })
    .from(chargebeeReconciliations)
    .where(and(isNotNull(chargebeeReconciliations.finishedAt), isNull(chargebeeReconciliations.error)))
    .orderBy(desc(chargebeeReconciliations.startedAt))
    .limit(1);
  return Math.max(now - MAX_AGE_MS, (last?.startedAt ?? 0) - OVERLAP_MS);
}

/** Fetches events from Chargebee's API and stores those that never arrived, to be processed like the others. */
export async function reconcile(
  { config, store, clock }: Pick<Deps, "config" | "store" | "clock">,
  { since, patience = DEFAULT_RETRY_POLICY }: { since?: Instant; patience?: RetryPolicy },
): Promise<Reconciliation> {
  const { site } = config.chargebee;
  if (site === null)
    throw new AppError("CONFLICT", "Reconciliation requires CHARGEBEE_SITE and CHARGEBEE_API_KEY, which are not set");
  const from = since ?? (await getDefaultSince(store.read, clock.now()));
  const id = await store.write(async (tx) => {
    const made = { id: tx.newId(), startedAt: tx.now, since: from };
    await tx.insert(chargebeeReconciliations).values(made);
    return made.id;
  });
  let seen = 0;
  let added = 0;
  const finish = (error: string | null) =>
    store.write((tx) =>
      tx
        .update(chargebeeReconciliations)
        .set({ finishedAt: tx.now, seen, added, error })
        .where(eq(chargebeeReconciliations.id, id)),
    );
  try {
    for await (const page of listEventsAfter(site, from, patience)) {
      const events = page.map(parseEvent).filter((event) => event !== null);
      seen += page.length;
      added += await store.write(async (tx) => {
        let fresh = 0;
        for (const event of events) if (await storeEvent(tx, event, "API")) fresh++;
        return fresh;
      });
    }
  } catch (error) {
    await finish(error instanceof ChargebeeError ? error.message : "it was interrupted");
    if (!(error instanceof ChargebeeError)) throw error;
    throw new AppError("UNAVAILABLE", error.message, { cause: error, retryAfterSeconds: 60 });
  }
  await finish(null);
  return { since: from, seen, added };
}
