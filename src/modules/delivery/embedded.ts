import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/logger.ts";
import { drainWithin } from "./drain.ts";
import type { Driver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { startPollLoop } from "./poll-loop.ts";

/** The longest sleep: the clock may be set meanwhile, and another process may have written. */
const MAX_SLEEP_MS = 30_000;
/** The sleep when a due message could not be claimed, because another replica has it. */
const CONTENDED_SLEEP_MS = 100;
/** The sleep after the database failed. */
const FAILED_SLEEP_MS = 1_000;

/**
 * Starts the embedded queue: one timer, set to the earliest due message, and woken when a message is scheduled or comes back.
 * @param maxSleep How long to sleep when the next message is due in `wait` milliseconds: as long, unless the caller knows better.
 */
export function startEmbedded(
  engine: Engine,
  clock: Clock,
  log: Log,
  maxSleep: (wait: number) => number = (wait) => wait,
): Driver {
  const rounds = startPollLoop(async () => {
    try {
      await engine.runDue();
      const due = await engine.nextDue();
      const wait = due === null ? MAX_SLEEP_MS : due - clock.now();
      return wait <= 0 ? CONTENDED_SLEEP_MS : Math.min(maxSleep(wait), MAX_SLEEP_MS);
    } catch (error) {
      log.error("delivery.loop_failed", { error, retryInMs: FAILED_SLEEP_MS });
      return FAILED_SLEEP_MS;
    }
  });
  engine.onMessageReturned(rounds.wake);

  return {
    wake: rounds.wake,
    ping: async () => {},
    async close(within) {
      engine.stop();
      await drainWithin(engine, log, within);
      rounds.stop();
    },
  };
}
