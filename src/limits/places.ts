import { Fault } from "../fault.ts";

/** Requests of one subject that may wait for a place. */
const MOST_WAITING = 8;

interface Queue {
  taken: number;
  waiting: (() => void)[];
}

/** Bounds how many costly requests of one subject are worked on at the same time; a few more wait, the rest are refused. */
export class Places {
  readonly #queues = new Map<string, Queue>();

  /** Resolves, with what gives the place back, when there is one. @throws AppError RATE_LIMITED when too many wait already */
  async take(subject: string, atOnce: number): Promise<() => void> {
    const queue = this.#queues.get(subject) ?? { taken: 0, waiting: [] };
    this.#queues.set(subject, queue);
    if (queue.taken < atOnce && queue.waiting.length === 0) queue.taken++;
    else await wait(queue, atOnce);
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#giveBack(subject, queue);
    };
  }

  #giveBack(subject: string, queue: Queue): void {
    const next = queue.waiting.shift();
    // The place goes to whoever waited, behind the requests of others that have come meanwhile.
    if (next) setImmediate(next);
    else if (--queue.taken === 0) this.#queues.delete(subject);
  }
}

function wait(queue: Queue, atOnce: number): Promise<void> {
  if (queue.waiting.length >= MOST_WAITING) {
    const message = `Too many costly requests at once: the limit costlyAtOnce is ${atOnce}, and ${MOST_WAITING} more are waiting; try again in 2 seconds`;
    throw new Fault("RATE_LIMITED", message, { retryAfterSeconds: 2 });
  }
  return new Promise((start) => queue.waiting.push(start));
}
