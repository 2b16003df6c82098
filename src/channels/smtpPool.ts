import type { SmtpSession } from "./smtpSession.ts";

/** No connection was to be had, for reasons that are ours and not the server's. */
export class NotStarted extends Error {}

/** Many servers end a connection after this many mails, some rudely. */
const MAILS_PER_SESSION = 100;

interface Waiting {
  resolve(session: SmtpSession): void;
  reject(error: unknown): void;
}

export interface PoolOptions {
  /** Connects and logs in. */
  open: () => Promise<SmtpSession>;
  /** Connections at the same time. */
  size: number;
  /** Milliseconds after which an unused connection is closed. */
  idleMilliseconds: number;
  /** Runs when the last connection is gone and nobody waits for one. */
  onEmpty: () => void;
}

/**
 * The connections of one login. It knows connections, not mails: there is nothing in it that could be sent twice.
 */
export class SmtpPool {
  readonly #options: PoolOptions;
  readonly #sessions = new Set<SmtpSession>();
  /** The last one used is taken first, so that the others get old and are closed. */
  readonly #idle = new Map<SmtpSession, ReturnType<typeof setTimeout>>();
  readonly #waiting: Waiting[] = [];
  #opening = 0;
  #retired = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** True while a mail is in hand or waited for. */
  get busy(): boolean {
    return this.#opening > 0 || this.#waiting.length > 0 || this.#sessions.size > this.#idle.size;
  }

  /**
   * A connection, for one mail; every one taken is given back or closed.
   * @throws why none could be opened; NotStarted after `within` milliseconds of waiting for one that others use
   */
  async take(within: number): Promise<SmtpSession> {
    const idle = [...this.#idle.keys()].at(-1);
    if (idle !== undefined) {
      this.#wake(idle);
      return idle;
    }
    if (this.#sessions.size + this.#opening < this.#options.size) return this.#open();
    return this.#wait(within);
  }

  /** Back to the others, in a state to take the next mail. */
  give(session: SmtpSession): void {
    if (!this.#sessions.has(session)) return;
    const next = session.used < MAILS_PER_SESSION ? this.#waiting.shift() : undefined;
    if (next) next.resolve(session);
    else if (this.#retired || session.used >= MAILS_PER_SESSION) session.quit();
    else this.#keep(session);
  }

  /** No connection is kept any more; mails in hand or waiting still go out. */
  retire(): void {
    this.#retired = true;
    for (const session of [...this.#idle.keys()]) {
      this.#wake(session);
      session.quit();
    }
  }

  /** Ends everything now. Who waits learns that nothing was sent. */
  close(): void {
    this.#retired = true;
    this.#refuse(new NotStarted("the channel was closed"));
    for (const session of [...this.#sessions]) session.close();
  }

  #keep(session: SmtpSession): void {
    const timer = setTimeout(() => {
      this.#wake(session);
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
      session.onEnd(() => this.#forget(session));
      return session;
    } catch (error) {
      // The next to try would learn the same, one timeout later.
      this.#refuse(error);
      throw error;
    } finally {
      this.#opening -= 1;
      this.#checkEmpty();
    }
  }

  #wait(within: number): Promise<SmtpSession> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
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
        reject(new NotStarted("no connection became free in time"));
      }, within);
      this.#waiting.push(waiting);
    });
  }

  #forget(session: SmtpSession): void {
    this.#wake(session);
    this.#sessions.delete(session);
    if (this.#waiting.length === 0) {
      this.#checkEmpty();
      return;
    }
    // Who waited for this one gets another; should it fail, they have been told.
    this.#open().then(
      (another) => this.give(another),
      () => {},
    );
  }

  #wake(session: SmtpSession): void {
    clearTimeout(this.#idle.get(session));
    this.#idle.delete(session);
  }

  #refuse(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  #checkEmpty(): void {
    if (this.#sessions.size === 0 && !this.busy) this.#options.onEmpty();
  }
}
