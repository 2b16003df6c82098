import type { Channel } from "../channels/channel.ts";
import type { Store } from "../db/store.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import { recordReply } from "./inbox.ts";
import { openJournal } from "./journal.ts";
import { World } from "./world.ts";

export interface SimulatorChannelOptions {
  store: Store;
  clock: Clock;
  log: Log;
  hostileBelow: number;
  /** The file to which deliveries are appended, or null. */
  simulatorJournal: string | null;
}

/**
 * Opens the channel of `CHANNELS=simulator`: simulated recipients in real time, who reply for as long as the process
 * runs.
 */
export function openSimulatorChannel(options: SimulatorChannelOptions): Channel {
  const { store, clock, log, simulatorJournal } = options;
  const journal = simulatorJournal === null ? null : openJournal(simulatorJournal);
  const world = new World(clock, "live", (delivery) => journal?.append(delivery));
  const timer = setInterval(async () => {
    for (const reply of world.takeDueReplies(clock.now())) {
      await store
        .write((tx) => recordReply(tx, reply, options))
        .catch((error) => {
          log.warn("simulator.reply_failed", { error });
          world.redeliver(reply);
        });
    }
  }, SECOND);
  timer.unref();
  return {
    async send(envelope, before = Number.POSITIVE_INFINITY) {
      if (performance.now() < before) return world.send(envelope);
      return { kind: "deferred", reason: "the deadline for sending has passed", scope: "message" };
    },
    async close() {
      clearInterval(timer);
      journal?.close();
    },
  };
}
