import { Elysia } from "elysia";
import { reconcile } from "../chargebee/reconcile.ts";
import { workOffEvents } from "../chargebee/work.ts";
import { HOUR, MINUTE, SECOND } from "../clock.ts";
import { noteLowBalances } from "../credits/forecast.ts";
import { removeUnused } from "../files/unused.ts";
import { forgetAnswers } from "../http/idempotency.ts";
import { removeExpiredAccounts } from "../identity/accounts.ts";
import { purgeKnownClients } from "../identity/knownClients.ts";
import { purgeSignInCounters } from "../identity/signInThrottle.ts";
import { removeEndedSessions } from "../identity/users.ts";
import { removeOldLinks } from "../identity/verification.ts";
import { takeTurn } from "../installation.ts";
import { removeOldInvitations } from "../invitations/invitations.ts";
import { purgeCounts } from "../limits/tokens.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { Anchoring } from "./anchoring.ts";

/** Works on what Chargebee told; what fails stays in its table for the next time. */
export async function workOff({ deps }: Pick<Runtime, "deps">, log: Log): Promise<void> {
  await workOffEvents(deps).catch((error) => log.error("events of Chargebee left alone", { error }));
}

/**
 * What is done now and then. Schedulers tick at the same moments, and one of them does the work. It ticks as soon as it
 * exists, so it is made when everything it needs is there.
 */
export async function startPeriodic({ engine, deps }: Runtime, log: Log): Promise<{ stop(): void }> {
  const { cron } = await import("@elysiajs/cron");
  const { store, clock, config, background } = deps;

  /** One entry of the timetable: `span` is a little less than what lies between two ticks. */
  const job = (name: string, pattern: string, span: number, work: () => Promise<void>) =>
    cron({
      name,
      pattern,
      protect: true,
      run: () =>
        background.run("periodic", async () => {
          try {
            if (await store.write((tx) => takeTurn(tx, name, span))) await work();
          } catch (error) {
            log.error(`${name} failed`, { error });
          }
        }),
    });

  const anchoring = config.ledgerAnchor === null ? null : new Anchoring(config.ledgerAnchor, deps);
  const anchor = async () => {
    await anchoring?.write().catch((error) => log.error("ledger.anchor_failed", { error }));
  };
  void background.run("anchor", anchor);

  const jobs = new Elysia()
    .use(job("anchor", "0 7 * * * *", 50 * MINUTE, anchor))
    .use(
      job("sweep", "*/15 * * * * *", 10 * SECOND, async () => {
        await engine.sweep().catch((error) => log.error("sweep failed", { error }));
        await workOff({ deps }, log);
        deps.wake();
      }),
    )
    .use(
      job("forecast", "0 */5 * * * *", 4 * MINUTE, async () => {
        const fallen = await store.write(noteLowBalances);
        for (const { brandId, forecast } of fallen) log.warn("credits run low", { brandId, ...forecast });
      }),
    )
    .use(
      job("purge sign-in counters", "30 */10 * * * *", 9 * MINUTE, async () => {
        await store.write(purgeSignInCounters);
      }),
    )
    .use(
      job("tidy", "0 3 * * *", HOUR, async () => {
        for (const tidying of [
          removeEndedSessions,
          purgeKnownClients,
          forgetAnswers,
          purgeCounts,
          removeExpiredAccounts,
          removeOldLinks,
          removeOldInvitations,
        ])
          await store.write(tidying).catch((error) => log.error("tidying failed", { error }));
        await removeUnused(deps, clock.now());
      }),
    )
    .use(
      job("reconcile", "40 2 * * *", HOUR, async () => {
        if (config.chargebee.site === null) return;
        await reconcile(deps, {}).catch((error) => log.error("Chargebee was not asked to the end", { error }));
        await workOff({ deps }, log);
      }),
    ).store.cron;
  return {
    stop() {
      for (const job of Object.values(jobs)) job.stop();
    },
  };
}
