import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Engine } from "./engine.ts";

/** What tells the engine when to look. The messages themselves are in the database; a driver that forgets loses nothing. */
export interface Driver {
  /** Something may be due: look soon. */
  wake(): void;
  /** Claims nothing more, lets what is on its way come back, at most `within` milliseconds. */
  close(within: number): Promise<void>;
}

/** The longest sleep: the clock may be set meanwhile, and another process may have written. */
const LONGEST_SLEEP = 30_000;
/** When a due message could not be claimed (another replica has it): look again after this. */
const BUSY = 100;
/** After the database failed. */
const TROUBLED = 1_000;

/** The embedded queue: one timer, armed to the earliest due message, and woken by whatever schedules or comes back. */
export function startEmbedded(engine: Engine, clock: Clock, log: Log): Driver {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let closed = false;
  let looking = false;
  let wanted = false;

  function arm(milliseconds: number): void {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void look(), milliseconds);
  }

  async function look(): Promise<void> {
    if (looking) {
      wanted = true;
      return;
    }
    looking = true;
    wanted = false;
    let sleep = TROUBLED;
    try {
      await engine.runDue();
      const due = await engine.nextDue();
      const wait = due === null ? LONGEST_SLEEP : due - clock.now();
      sleep = wait <= 0 ? BUSY : Math.min(wait, LONGEST_SLEEP);
    } catch (error) {
      log.error("delivery paused", { error, retryInMs: TROUBLED });
    }
    looking = false;
    arm(wanted ? 0 : sleep);
  }

  engine.onReturn(() => arm(0));
  arm(0);

  return {
    wake: () => arm(0),
    async close(within) {
      engine.stop();
      const drained = engine.drain().catch((error) => log.error("delivery stopped", { error }));
      await Promise.race([drained, Bun.sleep(within)]);
      closed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
