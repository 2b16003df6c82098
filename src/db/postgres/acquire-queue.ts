import { SECOND } from "../../lib/clock.ts";
import { databaseError } from "./connect-socket.ts";

/** Longest wait of a caller for a free slot while all connections are in use or none can be opened. */
export const ACQUIRE_TIMEOUT_MS = 5 * SECOND;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** Limits how many callers use a connection at the same time. The others wait, first come, first served. */
export class AcquireQueue {
  readonly #waiters = new Set<Waiter>();
  #acquired = 0;
  #isClosed = false;

  constructor(private readonly size: number) {}

  /**
   * Resolves when the caller owns a slot, which it must `release`.
   * @throws POOL_EXHAUSTED after ACQUIRE_TIMEOUT_MS, CONNECTION_ENDED once the queue is closed
   */
  acquire(): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError());
    if (this.#acquired < this.size) {
      this.#acquired++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        action();
      };
      const waiter: Waiter = { resolve: () => settle(resolve), reject: (error) => settle(() => reject(error)) };
      const timer = setTimeout(
        () => waiter.reject(databaseError("POOL_EXHAUSTED", "no connection to the database is free")),
        ACQUIRE_TIMEOUT_MS,
      );
      this.#waiters.add(waiter);
    });
  }

  /** Passes the slot to the caller that waits longest, if any. */
  release(): void {
    const [next] = this.#waiters;
    if (next) next.resolve();
    else this.#acquired--;
  }

  /** Rejects all callers that wait, and every later one. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) waiter.reject(closedError());
  }
}

const closedError = () => databaseError("CONNECTION_ENDED", "the database is closed");
