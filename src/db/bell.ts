import { setTimeout as sleep } from "node:timers/promises";
import { SECOND } from "../clock.ts";
import type { Connection, Open } from "./connection.ts";
import { callLater, type OnListenerError } from "./listeners.ts";
import type { Pool } from "./pool.ts";

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
/** How often the listening connection is asked whether it lives. Milliseconds. */
const PULSE = 5 * SECOND;

/** SQLite has one process, which wakes itself. */
export const NO_BELL: Bell = { ring() {}, onRing() {} };

/** Through LISTEN and NOTIFY, which reach the processes on this database and no others. `close` ends the listening. */
export function postgresBell(
  { use }: Pick<Pool, "use">,
  open: Open,
  onListenerError: OnListenerError,
): Bell & { close(): void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let listening: Connection | null = null;
  let closed = false;

  /** Listens on a connection of its own, as long as that lives. */
  async function listen(listener: () => void): Promise<void> {
    const connection = await open(listener);
    listening = connection;
    try {
      await connection.run(`listen ${CHANNEL}`);
      // What was rung before, nobody heard.
      listener();
      while (connection.isOpen && !closed) {
        await sleep(PULSE, null, { ref: false });
        // Else nobody would notice that nothing comes through any more.
        const late = setTimeout(connection.cut, PULSE);
        await connection.run("select 1").finally(() => clearTimeout(late));
      }
    } finally {
      connection.cut();
    }
  }

  return {
    ring() {
      timer ??= setTimeout(() => {
        timer = null;
        // While Postgres is away there is nothing to be woken for; when it is back, everybody looks.
        void use((connection) => connection.run(`notify ${CHANNEL}`)).catch(() => {});
      }, PAUSE);
      timer.unref();
    },
    onRing(listener) {
      // Called by the driver while it reads from the connection, which a throw would break.
      const hear = () => callLater(listener, onListenerError);
      void (async () => {
        while (!closed) {
          await listen(hear).catch(() => {});
          await sleep(RETRY, null, { ref: false });
        }
      })();
    },
    close() {
      closed = true;
      listening?.cut();
    },
  };
}
