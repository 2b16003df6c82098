const number = (name: string, fallback: number) => Number(process.env[name] ?? fallback);

/** Size of the run: `FAULT_FOLLOW_UPS=50000` is the full one, of some 15 minutes; CI runs a short one. */
export const FOLLOW_UPS = number("FAULT_FOLLOW_UPS", 2_400);
export const IS_FULL_RUN = FOLLOW_UPS >= 50_000;
export const SEED = process.env.FAULT_SEED ?? String(Math.floor(Math.random() * 1e9));

/** Number of faults of each kind. */
export const FAULT_COUNTS = {
  kill: number("FAULT_KILLS", IS_FULL_RUN ? 100 : 8),
  flush: number("FAULT_FLUSHES", IS_FULL_RUN ? 10 : 2),
  redis: number("FAULT_REDIS_RESTARTS", IS_FULL_RUN ? 10 : 2),
  postgres: number("FAULT_POSTGRES_RESTARTS", IS_FULL_RUN ? 5 : 1),
};

/** Time over which campaigns start. */
export const RUN_SECONDS = number("FAULT_SECONDS", IS_FULL_RUN ? 420 : 30);
/** Delay between two stages, in minutes. */
export const STEP_DELAY_MINUTES = IS_FULL_RUN ? 1 : 0;
/** Time for which a worker is suspended: longer than its lease, which CI shortens. */
export const SUSPEND_SECONDS = IS_FULL_RUN ? 320 : 17;
export const CAMPAIGN_SIZE = IS_FULL_RUN ? 125 : 30;
