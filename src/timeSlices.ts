/**
 * Shares the event loop between tenants. Work whose size a tenant decides (template checks, previews, searches, imports) is
 * cut into slices of a few milliseconds. One slice runs between two polls of the network, and the owners that wait are
 * served in turn: what one brand queues delays its own work, and every other request by one slice.
 */
export class TimeSlices {
  /** Waiting slices by owner; an owner that was served goes to the end. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;
  readonly #nextPoll: (run: () => void) => void;

  constructor(nextPoll: (run: () => void) => void = (run) => setImmediate(run)) {
    this.#nextPoll = nextPoll;
  }

  /** Resolves when the owner (the id of a brand, or of a user without one) may run one slice. Await it before each slice. */
  next(owner: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(owner);
      if (queue) queue.push(resolve);
      else this.#waiting.set(owner, [resolve]);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#nextPoll(() => this.#serve());
  }

  #serve(): void {
    this.#isScheduled = false;
    for (const [owner, queue] of this.#waiting) {
      this.#waiting.delete(owner);
      queue.shift()?.();
      if (queue.length > 0) this.#waiting.set(owner, queue);
      break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}

/** The slices of the event loop of this process. */
export const timeSlices = new TimeSlices();
