import type { Sql } from "postgres";
import { SECOND } from "../clock.ts";

/** Wakes other processes on the same Postgres. What rings may be missed: it says only that looking is worth while. */
export interface Bell {
  ring(): void;
  /** Calls `listener` when another process, or this one, has rung; and whenever a connection may have missed one. */
  onRing(listener: () => void): void;
}

const CHANNEL = "reprise_wake";
/** A commit that notifies waits for all others that do, so many rings are one. */
const PAUSE = 50;
const RETRY = SECOND;

/** SQLite has one process, which wakes itself. */
export const NO_BELL: Bell = { ring() {}, onRing() {} };

/** Through LISTEN and NOTIFY, which reach the processes on this database and no others. */
export function postgresBell(client: Sql): Bell {
  let timer: ReturnType<typeof setTimeout> | null = null;
  return {
    ring() {
      timer ??= setTimeout(() => {
        timer = null;
        // While Postgres is away there is nothing to be woken for; when it is back, everybody looks.
        void client.notify(CHANNEL, "").catch(() => {});
      }, PAUSE);
      timer.unref();
    },
    onRing(listener) {
      const listen = () => {
        // Once it listens it goes on by itself; until then the database may be away.
        client.listen(CHANNEL, listener, listener).catch(() => setTimeout(listen, RETRY).unref());
      };
      listen();
    },
  };
}
