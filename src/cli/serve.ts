import { resolve } from "node:path";
import { createApp } from "../app.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { dialect } from "../db/dialect.ts";
import { createProbes } from "../health/probe-routes.ts";
import { RequestDrain } from "../http/requestDrain.ts";
import { openClaim } from "../identity/claim.ts";
import { readdressImages } from "../identity/profile/profile.ts";
import { resumeImports } from "../imports/importer.ts";
import type { Log } from "../log.ts";
import { ALL_ROLES, type Roles } from "../roles.ts";
import { openRuntime, type Runtime } from "../runtime.ts";
import { startPeriodic, workOff } from "./periodic.ts";
import { stopWithin } from "./stop.ts";
import { unlessAskedToStop, whenThere } from "./whenThere.ts";

/** The largest request: a contact file. Everything else is bounded at its route. */
const LARGEST_REQUEST = 1_100_000_000;

export interface Service {
  url: string;
  runtime: Runtime;
  stop(): Promise<void>;
}

/** Opens everything, listens, and starts what its roles are. Whatever these are, it answers how it is. */
export async function startService(config: Config, log: Log, roles: Roles = ALL_ROLES): Promise<Service> {
  const runtime = await whenThere(config, (waiting) => openRuntime(config, log, systemClock, waiting));
  const drain = new RequestDrain();
  const app = roles.has("api") ? createApp(runtime.deps, runtime.identity, drain) : createProbes(runtime.deps, drain);
  app.listen({ port: config.port, hostname: config.host, maxRequestBodySize: LARGEST_REQUEST });
  // Whoever asks first gets an answer first: what was left behind may take a moment to look through.
  await new Promise((resolve) => setImmediate(resolve));
  await runtime.startDelivery(roles);
  const periodic = roles.has("scheduler") ? await startPeriodic(runtime, log) : null;
  const { background } = runtime.deps;
  if (roles.has("api")) void background.run("resume", () => resumeImports(runtime.deps));
  if (roles.has("api")) void background.run("images", () => lookAfterImages(runtime, log));
  // What a dead process heard of and did not get to.
  if (roles.has("scheduler")) void background.run("chargebee", () => workOff(runtime, log));

  const port = app.server?.port ?? config.port;
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host;
  let stopping: Promise<void> | null = null;
  return {
    runtime,
    url: `http://${host}:${port}`,
    stop() {
      stopping ??= (async () => {
        periodic?.stop();
        await stopWithin({
          runtime,
          log,
          answering: () => drain.answering(app.server),
          drainRequests: async (deadline) => (app.server ? drain.drain(app.server, deadline) : 0),
        });
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

/** Says what is insecure in the settings, for people and for whatever collects logs. */
function tellInsecureSettings({ deps: { security } }: Runtime, log: Log): void {
  for (const finding of security.list()) {
    log.warn("security.insecure_setting", { ...finding });
    const label = `Insecure (${finding.severity})`.padEnd(20);
    console.log(`${label} ${finding.message}. ${finding.remedy}.`);
  }
}

/** Returns PUBLIC_URL, or where the service listens when none was set (and PORT may have been 0). */
function outsideUrl({ publicUrl, port }: Config, listening: string): string {
  return publicUrl === `http://localhost:${port}` ? listening : publicUrl;
}

/** Resolves when the process is asked to stop. */
/** Resolves when the process is asked to stop. To be asked again changes nothing: a terminal and npm both pass Ctrl-C on. */
export function untilAskedToStop(): Promise<void> {
  return new Promise((stop) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop());
  });
}

/** `reprise serve`: says where everything is, and serves until SIGTERM. */
export async function serve(config: Config, log: Log, roles: Roles = ALL_ROLES): Promise<number> {
  // A mistake in one request must not end the others. What matters is in the database, and safe there.
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));
  process.on("uncaughtException", (error) => log.error("uncaught exception", { error }));
  // From here on: a signal that comes while what a crash left is looked through must not end the process by itself.
  const asked = untilAskedToStop();
  const service = await startService(config, log, roles).catch(unlessAskedToStop);
  if (service === null) return 0;
  const { url } = service;
  const claim = roles.has("api") ? await openClaim(service.runtime.deps.store) : null;
  console.log(`Reprise listens on   ${url}`);
  if (roles.has("api")) console.log(`Swagger UI           ${url}/swagger`);
  if (roles.size < ALL_ROLES.size) console.log(`Roles                ${[...roles].join(", ")}`);
  console.log(`Data                 ${dialect === "postgres" ? "Postgres (DATABASE_URL)" : resolve(config.dataDir)}`);
  if (config.s3 !== null) console.log(`Images               S3, bucket ${config.s3.bucket}`);
  if (config.redisUrl !== null) console.log("Queue                Redis (REDIS_URL)");
  if (config.channels === "simulator") console.log("Channels             simulator: nothing leaves this machine");
  tellInsecureSettings(service.runtime, log);
  if (claim) {
    const link = `${outsideUrl(config, url)}/api/auth/claim#token=${claim}`;
    console.log(`\nNo admin yet. Open this link once, within 24 hours, to become it:\n  ${link}\n`);
  }
  await asked;
  await service.stop();
  return 0;
}
