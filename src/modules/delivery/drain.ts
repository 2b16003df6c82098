import type { Log } from "../../lib/logger.ts";
import { settlesBefore } from "../../lib/timeout.ts";
import type { Engine } from "./engine.ts";

/** The pause before the next attempt after the database failed while results were to be settled. */
const RETRY_PAUSE_MS = 250;

/**
 * Waits until every message in flight has come back and is settled, at most `within` milliseconds. While the database is
 * unavailable it tries again: a result that is known and not stored would become an unknown outcome.
 */
export async function drainWithin(engine: Engine, log: Log, within: number): Promise<boolean> {
  const deadline = performance.now() + within;
  let isOver = false;
  const drained = (async () => {
    while (!isOver) {
      try {
        return await engine.drain();
      } catch (error) {
        log.warn("delivery.drain_failed", { error, retryInMs: RETRY_PAUSE_MS });
        await Bun.sleep(RETRY_PAUSE_MS);
      }
    }
  })();
  const isDrained = await settlesBefore(deadline, drained);
  isOver = true;
  return isDrained;
}
