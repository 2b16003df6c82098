/** Ratio of the pause after a slice to its length, while requests of other owners are in progress. */
const PAUSE_PER_SLICE = 4;
/** Longest such pause. */
const MAX_PAUSE_MS = 25;
/** Interval of the checks during a pause whether the requests of other owners have ended. */
const RECHECK_MS = 2;

/**
 * Shares the event loop between tenants. Work whose size a tenant decides (template checks, previews, searches, imports) is
 * cut into slices of a few milliseconds. One slice runs between two polls of the network, and the owners that wait are
 * served round-robin: the queue of one brand delays its own work, and every other request by one slice. A request to Postgres
 * returns to the event loop for each statement and would meet a slice each time: while requests of others are in progress,
 * slices get a fifth of the time.
 */
export class TimeSlices {
  /** Waiting slices by owner; an owner that was served goes to the end. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;
  /** Time before which no slice runs while requests of other owners are in progress. */
  #pausedUntil = 0;
  #othersRun: (owner: string) => boolean = () => false;
  readonly #nextPoll: (run: () => void) => void;

  constructor(nextPoll: (run: () => void) => void = (run) => setImmediate(run)) {
    this.#nextPoll = nextPoll;
  }

  /** Sets the function that returns whether requests of others than an owner are in progress. */
  setOthersRun(othersRun: (owner: string) => boolean): void {
    this.#othersRun = othersRun;
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
    const began = performance.now();
    for (const [owner, queue] of this.#waiting) {
      if (began < this.#pausedUntil && this.#othersRun(owner)) {
        this.#isScheduled = true;
        setTimeout(() => this.#serve(), Math.min(this.#pausedUntil - began, RECHECK_MS));
        return;
      }
      this.#waiting.delete(owner);
      queue.shift()?.();
      if (queue.length > 0) this.#waiting.set(owner, queue);
      // The resolved slice runs before this.
      setImmediate(() => this.pauseFor(performance.now() - began));
      break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }

  /** Counts work that took longer than the slice it began in, such as a transaction, towards the pause after it. */
  pauseFor(sliceMs: number): void {
    this.#pausedUntil = performance.now() + Math.min(PAUSE_PER_SLICE * sliceMs, MAX_PAUSE_MS);
  }
}

/** The slices of the event loop of this process. */
export const timeSlices = new TimeSlices();
