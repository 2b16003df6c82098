const number = (name: string, fallback: number) => Number(process.env[name] ?? fallback);

/** Size of the run: `FAULT_FOLLOW_UPS=50000` is the full one, of some 15 minutes; CI runs a short one. */
export const FOLLOW_UPS = number("FAULT_FOLLOW_UPS", 2_400);
export const WHOLE = FOLLOW_UPS >= 50_000;
export const SEED = process.env.FAULT_SEED ?? String(Math.floor(Math.random() * 1e9));

/** Number of faults of each kind. */
export const TIMES = {
  kill: number("FAULT_KILLS", WHOLE ? 100 : 8),
  flush: number("FAULT_FLUSHES", WHOLE ? 10 : 2),
  redis: number("FAULT_REDIS_RESTARTS", WHOLE ? 10 : 2),
  postgres: number("FAULT_POSTGRES_RESTARTS", WHOLE ? 5 : 1),
};

/** Time over which campaigns start. */
export const SECONDS = number("FAULT_SECONDS", WHOLE ? 420 : 30);
/** Delay between two stages, in minutes. */
export const DELAY = WHOLE ? 1 : 0;
/** Time for which a worker is suspended: longer than its lease, which CI shortens. */
export const STOPPED = WHOLE ? 320 : 17;
export const CAMPAIGN_SIZE = WHOLE ? 125 : 30;
