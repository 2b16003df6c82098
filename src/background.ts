import { Fault } from "./fault.ts";

/**
 * Work that goes on without a request waiting for it: imports being read, periodic jobs. Kept track of, so that a stop can
 * end it between two steps, wait for the step under way, and say what it interrupted.
 */
export class BackgroundWork {
  readonly #stopping = new AbortController();
  readonly #running = new Map<Promise<void>, string>();

  /** Aborted when the process is asked to stop. Its reason is what a request is answered that is ended by it. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Starts `work`, which must not reject; `name` says what kind of work it is. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = work(this.signal).finally(() => this.#running.delete(running));
    this.#running.set(running, name);
    return running;
  }

  /** Counts the work of this name that has not ended. */
  count(name: string): number {
    return [...this.#running.values()].filter((running) => running === name).length;
  }

  /** Asks all of it to end after its present step. */
  stop(): void {
    this.#stopping.abort(new Fault("UNAVAILABLE", "The service is stopping; try again", { retryAfterSeconds: 1 }));
  }

  /** Resolves when all of it has ended. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.keys());
  }
}
