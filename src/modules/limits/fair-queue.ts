import { AppError } from "../../lib/errors.ts";

interface Waiting {
  start(): void;
}

/**
 * Runs a few pieces of work at a time, and serves waiting keys round-robin, independent of how much work each has: one
 * tenant's small picture waits for one large one of another tenant, not for forty.
 */
export class FairQueue {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #queues = new Map<string, Waiting[]>();
  #running = 0;

  /** Creates a queue. `mostWaiting`: work of one key that may wait; more is rejected. */
  constructor(options: { atOnce: number; mostWaiting?: number }) {
    this.#atOnce = options.atOnce;
    this.#mostWaiting = options.mostWaiting ?? Number.POSITIVE_INFINITY;
  }

  /** Runs `work` once a slot is free. @throws AppError RATE_LIMITED when too much work of this key waits, and the errors of `work` */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce && this.#queues.size === 0) this.#running++;
    else await this.#wait(key);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #wait(key: string): Promise<void> {
    const queue = this.#queues.get(key) ?? [];
    if (queue.length >= this.#mostWaiting) {
      throw new AppError(
        "RATE_LIMITED",
        `Too many at once: ${queue.length} of yours are waiting; try again in 5 seconds`,
        {
          retryAfterSeconds: 5,
        },
      );
    }
    return new Promise((start) => {
      queue.push({ start });
      this.#queues.set(key, queue);
    });
  }

  /** Starts the first work of the key that was served longest ago; the key goes to the end. */
  #next(): void {
    for (const [key, queue] of this.#queues) {
      const first = queue.shift();
      this.#queues.delete(key);
      if (queue.length > 0) this.#queues.set(key, queue);
      if (!first) continue;
      this.#running++;
      first.start();
      return;
    }
  }
}
