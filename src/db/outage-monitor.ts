import { SECOND } from "../lib/clock.ts";
import { isOutage, isUnavailable, listCauses } from "./errors.ts";
import { callLater, type OnListenerError } from "./listeners.ts";
import { WritesRefused } from "./refusable-store.ts";

/** The database counts as available again when nothing failed for this long: with a full disk reads still succeed. */
const RECOVERY_MS = 3 * SECOND;

/** Errors of an outage that `onAvailabilityChange` has reported. */
const reported = new WeakSet<object>();

/** Returns whether an error belongs to an outage that has been reported: one line in the log is enough for it. */
export function isReportedOutage(error: unknown): boolean {
  return listCauses(error).some((cause) => reported.has(cause));
}

/** Reports whether the database is available, once for each change. It starts as available, which is not reported. */
export class OutageMonitor {
  #isAvailable = true;
  #failedAt = 0;
  #hasEnded = false;

  constructor(
    readonly onChange: (isAvailable: boolean, error?: unknown) => void,
    /** Receives the errors of `onAvailabilityChange`, which never reach the store. */
    readonly onListenerError: OnListenerError = () => {},
  ) {}

  /**
   * Records the result of one use of the database. Errors of the caller (a violated constraint) are ignored. Called where
   * errors are handled, so it never throws, and calls `onAvailabilityChange` only after its own caller has ended.
   */
  record(error?: unknown): void {
    if (this.#hasEnded || listCauses(error).some((cause) => cause instanceof WritesRefused)) return;
    if (error === undefined) {
      if (this.#isAvailable || performance.now() - this.#failedAt < RECOVERY_MS) return;
      this.#isAvailable = true;
      callLater(() => this.onChange(true), this.onListenerError);
    } else if (isUnavailable(error) && (isOutage(error) || !this.#isAvailable)) {
      for (const cause of listCauses(error)) reported.add(cause);
      if (isOutage(error)) this.#failedAt = performance.now();
      if (!this.#isAvailable) return;
      this.#isAvailable = false;
      // The innermost cause: Drizzle's error around it quotes SQL.
      const reason = listCauses(error).at(-1);
      callLater(() => this.onChange(false, reason), this.onListenerError);
    }
  }

  /** Ends reporting: this process itself is about to close the connections. */
  stop(): void {
    this.#hasEnded = true;
  }
}
