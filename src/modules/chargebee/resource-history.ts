import type { Instant } from "../../lib/clock.ts";

// Events arrive late, twice and in any order, so no event is applied as a change. Each resource has a history that does not
// depend on the order of events: its newest state, and at which versions it was on (an invoice paid, a credit note valid) or
// off.

/** The state of a resource in one event. */
export interface Observation<State> {
  /** `resource_version`, which grows with every change. */
  version: number;
  on: boolean;
  /** Time when the resource entered this state. */
  at: Instant;
  state: State;
}

/** The state of a resource according to all events so far. Stored as JSON. */
export interface ResourceHistory<State> {
  version: number;
  newest: State;
  /** The first state in which it was on. */
  first: { version: number; state: State } | null;
  seen: { version: number; on: boolean; at: Instant }[];
}

/** Merges an observation into a history. Returns the same object when its version is known already. */
export function mergeObservation<State>(
  history: ResourceHistory<State> | null,
  observation: Observation<State>,
): ResourceHistory<State> {
  const { version, on, at, state } = observation;
  const first = { version, state };
  if (history === null) return { version, newest: state, first: on ? first : null, seen: [{ version, on, at }] };
  if (history.seen.some((known) => known.version === version)) return history;
  return {
    version: Math.max(history.version, version),
    newest: version > history.version ? state : history.newest,
    first: on && (history.first === null || version < history.first.version) ? first : history.first,
    seen: [...history.seen, { version, on, at }].sort((a, b) => a.version - b.version),
  };
}

/** Counts how often the resource went on, and lists when it went off again. More observations never make either fewer. */
export function paymentCycles({ seen }: Pick<ResourceHistory<unknown>, "seen">): { on: number; off: Instant[] } {
  let on = 0;
  const off: Instant[] = [];
  for (const state of seen) {
    if (state.on && on === off.length) on++;
    else if (!state.on && on > off.length) off.push(state.at);
  }
  return { on, off };
}
