import type { Channel, Envelope, Outcome } from "../channels/channel.ts";
import type { Clock, Instant } from "../clock.ts";
import { seededRandom } from "../random.ts";
import { type Chance, PERSONAS, type Persona, type Reaction } from "./personas.ts";

/** A message that arrived in the simulated world. */
export interface Delivery {
  /** When it set out, as a place in the order of everything that happened. */
  order: number;
  at: Instant;
  messageId: string;
  to: string;
  senderId: string;
}

/** What a simulated person or mail server sends back. */
export interface Echo {
  id: string;
  due: Instant;
  reaction: Reaction;
  envelope: Envelope;
}

/** Mailboxes, phones and people that exist only here. Each person's character and chance follow from the seed and their address. */
export class World implements Channel {
  readonly deliveries: Delivery[] = [];
  readonly #clock: Clock;
  readonly #seed: string;
  readonly #onArrival: (delivery: Delivery) => void;
  readonly #attempts = new Map<string, number>();
  /** How many messages of a conversation a person got, by address. */
  readonly #received = new Map<string, number>();
  /** In the order in which they are due, and of those due at once as they came. */
  readonly #echoes: Echo[] = [];
  #order = 0;
  #echoCount = 0;

  /** `onArrival` hears of each delivery before its sender does. */
  constructor(clock: Clock, seed: string, onArrival: (delivery: Delivery) => void = () => {}) {
    this.#clock = clock;
    this.#seed = seed;
    this.#onArrival = onArrival;
  }

  /** The next place in the order of events: sends take one as they set out, bans and answers as they commit. */
  tick(): number {
    return ++this.#order;
  }

  async send(envelope: Envelope): Promise<Outcome> {
    return this.deliver(envelope, this.tick());
  }

  /** Takes a message that set out at `order`. */
  deliver(envelope: Envelope, order: number): Outcome {
    const person = this.personaOf(envelope.to.address);
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

  personaOf(address: string): Persona {
    let roll = this.#chanceOf(address, "persona").between(0, 1000);
    for (const persona of PERSONAS) {
      roll -= persona.share;
      if (roll < 0) return persona;
    }
    return PERSONAS[0] as Persona;
  }

  /** What has come back by now, oldest first. Each is given out once. */
  takeEchoes(now: Instant): Echo[] {
    return this.#echoes.splice(0, this.#placeOf(now));
  }

  /** Puts an echo back that could not be taken in: providers deliver at least once. */
  redeliver(echo: Echo): void {
    this.#await(echo);
  }

  #await(echo: Echo): void {
    this.#echoes.splice(this.#placeOf(echo.due), 0, echo);
  }

  nextEchoAt(): Instant | null {
    return this.#echoes[0]?.due ?? null;
  }

  /** How many echoes are due by then. */
  #placeOf(moment: Instant): number {
    let [low, high] = [0, this.#echoes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#echoes[middle]?.due ?? moment) <= moment) low = middle + 1;
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
    const reaction = person.react(this.#chanceOf(address, `reaction ${stage}`));
    this.#await({ id: `echo-${++this.#echoCount}`, due: this.#clock.now() + reaction.after, reaction, envelope });
  }

  #chanceOf(address: string, what: string): Chance {
    const random = seededRandom(`${this.#seed} ${address} ${what}`);
    return {
      pick: (choices) => choices[Math.floor(random() * choices.length)] as (typeof choices)[number],
      between: (low, high) => Math.floor(low + random() * (high - low)),
    };
  }
}
