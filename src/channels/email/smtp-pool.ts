import type { SmtpSession } from "./smtp-session.ts";

/** Reports that no connection was available, for reasons of this process and not of the server. */
export class NoConnectionError extends Error {}

/** Many servers close a connection after this many mails, some without a reply. */
const MAILS_PER_SESSION = 100;

interface Waiter {
  resolve(session: SmtpSession): void;
  reject(error: unknown): void;
}

interface PoolOptions {
  /** Connects and logs in. */
  open: () => Promise<SmtpSession>;
  /** Maximum concurrent connections. */
  size: number;
  /** Milliseconds after which an unused connection is closed. */
  idleMilliseconds: number;
  /** Is called when the last connection has closed and no mail waits for one. */
  onEmpty: () => void;
}

/**
 * Pools the connections of one login. It holds no mails, so it cannot send one twice.
 */
export class SmtpPool {
  readonly #options: PoolOptions;
  readonly #sessions = new Set<SmtpSession>();
  /** The last one used is taken first, so that the others reach their idle timeout. */
  readonly #idle = new Map<SmtpSession, ReturnType<typeof setTimeout>>();
  readonly #waiting: Waiter[] = [];
  #opening = 0;
  #retired = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** True while a mail is being sent or waits for a connection. */
  get busy(): boolean {
    return this.#opening > 0 || this.#waiting.length > 0 || this.#sessions.size > this.#idle.size;
  }

  /**
   * Takes a connection for one mail; the caller must return or close it.
   * @throws the error of opening it; NoConnectionError after `withinMs` of waiting for a free one
   */
  async acquire(withinMs: number): Promise<SmtpSession> {
    const idle = [...this.#idle.keys()].at(-1);
    if (idle !== undefined) {
      this.#unidle(idle);
      return idle;
    }
    if (this.#sessions.size + this.#opening < this.#options.size) return this.#open();
    return this.#wait(withinMs);
  }

  /** Returns a connection that is ready for the next mail. */
  release(session: SmtpSession): void {
    if (!this.#sessions.has(session)) return;
    const next = session.mailCount < MAILS_PER_SESSION ? this.#waiting.shift() : undefined;
    if (next) next.resolve(session);
    else if (this.#retired || session.mailCount >= MAILS_PER_SESSION) session.quit();
    else this.#keep(session);
  }

  /** Closes idle connections and those that become idle; current and waiting mails are still sent. */
  retire(): void {
    this.#retired = true;
    for (const session of [...this.#idle.keys()]) {
      this.#unidle(session);
      session.quit();
    }
  }

  /** Closes all connections now. Waiting mails fail with NoConnectionError. */
  close(): void {
    this.#retired = true;
    this.#rejectWaiters(new NoConnectionError("the channel was closed"));
    for (const session of [...this.#sessions]) session.close();
  }

  #keep(session: SmtpSession): void {
    const timer = setTimeout(() => {
      this.#unidle(session);
      session.quit();
    }, this.#options.idleMilliseconds);
    timer.unref();
    this.#idle.set(session, timer);
  }

  async #open(): Promise<SmtpSession> {
    this.#opening += 1;
    try {
      const session = await this.#options.open();
      this.#sessions.add(session);
      session.onEnd(() => this.#discard(session));
      return session;
    } catch (error) {
      // A further attempt would fail alike, one timeout later.
      this.#rejectWaiters(error);
      throw error;
    } finally {
      this.#opening -= 1;
      this.#checkEmpty();
    }
  }

  #wait(withinMs: number): Promise<SmtpSession> {
    return new Promise((resolve, reject) => {
      const waiting: Waiter = {
        resolve(session) {
          clearTimeout(timer);
          resolve(session);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new NoConnectionError("no connection was available in time"));
      }, withinMs);
      this.#waiting.push(waiting);
    });
  }

  #discard(session: SmtpSession): void {
    this.#unidle(session);
    this.#sessions.delete(session);
    if (this.#waiting.length === 0) {
      this.#checkEmpty();
      return;
    }
    // Opens another connection for the waiting mails; if that fails, `#open` has rejected them.
    this.#open().then(
      (another) => this.release(another),
      () => {},
    );
  }

  #unidle(session: SmtpSession): void {
    clearTimeout(this.#idle.get(session));
    this.#idle.delete(session);
  }

  #rejectWaiters(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  #checkEmpty(): void {
    if (this.#sessions.size === 0 && !this.busy) this.#options.onEmpty();
  }
}
