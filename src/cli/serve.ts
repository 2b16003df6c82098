import { resolve } from "node:path";
import { Elysia } from "elysia";
import { createApp } from "../app.ts";
import { reconcile } from "../chargebee/reconcile.ts";
import { workOffEvents } from "../chargebee/work.ts";
import { SECOND } from "../clock.ts";
import type { Config } from "../config.ts";
import { noteLowBalances } from "../credits/forecast.ts";
import { dialect } from "../db/dialect.ts";
import { removeUnused } from "../files/unused.ts";
import { forgetAnswers } from "../http/idempotency.ts";
import { openClaim } from "../identity/claim.ts";
import { readdressImages } from "../identity/profile/profile.ts";
import { removeEndedSessions } from "../identity/users.ts";
import { resumeImports } from "../imports/importer.ts";
import type { Log } from "../log.ts";
import { openRuntime, type Runtime } from "../runtime.ts";

/** How long messages on their way may take to come back when the process is asked to stop. */
const GRACE = 10 * SECOND;
/** The largest request: a contact file. Everything else is bounded at its route. */
const LARGEST_REQUEST = 1_100_000_000;

export interface Service {
  url: string;
  runtime: Runtime;
  stop(): Promise<void>;
}

/** Opens everything, listens, and starts to deliver. */
export async function startService(config: Config, log: Log): Promise<Service> {
  const runtime = await openRuntime(config, log);
  const app = createApp(runtime.deps, runtime.identity);
  app.listen({ port: config.port, hostname: config.host, maxRequestBodySize: LARGEST_REQUEST });
  // Whoever asks first gets an answer first: what was left behind may take a moment to look through.
  await new Promise((resolve) => setImmediate(resolve));
  await runtime.startDelivery();
  const periodic = await startPeriodic(runtime, log);
  const imports = new AbortController();
  void resumeImports(runtime.deps, { signal: imports.signal });
  void lookAfterImages(runtime, log);
  // What a dead process heard of and did not get to.
  void workOff(runtime, log);

  const port = app.server?.port ?? config.port;
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host;
  let stopping: Promise<void> | null = null;
  return {
    runtime,
    url: `http://${host}:${port}`,
    stop() {
      stopping ??= (async () => {
        imports.abort();
        periodic.stop();
        // Requests that are being answered get their answer; new ones are refused.
        await Promise.race([app.stop(), Bun.sleep(GRACE)]);
        await runtime.close(GRACE);
      })();
      return stopping;
    },
  };
}

/** Images follow a PUBLIC_URL that has changed; and a bucket that cannot be used is told of before anybody needs it. */
async function lookAfterImages({ deps: { config, store, files } }: Runtime, log: Log): Promise<void> {
  await store
    .write((tx) => readdressImages(tx, config.publicUrl))
    .catch((error) => log.error("images not readdressed", { error }));
  if (config.s3 === null) return;
  await files.get("profile-images/none.png").catch(({ cause }) => log.warn("the bucket cannot be used", { cause }));
}

/** Works on what Chargebee told; what fails stays in its table for the next time. */
async function workOff({ deps }: Pick<Runtime, "deps">, log: Log): Promise<void> {
  await workOffEvents(deps).catch((error) => log.error("events of Chargebee left alone", { error }));
}

/** What is done now and then. It ticks as soon as it exists, so it is made when everything it needs is there. */
async function startPeriodic({ engine, deps }: Runtime, log: Log): Promise<{ stop(): void }> {
  const { cron } = await import("@elysiajs/cron");
  const sweep = async () => {
    await engine.sweep().catch((error) => log.error("sweep failed", { error }));
    await workOff({ deps }, log);
    deps.wake();
  };
  const warn = async () => {
    const fallen = await deps.store.write(noteLowBalances).catch((error) => {
      log.error("forecast failed", { error });
      return [];
    });
    for (const { brandId, forecast } of fallen) log.warn("credits run low", { brandId, ...forecast });
  };
  const bill = async () => {
    if (deps.config.chargebee.site === null) return;
    await reconcile(deps, {}).catch((error) => log.error("Chargebee was not asked to the end", { error }));
    await workOff({ deps }, log);
  };
  const tidy = async () => {
    for (const job of [removeEndedSessions, forgetAnswers])
      await deps.store.write(job).catch((error) => log.error("tidying failed", { error }));
    await removeUnused(deps, deps.clock.now()).catch((error) => log.error("tidying failed", { error }));
  };
  const jobs = new Elysia()
    .use(cron({ name: "sweep", pattern: "*/15 * * * * *", protect: true, run: sweep }))
    .use(cron({ name: "warn", pattern: "0 */5 * * * *", protect: true, run: warn }))
    .use(cron({ name: "tidy", pattern: "0 3 * * *", run: tidy }))
    .use(cron({ name: "reconcile", pattern: "40 2 * * *", protect: true, run: bill })).store.cron;
  return {
    stop() {
      for (const job of Object.values(jobs)) job.stop();
    },
  };
}

/** Resolves when the process is asked to stop. */
export function untilAskedToStop(): Promise<void> {
  return new Promise((stop) => {
    process.once("SIGTERM", () => stop());
    process.once("SIGINT", () => stop());
  });
}

/** `reprise serve`: says where everything is, and serves until SIGTERM. */
export async function serve(config: Config, log: Log): Promise<number> {
  // A mistake in one request must not end the others. What matters is in the database, and safe there.
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));
  process.on("uncaughtException", (error) => log.error("uncaught exception", { error }));
  const service = await startService(config, log);
  const { url } = service;
  const claim = await openClaim(service.runtime.deps.store);
  console.log(`Reprise listens on   ${url}`);
  console.log(`Swagger UI           ${url}/swagger`);
  console.log(`Data                 ${dialect === "postgres" ? "Postgres (DATABASE_URL)" : resolve(config.dataDir)}`);
  if (config.s3 !== null) console.log(`Images               S3, bucket ${config.s3.bucket}`);
  if (config.redisUrl !== null) console.log("Queue                Redis (REDIS_URL)");
  if (config.channels === "simulator") console.log("Channels             simulator: nothing leaves this machine");
  if (claim) console.log(`\nNo admin yet. Open this link once to become it:\n  ${url}/api/auth/claim?token=${claim}\n`);
  await untilAskedToStop();
  log.info("stopping");
  await service.stop();
  log.info("stopped");
  return 0;
}
