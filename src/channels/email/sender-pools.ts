import type { MailLogin } from "../channel.ts";
import { SmtpPool } from "./smtp-pool.ts";
import type { SmtpSession } from "./smtp-session.ts";

/** Maximum senders with open connections at the same time. */
const MAX_POOLS = 500;

interface SenderPoolsOptions {
  /** Connects and logs in. */
  open: (login: MailLogin) => Promise<SmtpSession>;
  /** Maximum concurrent connections of one sender. */
  size: number;
  /** Milliseconds after which an unused connection is closed. */
  idleMilliseconds: number;
}

/** Keeps a pool of connections for each sender that is in use. */
export class SenderPools {
  readonly #options: SenderPoolsOptions;
  /** Pools by sender, the least recently used first. */
  readonly #pools = new Map<string, { pool: SmtpPool; login: string }>();
  /** The pools by sender and the retired pools that are still sending. */
  readonly #openPools = new Set<SmtpPool>();

  constructor(options: SenderPoolsOptions) {
    this.#options = options;
  }

  /** Gets or creates the pool of a sender, a new one when its login has changed; null when all pools are busy. */
  get(senderId: string, login: MailLogin): SmtpPool | null {
    const serialized = JSON.stringify(login);
    const known = this.#pools.get(senderId);
    this.#pools.delete(senderId);
    if (known?.login === serialized) {
      this.#pools.set(senderId, known);
      return known.pool;
    }
    known?.pool.retire();
    if (this.#pools.size >= MAX_POOLS && !this.#retireIdlePool()) return null;
    const pool = this.#create(senderId, login);
    this.#pools.set(senderId, { pool, login: serialized });
    return pool;
  }

  /** Closes all connections now, those of retired pools included. */
  close(): void {
    for (const pool of [...this.#openPools]) pool.close();
  }

  #create(senderId: string, login: MailLogin): SmtpPool {
    const { open, size, idleMilliseconds } = this.#options;
    const pool: SmtpPool = new SmtpPool({
      open: () => open(login),
      size,
      idleMilliseconds,
      onEmpty: () => {
        this.#openPools.delete(pool);
        if (this.#pools.get(senderId)?.pool === pool) this.#pools.delete(senderId);
      },
    });
    this.#openPools.add(pool);
    return pool;
  }

  /** Retires the least recently used pool that is idle; false when there is none. */
  #retireIdlePool(): boolean {
    for (const [senderId, { pool }] of this.#pools) {
      if (pool.busy) continue;
      this.#pools.delete(senderId);
      pool.retire();
      return true;
    }
    return false;
  }
}
