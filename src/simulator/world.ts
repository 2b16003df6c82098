import type { Channel, Envelope, Outcome } from "../channels/channel.ts";
import type { Clock, Instant } from "../lib/clock.ts";
import { seededRandom } from "../lib/random.ts";
import { type Chance, PERSONAS, type Persona, type Reaction } from "./personas.ts";

/** Records a message that a simulated recipient received. */
export interface Delivery {
  /** The position of the start of its sending in the order of all events. */
  order: number;
  at: Instant;
  messageId: string;
  to: string;
  senderId: string;
}

/** A reply of a simulated recipient or mail server that is due later. */
export interface ScheduledReply {
  id: string;
  due: Instant;
  reaction: Reaction;
  envelope: Envelope;
}

/** Simulates recipients. The persona and the random numbers of each are a function of the seed and the address. */
export class World implements Channel {
  readonly deliveries: Delivery[] = [];
  readonly #clock: Clock;
  readonly #seed: string;
  readonly #onArrival: (delivery: Delivery) => void;
  readonly #attempts = new Map<string, number>();
  /** Number of messages received, by address. */
  readonly #received = new Map<string, number>();
  /** Sorted by due time, then by arrival. */
  readonly #replies: ScheduledReply[] = [];
  #order = 0;
  #replyCount = 0;

  /** `onArrival` is called with each delivery before its sender gets the outcome. */
  constructor(clock: Clock, seed: string, onArrival: (delivery: Delivery) => void = () => {}) {
    this.#clock = clock;
    this.#seed = seed;
    this.#onArrival = onArrival;
  }

  /** Returns the next position in the order of events: sends take one at their start, bans and replies at their commit. */
  tick(): number {
    return ++this.#order;
  }

  async send(envelope: Envelope): Promise<Outcome> {
    return this.deliver(envelope, this.tick());
  }

  /** Receives a message whose sending began at `order`. */
  deliver(envelope: Envelope, order: number): Outcome {
    const person = this.getPersona(envelope.to.address);
    const attempt = (this.#attempts.get(envelope.messageId) ?? 0) + 1;
    this.#attempts.set(envelope.messageId, attempt);
    const reception = person.reception?.(attempt) ?? { kind: "accept" };
    if (reception.kind === "reject") return { kind: "rejected", reason: reception.reason, badAddress: true };
    if (reception.kind === "defer") return { kind: "deferred", reason: reception.reason, scope: "message" };

    const delivery = {
      order,
      at: this.#clock.now(),
      messageId: envelope.messageId,
      to: envelope.to.address,
      senderId: envelope.sender.id,
    };
    this.#onArrival(delivery);
    this.deliveries.push(delivery);
    this.#react(person, envelope);
    return { kind: "accepted", providerId: `simulated-${envelope.messageId}` };
  }

  getPersona(address: string): Persona {
    let roll = this.#getChance(address, "persona").between(0, 1000);
    for (const persona of PERSONAS) {
      roll -= persona.share;
      if (roll < 0) return persona;
    }
    return PERSONAS[0] as Persona;
  }

  /** Returns the replies that are due, oldest first, and removes them. */
  takeDueReplies(now: Instant): ScheduledReply[] {
    return this.#replies.splice(0, this.#countDue(now));
  }

  /** Returns a reply that could not be recorded to the queue: providers deliver at least once. */
  redeliver(reply: ScheduledReply): void {
    this.#insert(reply);
  }

  #insert(reply: ScheduledReply): void {
    this.#replies.splice(this.#countDue(reply.due), 0, reply);
  }

  nextReplyAt(): Instant | null {
    return this.#replies[0]?.due ?? null;
  }

  /** Counts the replies that are due at a time. */
  #countDue(time: Instant): number {
    let [low, high] = [0, this.#replies.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#replies[middle]?.due ?? time) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async close(): Promise<void> {}

  #react(person: Persona, envelope: Envelope): void {
    const address = envelope.to.address;
    const stage = this.#received.get(address) ?? 0;
    this.#received.set(address, stage + 1);
    if (!person.react || !person.reactsAt.includes(stage)) return;
    const reaction = person.react(this.#getChance(address, `reaction ${stage}`));
    this.#insert({ id: `reply-${++this.#replyCount}`, due: this.#clock.now() + reaction.after, reaction, envelope });
  }

  #getChance(address: string, what: string): Chance {
    const random = seededRandom(`${this.#seed} ${address} ${what}`);
    return {
      pick: (choices) => choices[Math.floor(random() * choices.length)] as (typeof choices)[number],
      between: (low, high) => Math.floor(low + random() * (high - low)),
    };
  }
}
