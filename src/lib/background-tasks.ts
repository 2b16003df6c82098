import { AppError } from "./errors.ts";

/**
 * Tracks work that no request waits for, such as imports and scheduled jobs, so that a stop can end it between two steps,
 * wait for the step in progress, and report what it interrupted.
 */
export class BackgroundTasks {
  readonly #stopping = new AbortController();
  readonly #running = new Map<Promise<void>, string>();

  /** Aborted when the process is asked to stop. Its reason is the error for requests that are ended by it. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Starts `work`, which must not reject, under the name of its kind. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const running = work(this.signal).finally(() => this.#running.delete(running));
    this.#running.set(running, name);
    return running;
  }

  /** Counts the unfinished work of this name. */
  count(name: string): number {
    return [...this.#running.values()].filter((running) => running === name).length;
  }

  /** Asks all work to end after its current step. */
  stop(): void {
    this.#stopping.abort(new AppError("UNAVAILABLE", "The service is stopping; try again", { retryAfterSeconds: 1 }));
  }

  /** Resolves when all work has ended. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.keys());
  }
}
