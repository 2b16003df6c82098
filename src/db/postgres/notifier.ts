import { setTimeout as sleep } from "node:timers/promises";
import { SECOND } from "../../lib/clock.ts";
import { callLater, type OnListenerError } from "../listeners.ts";
import type { Notifier } from "../notifier.ts";
import type { Connection, OpenConnection } from "./connection.ts";
import type { Pool } from "./pool.ts";

const CHANNEL = "reprise_wake";
/** Collects notifications for this long: a commit that notifies waits for all other commits that do. */
const NOTIFY_DELAY_MS = 50;
const RECONNECT_DELAY_MS = SECOND;
/** Interval between two health checks of the listening connection, and how long it may take to answer one. */
const HEALTH_CHECK_MS = 5 * SECOND;

/** Notifies the processes on this database, and no others, through LISTEN and NOTIFY. `close` stops listening. */
export function createPostgresNotifier(
  { use }: Pick<Pool, "use">,
  open: OpenConnection,
  onListenerError: OnListenerError,
): Notifier & { close(): void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let listening: Connection | null = null;
  let closed = false;

  /** Listens on a connection of its own until that connection ends. */
  async function listen(listener: () => void): Promise<void> {
    const connection = await open(listener);
    listening = connection;
    try {
      await connection.run(`listen ${CHANNEL}`);
      // Notifications sent before this were missed.
      listener();
      while (connection.isOpen && !closed) {
        await sleep(HEALTH_CHECK_MS, null, { ref: false });
        // A dead connection that only listens reports no error by itself.
        const timeout = setTimeout(connection.destroy, HEALTH_CHECK_MS);
        await connection.run("select 1").finally(() => clearTimeout(timeout));
      }
    } finally {
      connection.destroy();
    }
  }

  return {
    notify() {
      timer ??= setTimeout(() => {
        timer = null;
        // While Postgres is unavailable there is no work to wake for; listeners are called when they reconnect.
        void use((connection) => connection.run(`notify ${CHANNEL}`)).catch(() => {});
      }, NOTIFY_DELAY_MS);
      timer.unref();
    },
    subscribe(listener) {
      // The driver calls it while it reads from the connection: an exception there would break the connection.
      const safeListener = () => callLater(listener, onListenerError);
      void (async () => {
        while (!closed) {
          await listen(safeListener).catch(() => {});
          await sleep(RECONNECT_DELAY_MS, null, { ref: false });
        }
      })();
    },
    close() {
      closed = true;
      listening?.destroy();
    },
  };
}
