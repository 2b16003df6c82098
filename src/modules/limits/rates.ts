import { dialect } from "../../db/dialect.ts";
import type { Store } from "../../db/store.ts";
import type { Clock, Instant } from "../../lib/clock.ts";
import { type Rate, type Taken, TokenBuckets } from "./bucket.ts";
import { LIMIT_NAMES, type LimitName } from "./names.ts";
import { leaseTokens } from "./tokens.ts";

/** Takes tokens for requests: synchronously from memory, or after a statement of the database. */
export interface Rates {
  /** Takes a token. `id`: of a user or a brand; the two are never equal. */
  take(id: string, name: LimitName, rate: Rate): Taken | Promise<Taken>;
}

/** Creates the rates of this process: in memory where it is the only one (SQLite), by leases where there may be more (Postgres). */
export function openRates(store: Store, clock: Clock): Rates {
  return dialect === "sqlite" ? localRates(clock) : leasedRates(store, clock);
}

const eachLimit = <T>(make: () => T) =>
  Object.fromEntries(LIMIT_NAMES.map((name) => [name, make()])) as Record<LimitName, T>;

function localRates(clock: Clock): Rates {
  const byName = eachLimit(() => new TokenBuckets());
  return { take: (id, name, rate) => byName[name].take(id, rate, clock.now()) };
}

/** Leases in a quota: a twentieth of it costs one statement, and is the most by which a process can exceed a limit. */
const LEASES_PER_QUOTA = 20;
const MAX_HOLDINGS = 50_000;

interface Holding {
  tokens: number;
  /** Tokens in the shared bucket at the last lease, at `at`. */
  left: number;
  at: Instant;
  /** The shared bucket was empty: no lease is tried before this time. */
  emptyUntil: Instant;
  leasing: Promise<void> | null;
}

/**
 * Counts in the database for any number of processes without a write for each request: a process leases a part of the quota
 * and spends it alone. Together they never exceed the limit by more than one lease for each.
 */
export function leasedRates(store: Store, clock: Clock): Rates {
  const byName = eachLimit(() => new Map<string, Holding>());

  function getHolding(id: string, name: LimitName): Holding {
    const holdings = byName[name];
    const known = holdings.get(id);
    if (known) return known;
    const fresh = { tokens: 0, left: 0, at: 0, emptyUntil: 0, leasing: null };
    // Deleting one loses its leased tokens and clears no debt: that is in the database.
    if (holdings.size >= MAX_HOLDINGS) for (const oldest of holdings.keys().take(1)) holdings.delete(oldest);
    holdings.set(id, fresh);
    return fresh;
  }

  async function lease(holding: Holding, subject: string, name: LimitName, rate: Rate): Promise<void> {
    const tokens = Math.max(1, Math.floor(rate.quota / LEASES_PER_QUOTA));
    const answer = await store.write((tx) => leaseTokens(tx, subject, name, rate, tokens));
    const now = clock.now();
    holding.left = answer.left;
    holding.at = now;
    if (answer.granted) holding.tokens += tokens;
    else holding.emptyUntil = now + answer.waitMs;
  }

  function spend(holding: Holding, rate: Rate): Taken {
    holding.tokens--;
    return toTaken(holding, rate, 0);
  }

  function toTaken(holding: Holding, { quota, windowMs }: Rate, waitMs: number): Taken {
    const now = clock.now();
    const flowed = Math.max(0, now - holding.at) * (quota / windowMs);
    // At least the token that was just taken is missing.
    const left = Math.min(quota - 1, Math.floor(holding.tokens + holding.left + flowed));
    return { waitMs, remaining: left, fullInMs: Math.ceil(((quota - left) * windowMs) / quota) };
  }

  async function takeLeased(subject: string, name: LimitName, rate: Rate, holding: Holding): Promise<Taken> {
    for (;;) {
      if (holding.tokens >= 1) return spend(holding, rate);
      const waitMs = holding.emptyUntil - clock.now();
      if (waitMs > 0) return toTaken(holding, rate, Math.min(waitMs, rate.windowMs));
      holding.leasing ??= lease(holding, subject, name, rate).finally(() => {
        holding.leasing = null;
      });
      await holding.leasing;
    }
  }

  return {
    take(id, name, rate) {
      const holding = getHolding(id, name);
      if (holding.tokens >= 1) return spend(holding, rate);
      return takeLeased(id, name, rate, holding);
    },
  };
}
