import { join } from "node:path";
import { BackgroundWork } from "./background.ts";
import { openSystemMail } from "./channels/systemMail.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { dialect } from "./db/dialect.ts";
import { refusable } from "./db/refusable.ts";
import { startBullmq } from "./delivery/bullmq.ts";
import { drainWithin } from "./delivery/drain.ts";
import type { Driver } from "./delivery/driver.ts";
import { startEmbedded } from "./delivery/embedded.ts";
import { createEngine, type Engine } from "./delivery/engine.ts";
import type { Deps } from "./deps.ts";
import { openFiles } from "./files/open.ts";
import { createIdentity, type Identity } from "./identity/identity.ts";
import type { Log } from "./log.ts";
import { systemRandom } from "./random.ts";
import type { Roles } from "./roles.ts";
import { masterKey, openVault, signer } from "./secrets.ts";
import { SecurityFindings } from "./security/findings.ts";
import { findInsecureSettings } from "./security/settings.ts";
import { openChannels, SENDER_CONCURRENCY } from "./server/channels.ts";
import { checkFolder, type DatabaseWait, openDatabase } from "./server/database.ts";

/** Messages being sent at the same time by this process. */
const MAX_CONCURRENT_SENDS = 400;

/** Holds an open installation: its database, its engine and the dependencies of its routes. */
export interface Runtime {
  config: Config;
  deps: Deps;
  identity: Identity;
  engine: Engine;
  /** Rescues what a dead worker left and sends what is due from now on; a process without the role wakes workers. */
  startDelivery(roles: Roles): Promise<void>;
  /** Claims nothing more, and waits up to `within` milliseconds for messages being sent to be settled. */
  drain(within: number): Promise<void>;
  /** Lets requests and background work commit nothing from now on; the engine still settles. */
  refuseWrites(): void;
  /** Closes the connections of messages being sent, and settles what is known of them for up to `within` milliseconds. */
  breakOffSends(within: number): Promise<void>;
  /** Closes the database and unlocks the data folder. */
  close(): Promise<void>;
}

/** Opens everything that a service needs. Nothing is sent before `startDelivery`. */
export async function openRuntime(
  config: Config,
  log: Log,
  clock: Clock = systemClock,
  waiting?: DatabaseWait,
): Promise<Runtime> {
  const folderProblems = checkFolder(config, log);
  const key = masterKey(config.secret, config.dataDir);
  const crypto = { vault: openVault(key), signer: signer(key), publicUrl: config.publicUrl };
  const database = await openDatabase({ config, key, log, clock, waiting });
  const { store } = database;
  const channels = await openChannels({ config, store, clock, log });
  const engine = createEngine({
    ...crypto,
    store,
    channel: channels.channel,
    random: systemRandom,
    log,
    concurrency: MAX_CONCURRENT_SENDS,
    senderConcurrency: SENDER_CONCURRENCY,
  });
  const { redisUrl } = config;
  let driver: Driver | null = null;

  const requestStore = refusable(store);
  const deps: Deps = {
    ...crypto,
    config,
    store: requestStore,
    background: new BackgroundWork(),
    clock,
    log,
    channel: channels.channel,
    files: openFiles(config.s3, join(config.dataDir, "files")),
    random: systemRandom,
    sendSystemMail: openSystemMail(config.systemMail),
    security: new SecurityFindings(findInsecureSettings(config, folderProblems)),
    verifyMailbox: channels.verifyMailbox,
    wake() {
      driver?.wake();
      // Redis wakes other processes where there is one.
      if (redisUrl === null) store.bell.ring();
    },
    redis: redisUrl === null ? null : { ping: () => driver?.ping() ?? Promise.reject(new Error("not started yet")) },
  };
  return {
    config,
    deps,
    engine,
    identity: createIdentity({ store: requestStore, config, clock, log, secret: key }),
    async startDelivery(roles) {
      const ownEngine = roles.has("worker") ? engine : null;
      // On SQLite the lock says that no other process works on this file. On Postgres the leases of claims decide.
      await ownEngine?.recover(dialect === "sqlite");
      // The same on all replicas, and different for every installation: several may share one Redis.
      const namespace = crypto.signer.sign("redis").slice(0, 12);
      if (redisUrl !== null) {
        const { read, bell } = store;
        driver = await startBullmq(ownEngine, { redisUrl, namespace, read, clock, log, ring: bell.ring });
      } else if (ownEngine !== null) driver = startEmbedded(ownEngine, clock, log);
      if (ownEngine !== null) store.bell.onRing(() => driver?.wake());
    },
    async drain(within) {
      engine.stop();
      await driver?.close(within);
    },
    refuseWrites: requestStore.refuseWrites,
    async breakOffSends(within) {
      await channels.close();
      if (engine.onItsWay > 0) await drainWithin(engine, log, within);
    },
    close: database.close,
  };
}
