import type { Deps } from "../deps.ts";
import { dueEvents, workOn } from "./events.ts";

type Tools = Pick<Deps, "store" | "clock" | "config" | "log" | "wake">;

const AT_ONCE = 100;

/** Works on an event that was just stored. What fails is tried again by `workOffEvents`. */
export async function workOnEvent({ store, config, log, wake }: Tools, id: string): Promise<void> {
  try {
    const outcome = await workOn(store, id, config.chargebee.catalog);
    if (outcome !== "WORKED") log.error("an event of Chargebee failed", { event: id, error: outcome });
    // Campaigns that ran out of credits go on.
    wake();
  } catch (error) {
    log.error("an event of Chargebee was left alone", { event: id, error });
  }
}

/** Works on all events that are due, in the order in which they occurred. Returns how many. */
export async function workOffEvents(tools: Tools): Promise<number> {
  const done = new Set<string>();
  for (;;) {
    const due = await dueEvents(tools.store.read, tools.clock.now(), AT_ONCE);
    // One that is due again was made so by another, or could not even be noted as failed: the next sweep has it.
    const fresh = due.filter((id) => !done.has(id));
    if (fresh.length === 0) return done.size;
    for (const id of fresh) {
      done.add(id);
      await workOnEvent(tools, id);
    }
  }
}
