import { and, desc, eq, isNotNull, isNull } from "drizzle-orm";
import { DAY, type Instant } from "../clock.ts";
import { chargebeeReconciliations } from "../db/schema/chargebee.ts";
import type { Reader } from "../db/store.ts";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { readEvent } from "./event.ts";
import { storeEvent } from "./events.ts";
import { eventsAfter, PATIENT, type Patience, SiteError } from "./site.ts";

/** Webhooks are tried for two days, and an event may be written a little after it occurred: so much is asked for twice. */
const OVERLAP = 3 * DAY;
/** Chargebee keeps events for about this long. */
const OLDEST = 90 * DAY;

export interface Reconciliation {
  since: Instant;
  seen: number;
  added: number;
}

/** Since when there may be something that never arrived: a little before Chargebee was last asked to the end. */
async function lastAsked(read: Reader, now: Instant): Promise<Instant> {
  const [last] = await read
    .select({ startedAt: chargebeeReconciliations.startedAt })
    .from(chargebeeReconciliations)
    .where(and(isNotNull(chargebeeReconciliations.finishedAt), isNull(chargebeeReconciliations.error)))
    .orderBy(desc(chargebeeReconciliations.startedAt))
    .limit(1);
  return Math.max(now - OLDEST, (last?.startedAt ?? 0) - OVERLAP);
}

/** Asks Chargebee for what never arrived, and stores it beside what did. It is worked on like that. */
export async function reconcile(
  { config, store, clock }: Pick<Deps, "config" | "store" | "clock">,
  { since, patience = PATIENT }: { since?: Instant; patience?: Patience },
): Promise<Reconciliation> {
  const { site } = config.chargebee;
  if (site === null)
    throw new Fault("CONFLICT", "CHARGEBEE_SITE and CHARGEBEE_API_KEY are not set: nobody can be asked");
  const from = since ?? (await lastAsked(store.read, clock.now()));
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
    for await (const page of eventsAfter(site, from, patience)) {
      const events = page.map(readEvent).filter((event) => event !== null);
      seen += page.length;
      added += await store.write(async (tx) => {
        let fresh = 0;
        for (const event of events) if (await storeEvent(tx, event, "API")) fresh++;
        return fresh;
      });
    }
  } catch (error) {
    await finish(error instanceof SiteError ? error.message : "it was not asked to the end");
    if (!(error instanceof SiteError)) throw error;
    throw new Fault("UNAVAILABLE", error.message, { cause: error, retryAfterSeconds: 60 });
  }
  await finish(null);
  return { since: from, seen, added };
}
