/**
 * Shares the event loop between tenants. Work whose size a tenant decides (checking templates, previews, searches, imports)
 * is cut into slices of a few milliseconds. One slice runs between two polls of the network, whoever asks and however often,
 * and owners who wait are served in turn: what one brand queues delays its own work, and every other request by one slice.
 */
export class TimeSlices {
  /** Those who wait, by owner; an owner who was served goes to the end. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;
  readonly #nextPoll: (run: () => void) => void;

  constructor(nextPoll: (run: () => void) => void = (run) => setImmediate(run)) {
    this.#nextPoll = nextPoll;
  }

  /** Resolves when the owner (a brand's id, or what else stands for one tenant) may run one slice. Await it before each. */
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

/** The one event loop of this process. */
export const timeSlices = new TimeSlices();
