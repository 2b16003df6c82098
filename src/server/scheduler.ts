import { Elysia } from "elysia";
import { tryAcquireLease } from "../db/installation.ts";
import { purgeIdempotencyKeys } from "../http/middleware/idempotency.ts";
import { HOUR, MINUTE, SECOND } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import { processDueEvents } from "../modules/chargebee/event-worker.ts";
import { reconcile } from "../modules/chargebee/reconcile.ts";
import { updateLowBalances } from "../modules/credits/forecast.ts";
import { deleteExpiredAccounts } from "../modules/identity/accounts.ts";
import { purgeKnownClients } from "../modules/identity/known-clients.ts";
import { purgeSignInCounters } from "../modules/identity/sign-in-throttle.ts";
import { deleteEndedSessions } from "../modules/identity/users.ts";
import { deleteExpiredLinks } from "../modules/identity/verification.ts";
import { deleteOldInvitations } from "../modules/invitations/invitations.ts";
import { purgeCounts } from "../modules/limits/tokens.ts";
import { deleteUnusedFiles } from "../modules/stored-files/unused-files.ts";
import { Anchoring } from "./ledger-anchoring.ts";
import type { Runtime } from "./runtime.ts";

/** Processes the Chargebee events that wait in their table. A failed event stays there for the next time. */
export async function processChargebeeEvents({ deps }: Pick<Runtime, "deps">, log: Log): Promise<void> {
  await processDueEvents(deps).catch((error) => log.error("chargebee.events_failed", { error }));
}

interface ScheduledJob {
  name: string;
  /** A cron pattern with seconds, in UTC. */
  pattern: string;
  /** The lease: a little less than the time between two ticks. */
  leaseMs: number;
  work(): Promise<void>;
}

/** Deletes rows past their retention. Each step has a transaction of its own, and a failed one does not stop the others. */
async function deleteExpired({ deps }: Runtime, log: Log): Promise<void> {
  const steps = [
    deleteEndedSessions,
    purgeKnownClients,
    purgeIdempotencyKeys,
    purgeCounts,
    deleteExpiredAccounts,
    deleteExpiredLinks,
    deleteOldInvitations,
  ];
  for (const step of steps)
    await deps.store.write(step).catch((error) => log.error("scheduler.retention_failed", { step: step.name, error }));
  await deleteUnusedFiles(deps, deps.clock.now());
}

function listJobs(runtime: Runtime, anchor: () => Promise<void>, log: Log): ScheduledJob[] {
  const { engine, deps } = runtime;
  const { store, config } = deps;
  return [
    { name: "anchor", pattern: "0 7 * * * *", leaseMs: 50 * MINUTE, work: anchor },
    {
      name: "sweep",
      pattern: "*/15 * * * * *",
      leaseMs: 10 * SECOND,
      async work() {
        await engine.sweep().catch((error) => log.error("delivery.sweep_failed", { error }));
        await processChargebeeEvents(runtime, log);
        deps.wake();
      },
    },
    {
      name: "forecast",
      pattern: "0 */5 * * * *",
      leaseMs: 4 * MINUTE,
      async work() {
        const lowBalances = await store.write(updateLowBalances);
        for (const { brandId, forecast } of lowBalances) log.warn("credits.balance_low", { brandId, ...forecast });
      },
    },
    {
      name: "purge sign-in counters",
      pattern: "30 */10 * * * *",
      leaseMs: 9 * MINUTE,
      work: () => store.write(purgeSignInCounters).then(() => {}),
    },
    { name: "tidy", pattern: "0 3 * * *", leaseMs: HOUR, work: () => deleteExpired(runtime, log) },
    {
      name: "reconcile",
      pattern: "40 2 * * *",
      leaseMs: HOUR,
      async work() {
        if (config.chargebee.site === null) return;
        await reconcile(deps, {}).catch((error) => log.error("chargebee.reconcile_failed", { error }));
        await processChargebeeEvents(runtime, log);
      },
    },
  ];
}

/**
 * Runs the scheduled jobs. All schedulers tick at the same times, and the one that acquires the lease does the work. Cron
 * ticks as soon as it exists, so this is called when everything that the jobs need is open.
 */
export async function startScheduler(runtime: Runtime, log: Log): Promise<{ stop(): void }> {
  const { cron } = await import("@elysiajs/cron");
  const { store, background } = runtime.deps;
  const { ledgerAnchor } = runtime.config;
  const anchoring = ledgerAnchor === null ? null : new Anchoring(ledgerAnchor, runtime.deps);
  const anchor = async () => {
    await anchoring?.write().catch((error) => log.error("ledger.anchor_failed", { error }));
  };
  void background.run("anchor", anchor);

  const app = new Elysia();
  for (const { name, pattern, leaseMs, work } of listJobs(runtime, anchor, log)) {
    const run = () =>
      background.run("periodic", async () => {
        try {
          if (await store.write((tx) => tryAcquireLease(tx, name, leaseMs))) await work();
        } catch (error) {
          log.error("scheduler.job_failed", { job: name, error });
        }
      });
    app.use(cron({ name, pattern, protect: true, run }));
  }
  const jobs = app.store as { cron: Record<string, { stop(): void }> };
  return {
    stop() {
      for (const job of Object.values(jobs.cron)) job.stop();
    },
  };
}
