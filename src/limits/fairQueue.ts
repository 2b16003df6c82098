import { Fault } from "../fault.ts";

interface Waiting {
  start(): void;
}

/**
 * Runs work for many, a few at a time, and serves those who wait in turn by key, however much each of them has brought: one
 * tenant's small picture waits behind one large one of another tenant, not behind forty.
 */
export class FairQueue {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #queues = new Map<string, Waiting[]>();
  #running = 0;

  /** `mostWaiting`: what one key may have waiting; more is refused. */
  constructor(options: { atOnce: number; mostWaiting?: number }) {
    this.#atOnce = options.atOnce;
    this.#mostWaiting = options.mostWaiting ?? Number.POSITIVE_INFINITY;
  }

  /** Runs `work` when it is its turn. @throws AppError RATE_LIMITED when too much of this key waits, and whatever `work` throws */
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
      throw new Fault(
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

  /** Starts the first of the key that has waited longest for its turn; the key goes behind all others. */
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
