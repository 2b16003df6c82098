import type { Deps } from "../deps.ts";
import { listDueEvents, tryProcessEvent } from "./events.ts";

type WorkerDeps = Pick<Deps, "store" | "clock" | "config" | "log" | "wake">;

const EVENTS_PER_PAGE = 100;

/** Processes an event that was just stored. `processDueEvents` retries it after a failure. */
export async function processStoredEvent({ store, config, log, wake }: WorkerDeps, id: string): Promise<void> {
  try {
    const outcome = await tryProcessEvent(store, id, config.chargebee.catalog);
    if (outcome !== "WORKED") log.error("chargebee.event_failed", { event: id, error: outcome });
    // Campaigns that were paused for lack of credits may continue.
    wake();
  } catch (error) {
    log.error("chargebee.event_skipped", { event: id, error });
  }
}

/** Processes all due events in the order in which they occurred. Returns their number. */
export async function processDueEvents(deps: WorkerDeps): Promise<number> {
  const done = new Set<string>();
  for (;;) {
    const due = await listDueEvents(deps.store.read, deps.clock.now(), EVENTS_PER_PAGE);
    // An event that is due again was rescheduled by another, or its failure could not be recorded: left to the next run.
    const fresh = due.filter((id) => !done.has(id));
    if (fresh.length === 0) return done.size;
    for (const id of fresh) {
      done.add(id);
      await processStoredEvent(deps, id);
    }
  }
}
