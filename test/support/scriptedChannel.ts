import type { Channel, Envelope, Outcome } from "../../src/channels/channel.ts";

type Step = Outcome | Promise<Outcome> | Error;

/** A provider that does as it was told: the outcomes given beforehand, in turn, then it accepts everything. */
export class ScriptedChannel implements Channel {
  /** Everything that set out, in order. */
  readonly sent: Envelope[] = [];
  #script: Step[] = [];

  /** What the next messages meet with. A promise is a provider that takes its time, an error one that breaks. */
  next(...steps: Step[]): void {
    this.#script.push(...steps);
  }

  /** Makes the next message wait; what is called with its outcome lets it go on. */
  holdNext(): (outcome: Outcome) => void {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.next(promise);
    return resolve;
  }

  async send(envelope: Envelope): Promise<Outcome> {
    this.sent.push(envelope);
    const step = this.#script.shift() ?? { kind: "accepted", providerId: `provider-${this.sent.length}` };
    if (step instanceof Error) throw step;
    return step;
  }

  async close(): Promise<void> {}

  /** To whom messages set out, in order. */
  get recipients(): string[] {
    return this.sent.map(({ to }) => to.address);
  }

  forget(): void {
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
