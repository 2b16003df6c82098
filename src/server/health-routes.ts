import { Elysia, t } from "elysia";
import { iso } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import type { Deps } from "../modules/deps.ts";
import { getPlatformCounts } from "../modules/messages/counts.ts";

/** Time for a dependency to answer, so that a health check is answered within a second. */
const CHECK_TIMEOUT_MS = 900;

const Health = t.Object({
  status: t.String({ examples: ["OK"] }),
  service: t.String(),
  timestamp: t.String(),
  uptime: t.Number({ description: "Seconds since the process started" }),
  error: t.Optional(t.String()),
});
const RedisHealth = t.Composite([
  Health,
  t.Object({ mode: t.String({ description: "`embedded`: no Redis is configured and none is needed; else `redis`" }) }),
]);
const QueueHealth = t.Composite([
  Health,
  t.Object({
    queueStats: t.Optional(
      t.Object({ waiting: t.Number(), active: t.Number(), completed: t.Number(), failed: t.Number() }),
    ),
  }),
]);

/** Resolves with the result of `check`, or rejects when it takes too long. The error is not published. */
async function withTimeout<T>(check: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AppError("UNAVAILABLE", "no answer in time")), CHECK_TIMEOUT_MS);
  });
  return Promise.race([check, late]).finally(() => clearTimeout(timer));
}

/** Registers the health checks: cheap, public, without details: 200 `OK` or 503 `ERROR`. */
export function healthRoutes({ store, clock, redis }: Deps) {
  const startedAt = performance.now();
  const report = (service: string) => ({
    service,
    status: "OK",
    timestamp: iso(clock.now()),
    uptime: Math.floor((performance.now() - startedAt) / 1000),
  });

  return new Elysia({
    prefix: "/api/health",
    tags: ["Health"],
    detail: { access: "public", security: [], inputLimits: false },
  })
    .get("/", () => report("app"), {
      response: { 200: Health },
      detail: { summary: "Health of the process", description: "Health check endpoint" },
    })
    .get(
      "/database",
      async ({ set }) => {
        try {
          await withTimeout(store.ping());
          return report("database");
        } catch {
          set.status = 503;
          return { ...report("database"), status: "ERROR", error: "The database does not answer" };
        }
      },
      {
        response: { 200: Health, 503: Health },
        detail: { summary: "Health of the database", description: "Database connection health check" },
      },
    )
    .get(
      "/queue",
      async ({ set }) => {
        try {
          const { PENDING, SENDING, UNKNOWN, SENT, CANCELLED, FAILED } = await withTimeout(
            getPlatformCounts(store.read),
          );
          return {
            ...report("queue"),
            queueStats: { waiting: PENDING, active: SENDING + UNKNOWN, completed: SENT + CANCELLED, failed: FAILED },
          };
        } catch {
          set.status = 503;
          return { ...report("queue"), status: "ERROR", error: "The queue's table cannot be read" };
        }
      },
      {
        response: { 200: QueueHealth, 503: QueueHealth },
        detail: {
          summary: "Health of the queue",
          description: "BullMQ queue health check; returns the same counts for both kinds of queue",
        },
      },
    )
    .get(
      "/redis",
      async ({ set }) => {
        const mode = redis === null ? "embedded" : "redis";
        try {
          await withTimeout(redis?.ping() ?? Promise.resolve());
          return { ...report("redis"), mode };
        } catch {
          set.status = 503;
          return { ...report("redis"), mode, status: "ERROR", error: "Redis does not answer" };
        }
      },
      {
        response: { 200: RedisHealth, 503: RedisHealth },
        detail: {
          summary: "Health of Redis",
          description:
            "Redis connection health check. Without Redis the status is OK with mode `embedded`. While Redis is down, follow-ups are sent from the database.",
        },
      },
    );
}
