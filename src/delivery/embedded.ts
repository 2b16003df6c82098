import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { drainWithin } from "./drain.ts";
import type { Driver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { startRounds } from "./rounds.ts";

/** The longest sleep: the clock may be set meanwhile, and another process may have written. */
const LONGEST_SLEEP = 30_000;
/** When a due message could not be claimed (another replica has it): look again after this. */
const BUSY = 100;
/** After the database failed. */
const TROUBLED = 1_000;

/**
 * The embedded queue: one timer, armed to the earliest due message, and woken by whatever schedules or comes back.
 * @param nap How long to sleep when the next message is due in `wait` milliseconds: as long, unless something else calls.
 */
export function startEmbedded(
  engine: Engine,
  clock: Clock,
  log: Log,
  nap: (wait: number) => number = (wait) => wait,
): Driver {
  const rounds = startRounds(async () => {
    try {
      await engine.runDue();
      const due = await engine.nextDue();
      const wait = due === null ? LONGEST_SLEEP : due - clock.now();
      return wait <= 0 ? BUSY : Math.min(nap(wait), LONGEST_SLEEP);
    } catch (error) {
      log.error("delivery paused", { error, retryInMs: TROUBLED });
      return TROUBLED;
    }
  });
  engine.onReturn(rounds.soon);

  return {
    wake: rounds.soon,
    ping: async () => {},
    async close(within) {
      engine.stop();
      await drainWithin(engine, log, within);
      rounds.stop();
    },
  };
}
