import type { Arrival } from "./journal.ts";

/** Something that happened to the installation. */
export interface Fault {
  kind: string;
  /** Epoch milliseconds; `until` is when all parts worked again. */
  at: number;
  until: number;
}

export interface Delay {
  times: number;
  /** Messages that fell due between a fault of this kind and two seconds after all worked again, or the next fault. */
  due: number;
  /** Milliseconds between when they were due and when they arrived. */
  lateness: { p50: number; p99: number; max: number };
  /** The longest time in which nothing arrived, milliseconds, of those that began in that time. */
  longestGap: number;
}

/** How long after everything works again a fault may still be felt. Milliseconds. */
const ECHO = 2_000;

/** What each kind of fault added, beside "none": the time before the first one. */
export function delaysOf(
  faults: readonly Fault[],
  took: readonly Arrival[],
  dueAt: ReadonlyMap<string, number>,
): Record<string, Delay> {
  const ordered = took.toSorted((a, b) => a.at - b.at);
  const begin = ordered[0]?.at ?? 0;
  const spans = faults
    .map(({ kind, at, until }) => ({ kind, at, until: until + ECHO }))
    .concat({ kind: "none", at: begin, until: faults[0]?.at ?? begin });
  const delays: Record<string, Delay> = {};
  for (const kind of new Set(spans.map((span) => span.kind))) {
    const own = spans.filter((span) => span.kind === kind);
    const isIn = (at: number) => own.some((span) => at >= span.at && at < span.until);
    const lateness = ordered
      .map(({ messageId, at }) => ({ due: dueAt.get(messageId) ?? at, at }))
      .filter(({ due }) => isIn(due))
      .map(({ due, at }) => at - due)
      .sort((a, b) => a - b);
    const part = (share: number) => lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))] ?? 0;
    const gaps = ordered
      .slice(1)
      .map(({ at }, n) => ({ from: ordered[n]?.at ?? at, length: at - (ordered[n]?.at ?? at) }));
    delays[kind] = {
      times: own.length,
      due: lateness.length,
      lateness: { p50: part(0.5), p99: part(0.99), max: part(1) },
      longestGap: gaps.filter(({ from }) => isIn(from)).reduce((most, { length }) => Math.max(most, length), 0),
    };
  }
  return delays;
}
