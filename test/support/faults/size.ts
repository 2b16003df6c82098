const number = (name: string, fallback: number) => Number(process.env[name] ?? fallback);

/** How large the run is: `FAULT_FOLLOW_UPS=50000` is the whole one, and less is what CI can wait for. */
export const FOLLOW_UPS = number("FAULT_FOLLOW_UPS", 2_400);
export const WHOLE = FOLLOW_UPS >= 50_000;
export const SEED = process.env.FAULT_SEED ?? String(Math.floor(Math.random() * 1e9));

/** How often what happens. */
export const TIMES = {
  kill: number("FAULT_KILLS", WHOLE ? 100 : 8),
  flush: number("FAULT_FLUSHES", WHOLE ? 10 : 2),
  redis: number("FAULT_REDIS_RESTARTS", WHOLE ? 10 : 2),
  postgres: number("FAULT_POSTGRES_RESTARTS", WHOLE ? 5 : 1),
};

/** Seconds over which campaigns start. */
export const SECONDS = number("FAULT_SECONDS", WHOLE ? 420 : 30);
/** Minutes from one stage to the next. */
export const DELAY = WHOLE ? 1 : 0;
/** Seconds for which a worker is stopped: longer than its lease, which CI shortens. */
export const STOPPED = WHOLE ? 320 : 17;
export const CAMPAIGN_SIZE = WHOLE ? 125 : 30;
