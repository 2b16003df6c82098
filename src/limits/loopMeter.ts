/**
 * Measures how long each request keeps the event loop to itself: from when it is admitted until the loop turns to something
 * else, which is seen when another request begins or one ends. Where nothing else happens it takes waiting for work, and
 * then nobody else is kept waiting. Two hooks around each handler would see more, and cost 4 µs a request.
 */
export class LoopMeter {
  readonly #charge: (subject: string, ms: number, now: number) => void;
  #subject: string | null = null;
  #begun = 0;

  constructor(charge: (subject: string, ms: number, now: number) => void) {
    this.#charge = charge;
  }

  /** A request of the subject begins to work. */
  begin(subject: string, now: number): void {
    this.end(now);
    this.#subject = subject;
    this.#begun = now;
  }

  /** Some request has ended. */
  end(now: number): void {
    if (this.#subject === null) return;
    this.#charge(this.#subject, now - this.#begun, now);
    this.#subject = null;
  }
}
