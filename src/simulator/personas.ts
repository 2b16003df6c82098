import { DAY, HOUR, MINUTE } from "../lib/clock.ts";

/** The reaction of a simulated recipient to a message. */
export type Reaction =
  | { kind: "answer"; text: string; after: number }
  | { kind: "auto-reply"; text: string; after: number }
  | { kind: "bounce"; text: string; after: number }
  | { kind: "unsubscribe"; after: number };

/** The response of a simulated mail server to a message. */
type Reception = { kind: "accept" } | { kind: "reject"; reason: string } | { kind: "defer"; reason: string };

export interface Persona {
  name: string;
  /** Recipients of this kind in a thousand. */
  share: number;
  /** The stages that they react to; empty for those who never do. */
  reactsAt: readonly number[];
  reception?: (attempt: number) => Reception;
  /** Returns the reaction, decided by the random numbers of this recipient. */
  react?: (chance: Chance) => Reaction;
}

export interface Chance {
  pick<T>(choices: readonly T[]): T;
  between(low: number, high: number): number;
}

const human = (chance: Chance) => chance.between(4 * MINUTE, 40 * HOUR);

const YES = [
  "Sounds good, can we talk on Thursday?",
  "Interesting! Please send me prices.",
  "Yes please, call me tomorrow after 10.",
  "I can't stop smiling, this is just what we need. Who do I talk to?",
  "We can't cancel the meeting on Tuesday, but Wednesday works.",
];
const NO = [
  "No thanks, we are happy with what we have.",
  "Not interested at the moment, maybe next year.",
  "Wrong person, try our purchasing team.",
];
const STOP = [
  "STOP",
  "stop.",
  "Unsubscribe",
  "UNSUBSCRIBE please",
  "pls take me off your list",
  "Please remove me from your mailing list",
  "Do not contact me again.",
  "opt out",
  "stop emailing me",
  "Cancel",
  "no más mensajes",
  "unsubscribe me from this",
  "Stop\n\nSent from my iPhone",
];
const HOSTILE = [
  "Fuck off you spammer, I will sue you!",
  "You are disgusting scammers. I hate this garbage, go to hell.",
  "This is horrible, stupid, worthless spam. Shame on you, idiots!",
];
const AWAY = [
  "I am out of the office until Monday with no access to e-mail.",
  "Thank you for your message. I am on parental leave; please write to office@example.com.",
  "Ich bin bis zum 12. nicht im Büro.",
];

/** The machine-readable part of a delivery report (RFC 3464). */
const REPORT = [
  "Final-Recipient: rfc822; nobody@example.com",
  "Action: failed",
  "Status: 5.1.1",
  "Diagnostic-Code: smtp; 550 5.1.1 user unknown",
].join("\n");

/** The people of the simulated world. Shares add up to a thousand. */
export const PERSONAS: readonly Persona[] = [
  { name: "silent", share: 560, reactsAt: [] },
  {
    name: "answers the first",
    share: 60,
    reactsAt: [0],
    react: (chance) => ({ kind: "answer", text: chance.pick(YES), after: human(chance) }),
  },
  {
    name: "answers a follow-up",
    share: 90,
    reactsAt: [1, 2],
    react: (chance) => ({ kind: "answer", text: chance.pick(YES), after: human(chance) }),
  },
  {
    name: "declines",
    share: 60,
    reactsAt: [0],
    react: (chance) => ({ kind: "answer", text: chance.pick(NO), after: human(chance) }),
  },
  {
    name: "out of office",
    share: 70,
    reactsAt: [0, 1, 2],
    react: (chance) => ({ kind: "auto-reply", text: chance.pick(AWAY), after: chance.between(1000, 2 * MINUTE) }),
  },
  {
    name: "says stop",
    share: 50,
    reactsAt: [0, 1],
    react: (chance) => ({ kind: "answer", text: chance.pick(STOP), after: human(chance) }),
  },
  {
    name: "clicks unsubscribe",
    share: 25,
    reactsAt: [1],
    react: (chance) => ({ kind: "unsubscribe", after: human(chance) }),
  },
  {
    name: "hostile",
    share: 15,
    reactsAt: [0],
    react: (chance) => ({ kind: "answer", text: chance.pick(HOSTILE), after: human(chance) }),
  },
  {
    name: "unknown to their server",
    share: 30,
    reactsAt: [],
    reception: () => ({ kind: "reject", reason: "550 5.1.1 no such user here" }),
  },
  {
    name: "bounces later",
    share: 20,
    reactsAt: [0],
    react: (chance) => ({
      kind: "bounce",
      text: REPORT,
      after: chance.between(MINUTE, DAY),
    }),
  },
  {
    name: "greylisted",
    share: 20,
    reactsAt: [],
    reception: (attempt) =>
      attempt < 2 ? { kind: "defer", reason: "451 4.7.1 greylisted, try again" } : { kind: "accept" },
  },
];
