import type { Capacity } from "./due-messages.ts";

/**
 * The messages in flight from this process, by mailbox. A claimed message that waits for a connection would outlive its
 * claim.
 */
export class InFlight {
  readonly #bySender = new Map<string, number>();
  readonly #sending = new Set<Promise<void>>();

  constructor(
    readonly maxTotal: number,
    readonly maxPerSender: number,
  ) {}

  get size(): number {
    return this.#sending.size;
  }

  /** Resolves when the next one is done; never while none is in flight. */
  next(): Promise<void> {
    return Promise.race(this.#sending);
  }

  /** Counts a message until `sending` resolves. */
  add(senderId: string, sending: Promise<void>): void {
    this.#bySender.set(senderId, this.#count(senderId) + 1);
    const counted = sending.then(() => {
      this.#sending.delete(counted);
      const left = this.#count(senderId) - 1;
      if (left > 0) this.#bySender.set(senderId, left);
      else this.#bySender.delete(senderId);
    });
    this.#sending.add(counted);
  }

  /** Returns the number of messages that may be started now, at most `limit`. */
  capacity(limit: number): Capacity {
    return {
      total: Math.min(limit, this.maxTotal - this.size),
      left: (senderId) => this.maxPerSender - this.#count(senderId),
      busySenders: [...this.#bySender].filter(([, count]) => count >= this.maxPerSender).map(([id]) => id),
    };
  }

  #count(senderId: string): number {
    return this.#bySender.get(senderId) ?? 0;
  }
}
