import { join } from "node:path";
import { openSystemMail } from "../channels/email/system-mail.ts";
import { createRefusableStore } from "../db/refusable-store.ts";
import { BackgroundTasks } from "../lib/background-tasks.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { masterKey, openVault, signer } from "../lib/crypto/secrets.ts";
import type { Log } from "../lib/logger.ts";
import { systemRandom } from "../lib/random.ts";
import { openStorage } from "../lib/storage/open.ts";
import { drainWithin } from "../modules/delivery/drain.ts";
import { createEngine, type Engine } from "../modules/delivery/engine.ts";
import type { Deps } from "../modules/deps.ts";
import { createIdentity, type Identity } from "../modules/identity/identity.ts";
import { SecurityFindings } from "../modules/security/findings.ts";
import { openChannels, SENDER_CONCURRENCY } from "./channels.ts";
import type { Config } from "./config/config.ts";
import { checkFolder, type DatabaseWait, openDatabase } from "./database.ts";
import { Delivery } from "./delivery.ts";
import { findInsecureSettings } from "./insecure-settings.ts";
import type { Roles } from "./roles.ts";

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
  /** Refuses writes of requests and background work from now on; the engine still settles. */
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
  const namespace = crypto.signer.sign("redis").slice(0, 12);
  const delivery = new Delivery({ engine, store, clock, log, redisUrl, namespace });
  const requestStore = createRefusableStore(store);
  const deps: Deps = {
    ...crypto,
    config,
    store: requestStore,
    background: new BackgroundTasks(),
    clock,
    log,
    channel: channels.channel,
    files: openStorage(config.s3, join(config.dataDir, "files")),
    random: systemRandom,
    sendSystemMail: openSystemMail(config.systemMail),
    security: new SecurityFindings(findInsecureSettings(config, folderProblems)),
    verifyMailbox: channels.verifyMailbox,
    wake: () => delivery.wake(),
    redis: redisUrl === null ? null : { ping: () => delivery.ping() },
  };
  return {
    config,
    deps,
    engine,
    identity: createIdentity({ store: requestStore, config, clock, log, secret: key }),
    startDelivery: (roles) => delivery.start(roles),
    drain: (within) => delivery.drain(within),
    refuseWrites: requestStore.refuseWrites,
    async breakOffSends(within) {
      await channels.close();
      if (engine.unsettled > 0) await drainWithin(engine, log, within);
    },
    close: database.close,
  };
}
