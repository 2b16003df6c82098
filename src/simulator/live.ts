import type { Channel } from "../channels/channel.ts";
import { type Clock, SECOND } from "../clock.ts";
import type { Store } from "../db/store.ts";
import type { Log } from "../log.ts";
import { takeIn } from "./inbox.ts";
import { openJournal } from "./journal.ts";
import { World } from "./world.ts";

export interface LiveWorldOptions {
  store: Store;
  clock: Clock;
  log: Log;
  hostileBelow: number;
  /** The file that remembers what arrived, or null. */
  simulatorJournal: string | null;
}

/**
 * The simulated world in real time: what `CHANNELS=simulator` sends to. Its people answer when their time has come, for
 * as long as the process runs.
 */
export function liveWorld(options: LiveWorldOptions): Channel {
  const { store, clock, log, simulatorJournal } = options;
  const journal = simulatorJournal === null ? null : openJournal(simulatorJournal);
  const world = new World(clock, "live", (delivery) => journal?.note(delivery));
  const timer = setInterval(async () => {
    for (const echo of world.takeEchoes(clock.now())) {
      await store
        .write((tx) => takeIn(tx, echo, options))
        .catch((error) => {
          log.warn("a simulated answer was not taken in", { error });
          world.redeliver(echo);
        });
    }
  }, SECOND);
  timer.unref();
  return {
    async send(envelope, before = Number.POSITIVE_INFINITY) {
      if (performance.now() < before) return world.send(envelope);
      return { kind: "deferred", reason: "the time to send was over", scope: "message" };
    },
    async close() {
      clearInterval(timer);
      journal?.close();
    },
  };
}
