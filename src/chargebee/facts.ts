import type { Instant } from "../clock.ts";

// Events come late, twice and in any order, so nothing is concluded from one as it passes. What is kept of each resource
// is a sum that does not depend on the order of its parts: its newest state, and at which version it was on (an invoice
// paid, a credit note in force) or off.

/** A state of a resource, as one event showed it. */
export interface Sight<State> {
  /** `resource_version`: it grows with every change. */
  version: number;
  on: boolean;
  /** When it took this state. */
  at: Instant;
  state: State;
}

export interface Facts<State> {
  version: number;
  newest: State;
  /** The first state in which it was on. */
  first: { version: number; state: State } | null;
  seen: { version: number; on: boolean; at: Instant }[];
}

/** The facts with one more sight; the very same when it tells nothing new. */
export function withSight<State>(facts: Facts<State> | null, sight: Sight<State>): Facts<State> {
  const { version, on, at, state } = sight;
  const first = { version, state };
  if (facts === null) return { version, newest: state, first: on ? first : null, seen: [{ version, on, at }] };
  if (facts.seen.some((known) => known.version === version)) return facts;
  return {
    version: Math.max(facts.version, version),
    newest: version > facts.version ? state : facts.newest,
    first: on && (facts.first === null || version < facts.first.version) ? first : facts.first,
    seen: [...facts.seen, { version, on, at }].sort((a, b) => a.version - b.version),
  };
}

/** How often it went on, and when it went off again. One more sight never makes either fewer. */
export function turnsOf({ seen }: Pick<Facts<unknown>, "seen">): { on: number; off: Instant[] } {
  let on = 0;
  const off: Instant[] = [];
  for (const turn of seen) {
    if (turn.on && on === off.length) on++;
    else if (!turn.on && on > off.length) off.push(turn.at);
  }
  return { on, off };
}
