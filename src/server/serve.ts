import { resolve } from "node:path";
import { dialect } from "../db/dialect.ts";
import { RequestDrain } from "../http/middleware/request-drain.ts";
import { systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import { createBootstrapToken } from "../modules/identity/bootstrap-admin.ts";
import { updateImageAddresses } from "../modules/identity/profile/profile.ts";
import { resumeImports } from "../modules/imports/importer.ts";
import { createApp } from "./app.ts";
import type { Config } from "./config/config.ts";
import { createProbes } from "./probe-routes.ts";
import { ALL_ROLES, type Roles } from "./roles.ts";
import { openRuntime, type Runtime } from "./runtime.ts";
import { processChargebeeEvents, startScheduler } from "./scheduler.ts";
import { stopWithin } from "./shutdown.ts";
import { nullIfStopped, waitForDatabase } from "./wait-for-database.ts";

/** Bytes of the largest request, a contact file. Every route has a limit of its own. */
const MAX_REQUEST_BYTES = 1_100_000_000;

export interface Service {
  url: string;
  runtime: Runtime;
  stop(): Promise<void>;
}

/** Opens everything, listens, and starts the work of its roles. Health checks are answered with any role. */
export async function startService(config: Config, log: Log, roles: Roles = ALL_ROLES): Promise<Service> {
  const runtime = await waitForDatabase(config, (waiting) => openRuntime(config, log, systemClock, waiting));
  const drain = new RequestDrain();
  const app = roles.has("api") ? createApp(runtime.deps, runtime.identity, drain) : createProbes(runtime.deps, drain);
  app.listen({ port: config.port, hostname: config.host, maxRequestBodySize: MAX_REQUEST_BYTES });
  // Requests that wait are answered before the work that a dead process left is examined, which may take seconds.
  await new Promise((resolve) => setImmediate(resolve));
  await runtime.startDelivery(roles);
  const scheduler = roles.has("scheduler") ? await startScheduler(runtime, log) : null;
  const { background } = runtime.deps;
  if (roles.has("api")) void background.run("resume", () => resumeImports(runtime.deps));
  if (roles.has("api")) void background.run("images", () => checkImages(runtime, log));
  // Events that a dead process stored and did not process.
  if (roles.has("scheduler")) void background.run("chargebee", () => processChargebeeEvents(runtime, log));

  const port = app.server?.port ?? config.port;
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host;
  let stopping: Promise<void> | null = null;
  return {
    runtime,
    url: `http://${host}:${port}`,
    stop() {
      stopping ??= (async () => {
        scheduler?.stop();
        await stopWithin({
          runtime,
          log,
          countRequests: () => drain.answering(app.server),
          drainRequests: async (deadline) => (app.server ? drain.drain(app.server, deadline) : 0),
        });
      })();
      return stopping;
    },
  };
}

/** Updates the URLs of images after a change of PUBLIC_URL, and logs a bucket that cannot be used before it is needed. */
async function checkImages({ config, deps: { store, files } }: Runtime, log: Log): Promise<void> {
  await store
    .write((tx) => updateImageAddresses(tx, config.publicUrl))
    .catch((error) => log.error("images.url_update_failed", { error }));
  if (config.s3 === null) return;
  await files.get("profile-images/none.png").catch(({ cause }) => log.warn("images.bucket_unusable", { cause }));
}

/** Prints and logs the insecure settings. */
function reportInsecureSettings({ deps: { security } }: Runtime, log: Log): void {
  for (const finding of security.list()) {
    log.warn("security.insecure_setting", { ...finding });
    const label = `Insecure (${finding.severity})`.padEnd(20);
    console.log(`${label} ${finding.message}. ${finding.remedy}.`);
  }
}

/** Returns PUBLIC_URL, or the address that the service listens on when none was set (and PORT may have been 0). */
function publicAddress({ publicUrl, port }: Config, listening: string): string {
  return publicUrl === `http://localhost:${port}` ? listening : publicUrl;
}

/** Resolves at the first SIGTERM or SIGINT. Further signals change nothing: a terminal and npm both pass Ctrl-C on. */
export function untilStopSignal(): Promise<void> {
  return new Promise((stop) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop());
  });
}

/** Runs `reprise serve`: prints the addresses and settings, and serves until SIGTERM. */
export async function serve(config: Config, log: Log, roles: Roles = ALL_ROLES): Promise<number> {
  // A defect in one request must not end the others. The state is in the database.
  process.on("unhandledRejection", (error) => log.error("process.unhandled_rejection", { error }));
  process.on("uncaughtException", (error) => log.error("process.uncaught_exception", { error }));
  // Installed before the start, so that a signal during the rescue of claims after a crash does not end the process by itself.
  const stopSignal = untilStopSignal();
  const service = await startService(config, log, roles).catch(nullIfStopped);
  if (service === null) return 0;
  const { url } = service;
  const token = roles.has("api") ? await createBootstrapToken(service.runtime.deps.store) : null;
  console.log(`Reprise listens on   ${url}`);
  if (roles.has("api")) console.log(`Swagger UI           ${url}/swagger`);
  if (roles.size < ALL_ROLES.size) console.log(`Roles                ${[...roles].join(", ")}`);
  console.log(`Data                 ${dialect === "postgres" ? "Postgres (DATABASE_URL)" : resolve(config.dataDir)}`);
  if (config.s3 !== null) console.log(`Images               S3, bucket ${config.s3.bucket}`);
  if (config.redisUrl !== null) console.log("Queue                Redis (REDIS_URL)");
  if (config.channels === "simulator") console.log("Channels             simulator: nothing leaves this machine");
  reportInsecureSettings(service.runtime, log);
  if (token) {
    const link = `${publicAddress(config, url)}/api/auth/claim#token=${token}`;
    console.log(`\nThere is no admin yet. Open this link within 24 hours to create one:\n  ${link}\n`);
  }
  await stopSignal;
  await service.stop();
  return 0;
}
