import { dialect } from "../db/dialect.ts";
import type { Store } from "../db/store.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import { startBullmq } from "../modules/delivery/bullmq.ts";
import type { Driver } from "../modules/delivery/driver.ts";
import { startEmbedded } from "../modules/delivery/embedded.ts";
import type { Engine } from "../modules/delivery/engine.ts";
import type { Roles } from "./roles.ts";

interface DeliveryOptions {
  engine: Engine;
  store: Store;
  clock: Clock;
  log: Log;
  redisUrl: string | null;
  /** Prefix of all keys in Redis: the same on all replicas, and different for every installation. */
  namespace: string;
}

/** Connects the engine of this process to its queue: the embedded one, or BullMQ where Redis is configured. */
export class Delivery {
  readonly #options: DeliveryOptions;
  #driver: Driver | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Rescues what a dead worker left and sends what is due from now on; a process without the role wakes workers. */
  async start(roles: Roles): Promise<void> {
    const { store, clock, log, redisUrl, namespace } = this.#options;
    const engine = roles.has("worker") ? this.#options.engine : null;
    // On SQLite the lock says that no other process works on this file. On Postgres the leases of claims decide.
    await engine?.rescue(dialect === "sqlite");
    if (redisUrl !== null) {
      const { read, notifier } = store;
      const options = { redisUrl, namespace, read, clock, log, notifyWorkers: notifier.notify };
      this.#driver = await startBullmq(engine, options);
    } else if (engine !== null) this.#driver = startEmbedded(engine, clock, log);
    if (engine !== null) store.notifier.subscribe(() => this.#driver?.wake());
  }

  /** Wakes the worker of this process and of others. */
  wake(): void {
    this.#driver?.wake();
    // Redis wakes other processes where there is one.
    if (this.#options.redisUrl === null) this.#options.store.notifier.notify();
  }

  /** Resolves while Redis answers. */
  ping(): Promise<void> {
    return this.#driver?.ping() ?? Promise.reject(new Error("not started yet"));
  }

  /** Claims nothing more, and waits up to `within` milliseconds for messages being sent to be settled. */
  async drain(within: number): Promise<void> {
    this.#options.engine.stop();
    await this.#driver?.close(within);
  }
}
