import { join } from "node:path";
import { lateSmtp } from "./channels/lateSmtp.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { indexOlderContacts } from "./contacts/reindex.ts";
import { sealOlder } from "./credits/sealOlder.ts";
import { dialect } from "./db/dialect.ts";
import { lockDataDir } from "./db/lock.ts";
import { openStore } from "./db/open.ts";
import { startBullmq } from "./delivery/bullmq.ts";
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
import { masterKey, openVault, signer } from "./secrets.ts";

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
  /** Claims nothing more, lets what is on its way come back for at most `within` milliseconds, and closes everything. */
  close(within: number): Promise<void>;
}

/** For a start that may come before that of Postgres. */
export interface Waiting {
  /** Ends the waiting. */
  signal: AbortSignal;
  /** Called when there is something to wait for. */
  begin(): void;
}

export async function openRuntime(
  config: Config,
  log: Log,
  clock: Clock = systemClock,
  waiting?: Waiting,
): Promise<Runtime> {
  const unlock = dialect === "sqlite" ? lockDataDir(config.dataDir) : () => {};
  const key = masterKey(config.secret, config.dataDir);
  const store = await openStore({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    poolSize: config.databasePool,
    clock,
    waiting: waiting?.signal,
    onChange(works, error) {
      if (works) log.info("database works");
      else log.warn("database does not work: requests are refused, and what is due waits", { reason: error });
      if (!works) waiting?.begin();
    },
  });
  const post = { vault: openVault(key), signer: signer(key), publicUrl: config.publicUrl };
  try {
    await expectNotMoving(store.read);
    await store.write((tx) => proveKey(tx, post.signer));
    await sealOlder(store);
    await indexOlderContacts(store);
  } catch (error) {
    await store.close();
    unlock();
    throw error;
  }
  const smtp = lateSmtp({
    allowPrivateHosts: config.allowPrivateSmtp,
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

  const deps: Deps = {
    ...post,
    config,
    store,
    clock,
    log,
    channel,
    files: openFiles(config.s3, join(config.dataDir, "files")),
    random: systemRandom,
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
    identity: createIdentity({ store, config, clock, log, secret: key }),
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
    async close(within) {
      await driver?.close(within);
      await channel.close();
      if (channel !== smtp) await smtp.close();
      await store.close();
      unlock();
    },
  };
}

async function simulatorChannel(options: Parameters<typeof import("./simulator/live.ts").liveWorld>[0]) {
  const { liveWorld } = await import("./simulator/live.ts");
  return liveWorld(options);
}
