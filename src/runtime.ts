import { join } from "node:path";
import { BackgroundWork } from "./background.ts";
import { lateSmtp } from "./channels/lateSmtp.ts";
import { openSystemMail } from "./channels/systemMail.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { indexOlderContacts } from "./contacts/reindex.ts";
import { checkDataFolder } from "./dataFolder.ts";
import { dialect } from "./db/dialect.ts";
import { lockDataDir } from "./db/lock.ts";
import { openStore } from "./db/open.ts";
import { refusable } from "./db/refusable.ts";
import { startBullmq } from "./delivery/bullmq.ts";
import { drainWithin } from "./delivery/drain.ts";
import type { Driver } from "./delivery/driver.ts";
import { startEmbedded } from "./delivery/embedded.ts";
import { createEngine, type Engine } from "./delivery/engine.ts";
import type { Deps } from "./deps.ts";
import { openFiles } from "./files/open.ts";
import { createIdentity, type Identity } from "./identity/identity.ts";
import { proveKey } from "./installation.ts";
import type { Log } from "./log.ts";
import { expectNotMoving } from "./moving/mark.ts";
import { systemRandom } from "./random.ts";
import type { Roles } from "./roles.ts";
import { ledgerKey, masterKey, openVault, signer } from "./secrets.ts";
import { SecurityFindings } from "./security/findings.ts";
import { findInsecureSettings } from "./security/settings.ts";

/** Messages on their way at once, in all and from one mailbox (as many as it has connections). */
const CONCURRENCY = 400;
const SENDER_CONCURRENCY = 4;

/** A Reprise that is open: its database, its engine and what its routes are given. Nothing sends before `startDelivery`. */
export interface Runtime {
  deps: Deps;
  identity: Identity;
  engine: Engine;
  /** A worker recovers what a dead process left, then sends what is due from now on; others see to it that workers are woken. */
  startDelivery(roles: Roles): Promise<void>;
  /** Claims nothing more, and lets what is on its way come back and be settled for at most `within` milliseconds. */
  drain(within: number): Promise<void>;
  /** From now on requests and background work commit nothing; the engine still settles. */
  refuseWrites(): void;
  /** Ends the connections that messages leave by, and settles what is known by that for at most `within` milliseconds. */
  breakOffSends(within: number): Promise<void>;
  /** Closes everything. */
  close(): Promise<void>;
}

/** For a start that may come before that of Postgres. */
export interface Waiting {
  /** Ends the waiting. */
  signal: AbortSignal;
  /** Called when there is something to wait for. Does nothing once the start is over, and never throws. */
  begin(): void;
}

export async function openRuntime(
  config: Config,
  log: Log,
  clock: Clock = systemClock,
  waiting?: Waiting,
): Promise<Runtime> {
  const folder = checkDataFolder(config.dataDir, dialect === "sqlite" || config.secret === null);
  const { repaired } = folder;
  if (repaired.length > 0)
    log.warn("data_folder.repaired", {
      folder: config.dataDir,
      entries: repaired.length,
      first: repaired.slice(0, 10),
    });
  const unlock = dialect === "sqlite" ? lockDataDir(config.dataDir) : () => {};
  const key = masterKey(config.secret, config.dataDir);
  const store = await openStore({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    poolSize: config.databasePool,
    ledgerKey: ledgerKey(key),
    clock,
    waiting: waiting?.signal,
    onChange(works, error) {
      if (works) log.info("database works");
      else log.warn("database does not work: requests are refused, and what is due waits", { reason: error });
      if (!works) waiting?.begin();
    },
    onListenerError: (error) => log.error("database.listener_failed", { error }),
  });
  const post = { vault: openVault(key), signer: signer(key), publicUrl: config.publicUrl };
  try {
    await expectNotMoving(store.read);
    await store.write((tx) => proveKey(tx, post.signer));
    await indexOlderContacts(store);
  } catch (error) {
    await store.close();
    unlock();
    throw error;
  }
  const smtp = lateSmtp({
    allowPrivateHosts: config.allowPrivateSmtp,
    privateNetworks: config.privateSmtpNetworks,
    poolPerSender: SENDER_CONCURRENCY,
    gmail: config.gmail,
  });
  const channel = config.channels === "simulator" ? await simulatorChannel({ ...config, store, clock, log }) : smtp;
  const engine = createEngine({
    ...post,
    store,
    channel,
    random: systemRandom,
    log,
    concurrency: CONCURRENCY,
    senderConcurrency: SENDER_CONCURRENCY,
  });
  const { redisUrl } = config;
  let driver: Driver | null = null;

  const ofRequests = refusable(store);
  const deps: Deps = {
    ...post,
    config,
    store: ofRequests,
    background: new BackgroundWork(),
    clock,
    log,
    channel,
    files: openFiles(config.s3, join(config.dataDir, "files")),
    random: systemRandom,
    sendSystemMail: openSystemMail(config.systemMail),
    security: new SecurityFindings(findInsecureSettings(config, folder.problems)),
    verifyMailbox: (login) => smtp.verify(login),
    wake() {
      driver?.wake();
      // Redis wakes the others where there is one.
      if (redisUrl === null) store.bell.ring();
    },
    redis: redisUrl === null ? null : { ping: () => driver?.ping() ?? Promise.reject(new Error("not started yet")) },
  };
  return {
    deps,
    engine,
    identity: createIdentity({ store: ofRequests, config, clock, log, secret: key }),
    async startDelivery(roles) {
      const own = roles.has("worker") ? engine : null;
      // The lock says that no other process works on this file; on Postgres another replica may, and its leases decide.
      await own?.recover(dialect === "sqlite");
      // The same on all replicas, and nobody else's: several installations may share one Redis.
      const namespace = post.signer.sign("redis").slice(0, 12);
      if (redisUrl !== null) {
        driver = await startBullmq(own, { redisUrl, namespace, read: store.read, clock, log, ring: store.bell.ring });
      } else if (own !== null) driver = startEmbedded(own, clock, log);
      if (own !== null) store.bell.onRing(() => driver?.wake());
    },
    async drain(within) {
      engine.stop();
      await driver?.close(within);
    },
    refuseWrites: ofRequests.refuseWrites,
    async breakOffSends(within) {
      await channel.close();
      if (channel !== smtp) await smtp.close();
      if (engine.onItsWay > 0) await drainWithin(engine, log, within);
    },
    async close() {
      await store.close();
      unlock();
    },
  };
}

async function simulatorChannel(options: Parameters<typeof import("./simulator/live.ts").liveWorld>[0]) {
  const { liveWorld } = await import("./simulator/live.ts");
  return liveWorld(options);
}
