import { AppError } from "../../lib/errors.ts";

interface Queue {
  taken: number;
  waiting: (() => void)[];
}

interface ConcurrencyOptions {
  /** Requests of one subject that may wait. */
  mostWaiting: number;
  /** Names the bounded work in the message of a rejection. */
  noun: string;
}

/** Bounds the concurrent work of one subject; some more requests wait, the rest is rejected. */
export class ConcurrencyLimiter {
  readonly #queues = new Map<string, Queue>();
  readonly #options: ConcurrencyOptions;

  constructor(options: ConcurrencyOptions) {
    this.#options = options;
  }

  /** Resolves with a release function once a slot is free. @throws AppError RATE_LIMITED when too many wait already */
  async take(subject: string, atOnce: number): Promise<() => void> {
    const queue = this.#queues.get(subject) ?? { taken: 0, waiting: [] };
    this.#queues.set(subject, queue);
    if (queue.taken < atOnce && queue.waiting.length === 0) queue.taken++;
    else await this.#wait(queue, atOnce);
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#release(subject, queue);
    };
  }

  #wait({ waiting }: Queue, atOnce: number): Promise<void> {
    const { mostWaiting, noun } = this.#options;
    if (waiting.length >= mostWaiting) {
      const message = `Too many ${noun} at once: ${atOnce} run at the same time, and ${mostWaiting} more are waiting; try again in 2 seconds`;
      throw new AppError("RATE_LIMITED", message, { retryAfterSeconds: 2 });
    }
    return new Promise((start) => waiting.push(start));
  }

  #release(subject: string, queue: Queue): void {
    const next = queue.waiting.shift();
    // The waiting request runs after the requests of others that have arrived meanwhile.
    if (next) setImmediate(next);
    else if (--queue.taken === 0) this.#queues.delete(subject);
  }
}
