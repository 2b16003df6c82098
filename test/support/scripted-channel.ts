import type { Channel, Envelope, Outcome } from "../../src/channels/channel.ts";

type Step = Outcome | Promise<Outcome> | Error;

/** Channel that returns the outcomes of a script one after the other, and then accepts every message. */
export class ScriptedChannel implements Channel {
  /** Messages sent, in order. */
  readonly sent: Envelope[] = [];
  #script: Step[] = [];

  /** Appends outcomes of the next messages. A promise delays its message, an error is thrown. */
  enqueue(...steps: Step[]): void {
    this.#script.push(...steps);
  }

  /** Suspends the next message; returns a function that resumes it with an outcome. */
  suspendNext(): (outcome: Outcome) => void {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.enqueue(promise);
    return resolve;
  }

  async send(envelope: Envelope): Promise<Outcome> {
    this.sent.push(envelope);
    const step = this.#script.shift() ?? { kind: "accepted", providerId: `provider-${this.sent.length}` };
    if (step instanceof Error) throw step;
    return step;
  }

  async close(): Promise<void> {}

  /** Addresses that messages were sent to, in order. */
  get recipients(): string[] {
    return this.sent.map(({ to }) => to.address);
  }

  reset(): void {
    this.sent.length = 0;
    this.#script = [];
  }
}

export const ACCEPTED = { kind: "accepted", providerId: "provider-1" } satisfies Outcome;
export const REJECTED = { kind: "rejected", reason: "550 5.7.1 no", badAddress: false } satisfies Outcome;
export const NO_SUCH_USER = { kind: "rejected", reason: "550 5.1.1 no such user", badAddress: true } satisfies Outcome;
export const LATER = { kind: "deferred", reason: "451 4.3.0 try again later", scope: "message" } satisfies Outcome;
export const SENDER_DOWN = {
  kind: "deferred",
  reason: "421 4.7.0 too many messages",
  scope: "sender",
} satisfies Outcome;
export const UNKNOWN = { kind: "unknown", reason: "the connection broke after the final dot" } satisfies Outcome;
