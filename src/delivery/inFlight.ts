/** The messages on their way from this process, by sender. What is claimed but waits for a connection would outlive its claim. */
export class InFlight {
  readonly #bySender = new Map<string, number>();
  readonly #sending = new Set<Promise<void>>();

  constructor(
    /** At most as many in all, and from one sender. */
    readonly most: number,
    readonly mostOfSender: number,
  ) {}

  get size(): number {
    return this.#sending.size;
  }

  get room(): number {
    return this.most - this.size;
  }

  /** Resolves when the next one has come back; never while none is on its way. */
  next(): Promise<void> {
    return Promise.race(this.#sending);
  }

  /** Counts a message until `sending` resolves. */
  add(senderId: string, sending: Promise<void>): void {
    this.#bySender.set(senderId, this.of(senderId) + 1);
    const counted = sending.then(() => {
      this.#sending.delete(counted);
      const left = this.of(senderId) - 1;
      if (left > 0) this.#bySender.set(senderId, left);
      else this.#bySender.delete(senderId);
    });
    this.#sending.add(counted);
  }

  of(senderId: string): number {
    return this.#bySender.get(senderId) ?? 0;
  }

  /** The senders that have no room for one more. */
  busy(): string[] {
    return [...this.#bySender].filter(([, count]) => count >= this.mostOfSender).map(([id]) => id);
  }
}
