import type { Arrival } from "./journal.ts";

/** AppError that was injected into the installation. */
export interface InjectedFault {
  kind: string;
  /** Start in epoch milliseconds; `until` is when all parts worked again. */
  at: number;
  until: number;
}

export interface Delay {
  times: number;
  /** Number of messages that fell due between a fault of this kind and `RECOVERY_MS` after its end. */
  due: number;
  /** Milliseconds between due time and arrival. */
  lateness: { p50: number; p99: number; max: number };
  /** Longest time without an arrival that began in that span, in milliseconds. */
  longestGap: number;
}

/** Time after the end of a fault in which delays are still attributed to it. */
const RECOVERY_MS = 2_000;

/** Returns the delays of each kind of fault, and of "none": the time before the first. */
export function measureDelays(
  faults: readonly InjectedFault[],
  took: readonly Arrival[],
  dueAt: ReadonlyMap<string, number>,
): Record<string, Delay> {
  const ordered = took.toSorted((a, b) => a.at - b.at);
  const begin = ordered[0]?.at ?? 0;
  const spans = faults
    .map(({ kind, at, until }) => ({ kind, at, until: until + RECOVERY_MS }))
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
